//! The attention workspace on the canvas.

use segscope::photo::Photo;

use super::program::wait_for;
use super::screen::ROAD;
use super::stage::Stage;

#[test]
fn patches_layers_and_heads_change_the_canvas_and_the_masks_return() {
    let Some(stage) = Stage::new() else { return };
    let image = stage.street("street.jpg");
    let mut program = stage.start(&[image]);
    program.wait_for_drawn_masks("street.jpg");
    let masks = program.settled_middle();
    program.press_and_see("F3");
    // The map of the last layer is shown once the canvas stops changing.
    let first = program.settled_middle();
    assert!(first != masks, "the masks are still there");
    for key in ["bracketleft", "bracketleft", "period", "period"] {
        program.press_and_see(key);
    }
    let before = program.settled_middle();
    let road = ROAD.on(&program.screen());
    program.point_at(road);
    program.click();
    program.wait_for_screen("another patch", |screen| screen.middle() != before);
    program.point_at([2, 2]);
    program.press("F2");
    program.wait_for_screen("the masks", |screen| screen.middle() == masks);
}

#[test]
fn figures_are_exported_from_the_sheet() {
    let Some(stage) = Stage::new() else { return };
    let image = stage.street("street.jpg");
    let mut program = stage.start(&[image]);
    program.wait_for_masks("street.jpg");
    program.press_and_see("F3");
    program.settled_middle();
    // From patches that resemble the query to the attention of the first head.
    program.press_and_see("period");
    let folder = stage.path("segscope");
    let mean = folder.join("street-encoder-layer-12-mean.png");
    let figure = wait_for("a figure", || {
        // The key has no effect until the heads have been read, and Enter none until the sheet has its list of files.
        program.press("ctrl+e");
        program.press("Return");
        Photo::open(&mean).ok()
    });
    // The photo has 1280 x 960 pixels, and the figure also has a title and a colour bar.
    assert!(figure.width > 1280 && figure.height > 960);
    let names = std::fs::read_dir(&folder).expect("the folder").count();
    assert_eq!(names, 7, "three heads, mean, max, numbers and their description");
}
