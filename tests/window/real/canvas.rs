//! Views of the masks on the canvas.

use segscope::photo::Photo;

use super::program::Program;
use super::screen::{ROAD, SKY, Screen, alike, teal, yellow};
use super::stage::Stage;

/// The street sample with its masks, and the cursor on the road.
fn pointing_at_the_road(stage: &Stage) -> (Program<'_>, Screen) {
    let mut program = stage.open(&[stage.street("street.jpg")]);
    program.wait_for_masks("street.jpg");
    let screen = program.wait_for_screen("the road in its colour", |s| teal(s.at(ROAD)));
    program.point_at(ROAD.on(&screen));
    let middle = screen.middle();
    program.wait_for_screen("the line around the road", |s| s.middle() != middle);
    // The reading at the cursor appears too.
    program.settled_middle();
    (program, screen)
}

#[test]
fn solo_shows_one_class_over_the_bare_photo() {
    let Some(stage) = Stage::new() else { return };
    let (mut program, before) = pointing_at_the_road(&stage);
    let photo = Photo::open(&stage.path("street.jpg")).expect("the photo");
    let bare = SKY.of_photo(&photo);
    assert!(!alike(before.at(SKY), bare), "the sky has a mask at first");
    program.press("shift+h");
    let solo = program.wait_for_screen("the bare sky", |s| alike(s.at(SKY), bare));
    assert!(teal(solo.at(ROAD)), "the road keeps its mask: {:?}", solo.at(ROAD));
    program.press("shift+h");
    program.wait_for_screen("the mask of the sky", |s| alike(s.at(SKY), before.at(SKY)));
}

#[test]
fn p_switches_between_the_palettes() {
    let Some(stage) = Stage::new() else { return };
    let (mut program, _) = pointing_at_the_road(&stage);
    program.press("p");
    program.wait_for_screen("the road in the colours of Okabe and Ito", |s| yellow(s.at(ROAD)));
    program.press("p");
    program.wait_for_screen("the road in Segscope's colours", |s| teal(s.at(ROAD)));
}

#[test]
fn undo_restores_the_pixels() {
    let Some(stage) = Stage::new() else { return };
    let (mut program, _) = pointing_at_the_road(&stage);
    let before = program.settled_middle();
    program.press("h");
    let hidden = program
        .wait_for_screen("the road without its mask", |s| !teal(s.at(ROAD)))
        .middle();
    program.press("ctrl+z");
    program.wait_for_screen("the previous pixels", |s| s.middle() == before);
    program.press("ctrl+shift+z");
    program.wait_for_screen("the road without its mask again", |s| s.middle() == hidden);
}
