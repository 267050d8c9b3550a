//! Several pictures, long runs and broken files.

use std::fs;

use segscope::photo::Photo;
use toml::Value;

use super::program::wait_for;
use super::screen::{ROAD, purple};
use super::stage::Stage;

#[test]
fn the_next_picture_comes_with_the_zoom_of_the_one_before() {
    let Some(stage) = Stage::new() else { return };
    let pictures = [stage.street("a.jpg"), stage.street("b.jpg")];
    let mut program = stage.open(&pictures);
    program.wait_for_masks("a.jpg");
    for key in ["ctrl+1", "plus", "plus"] {
        program.press(key);
    }
    // From one to one, twice a quarter more.
    let zoom = Some(Value::Float(1.25 * 1.25));
    wait_for("the larger zoom", || {
        (stage.session("camera.zoom") == zoom).then_some(())
    });
    let before = program.settled_middle();

    program.press("Page_Down");
    program.wait_for_masks("b.jpg");
    // Both are the same street: at the same zoom and place they have the same pixels.
    program.wait_for_screen("the other picture at the same place", |s| s.middle() == before);
    wait_for("the other picture in the session", || {
        (stage.session("current")? == text(&pictures[1])).then_some(())
    });
    assert_eq!(stage.session("camera.zoom"), zoom);
    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
    // Page up at the first one goes nowhere, and nothing is lost by it.
    program.press("Page_Up");
    program.press("Page_Down");
    program.wait_for_masks("b.jpg");
}

fn text(path: &std::path::Path) -> Value {
    Value::String(path.to_str().expect("UTF-8").to_owned())
}

#[test]
fn escape_cancels_a_long_run_and_nothing_else() {
    let Some(stage) = Stage::new() else { return };
    let short = stage.street("a.jpg");
    let long = stage.path("b.png");
    // Reduced to the model's short side it is 20 times as wide as high: some 500 windows at six sizes, mirrored, too.
    panorama([16_000, 800]).save(&long).expect("a picture");
    let mut program = stage.start(&[&short, &long]);
    program.wait_for_masks("a.jpg");
    program.perform("Multi-scale and flip");
    program.wait_for_title("a run at six sizes", |title| title.starts_with("a.jpg - segmenting"));
    program.wait_for_masks("a.jpg");

    program.press("Page_Down");
    let running = "b.png - segmenting - Segscope";
    program.wait_for_title("the long run", |title| title == running);
    program.press("Escape");
    // With a result there would be a number of classes.
    let cancelled = "b.png - Segscope";
    program.wait_for_title("its end", |title| title == cancelled);
    program.press("F5");
    program.wait_for_title("another run", |title| title == running);
    program.press("Escape");
    program.wait_for_title("its end", |title| title == cancelled);
    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
}

/// A picture without any two windows alike.
fn panorama([width, height]: [u32; 2]) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([x * 255 / width, y * 255 / height, (x / 160 * 37 + y / 120 * 91) % 256].map(|v| v as u8))
    })
}

#[test]
fn a_repaired_file_is_read_by_itself() {
    retry_after_repair("theme = \"dark\"\n", None);
}

#[test]
fn a_repaired_file_is_read_on_request() {
    retry_after_repair("theme = \"dark\"\nreload_changed_pictures = false\n", Some("ctrl+r"));
}

/// Colour of errors in the dark theme.
const ERROR: [u8; 3] = [255, 146, 136];

/// Opens a broken file, sees why it is not shown, repairs it, presses `key` if there is one, and gets masks.
fn retry_after_repair(settings: &str, key: Option<&str>) {
    let Some(stage) = Stage::new() else { return };
    stage.set_settings(settings);
    let whole = stage.street("whole.jpg");
    let broken = stage.path("broken.jpg");
    let bytes = fs::read(&whole).expect("a picture");
    fs::write(&broken, &bytes[..bytes.len() / 100]).expect("a broken picture");
    let mut program = stage.open(&[&broken]);
    // The sentence in the middle and the list say it in the colour of errors; few pixels of a letter have it in full.
    program.wait_for_screen("the reason", |screen| screen.count(ERROR) > 20);
    assert_eq!(program.title(), "broken.jpg - not shown - Segscope");

    fs::copy(&whole, &broken).expect("a repaired picture");
    if let Some(key) = key {
        program.press(key);
    }
    program.wait_for_masks("broken.jpg");
    program.wait_for_screen("the road in its colour", |s| purple(s.at(ROAD)));
    assert!(Photo::open(&broken).is_ok());
}
