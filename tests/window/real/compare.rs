//! The compare workspace on the canvas, and its file dialogs.

use std::fs;

use segscope::photo::Photo;

use super::program::{Program, wait_for};
use super::stage::{Stage, in_repository};

/// The program with all patch sizes side by side, and the pixels in the middle of the window: first with masks only,
/// then with the panes.
fn patch_sizes(stage: &Stage) -> (Program<'_>, [Vec<u8>; 2]) {
    let image = stage.street("street.jpg");
    let mut program = stage.start(&[image]);
    program.wait_for_drawn_masks("street.jpg");
    let masks = program.settled_middle();
    program.perform("Patch sizes");
    program.wait_for_screen("panes", |screen| screen.middle() != masks);
    let panes = program.settled_middle();
    (program, [masks, panes])
}

#[test]
fn three_patch_sizes_are_compared_with_ground_truth_and_exported_as_a_page() {
    let Some(stage) = Stage::new() else { return };
    let (mut program, [masks, panes]) = patch_sizes(&stage);
    program.press_and_see("x");
    program.press_and_see("x");
    program.press_and_see("w");
    let wipe = program.settled_middle();
    assert!(wipe != panes && wipe != masks, "the wipe differs from both");
    program.press_and_see("w");

    stage.answer_dialogs_with(&in_repository("assets/samples/street-labels.png"));
    program.perform("Add ground truth…");
    stage.wait_for_dialog();
    program.wait_for_screen("another pane", |screen| screen.middle() != panes);
    program.settled_middle();
    let page = stage.path("segscope/street-compared.html");
    let figure = page.with_extension("png");
    let text = wait_for("a page with all four rows", || {
        // The key has no effect until the comparison is complete, and Enter none until the sheet has its list of files.
        program.press("ctrl+e");
        program.press("Return");
        let text = fs::read_to_string(&page).ok()?;
        if text.matches("<tr><td>").count() == 4 && text.contains("<th>mIoU</th>") {
            return Some(text);
        }
        // Written before the ground truth was compared. Nothing is written over without a tick.
        fs::remove_file(&page).and_then(|()| fs::remove_file(&figure)).ok();
        None
    });
    let figure = Photo::open(&figure).expect("the figure");
    assert!(
        figure.width > 3 * 960 && figure.height > 2 * 720,
        "three columns and two rows of panes"
    );
    assert_eq!(text.matches("<img ").count(), 5, "the photo and four overlays");
    assert!(text.contains("with Ground truth (street-labels.png)"));
}

#[test]
fn holding_a_key_shows_the_reference_in_all_panes() {
    let Some(stage) = Stage::new() else { return };
    let (mut program, [_, before]) = patch_sizes(&stage);
    program.hold("v");
    program.wait_for_screen("the reference", |screen| screen.middle() != before);
    let held = program.settled_middle();
    program.release("v");
    program.wait_for_screen("the panes again", |screen| screen.middle() != held);
}
