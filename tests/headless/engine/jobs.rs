//! One job at a time: models, photos, segmentations and exports.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use segscope::engine::{Asked, DeviceChoice, Event, ExportJob, Job, ModelSource, Output, PhotoSource};
use segscope::export::{Format, Options};
use segscope::runtime::{Session, Task, peak_memory_mib};
use segscope::segment::Settings;

use super::desk::{Desk, assert_covered, empty_folder, large_picture, long_run, synthetic_photo, usual_model};
use crate::alone::alone;
use crate::bundles::fixture;

#[test]
fn the_sample_is_segmented_and_progress_never_goes_back() {
    let mut desk = Desk::new();
    let load = Asked::new();
    let (ticket, source) = (load.ticket(), usual_model());
    desk.send(Job::LoadModel { ticket, source });
    let device = desk.wait_for("a device", |event| match event {
        Event::Device { name, note, .. } => Some((name, note)),
        _ => None,
    });
    assert_eq!(device, ("CPU".to_owned(), None));
    let model = desk.wait_for("a model", |event| match event {
        Event::Model { model, .. } => Some(model),
        _ => None,
    });
    assert_eq!(model.title, fixture::spec().title());
    assert_eq!(
        model.output_title(Output::default()),
        fixture::spec().output_title(Output::main(0))
    );
    desk.model = model.id;

    let photo = desk.open(PhotoSource::Sample);
    let wanted = desk.ask(&photo, None);
    let mut fractions = Vec::new();
    let result = desk.wait_for("a segmentation", |event| match event {
        Event::Progress { ticket, progress } => {
            assert!(wanted.is(&ticket), "progress of another run");
            fractions.push(progress.fraction);
            None
        }
        Event::Segmented { ticket, result } => {
            assert!(wanted.is(&ticket), "the result of another run");
            Some(result)
        }
        _ => None,
    });
    assert_covered(&result);
    let pixels = result.counts.iter().sum::<u64>() as usize;
    // Three bytes of colour and two each for id, confidence and margin, besides logits and regions.
    assert!(
        result.bytes() > 9 * pixels,
        "{} bytes for {pixels} pixels",
        result.bytes()
    );
    let used = desk.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert!(used.feature_bytes > 0, "no features are kept");
    assert!(used.now_mib <= used.peak_mib, "more memory than ever: {used:?}");
    assert!(
        fractions.iter().all(|f| (0.0..=1.0).contains(f)),
        "shares from 0 to 1: {fractions:?}"
    );
    assert!(fractions.is_sorted(), "progress goes back: {fractions:?}");
    assert_eq!(fractions.last(), Some(&1.0), "the last block is the end: {fractions:?}");
    assert!(
        result.prediction.timings.encode > Duration::ZERO,
        "encoding took no time"
    );
}

#[test]
fn without_a_model_nothing_is_segmented() {
    let mut desk = Desk::new();
    let photo = desk.open(PhotoSource::Sample);
    let wanted = desk.ask(&photo, None);
    let message = desk.wait_for("a failure", |event| match event {
        Event::SegmentFailed { ticket, message } if wanted.is(&ticket) => Some(message),
        _ => None,
    });
    assert!(message.contains("model"), "expected a word on the model: {message}");
}

#[test]
fn a_request_that_is_dropped_stops_its_run_for_a_newer_one() {
    let folder = empty_folder();
    let mut desk = Desk::with_slow_model();
    let photo = desk.open(large_picture(folder.path()));
    let older = desk.begin(&photo, Some(long_run()));
    let newer = desk.ask(&photo, None);
    let of_older = older.ticket();
    drop(older);
    let mut stopped = false;
    let result = desk.wait_for("the newer result", |event| match event {
        Event::Cancelled { ticket } => {
            assert!(ticket == of_older, "another run was stopped");
            stopped = true;
            None
        }
        Event::Segmented { ticket, result } => {
            assert!(newer.is(&ticket), "another run was finished");
            Some(result)
        }
        _ => None,
    });
    assert!(stopped, "nothing was said on the end of the older run");
    assert_covered(&result);
}

#[test]
fn cancelling_alone_stops_a_run() {
    let folder = empty_folder();
    let mut desk = Desk::with_slow_model();
    let photo = desk.open(large_picture(folder.path()));
    let wanted = desk.begin(&photo, Some(long_run()));
    wanted.cancel();
    let stopped = desk.wait_for("the end of the run", |event| match event {
        Event::Cancelled { ticket } => Some(ticket),
        Event::Segmented { .. } => panic!("it went on to its end"),
        _ => None,
    });
    assert!(wanted.is(&stopped), "another run was stopped");
}

#[test]
fn a_request_that_is_withdrawn_before_its_turn_is_never_begun() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let asked = Asked::new();
    asked.cancel();
    desk.send(Job::Segment {
        ticket: asked.ticket(),
        photo,
        model: desk.model,
        output: desk.output,
        settings: None,
    });
    let stopped = desk.wait_for("the end of the request", |event| match event {
        Event::Cancelled { ticket } => Some(ticket),
        Event::Progress { .. } | Event::Segmented { .. } => panic!("it was begun all the same"),
        _ => None,
    });
    assert!(asked.is(&stopped), "another request ended");
}

#[test]
fn what_is_withdrawn_before_its_turn_is_not_read() {
    let mut desk = Desk::new();
    let (first, second) = (Asked::new(), Asked::new());
    first.cancel();
    for asked in [&first, &second] {
        desk.send(Job::OpenPhoto {
            ticket: asked.ticket(),
            source: PhotoSource::Sample,
        });
    }
    let cancelled = desk.wait_for("the end of the first", |event| match event {
        Event::PhotoCancelled { ticket } => Some(ticket),
        Event::Photo { .. } => panic!("it was read all the same"),
        _ => None,
    });
    assert!(first.is(&cancelled));
    let read = desk.wait_for("the second", |event| match event {
        Event::Photo { ticket, .. } => Some(ticket),
        _ => None,
    });
    assert!(second.is(&read));
}

#[test]
fn a_model_that_cannot_be_opened_leaves_the_one_before() {
    let folder = empty_folder();
    let damaged = folder.path().join("damaged.safetensors");
    fs::write(&damaged, "no model at all").unwrap();
    let mut desk = Desk::new();
    let model = desk.load(usual_model());
    for path in [folder.path().join("missing.pth"), damaged] {
        let asked = Asked::new();
        let (ticket, source) = (asked.ticket(), ModelSource::Path(path.clone()));
        desk.send(Job::LoadModel { ticket, source });
        let why = desk.wait_for("a failure", |event| match event {
            Event::ModelFailed { message, .. } => Some(message),
            Event::Model { model, .. } => panic!("{} became the model {}", path.display(), model.title),
            _ => None,
        });
        let path = path.display().to_string();
        assert!(why.contains(&path), "expected a sentence on {path}: {why}");
    }
    let photo = desk.open(PhotoSource::Sample);
    let result = desk.segment(&photo, None);
    assert_eq!(result.model.id, model.id, "the model in use");
    assert_covered(&result);
}

#[test]
fn a_picture_that_cannot_be_read_is_reported() {
    let folder = empty_folder();
    let text = folder.path().join("notes.png");
    fs::write(&text, "no picture at all").unwrap();
    let mut desk = Desk::new();
    for path in [folder.path().join("missing.jpg"), text] {
        let asked = Asked::new();
        let (ticket, source) = (asked.ticket(), PhotoSource::Path(path.clone()));
        desk.send(Job::OpenPhoto { ticket, source });
        let why = desk.wait_for("a failure", |event| match event {
            Event::PhotoFailed { message, .. } => Some(message),
            Event::Photo { .. } => panic!("{} became a photo", path.display()),
            _ => None,
        });
        let path = path.display().to_string();
        assert!(why.contains(&path), "expected a sentence on {path}: {why}");
    }
    let photo = desk.open(PhotoSource::Sample).photo;
    assert_eq!(
        photo.rgb.len(),
        3 * photo.width * photo.height,
        "the photo after the broken ones"
    );
}

#[test]
fn the_same_photo_again_is_not_encoded_again() {
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let first = desk.segment(&photo, None).prediction;
    let again = desk.segment(&photo, None).prediction;
    assert!(
        first.timings.encode > Duration::ZERO,
        "the first run has nothing to go back to"
    );
    assert_eq!(again.timings.encode, Duration::ZERO, "the second run encoded again");
    assert!(first.labels.map == again.labels.map, "kept features give other labels");

    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16");
    desk.load(ModelSource::Path(other));
    let of_other = desk.segment(&photo, None).prediction;
    assert!(
        of_other.timings.encode > Duration::ZERO,
        "features of another model were used"
    );
    let own = Settings::of(&desk.load(usual_model()).spec.inference);
    let back = desk.segment(&photo, Some(own.clone())).prediction;
    assert_eq!(
        back.timings.encode,
        Duration::ZERO,
        "going back to the first model encoded again"
    );
    assert!(first.labels.map == back.labels.map, "kept features give other labels");
    let mirrored = desk.segment(&photo, Some(Settings { flip: true, ..own })).prediction;
    assert!(
        mirrored.timings.encode > Duration::ZERO,
        "features of other settings were used"
    );
}

#[test]
fn an_export_writes_what_was_planned() {
    let folder = empty_folder();
    let mut desk = Desk::with_model();
    let photo = desk.open(PhotoSource::Sample);
    let mut job = ExportJob {
        result: desk.segment(&photo, None),
        options: Options {
            formats: Format::ALL.to_vec(),
            ..Options::default()
        },
        folder: folder.path().join("out"),
    };
    let planned = desk.plan(&job);
    assert!(!job.folder.exists(), "a plan writes nothing");
    assert!(planned.iter().all(|file| !file.exists), "nothing is there yet");
    let paths: BTreeSet<PathBuf> = planned.into_iter().map(|file| file.path).collect();
    for path in ["labels/street.png", "color/street.png", "confidence/street.png"] {
        assert!(
            paths.contains(&job.folder.join(path)),
            "{path} is not planned: {paths:?}"
        );
    }

    let written = desk.export(&job).expect("an export into an empty folder");
    assert_eq!(BTreeSet::from_iter(written), paths, "files planned and written");
    for path in &paths {
        let length = fs::metadata(path).map_or(0, |data| data.len());
        assert!(length > 0, "nothing is in {}", path.display());
    }

    // A class list that says the same may stay; everything else would be lost.
    let taken = desk.plan(&job).into_iter().filter(|file| file.exists).count();
    assert_eq!(taken, paths.len() - 1, "files that would be replaced");
    let why = desk.export(&job).expect_err("an export over existing files");
    assert!(
        why.contains("expected no such file yet"),
        "expected a sentence on overwriting: {why}"
    );
    job.options.overwrite = true;
    desk.export(&job).expect("an export that may overwrite");
}

#[test]
fn dropping_the_engine_stops_the_run_and_ends_its_thread() {
    let folder = empty_folder();
    let mut desk = Desk::with_slow_model();
    let photo = desk.open(large_picture(folder.path()));
    // Both are still wanted, and one waits behind the other.
    let _runs = [desk.begin(&photo, Some(long_run())), desk.ask(&photo, Some(long_run()))];
    let Desk { engine, worker, .. } = desk;
    assert!(
        worker.upgrade().is_some(),
        "the worker ended before the engine was dropped"
    );
    let (done, dropped) = mpsc::channel();
    let dropping = thread::Builder::new()
        .name("drops the engine".into())
        .spawn(move || {
            drop(engine);
            done.send(()).ok();
        })
        .expect("a thread");
    // Far below what the runs would take.
    let ended = dropped.recv_timeout(Duration::from_secs(60));
    assert!(ended.is_ok(), "the engine waits for runs that nobody wants");
    dropping.join().expect("a drop without a panic");
    assert!(worker.upgrade().is_none(), "the worker outlives the engine");
}

#[test]
fn a_photo_of_twelve_megapixels_is_labelled_in_bounded_memory() {
    if !alone() {
        return;
    }
    // The embedded one: what it takes is the matter.
    let mut session = Session::new(DeviceChoice::Cpu);
    let go_on = &mut |_| ControlFlow::Continue(());
    let model = session.load(ModelSource::Embedded, go_on).expect("the embedded model");
    let photo = synthetic_photo(4000, 3000);
    let settings = Settings::of(&model.spec.inference);
    let task = Task {
        model: model.id,
        output: Output::default(),
        photo: &photo,
        photo_id: 1,
        settings: &settings,
    };
    let prediction = session
        .segment(&task, &mut |_| ControlFlow::Continue(()))
        .expect("a segmentation");
    let labels = &prediction.labels;
    assert_eq!([labels.map.width, labels.map.height], [4000, 3000]);
    for (what, count) in [
        ("ids", labels.map.ids.len()),
        ("confidences", labels.confidence.len()),
        ("margins", labels.margin.len()),
    ] {
        assert_eq!(count, 12_000_000, "{what}");
    }
    let counted: u64 = labels.map.counts(model.classes.len()).iter().sum();
    assert_eq!(counted, 12_000_000, "pixels with a class of the model");
    match peak_memory_mib() {
        Some(peak) => {
            println!("peak memory: {peak} MiB");
            assert!(peak < 1500, "expected less than 1500 MiB of memory, found {peak}");
        }
        None => println!("skipped: the system does not tell the peak memory"),
    }
}
