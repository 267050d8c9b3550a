//! The attention workspace, on the sample image.

use egui::{Key, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::app::{App, Start};

use crate::bundles::fixture;
use crate::harness::{checked, start, street, wait_for, wait_for_label, wait_for_masks, wait_for_text, window_of_size};

fn workspace() -> Harness<'static, App> {
    let mut harness = window_of_size(start(), [1280.0, 900.0]);
    wait_for_masks(&mut harness);
    harness.key_press(Key::F3);
    wait_for_label(&mut harness, "Head 3");
    // At first, patches that resemble the query are shown.
    assert!(checked(&harness, "Similar"));
    harness.get_by_label("Mean").click();
    harness.run_steps(2);
    harness
}

/// The selected entry of the query list.
fn query(harness: &Harness<App>) -> String {
    let list = harness.get_by_role_and_label(egui::accesskit::Role::ComboBox, "From");
    list.value().unwrap_or_default()
}

#[test]
fn heads_layers_and_directions_can_be_chosen() {
    let mut harness = workspace();
    wait_for_text(&mut harness, "goes to the class token (not shown)");
    assert!(!checked(&harness, "Head 2"));
    harness.get_by_label("Head 2").click();
    harness.run_steps(2);
    assert!(checked(&harness, "Head 2"));
    harness.key_press(Key::Period);
    harness.run_steps(2);
    assert!(checked(&harness, "Head 3"));
    harness.get_by_label("Seen by").click();
    harness.run_steps(2);
    // Columns have no sum.
    wait_for(&mut harness, "a column", |h| {
        h.query_by_label_contains("(not shown)").is_none().then_some(())
    });
    harness.get_by_label("Looks at").click();
    harness.get_by_label("Decoder").click();
    wait_for_text(&mut harness, "goes to class tokens (not shown)");
    harness.key_press(Key::OpenBracket);
    harness.run_steps(2);
    harness.get_by_label("Rollout").click();
    wait_for_text(&mut harness, "Drop weakest");
    harness.key_press(Key::F2);
    wait_for_label(&mut harness, "Show road");
}

#[test]
fn a_click_chooses_the_patch_and_the_matrix_opens_any_head() {
    let mut harness = workspace();
    let before = query(&harness);
    let canvas = harness.get_by_label("Photo canvas").rect();
    let at = pos2(canvas.left() + canvas.width() * 0.25, canvas.center().y);
    harness.hover_at(at);
    harness.drag_at(at);
    harness.drop_at(at);
    harness.hover_at(at);
    harness.run_steps(3);
    let after = query(&harness);
    assert!(
        after.starts_with("Patch in row ") && after != before,
        "{before} {after}"
    );
    // The patch under the cursor is the chosen one, and has the same name in the reading.
    wait_for_text(&mut harness, &format!("{after}: "));
    wait_for_text(&mut harness, "of the sum over all patches");
    harness.get_by_label("All heads").click();
    wait_for_label(&mut harness, "Layer 2, head 2");
    harness.get_by_label("Layer 2, head 2").click();
    harness.run_steps(3);
    // It opens alone.
    let tile = harness.query_by_role_and_label(egui::accesskit::Role::Button, "Layer 2, head 2");
    assert!(tile.is_none());
    assert!(checked(&harness, "Head 2") && checked(&harness, "One map"));
    let slider = harness.get_by_role_and_label(egui::accesskit::Role::Slider, "Layer");
    assert_eq!(slider.accesskit_node().numeric_value(), Some(2.0));
}

#[test]
fn the_decoder_shows_the_attention_on_each_class_token() {
    let mut harness = workspace();
    assert!(harness.query_by_label("On class tokens").is_none());
    harness.get_by_label("Decoder").click();
    wait_for_label(&mut harness, "On class tokens");
    harness.get_by_label("pavement");
    harness.get_by_label("Seen by").click();
    wait_for_label(&mut harness, "From class tokens");
}

#[test]
fn a_class_shows_what_its_token_gathers() {
    let mut harness = workspace();
    harness.get_by_label("Class").click();
    harness.run_steps(3);
    assert!(checked(&harness, "Class") && !checked(&harness, "Looks at"));
    assert!(!query(&harness).starts_with("Patch"), "{}", query(&harness));
    wait_for_text(&mut harness, "looks");
    harness.get_by_label("Looks at").click();
    harness.run_steps(3);
    assert!(query(&harness).starts_with("Patch"), "{}", query(&harness));
}

#[test]
fn encoder_and_decoder_remember_their_layer() {
    let mut harness = workspace();
    let layer = |harness: &Harness<App>| {
        let slider = harness.get_by_role_and_label(egui::accesskit::Role::Slider, "Layer");
        slider.accesskit_node().numeric_value()
    };
    // At first, the last layer is shown. The mask transformer has two.
    let last = Some(fixture::spec().encoder.layers() as f64);
    assert_eq!(layer(&harness), last);
    harness.get_by_label("Decoder").click();
    harness.run_steps(3);
    assert_eq!(layer(&harness), Some(2.0));
    harness.key_press(Key::OpenBracket);
    harness.run_steps(3);
    assert_eq!(layer(&harness), Some(1.0));
    harness.get_by_label("Encoder").click();
    harness.run_steps(3);
    assert_eq!(layer(&harness), last);
    harness.get_by_label("Decoder").click();
    harness.run_steps(3);
    assert_eq!(layer(&harness), Some(1.0));
}

#[test]
fn figures_of_heads_are_averaged_over_all_images() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).to_vec();
    let broken = folder.path().join("c.jpg");
    std::fs::write(&broken, "no photo").expect("a file");
    let images = [images, vec![broken]].concat();
    let mut harness = window_of_size(Start { images, ..start() }, [1280.0, 1600.0]);
    wait_for_masks(&mut harness);
    harness.key_press(Key::F3);
    wait_for_label(&mut harness, "Head 3");
    harness.get_by_label("Distance and entropy").click();
    wait_for_label(&mut harness, "All 3 photos");
    harness.get_by_label("All 3 photos").click();
    wait_for_label(&mut harness, "Mean over 2 photos");
    harness.get_by_label("Left out: 1");
}
