//! The section for inference settings and class names, and the effects of its settings.

use std::fs;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::app::{App, Start, Store};

use crate::harness::{
    checked, embedded, embedded_with_all, first_start, is_done, start, street, wait_for, wait_for_done, wait_for_label,
    wait_for_masks, wait_for_result, window, window_with,
};

/// The window with the sample, its masks and the open section.
fn section() -> Harness<'static, App> {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    open(&mut harness);
    harness
}

/// The same with the embedded model, whose runs take long enough to be observed.
fn section_of_slow_runs() -> Harness<'static, App> {
    let mut harness = window(first_start());
    wait_for_result(&mut harness, &embedded(16));
    open(&mut harness);
    harness
}

fn open(harness: &mut Harness<App>) {
    harness.get_by_label_contains("How the model runs").click();
    wait_for_label(harness, "Stride");
    harness.run_steps(20);
}

fn set(harness: &mut Harness<App>, name: &str, value: f64) {
    field(harness, name).set_value_accesskit(value);
    harness.run_steps(2);
}

fn field<'a>(harness: &'a Harness<App>, name: &'a str) -> egui_kittest::Node<'a> {
    harness.get_by_role_and_label(egui::accesskit::Role::SpinButton, name)
}

fn value(harness: &Harness<App>, name: &str) -> f64 {
    field(harness, name).accesskit_node().numeric_value().expect("a number")
}

/// Selects an entry of a list.
fn choose(harness: &mut Harness<App>, list: &str, entry: &str) {
    harness
        .get_by_role_and_label(egui::accesskit::Role::ComboBox, list)
        .click();
    wait_for_label(harness, entry);
    harness.get_by_label(entry).click();
    harness.run_steps(3);
}

#[test]
fn a_smaller_stride_starts_a_run_and_resetting_it_shows_the_cached_result() {
    let mut harness = section_of_slow_runs();
    // The reduced image has 512 x 384 pixels, in windows of 384.
    wait_for_label(&mut harness, "The masks come from 2 windows");
    set(&mut harness, "Stride", 32.0);
    wait_for_label(&mut harness, "Photo Sample street, Segmenting");
    wait_for_label(&mut harness, "The masks come from 5 windows");
    wait_for_label(&mut harness, "How the model runs (changed)");
    wait_for_done(&mut harness, "Sample street");
    harness.get_by_label("Reset to the model's settings").click();
    // The worker is not needed, so the result is shown after a few frames.
    harness.run_steps(3);
    assert!(harness.query_by_label("The masks come from 2 windows").is_some());
    assert!(is_done(&harness, "Sample street"));
    assert!(harness.query_by_label("How the model runs").is_some());
    assert_eq!(value(&harness, "Stride"), 352.0);
}

#[test]
fn a_stride_is_never_larger_than_the_window() {
    let mut harness = section();
    set(&mut harness, "Stride", 5000.0);
    assert_eq!(value(&harness, "Stride"), 384.0);
    set(&mut harness, "Window", 256.0);
    assert_eq!((value(&harness, "Window"), value(&harness, "Stride")), (256.0, 256.0));
    set(&mut harness, "Window", 1.0);
    assert_eq!(value(&harness, "Window"), 16.0, "one patch");
}

#[test]
fn a_dragged_value_is_applied_when_the_drag_ends() {
    let mut harness = section();
    let stride = field(&harness, "Stride").rect().center();
    harness.drag_at(stride);
    harness.step();
    harness.hover_at(stride - egui::vec2(258.0, 0.0));
    harness.run_steps(3);
    let dragged = value(&harness, "Stride");
    assert!((64.0..128.0).contains(&dragged), "{dragged}");
    assert!(
        harness.query_by_label("How the model runs").is_some(),
        "the value is not applied yet"
    );
    assert!(is_done(&harness, "Sample street"));
    harness.drop_at(stride - egui::vec2(258.0, 0.0));
    wait_for_label(&mut harness, "How the model runs (changed)");
    assert_eq!(value(&harness, "Stride"), dragged);
    wait_for_label(&mut harness, "The masks come from 3 windows");
}

#[test]
fn another_class_set_renames_the_classes_without_a_run() {
    let mut harness = section();
    assert!(harness.query_by_label("Show road").is_some());
    choose(&mut harness, "Class set", "Numbered");
    assert!(harness.query_by_label("Show class 3").is_some() && harness.query_by_label("Show road").is_none());
    assert!(is_done(&harness, "Sample street"));
    let canvas = harness.get_by_label("Photo canvas").rect();
    harness.hover_at(canvas.center_top() + egui::vec2(0.0, canvas.height() * 0.3));
    harness.run_steps(3);
    assert_eq!(
        harness.query_all_by_label("class 0").count(),
        2,
        "its row and the cursor"
    );
    choose(&mut harness, "Class set", "CamVid (11)");
    assert!(harness.query_by_label("Show road").is_some());
    assert!(
        harness.query_by_label("How the model runs").is_some(),
        "as published again"
    );
}

#[test]
fn each_inference_setting_starts_a_run() {
    let mut harness = section_of_slow_runs();
    for (tick, windows) in [("Mirrored", 4), ("Several scales", 44)] {
        harness.get_by_label(tick).click();
        wait_for_label(&mut harness, &format!("The masks come from {windows} windows"));
    }
    assert!(
        harness
            .query_by_label(&format!("Model: {}, multi-scale", embedded_with_all()))
            .is_some()
    );
    harness.get_by_label("Reset to the model's settings").click();
    wait_for_label(&mut harness, "The masks come from 2 windows");
    harness.get_by_label("Full size").click();
    // 1280 x 960 in windows of 384.
    wait_for_label(&mut harness, "The masks come from 12 windows");
    for (list, entry) in [("Small photos", "Smaller window"), ("Normalisation", "ImageNet")] {
        harness.get_by_label("Reset to the model's settings").click();
        wait_for_label(&mut harness, "How the model runs");
        choose(&mut harness, list, entry);
        wait_for_label(&mut harness, "How the model runs (changed)");
        wait_for_label(&mut harness, "Photo Sample street, Segmenting");
        wait_for_label(&mut harness, "The masks come from 2 windows");
        wait_for_done(&mut harness, "Sample street");
    }
}

#[test]
fn too_many_windows_are_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large.png");
    image::RgbImage::new(1600, 1600).save(&large).expect("a photo");
    let mut harness = window_with(vec![large]);
    open(&mut harness);
    set(&mut harness, "Window", 16.0);
    harness.get_by_label("Full size").click();
    wait_for(&mut harness, "the message", |h| {
        h.query_all_by_label_contains("would need 10000 windows, more than 8192")
            .next()
            .map(drop)
    });
}

#[test]
fn inference_settings_of_each_model_are_restored_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = street(folder.path(), "street.jpg");
    let kept = || {
        let mut harness = window(Start {
            store: Some(Store::at(folder.path())),
            images: vec![image.clone()],
            ..first_start()
        });
        wait_for_result(&mut harness, &embedded(16));
        open(&mut harness);
        harness
    };
    let mut harness = kept();
    set(&mut harness, "Stride", 100.0);
    choose(&mut harness, "Class set", "Numbered");
    harness.get_by_label("Mirrored").click();
    let session = folder.path().join("session.toml");
    let lines = [
        "[test_settings.embedded]",
        "stride = 100",
        "class_set = \"unnamed\"",
        "mirrored = true",
    ];
    for line in lines {
        wait_for(&mut harness, line, |_| {
            let text = fs::read_to_string(&session).ok()?;
            text.lines().any(|other| other == line).then_some(())
        });
    }
    drop(harness);
    let mut harness = kept();
    assert_eq!(value(&harness, "Stride"), 100.0);
    assert!(checked(&harness, "Mirrored") && !checked(&harness, "Several scales"));
    assert!(harness.query_by_label("Show class 3").is_some());
    wait_for_label(&mut harness, "The masks come from 6 windows");
}
