//! The page of released models, with a models folder.

use std::fs;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use segscope::app::{Start, Store};

use crate::harness::{in_repository, pass, start, wait_for_label, wait_for_masks, wait_for_text, window};

#[test]
fn the_page_lists_released_models_and_opens_models_in_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("models/own");
    fs::create_dir_all(&own).expect("a folder");
    for name in ["checkpoint.pth", "variant.yml"] {
        let from = in_repository("tests/golden/rstrudel-mask-p16").join(name);
        fs::copy(from, own.join(name)).expect("a copy");
    }
    let models = folder.path().join("models").display().to_string();
    fs::write(
        folder.path().join("settings.toml"),
        format!("model_folder = {models:?}\n"),
    )
    .expect("a file");
    let mut harness = window(Start {
        store: Some(Store::at(folder.path())),
        ..start()
    });
    wait_for_masks(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("get models");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_label(
        &mut harness,
        "Copy link of SETR-PUP-L/16 on Cityscapes (mmsegmentation, 80k iterations, batch 8)",
    );
    wait_for_label(&mut harness, &models);
    wait_for_label(&mut harness, "Open own");
    harness.get_by_label("Open own").scroll_to_me();
    pass(&mut harness, 1.0);
    harness.get_by_label("Open own").click();
    wait_for_text(&mut harness, "Model: Seg-64x3-Mask/16");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(
        harness.query_by_label("Find a model").is_none(),
        "Escape closes the page"
    );
}
