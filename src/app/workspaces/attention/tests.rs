//! Which pass is looked into, without a window.

use super::Attention;
use crate::app::state::testing::Bench;
use crate::app::workspaces::Workspace as _;
use crate::engine::{Asked, Event, Job, Look, Progress, Ticket};

fn workspace() -> (Bench, Attention) {
    let mut bench = Bench::with_pictures(&["a", "b"]);
    let mut attention = Attention::default();
    bench.open(&mut attention);
    (bench, attention)
}

fn asked(bench: &mut Bench) -> (Ticket, Look) {
    bench.take_job(|job| match job {
        Job::LookInside { ticket, look } => Some((ticket.clone(), look.clone())),
        _ => None,
    })
}

fn looks(bench: &Bench) -> usize {
    bench.count(|job| matches!(job, Job::LookInside { .. }))
}

fn failed(ticket: &Ticket, message: Option<&str>) -> Event {
    Event::LookFailed {
        ticket: ticket.clone(),
        message: message.map(str::to_owned),
    }
}

#[test]
fn what_is_shown_is_looked_into_once() {
    let (mut bench, mut attention) = workspace();
    bench.frame(&mut attention);
    assert_eq!(looks(&bench), 1);
    let (ticket, look) = asked(&mut bench);
    let document = bench.state.desk.document.as_ref().expect("a picture");
    assert_eq!((look.photo.id, look.model), (document.photo.id, 1));
    let progress = |fraction| Progress {
        fraction,
        remaining: None,
    };
    let fraction = |attention: &Attention| attention.looking.as_ref().and_then(|l| Some(l.progress?.fraction));
    for (ticket, fraction) in [(Asked::new().ticket(), 0.9), (ticket, 0.25)] {
        let progress = progress(fraction);
        bench.engine(Event::LookProgress { ticket, progress }, &mut attention);
    }
    assert_eq!(fraction(&attention), Some(0.25), "of its own request alone");
}

#[test]
fn a_look_into_another_picture_is_withdrawn_and_its_failure_not_told() {
    let (mut bench, mut attention) = workspace();
    let (first, _) = asked(&mut bench);
    bench.state.open_picture(1);
    bench.frame(&mut attention);
    assert!(!first.is_wanted(), "another picture is wanted");
    assert_eq!(looks(&bench), 0, "and looked into when it is there");
    bench.answer_photo();
    bench.frame(&mut attention);
    let (second, look) = asked(&mut bench);
    assert_ne!(first, second);
    bench.engine(failed(&first, Some("no memory")), &mut attention);
    assert!(attention.failed.is_none() && attention.looking.is_some());
    bench.engine(failed(&second, Some("no memory")), &mut attention);
    bench.frame(&mut attention);
    let (of, why) = attention.failed.as_ref().expect("a failure");
    assert_eq!((of.photo.id, why.as_str()), (look.photo.id, "no memory"));
    assert_eq!(looks(&bench), 0, "it is not looked again by itself");
    attention.look_again();
    bench.frame(&mut attention);
    assert_eq!(looks(&bench), 1);
}

#[test]
fn a_look_that_a_person_stops_is_not_begun_again() {
    let (mut bench, mut attention) = workspace();
    let (ticket, _) = asked(&mut bench);
    assert!(attention.is_busy() && attention.cancel_look());
    assert!(!ticket.is_wanted() && !attention.is_busy());
    bench.frame(&mut attention);
    assert_eq!(looks(&bench), 0);
    assert!(!attention.cancel_look(), "there is nothing to stop");
}

#[test]
fn nothing_is_looked_into_out_of_sight() {
    let (mut bench, mut attention) = workspace();
    let (ticket, _) = asked(&mut bench);
    attention.leave(&bench.ctx());
    bench.state.workspace.id = "Masks";
    bench.frame(&mut attention);
    assert!(!ticket.is_wanted());
    assert_eq!(looks(&bench), 0);
}
