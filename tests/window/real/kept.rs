//! Persisted settings and session, and recovery from damaged files.

use std::fs;

use toml::Value;

use super::program::wait_for;
use super::screen::{ROAD, Screen};
use super::stage::{Stage, in_repository};

/// Whether the panels have the brightness of the light theme.
fn is_light(screen: &Screen) -> bool {
    screen.panel().iter().all(|channel| *channel > 230)
}

fn is_dark(screen: &Screen) -> bool {
    screen.panel().iter().all(|channel| *channel < 60)
}

#[test]
fn settings_are_restored() {
    let Some(stage) = Stage::new() else { return };
    let image = stage.street("street.jpg");
    let mut program = stage.open(&[&image]);
    program.wait_for_masks("street.jpg");
    program.wait_for_screen("the dark theme", is_dark);
    program.perform("Light theme");
    program.wait_for_screen("the light theme", is_light);
    program.quit();
    assert_eq!(stage.setting("theme"), Some("light".into()));

    let mut program = stage.open(&[&image]);
    program.wait_for_masks("street.jpg");
    program.wait_for_screen("the light theme from the start", is_light);
    // After a kill too: the change has already been saved.
    program.perform("Larger interface");
    wait_for("the kept scale", || {
        (stage.setting("interface_scale")?.as_float()? > 1.05).then_some(())
    });
    program.kill();
    assert_eq!(stage.setting("theme"), Some("light".into()));
}

#[test]
fn the_session_survives_a_kill() {
    let Some(stage) = Stage::new() else { return };
    let images = [stage.street("a.jpg"), stage.street("b ü.jpg")];
    let model = in_repository("tests/golden/rstrudel-mask-p16");
    let mut arguments = vec!["--model".into(), model.clone().into_os_string()];
    arguments.extend(images.iter().map(|p| p.clone().into_os_string()));
    let mut program = stage.start(&arguments);
    program.wait_for_masks("a.jpg");
    program.press("Page_Down");
    let title = program.wait_for_drawn_masks("b ü.jpg");
    let place = ROAD.on(&program.screen());
    let unpointed = program.settled_middle();
    program.point_at(place);
    program.wait_for_screen("the highlighted region under the cursor", |screen| {
        screen.middle() != unpointed
    });
    program.press("h");
    // Any class may be predicted here.
    let hidden = wait_for("a hidden class in the session", || {
        let classes = stage.session("view.classes")?;
        let hides = |look: &Value| look["visible"] == false.into();
        Some(classes).filter(|c| c.as_table().is_some_and(|c| c.values().any(hides)))
    });
    program.point_at([2, 2]);
    let session = wait_for("the whole session", || {
        let kept = ["pictures", "current", "model", "view"].map(|key| stage.session(key));
        let expected = (
            Some(Value::Array(images.iter().map(|p| text(p)).collect())),
            Some(text(&images[1])),
            Some(text(&model)),
        );
        let [images, current, model, _] = kept.clone();
        ((images, current, model) == expected).then_some(kept)
    });
    let before = program.settled_middle();
    program.kill();

    let mut program = stage.start::<&str>(&[]);
    assert_eq!(program.wait_for_masks("b ü.jpg"), title);
    program.wait_for_screen("the photo as it was", |screen| screen.middle() == before);
    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
    wait_for("the photo before in the session", || {
        (stage.session("current")? == text(&images[0])).then_some(())
    });
    assert_eq!(stage.session("view.classes"), Some(hidden));
    assert_eq!(stage.session("pictures"), session[0]);
    assert_eq!(stage.session("model"), session[2]);
}

fn text(path: &std::path::Path) -> Value {
    Value::String(path.to_str().expect("UTF-8").to_owned())
}

/// Colour of warnings in the light theme.
const WARNING: [u8; 3] = [138, 90, 0];

#[test]
fn valid_keys_of_a_damaged_settings_file_are_kept() {
    let Some(stage) = Stage::new() else { return };
    let damaged = "theme = \"light\"\ninterface_scale = \"huge\"\n%%% no setting at all\nresult_memory_mib = 100\n";
    stage.set_settings(damaged);
    let mut program = stage.open(&[stage.street("street.jpg")]);
    // The messages name the invalid keys; tests in the parent folder check their text.
    program.wait_for_screen("the light theme and warnings", |screen| {
        is_light(screen) && screen.count(WARNING) > 3
    });
    let beside = stage.path("config/segscope/settings.toml.damaged");
    assert_eq!(fs::read_to_string(beside).expect("the file as it was"), damaged);
    program.wait_for_masks("street.jpg");
    // The next change writes a valid file that still has the valid keys.
    program.perform("Larger interface");
    wait_for("a sound file", || {
        (stage.setting("interface_scale")?.as_float()? > 1.05).then_some(())
    });
    assert_eq!(stage.setting("theme"), Some("light".into()));
    assert_eq!(stage.setting("result_memory_mib"), Some(100.into()));
    program.assert_alive();
}
