//! Several open models, their outputs, and loading.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use segscope::engine::{Asked, EngineSettings, Event, ImageSource, Job, ModelSource, OpenModel, Output};

use super::harness::{Harness, PATIENCE, assert_covered, empty_folder, fixture_model, on_cpu};
use crate::bundles::{five_decoders, fixture, save};

fn bundle(folder: &Path, name: &str, seed: u64) -> PathBuf {
    save(&five_decoders(), seed, &folder.join(name))
}

/// Waits for a list of open models that `fits`.
fn wait_for_models(harness: &mut Harness, what: &str, fits: impl Fn(&[OpenModel]) -> bool) -> Vec<OpenModel> {
    harness.wait_for(what, |event| match event {
        Event::OpenModels(open) if fits(&open) => Some(open),
        _ => None,
    })
}

#[test]
fn another_output_runs_only_its_decoder() {
    let folder = empty_folder();
    let mut harness = Harness::new();
    let model = harness.load(ModelSource::Path(bundle(folder.path(), "a.safetensors", 1)));
    let photo = harness.open(ImageSource::Sample);
    let outputs = model.spec.outputs();
    assert_eq!(outputs.len(), 7, "five decoders, two heads of PUP");
    let mut labels = Vec::new();
    for (i, output) in outputs.iter().enumerate() {
        harness.output = *output;
        let result = harness.segment(&photo, None);
        assert_covered(&result);
        assert_eq!(result.output, *output);
        let encoded = result.prediction.timings.encode > Duration::ZERO;
        assert_eq!(encoded, i == 0, "{} encoded again", result.title());
        labels.push(result.prediction.labels.map.clone());
    }
    harness.output = outputs[5];
    assert_eq!(harness.segment(&photo, None).title(), "SETR-PUP-48x4/16 layer 3");

    harness.engine.configure(EngineSettings {
        feature_bytes: 0,
        ..on_cpu()
    });
    for (output, kept) in outputs.iter().zip(&labels) {
        harness.output = *output;
        let alone = harness.segment(&photo, None);
        assert!(alone.prediction.timings.encode > Duration::ZERO, "features are cached");
        assert!(alone.prediction.labels.map == *kept, "{}: other labels", alone.title());
    }
    assert!(labels.iter().any(|map| *map != labels[0]), "all outputs are the same");
}

#[test]
fn an_output_that_the_model_lacks_is_an_error() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    harness.output = Output::main(5);
    let _asked = harness.ask(&photo, None);
    let why = harness.wait_for("a failure", |event| match event {
        Event::SegmentFailed { message, .. } => Some(message),
        _ => None,
    });
    assert!(why.contains(&fixture::spec().title()), "{why}");
}

#[test]
fn the_least_recently_used_model_is_unloaded_and_reloaded_on_use() {
    let folder = empty_folder();
    let mut harness = Harness::new();
    let photo = harness.open(ImageSource::Sample);
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name).with_extension("safetensors"));
    let mut models = Vec::new();
    for (path, seed) in paths.iter().zip(1..) {
        models.push(harness.load(ModelSource::Path(save(&five_decoders(), seed, path))));
    }
    let bytes = models[0].bytes;
    // Packed weights are padded, the transformed kernels of 3x3 convolutions have 36 values for 9, and on processors that
    // multiply bf16 most values have two bytes.
    let each = bytes / models[0].parameters;
    assert!((2..20).contains(&each), "{each} bytes for each parameter");
    let first = {
        harness.model = models[0].id;
        harness.segment(&photo, None).prediction
    };
    let ids: Vec<u64> = models.iter().map(|model| model.id).collect();
    let in_memory = |expected: [bool; 3]| {
        let ids = ids.clone();
        move |open: &[OpenModel]| {
            let found: Vec<_> = open.iter().map(|model| (model.info.id, model.in_memory)).collect();
            found == ids.iter().copied().zip(expected).collect::<Vec<_>>()
        }
    };
    // The first model was used last.
    harness.engine.configure(EngineSettings {
        model_bytes: bytes * 5 / 2,
        feature_bytes: 0,
        ..on_cpu()
    });
    wait_for_models(&mut harness, "two models", in_memory([true, false, true]));
    harness.model = models[1].id;
    assert_covered(&harness.segment(&photo, None));
    wait_for_models(&mut harness, "the second model again", in_memory([true, true, false]));
    // A single model is used even if it exceeds the limit.
    harness.engine.configure(EngineSettings {
        model_bytes: 0,
        feature_bytes: 0,
        ..on_cpu()
    });
    wait_for_models(&mut harness, "one model", in_memory([false, true, false]));
    harness.model = models[0].id;
    let again = harness.segment(&photo, None).prediction;
    assert!(first.labels.map == again.labels.map, "labels differ after reloading");
    wait_for_models(&mut harness, "the first model", in_memory([true, false, false]));

    fs::remove_file(&paths[1]).expect("removed");
    save(&five_decoders(), 4, &paths[2]);
    for (model, word) in [
        (&models[1], paths[1].to_str().expect("UTF-8")),
        (&models[2], "has changed"),
    ] {
        harness.model = model.id;
        let _asked = harness.ask(&photo, None);
        let why = harness.wait_for("a failure", |event| match event {
            Event::SegmentFailed { message, .. } => Some(message),
            _ => None,
        });
        assert!(why.contains(&model.title) && why.contains(word), "{why}");
    }
}

#[test]
fn a_model_opened_twice_is_listed_once_and_a_closed_one_is_not() {
    let folder = empty_folder();
    let mut harness = Harness::with_model();
    let first = harness.model;
    let path = bundle(folder.path(), "a.safetensors", 1);
    let model = harness.load(ModelSource::Path(path.clone()));
    assert_eq!(harness.load(ModelSource::Path(path)).id, model.id);
    harness.send(Job::CloseModel(first));
    let open = wait_for_models(&mut harness, "one model", |open| open.len() == 1);
    assert_eq!(open[0].info.id, model.id);
    let photo = harness.open(ImageSource::Sample);
    harness.model = first;
    let _asked = harness.ask(&photo, None);
    let why = harness.wait_for("a failure", |event| match event {
        Event::SegmentFailed { message, .. } => Some(message),
        _ => None,
    });
    assert!(why.contains("expected an open model"), "{why}");
    harness.model = model.id;
    assert_covered(&harness.segment(&photo, None));
}

#[test]
fn progress_of_opening_never_decreases() {
    let folder = empty_folder();
    let mut harness = Harness::new();
    let asked = Asked::new();
    let source = ModelSource::Path(bundle(folder.path(), "a.safetensors", 1));
    let ticket = asked.ticket();
    harness.send(Job::LoadModel { ticket, source });
    let mut fractions = Vec::new();
    harness.wait_for("a model", |event| match event {
        Event::ModelProgress { ticket, fraction } => {
            assert!(asked.is(&ticket));
            fractions.push(fraction);
            None
        }
        Event::Model { ticket, .. } => {
            assert!(asked.is(&ticket));
            Some(())
        }
        _ => None,
    });
    assert_eq!(fractions.first(), Some(&0.0));
    assert!(fractions.len() > 10, "{fractions:?}");
    assert!(
        fractions.is_sorted() && fractions.iter().all(|f| *f <= 1.0),
        "{fractions:?}"
    );
}

#[test]
fn a_model_is_reloaded_when_its_side_file_appears_later() {
    let folder = empty_folder();
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16-distilled");
    let file = folder.path().join("checkpoint.pth");
    fs::copy(published.join("checkpoint.pth"), &file).expect("a copy");
    let mut harness = Harness::new();
    let alone = harness.load(ModelSource::Path(file.clone()));
    let sizes = fs::read_to_string(published.join("variant.yml")).expect("text");
    let sizes = sizes.replace("window_stride: 36", "window_stride: 24");
    fs::write(folder.path().join("variant.yml"), sizes).expect("room for it");
    let with_sizes = harness.load(ModelSource::Path(file));
    assert_ne!(alone.id, with_sizes.id);
    assert_ne!(alone.spec.inference.stride, 24);
    assert_eq!(with_sizes.spec.inference.stride, 24);
    // No other model is left, because the previous one was closed.
    harness.send(Job::CloseModel(with_sizes.id));
    wait_for_models(&mut harness, "no model", |open| open.is_empty());
}

/// Holds the worker after each event, so that a test can act before it continues.
struct Gate {
    closed: Arc<AtomicBool>,
    stopped: mpsc::Receiver<()>,
    keep_going: mpsc::Sender<()>,
}

fn desk_with_gate() -> (Harness, Gate) {
    let closed = Arc::new(AtomicBool::new(false));
    let (stop, stopped) = mpsc::channel();
    let (keep_going, may_go_on) = mpsc::channel();
    let of_engine = closed.clone();
    let harness = Harness::with_wake(move || {
        if of_engine.load(Ordering::SeqCst) && stop.send(()).is_ok() {
            may_go_on.recv().ok();
        }
    });
    let gate = Gate {
        closed,
        stopped,
        keep_going,
    };
    (harness, gate)
}

impl Gate {
    /// Makes the worker stop after each event from now on.
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Lets the worker continue from event to event until it has reported that it reads the model.
    fn pass_until_reading(&self, harness: &mut Harness, asked: &Asked) {
        loop {
            self.stopped.recv_timeout(PATIENCE).expect("a worker at the gate");
            while let Some(event) = harness.engine.poll() {
                if matches!(event, Event::ModelProgress { ticket, .. } if asked.is(&ticket)) {
                    return;
                }
            }
            self.keep_going.send(()).expect("a worker at the gate");
        }
    }

    fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.keep_going.send(()).expect("a worker at the gate");
    }
}

#[test]
fn a_cancelled_load_changes_nothing() {
    let folder = empty_folder();
    let (mut harness, gate) = desk_with_gate();
    let model = harness.load(fixture_model());
    gate.close();
    let asked = Asked::new();
    let source = ModelSource::Path(bundle(folder.path(), "a.safetensors", 1));
    let ticket = asked.ticket();
    harness.send(Job::LoadModel { ticket, source });
    gate.pass_until_reading(&mut harness, &asked);
    asked.cancel();
    gate.open();
    let cancelled = harness.wait_for("its end", |event| match event {
        Event::ModelCancelled { ticket } => Some(ticket),
        Event::Model { model, .. } => panic!("{} was opened", model.title),
        Event::OpenModels(open) => panic!("{} models are open", open.len()),
        _ => None,
    });
    assert!(asked.is(&cancelled));
    harness.model = model.id;
    let photo = harness.open(ImageSource::Sample);
    assert_covered(&harness.segment(&photo, None));
}

#[test]
fn dropping_a_load_stops_it_for_a_newer_one() {
    let folder = empty_folder();
    let (mut harness, gate) = desk_with_gate();
    harness.load(fixture_model());
    gate.close();
    let sources = ["a", "b", "c"].map(|name| ModelSource::Path(bundle(folder.path(), name, 1)));
    let mut newest = Asked::new();
    let mut tickets = vec![newest.ticket()];
    for (i, source) in sources.clone().into_iter().enumerate() {
        if i > 0 {
            // This drops the previous request.
            newest = Asked::new();
            tickets.push(newest.ticket());
        }
        let ticket = newest.ticket();
        harness.send(Job::LoadModel { ticket, source });
        if i == 0 {
            gate.pass_until_reading(&mut harness, &newest);
        }
    }
    gate.open();
    let mut cancelled = Vec::new();
    let model = harness.wait_for("the newest model", |event| match event {
        Event::ModelCancelled { ticket } => {
            cancelled.push(ticket);
            None
        }
        Event::Model { ticket, model } => Some((ticket, model.source.clone())),
        _ => None,
    });
    assert_eq!(cancelled, tickets[..2]);
    assert_eq!(model, (newest.ticket(), sources[2].clone()));
}
