//! Tests of the page by its accessible names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Key, OutputCommand};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::{ModelsPage, PageAction};
use crate::catalogue::{ModelsFolder, PresentModel, Released, Unrecognised, released};

const FOLDER: &str = "/home/somebody/models";

/// The page, and the actions that it has returned.
struct State {
    page: ModelsPage,
    folder: PathBuf,
    actions: Vec<PageAction>,
}

fn harness(size: [f32; 2]) -> Harness<'static, State> {
    let mut page = ModelsPage::default();
    page.open();
    let state = State {
        page,
        folder: FOLDER.into(),
        actions: Vec::new(),
    };
    let mut harness = Harness::builder().with_size(size).build_ui_state(
        |ui, state: &mut State| state.actions.extend(state.page.show(ui, Some(&state.folder))),
        state,
    );
    harness.run();
    harness
}

fn actions(harness: &mut Harness<State>) -> Vec<PageAction> {
    std::mem::take(&mut harness.state_mut().actions)
}

/// Clicks, and returns the commands that egui was given.
fn click(harness: &mut Harness<State>, name: &str) -> Vec<OutputCommand> {
    harness.get_by_label(name).click();
    let mut commands = Vec::new();
    for _ in 0..4 {
        harness.step();
        commands.extend(harness.output().platform_output.commands.iter().cloned());
    }
    commands
}

fn place(config: &str) -> usize {
    released()
        .iter()
        .position(|model| model.config == config)
        .expect("a row")
}

fn present(name: &str, configs: &[&str]) -> PresentModel {
    PresentModel {
        path: Path::new(FOLDER).join(name),
        name: name.into(),
        title: "Seg-T-Mask/16".into(),
        classes: 11,
        released: configs.iter().map(|config| place(config)).collect(),
    }
}

const TINY: &str = "Seg-T-Mask/16 on ADE20K (rstrudel/segmenter)";

#[test]
fn every_model_is_listed_at_every_size() {
    for size in [[900.0, 600.0], [1280.0, 820.0]] {
        let harness = harness(size);
        for model in released() {
            let name = format!("Copy link of {}", model.full_name());
            assert!(harness.query_by_label(&name).is_some(), "{name}");
        }
        let window = harness.get_by_role(egui::accesskit::Role::Window).rect();
        assert!(window.width() <= size[0] && window.height() <= size[1], "{window:?}");
        let button = harness.get_by_label(&format!("Open page of {TINY}")).rect();
        assert!(window.contains_rect(button), "{button:?} in {window:?}");
    }
}

#[test]
fn the_folder_is_scanned_when_the_page_opens_and_on_request() {
    let mut harness = harness([900.0, 600.0]);
    let scan = || PageAction::Scan(FOLDER.into());
    assert_eq!(actions(&mut harness), [scan()]);
    let page = &mut harness.state_mut().page;
    page.take(Arc::new(ModelsFolder {
        path: FOLDER.into(),
        ..ModelsFolder::default()
    }));
    harness.run();
    assert_eq!(actions(&mut harness), []);
    click(&mut harness, "Rescan");
    assert_eq!(actions(&mut harness), [scan()]);
    harness.state_mut().folder = "/elsewhere".into();
    harness.run();
    assert_eq!(actions(&mut harness), [PageAction::Scan("/elsewhere".into())]);
}

#[test]
fn models_in_the_folder_can_be_opened() {
    let mut harness = harness([900.0, 600.0]);
    let [b8, b16] = ["setr_mla_512x512_160k_b8_ade20k", "setr_mla_512x512_160k_b16_ade20k"];
    let found = ModelsFolder {
        path: FOLDER.into(),
        models: vec![
            present("seg_tiny_mask", &["seg_tiny_mask"]),
            present("iter_160000.pth", &[b8, b16]),
            present("own.safetensors", &[]),
        ],
        unrecognised: vec![Unrecognised {
            path: "/home/somebody/models/broken.pth".into(),
            why: "this model file cannot be used".into(),
        }],
        problem: None,
    };
    harness.state_mut().page.take(Arc::new(found));
    harness.run();
    actions(&mut harness);
    let twins = released()[place(b16)].full_name();
    for (button, file) in [
        (format!("Open {TINY}"), "seg_tiny_mask"),
        (format!("Open {twins}"), "iter_160000.pth"),
        ("Open own.safetensors".to_owned(), "own.safetensors"),
    ] {
        harness.get_by_label(&button).scroll_to_me();
        harness.run();
        click(&mut harness, &button);
        assert_eq!(
            actions(&mut harness),
            [PageAction::Open(Path::new(FOLDER).join(file))],
            "{button}"
        );
    }
    assert!(
        harness
            .query_by_label("Open Seg-S-Mask/16 on ADE20K (rstrudel/segmenter)")
            .is_none()
    );
    assert!(
        harness
            .query_by_label("1 file in the folder is not recognised as a model")
            .is_some()
    );
}

#[test]
fn links_are_copied_and_opened_in_the_browser() {
    let mut harness = harness([900.0, 600.0]);
    actions(&mut harness);
    let tiny: &Released = &released()[place("seg_tiny_mask")];
    let commands = click(&mut harness, &format!("Copy link of {TINY}"));
    let copied = commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let base = "https://www.rocq.inria.fr/cluster-willow/rstrudel/segmenter/checkpoints/ade20k/seg_tiny_mask/";
    assert_eq!(copied, Some(format!("{base}checkpoint.pth\n{base}variant.yml")));
    assert_eq!(actions(&mut harness), [PageAction::Say("Links copied")]);
    let commands = click(&mut harness, &format!("Open page of {TINY}"));
    let opened = commands.iter().find_map(|command| match command {
        OutputCommand::OpenUrl(open) => Some(open.url.clone()),
        _ => None,
    });
    assert_eq!(opened.as_ref(), Some(&tiny.url));
    let commands = click(&mut harness, "Copy path");
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, OutputCommand::CopyText(text) if text == FOLDER))
    );
    click(&mut harness, "Open folder");
    assert_eq!(
        actions(&mut harness),
        [PageAction::Say("Path copied"), PageAction::ShowFolder(FOLDER.into())]
    );
}

#[test]
fn the_search_takes_words_in_any_order() {
    let mut harness = harness([900.0, 600.0]);
    harness.get_by_label("Find a model").type_text("cityscapes pup");
    harness.run();
    let counted = released()
        .iter()
        .filter(|m| m.decoder == "PUP" && m.data_set == "cityscapes")
        .count();
    assert_eq!(counted, 3);
    assert_eq!(harness.query_all_by_label_contains("Copy link of").count(), counted);
    assert!(harness.query_by_label("3 of 37").is_some());
    assert!(
        harness.query_by_label("rstrudel/segmenter").is_none(),
        "an empty section"
    );
    harness.get_by_label("Find a model").type_text(" nothing");
    harness.run();
    assert!(harness.query_by_label("No model matches the search.").is_some());
}

#[test]
fn a_folder_that_cannot_be_listed_is_reported_and_escape_closes_the_page() {
    let mut harness = harness([900.0, 600.0]);
    let found = ModelsFolder {
        path: FOLDER.into(),
        problem: Some("the models folder cannot be listed".into()),
        ..ModelsFolder::default()
    };
    harness.state_mut().page.take(Arc::new(found));
    harness.run();
    assert!(harness.query_by_label("the models folder cannot be listed").is_some());
    harness.key_press(Key::Escape);
    harness.run();
    assert!(!harness.state().page.is_open());
}
