//! Single jobs: loading models, opening images, segmentation and export.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use segscope::engine::{Asked, DeviceChoice, Event, ImageSource, Job, MaskExport, ModelSource, Output};
use segscope::export::{Format, Options};
use segscope::runtime::{PrecisionChoice, Session, Task, peak_memory_mib};
use segscope::segment::InferenceConfig;

use super::harness::{Harness, assert_covered, empty_folder, fixture_model, large_image, long_run, synthetic_photo};
use crate::alone::alone;
use crate::bundles::fixture;

#[test]
fn the_sample_is_segmented_with_increasing_progress() {
    let mut harness = Harness::new();
    let load = Asked::new();
    let (ticket, source) = (load.ticket(), fixture_model());
    harness.send(Job::LoadModel { ticket, source });
    let device = harness.wait_for("a device", |event| match event {
        Event::Device { name, note, .. } => Some((name, note)),
        _ => None,
    });
    assert_eq!(device, ("CPU".to_owned(), None));
    let model = harness.wait_for("a model", |event| match event {
        Event::Model { model, .. } => Some(model),
        _ => None,
    });
    assert_eq!(model.title, fixture::spec().title());
    assert_eq!(
        model.output_title(Output::default()),
        fixture::spec().output_title(Output::main(0))
    );
    harness.model = model.id;

    let photo = harness.open(ImageSource::Sample);
    let wanted = harness.ask(&photo, None);
    let mut fractions = Vec::new();
    let result = harness.wait_for("a segmentation", |event| match event {
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
    // Three bytes of colour and two each for id, confidence and margin, plus logits and regions.
    assert!(
        result.bytes() > 9 * pixels,
        "{} bytes for {pixels} pixels",
        result.bytes()
    );
    let used = harness.wait_for("the memory in use", |event| match event {
        Event::Memory(used) => Some(used),
        _ => None,
    });
    assert!(used.feature_bytes > 0, "no features are cached");
    assert!(
        used.now_mib <= used.peak_mib,
        "current memory exceeds the peak: {used:?}"
    );
    assert!(
        fractions.iter().all(|f| (0.0..=1.0).contains(f)),
        "fractions must be from 0 to 1: {fractions:?}"
    );
    assert!(fractions.is_sorted(), "progress decreases: {fractions:?}");
    assert_eq!(fractions.last(), Some(&1.0), "progress must end at 1: {fractions:?}");
    assert!(
        result.prediction.timings.encode > Duration::ZERO,
        "encoding took no time"
    );
}

#[test]
fn segmentation_without_a_model_fails() {
    let mut harness = Harness::new();
    let photo = harness.open(ImageSource::Sample);
    let wanted = harness.ask(&photo, None);
    let message = harness.wait_for("a failure", |event| match event {
        Event::SegmentFailed { ticket, message } if wanted.is(&ticket) => Some(message),
        _ => None,
    });
    assert!(
        message.contains("model"),
        "expected an error about the model: {message}"
    );
}

#[test]
fn dropping_a_request_stops_its_run_for_a_newer_one() {
    let folder = empty_folder();
    let mut harness = Harness::with_slow_model();
    let photo = harness.open(large_image(folder.path()));
    let older = harness.begin(&photo, Some(long_run()));
    let newer = harness.ask(&photo, None);
    let of_older = older.ticket();
    drop(older);
    let mut stopped = false;
    let result = harness.wait_for("the newer result", |event| match event {
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
    assert!(stopped, "the end of the older run was not reported");
    assert_covered(&result);
}

#[test]
fn cancelling_stops_a_run() {
    let folder = empty_folder();
    let mut harness = Harness::with_slow_model();
    let photo = harness.open(large_image(folder.path()));
    let wanted = harness.begin(&photo, Some(long_run()));
    wanted.cancel();
    let stopped = harness.wait_for("the end of the run", |event| match event {
        Event::Cancelled { ticket } => Some(ticket),
        Event::Segmented { .. } => panic!("it ran to its end"),
        _ => None,
    });
    assert!(wanted.is(&stopped), "another run was stopped");
}

#[test]
fn a_request_cancelled_before_its_turn_is_never_started() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    let asked = Asked::new();
    asked.cancel();
    harness.send(Job::Segment {
        ticket: asked.ticket(),
        photo,
        model: harness.model,
        output: harness.output,
        settings: None,
    });
    let stopped = harness.wait_for("the end of the request", |event| match event {
        Event::Cancelled { ticket } => Some(ticket),
        Event::Progress { .. } | Event::Segmented { .. } => panic!("it was started"),
        _ => None,
    });
    assert!(asked.is(&stopped), "another request ended");
}

#[test]
fn a_file_whose_request_is_cancelled_before_its_turn_is_not_read() {
    let mut harness = Harness::new();
    let (first, second) = (Asked::new(), Asked::new());
    first.cancel();
    for asked in [&first, &second] {
        harness.send(Job::OpenImage {
            ticket: asked.ticket(),
            source: ImageSource::Sample,
        });
    }
    let cancelled = harness.wait_for("the end of the first", |event| match event {
        Event::PhotoCancelled { ticket } => Some(ticket),
        Event::Photo { .. } => panic!("it was read"),
        _ => None,
    });
    assert!(first.is(&cancelled));
    let read = harness.wait_for("the second", |event| match event {
        Event::Photo { ticket, .. } => Some(ticket),
        _ => None,
    });
    assert!(second.is(&read));
}

#[test]
fn the_current_model_stays_when_another_cannot_be_opened() {
    let folder = empty_folder();
    let damaged = folder.path().join("damaged.safetensors");
    fs::write(&damaged, "no model at all").unwrap();
    let mut harness = Harness::new();
    let model = harness.load(fixture_model());
    for path in [folder.path().join("missing.pth"), damaged] {
        let asked = Asked::new();
        let (ticket, source) = (asked.ticket(), ModelSource::Path(path.clone()));
        harness.send(Job::LoadModel { ticket, source });
        let why = harness.wait_for("a failure", |event| match event {
            Event::ModelFailed { message, .. } => Some(message),
            Event::Model { model, .. } => panic!("{} became the model {}", path.display(), model.title),
            _ => None,
        });
        let path = path.display().to_string();
        assert!(why.contains(&path), "expected an error about {path}: {why}");
    }
    let photo = harness.open(ImageSource::Sample);
    let result = harness.segment(&photo, None);
    assert_eq!(result.model.id, model.id, "the model in use");
    assert_covered(&result);
}

#[test]
fn an_unreadable_image_is_reported() {
    let folder = empty_folder();
    let text = folder.path().join("notes.png");
    fs::write(&text, "no image at all").unwrap();
    let mut harness = Harness::new();
    for path in [folder.path().join("missing.jpg"), text] {
        let asked = Asked::new();
        let (ticket, source) = (asked.ticket(), ImageSource::Path(path.clone()));
        harness.send(Job::OpenImage { ticket, source });
        let why = harness.wait_for("a failure", |event| match event {
            Event::PhotoFailed { message, .. } => Some(message),
            Event::Photo { .. } => panic!("{} became a photo", path.display()),
            _ => None,
        });
        let path = path.display().to_string();
        assert!(why.contains(&path), "expected an error about {path}: {why}");
    }
    let photo = harness.open(ImageSource::Sample).photo;
    assert_eq!(
        photo.rgb.len(),
        3 * photo.width * photo.height,
        "the photo after the broken ones"
    );
}

#[test]
fn an_image_is_encoded_only_once() {
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    let first = harness.segment(&photo, None).prediction;
    let again = harness.segment(&photo, None).prediction;
    assert!(
        first.timings.encode > Duration::ZERO,
        "the first run has no cached features"
    );
    assert_eq!(again.timings.encode, Duration::ZERO, "the second run encoded again");
    assert!(
        first.labels.map == again.labels.map,
        "labels differ with cached features"
    );

    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16");
    harness.load(ModelSource::Path(other));
    let of_other = harness.segment(&photo, None).prediction;
    assert!(
        of_other.timings.encode > Duration::ZERO,
        "features of another model were used"
    );
    let own = InferenceConfig::of(&harness.load(fixture_model()).spec.inference);
    let back = harness.segment(&photo, Some(own.clone())).prediction;
    assert_eq!(
        back.timings.encode,
        Duration::ZERO,
        "going back to the first model encoded again"
    );
    assert!(
        first.labels.map == back.labels.map,
        "labels differ with cached features"
    );
    let mirrored = harness
        .segment(&photo, Some(InferenceConfig { flip: true, ..own }))
        .prediction;
    assert!(
        mirrored.timings.encode > Duration::ZERO,
        "features of other settings were used"
    );
}

#[test]
fn an_export_writes_the_planned_files() {
    let folder = empty_folder();
    let mut harness = Harness::with_model();
    let photo = harness.open(ImageSource::Sample);
    let mut job = MaskExport {
        result: harness.segment(&photo, None),
        options: Options {
            formats: Format::ALL.to_vec(),
            ..Options::default()
        },
        folder: folder.path().join("out"),
    };
    let planned = harness.plan(&job);
    assert!(!job.folder.exists(), "a plan writes nothing");
    assert!(planned.iter().all(|file| !file.exists), "no file exists yet");
    let paths: BTreeSet<PathBuf> = planned.into_iter().map(|file| file.path).collect();
    for path in ["labels/street.png", "color/street.png", "confidence/street.png"] {
        assert!(
            paths.contains(&job.folder.join(path)),
            "{path} is not planned: {paths:?}"
        );
    }

    let written = harness.export(&job).expect("an export into an empty folder");
    assert_eq!(BTreeSet::from_iter(written), paths, "files planned and written");
    for path in &paths {
        let length = fs::metadata(path).map_or(0, |data| data.len());
        assert!(length > 0, "empty file {}", path.display());
    }

    // An equal class list may stay; all other files would be overwritten.
    let taken = harness.plan(&job).into_iter().filter(|file| file.exists).count();
    assert_eq!(taken, paths.len() - 1, "files that would be replaced");
    let why = harness.export(&job).expect_err("an export over existing files");
    assert!(
        why.contains("expected a new file, found an existing one"),
        "expected an error about overwriting: {why}"
    );
    job.options.overwrite = true;
    harness.export(&job).expect("an export that may overwrite");
}

#[test]
fn dropping_the_engine_stops_its_run_and_thread() {
    let folder = empty_folder();
    let mut harness = Harness::with_slow_model();
    let photo = harness.open(large_image(folder.path()));
    // Neither run is cancelled, and the second waits for the first.
    let _runs = [
        harness.begin(&photo, Some(long_run())),
        harness.ask(&photo, Some(long_run())),
    ];
    let Harness { engine, worker, .. } = harness;
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
    // Much less time than the runs would take.
    let ended = dropped.recv_timeout(Duration::from_secs(60));
    assert!(ended.is_ok(), "the engine waits for runs that are not needed");
    dropping.join().expect("a drop without a panic");
    assert!(worker.upgrade().is_none(), "the worker outlives the engine");
}

#[test]
fn a_photo_of_twelve_megapixels_is_labelled_in_bounded_memory() {
    if !alone() {
        return;
    }
    // The test is about the memory use of the embedded model.
    let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::F32);
    let keep_going = &mut |_| ControlFlow::Continue(());
    let model = session
        .load(ModelSource::Embedded, keep_going)
        .expect("the embedded model");
    let photo = synthetic_photo(4000, 3000);
    let settings = InferenceConfig::of(&model.spec.inference);
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
        None => println!("skipped: the system does not report the peak memory"),
    }
}
