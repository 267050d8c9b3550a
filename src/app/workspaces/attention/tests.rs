//! Requests for traces, without a window.

use super::Attention;
use crate::app::state::testing::Bench;
use crate::app::workspaces::Workspace as _;
use crate::engine::{Asked, Event, Job, Progress, Ticket, TraceRequest};

fn workspace() -> (Bench, Attention) {
    let mut bench = Bench::with_images(&["a", "b"]);
    let mut attention = Attention::default();
    bench.open(&mut attention);
    (bench, attention)
}

fn asked(bench: &mut Bench) -> (Ticket, TraceRequest) {
    bench.take_job(|job| match job {
        Job::TraceAttention { ticket, request } => Some((ticket.clone(), request.clone())),
        _ => None,
    })
}

fn requests(bench: &Bench) -> usize {
    bench.count(|job| matches!(job, Job::TraceAttention { .. }))
}

fn failed(ticket: &Ticket, message: Option<&str>) -> Event {
    Event::TraceFailed {
        ticket: ticket.clone(),
        message: message.map(str::to_owned),
    }
}

#[test]
fn the_shown_image_is_traced_once() {
    let (mut bench, mut attention) = workspace();
    bench.frame(&mut attention);
    assert_eq!(requests(&bench), 1);
    let (ticket, request) = asked(&mut bench);
    let document = bench.state.canvas_content.document.as_ref().expect("a photo");
    assert_eq!((request.photo.id, request.model), (document.photo.id, 1));
    let progress = |fraction| Progress {
        fraction,
        remaining: None,
    };
    let fraction = |attention: &Attention| attention.pending.as_ref().and_then(|l| Some(l.progress?.fraction));
    for (ticket, fraction) in [(Asked::new().ticket(), 0.9), (ticket, 0.25)] {
        let progress = progress(fraction);
        bench.engine(Event::TraceProgress { ticket, progress }, &mut attention);
    }
    assert_eq!(fraction(&attention), Some(0.25), "only of its own request");
}

#[test]
fn a_trace_of_another_image_is_withdrawn_and_its_failure_ignored() {
    let (mut bench, mut attention) = workspace();
    let (first, _) = asked(&mut bench);
    bench.state.open_image(1);
    bench.frame(&mut attention);
    assert!(!first.is_wanted(), "another image is being opened");
    assert_eq!(requests(&bench), 0, "and traced once it is open");
    bench.answer_photo();
    bench.frame(&mut attention);
    let (second, request) = asked(&mut bench);
    assert_ne!(first, second);
    bench.engine(failed(&first, Some("no memory")), &mut attention);
    assert!(attention.failed.is_none() && attention.pending.is_some());
    bench.engine(failed(&second, Some("no memory")), &mut attention);
    bench.frame(&mut attention);
    let (of, why) = attention.failed.as_ref().expect("a failure");
    assert_eq!((of.photo.id, why.as_str()), (request.photo.id, "no memory"));
    assert_eq!(requests(&bench), 0, "it is not retried automatically");
    attention.trace_again();
    bench.frame(&mut attention);
    assert_eq!(requests(&bench), 1);
}

#[test]
fn a_cancelled_trace_is_not_restarted() {
    let (mut bench, mut attention) = workspace();
    let (ticket, _) = asked(&mut bench);
    assert!(attention.is_busy() && attention.cancel_trace());
    assert!(!ticket.is_wanted() && !attention.is_busy());
    bench.frame(&mut attention);
    assert_eq!(requests(&bench), 0);
    assert!(!attention.cancel_trace(), "there is nothing to cancel");
}

#[test]
fn nothing_is_traced_while_another_workspace_is_open() {
    let (mut bench, mut attention) = workspace();
    let (ticket, _) = asked(&mut bench);
    attention.leave(&bench.ctx());
    bench.state.workspace.id = "Masks";
    bench.frame(&mut attention);
    assert!(!ticket.is_wanted());
    assert_eq!(requests(&bench), 0);
}
