//! Computes attention from a trace on a separate thread: an answer takes between a millisecond and a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use super::request_list::RequestList;
use super::ticket::Ticket;
use super::wake::Wake;
use crate::runtime::{TraceAnswer, TraceQuestion, TracedImage, answer};
use crate::segment::Prediction;

/// Maximum number of answers that wait for the window; the thread pauses at this number.
const MAX_READY: usize = 16;

/// An answer with its question.
#[derive(Clone, Debug)]
pub struct TraceReading {
    /// The question.
    pub question: TraceQuestion,
    /// The answer; `None` if there is no such layer or token.
    pub answer: Option<TraceAnswer>,
    key: QuestionKey,
}

impl TraceReading {
    /// Whether the question was about this trace, and about this prediction if the answer depends on one.
    pub fn is_of(&self, traced: &Arc<TracedImage>, prediction: Option<&Arc<Prediction>>) -> bool {
        self.key == QuestionKey::new(traced, prediction, self.question)
    }
}

/// A question with weak references to its trace and prediction.
///
/// A trace takes hundreds of megabytes; once all other owners have dropped it, the answer is not needed.
#[derive(Clone, Debug)]
struct QuestionKey {
    question: TraceQuestion,
    traced: Weak<TracedImage>,
    /// Set only if the answer depends on it.
    prediction: Option<Weak<Prediction>>,
}

impl QuestionKey {
    fn new(traced: &Arc<TracedImage>, prediction: Option<&Arc<Prediction>>, question: TraceQuestion) -> Self {
        let prediction = prediction.filter(|_| matches!(question, TraceQuestion::Uncertainty(_)));
        Self {
            question,
            traced: Arc::downgrade(traced),
            prediction: prediction.map(Arc::downgrade),
        }
    }
}

impl PartialEq for QuestionKey {
    fn eq(&self, other: &Self) -> bool {
        let same_prediction = match (&self.prediction, &other.prediction) {
            (Some(one), Some(other)) => Weak::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_prediction && self.question == other.question && Weak::ptr_eq(&self.traced, &other.traced)
    }
}

/// Handle of the thread. When it is dropped, the thread ends after the current layer at the latest.
#[derive(Debug)]
pub struct TraceReader {
    requests: RequestList<QuestionKey, Option<TraceAnswer>>,
}

impl TraceReader {
    /// Starts the thread. `wake` is called after each answer.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let requests = RequestList::start("segscope attention", MAX_READY, wake, read)?;
        Ok(Self { requests })
    }

    /// Replaces the list of questions; the most important comes first.
    ///
    /// Questions that are no longer on the list are dropped, even while they are being answered. Without a prediction,
    /// [`TraceQuestion::Uncertainty`] has no answer.
    pub fn want(&self, traced: &Arc<TracedImage>, prediction: Option<&Arc<Prediction>>, questions: Vec<TraceQuestion>) {
        let key = |question| QuestionKey::new(traced, prediction, question);
        self.requests.want(questions.into_iter().map(key).collect());
    }

    /// Drops all questions.
    pub fn forget(&self) {
        self.requests.want(Vec::new());
    }

    /// The next answer, if there is one.
    pub fn poll(&self) -> Option<TraceReading> {
        let (key, answer) = self.requests.poll()?;
        Some(TraceReading {
            question: key.question,
            answer,
            key,
        })
    }
}

/// Answers a question; `None` if the answer is no longer wanted.
fn read(key: &QuestionKey, ticket: &Ticket) -> Option<Option<TraceAnswer>> {
    let traced = key.traced.upgrade()?;
    let prediction = match &key.prediction {
        Some(prediction) => Some(prediction.upgrade()?),
        None => None,
    };
    let question = key.question;
    let answer = catch_unwind(AssertUnwindSafe(|| {
        answer(&traced, prediction.as_deref(), question, || ticket.is_wanted())
    }));
    let answer = answer.unwrap_or_else(|_| {
        log::error!(target: "segscope", "cannot compute attention: {question:?}");
        None
    });
    ticket.is_wanted().then_some(answer)
}
