//! Filling panes with labels, without a window.

use std::path::Path;
use std::sync::Arc;

use super::Compare;
use super::pane::{Content, Pane};
use crate::app::state::testing::{Bench, map_of, source};
use crate::app::workspaces::{News, Workspace as _};
use crate::datasets::TruthReader;
use crate::engine::{Asked, Comparison, ComparisonJob, Event, Job, LabelLayer, Ticket};

/// The workspace with a pane for each decoder of the model in use, on the first of two images.
fn workspace() -> (Bench, Compare) {
    let mut bench = Bench::with_images(&["a.jpg", "b.jpg"]);
    let mut compare = Compare::default();
    bench.open(&mut compare);
    (bench, compare)
}

/// The class that each pane shows in all pixels.
fn classes(compare: &Compare) -> Vec<Option<u16>> {
    let class = |pane: &Pane| Some(pane.labelled.as_ref()?.labels.map().ids[0]);
    compare.panes.iter().map(class).collect()
}

/// Answers the requested run, and draws the next frame.
fn answer_run(bench: &mut Bench, compare: &mut Compare, class: u16) {
    let (ticket, result) = bench.asked_run(class);
    bench.state.take_result(&ticket, result);
    bench.settle(&mut [compare]);
    bench.frame(compare);
}

/// The requested label map: ticket, file and reader.
fn asked_labels(bench: &mut Bench) -> (Ticket, String, Option<TruthReader>) {
    bench.take_job(|job| match job {
        Job::ReadLabels { ticket, job } => {
            let path = job.path.to_string_lossy().into_owned();
            Some((ticket.clone(), path, job.reader.clone()))
        }
        _ => None,
    })
}

fn asked_comparison(bench: &mut Bench) -> (Ticket, ComparisonJob) {
    bench.take_job(|job| match job {
        Job::Compare { ticket, job } => Some((ticket.clone(), job.clone())),
        _ => None,
    })
}

fn compared(ticket: &Ticket, job: &ComparisonJob) -> Event {
    Event::Compared {
        ticket: ticket.clone(),
        comparison: Comparison::of(job).map(Arc::new),
    }
}

fn labels(ticket: &Ticket, class: u16) -> Event {
    Event::Labels {
        ticket: ticket.clone(),
        labels: Ok(LabelLayer::plain(map_of(class))),
    }
}

#[test]
fn cached_results_are_shown_at_once_and_missing_ones_are_run() {
    let (mut bench, mut compare) = workspace();
    assert_eq!(compare.panes.len(), 2);
    assert_eq!(
        classes(&compare),
        [Some(0), None],
        "the mask decoder's result was cached"
    );
    bench.frame(&mut compare);
    assert_eq!(
        bench.count(|job| matches!(job, Job::Segment { .. })),
        1,
        "requested once"
    );
    answer_run(&mut bench, &mut compare, 7);
    assert_eq!(classes(&compare), [Some(0), Some(7)]);
    let (ticket, job) = asked_comparison(&mut bench);
    bench.engine(compared(&Asked::new().ticket(), &job), &mut compare);
    assert!(
        compare.with_reference(&compare.panes[1]).is_none(),
        "of another request"
    );
    bench.engine(compared(&ticket, &job), &mut compare);
    let comparison = compare.with_reference(&compare.panes[1]).expect("a comparison");
    assert_eq!(comparison.agreement.same, 0.0);
    // Rows are of the reference, columns of the pane.
    let cells: Vec<_> = comparison.confusion.cells().collect();
    assert_eq!(cells, [(0, 7, 16)]);
}

#[test]
fn panes_show_nothing_of_another_image() {
    let (mut bench, mut compare) = workspace();
    let (late, result) = bench.asked_run(7);
    bench.state.open_image(1);
    bench.settle(&mut [&mut compare]);
    assert!(!late.is_wanted());
    bench.answer_photo();
    bench.frame(&mut compare);
    assert_eq!(classes(&compare), [None, None]);
    bench.state.take_result(&late, result);
    bench.settle(&mut [&mut compare]);
    bench.frame(&mut compare);
    assert_eq!(classes(&compare), [None, None], "it belongs to the previous image");
    answer_run(&mut bench, &mut compare, 1);
    answer_run(&mut bench, &mut compare, 2);
    assert!(classes(&compare).iter().all(Option::is_some));
    // Back again: the first image shows its own cached results.
    bench.state.open_image(0);
    bench.settle(&mut [&mut compare]);
    bench.frame(&mut compare);
    assert_eq!(classes(&compare)[0], Some(0));
}

#[test]
fn a_failed_run_is_reported_and_not_repeated_automatically() {
    let (mut bench, mut compare) = workspace();
    let (ticket, _) = bench.asked_run(0);
    bench.state.take_run_failure(&ticket, "no memory".into());
    bench.settle(&mut [&mut compare]);
    bench.frame(&mut compare);
    assert!(
        compare.panes[1]
            .failed
            .as_ref()
            .is_some_and(|(_, why)| why == "no memory")
    );
    assert!(bench.state.jobs.running.is_none());
    bench.tell(&News::RunAgain, &mut [&mut compare]);
    bench.frame(&mut compare);
    assert!(bench.state.jobs.running.is_some());
}

#[test]
fn a_run_that_no_pane_waits_for_is_stopped() {
    let (mut bench, mut compare) = workspace();
    let (ticket, _) = bench.asked_run(0);
    compare.remove(1);
    bench.frame(&mut compare);
    assert!(!ticket.is_wanted() && bench.state.jobs.running.is_none());
}

#[test]
fn nothing_runs_while_the_user_has_paused() {
    let (mut bench, mut compare) = workspace();
    bench.state.cancel_and_say();
    bench.settle(&mut [&mut compare]);
    bench.frame(&mut compare);
    assert!(compare.paused && bench.state.jobs.running.is_none());
}

#[test]
fn ground_truth_is_read_for_each_image_and_again_when_its_rules_change() {
    let (mut bench, mut compare) = workspace();
    answer_run(&mut bench, &mut compare, 7);
    let (ticket, job) = asked_comparison(&mut bench);
    bench.engine(compared(&ticket, &job), &mut compare);
    compare.add_labels("/labels/a_L.png".into(), true, &bench.ctx());
    bench.frame(&mut compare);
    let (first, path, reader) = asked_labels(&mut bench);
    assert_eq!(Path::new(&path), Path::new("/labels/a_L.png"));
    assert!(reader.is_some_and(|reader| !reader.zero_is_ignored()));
    // The rules change while it is read: the answer is stale, and the file is read again.
    bench.state.truth.zero_is_ignored = Some(true);
    bench.frame(&mut compare);
    bench.engine(labels(&first, 3), &mut compare);
    assert_eq!(classes(&compare)[2], None);
    let (second, _, reader) = asked_labels(&mut bench);
    assert!(reader.is_some_and(|reader| reader.zero_is_ignored()));
    bench.engine(labels(&second, 4), &mut compare);
    assert_eq!(classes(&compare)[2], Some(4));
    // The ground truth of the next image follows the same naming.
    bench.state.open_image(1);
    bench.settle(&mut [&mut compare]);
    bench.answer_photo();
    bench.frame(&mut compare);
    let (_, path, _) = asked_labels(&mut bench);
    assert_eq!(Path::new(&path), Path::new("/labels/b_L.png"));
    assert_eq!(bench.state.library.images.wanted(), Some(&source("b.jpg")));
}

#[test]
fn an_unreadable_label_map_is_reported_in_its_pane() {
    let (mut bench, mut compare) = workspace();
    compare.add_labels("/labels/a.png".into(), false, &bench.ctx());
    bench.frame(&mut compare);
    let (ticket, _, reader) = asked_labels(&mut bench);
    assert!(reader.is_none(), "it is not ground truth");
    let failed = Event::Labels {
        ticket,
        labels: Err("expected a PNG".into()),
    };
    bench.engine(failed, &mut compare);
    bench.frame(&mut compare);
    let place = compare
        .panes
        .iter()
        .position(|pane| matches!(pane.content, Content::Labels(_)));
    let pane = &compare.panes[place.expect("a pane")];
    assert!(pane.failed.as_ref().is_some_and(|(_, why)| why == "expected a PNG"));
    assert_eq!(
        bench.count(|job| matches!(job, Job::ReadLabels { .. })),
        0,
        "not retried automatically"
    );
}

#[test]
fn leaving_frees_memory_and_withdraws_requests() {
    let (mut bench, mut compare) = workspace();
    compare.add_labels("/labels/a.png".into(), false, &bench.ctx());
    bench.frame(&mut compare);
    let (ticket, ..) = asked_labels(&mut bench);
    compare.leave(&bench.ctx());
    bench.settle(&mut [&mut compare]);
    assert!(!ticket.is_wanted());
    assert!(classes(&compare).iter().all(Option::is_none));
}
