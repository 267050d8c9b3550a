//! Reads attention out of what a pass kept, on a thread of its own: an answer takes from a millisecond to a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::cores;
use super::inspection::Inspection;
use super::outbox::Wake;
use crate::attention::{Direction, HeadStatistics, Part, Place, Rollout, Rows, Token, uniform_distance};
use crate::segment::Prediction;

/// Answers that may wait for the window; the thread waits beyond this.
const MOST_READY: usize = 16;

/// What can be asked of an [`Inspection`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Question {
    /// Attention of a token in every head of a block.
    Rows(Place, Token, Direction),
    /// The same in every block of one half.
    Matrix(Part, Token, Direction),
    /// What a token's final state is made of, over the encoder's tokens.
    Rollout(Part, Token, Rollout),
    /// Cosine of a token with all others after a block.
    Similarity(Place, Token),
    /// Principal components of the patches after a block.
    Colours(Place),
    /// Distance and entropy of every head.
    Figures(Part),
    /// What the prediction says of each patch, before the best class is taken.
    Certainty(Certainty),
}

/// A figure of the class probabilities in the centre of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Probability of a class.
    Class(u16),
    /// Entropy over the largest possible: 1 where all classes are equally likely.
    Entropy,
    /// Probability of the best class less that of the second.
    Margin,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::Rows`].
    Rows(Rows),
    /// To [`Question::Matrix`], by block.
    Matrix(Vec<Rows>),
    /// To [`Question::Rollout`] and [`Question::Similarity`]: a value per token.
    Tokens(Vec<f32>),
    /// To [`Question::Colours`]: a colour per patch.
    Colours(Vec<[f32; 3]>),
    /// To [`Question::Figures`], with the distance of a head that looks everywhere alike.
    Figures(HeadStatistics, f64),
    /// To [`Question::Certainty`]: a value per patch.
    Patches(Vec<f32>),
}

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

fn answer(
    inspection: &Inspection,
    prediction: Option<&Prediction>,
    question: Question,
    go_on: impl Fn() -> bool,
) -> Option<Answer> {
    let inside = &inspection.inside;
    match question {
        Question::Rows(place, token, direction) => inside.rows(place, token, direction).map(Answer::Rows),
        Question::Matrix(part, token, direction) => {
            let layers = 0..inside.layers(part).len();
            let rows = layers.map(|layer| go_on().then(|| inside.rows(Place { part, layer }, token, direction))?);
            rows.collect::<Option<_>>().map(Answer::Matrix)
        }
        Question::Rollout(part, token, rollout) => rollout.of(inside, part, token, go_on).map(Answer::Tokens),
        Question::Similarity(place, token) => inside.similarity(place, token).map(Answer::Tokens),
        Question::Colours(place) => inside.colours(place).map(Answer::Colours),
        Question::Figures(part) => {
            let statistics = inside.head_statistics(part, go_on)?;
            Some(Answer::Figures(statistics, uniform_distance(inside.grid, inside.patch)))
        }
        Question::Certainty(what) => {
            let prediction = prediction?;
            let map = &prediction.labels.map;
            let patches = (0..inside.patches()).map(|patch| {
                let [left, top, right, bottom] = inspection.frame.patch(patch, inside.grid);
                // Padding lies beyond the last pixel.
                let at = |a: f32, b: f32, side: usize| ((a + b) / 2.0).clamp(0.0, side as f32 - 1.0) as usize;
                let (x, y) = (at(left, right, map.width), at(top, bottom, map.height));
                certainty(&prediction.probabilities_at(x, y), what)
            });
            Some(Answer::Patches(patches.collect()))
        }
    }
}

fn certainty(probabilities: &[f32], what: Certainty) -> f32 {
    match what {
        Certainty::Class(class) => probabilities.get(usize::from(class)).copied().unwrap_or(0.0),
        Certainty::Entropy => {
            let most = (probabilities.len().max(2) as f32).ln();
            let information = |p: &f32| if *p > 0.0 { -p * p.ln() } else { 0.0 };
            probabilities.iter().map(information).sum::<f32>() / most
        }
        Certainty::Margin => {
            let (mut best, mut second) = (0.0f32, 0.0f32);
            for p in probabilities {
                if *p > best {
                    (best, second) = (*p, best);
                } else if *p > second {
                    second = *p;
                }
            }
            best - second
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Certainty, certainty};

    #[test]
    fn certainty_is_between_none_and_all() {
        let even = [0.25; 4];
        assert!((certainty(&even, Certainty::Entropy) - 1.0).abs() < 1e-6);
        assert_eq!(certainty(&even, Certainty::Margin), 0.0);
        let sure = [0.0, 1.0, 0.0, 0.0];
        assert_eq!(certainty(&sure, Certainty::Entropy), 0.0);
        assert_eq!(certainty(&sure, Certainty::Margin), 1.0);
        assert_eq!(certainty(&sure, Certainty::Class(1)), 1.0);
        assert_eq!(certainty(&sure, Certainty::Class(9)), 0.0);
    }
}
