//! Compares results with ground truth from files, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::failure::panic_sentence;
use super::ticket::Ticket;
use super::wake::Wake;
use crate::datasets::truths_of;
use crate::runtime::{PhotoSource, ScoreJob, ScoredPicture, Truth, cores, score};

/// Answers that may wait for the window; the thread waits beyond this.
const MOST_READY: usize = 2;

/// What is asked. A request that is withdrawn before its turn gets no answer.
#[derive(Debug)]
pub enum ScoreRequest {
    /// Which pictures have a label map: below a folder, or where data sets usually have them beside the pictures.
    Find {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Where to look.
        folder: Option<PathBuf>,
        /// In this order.
        pictures: Vec<PhotoSource>,
        /// Whether the classes are those of the sample picture's label map.
        knows_sample: bool,
    },
    /// How well a result matches.
    Score {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The result, and where the truth is.
        job: Box<ScoreJob>,
    },
}

/// What comes back.
#[derive(Debug)]
pub enum ScoreAnswer {
    /// To [`ScoreRequest::Find`]: where it is, or nothing, for each picture.
    Found {
        /// As asked.
        ticket: Ticket,
        /// In the order of the pictures.
        truths: Vec<Option<Truth>>,
    },
    /// To [`ScoreRequest::Score`].
    Scored {
        /// As asked.
        ticket: Ticket,
        /// The picture.
        source: PhotoSource,
        /// What was counted, or why nothing was.
        outcome: Result<Box<ScoredPicture>, String>,
    },
}

impl ScoreRequest {
    fn ticket(&self) -> &Ticket {
        match self {
            Self::Find { ticket, .. } | Self::Score { ticket, .. } => ticket,
        }
    }
}

/// The thread. It ends with this handle, after the picture that it is at.
#[derive(Debug)]
pub struct Scorer {
    requests: Sender<ScoreRequest>,
    answers: Receiver<ScoreAnswer>,
}

impl Scorer {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (requests, asked) = unbounded();
        let (sender, answers) = bounded(MOST_READY);
        Builder::new()
            .name("segscope scoring".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                for request in asked
                    .into_iter()
                    .filter(|request: &ScoreRequest| request.ticket().is_wanted())
                {
                    // Fails when the window is gone.
                    if sender.send(answer_or_failure(request)).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        Ok(Self { requests, answers })
    }

    /// Asks. Whoever asks for much keeps it back, so that what a person looks at is soon served; what is withdrawn
    /// before its turn is not begun.
    pub fn ask(&self, request: ScoreRequest) {
        // Fails when the thread is gone, which ends with this handle.
        self.requests.send(request).ok();
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<ScoreAnswer> {
        self.answers.try_recv().ok()
    }
}

/// A panic is a failure like any other; the thread goes on.
fn answer_or_failure(request: ScoreRequest) -> ScoreAnswer {
    let failed = match &request {
        ScoreRequest::Find { ticket, pictures, .. } => Err((ticket.clone(), pictures.len())),
        ScoreRequest::Score { ticket, job } => Ok((ticket.clone(), job.source.clone())),
    };
    catch_unwind(AssertUnwindSafe(|| answer(request))).unwrap_or_else(|panic| match failed {
        Err((ticket, pictures)) => ScoreAnswer::Found {
            ticket,
            truths: vec![None; pictures],
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
            pictures,
            knows_sample,
        } => {
            let files: Vec<PathBuf> = pictures
                .iter()
                .filter_map(|source| source.file().map(Path::to_owned))
                .collect();
            let mut found = truths_of(&files, folder.as_deref()).into_iter();
            let truths = pictures.iter().map(|source| match source.file() {
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
