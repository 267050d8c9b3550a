//! Exports to files.

use std::fs;

use segscope::labels::LabelMap;
use segscope::photo::Photo;

use super::program::{Program, wait_for};
use super::screen::{ROAD, Screen, teal};
use super::stage::Stage;

#[test]
fn an_image_is_exported_with_a_hidden_class() {
    let Some(stage) = Stage::new() else { return };
    let image = stage.street("a street für tests.jpg");
    let mut program = stage.open(&[&image]);
    program.wait_for_masks("a street für tests.jpg");
    let screen = program.wait_for_screen("the road in its colour", |s| teal(s.at(ROAD)));
    program.point_at(ROAD.on(&screen));
    program.wait_for_screen("the road lit up", |s| s.middle() != screen.middle());
    // The reading at the cursor appears too.
    program.settled_middle();
    program.press("h");
    program.wait_for_screen("the road without its mask", |s| !teal(s.at(ROAD)));

    let exported = stage.path("segscope/labels/a street für tests.png");
    let overlay = stage.path("segscope/overlay/a street für tests.png");
    wait_for("exported files", || {
        // The first key has no effect if the dialog is open, the second has none if it is not.
        program.press("ctrl+e");
        program.press("Return");
        (exported.is_file() && overlay.is_file()).then_some(())
    });
    let map = LabelMap::from_png(&fs::read(&exported).expect("the label map")).expect("a label map");
    let photo = Photo::open(&image).expect("the photo");
    assert_eq!((map.width, map.height), (photo.width, photo.height));
    let road = map.counts(11)[3] as f64 / (map.width * map.height) as f64;
    assert!((0.25..0.5).contains(&road), "road covers {road} of the exported map");
    let overlay = Photo::open(&overlay).expect("the overlay");
    assert_eq!(
        overlay.pixel(640, 900),
        photo.pixel(640, 900),
        "the hidden road shows the photo in the overlay too"
    );
}

/// Colour of warnings in the dark theme, such as for a file that already exists.
const WARNING: [u8; 3] = [240, 182, 74];

/// Whether the dialog warns about existing files.
fn warns(screen: &Screen) -> bool {
    // Letters are thin: few of their pixels have the full colour.
    screen.count(WARNING) > 3
}

#[test]
fn a_second_export_asks_before_overwriting_files() {
    let Some(stage) = Stage::new() else { return };
    let images = [stage.street("a.jpg"), stage.street("b.jpg")];
    let first = stage.open(&images);
    let labels = export_first(&stage, first);
    fs::write(&labels, "precious").expect("a changed file");

    // Restart, so that no message about the first export covers the dialog.
    let mut program = stage.open(&images);
    program.wait_for_masks("a.jpg");
    program.press("ctrl+e");
    program.wait_for_screen("the list with files that exist", warns);
    program.press("Return");
    program.press("Escape");
    program.wait_for_screen("the closed dialog", |screen| !warns(screen));
    // The worker runs jobs in order, so an export would be finished by now.
    program.press("Page_Down");
    program.wait_for_masks("b.jpg");
    assert_eq!(fs::read(&labels).expect("a file"), b"precious");

    program.press("Page_Up");
    program.wait_for_masks("a.jpg");
    program.press("ctrl+e");
    program.wait_for_screen("the list with files that exist", warns);
    // Backwards without a focus: first Close, then the question, because the export button is still disabled.
    for key in ["shift+Tab", "shift+Tab", "space", "Tab"] {
        program.press_and_see(key);
    }
    program.press("Return");
    let map = wait_for("the new file", || {
        LabelMap::from_png(&fs::read(&labels).expect("a file")).ok()
    });
    assert_eq!((map.width, map.height), (1280, 960));
    program.assert_alive();
}

/// Exports the open image `a.jpg`, closes the program, and returns the path of its label map.
fn export_first(stage: &Stage, mut program: Program) -> std::path::PathBuf {
    program.wait_for_masks("a.jpg");
    let [labels, overlay] = ["labels", "overlay"].map(|format| stage.path(&format!("segscope/{format}/a.png")));
    wait_for("exported files", || {
        program.press("ctrl+e");
        program.press("Return");
        (labels.is_file() && overlay.is_file()).then_some(())
    });
    program.press("Escape");
    program.quit();
    labels
}
