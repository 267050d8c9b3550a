//! Settings and session, from one window to the next.

use std::fs;
use std::path::Path;

use egui::{Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::{App, Start, Store};

use crate::harness::{
    checked, start, street, wait_for, wait_for_done, wait_for_label, wait_for_masks, wait_for_text, window,
};

fn window_at(folder: &Path, pictures: Vec<std::path::PathBuf>) -> Harness<'static, App> {
    let mut harness = window(Start {
        store: Some(Store::at(folder)),
        pictures,
        ..start()
    });
    wait_for_masks(&mut harness);
    harness
}

/// Draws frames until a file has this line.
fn wait_for_line(harness: &mut Harness<App>, file: &Path, line: &str) {
    wait_for(harness, line, |_| {
        let text = fs::read_to_string(file).ok()?;
        text.lines().any(|other| other == line).then_some(())
    });
}

#[test]
fn the_settings_change_the_theme_at_once_and_for_the_next_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_at(folder.path(), Vec::new());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    for (theme, line) in [(Theme::Light, "theme = \"light\""), (Theme::Dark, "theme = \"dark\"")] {
        harness.get_by_label(&format!("{theme:?} theme")).click();
        harness.run_steps(2);
        assert_eq!(harness.ctx.theme(), theme);
        wait_for_line(&mut harness, &folder.path().join("settings.toml"), line);
    }
    harness.get_by_label("Light theme").click();
    wait_for_line(&mut harness, &folder.path().join("settings.toml"), "theme = \"light\"");
    harness.key_press(Key::Escape);
    wait_for(&mut harness, "the closed settings", |h| {
        h.query_by_label("Light theme").is_none().then_some(())
    });
    drop(harness);
    // The harness gives each window its own theme at first, so that the page is asked.
    let mut harness = window_at(folder.path(), Vec::new());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    assert!(checked(&harness, "Light theme") && !checked(&harness, "Dark theme"));
}

#[test]
fn a_session_is_written_again_and_again_and_read_by_the_next_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name));
    let session = folder.path().join("session.toml");
    let mut harness = window_at(folder.path(), pictures.to_vec());
    // Each is written a second after the one before, while frames go on.
    for (click, line) in [
        (
            "Stripe the masks, each class in its own direction",
            "inside = \"hatching\"",
        ),
        ("Fill the masks", "inside = \"fill\""),
        ("Sort by name", "class_order = \"name\""),
        (
            "Stripe the masks, each class in its own direction",
            "inside = \"hatching\"",
        ),
    ] {
        harness.get_by_label(click).click();
        wait_for_line(&mut harness, &session, line);
    }
    harness.get_by_label("Show car").click();
    wait_for_line(&mut harness, &session, "[view.classes.car]");
    harness.get_by_label("Next picture").click();
    let current = format!("current = {:?}", pictures[1].to_str().expect("UTF-8"));
    wait_for_line(&mut harness, &session, &current);
    wait_for_done(&mut harness, "b.jpg");
    drop(harness);

    let mut harness = window_at(folder.path(), Vec::new());
    wait_for_done(&mut harness, "b.jpg");
    assert!(harness.query_by_label("2 of 2").is_some());
    assert!(!checked(&harness, "Show car") && checked(&harness, "Show road"));
    // Named pictures come in place of those of the session; how they are looked at stays.
    drop(harness);
    let mut harness = window_at(folder.path(), vec![pictures[0].clone()]);
    wait_for_label(&mut harness, "1 of 1");
    assert!(!checked(&harness, "Show car"));
}

#[test]
fn a_damaged_settings_file_is_told_key_by_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = "theme = \"light\"\ninterface_scale = \"huge\"\n%%% no setting at all\n";
    fs::write(folder.path().join("settings.toml"), damaged).expect("a file");
    let mut harness = window(Start {
        store: Some(Store::at(folder.path())),
        ..start()
    });
    wait_for_label(&mut harness, "Details");
    // The message moves up while others come; a click beside it opens nothing.
    for _ in 0..20 {
        let Some(details) = harness.query_by_label("Details") else {
            break;
        };
        details.click();
        harness.run_steps(5);
    }
    for told in [
        "for interface_scale, found \"huge\"; the default is used",
        "expected a setting in line 3, found %%% no setting at all",
        "the file as it was is kept: ",
    ] {
        wait_for_text(&mut harness, told);
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    assert!(checked(&harness, "Light theme"), "the good key holds");
}
