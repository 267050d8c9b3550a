//! Reads attention out of what a pass kept, on a thread of its own: an answer takes from a millisecond to a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::outbox::Wake;
use crate::runtime::{Answer, Inspection, Question, answer, cores};
use crate::segment::Prediction;

/// Answers that may wait for the window; the thread waits beyond this.
const MOST_READY: usize = 16;

/// An answer with what it belongs to.
#[derive(Clone, Debug)]
pub struct Read {
    /// Number of the look.
    pub look: u64,
    /// Number of the prediction that was there.
    pub prediction: u64,
    /// What was asked.
    pub question: Question,
    /// `None` when there is no such block or token.
    pub answer: Option<Answer>,
}

/// A prediction under the caller's number for it.
pub type Numbered = (u64, Arc<Prediction>);

/// The thread. It ends with this handle, at the latest after the block that it is at.
#[derive(Debug)]
pub struct InsideReader {
    wishes: Arc<Wishes>,
    ready: Receiver<Read>,
}

#[derive(Debug, Default)]
struct Wishes {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct List {
    inspection: Option<Arc<Inspection>>,
    prediction: Option<Numbered>,
    /// The most wanted first.
    waiting: Vec<Question>,
    /// What the thread is at.
    begun: Option<Question>,
    closed: bool,
}

impl InsideReader {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (sender, ready) = bounded(MOST_READY);
        let wishes = Arc::new(Wishes::default());
        let of_thread = wishes.clone();
        Builder::new()
            .name("segscope attention".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || work(&of_thread, &sender, &wake))?;
        Ok(Self { wishes, ready })
    }

    /// Replaces the whole list of what is wanted, the most wanted first. What is not on it any more is dropped, also
    /// half-way. Without a prediction there is no answer to [`Question::Certainty`].
    pub fn want(&self, inspection: &Arc<Inspection>, prediction: Option<Numbered>, questions: Vec<Question>) {
        let mut list = self.wishes.lock();
        let List {
            inspection: current,
            prediction: known,
            waiting,
            begun,
            ..
        } = &mut *list;
        let number = |prediction: &Option<Numbered>| prediction.as_ref().map(|(number, _)| *number);
        if number(known) != number(&prediction) && matches!(begun, Some(Question::Certainty(_))) {
            *begun = None;
        }
        *known = prediction;
        if current.as_ref().is_none_or(|current| !Arc::ptr_eq(current, inspection)) {
            *current = Some(inspection.clone());
            *begun = None;
        }
        *waiting = questions;
        if let Some(question) = *begun {
            if waiting.contains(&question) {
                waiting.retain(|other| *other != question);
            } else {
                *begun = None;
            }
        }
        self.wishes.changed.notify_one();
    }

    /// Forgets the inspection, whose memory is free then.
    pub fn forget(&self) {
        let mut list = self.wishes.lock();
        (list.inspection, list.prediction) = (None, None);
        list.waiting.clear();
        list.begun = None;
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<Read> {
        self.ready.try_recv().ok()
    }
}

impl Drop for InsideReader {
    fn drop(&mut self) {
        let mut list = self.wishes.lock();
        list.closed = true;
        list.begun = None;
        drop(list);
        self.wishes.changed.notify_one();
    }
}

impl Wishes {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next wish; `None` when the window is gone.
    fn next(&self) -> Option<(Arc<Inspection>, Option<Numbered>, Question)> {
        let mut list = self.lock();
        loop {
            if list.closed {
                return None;
            }
            if let Some(inspection) = list.inspection.clone().filter(|_| !list.waiting.is_empty()) {
                let question = list.waiting.remove(0);
                list.begun = Some(question);
                return Some((inspection, list.prediction.clone(), question));
            }
            list = self.changed.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the answer to a question is still wanted.
    fn wants(&self, inspection: &Arc<Inspection>, question: Question) -> bool {
        let list = self.lock();
        let same = list
            .inspection
            .as_ref()
            .is_some_and(|other| Arc::ptr_eq(other, inspection));
        same && list.begun == Some(question)
    }

    /// Ends what was begun; whether its answer is still wanted.
    fn end(&self, inspection: &Arc<Inspection>, question: Question) -> bool {
        let wanted = self.wants(inspection, question);
        if wanted {
            self.lock().begun = None;
        }
        wanted
    }
}

fn work(wishes: &Wishes, ready: &Sender<Read>, wake: &Wake) {
    while let Some((inspection, prediction, question)) = wishes.next() {
        let go_on = || wishes.wants(&inspection, question);
        let (number, prediction) = prediction.map_or((0, None), |(number, prediction)| (number, Some(prediction)));
        let answer = catch_unwind(AssertUnwindSafe(|| {
            answer(&inspection, prediction.as_deref(), question, go_on)
        }));
        if !wishes.end(&inspection, question) {
            continue;
        }
        let read = Read {
            look: inspection.look.number,
            prediction: number,
            question,
            answer: answer.unwrap_or_else(|_| {
                log::error!(target: "segscope", "attention cannot be read: {question:?}");
                None
            }),
        };
        // Waits while the window is behind, and fails when it is gone.
        if ready.send(read).is_err() {
            return;
        }
        wake();
    }
}
