//! Reads attention out of what a pass kept, on a thread of its own: an answer takes from a millisecond to a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use super::ticket::Ticket;
use super::wake::Wake;
use super::wish_list::WishList;
use crate::runtime::{Answer, Inspection, Question, answer};
use crate::segment::Prediction;

/// Answers that may wait for the window; the thread waits beyond this.
const MOST_READY: usize = 16;

/// An answer with what it belongs to.
#[derive(Clone, Debug)]
pub struct Read {
    /// What was asked.
    pub question: Question,
    /// `None` when there is no such block or token.
    pub answer: Option<Answer>,
    wish: Wish,
}

impl Read {
    /// Whether the question was one to this inspection, and to this prediction where the answer depends on it.
    pub fn is_of(&self, inspection: &Arc<Inspection>, prediction: Option<&Arc<Prediction>>) -> bool {
        self.wish == Wish::new(inspection, prediction, self.question)
    }
}

/// A question with what it is asked of, which it does not keep: an inspection takes hundreds of megabytes, and when
/// nobody else has it any more, nobody wants the answer.
#[derive(Clone, Debug)]
struct Wish {
    question: Question,
    inspection: Weak<Inspection>,
    /// Only where the answer depends on it.
    prediction: Option<Weak<Prediction>>,
}

impl Wish {
    fn new(inspection: &Arc<Inspection>, prediction: Option<&Arc<Prediction>>, question: Question) -> Self {
        let prediction = prediction.filter(|_| matches!(question, Question::Certainty(_)));
        Self {
            question,
            inspection: Arc::downgrade(inspection),
            prediction: prediction.map(Arc::downgrade),
        }
    }
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        let same_prediction = match (&self.prediction, &other.prediction) {
            (Some(one), Some(other)) => Weak::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_prediction && self.question == other.question && Weak::ptr_eq(&self.inspection, &other.inspection)
    }
}

/// The thread. It ends with this handle, at the latest after the block that it is at.
#[derive(Debug)]
pub struct InsideReader {
    wishes: WishList<Wish, Option<Answer>>,
}

impl InsideReader {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let wishes = WishList::start("segscope attention", MOST_READY, wake, read)?;
        Ok(Self { wishes })
    }

    /// Replaces the whole list of what is wanted, the most wanted first. What is not on it any more is dropped, also
    /// half-way. Without a prediction there is no answer to [`Question::Certainty`].
    pub fn want(&self, inspection: &Arc<Inspection>, prediction: Option<&Arc<Prediction>>, questions: Vec<Question>) {
        let wish = |question| Wish::new(inspection, prediction, question);
        self.wishes.want(questions.into_iter().map(wish).collect());
    }

    /// Wants nothing any more.
    pub fn forget(&self) {
        self.wishes.want(Vec::new());
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<Read> {
        let (wish, answer) = self.wishes.poll()?;
        Some(Read {
            question: wish.question,
            answer,
            wish,
        })
    }
}

/// The answer to a question; `None` when it is not wanted any more.
fn read(wish: &Wish, ticket: &Ticket) -> Option<Option<Answer>> {
    let inspection = wish.inspection.upgrade()?;
    let prediction = match &wish.prediction {
        Some(prediction) => Some(prediction.upgrade()?),
        None => None,
    };
    let question = wish.question;
    let answer = catch_unwind(AssertUnwindSafe(|| {
        answer(&inspection, prediction.as_deref(), question, || ticket.is_wanted())
    }));
    let answer = answer.unwrap_or_else(|_| {
        log::error!(target: "segscope", "attention cannot be read: {question:?}");
        None
    });
    ticket.is_wanted().then_some(answer)
}
