//! The compare workspace, on the sample picture: the decoders of one model, and the embedded models of all patch sizes.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::{App, Start};
use segscope::engine::{DecoderKind, Output};
use segscope::model::{Variant, published};
use segscope::photo::Photo;

use crate::harness::{
    checked, embedded, embedded_with_all, first_start, in_repository, mask, output, shows, start, street, wait_for,
    wait_for_label, wait_for_masks, wait_for_result, window_of_size,
};

/// The title of the pane of one of the decoders of the usual model, when there are no others.
fn pane(decoder: usize) -> String {
    format!("Pane {}: {}", decoder + 1, output(decoder))
}

/// The title of a pane of an embedded model.
fn pane_of_patch(place: usize, patch: usize) -> String {
    format!("Pane {place}: {}", embedded(patch))
}

/// Operations of a run of an embedded model over the sample, as the table has them.
fn operations(patch: usize) -> String {
    // With patch 8 its windows are half as wide, and there are more of them.
    let (window, windows) = if patch == 8 { (192, 12) } else { (384, 2) };
    let spec = published(Variant::Tiny, patch, &[DecoderKind::Mask], 11, window);
    let of_window = spec.operations(Output::default(), [window; 2]);
    format!("{:.1}", of_window * f64::from(windows) / 1e9)
}

fn workspace() -> Harness<'static, App> {
    let mut harness = window_of_size(start(), [1400.0, 900.0]);
    wait_for_masks(&mut harness);
    enter(&mut harness);
    harness
}

/// Opens the workspace: the five decoders of the model beside each other.
fn enter(harness: &mut Harness<App>) {
    harness.key_press(Key::F4);
    wait_for_label(harness, &pane(0));
    wait_for_label(harness, &pane(4));
}

/// The window as somebody sees it who has chosen nothing.
fn with_embedded_model() -> Harness<'static, App> {
    let mut harness = window_of_size(first_start(), [1400.0, 900.0]);
    wait_for_result(&mut harness, &embedded(16));
    harness
}

/// The patch sizes alone: the workspace has not been opened before.
fn patch_sizes() -> Harness<'static, App> {
    let mut harness = with_embedded_model();
    ask_for_patch_sizes(&mut harness);
    wait_for_label(&mut harness, &pane_of_patch(3, 8));
    wait_for_agreement(&mut harness, 2);
    harness
}

/// Asks for them by the palette, wherever one is.
fn ask_for_patch_sizes(harness: &mut Harness<App>) {
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(harness, "Find a command");
    harness.get_by_label("Find a command").type_text("patch sizes");
    harness.step();
    harness.key_press(Key::Enter);
}

/// Waits until this many panes have been compared with the reference.
fn wait_for_agreement(harness: &mut Harness<App>, panes: usize) {
    wait_for(harness, "comparisons", |h| {
        (h.query_all_by_label_contains("% agree").count() == panes).then_some(())
    });
}

/// What a list shows while it is closed.
fn chosen(harness: &Harness<App>, list: &str) -> String {
    let list = harness.get_by_role_and_label(Role::ComboBox, list);
    list.value().unwrap_or_default()
}

#[test]
fn all_patch_sizes_come_with_one_command_the_cheapest_first() {
    let mut harness = with_embedded_model();
    ask_for_patch_sizes(&mut harness);
    let panes = |h: &Harness<App>| {
        let names = [(1, 32), (2, 16), (3, 8)].map(|(place, patch)| pane_of_patch(place, patch));
        names.map(|name| h.query_by_label(&name).is_some()).to_vec()
    };
    let mut seen = Vec::new();
    let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
    while seen.last() != Some(&vec![true; 3]) {
        assert!(std::time::Instant::now() < deadline, "{seen:?}");
        harness.step();
        let now = panes(&harness);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // Patch 8 is not opened before 32 has been.
    assert!(seen.iter().all(|panes| panes[0] || !panes[2]), "{seen:?}");
    wait_for_agreement(&mut harness, 2);
    // Operations of each, in the table.
    for patch in [32, 16, 8] {
        harness.get_by_label(&operations(patch));
    }
}

#[test]
fn patch_sizes_join_the_panes_that_are_there_and_the_output_in_use_stays() {
    let mut harness = with_embedded_model();
    harness.key_press(Key::F4);
    wait_for_label(&mut harness, &pane_of_patch(1, 16));
    wait_for_agreement(&mut harness, 4);
    harness.get_by_label("Patch sizes").click();
    wait_for_label(&mut harness, &pane_of_patch(7, 8));
    wait_for_agreement(&mut harness, 6);
    harness.get_by_label(&pane_of_patch(1, 16));
    assert!(harness.query_by_label_contains("Pane 5: SETR-MLA").is_some());
    harness.get_by_label(&pane_of_patch(6, 32));
    assert_eq!(chosen(&harness, "Reference"), embedded(16));
    // They are there: nothing is added twice.
    harness.get_by_label("Patch sizes").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("Pane 8").is_none());
    harness.get_by_label("Remove pane 7").click();
    wait_for(&mut harness, "six panes", |h| {
        h.query_by_label_contains("Pane 7").is_none().then_some(())
    });
    harness.key_press(Key::F2);
    wait_for_result(&mut harness, &embedded(16));
    assert!(!shows(&harness, &embedded(8)));
}

#[test]
fn another_pane_becomes_the_reference_and_panes_can_go() {
    let mut harness = workspace();
    wait_for_agreement(&mut harness, 4);
    assert_eq!(chosen(&harness, "Reference"), mask());
    let second = output(1);
    harness.get_by_label(&format!("Compare with pane 2: {second}")).click();
    harness.run_steps(2);
    assert_eq!(chosen(&harness, "Reference"), second);
    wait_for_agreement(&mut harness, 4);
    harness.get_by_label("Remove pane 1").click();
    wait_for_label(&mut harness, &format!("Pane 1: {second}"));
    assert_eq!(chosen(&harness, "Reference"), second);
    assert!(harness.query_by_label_contains("Pane 5").is_none());
    // It comes back from the menu.
    harness.get_by_label("Add a pane").click();
    harness.run_steps(2);
    harness.get_by_label("Photo").click();
    wait_for_label(&mut harness, "Pane 5: Photo");
}

#[test]
fn the_wipe_shows_two_panes_in_one_place() {
    let mut harness = workspace();
    wait_for_agreement(&mut harness, 4);
    let sides = |left: usize, right: usize| format!("{} left of the line, {} right of it", output(left), output(right));
    harness.key_press(Key::W);
    wait_for_label(&mut harness, &sides(0, 1));
    let line = harness.get_by_label("Line between the two");
    let before = line.rect().center();
    line.focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowLeft);
    harness.run_steps(2);
    let after = harness.get_by_label("Line between the two").rect().center();
    assert!(after.x < before.x && after.y == before.y, "{before} {after}");
    let to = after - egui::vec2(120.0, 0.0);
    harness.hover_at(after);
    harness.drag_at(after);
    harness.hover_at(to);
    harness.run_steps(2);
    harness.drop_at(to);
    harness.run_steps(2);
    let dragged = harness.get_by_label("Line between the two").rect().center();
    assert!((dragged.x - to.x).abs() < 12.0, "{dragged} {to}");
    harness.get_by_label("Swap").click();
    wait_for_label(&mut harness, &sides(1, 0));
    harness.key_press(Key::W);
    wait_for_label(&mut harness, &pane(0));
}

#[test]
fn stopping_stays_stopped_until_it_is_wanted_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_of_size(
        Start {
            pictures: vec![street(folder.path(), "a.jpg")],
            ..first_start()
        },
        [1400.0, 900.0],
    );
    // Not the small model: its run could be over before it is stopped.
    let title = embedded(16);
    wait_for_result(&mut harness, &title);
    harness.key_press(Key::F4);
    // So that the run below is the only one.
    wait_for_agreement(&mut harness, 4);
    // Twelve passes, which take a while.
    harness.get_by_label("Add a pane").click();
    harness.run_steps(2);
    harness.get_by_label("Multi-scale and flip").click();
    harness.run_steps(3);
    // One more is in the menu above, greyed out.
    let entries = harness.query_all_by_role_and_label(Role::Button, &title);
    entries.last().expect("the entry of the submenu").click();
    wait_for_label(&mut harness, &format!("Pane 6: {title}, multi-scale"));
    wait_for(&mut harness, "a run", |h| {
        h.query_by_role_and_label(Role::ProgressIndicator, "Progress").map(drop)
    });
    harness.key_press(Key::Escape);
    wait_for_label(&mut harness, "Stopped");
    harness.get_by_label("Go on").click();
    wait_for_agreement(&mut harness, 5);
    assert!(checked(&harness, "Table"));
}

#[test]
fn another_picture_fills_the_panes_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = Photo::open(&in_repository("assets/samples/street.jpg")).expect("the sample");
    let small = segscope::export::png(&small.resized(320, 240)).expect("a PNG");
    let second = folder.path().join("b.png");
    std::fs::write(&second, small).expect("a file");
    let pictures = vec![street(folder.path(), "a.jpg"), second];
    let begin = Start {
        pictures,
        ..first_start()
    };
    let mut harness = window_of_size(begin, [1400.0, 900.0]);
    wait_for_result(&mut harness, &embedded(16));
    ask_for_patch_sizes(&mut harness);
    wait_for_label(&mut harness, &pane_of_patch(3, 8));
    wait_for_agreement(&mut harness, 2);
    // The first picture needs two windows with patch 16.
    let operations = operations(16);
    harness.get_by_label(&operations);
    harness.key_press(Key::PageDown);
    wait_for(&mut harness, "the other picture's operations", |h| {
        h.query_by_label(&operations).is_none().then_some(())
    });
    wait_for_agreement(&mut harness, 2);
    // Back again, from what is kept.
    harness.key_press(Key::PageUp);
    wait_for_label(&mut harness, &operations);
    wait_for_agreement(&mut harness, 2);
}

#[test]
fn a_closed_model_takes_its_pane_along() {
    let mut harness = patch_sizes();
    let title = embedded_with_all();
    harness.get_by_label_contains(&format!("Model: {title}")).click();
    harness.run_steps(2);
    harness.get_by_label(&format!("Close {title}")).click();
    wait_for(&mut harness, "two panes", |h| {
        h.query_by_label_contains("Pane 3").is_none().then_some(())
    });
    wait_for_label(&mut harness, &pane_of_patch(2, 8));
    assert_eq!(chosen(&harness, "Reference"), embedded(32));
}

#[test]
fn class_keys_act_on_the_pane_under_the_cursor() {
    let mut harness = workspace();
    wait_for_agreement(&mut harness, 4);
    let pane = harness.get_by_label(&pane(1)).rect();
    // The photo is in the middle, four to three; road is in its lower part.
    let height = pane.height().min(pane.width() * 0.75);
    harness.hover_at(pane.center() + egui::vec2(0.0, height * 0.3));
    harness.run_steps(3);
    assert!(checked(&harness, "Show road"));
    harness.key_press(Key::H);
    harness.run_steps(2);
    assert!(!checked(&harness, "Show road"));
}
