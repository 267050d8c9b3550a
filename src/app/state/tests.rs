//! Opening, running and batches, without a window: requests to the engine, and the effects of its answers.

use super::State;
use super::testing::{Bench, model, source};
use crate::engine::{Asked, BatchState, ImageSource, Job};
use crate::labels::ClassSet;
use crate::model::DecoderKind;

/// The image on the canvas, and whether it has a result.
fn shown(bench: &Bench) -> Option<(ImageSource, bool)> {
    let document = bench.state.canvas_content.document.as_ref()?;
    Some((document.photo.source.clone(), document.result.is_some()))
}

fn state_of(bench: &Bench, name: &str) -> State {
    let images = &bench.state.library.images;
    images.state_of(&source(name)).expect("a listed image").clone()
}

fn is_photo(job: &Job) -> bool {
    matches!(job, Job::OpenImage { .. })
}

fn is_run(job: &Job) -> bool {
    matches!(job, Job::Segment { .. })
}

fn is_done(state: &State) -> bool {
    matches!(state, State::Done(found) if found.classes.len() == 1)
}

#[test]
fn an_opened_image_is_read_segmented_and_shown() {
    let mut bench = Bench::new();
    bench.use_model(model(1, "/models/a", &[DecoderKind::Mask]));
    bench.state.open_images(vec![source("a"), source("b")]);
    bench.settle(&mut []);
    assert_eq!(shown(&bench), None);
    bench.answer_photo();
    assert_eq!(shown(&bench), Some((source("a"), false)));
    assert_eq!(state_of(&bench, "a"), State::Running);
    assert_eq!(bench.state.title(), "a - segmenting - Segscope");
    bench.answer_run(3);
    assert_eq!(shown(&bench), Some((source("a"), true)));
    assert!(is_done(&state_of(&bench, "a")));
    assert_eq!(state_of(&bench, "b"), State::NotSegmented);
    assert_eq!(bench.state.title(), "a - 1 classes - Segscope");
    assert!(bench.jobs.iter().all(|job| !is_photo(job) && !is_run(job)));
}

#[test]
fn when_paging_quickly_only_the_last_image_is_read() {
    let mut bench = Bench::with_images(&["a", "b", "c", "d"]);
    for index in 1..4 {
        bench.state.open_image(index);
        bench.settle(&mut []);
    }
    assert_eq!(bench.count(is_photo), 1, "one at a time");
    let read = bench.answer_photo();
    assert_eq!(read.source, source("b"));
    assert_eq!(shown(&bench), Some((source("a"), true)), "b is no longer chosen");
    let (_, next) = bench.asked_photo();
    assert_eq!(next, source("d"));
    assert_eq!(bench.count(is_run), 0, "a photo that is not shown is not run");
}

#[test]
fn a_late_result_is_not_shown_for_another_image() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.library.results.clear();
    bench.state.segment();
    bench.settle(&mut []);
    let (ticket, result) = bench.asked_run(1);
    assert!(ticket.is_wanted());
    bench.state.open_image(1);
    bench.settle(&mut []);
    assert!(!ticket.is_wanted(), "the engine may stop it");
    bench.state.take_result(&ticket, result);
    bench.settle(&mut []);
    assert!(bench.state.library.results.is_empty());
    assert!(!is_done(&state_of(&bench, "a")));
    bench.answer_photo();
    assert_eq!(shown(&bench), Some((source("b"), false)));
}

#[test]
fn a_newer_run_withdraws_the_previous_one_and_its_answers_are_ignored() {
    let mut bench = Bench::with_images(&["a"]);
    bench.state.segment();
    bench.settle(&mut []);
    let (before, old) = bench.asked_run(1);
    bench.state.segment();
    bench.settle(&mut []);
    assert!(!before.is_wanted());
    bench.state.take_run_failure(&before, "no memory".into());
    bench.state.take_stop(&before);
    bench.state.take_result(&before, old);
    assert!(bench.state.jobs.running.is_some(), "the newer one is still wanted");
    assert!(bench.messages().is_empty(), "its failure is not reported");
    let result = bench.answer_run(2);
    assert_eq!(result.counts[2], 16);
    let document = bench.state.canvas_content.document.as_ref().expect("a document");
    assert_eq!(document.label_at([0, 0]), Some(2));
}

#[test]
fn a_cached_result_is_shown_without_reading_or_running() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.open_image(1);
    bench.settle(&mut []);
    bench.answer_photo();
    bench.answer_run(5);
    bench.jobs.clear();
    bench.state.open_image(0);
    bench.settle(&mut []);
    assert_eq!(shown(&bench), Some((source("a"), true)));
    assert!(bench.jobs.iter().all(|job| !is_photo(job) && !is_run(job)));
    let document = bench.state.canvas_content.document.as_ref().expect("a document");
    assert_eq!(document.label_at([1, 1]), Some(0));
}

#[test]
fn a_file_that_changes_while_being_read_is_read_again() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.open_image(1);
    bench.settle(&mut []);
    bench.state.take_changed_file(&source("b"));
    bench.settle(&mut []);
    bench.answer_photo();
    assert_eq!(shown(&bench), Some((source("a"), true)), "the old file is not shown");
    let again = bench.answer_photo();
    assert_eq!(again.source, source("b"));
    assert_eq!(shown(&bench), Some((source("b"), false)));
}

#[test]
fn an_unreadable_file_empties_the_canvas_and_its_state_holds_the_reason() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.open_image(1);
    bench.settle(&mut []);
    let (ticket, _) = bench.asked_photo();
    let stale = Asked::new().ticket();
    bench.state.take_photo_failure(&stale, "of another request".into());
    assert!(bench.state.canvas_content.opening.is_some());
    bench.state.take_photo_failure(&ticket, "no photo".into());
    bench.settle(&mut []);
    assert_eq!(shown(&bench), None);
    assert_eq!(state_of(&bench, "b"), State::Unreadable("no photo".into()));
    assert_eq!(bench.state.title(), "b - not shown - Segscope");
    bench.state.open_image(0);
    bench.settle(&mut []);
    assert_eq!(shown(&bench), Some((source("a"), true)));
}

#[test]
fn a_superseded_model_is_not_used() {
    let mut bench = Bench::with_images(&["a"]);
    let (first, second) = (
        model(2, "/models/b", &[DecoderKind::Linear]),
        model(3, "/models/c", &[DecoderKind::Linear]),
    );
    let mut ask = |source| {
        bench.state.open_model(source);
        bench.settle(&mut []);
        bench.take_job(|job| match job {
            Job::LoadModel { ticket, .. } => Some(ticket.clone()),
            _ => None,
        })
    };
    let tickets = [ask(first.info.source.clone()), ask(second.info.source.clone())];
    assert!(!tickets[0].is_wanted() && tickets[1].is_wanted());
    let used = |bench: &Bench| bench.state.library.models.used().expect("a model").id;
    bench.state.take_model(&tickets[0], first.info);
    assert_eq!(used(&bench), 1);
    bench.state.take_model(&tickets[1], second.info);
    assert_eq!(used(&bench), 3);
    assert!(!bench.state.library.models.is_loading());
}

#[test]
fn a_model_with_other_classes_removes_the_masks() {
    let mut bench = Bench::with_images(&["a"]);
    let mut other = model(2, "/models/b", &[DecoderKind::Linear]);
    std::sync::Arc::make_mut(&mut other.info).classes = ClassSet::numbered(3);
    std::sync::Arc::make_mut(&mut other.info).own_classes = ClassSet::numbered(3);
    bench.use_model(other);
    assert_eq!(shown(&bench), Some((source("a"), false)));
    assert_eq!(state_of(&bench, "a"), State::Running);
    bench.answer_run(2);
    assert_eq!(shown(&bench), Some((source("a"), true)));
}

#[test]
fn the_list_follows_a_batch_and_its_results_are_cached() {
    let mut bench = Bench::with_images(&["a", "b", "c", "d"]);
    let sources = ["b", "c", "d"].map(source).to_vec();
    bench.state.segment_images(sources, None, false);
    bench.settle(&mut []);
    let (ticket, _) = bench.asked_batch();
    let states = |bench: &Bench| ["a", "b", "c", "d"].map(|name| state_of(bench, name));
    let [a, others @ ..] = states(&bench);
    assert!(is_done(&a));
    assert_eq!(others, [State::Waiting, State::Waiting, State::Waiting]);
    bench.state.take_batch_image(&ticket, 0, BatchState::Running);
    assert_eq!(state_of(&bench, "b"), State::Running);
    bench.answer_batch_image(&ticket, 0, 4);
    assert!(is_done(&state_of(&bench, "b")));
    // A file that changes before its turn is over: its result may be out of date.
    bench.state.take_changed_file(&source("c"));
    bench.answer_batch_image(&ticket, 1, 4);
    assert_eq!(state_of(&bench, "c"), State::NotSegmented);
    let failed = BatchState::Failed("no photo".into());
    bench.state.take_batch_image(&ticket, 2, failed);
    assert_eq!(state_of(&bench, "d"), State::Failed("no photo".into()));
    bench.settle(&mut []);
    bench.state.end_batch(&ticket, (2, 1, 0), false);
    assert_eq!(bench.messages(), ["Finished: 2 of 3 photos segmented, 1 failed"]);
    assert!(bench.state.jobs.batch.is_none());
    let kept = |name: &str| {
        let key = bench.state.result_key(&source(name)).expect("a model");
        bench.state.library.results.peek(&key).is_some()
    };
    assert_eq!(["a", "b", "c", "d"].map(kept), [true, true, false, false]);
}

#[test]
fn a_stopped_batch_is_withdrawn_and_its_end_is_reported() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.segment_images(vec![source("b")], None, false);
    bench.settle(&mut []);
    let (ticket, _) = bench.asked_batch();
    bench.state.end_batch(&Asked::new().ticket(), (1, 0, 0), false);
    assert!(bench.state.jobs.batch.is_some(), "the end was of another batch");
    bench.state.stop_batch();
    assert!(!ticket.is_wanted());
    assert_eq!(state_of(&bench, "b"), State::Waiting);
    bench.state.end_batch(&ticket, (0, 0, 0), true);
    assert_eq!(bench.messages(), ["Cancelled: 0 of 1 photos segmented"]);
    assert_eq!(state_of(&bench, "b"), State::NotSegmented);
}

#[test]
fn a_batch_with_another_output_than_the_one_in_use_does_not_change_the_list() {
    let mut bench = Bench::with_images(&["a", "b"]);
    bench.state.segment_images(vec![source("b")], None, false);
    bench.settle(&mut []);
    let (ticket, _) = bench.asked_batch();
    bench.state.choose_entry(1);
    bench.settle(&mut []);
    bench.state.take_batch_image(&ticket, 0, BatchState::Running);
    assert_eq!(
        state_of(&bench, "b"),
        State::NotSegmented,
        "the list shows states for the output in use"
    );
}

#[test]
fn a_paused_run_resumes_with_the_images_that_are_left() {
    let mut bench = Bench::with_images(&["a", "b", "c"]);
    let all = ["a", "b", "c"].map(source).to_vec();
    bench.state.segment_images(all, None, false);
    bench.settle(&mut []);
    let (ticket, _) = bench.asked_batch();
    bench.answer_batch_image(&ticket, 0, 3);
    bench.state.pause_batch();
    bench.state.end_batch(&ticket, (1, 0, 0), true);
    let paused = bench.state.jobs.paused.as_ref().expect("a paused run");
    assert_eq!((paused.done, &paused.rest[..]), (1, &["b", "c"].map(source)[..]));
    assert_eq!(state_of(&bench, "b"), State::NotSegmented);
    bench.state.resume_batch();
    assert!(bench.state.jobs.paused.is_none());
    let batch = bench.state.jobs.batch.as_ref().expect("a run");
    assert_eq!(batch.sources, ["b", "c"].map(source));
}

#[test]
fn added_images_come_after_the_others_and_removal_can_be_undone() {
    let mut bench = Bench::with_images(&["a", "b"]);
    let listed = |bench: &Bench| -> Vec<ImageSource> { bench.state.library.images.sources().cloned().collect() };
    let wanted = |bench: &Bench| bench.state.library.images.wanted().cloned();
    bench.state.add_images(["c", "a", "d"].map(source).to_vec());
    assert_eq!(listed(&bench), ["a", "b", "c", "d"].map(source));
    assert_eq!(wanted(&bench), Some(source("c")), "the first of those that were opened");
    bench.state.remove_images(&["c", "d"].map(source));
    assert_eq!(listed(&bench), ["a", "b"].map(source));
    assert_eq!(
        wanted(&bench),
        Some(source("b")),
        "the last one before those that are gone"
    );
    bench.state.restore_images();
    assert_eq!(listed(&bench), ["a", "b", "c", "d"].map(source));
    assert_eq!(wanted(&bench), Some(source("c")));
    // Undoing is undone in turn.
    bench.state.restore_images();
    assert_eq!(listed(&bench), ["a", "b"].map(source));
    bench.state.remove_images(&listed(&bench));
    assert_eq!(listed(&bench), []);
    bench.state.restore_images();
    assert_eq!(listed(&bench), ["a", "b"].map(source));
    // The sample, with which the program starts, gives way.
    bench.state.open_images(vec![ImageSource::Sample]);
    bench.state.add_images(vec![source("e")]);
    assert_eq!(listed(&bench), [source("e")]);
}
