//! The list of images, and runs over all of them.

use std::fs;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::{App, Start};

use crate::harness::{
    embedded, embedded_with_all, first_start, is_done, street, wait_for, wait_for_done, wait_for_label, wait_for_masks,
    wait_for_result, wait_for_text, window, window_with,
};

#[test]
fn the_list_shows_images_with_their_state_and_opens_the_chosen_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with(["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).into());
    assert!(is_done(&harness, "a.jpg"));
    assert!(harness.query_by_label("1 of 2").is_some());
    harness.get_by_label("Photo b.jpg, Not segmented").click();
    wait_for_label(&mut harness, "2 of 2");
    wait_for_done(&mut harness, "b.jpg");
    assert!(harness.query_by_label("b.jpg").is_some(), "the top bar names it");
    assert!(is_done(&harness, "a.jpg"), "the state of the other stays");
}

#[test]
fn opening_an_image_shows_its_remarks() {
    let folder = tempfile::tempdir().expect("a folder");
    let dark = folder.path().join("dark.png");
    // Twelve of sixteen bits are used: the brightest pixel has a sixteenth of full brightness.
    let pixels = |x: u32, y: u32| image::Luma([((x * 61 + y * 17) % 4096) as u16]);
    let image: image::ImageBuffer<image::Luma<u16>, Vec<u16>> = image::ImageBuffer::from_fn(96, 64, pixels);
    image.save(&dark).expect("a photo");
    let mut harness = window_with(vec![street(folder.path(), "a.jpg"), dark]);
    assert_eq!(harness.query_all_by_label_contains("dark.png: ").count(), 0);
    harness.get_by_label("Photo dark.png, Not segmented").click();
    wait_for_text(&mut harness, "dark.png: ");
}

#[test]
fn an_unreadable_image_is_listed_as_failed_until_it_is_repaired() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("b.jpg");
    fs::write(&broken, "no photo").expect("a file");
    let mut harness = window_with(vec![street(folder.path(), "a.jpg"), broken]);
    harness.get_by_label_contains("Photo b.jpg, ").click();
    wait_for_text(&mut harness, "Photo b.jpg, Cannot be read: expected a PNG, JPEG");
    wait_for_label(&mut harness, "Can't open b.jpg");
    street(folder.path(), "b.jpg");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    wait_for_done(&mut harness, "b.jpg");
}

fn start_batch(harness: &mut Harness<App>) {
    harness.get_by_label("Segment all…").click();
    wait_for_label(harness, "Start");
    harness.get_by_label("Start").click();
}

#[test]
fn a_cancelled_run_over_all_images_keeps_its_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = (0..40).map(|i| street(folder.path(), &format!("{i:02}.jpg")));
    let mut harness = window_with(images.collect());
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Photo 02.jpg, Waiting");
    wait_for_done(&mut harness, "01.jpg");
    assert!(harness.query_by_label("Progress of all photos").is_some());
    harness.get_by_label("Cancel all").click();
    wait_for_text(&mut harness, "Cancelled: ");
    assert!(harness.query_by_label("Cancel all").is_none());
    assert!(is_done(&harness, "01.jpg"));
    assert_eq!(harness.query_all_by_label_contains(", Waiting").count(), 0);
    assert_eq!(harness.query_all_by_label_contains(", Segmenting").count(), 0);

    // Another run processes only images without a result.
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Cancel all");
    assert!(is_done(&harness, "01.jpg"));
}

#[test]
fn a_broken_image_does_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("b.png");
    fs::write(&broken, "no photo").expect("a file");
    let [first, last] = ["a.jpg", "c.jpg"].map(|name| street(folder.path(), name));
    let mut harness = window_with(vec![first, broken, last]);
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Finished: 1 of 2 photos segmented, 1 failed");
    assert!(harness.query_by_label_contains("Photo b.png, Failed: ").is_some());
    assert!(is_done(&harness, "c.jpg"));
}

#[test]
fn a_run_over_all_images_does_not_overwrite_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name));
    let labels = folder.path().join("segscope/labels");
    let mut harness = window_with(images.into());
    harness.get_by_label("Segment all…").click();
    wait_for_label(&mut harness, "Export files");
    harness.get_by_label("Export files").click();
    harness.step();
    harness.get_by_label("Start").click();
    wait_for_label(&mut harness, "Finished: 2 of 2 photos exported");
    fs::write(labels.join("a.png"), "precious").expect("a file");
    fs::remove_file(labels.join("b.png")).expect("a file");
    // The dialog remembers that files are to be written.
    harness.get_by_label("Segment all…").click();
    wait_for_label(&mut harness, "Start");
    harness.get_by_label("Start").click();
    wait_for_label(&mut harness, "Finished: 1 of 2 photos exported, 1 already exported");
    assert_eq!(harness.query_all_by_label_contains("Failed").count(), 0);
    assert_eq!(fs::read(labels.join("a.png")).expect("a file"), b"precious");
    assert!(labels.join("b.png").is_file());
    assert!(harness.query_all_by_label("Show in folder").next().is_some());
}

#[test]
fn a_cancelled_run_with_files_can_be_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let images: Vec<_> = (0..10).map(|i| street(folder.path(), &format!("{i:02}.jpg"))).collect();
    let mut harness = window_with(images);
    let start = |harness: &mut Harness<App>, write: bool| {
        harness.get_by_label("Segment all…").click();
        wait_for_label(harness, "Export files");
        if write {
            harness.get_by_label("Export files").click();
            harness.step();
        }
        harness.get_by_label("Start").click();
    };
    start(&mut harness, true);
    wait_for_done(&mut harness, "02.jpg");
    harness.get_by_label("Cancel all").click();
    wait_for_text(&mut harness, "Cancelled: ");
    let labels = folder.path().join("segscope/labels");
    let written = fs::read_dir(&labels).expect("a folder of files").count();
    assert!((3..10).contains(&written), "{written}");

    // The dialog remembers that files are to be written.
    start(&mut harness, false);
    let left = 10 - written;
    let text = format!("Finished: {left} of 10 photos exported, {written} already exported");
    wait_for_label(&mut harness, &text);
    assert_eq!(harness.query_all_by_label_contains("Failed").count(), 0);
    assert!(is_done(&harness, "00.jpg") && is_done(&harness, "09.jpg"));
    assert_eq!(fs::read_dir(&labels).expect("a folder of files").count(), 10);
}

#[test]
fn escape_cancels_a_run_with_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    // Reduced to the model's short side, it still has 22 windows, and 24 times as many at six scales with flips.
    let long = folder.path().join("long.png");
    let strip = image::RgbImage::from_fn(8000, 400, |x, y| {
        image::Rgb([x % 256, y % 256, (x / 100 * 37 + y / 100 * 91) % 256].map(|value| value as u8))
    });
    strip.save(&long).expect("a photo");
    // The embedded model, because the fixture model could finish before it is cancelled.
    let mut harness = window(Start {
        images: vec![long],
        ..first_start()
    });
    wait_for_result(&mut harness, &embedded(16));
    harness.get_by_label(&format!("Model: {}", embedded_with_all())).click();
    wait_for_label(&mut harness, "Test-time augmentation (slower, better)");
    harness.get_by_label("Test-time augmentation (slower, better)").click();
    // The first Escape closes the list of models.
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    wait_for_label(&mut harness, "Photo long.png, Segmenting");
    wait_for_label(&mut harness, "Progress");
    harness.key_press(Key::Escape);
    wait_for_label(&mut harness, "Cancelled; the masks are from the previous run");
    assert!(harness.query_by_label("Progress").is_none());
    // The masks of the single scale stay; there is no result at six scales yet.
    wait_for_label(&mut harness, "Photo long.png, Not segmented");
    wait_for_result(&mut harness, &embedded(16));
}

#[test]
fn without_images_the_window_shows_how_to_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with(["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).into());
    harness.get_by_label("Menu").click();
    wait_for_label(&mut harness, "File");
    harness.get_by_label("File").click();
    wait_for_label(&mut harness, "Close all photos");
    harness.get_by_label("Close all photos").click();
    wait_for_label(&mut harness, "See what a segmentation transformer sees");
    assert!(harness.query_by_label("No photos are open.").is_some());
    assert!(harness.query_by_label("Photo canvas").is_none());
    wait_for(&mut harness, "the closed menu", |h| {
        h.query_by_label("Close all photos").is_none().then_some(())
    });
    harness.get_by_label("Open the sample photo").click();
    wait_for_label(&mut harness, "Sample street");
    wait_for_masks(&mut harness);
}
