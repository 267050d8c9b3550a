//! Panics as sentences, and the event that says that a job failed.

use std::any::Any;
use std::sync::Arc;

use super::job::{Event, Job};
use crate::catalogue::ModelsFolder;
use crate::runtime::Found;

/// How to say that a job failed.
pub(super) fn failure_event(job: &Job) -> Box<dyn FnOnce(String) -> Event> {
    match job {
        Job::Configure(_) => Box::new(Event::DeviceFailed),
        Job::LoadModel { number, .. } => {
            let number = *number;
            Box::new(move |message| Event::ModelFailed { number, message })
        }
        // The number of no load.
        Job::CloseModel(_) => Box::new(|message| Event::ModelFailed { number: 0, message }),
        Job::OpenPhoto(_) => Box::new(Event::PhotoFailed),
        Job::Find(_) => Box::new(|message| {
            Event::Found(Found {
                problems: vec![message],
                ..Found::default()
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
        Job::Segment { generation, .. } => {
            let generation = *generation;
            Box::new(move |message| Event::SegmentFailed { generation, message })
        }
        Job::LookInside(look) => {
            let number = look.number;
            Box::new(move |message| {
                let message = Some(message);
                Event::LookFailed { number, message }
            })
        }
        Job::ReadLabels(job) => {
            let number = job.number;
            Box::new(move |message| Event::Labels {
                number,
                labels: Err(message),
            })
        }
        Job::Compare(job) => {
            let number = job.number;
            Box::new(move |_| Event::Compared {
                number,
                comparison: None,
            })
        }
        Job::MeasureHeads(job) => {
            let number = job.number;
            Box::new(move |message| Event::HeadsMeasured {
                number,
                figures: Some(Err(message)),
            })
        }
        Job::SegmentAll(batch) => {
            let number = batch.number;
            // Beginning a batch only takes it down; there is no more to say than that it is over.
            Box::new(move |_| Event::BatchEnded {
                number,
                done: 0,
                failed: 0,
                there: 0,
                cancelled: true,
            })
        }
        Job::Draw { .. } => Box::new(Event::DrawFailed),
        Job::PlanExport { .. } | Job::Export(_) | Job::ExportFigures(_) | Job::ExportReport(_) => {
            Box::new(Event::ExportFailed)
        }
    }
}

/// What to say of a panic.
pub(super) fn panic_sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    let why = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no details".into());
    format!("something went wrong inside the program: {why}")
}
