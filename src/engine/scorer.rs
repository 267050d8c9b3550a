//! Scores results against ground truth from files on a separate thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::failure::panic_sentence;
use super::ticket::Ticket;
use super::wake::Wake;
use crate::datasets::truths_of;
use crate::runtime::{ImageSource, ScoreJob, ScoredImage, Truth, cores, score};

/// Maximum number of answers that wait for the window; the thread pauses at this number.
const MAX_READY: usize = 2;

/// A request to the scorer. A request that is withdrawn before its turn gets no answer.
#[derive(Debug)]
pub enum ScoreRequest {
    /// Find the ground truth of images: below a folder, or beside the images where data sets usually have it.
    Find {
        /// Returned with the answer.
        ticket: Ticket,
        /// Folder to search.
        folder: Option<PathBuf>,
        /// The images.
        images: Vec<ImageSource>,
        /// Whether the model's classes are those of the sample image's label map.
        knows_sample: bool,
    },
    /// Score a result.
    Score {
        /// Returned with the answer.
        ticket: Ticket,
        /// The result and its ground truth.
        job: Box<ScoreJob>,
    },
}

/// An answer of the scorer.
#[derive(Debug)]
pub enum ScoreAnswer {
    /// Answers [`ScoreRequest::Find`].
    Found {
        /// Ticket of the request.
        ticket: Ticket,
        /// The ground truth of each image, if found, in the order of the images.
        truths: Vec<Option<Truth>>,
    },
    /// Answers [`ScoreRequest::Score`].
    Scored {
        /// Ticket of the request.
        ticket: Ticket,
        /// The image.
        source: ImageSource,
        /// The scores, or a message that says what happened and what to do.
        outcome: Result<Box<ScoredImage>, String>,
    },
}

impl ScoreRequest {
    fn ticket(&self) -> &Ticket {
        match self {
            Self::Find { ticket, .. } | Self::Score { ticket, .. } => ticket,
        }
    }
}

/// Handle of the thread. When it is dropped, the thread ends after the current image.
#[derive(Debug)]
pub struct Scorer {
    requests: Sender<ScoreRequest>,
    answers: Receiver<ScoreAnswer>,
}

impl Scorer {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (requests, asked) = unbounded();
        let (sender, answers) = bounded(MAX_READY);
        Builder::new()
            .name("segscope scoring".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                for request in asked
                    .into_iter()
                    .filter(|request: &ScoreRequest| request.ticket().is_wanted())
                {
                    // Fails when the window is closed.
                    if sender.send(answer_or_failure(request)).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        Ok(Self { requests, answers })
    }

    /// Sends a request; one that is withdrawn before its turn is not started.
    ///
    /// The queue has no limit. Callers with many requests should send a few at a time, so that the image on display is
    /// scored soon.
    pub fn ask(&self, request: ScoreRequest) {
        // Fails only if the thread has ended, which happens when this handle is dropped.
        self.requests.send(request).ok();
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<ScoreAnswer> {
        self.answers.try_recv().ok()
    }
}

/// Answers a request; a panic becomes a failure, so that the thread continues.
fn answer_or_failure(request: ScoreRequest) -> ScoreAnswer {
    let failed = match &request {
        ScoreRequest::Find { ticket, images, .. } => Err((ticket.clone(), images.len())),
        ScoreRequest::Score { ticket, job } => Ok((ticket.clone(), job.source.clone())),
    };
    catch_unwind(AssertUnwindSafe(|| answer(request))).unwrap_or_else(|panic| match failed {
        Err((ticket, images)) => ScoreAnswer::Found {
            ticket,
            truths: vec![None; images],
        },
        Ok((ticket, source)) => ScoreAnswer::Scored {
            ticket,
            source,
            outcome: Err(panic_sentence(panic.as_ref())),
        },
    })
}

fn answer(request: ScoreRequest) -> ScoreAnswer {
    match request {
        ScoreRequest::Find {
            ticket,
            folder,
            images,
            knows_sample,
        } => {
            let files: Vec<PathBuf> = images
                .iter()
                .filter_map(|source| source.file().map(Path::to_owned))
                .collect();
            let mut found = truths_of(&files, folder.as_deref()).into_iter();
            let truths = images.iter().map(|source| match source.file() {
                Some(_) => found.next().flatten().map(Truth::File),
                None => knows_sample.then_some(Truth::Sample),
            });
            ScoreAnswer::Found {
                ticket,
                truths: truths.collect(),
            }
        }
        ScoreRequest::Score { ticket, job } => ScoreAnswer::Scored {
            ticket,
            source: job.source.clone(),
            outcome: score(&job).map(Box::new),
        },
    }
}
