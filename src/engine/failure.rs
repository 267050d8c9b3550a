//! Messages for panics, and the event that reports a failed job.

use std::any::Any;
use std::sync::Arc;

use super::job::{Event, Job};
use super::ticket::{Asked, Ticket};
use crate::catalogue::ModelsFolder;
use crate::runtime::FoundFiles;

/// Returns a function that makes the event for a failure of `job` from a message.
pub(super) fn failure_event(job: &Job) -> Box<dyn FnOnce(String) -> Event> {
    match job {
        Job::LoadModel { ticket, .. } => model_failed(ticket.clone()),
        // No request waits for an answer, so a new ticket serves.
        Job::CloseModel(_) => model_failed(Asked::new().ticket()),
        Job::OpenImage { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| Event::PhotoFailed { ticket, message })
        }
        Job::Find(_) => Box::new(|message| {
            Event::FoundFiles(FoundFiles {
                problems: vec![message],
                ..FoundFiles::default()
            })
        }),
        Job::ScanModels(folder) => {
            let path = folder.clone();
            Box::new(move |problem| {
                let problem = Some(problem);
                Event::ModelsFound(Arc::new(ModelsFolder {
                    path,
                    problem,
                    ..ModelsFolder::default()
                }))
            })
        }
        Job::Segment { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| Event::SegmentFailed { ticket, message })
        }
        Job::TraceAttention { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| {
                let message = Some(message);
                Event::TraceFailed { ticket, message }
            })
        }
        Job::ReadLabels { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| Event::Labels {
                ticket,
                labels: Err(message),
            })
        }
        Job::Compare { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |_| Event::Compared {
                ticket,
                comparison: None,
            })
        }
        Job::MeasureHeads { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| Event::HeadsMeasured {
                ticket,
                figures: Some(Err(message)),
            })
        }
        Job::EncodeForTeaching { ticket, .. } => {
            let ticket = ticket.clone();
            Box::new(move |message| Event::TeachingTokens {
                ticket,
                outcome: Err(message),
            })
        }
        Job::SegmentAll { ticket, .. } => {
            let ticket = ticket.clone();
            // Starting a batch only stores it, so this event reports only that the batch has ended.
            Box::new(move |_| Event::BatchEnded {
                ticket,
                done: 0,
                failed: 0,
                there: 0,
                cancelled: true,
            })
        }
        Job::Draw { .. } => Box::new(Event::DrawFailed),
        Job::PlanExport { .. } | Job::PreviewExport { .. } | Job::Export(_) => Box::new(Event::ExportFailed),
    }
}

fn model_failed(ticket: Ticket) -> Box<dyn FnOnce(String) -> Event> {
    Box::new(move |message| Event::ModelFailed { ticket, message })
}

/// The message for a panic.
pub(super) fn panic_sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let why = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no details".into());
    format!("internal error: {why}")
}
