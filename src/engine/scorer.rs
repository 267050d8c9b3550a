//! Compares results with ground truth from files, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::failure::panic_sentence;
use super::outbox::Wake;
use crate::datasets::truths_of;
use crate::runtime::{PhotoSource, ScoreJob, ScoredPicture, Truth, cores, score};

/// Requests and answers that may wait: few, so that what a person looks at is soon served.
const MOST_WAITING: usize = 2;

/// What is asked.
#[derive(Debug)]
pub enum ScoreRequest {
    /// Which pictures have a label map: below a folder, or where data sets usually have them beside the pictures.
    Find {
        /// Comes back with the answer.
        number: u64,
        /// Where to look.
        folder: Option<PathBuf>,
        /// In this order.
        pictures: Vec<PhotoSource>,
        /// Whether the classes are those of the sample picture's label map.
        knows_sample: bool,
    },
    /// How well a result matches.
    Score(Box<ScoreJob>),
}

/// What comes back.
#[derive(Debug)]
pub enum ScoreAnswer {
    /// To [`ScoreRequest::Find`]: where it is, or nothing, for each picture.
    Found {
        /// As asked.
        number: u64,
        /// In the order of the pictures.
        truths: Vec<Option<Truth>>,
    },
    /// To [`ScoreRequest::Score`].
    Scored {
        /// As asked.
        number: u64,
        /// The picture.
        source: PhotoSource,
        /// What was counted, or why nothing was.
        outcome: Result<Box<ScoredPicture>, String>,
    },
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
        let (requests, asked) = bounded(MOST_WAITING);
        let (sender, answers) = bounded(MOST_WAITING);
        Builder::new()
            .name("segscope scoring".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                for request in asked {
                    // Fails when the window is gone.
                    if sender.send(answer_or_failure(request)).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        Ok(Self { requests, answers })
    }

    /// Asks.
    ///
    /// # Errors
    /// The request comes back when too many wait already.
    pub fn ask(&self, request: ScoreRequest) -> Result<(), ScoreRequest> {
        self.requests.try_send(request).map_err(|why| match why {
            TrySendError::Full(request) | TrySendError::Disconnected(request) => request,
        })
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<ScoreAnswer> {
        self.answers.try_recv().ok()
    }
}

/// A panic is a failure like any other; the thread goes on.
fn answer_or_failure(request: ScoreRequest) -> ScoreAnswer {
    let failed = match &request {
        ScoreRequest::Find { number, pictures, .. } => Err((*number, pictures.len())),
        ScoreRequest::Score(job) => Ok((job.number, job.source.clone())),
    };
    catch_unwind(AssertUnwindSafe(|| answer(request))).unwrap_or_else(|panic| match failed {
        Err((number, pictures)) => ScoreAnswer::Found {
            number,
            truths: vec![None; pictures],
        },
        Ok((number, source)) => ScoreAnswer::Scored {
            number,
            source,
            outcome: Err(panic_sentence(panic.as_ref())),
        },
    })
}

fn answer(request: ScoreRequest) -> ScoreAnswer {
    match request {
        ScoreRequest::Find {
            number,
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
                number,
                truths: truths.collect(),
            }
        }
        ScoreRequest::Score(job) => ScoreAnswer::Scored {
            number: job.number,
            source: job.source.clone(),
            outcome: score(&job).map(Box::new),
        },
    }
}
