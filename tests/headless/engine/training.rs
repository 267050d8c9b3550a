//! Trainings started from the window.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use segscope::engine::{DataPlan, DeviceChoice, Preset, TrainPlan, TrainingNews, TrainingPlace, TrainingRun};

use super::harness::PATIENCE;
use crate::repository::in_repository;

fn plan(folder: &Path, iterations: usize) -> TrainPlan {
    let [images, labels] = ["images", "labels"].map(|below| folder.join(below));
    for (below, file) in [(&images, "street.jpg"), (&labels, "street-labels.png")] {
        fs::create_dir_all(below).expect("a folder");
        let name = file.replace("-labels", "");
        fs::copy(in_repository("assets/samples").join(file), below.join(name)).expect("a copy");
    }
    let data = DataPlan {
        images: vec![images],
        labels: vec![labels],
        list: None,
        label_name: None,
    };
    let mut training = Preset::AdamW.config(iterations, 64, 64);
    (training.batch_size, training.validate_every) = (2, 2);
    TrainPlan {
        validation: data.clone(),
        data,
        init: in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz"),
        set: Some("camvid".into()),
        classes: None,
        ignore: None,
        zero_is_ignored: None,
        label_ids: None,
        read_id: Vec::new(),
        decoders: vec!["linear".into(), "naive".into()],
        patch: 16,
        channels: 8,
        auxiliary: false,
        normalisation: None,
        training,
    }
}

/// All events of a training that is stopped after `stop_after` steps.
fn news_of(plan: TrainPlan, out: &Path, stop_after: usize) -> Vec<TrainingNews> {
    let waiting = std::thread::current();
    let wake = Box::new(move || waiting.unpark());
    let place = TrainingPlace {
        device: DeviceChoice::Cpu,
        threads: Some(2),
    };
    let run = TrainingRun::start(plan, out.to_owned(), place, wake).expect("a thread");
    let begin = Instant::now();
    let mut all = Vec::new();
    loop {
        let Some(news) = run.poll() else {
            assert!(begin.elapsed() < PATIENCE, "{all:?}");
            std::thread::park_timeout(Duration::from_millis(20));
            continue;
        };
        if matches!(&news, TrainingNews::Step { iteration, .. } if *iteration == stop_after) {
            run.stop();
        }
        let ended = matches!(news, TrainingNews::Ended(_));
        all.push(news);
        if ended {
            return all;
        }
    }
}

#[test]
fn a_training_reports_its_steps_and_writes_bundles() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let news = news_of(plan(folder.path(), 3), &out, usize::MAX);
    assert!(
        matches!(&news[0], TrainingNews::Begun { images: 1, from: 0, to: 3, decoders, .. } if decoders == &["linear", "naive"]),
        "{news:?}"
    );
    let steps = news
        .iter()
        .filter(|news| matches!(news, TrainingNews::Step { losses, .. } if losses.len() == 2));
    assert_eq!(steps.count(), 3);
    let shown = news.iter().find_map(|news| match news {
        TrainingNews::Validated { shown, mean_iou, .. } => Some((shown, mean_iou)),
        _ => None,
    });
    let (shown, mean_iou) = shown.expect("a validation");
    assert_eq!((shown.len(), mean_iou.len()), (2, 2));
    assert_eq!((shown[0].width, shown[0].height), (640, 480));
    let Some(TrainingNews::Ended(Ok(result))) = news.last() else {
        panic!("{news:?}")
    };
    assert!(!result.stopped && result.last.is_file());
    assert!(result.best.as_ref().is_some_and(|best| best.is_file()));
}

#[test]
fn a_stopped_training_is_resumed_and_an_invalid_one_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let plan = plan(folder.path(), 1000);
    let news = news_of(plan.clone(), &out, 2);
    let Some(TrainingNews::Ended(Ok(result))) = news.last() else {
        panic!("{news:?}")
    };
    assert!(result.stopped && result.last.is_file());
    let from = news
        .iter()
        .filter(|news| matches!(news, TrainingNews::Step { .. }))
        .count();
    let on = news_of(plan.clone(), &out, from + 1);
    assert!(
        matches!(&on[0], TrainingNews::Begun { from: at, history, .. }
            if *at == from && history.losses.iter().map(|(step, _)| *step).eq(1..=from)),
        "{on:?}"
    );
    let wrong = TrainPlan {
        decoders: vec!["deeplab".into()],
        ..plan
    };
    let news = news_of(wrong, &folder.path().join("wrong"), 1);
    assert!(
        matches!(&news[..], [TrainingNews::Ended(Err(why))] if why.contains("decoder: expected some of")),
        "{news:?}"
    );
}
