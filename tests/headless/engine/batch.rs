//! Batches, which run while the engine has no other job.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use segscope::engine::{Asked, Batch, BatchState, Event, ImageSource, Job, ModelSource, Output, Segmented};
use segscope::export::{Format, Options};
use segscope::segment::InferenceConfig;

use super::harness::{Harness, assert_covered, empty_folder, image, large_image, long_run, until};

/// The events of a batch.
#[derive(Default)]
struct Report {
    /// `running`, `done` or `failed` with the index, in order.
    steps: Vec<(&'static str, usize)>,
    results: Vec<Segmented>,
    files: Vec<PathBuf>,
    failures: Vec<String>,
    fractions: Vec<f32>,
    /// Number of images that are done and failed, and whether the batch was stopped.
    end: Option<(usize, usize, bool)>,
    /// Number of images whose files already existed.
    there: usize,
}

impl Report {
    /// Records an event if it is about the batch.
    fn take(&mut self, asked: &Asked, event: Event) {
        match event {
            Event::BatchImage { ticket, index, state } if asked.is(&ticket) => match state {
                BatchState::Running => self.steps.push(("running", index)),
                BatchState::Done { result, files } => {
                    self.steps.push(("done", index));
                    self.results.push(result);
                    self.files.extend(files);
                }
                BatchState::Skipped => self.steps.push(("there", index)),
                BatchState::Failed(why) => {
                    self.steps.push(("failed", index));
                    self.failures.push(why);
                }
            },
            Event::BatchProgress { ticket, progress, .. } if asked.is(&ticket) => {
                self.fractions.push(progress.fraction);
            }
            Event::BatchEnded {
                ticket,
                done,
                failed,
                there,
                cancelled,
            } if asked.is(&ticket) => {
                self.end = Some((done, failed, cancelled));
                self.there = there;
            }
            _ => {}
        }
    }
}

/// A batch with the model that was opened first.
fn batch(images: Vec<ImageSource>) -> Batch {
    Batch {
        images,
        model: 1,
        output: Output::default(),
        settings: None,
        class_set: None,
        write: None,
    }
}

/// Writes small images with these names, creating their folders.
fn images<const N: usize>(folder: &Path, names: [&str; N]) -> Vec<ImageSource> {
    names.map(|name| image(&folder.join(name), 120, 90)).into()
}

/// A batch of one image that takes minutes.
fn long_batch(folder: &Path) -> Batch {
    Batch {
        settings: Some(long_run()),
        ..batch(vec![large_image(folder)])
    }
}

/// Settings for a run on the large image that takes seconds: 70 windows.
fn shorter_run() -> InferenceConfig {
    InferenceConfig {
        stride: 192,
        ..long_run()
    }
}

/// Waits until a batch has ended.
fn finish(harness: &mut Harness, asked: &Asked) -> Report {
    let mut report = Report::default();
    follow(harness, asked, &mut report, "the end of the batch", |report| {
        report.end.is_some()
    });
    report
}

/// Records the events of a batch until the report is as wanted.
fn follow(harness: &mut Harness, asked: &Asked, report: &mut Report, what: &str, is_wanted: impl Fn(&Report) -> bool) {
    harness.wait_for(what, |event| {
        report.take(asked, event);
        is_wanted(report).then_some(())
    });
}

/// Starts a batch, which is cancelled when the returned value is dropped.
fn ask(harness: &Harness, batch: Batch) -> Asked {
    let asked = Asked::new();
    let ticket = asked.ticket();
    harness.send(Job::SegmentAll { ticket, batch });
    asked
}

fn run(harness: &mut Harness, batch: Batch) -> Report {
    let asked = ask(harness, batch);
    finish(harness, &asked)
}

/// Starts a batch and waits until its network runs.
fn begin(harness: &mut Harness, batch: Batch) -> Asked {
    let asked = ask(harness, batch);
    harness.wait_for("progress of the batch", |event| match event {
        Event::BatchProgress { ticket, .. } if asked.is(&ticket) => Some(()),
        _ => None,
    });
    asked
}

#[test]
fn a_broken_image_fails_and_the_others_are_segmented() {
    let folder = empty_folder();
    let mut all = images(folder.path(), ["0.png", "1.png", "3.png", "4.png"]);
    let broken = folder.path().join("2.png");
    fs::write(&broken, "no image at all").expect("a file that can be written");
    all.insert(2, ImageSource::Path(broken));
    let mut harness = Harness::with_model();
    let report = run(&mut harness, batch(all.clone()));
    let expected: Vec<_> = (0..5)
        .flat_map(|i| [("running", i), (if i == 2 { "failed" } else { "done" }, i)])
        .collect();
    assert_eq!(report.steps, expected);
    assert_eq!(report.end, Some((4, 1, false)));
    assert!(report.failures[0].contains("2.png"), "{:?}", report.failures);
    assert_eq!(report.files, Vec::<PathBuf>::new(), "no files were requested");
    for (result, source) in report.results.iter().zip([0, 1, 3, 4].map(|i| &all[i])) {
        assert_eq!(result.photo.source, *source);
        assert_covered(result);
    }
    let fractions = report.fractions;
    assert!(fractions.is_sorted(), "progress decreases: {fractions:?}");
    assert_eq!(fractions.last(), Some(&1.0));

    let photo = harness.open(all[0].clone());
    assert_eq!(photo.id, report.results[0].photo.id, "the same file has the same id");
    let alone = harness.segment(&photo, None).prediction;
    assert!(alone.timings.encode > Duration::ZERO, "features of a batch are cached");
    assert!(
        alone.labels.map == report.results[0].prediction.labels.map,
        "labels differ in a batch"
    );
}

#[test]
fn an_empty_batch_and_a_batch_without_a_model_end() {
    let folder = empty_folder();
    let mut harness = Harness::new();
    assert_eq!(run(&mut harness, batch(Vec::new())).end, Some((0, 0, false)));
    let report = run(&mut harness, batch(images(folder.path(), ["a.png", "b.png"])));
    assert_eq!(report.end, Some((0, 2, false)));
    assert!(report.failures[0].contains("model"), "{:?}", report.failures);
}

#[test]
fn a_job_interrupts_a_batch_whose_image_is_finished_afterwards() {
    let folder = empty_folder();
    let mut all = vec![large_image(folder.path())];
    all.extend(images(folder.path(), ["small.png"]));
    let mut harness = Harness::with_slow_model();
    let photo = harness.open(ImageSource::Sample);
    let asked = ask(
        &harness,
        Batch {
            settings: Some(shorter_run()),
            ..batch(all)
        },
    );
    let mut report = Report::default();
    follow(&mut harness, &asked, &mut report, "progress of the batch", |report| {
        !report.fractions.is_empty()
    });
    let wanted = harness.ask(&photo, None);
    let result = harness.wait_for("a segmentation", |event| match event {
        Event::Segmented { ticket, result } if wanted.is(&ticket) => Some(result),
        event => {
            report.take(&asked, event);
            None
        }
    });
    assert_covered(&result);
    assert_eq!(report.steps, [("running", 0)], "the job waited for the batch");
    follow(&mut harness, &asked, &mut report, "the end of the batch", |report| {
        report.end.is_some()
    });
    assert_eq!(report.steps, [("running", 0), ("done", 0), ("running", 1), ("done", 1)]);
    assert_eq!(report.end, Some((2, 0, false)));
    assert!(
        report.fractions.is_sorted(),
        "progress decreases: {:?}",
        report.fractions
    );
}

#[test]
fn an_image_that_changes_before_its_turn_is_read_again() {
    let folder = empty_folder();
    let path = folder.path().join("second.png");
    let all = vec![large_image(folder.path()), image(&path, 120, 90)];
    let mut harness = Harness::with_slow_model();
    let asked = ask(
        &harness,
        Batch {
            settings: Some(shorter_run()),
            ..batch(all)
        },
    );
    let mut report = Report::default();
    // By then, blocks of the first image's network have run, and the second image has been read.
    follow(
        &mut harness,
        &asked,
        &mut report,
        "progress of the first image",
        |report| report.fractions.len() > 5,
    );
    assert_eq!(report.steps, [("running", 0)]);
    image(&path, 60, 50);
    follow(&mut harness, &asked, &mut report, "the end of the batch", |report| {
        report.end.is_some()
    });
    assert_eq!(report.end, Some((2, 0, false)));
    let photo = &report.results[1].photo.photo;
    assert_eq!([photo.width, photo.height], [60, 50]);
}

#[test]
fn cancelling_stops_only_the_current_batch() {
    let folder = empty_folder();
    let mut harness = Harness::with_model();
    let asked = begin(&mut harness, long_batch(folder.path()));
    asked.cancel();
    assert_eq!(finish(&mut harness, &asked).end, Some((0, 0, true)));
    let report = run(&mut harness, batch(images(folder.path(), ["a.png"])));
    assert_eq!(report.end, Some((1, 0, false)));
}

#[test]
fn a_batch_ends_with_a_newer_batch_or_its_closed_model_but_not_with_another_model() {
    let folder = empty_folder();
    let mut harness = Harness::with_model();
    let first = begin(&mut harness, long_batch(folder.path()));
    let second = ask(&harness, long_batch(folder.path()));
    assert_eq!(finish(&mut harness, &first).end, Some((0, 0, true)));
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16");
    let other = harness.load(ModelSource::Path(other)).id;
    harness.wait_for("progress of the batch", |event| match event {
        Event::BatchProgress { ticket, .. } if second.is(&ticket) => Some(()),
        Event::BatchEnded { .. } => panic!("a batch ended"),
        _ => None,
    });
    harness.send(Job::CloseModel(1));
    assert_eq!(finish(&mut harness, &second).end, Some((0, 0, true)));
    let by_other = Batch {
        model: other,
        ..batch(images(folder.path(), ["a.png"]))
    };
    assert_eq!(run(&mut harness, by_other).end, Some((1, 0, false)));
}

#[test]
fn files_are_not_overwritten_by_accident() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    // Equal names in different folders do not conflict, but names that differ only in the extension do.
    let all = images(folder.path(), ["a/img.png", "b/img.png", "a/img.jpg"]);
    let mut options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let mut harness = Harness::with_model();
    let mut write = |options: &Options| {
        let written = Batch {
            write: Some((options.clone(), out.clone())),
            ..batch(all.clone())
        };
        run(&mut harness, written)
    };
    let first = write(&options);
    assert_eq!(first.steps.iter().filter(|(what, _)| *what == "done").count(), 2);
    assert!(first.steps.contains(&("failed", 2)), "{:?}", first.steps);
    assert!(first.failures[0].contains("same name"), "{:?}", first.failures);
    for name in ["labels/a-img.png", "labels/b-img.png"] {
        let path = out.join(name);
        assert!(first.files.contains(&path), "{name} is not among {:?}", first.files);
        assert!(path.is_file(), "{name} was not written");
    }

    let again = write(&options);
    assert_eq!((again.end, again.there), (Some((0, 1, false)), 2));
    assert_eq!(again.steps.iter().filter(|(what, _)| *what == "there").count(), 2);
    assert!(again.failures[0].contains("same name"), "{:?}", again.failures);
    assert_eq!(again.fractions.last(), Some(&1.0));
    options.overwrite = true;
    assert_eq!(write(&options).end, Some((2, 1, false)));
}

#[test]
fn only_missing_files_of_an_image_are_written() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let all = images(folder.path(), ["a.png", "b.png"]);
    fs::create_dir_all(out.join("labels")).expect("a folder");
    fs::write(out.join("labels/a.png"), "precious").expect("a file");
    let options = Options {
        formats: vec![Format::Labels, Format::Color],
        ..Options::default()
    };
    let mut harness = Harness::with_model();
    let mut write = || {
        let written = Batch {
            write: Some((options.clone(), out.clone())),
            ..batch(all.clone())
        };
        run(&mut harness, written)
    };
    let first = write();
    assert_eq!((first.end, first.there), (Some((2, 0, false)), 0));
    assert_eq!(fs::read(out.join("labels/a.png")).expect("a file"), b"precious");
    for name in ["color/a.png", "labels/b.png", "color/b.png"] {
        assert!(first.files.contains(&out.join(name)), "{name}: {:?}", first.files);
    }
    let second = write();
    assert_eq!((second.end, second.there), (Some((0, 0, false)), 2));
    assert!(second.files.is_empty() && second.results.is_empty());
}

#[test]
fn files_with_other_classes_in_the_folder_are_an_error() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    fs::create_dir_all(&out).expect("a folder");
    fs::write(out.join("classes.json"), "[]").expect("a file");
    let options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let written = Batch {
        write: Some((options, out)),
        ..batch(images(folder.path(), ["a.png"]))
    };
    let report = run(&mut Harness::with_model(), written);
    assert_eq!((report.end, report.there), (Some((0, 1, false)), 0));
    assert!(report.failures[0].contains("classes.json"), "{:?}", report.failures);
}

#[test]
fn files_and_results_have_the_requested_class_names() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let named = Batch {
        class_set: Some("unnamed".into()),
        write: Some((options, out.clone())),
        ..batch(images(folder.path(), ["a.png"]))
    };
    assert_eq!(run(&mut Harness::with_model(), named).end, Some((1, 0, false)));
    let list = fs::read_to_string(out.join("classes.json")).expect("a list of classes");
    assert!(list.contains("\"class 10\"") && !list.contains("road"), "{list}");
}

#[test]
fn a_panic_fails_only_one_image() {
    let folder = empty_folder();
    let mut all = vec![large_image(folder.path())];
    all.extend(images(folder.path(), ["small.png"]));
    let panics = Arc::new(AtomicBool::new(false));
    let armed = panics.clone();
    // `wake` is called between two blocks, so its panic stands for any failure within the network.
    let mut harness = Harness::with_wake(move || {
        assert!(!armed.swap(false, Ordering::Relaxed), "a panic in `wake`");
    });
    harness.load(ModelSource::Embedded);
    let asked = begin(
        &mut harness,
        Batch {
            settings: Some(shorter_run()),
            ..batch(all)
        },
    );
    panics.store(true, Ordering::Relaxed);
    let report = finish(&mut harness, &asked);
    assert_eq!(report.steps, [("failed", 0), ("running", 1), ("done", 1)]);
    assert!(
        report.failures[0].contains("a panic in `wake`"),
        "{:?}",
        report.failures
    );
    assert_eq!(report.end, Some((1, 1, false)));
}

#[test]
fn a_batch_waits_while_its_results_are_not_received_and_ends_with_the_engine() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let written = |i: usize| out.join(format!("labels/{i}.png")).is_file();
    let all = images(folder.path(), ["0.png", "1.png", "2.png", "3.png"]);
    let options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let Harness { engine, worker, .. } = Harness::with_model();
    let batch = Batch {
        write: Some((options, out.clone())),
        ..batch(all)
    };
    let asked = Asked::new();
    let ticket = asked.ticket();
    engine.send(Job::SegmentAll { ticket, batch }).expect("room for a job");
    until("two results", || written(1).then_some(()));
    drop(engine);
    assert!(worker.upgrade().is_none(), "the worker outlives the engine");
    assert!(!written(2), "results accumulate");
}
