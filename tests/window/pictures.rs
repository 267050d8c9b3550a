//! The list of pictures, runs over all of them, and their end.

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
fn the_list_names_pictures_with_their_state_and_shows_the_chosen_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with(["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).into());
    assert!(is_done(&harness, "a.jpg"));
    assert!(harness.query_by_label("1 of 2").is_some());
    harness.get_by_label("Picture b.jpg, Not segmented").click();
    wait_for_label(&mut harness, "2 of 2");
    wait_for_done(&mut harness, "b.jpg");
    assert!(harness.query_by_label("b.jpg").is_some(), "the top bar names it");
    assert!(is_done(&harness, "a.jpg"), "the state of the other stays");
}

#[test]
fn what_is_unusual_about_a_picture_is_said_when_it_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let dark = folder.path().join("dark.png");
    // Twelve bits in sixteen: the brightest pixel is a sixteenth of white.
    let pixels = |x: u32, y: u32| image::Luma([((x * 61 + y * 17) % 4096) as u16]);
    let image: image::ImageBuffer<image::Luma<u16>, Vec<u16>> = image::ImageBuffer::from_fn(96, 64, pixels);
    image.save(&dark).expect("a picture");
    let mut harness = window_with(vec![street(folder.path(), "a.jpg"), dark]);
    assert_eq!(harness.query_all_by_label_contains("dark.png: ").count(), 0);
    harness.get_by_label("Picture dark.png, Not segmented").click();
    wait_for_text(&mut harness, "dark.png: ");
}

#[test]
fn a_picture_that_cannot_be_read_is_listed_as_failed_until_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("b.jpg");
    fs::write(&broken, "no picture").expect("a file");
    let mut harness = window_with(vec![street(folder.path(), "a.jpg"), broken]);
    harness.get_by_label_contains("Picture b.jpg, ").click();
    wait_for_text(&mut harness, "Picture b.jpg, Failed: expected a PNG, JPEG");
    wait_for_label(&mut harness, "b.jpg cannot be shown");
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
fn a_run_over_all_pictures_can_be_cancelled_and_keeps_what_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = (0..40).map(|i| street(folder.path(), &format!("{i:02}.jpg")));
    let mut harness = window_with(pictures.collect());
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Picture 02.jpg, Waiting");
    wait_for_done(&mut harness, "01.jpg");
    assert!(harness.query_by_label("Progress of all pictures").is_some());
    harness.get_by_label("Cancel all").click();
    wait_for_text(&mut harness, "Cancelled: ");
    assert!(harness.query_by_label("Cancel all").is_none());
    assert!(is_done(&harness, "01.jpg"));
    assert_eq!(harness.query_all_by_label_contains(", Waiting").count(), 0);
    assert_eq!(harness.query_all_by_label_contains(", Segmenting").count(), 0);

    // Only what has no result yet is run then.
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Cancel all");
    assert!(is_done(&harness, "01.jpg"));
}

#[test]
fn a_broken_picture_does_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("b.png");
    fs::write(&broken, "no picture").expect("a file");
    let [first, last] = ["a.jpg", "c.jpg"].map(|name| street(folder.path(), name));
    let mut harness = window_with(vec![first, broken, last]);
    start_batch(&mut harness);
    wait_for_label(&mut harness, "Finished: 1 of 2 pictures segmented, 1 failed");
    assert!(harness.query_by_label_contains("Picture b.png, Failed: ").is_some());
    assert!(is_done(&harness, "c.jpg"));
}

#[test]
fn files_of_a_run_over_all_pictures_do_not_fall_on_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name));
    let labels = folder.path().join("segscope/labels");
    let mut harness = window_with(pictures.into());
    harness.get_by_label("Segment all…").click();
    wait_for_label(&mut harness, "Write files");
    harness.get_by_label("Write files").click();
    harness.step();
    harness.get_by_label("Start").click();
    wait_for_label(&mut harness, "Finished: 2 of 2 pictures written");
    fs::write(labels.join("a.png"), "precious").expect("a file");
    fs::remove_file(labels.join("b.png")).expect("a file");
    // The choices are kept: files are wanted.
    harness.get_by_label("Segment all…").click();
    wait_for_label(&mut harness, "Start");
    harness.get_by_label("Start").click();
    wait_for_label(&mut harness, "Finished: 1 of 2 pictures written, 1 was there already");
    assert_eq!(harness.query_all_by_label_contains("Failed").count(), 0);
    assert_eq!(fs::read(labels.join("a.png")).expect("a file"), b"precious");
    assert!(labels.join("b.png").is_file());
    assert!(harness.query_all_by_label("Open folder").next().is_some());
}

#[test]
fn a_run_with_files_goes_on_after_it_was_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let pictures: Vec<_> = (0..10).map(|i| street(folder.path(), &format!("{i:02}.jpg"))).collect();
    let mut harness = window_with(pictures);
    let start = |harness: &mut Harness<App>, write: bool| {
        harness.get_by_label("Segment all…").click();
        wait_for_label(harness, "Write files");
        if write {
            harness.get_by_label("Write files").click();
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

    // The choices are kept: files are wanted.
    start(&mut harness, false);
    let left = 10 - written;
    let text = format!("Finished: {left} of 10 pictures written, {written} were there already");
    wait_for_label(&mut harness, &text);
    assert_eq!(harness.query_all_by_label_contains("Failed").count(), 0);
    assert!(is_done(&harness, "00.jpg") && is_done(&harness, "09.jpg"));
    assert_eq!(fs::read_dir(&labels).expect("a folder of files").count(), 10);
}

#[test]
fn escape_cancels_a_run_and_the_message_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    // Reduced to the model's short side it still has 22 windows, and 24 times as many at six sizes and mirrored.
    let long = folder.path().join("long.png");
    let strip = image::RgbImage::from_fn(8000, 400, |x, y| {
        image::Rgb([x % 256, y % 256, (x / 100 * 37 + y / 100 * 91) % 256].map(|value| value as u8))
    });
    strip.save(&long).expect("a picture");
    // The small model of the other tests could be done before it is stopped.
    let mut harness = window(Start {
        pictures: vec![long],
        ..first_start()
    });
    wait_for_result(&mut harness, &embedded(16));
    harness.get_by_label(&format!("Model: {}", embedded_with_all())).click();
    wait_for_label(&mut harness, "Multi-scale and flip");
    harness.get_by_label("Multi-scale and flip").click();
    wait_for_label(&mut harness, "Picture long.png, Segmenting");
    wait_for_label(&mut harness, "Progress");
    harness.key_press(Key::Escape);
    wait_for_label(&mut harness, "Cancelled; the masks are those of the run before");
    assert!(harness.query_by_label("Progress").is_none());
    // The masks that stay are those of one size; at six sizes there is no result yet.
    wait_for_label(&mut harness, "Picture long.png, Not segmented");
    wait_for_result(&mut harness, &embedded(16));
}

#[test]
fn without_pictures_the_window_says_how_to_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with(["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).into());
    harness.get_by_label("File").click();
    wait_for_label(&mut harness, "Close all pictures");
    harness.get_by_label("Close all pictures").click();
    wait_for_label(&mut harness, "See what a segmentation transformer sees");
    assert!(harness.query_by_label("No pictures are open.").is_some());
    assert!(harness.query_by_label("Picture canvas").is_none());
    wait_for(&mut harness, "the closed menu", |h| {
        h.query_by_label("Close all pictures").is_none().then_some(())
    });
    harness.get_by_label("Open the sample picture").click();
    wait_for_label(&mut harness, "Sample street");
    wait_for_masks(&mut harness);
}
