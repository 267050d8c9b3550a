//! Many pictures, while nobody asks for anything else.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use segscope::engine::{Asked, Batch, BatchState, Event, Job, ModelSource, Output, PhotoSource, Segmented};
use segscope::export::{Format, Options};
use segscope::segment::Settings;

use super::desk::{Desk, assert_covered, empty_folder, large_picture, long_run, picture, until};

/// What became of a batch.
#[derive(Default)]
struct Report {
    /// `running`, `done` or `failed` with the index, in order.
    steps: Vec<(&'static str, usize)>,
    results: Vec<Segmented>,
    files: Vec<PathBuf>,
    failures: Vec<String>,
    fractions: Vec<f32>,
    /// Done, failed, and whether it was stopped.
    end: Option<(usize, usize, bool)>,
    /// Pictures whose files were there already.
    there: usize,
}

impl Report {
    /// Takes what is said about one batch.
    fn take(&mut self, asked: &Asked, event: Event) {
        match event {
            Event::BatchPicture { ticket, index, state } if asked.is(&ticket) => match state {
                BatchState::Running => self.steps.push(("running", index)),
                BatchState::Done { result, files } => {
                    self.steps.push(("done", index));
                    self.results.push(result);
                    self.files.extend(files);
                }
                BatchState::AlreadyThere => self.steps.push(("there", index)),
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

/// A batch by the first model that was opened.
fn batch(pictures: Vec<PhotoSource>) -> Batch {
    Batch {
        pictures,
        model: 1,
        output: Output::default(),
        settings: None,
        class_set: None,
        write: None,
    }
}

/// Small pictures with these names, with folders made for them.
fn pictures<const N: usize>(folder: &Path, names: [&str; N]) -> Vec<PhotoSource> {
    names.map(|name| picture(&folder.join(name), 120, 90)).into()
}

/// A batch over one picture that takes minutes.
fn long_batch(folder: &Path) -> Batch {
    Batch {
        settings: Some(long_run()),
        ..batch(vec![large_picture(folder)])
    }
}

/// A run over the large picture that takes seconds: 70 windows.
fn shorter_run() -> Settings {
    Settings {
        stride: 192,
        ..long_run()
    }
}

/// Waits until a batch is over.
fn finish(desk: &mut Desk, asked: &Asked) -> Report {
    let mut report = Report::default();
    desk.wait_for("the end of the batch", |event| {
        report.take(asked, event);
        report.end.map(|_| ())
    });
    report
}

/// Hands over a batch, which stops when what is returned is dropped.
fn ask(desk: &Desk, batch: Batch) -> Asked {
    let asked = Asked::new();
    let ticket = asked.ticket();
    desk.send(Job::SegmentAll { ticket, batch });
    asked
}

fn run(desk: &mut Desk, batch: Batch) -> Report {
    let asked = ask(desk, batch);
    finish(desk, &asked)
}

/// Hands over a batch and waits until a network runs in it.
fn begin(desk: &mut Desk, batch: Batch) -> Asked {
    let asked = ask(desk, batch);
    desk.wait_for("progress of the batch", |event| match event {
        Event::BatchProgress { ticket, .. } if asked.is(&ticket) => Some(()),
        _ => None,
    });
    asked
}

#[test]
fn one_broken_picture_of_five_fails_and_the_others_are_done() {
    let folder = empty_folder();
    let mut all = pictures(folder.path(), ["0.png", "1.png", "3.png", "4.png"]);
    let broken = folder.path().join("2.png");
    fs::write(&broken, "no picture at all").expect("a file that can be written");
    all.insert(2, PhotoSource::Path(broken));
    let mut desk = Desk::with_model();
    let report = run(&mut desk, batch(all.clone()));
    let expected: Vec<_> = (0..5)
        .flat_map(|i| [("running", i), (if i == 2 { "failed" } else { "done" }, i)])
        .collect();
    assert_eq!(report.steps, expected);
    assert_eq!(report.end, Some((4, 1, false)));
    assert!(report.failures[0].contains("2.png"), "{:?}", report.failures);
    assert_eq!(report.files, Vec::<PathBuf>::new(), "nothing was to be written");
    for (result, source) in report.results.iter().zip([0, 1, 3, 4].map(|i| &all[i])) {
        assert_eq!(result.photo.source, *source);
        assert_covered(result);
    }
    let fractions = report.fractions;
    assert!(fractions.is_sorted(), "progress goes back: {fractions:?}");
    assert_eq!(fractions.last(), Some(&1.0));

    let photo = desk.open(all[0].clone());
    assert_eq!(
        photo.id, report.results[0].photo.id,
        "the same file has the same number"
    );
    let alone = desk.segment(&photo, None).prediction;
    assert!(alone.timings.encode > Duration::ZERO, "features of a batch are kept");
    assert!(
        alone.labels.map == report.results[0].prediction.labels.map,
        "other labels in a batch"
    );
}

#[test]
fn a_batch_of_nothing_and_a_batch_without_a_model_end() {
    let folder = empty_folder();
    let mut desk = Desk::new();
    assert_eq!(run(&mut desk, batch(Vec::new())).end, Some((0, 0, false)));
    let report = run(&mut desk, batch(pictures(folder.path(), ["a.png", "b.png"])));
    assert_eq!(report.end, Some((0, 2, false)));
    assert!(report.failures[0].contains("model"), "{:?}", report.failures);
}

#[test]
fn a_job_is_served_at_once_and_the_interrupted_picture_is_done_in_the_end() {
    let folder = empty_folder();
    let mut all = vec![large_picture(folder.path())];
    all.extend(pictures(folder.path(), ["small.png"]));
    let mut desk = Desk::with_slow_model();
    let photo = desk.open(PhotoSource::Sample);
    let asked = ask(
        &desk,
        Batch {
            settings: Some(shorter_run()),
            ..batch(all)
        },
    );
    let mut report = Report::default();
    desk.wait_for("progress of the batch", |event| {
        report.take(&asked, event);
        (!report.fractions.is_empty()).then_some(())
    });
    let wanted = desk.ask(&photo, None);
    let result = desk.wait_for("a segmentation", |event| match event {
        Event::Segmented { ticket, result } if wanted.is(&ticket) => Some(result),
        event => {
            report.take(&asked, event);
            None
        }
    });
    assert_covered(&result);
    assert_eq!(report.steps, [("running", 0)], "the person waited for the batch");
    desk.wait_for("the end of the batch", |event| {
        report.take(&asked, event);
        report.end.map(|_| ())
    });
    assert_eq!(report.steps, [("running", 0), ("done", 0), ("running", 1), ("done", 1)]);
    assert_eq!(report.end, Some((2, 0, false)));
    assert!(
        report.fractions.is_sorted(),
        "progress goes back: {:?}",
        report.fractions
    );
}

#[test]
fn cancel_stops_a_batch_at_once_and_not_the_next_one() {
    let folder = empty_folder();
    let mut desk = Desk::with_model();
    let asked = begin(&mut desk, long_batch(folder.path()));
    asked.cancel();
    assert_eq!(finish(&mut desk, &asked).end, Some((0, 0, true)));
    let report = run(&mut desk, batch(pictures(folder.path(), ["a.png"])));
    assert_eq!(report.end, Some((1, 0, false)));
}

#[test]
fn a_newer_batch_and_closing_its_model_end_a_batch_and_another_model_does_not() {
    let folder = empty_folder();
    let mut desk = Desk::with_model();
    let first = begin(&mut desk, long_batch(folder.path()));
    let second = ask(&desk, long_batch(folder.path()));
    assert_eq!(finish(&mut desk, &first).end, Some((0, 0, true)));
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16");
    let other = desk.load(ModelSource::Path(other)).id;
    desk.wait_for("progress of the batch", |event| match event {
        Event::BatchProgress { ticket, .. } if second.is(&ticket) => Some(()),
        Event::BatchEnded { .. } => panic!("a batch ended"),
        _ => None,
    });
    desk.send(Job::CloseModel(1));
    assert_eq!(finish(&mut desk, &second).end, Some((0, 0, true)));
    let by_other = Batch {
        model: other,
        ..batch(pictures(folder.path(), ["a.png"]))
    };
    assert_eq!(run(&mut desk, by_other).end, Some((1, 0, false)));
}

#[test]
fn nothing_is_written_over_by_accident() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    // Folders tell names apart that are alike, but not endings.
    let all = pictures(folder.path(), ["a/img.png", "b/img.png", "a/img.jpg"]);
    let mut options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let mut desk = Desk::with_model();
    let mut write = |options: &Options| {
        let written = Batch {
            write: Some((options.clone(), out.clone())),
            ..batch(all.clone())
        };
        run(&mut desk, written)
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
fn a_picture_gets_the_files_that_it_lacks_and_keeps_those_that_are_there() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let all = pictures(folder.path(), ["a.png", "b.png"]);
    fs::create_dir_all(out.join("labels")).expect("a folder");
    fs::write(out.join("labels/a.png"), "precious").expect("a file");
    let options = Options {
        formats: vec![Format::Labels, Format::Color],
        ..Options::default()
    };
    let mut desk = Desk::with_model();
    let mut write = || {
        let written = Batch {
            write: Some((options.clone(), out.clone())),
            ..batch(all.clone())
        };
        run(&mut desk, written)
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
fn files_of_other_classes_in_the_folder_are_a_failure() {
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
        ..batch(pictures(folder.path(), ["a.png"]))
    };
    let report = run(&mut Desk::with_model(), written);
    assert_eq!((report.end, report.there), (Some((0, 1, false)), 0));
    assert!(report.failures[0].contains("classes.json"), "{:?}", report.failures);
}

#[test]
fn files_and_results_have_the_class_names_that_were_asked_for() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let named = Batch {
        class_set: Some("unnamed".into()),
        write: Some((options, out.clone())),
        ..batch(pictures(folder.path(), ["a.png"]))
    };
    assert_eq!(run(&mut Desk::with_model(), named).end, Some((1, 0, false)));
    let list = fs::read_to_string(out.join("classes.json")).expect("a list of classes");
    assert!(list.contains("\"class 10\"") && !list.contains("road"), "{list}");
}

#[test]
fn a_panic_costs_one_picture() {
    let folder = empty_folder();
    let mut all = vec![large_picture(folder.path())];
    all.extend(pictures(folder.path(), ["small.png"]));
    let panics = Arc::new(AtomicBool::new(false));
    let armed = panics.clone();
    // The wake is called between two blocks, like everything that can go wrong in a network.
    let mut desk = Desk::with_wake(move || {
        assert!(!armed.swap(false, Ordering::Relaxed), "a wake that fails");
    });
    desk.load(ModelSource::Embedded);
    let asked = begin(
        &mut desk,
        Batch {
            settings: Some(shorter_run()),
            ..batch(all)
        },
    );
    panics.store(true, Ordering::Relaxed);
    let report = finish(&mut desk, &asked);
    assert_eq!(report.steps, [("failed", 0), ("running", 1), ("done", 1)]);
    assert!(
        report.failures[0].contains("a wake that fails"),
        "{:?}",
        report.failures
    );
    assert_eq!(report.end, Some((1, 1, false)));
}

#[test]
fn a_batch_waits_for_a_window_that_takes_no_results_and_ends_with_it() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let written = |i: usize| out.join(format!("labels/{i}.png")).is_file();
    let all = pictures(folder.path(), ["0.png", "1.png", "2.png", "3.png"]);
    let options = Options {
        formats: vec![Format::Labels],
        ..Options::default()
    };
    let Desk { engine, worker, .. } = Desk::with_model();
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
    assert!(!written(2), "results pile up");
}
