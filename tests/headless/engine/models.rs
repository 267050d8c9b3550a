//! Several models at once, their outputs, and models on their way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use segscope::engine::{Asked, EngineSettings, Event, Job, ModelSource, OpenModel, Output, PhotoSource};

use super::desk::{Desk, PATIENCE, assert_covered, empty_folder, on_cpu, usual_model};
use crate::bundles::{five_decoders, fixture, save};

fn bundle(folder: &Path, name: &str, seed: u64) -> PathBuf {
    save(&five_decoders(), seed, &folder.join(name))
}

/// The next list of open models that `fits`.
fn wait_for_models(desk: &mut Desk, what: &str, fits: impl Fn(&[OpenModel]) -> bool) -> Vec<OpenModel> {
    desk.wait_for(what, |event| match event {
        Event::OpenModels(open) if fits(&open) => Some(open),
        _ => None,
    })
}

#[test]
fn another_output_costs_the_decoder_alone() {
    let folder = empty_folder();
    let mut desk = Desk::new();
    let model = desk.load(ModelSource::Path(bundle(folder.path(), "a.safetensors", 1)));
    let photo = desk.open(PhotoSource::Sample);
    let outputs = model.spec.outputs();
    assert_eq!(outputs.len(), 7, "five decoders, two heads of PUP");
    let mut labels = Vec::new();
    for (i, output) in outputs.iter().enumerate() {
        desk.output = *output;
        let result = desk.segment(&photo, None);
        assert_covered(&result);
        assert_eq!(result.output, *output);
        let encoded = result.prediction.timings.encode > Duration::ZERO;
        assert_eq!(encoded, i == 0, "{} encoded again", result.title());
        labels.push(result.prediction.labels.map.clone());
    }
    desk.output = outputs[5];
    assert_eq!(desk.segment(&photo, None).title(), "SETR-PUP-48x4/16 layer 3");

    desk.engine.configure(EngineSettings {
        feature_bytes: 0,
        ..on_cpu()
    });
    for (output, kept) in outputs.iter().zip(&labels) {
        desk.output = *output;
        let alone = desk.segment(&photo, None);
        assert!(alone.prediction.timings.encode > Duration::ZERO, "features are kept");
        assert!(alone.prediction.labels.map == *kept, "{}: other labels", alone.title());
    }
    assert!(labels.iter().any(|map| *map != labels[0]), "all outputs are the same");
}

#[test]
fn an_output_that_the_model_has_not_is_a_sentence() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    desk.output = Output::main(5);
    let _asked = desk.ask(&photo, None);
    let why = desk.wait_for("a failure", |event| match event {
        Event::SegmentFailed { message, .. } => Some(message),
        _ => None,
    });
    assert!(why.contains(&fixture::spec().title()), "{why}");
}

#[test]
fn the_model_used_least_recently_makes_room_and_comes_back_when_it_is_used() {
    let folder = empty_folder();
    let mut desk = Desk::new();
    let photo = desk.open(PhotoSource::Sample);
    let paths = ["a", "b", "c"].map(|name| folder.path().join(name).with_extension("safetensors"));
    let mut models = Vec::new();
    for (path, seed) in paths.iter().zip(1..) {
        models.push(desk.load(ModelSource::Path(save(&five_decoders(), seed, path))));
    }
    let bytes = models[0].bytes();
    assert_eq!(bytes, 4 * models[0].parameters);
    let first = {
        desk.model = models[0].id;
        desk.segment(&photo, None).prediction
    };
    let ids: Vec<u64> = models.iter().map(|model| model.id).collect();
    let in_memory = |expected: [bool; 3]| {
        let ids = ids.clone();
        move |open: &[OpenModel]| {
            let found: Vec<_> = open.iter().map(|model| (model.info.id, model.in_memory)).collect();
            found == ids.iter().copied().zip(expected).collect::<Vec<_>>()
        }
    };
    // The first one was used last.
    desk.engine.configure(EngineSettings {
        model_bytes: bytes * 5 / 2,
        feature_bytes: 0,
        ..on_cpu()
    });
    wait_for_models(&mut desk, "two models", in_memory([true, false, true]));
    desk.model = models[1].id;
    assert_covered(&desk.segment(&photo, None));
    wait_for_models(&mut desk, "the second model again", in_memory([true, true, false]));
    // A single one is used whatever it takes.
    desk.engine.configure(EngineSettings {
        model_bytes: 0,
        feature_bytes: 0,
        ..on_cpu()
    });
    wait_for_models(&mut desk, "one model", in_memory([false, true, false]));
    desk.model = models[0].id;
    let again = desk.segment(&photo, None).prediction;
    assert!(
        first.labels.map == again.labels.map,
        "other labels when it is read again"
    );
    wait_for_models(&mut desk, "the first model", in_memory([true, false, false]));

    fs::remove_file(&paths[1]).expect("removed");
    save(&five_decoders(), 4, &paths[2]);
    for (model, word) in [
        (&models[1], paths[1].to_str().expect("UTF-8")),
        (&models[2], "has changed"),
    ] {
        desk.model = model.id;
        let _asked = desk.ask(&photo, None);
        let why = desk.wait_for("a failure", |event| match event {
            Event::SegmentFailed { message, .. } => Some(message),
            _ => None,
        });
        assert!(why.contains(&model.title) && why.contains(word), "{why}");
    }
}

#[test]
fn a_model_opened_twice_is_one_and_a_closed_one_is_gone() {
    let folder = empty_folder();
    let mut desk = Desk::with_model();
    let first = desk.model;
    let path = bundle(folder.path(), "a.safetensors", 1);
    let model = desk.load(ModelSource::Path(path.clone()));
    assert_eq!(desk.load(ModelSource::Path(path)).id, model.id);
    desk.send(Job::CloseModel(first));
    let open = wait_for_models(&mut desk, "one model", |open| open.len() == 1);
    assert_eq!(open[0].info.id, model.id);
    let photo = desk.open(PhotoSource::Sample);
    desk.model = first;
    let _asked = desk.ask(&photo, None);
    let why = desk.wait_for("a failure", |event| match event {
        Event::SegmentFailed { message, .. } => Some(message),
        _ => None,
    });
    assert!(why.contains("expected an open model"), "{why}");
    desk.model = model.id;
    assert_covered(&desk.segment(&photo, None));
}

#[test]
fn progress_of_opening_never_goes_back() {
    let folder = empty_folder();
    let mut desk = Desk::new();
    let asked = Asked::new();
    let source = ModelSource::Path(bundle(folder.path(), "a.safetensors", 1));
    let ticket = asked.ticket();
    desk.send(Job::LoadModel { ticket, source });
    let mut fractions = Vec::new();
    desk.wait_for("a model", |event| match event {
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
fn a_model_whose_side_file_comes_later_is_read_again_and_takes_its_place() {
    let folder = empty_folder();
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16-distilled");
    let file = folder.path().join("checkpoint.pth");
    fs::copy(published.join("checkpoint.pth"), &file).expect("a copy");
    let mut desk = Desk::new();
    let alone = desk.load(ModelSource::Path(file.clone()));
    let sizes = fs::read_to_string(published.join("variant.yml")).expect("text");
    let sizes = sizes.replace("window_stride: 36", "window_stride: 24");
    fs::write(folder.path().join("variant.yml"), sizes).expect("room for it");
    let with_sizes = desk.load(ModelSource::Path(file));
    assert_ne!(alone.id, with_sizes.id);
    assert_ne!(alone.spec.inference.stride, 24);
    assert_eq!(with_sizes.spec.inference.stride, 24);
    // Without it none is left: the one before was closed.
    desk.send(Job::CloseModel(with_sizes.id));
    wait_for_models(&mut desk, "no model", |open| open.is_empty());
}

/// Holds the worker after something that it says, so that a test can act before it goes on.
struct Gate {
    closed: Arc<AtomicBool>,
    stopped: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

fn desk_with_gate() -> (Desk, Gate) {
    let closed = Arc::new(AtomicBool::new(false));
    let (stop, stopped) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let of_engine = closed.clone();
    let desk = Desk::with_wake(move || {
        if of_engine.load(Ordering::SeqCst) && stop.send(()).is_ok() {
            may_go_on.recv().ok();
        }
    });
    let gate = Gate { closed, stopped, go_on };
    (desk, gate)
}

impl Gate {
    /// From now on the worker stops after each thing that it says.
    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Lets the worker go on, again and again, until it has stopped after saying that it reads the model.
    fn pass_until_reading(&self, desk: &mut Desk, asked: &Asked) {
        loop {
            self.stopped.recv_timeout(PATIENCE).expect("a worker at the gate");
            while let Some(event) = desk.engine.poll() {
                if matches!(event, Event::ModelProgress { ticket, .. } if asked.is(&ticket)) {
                    return;
                }
            }
            self.go_on.send(()).expect("a worker at the gate");
        }
    }

    fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.go_on.send(()).expect("a worker at the gate");
    }
}

#[test]
fn a_cancelled_load_leaves_everything_as_it_was() {
    let folder = empty_folder();
    let (mut desk, gate) = desk_with_gate();
    let model = desk.load(usual_model());
    gate.close();
    let asked = Asked::new();
    let source = ModelSource::Path(bundle(folder.path(), "a.safetensors", 1));
    let ticket = asked.ticket();
    desk.send(Job::LoadModel { ticket, source });
    gate.pass_until_reading(&mut desk, &asked);
    asked.cancel();
    gate.open();
    let cancelled = desk.wait_for("its end", |event| match event {
        Event::ModelCancelled { ticket } => Some(ticket),
        Event::Model { model, .. } => panic!("{} was opened", model.title),
        Event::OpenModels(open) => panic!("{} models are open", open.len()),
        _ => None,
    });
    assert!(asked.is(&cancelled));
    desk.model = model.id;
    let photo = desk.open(PhotoSource::Sample);
    assert_covered(&desk.segment(&photo, None));
}

#[test]
fn loads_that_are_dropped_stop_for_a_newer_one() {
    let folder = empty_folder();
    let (mut desk, gate) = desk_with_gate();
    desk.load(usual_model());
    gate.close();
    let sources = ["a", "b", "c"].map(|name| ModelSource::Path(bundle(folder.path(), name, 1)));
    let mut newest = Asked::new();
    let mut tickets = vec![newest.ticket()];
    for (i, source) in sources.clone().into_iter().enumerate() {
        if i > 0 {
            // The one before is not wanted any more.
            newest = Asked::new();
            tickets.push(newest.ticket());
        }
        let ticket = newest.ticket();
        desk.send(Job::LoadModel { ticket, source });
        if i == 0 {
            gate.pass_until_reading(&mut desk, &newest);
        }
    }
    gate.open();
    let mut cancelled = Vec::new();
    let model = desk.wait_for("the newest model", |event| match event {
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
