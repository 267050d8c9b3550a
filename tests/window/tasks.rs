//! A task list done by mouse alone, and by keyboard alone: from opening photos to a restart that finds everything again.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::app::{App, Start, Store};

use crate::bundles::fixture;
use crate::harness::{
    checked, in_repository, start, street, wait_for, wait_for_label, wait_for_masks, wait_for_text, window_of_size,
};

/// Large enough to show every control that the mouse needs.
const SIZE: [f32; 2] = [1500.0, 1700.0];

/// Two photos with ground truth beside them.
fn photos(folder: &Path) -> Vec<PathBuf> {
    let [images, labels] = ["images", "labels"].map(|below| folder.join(below));
    for below in [&images, &labels] {
        std::fs::create_dir(below).expect("a folder");
    }
    for name in ["a", "b"] {
        let truth = in_repository("assets/samples/street-labels.png");
        std::fs::copy(truth, labels.join(format!("{name}.png"))).expect("a copy");
    }
    ["a.jpg", "b.jpg"].map(|name| street(&images, name)).into()
}

fn window_at(folder: &Path, images: Vec<PathBuf>) -> Harness<'static, App> {
    let begin = Start {
        store: Some(Store::at(&folder.join("kept"))),
        images,
        ..start()
    };
    window_of_size(begin, SIZE)
}

/// Waits until the session file has a line.
fn wait_for_session(harness: &mut Harness<App>, folder: &Path, part: &str) {
    wait_for(harness, part, |_| {
        let text = std::fs::read_to_string(folder.join("kept/session.toml")).ok()?;
        text.contains(part).then_some(())
    });
}

/// Waits until a palette is in use.
fn wait_for_palette(harness: &mut Harness<App>, title: &str) {
    wait_for(harness, title, |h| {
        let list = h.query_by_role_and_label(Role::ComboBox, "Palette")?;
        (list.value()? == title).then_some(())
    });
}

/// The layer that the attention workspace shows.
fn layer(harness: &Harness<App>) -> Option<f64> {
    let slider = harness.get_by_role_and_label(Role::Slider, "Layer");
    slider.accesskit_node().numeric_value()
}

/// The files below a folder.
fn files(folder: &Path) -> usize {
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten();
    below
        .map(|entry| match entry.path().is_dir() {
            true => files(&entry.path()),
            false => 1,
        })
        .sum()
}

/// What the next start finds again.
fn find_everything_again(folder: &Path) {
    let mut harness = window_at(folder, Vec::new());
    wait_for_masks(&mut harness);
    harness.get_by_label_contains("Photo a.jpg, ");
    harness.get_by_label_contains("Photo b.jpg, ");
    wait_for_palette(&mut harness, "Okabe-Ito");
    assert!(harness.query_by_label("End solo").is_some(), "road alone");
    harness.key_press(Key::F4);
    wait_for_text(&mut harness, "Pane 3: ");
}

#[test]
fn the_task_list_is_done_by_mouse_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = photos(folder.path());
    let mut harness = window_at(folder.path(), images);
    wait_for_masks(&mut harness);
    let click = |harness: &mut Harness<App>, name: &str| {
        harness.get_by_label(name).click();
        harness.run_steps(3);
    };
    // Read a pixel.
    let canvas = harness.get_by_label("Photo canvas").rect();
    harness.hover_at(canvas.center());
    harness.drag_at(canvas.center());
    harness.drop_at(canvas.center());
    wait_for_text(&mut harness, "Unpin ");
    // Solo a class.
    let row = harness.get_by_role_and_label(Role::Button, "road").rect();
    harness.hover_at(row.center());
    harness.run_steps(2);
    click(&mut harness, "Show only road");
    wait_for_label(&mut harness, "End solo");
    // Change the palette.
    harness.get_by_role_and_label(Role::ComboBox, "Palette").click();
    harness.run_steps(3);
    click(&mut harness, "Okabe-Ito");
    wait_for_palette(&mut harness, "Okabe-Ito");
    // Follow one head over three layers.
    click(&mut harness, "Attention workspace");
    wait_for_label(&mut harness, "Head 2");
    click(&mut harness, "Looks at");
    click(&mut harness, "Head 2");
    click(&mut harness, "All heads");
    let layers = fixture::spec().encoder.layers().min(3);
    for number in 1..=layers {
        let name = format!("Layer {number}, head 2");
        wait_for(&mut harness, &name, |h| {
            h.query_by_role_and_label(Role::Button, &name).map(drop)
        });
        harness.get_by_role_and_label(Role::Button, &name).click();
        harness.run_steps(3);
        assert_eq!(layer(&harness), Some(number as f64));
        assert!(checked(&harness, "Head 2"));
        click(&mut harness, "All heads");
    }
    // Compare three decoders or more.
    click(&mut harness, "Compare workspace");
    wait_for_text(&mut harness, "Pane 3: ");
    wait_for_text(&mut harness, "% agree");
    // Score the folder.
    click(&mut harness, "Evaluate workspace");
    wait_for_label(&mut harness, "Score all photos");
    click(&mut harness, "Score all photos");
    wait_for_label(&mut harness, "2 of 2 scored");
    // Export four kinds of files.
    click(&mut harness, "Masks workspace");
    wait_for_masks(&mut harness);
    click(&mut harness, "Export…");
    wait_for_label(&mut harness, "Export 4 files");
    harness.get_by_role_and_label(Role::CheckBox, "Confidence").click();
    harness.run_steps(3);
    wait_for_label(&mut harness, "Export 5 files");
    click(&mut harness, "Export 5 files");
    let exported = folder.path().join("images/segscope");
    wait_for(&mut harness, "the files", |_| (files(&exported) == 5).then_some(()));
    wait_for_session(&mut harness, folder.path(), "panes");
    drop(harness);
    find_everything_again(folder.path());
}

#[test]
fn the_task_list_is_done_by_keyboard_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = photos(folder.path());
    let mut harness = window_at(folder.path(), vec![images[0].clone()]);
    wait_for_masks(&mut harness);
    let perform = |harness: &mut Harness<App>, text: &str| {
        harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
        wait_for_label(harness, "Find a command");
        harness.get_by_label("Find a command").type_text(text);
        harness.step();
        harness.key_press(Key::Enter);
        harness.run_steps(3);
    };
    // Open the other photo by its path. The palette finds the command.
    perform(&mut harness, "open a path");
    wait_for_label(&mut harness, "A photo, a folder of photos, or a model");
    while !harness.get_by_label("Path of photos, a folder or a model").is_focused() {
        harness.key_press(Key::Tab);
        harness.run_steps(2);
    }
    let path = images[1].display().to_string();
    harness
        .get_by_label("Path of photos, a folder or a model")
        .type_text(&path);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    wait_for_text(&mut harness, "Photo b.jpg, Done");
    // Read a pixel.
    harness.key_press(Key::R);
    wait_for_text(&mut harness, "Unpin ");
    // Solo a class, and change the palette.
    perform(&mut harness, "solo road");
    wait_for_label(&mut harness, "End solo");
    harness.key_press(Key::P);
    wait_for_palette(&mut harness, "Okabe-Ito");
    // Follow one head over three layers.
    harness.key_press(Key::F3);
    wait_for_label(&mut harness, "Head 2");
    for _ in 0..2 {
        harness.key_press(Key::Period);
        harness.run_steps(2);
    }
    let last = fixture::spec().encoder.layers();
    for number in (last.saturating_sub(2).max(1)..=last).rev() {
        assert_eq!(layer(&harness), Some(number as f64));
        assert!(checked(&harness, "Head 2"));
        harness.key_press(Key::OpenBracket);
        harness.run_steps(3);
    }
    // Compare, and score.
    harness.key_press(Key::F4);
    wait_for_text(&mut harness, "Pane 3: ");
    wait_for_text(&mut harness, "% agree");
    harness.key_press(Key::F6);
    wait_for_label(&mut harness, "2 of 2 photos have ground truth");
    perform(&mut harness, "score all");
    wait_for_label(&mut harness, "2 of 2 scored");
    // Export four kinds of files.
    harness.key_press(Key::F2);
    wait_for_masks(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    wait_for_label(&mut harness, "Export 4 files");
    wait_for(&mut harness, "the plan", |h| {
        (!h.get_by_label("Export 4 files").accesskit_node().is_disabled()).then_some(())
    });
    harness.key_press(Key::Enter);
    let exported = folder.path().join("images/segscope");
    wait_for(&mut harness, "the files", |_| (files(&exported) == 4).then_some(()));
    harness.key_press(Key::Escape);
    wait_for_session(&mut harness, folder.path(), "panes");
    drop(harness);
    find_everything_again(folder.path());
}
