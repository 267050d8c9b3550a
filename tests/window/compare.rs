//! The compare workspace on the sample image, with the decoders of one model and the embedded models of all patch
//! sizes.

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

/// The title of the pane of a decoder of the fixture model, where there are no other panes.
fn pane(decoder: usize) -> String {
    format!("Pane {}: {}", decoder + 1, output(decoder))
}

/// The title of a pane of an embedded model.
fn pane_of_patch(place: usize, patch: usize) -> String {
    format!("Pane {place}: {}", embedded(patch))
}

/// Operations of a run of an embedded model over the sample, as shown in the table.
fn operations(patch: usize) -> String {
    // With patch size 8, windows are half as wide, so there are more of them.
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

/// Opens the workspace, which shows the five decoders of the model side by side.
fn enter(harness: &mut Harness<App>) {
    harness.key_press(Key::F4);
    wait_for_label(harness, &pane(0));
    wait_for_label(harness, &pane(4));
}

/// The window at the first start, without any settings.
fn with_embedded_model() -> Harness<'static, App> {
    let mut harness = window_of_size(first_start(), [1400.0, 900.0]);
    wait_for_result(&mut harness, &embedded(16));
    harness
}

/// The workspace with the patch sizes only, because it has not been opened before.
fn patch_sizes() -> Harness<'static, App> {
    let mut harness = with_embedded_model();
    ask_for_patch_sizes(&mut harness);
    wait_for_label(&mut harness, &pane_of_patch(3, 8));
    wait_for_agreement(&mut harness, 2);
    harness
}

/// Opens all patch sizes with the command palette, which works in every workspace.
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

/// The selected entry of a list.
fn chosen(harness: &Harness<App>, list: &str) -> String {
    let list = harness.get_by_role_and_label(Role::ComboBox, list);
    list.value().unwrap_or_default()
}

#[test]
fn one_command_opens_all_patch_sizes_cheapest_first() {
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
    // Patch size 8 is not opened before 32.
    assert!(seen.iter().all(|panes| panes[0] || !panes[2]), "{seen:?}");
    wait_for_agreement(&mut harness, 2);
    // The table shows the operations of each.
    for patch in [32, 16, 8] {
        harness.get_by_label(&operations(patch));
    }
}

#[test]
fn patch_sizes_are_added_to_existing_panes_and_the_current_output_stays() {
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
    // Existing panes are not added twice.
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
fn panes_can_become_the_reference_or_be_removed() {
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
    // The menu adds a pane again.
    harness.get_by_label("Add a pane").click();
    harness.run_steps(2);
    harness.get_by_label("Bare photo").click();
    wait_for_label(&mut harness, "Pane 5: Bare photo");
}

#[test]
fn the_wipe_splits_one_view_between_two_panes() {
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
fn a_stopped_run_stays_stopped_until_it_is_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_of_size(
        Start {
            images: vec![street(folder.path(), "a.jpg")],
            ..first_start()
        },
        [1400.0, 900.0],
    );
    // The embedded model, because a run of the fixture model could end before it is stopped.
    let title = embedded(16);
    wait_for_result(&mut harness, &title);
    harness.key_press(Key::F4);
    // The run below must be the only one.
    wait_for_agreement(&mut harness, 4);
    // Twelve passes take long enough to be stopped.
    harness.get_by_label("Add a pane").click();
    harness.run_steps(2);
    harness.get_by_label("Test-time augmentation").click();
    harness.run_steps(3);
    // The parent menu has another entry with this title, which is disabled.
    let entries = harness.query_all_by_role_and_label(Role::Button, &title);
    entries.last().expect("the entry of the submenu").click();
    wait_for_label(&mut harness, &format!("Pane 6: {title}, multi-scale"));
    wait_for(&mut harness, "a run", |h| {
        h.query_by_role_and_label(Role::ProgressIndicator, "Progress").map(drop)
    });
    harness.key_press(Key::Escape);
    wait_for_label(&mut harness, "Stopped");
    harness.get_by_label("Resume").click();
    wait_for_agreement(&mut harness, 5);
    assert!(checked(&harness, "Table"));
}

#[test]
fn panes_are_updated_for_another_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = Photo::open(&in_repository("assets/samples/street.jpg")).expect("the sample");
    let small = segscope::export::png(&small.resized(320, 240)).expect("a PNG");
    let second = folder.path().join("b.png");
    std::fs::write(&second, small).expect("a file");
    let images = vec![street(folder.path(), "a.jpg"), second];
    let begin = Start {
        images,
        ..first_start()
    };
    let mut harness = window_of_size(begin, [1400.0, 900.0]);
    wait_for_result(&mut harness, &embedded(16));
    ask_for_patch_sizes(&mut harness);
    wait_for_label(&mut harness, &pane_of_patch(3, 8));
    wait_for_agreement(&mut harness, 2);
    // The first image needs two windows with patch size 16.
    let operations = operations(16);
    harness.get_by_label(&operations);
    harness.key_press(Key::PageDown);
    wait_for(&mut harness, "the other photo's operations", |h| {
        h.query_by_label(&operations).is_none().then_some(())
    });
    wait_for_agreement(&mut harness, 2);
    // Going back uses the cached results.
    harness.key_press(Key::PageUp);
    wait_for_label(&mut harness, &operations);
    wait_for_agreement(&mut harness, 2);
}

#[test]
fn closing_a_model_closes_its_pane() {
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
    // The photo is centred, with an aspect ratio of 4:3. The road is in its lower part.
    let height = pane.height().min(pane.width() * 0.75);
    harness.hover_at(pane.center() + egui::vec2(0.0, height * 0.3));
    harness.run_steps(3);
    assert!(checked(&harness, "Show road"));
    harness.key_press(Key::H);
    harness.run_steps(2);
    assert!(!checked(&harness, "Show road"));
}
