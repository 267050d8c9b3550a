//! Learns linear decoders from strokes on a separate thread, and saves them as models.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::failure::panic_sentence;
use super::ticket::Ticket;
use super::wake::Wake;
use crate::runtime::{OpenImage, TaughtModel, cores};
use crate::teach::{
    Guide, Lesson, LinearDecoder, TaughtLabels, TeachError, Uncertain, guide_of, label, largest_uncertain,
};

/// Margin of the two best classes below which a pixel is unsure.
const UNSURE: f32 = 0.2;

/// A lesson to learn, and the image whose labels are wanted.
#[derive(Clone, Debug)]
pub struct TeachRequest {
    /// Returned with the answer. A request that is withdrawn before its turn gets none.
    pub ticket: Ticket,
    /// Classes, images with tokens, and strokes.
    pub lesson: Lesson,
    /// The decoder that was learnt before, from which learning continues.
    pub last: Option<LinearDecoder>,
    /// The image that is labelled.
    pub photo: OpenImage,
    /// Its place in the lesson.
    pub place: usize,
    /// Whether labels follow the photo's edges.
    pub edges: bool,
}

/// What was learnt.
#[derive(Debug)]
pub struct Taught {
    /// The decoder.
    pub decoder: LinearDecoder,
    /// Ids of its rows.
    pub classes: Vec<u16>,
    /// Labels of the image.
    pub labels: TaughtLabels,
    /// Where a stroke would help most.
    pub unsure: Option<Uncertain>,
    /// How long learning and the label map took.
    pub took: Duration,
}

/// What is asked of the thread.
#[derive(Debug)]
pub enum TeacherRequest {
    /// Learn and label.
    Teach(Box<TeachRequest>),
    /// Write a decoder with its encoder as a model.
    Save {
        /// Returned with the answer.
        ticket: Ticket,
        /// The decoder and how it was made.
        model: Box<TaughtModel>,
        /// The bundle.
        path: PathBuf,
    },
}

/// What the thread answers.
#[derive(Debug)]
pub enum TeacherAnswer {
    /// A lesson was learnt, or why not.
    Taught {
        /// That of the request.
        ticket: Ticket,
        /// What was learnt, or a message for the user.
        outcome: Result<Arc<Taught>, String>,
    },
    /// A model was written, or why not.
    Saved {
        /// That of the request.
        ticket: Ticket,
        /// The bundle, or a message for the user.
        outcome: Result<PathBuf, String>,
    },
}

/// Handle of the thread. When it is dropped, the thread ends after the current request.
#[derive(Debug)]
pub struct Teacher {
    requests: Sender<TeacherRequest>,
    answers: Receiver<TeacherAnswer>,
}

impl Teacher {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (requests, asked) = unbounded();
        let (sender, answers) = unbounded();
        let work = move || {
            let mut guide = None;
            for request in asked {
                let Some(answer) = answer(request, &mut guide) else {
                    continue;
                };
                // Fails when the window is closed.
                if sender.send(answer).is_err() {
                    return;
                }
                wake();
            }
        };
        Builder::new()
            .name("segscope teaching".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(work)?;
        Ok(Self { requests, answers })
    }

    /// Sends a request.
    pub fn ask(&self, request: TeacherRequest) {
        // Fails only if the thread has ended, which happens when this handle is dropped.
        self.requests.send(request).ok();
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<TeacherAnswer> {
        self.answers.try_recv().ok()
    }
}

/// The edges of the photo that was labelled last, by its id.
type KnownGuide = Option<(u64, Arc<Guide>)>;

/// Answers a request unless it was withdrawn; a panic becomes a failure, so that the thread continues.
fn answer(request: TeacherRequest, guide: &mut KnownGuide) -> Option<TeacherAnswer> {
    match request {
        TeacherRequest::Teach(request) => {
            let ticket = request.ticket.clone();
            if !ticket.is_wanted() {
                return None;
            }
            let taught = catch_unwind(AssertUnwindSafe(|| teach(&request, guide)));
            let outcome = match taught {
                Ok(taught) => taught.map(Arc::new).map_err(|why| why.to_string()),
                Err(panic) => Err(panic_sentence(panic.as_ref())),
            };
            Some(TeacherAnswer::Taught { ticket, outcome })
        }
        TeacherRequest::Save { ticket, model, path } => {
            let saved = catch_unwind(AssertUnwindSafe(|| model.save(&path)));
            let outcome = match saved {
                Ok(saved) => saved.map(|()| path).map_err(|why| why.to_string()),
                Err(panic) => Err(panic_sentence(panic.as_ref())),
            };
            Some(TeacherAnswer::Saved { ticket, outcome })
        }
    }
}

fn teach(request: &TeachRequest, known: &mut KnownGuide) -> Result<Taught, TeachError> {
    let started = Instant::now();
    let TeachRequest {
        lesson, photo, place, ..
    } = request;
    let learned = lesson.learn(request.last.as_ref())?;
    let image = lesson.images.get(*place).ok_or(TeachError::NoStrokes)?;
    let guide = match known {
        _ if !request.edges => None,
        Some((id, guide)) if *id == photo.id => Some(guide.clone()),
        _ => {
            let guide = Arc::new(guide_of(&photo.photo, image.tokens.encoded)?);
            *known = Some((photo.id, guide.clone()));
            Some(guide)
        }
    };
    let labels = label(
        &learned.decoder,
        &lesson.classes,
        &image.tokens,
        &photo.photo,
        guide.as_deref(),
        &image.strokes,
    )?;
    let unsure = largest_uncertain(&labels.margin, image.tokens.image, UNSURE);
    Ok(Taught {
        decoder: learned.decoder,
        classes: lesson.classes.clone(),
        labels,
        unsure,
        took: started.elapsed(),
    })
}
