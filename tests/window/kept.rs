//! Settings and session, which the next start restores.

use std::fs;
use std::path::Path;

use egui::{Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::{App, Start, Store};

use crate::harness::{
    checked, start, street, wait_for, wait_for_done, wait_for_label, wait_for_masks, wait_for_text, window,
};

fn window_at(folder: &Path, images: Vec<std::path::PathBuf>) -> Harness<'static, App> {
    let mut harness = window(Start {
        store: Some(Store::at(folder)),
        images,
        ..start()
    });
    wait_for_masks(&mut harness);
    harness
}

/// Draws frames until a file contains this line.
fn wait_for_line(harness: &mut Harness<App>, file: &Path, line: &str) {
    wait_for(harness, line, |_| {
        let text = fs::read_to_string(file).ok()?;
        text.lines().any(|other| other == line).then_some(())
    });
}

#[test]
fn the_theme_changes_at_once_and_is_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_at(folder.path(), Vec::new());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    // A new window finds its size and place in its first frames.
    harness.run_steps(5);
    for (theme, line) in [(Theme::Light, "theme = \"light\""), (Theme::Dark, "theme = \"dark\"")] {
        harness.get_by_label(&format!("{theme:?} theme")).click();
        wait_for(&mut harness, "the theme", |h| (h.ctx.theme() == theme).then_some(()));
        wait_for_line(&mut harness, &folder.path().join("settings.toml"), line);
    }
    harness.get_by_label("Light theme").click();
    wait_for_line(&mut harness, &folder.path().join("settings.toml"), "theme = \"light\"");
    harness.key_press(Key::Escape);
    wait_for(&mut harness, "the closed settings", |h| {
        h.query_by_label("Light theme").is_none().then_some(())
    });
    drop(harness);
    // The harness sets the theme of each new window, so the settings page is checked instead.
    let mut harness = window_at(folder.path(), Vec::new());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    assert!(checked(&harness, "Light theme") && !checked(&harness, "Dark theme"));
}

#[test]
fn a_session_is_saved_on_every_change_and_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name));
    let session = folder.path().join("session.toml");
    let mut harness = window_at(folder.path(), images.to_vec());
    // Each change is written a second after the previous one, while frames are drawn.
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
    harness.get_by_label("Next photo").click();
    let current = format!("current = {:?}", images[1].to_str().expect("UTF-8"));
    wait_for_line(&mut harness, &session, &current);
    wait_for_done(&mut harness, "b.jpg");
    drop(harness);

    let mut harness = window_at(folder.path(), Vec::new());
    wait_for_done(&mut harness, "b.jpg");
    assert!(harness.query_by_label("2 of 2").is_some());
    assert!(!checked(&harness, "Show car") && checked(&harness, "Show road"));
    // Images on the command line replace those of the session, but the view is kept.
    drop(harness);
    let mut harness = window_at(folder.path(), vec![images[0].clone()]);
    wait_for_label(&mut harness, "1 of 1");
    assert!(!checked(&harness, "Show car"));
}

#[test]
fn each_damaged_key_of_the_settings_file_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let damaged = "theme = \"light\"\ninterface_scale = \"huge\"\n%%% no setting at all\n";
    fs::write(folder.path().join("settings.toml"), damaged).expect("a file");
    let mut harness = window(Start {
        store: Some(Store::at(folder.path())),
        ..start()
    });
    wait_for_label(&mut harness, "Details");
    // The message moves up when others appear, so a click may miss it.
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
        "the original file was saved: ",
    ] {
        wait_for_text(&mut harness, told);
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    wait_for_label(&mut harness, "Light theme");
    assert!(checked(&harness, "Light theme"), "the valid key applies");
}
