//! The page by its accessible names.

use std::path::PathBuf;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::{TrainingPage, Wish};
use crate::app::dialogs::Ask;

struct State {
    page: TrainingPage,
    wishes: Vec<Wish>,
}

fn harness() -> Harness<'static, State> {
    let mut page = TrainingPage::default();
    page.open();
    let state = State {
        page,
        wishes: Vec::new(),
    };
    let mut harness = Harness::builder().with_size([1000.0, 760.0]).build_ui_state(
        |ui, state: &mut State| state.wishes.extend(state.page.show(ui, None)),
        state,
    );
    harness.run();
    harness
}

#[test]
fn what_is_missing_is_said_and_folders_beside_are_guessed() {
    let mut harness = harness();
    harness.get_by_label_contains("Still to choose: pictures");
    harness.get_by_label("Choose: Pictures").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::Ask(Ask::TrainImages)]);
    harness
        .state_mut()
        .page
        .set_path(Ask::TrainImages, PathBuf::from("/data/train/images"));
    harness.run();
    harness.get_by_label_contains("Still to choose: weights to begin with");
    harness
        .state_mut()
        .page
        .set_path(Ask::InitFile, PathBuf::from("/vit.safetensors"));
    harness.run();
    let (plan, out) = harness.state().page.form.plan().expect("a plan");
    assert_eq!(plan.data.labels, [PathBuf::from("/data/train/labels")]);
    assert_eq!(out, PathBuf::from("/data/train/trained"));
    assert_eq!(plan.decoders, ["mask"]);
    harness.get_by_label("PUP").click();
    harness.run();
    let (plan, _) = harness.state().page.form.plan().expect("a plan");
    assert_eq!(plan.decoders, ["mask", "pup"]);

    // A corrected folder takes its guesses along, and what was typed stays.
    harness.state_mut().page.set_path(Ask::TrainOut, PathBuf::from("/mine"));
    harness
        .state_mut()
        .page
        .set_path(Ask::TrainImages, PathBuf::from("/other/images"));
    let (plan, out) = harness.state().page.form.plan().expect("a plan");
    assert_eq!(plan.data.labels, [PathBuf::from("/other/labels")]);
    assert_eq!(out, PathBuf::from("/mine"));
}
