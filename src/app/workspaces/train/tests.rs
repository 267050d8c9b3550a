//! The workspace without a window: news of a training, requests, and the form by its accessible names.

use std::path::PathBuf;
use std::time::Duration;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::{Train, TrainingState};
use crate::app::action::{Action, Request};
use crate::app::services::Ask;
use crate::app::state::testing::Bench;
use crate::app::workspaces::{News, Workspace as _};
use crate::engine::{TrainHistory, TrainPrecision, TrainingNews, TrainingResult, multiplies_bf16};

/// The form of the workspace, and the bench that records its requests.
fn harness(bench: Bench) -> Harness<'static, (Train, Bench)> {
    let mut harness = Harness::builder()
        .with_size([420.0, 1300.0])
        .with_context_setup(crate::app::testing::looks)
        .build_ui_state(
            |ui, (train, bench): &mut (Train, Bench)| train.side_panel(ui, &bench.ctx()),
            (Train::default(), bench),
        );
    harness.run();
    harness
}

#[test]
fn the_form_names_missing_fields_and_guesses_folders() {
    let mut harness = harness(Bench::new());
    harness.get_by_label_contains("Fill in: Photos");
    harness.get_by_label("Choose: Photos").click();
    harness.run();
    let asked = harness.state().1.actions();
    assert!(matches!(
        asked.as_slice(),
        [Action::Request(Request::Ask(Ask::TrainImages))]
    ));
    let choose = |harness: &mut Harness<(Train, Bench)>, what, path: &str| {
        let (train, bench) = harness.state_mut();
        train.on_news(&News::Chosen(what, PathBuf::from(path)), &bench.ctx());
        harness.run();
    };
    choose(&mut harness, Ask::TrainImages, "/data/train/images");
    harness.get_by_label_contains("Fill in: Pretrained weights");
    choose(&mut harness, Ask::InitFile, "/vit.safetensors");
    let (plan, out) = harness.state().0.form.plan().expect("a plan");
    assert_eq!(plan.data.labels, [PathBuf::from("/data/train/labels")]);
    assert_eq!(out, PathBuf::from("/data/train/trained"));
    assert_eq!(plan.decoders, ["mask"]);
    harness.get_by_label("PUP").click();
    harness.run();
    let (plan, _) = harness.state().0.form.plan().expect("a plan");
    assert_eq!(plan.decoders, ["mask", "pup"]);
    harness.get_by_label("Training precision bf16").click();
    harness.run();
    let (plan, _) = harness.state().0.form.plan().expect("a plan");
    let precision = match multiplies_bf16() {
        true => TrainPrecision::Bf16,
        false => TrainPrecision::F32,
    };
    assert_eq!(plan.training.precision, precision, "off on other processors");

    // A corrected folder updates the guesses; a chosen folder stays.
    choose(&mut harness, Ask::TrainOut, "/mine");
    choose(&mut harness, Ask::TrainImages, "/other/images");
    let (plan, out) = harness.state().0.form.plan().expect("a plan");
    assert_eq!(plan.data.labels, [PathBuf::from("/other/labels")]);
    assert_eq!(out, PathBuf::from("/mine"));

    harness.get_by_label("Start training").click();
    harness.run();
    let asked = harness.state().1.actions();
    assert!(matches!(
        asked.as_slice(),
        [Action::RememberTraining(folder), Action::Request(Request::StartTraining(what))]
            if what.1 == std::path::Path::new("/mine") && *folder == what.1
    ));
    harness.get_by_label("Stop").click();
    harness.run();
    let asked = harness.state().1.actions();
    assert!(matches!(asked.as_slice(), [Action::Request(Request::StopTraining)]));
    harness.get_by_label("Stopping");
}

/// The text in the status bar and the messages after this news.
fn after(train: &mut Train, bench: &Bench, news: TrainingNews) -> (Option<String>, Vec<String>) {
    train.on_news(&News::Training(news), &bench.ctx());
    (train.status(), bench.messages())
}

#[test]
fn a_training_is_reported_while_it_runs_and_when_it_ends() {
    let bench = Bench::new();
    let mut train = Train {
        run: TrainingState::Training,
        ..Train::default()
    };
    assert_eq!(train.status().as_deref(), Some("Training: checking files"));
    let begun = TrainingNews::Begun {
        remarks: Vec::new(),
        title: "Seg-T-Mask/16".into(),
        device: "CPU".into(),
        images: 2,
        decoders: vec!["mask".into()],
        from: 3,
        to: 10,
        history: TrainHistory::default(),
        best: None,
    };
    let (status, messages) = after(&mut train, &bench, begun);
    assert_eq!((status.as_deref(), messages.len()), (Some("Training: step 3 of 10"), 0));
    let step = TrainingNews::Step {
        iteration: 4,
        losses: vec![1.0],
        time: Duration::from_secs(1),
        images: 2,
    };
    let (status, _) = after(&mut train, &bench, step);
    assert_eq!(status.as_deref(), Some("Training: step 4 of 10"));
    let ended = |stopped| {
        TrainingNews::Ended(Ok(TrainingResult {
            last: "/out/last".into(),
            best: None,
            stopped,
        }))
    };
    let (status, messages) = after(&mut train, &bench, ended(false));
    assert_eq!((status, messages), (None, vec!["The training is finished".to_owned()]));
    train.run = TrainingState::Stopping;
    let (_, messages) = after(&mut train, &bench, ended(true));
    assert_eq!(messages, ["The training is paused; start it again to resume"]);
    // A training that is stopped before it starts is reported as stopped, not as failed.
    for (run, message) in [
        (TrainingState::Stopping, "The training was stopped before it started"),
        (TrainingState::Training, "The training failed: no label maps"),
    ] {
        train.run = run;
        let (status, messages) = after(&mut train, &bench, TrainingNews::Ended(Err("no label maps".into())));
        assert_eq!((status, messages), (None, vec![message.to_owned()]));
    }
}
