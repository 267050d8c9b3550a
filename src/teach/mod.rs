//! Teaching: a few strokes of each class over a photo become a linear decoder over an encoder's tokens, and the decoder
//! becomes label maps that follow the photo's edges.

mod box_sums;
mod decoder;
mod error;
mod guided;
mod lbfgs;
mod learner;
mod logits;
mod products;
mod ridge;
mod stroke_file;
mod strokes;
mod taught;
#[cfg(test)]
mod tests;
mod tokens;
mod uncertain;

pub use decoder::{ABSENT, LinearDecoder};
pub use error::TeachError;
pub use guided::{EPSILON, Guide, RADIUS};
pub use learner::{BRAKE_DECAY, Brake, DECAY, Learned, Method, Samples, Stop, learn};
pub use logits::{Probabilities, Ranking, TokenLogits};
pub use stroke_file::{MAX_CLASS, MAX_PLACE, MAX_WIDTH, Stroke, StrokeClass, StrokeFile};
pub use strokes::{MAX_SAMPLES, NO_STROKE, SamplePixel, mask, paint, pixels, samples};
pub use taught::{CORRECTION, Lesson, LessonImage, MOST_GUIDED, TaughtLabels, guide_of, label, with_strokes};
pub use tokens::{Standard, Tokens};
pub use uncertain::{Uncertain, largest_uncertain};
