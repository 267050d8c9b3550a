//! Several images, long runs and broken files.

use std::fs;

use segscope::photo::Photo;
use toml::Value;

use super::program::wait_for;
use super::screen::{ROAD, teal};
use super::stage::Stage;

#[test]
fn the_next_image_keeps_the_zoom() {
    let Some(stage) = Stage::new() else { return };
    let images = [stage.street("a.jpg"), stage.street("b.jpg")];
    let mut program = stage.open(&images);
    program.wait_for_masks("a.jpg");
    for key in ["ctrl+1", "plus", "plus"] {
        program.press(key);
    }
    // From a zoom of 1, two steps of 25 % each.
    let zoom = Some(Value::Float(1.25 * 1.25));
    wait_for("the larger zoom", || {
        (stage.session("camera.zoom") == zoom).then_some(())
    });
    let before = program.settled_middle();

    program.press("Page_Down");
    program.wait_for_masks("b.jpg");
    // Both are copies of the street sample, so they have the same pixels at the same zoom and position.
    program.wait_for_screen("the other photo at the same place", |s| s.middle() == before);
    wait_for("the other photo in the session", || {
        (stage.session("current")? == text(&images[1])).then_some(())
    });
    assert_eq!(stage.session("camera.zoom"), zoom);
    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
    // Page Up at the first image has no effect.
    program.press("Page_Up");
    program.press("Page_Down");
    program.wait_for_masks("b.jpg");
}

fn text(path: &std::path::Path) -> Value {
    Value::String(path.to_str().expect("UTF-8").to_owned())
}

#[test]
fn escape_cancels_only_the_long_run() {
    let Some(stage) = Stage::new() else { return };
    let short = stage.street("a.jpg");
    let long = stage.path("b.png");
    // The image is 20 times as wide as high, so it has about 500 windows at six scales with flips.
    panorama([16_000, 800]).save(&long).expect("a photo");
    let mut program = stage.start(&[&short, &long]);
    program.wait_for_masks("a.jpg");
    program.perform("Test-time augmentation");
    program.wait_for_title("a run at six sizes", |title| title.starts_with("a.jpg - segmenting"));
    program.wait_for_masks("a.jpg");

    program.press("Page_Down");
    let running = "b.png - segmenting - Segscope";
    program.wait_for_title("the long run", |title| title == running);
    program.press("Escape");
    // With a result, the title would contain the number of classes.
    let cancelled = "b.png - Segscope";
    program.wait_for_title("its end", |title| title == cancelled);
    program.press("F5");
    program.wait_for_title("another run", |title| title == running);
    program.press("Escape");
    program.wait_for_title("its end", |title| title == cancelled);
    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
}

/// An image in which no two windows are equal.
fn panorama([width, height]: [u32; 2]) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([x * 255 / width, y * 255 / height, (x / 160 * 37 + y / 120 * 91) % 256].map(|v| v as u8))
    })
}

#[test]
fn a_repaired_file_is_reloaded_automatically() {
    retry_after_repair("theme = \"dark\"\n", None);
}

#[test]
fn a_repaired_file_is_reloaded_on_request() {
    retry_after_repair("theme = \"dark\"\nreload_changed_pictures = false\n", Some("ctrl+r"));
}

/// Colour of errors in the dark theme.
const ERROR: [u8; 3] = [255, 123, 114];

/// Opens a broken file, checks that an error is shown, repairs the file, presses `key` if given, and waits for masks.
fn retry_after_repair(settings: &str, key: Option<&str>) {
    let Some(stage) = Stage::new() else { return };
    stage.set_settings(settings);
    let whole = stage.street("whole.jpg");
    let broken = stage.path("broken.jpg");
    let bytes = fs::read(&whole).expect("a photo");
    fs::write(&broken, &bytes[..bytes.len() / 100]).expect("a broken photo");
    let mut program = stage.open(&[&broken]);
    // The message and the list use the colour of errors, but only few pixels of each letter have exactly this colour.
    program.wait_for_screen("the reason", |screen| screen.count(ERROR) > 20);
    assert_eq!(program.title(), "broken.jpg - not shown - Segscope");

    fs::copy(&whole, &broken).expect("a repaired photo");
    if let Some(key) = key {
        program.press(key);
    }
    program.wait_for_masks("broken.jpg");
    program.wait_for_screen("the road in its colour", |s| teal(s.at(ROAD)));
    assert!(Photo::open(&broken).is_ok());
}
