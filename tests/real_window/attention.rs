//! The attention workspace, seen on the canvas.

use crate::screen::ROAD;
use crate::stage::Stage;

#[test]
fn patches_layers_and_heads_are_seen_and_the_masks_come_back() {
    let Some(stage) = Stage::new() else { return };
    let picture = stage.street("street.jpg");
    let mut program = stage.start(&[picture]);
    program.wait_for_masks("street.jpg");
    let masks = program.settled_middle();
    program.press_and_see("F3");
    // The map of the last layer has come when the canvas stays the same.
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
