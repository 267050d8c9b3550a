//! Questions to an attention trace, and their answers.

use super::traced::TracedImage;
use super::uncertainty::{Uncertainty, uncertainty_of_patches};
use crate::attention::{Direction, HeadStatistics, LayerId, NetworkPart, Rollout, Rows, Token, uniform_distance};
use crate::segment::Prediction;

/// A question to a [`TracedImage`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TraceQuestion {
    /// Attention of a token in every head of a layer.
    Rows(LayerId, Token, Direction),
    /// Attention of a token in every head of every layer of one part of the network.
    Matrix(NetworkPart, Token, Direction),
    /// Attention rollout of a token over the encoder's tokens.
    Rollout(NetworkPart, Token, Rollout),
    /// Cosine similarity of a token with all others after a layer.
    Similarity(LayerId, Token),
    /// Principal components of the patches after a layer, as colours.
    Colours(LayerId),
    /// Attention distance and entropy of every head.
    Figures(NetworkPart),
    /// Patches of every layer that most queries attend to.
    Sinks(NetworkPart),
    /// A value of the class probabilities in each patch, before argmax.
    Uncertainty(Uncertainty),
}

/// The answer to a [`TraceQuestion`].
#[derive(Clone, Debug)]
pub enum TraceAnswer {
    /// Answers [`TraceQuestion::Rows`].
    Rows(Rows),
    /// Answers [`TraceQuestion::Matrix`]: one entry per layer.
    Matrix(Vec<Rows>),
    /// Answers [`TraceQuestion::Rollout`] and [`TraceQuestion::Similarity`]: one value per token.
    Tokens(Vec<f32>),
    /// Answers [`TraceQuestion::Colours`]: one colour per patch.
    Colours(Vec<[f32; 3]>),
    /// Answers [`TraceQuestion::Figures`], with the distance in pixels of a head that attends to all patches equally.
    Figures(HeadStatistics, f64),
    /// Answers [`TraceQuestion::Sinks`]: one entry per layer.
    Sinks(Vec<Vec<usize>>),
    /// Answers [`TraceQuestion::Uncertainty`]: one value per patch.
    Patches(Vec<f32>),
}

/// Answers a question.
///
/// `None` if there is no such layer, token or prediction, or as soon as `keep_going`, which is called before each layer,
/// returns false.
pub(crate) fn answer(
    traced: &TracedImage,
    prediction: Option<&Prediction>,
    question: TraceQuestion,
    keep_going: impl Fn() -> bool,
) -> Option<TraceAnswer> {
    let trace = &traced.trace;
    match question {
        TraceQuestion::Rows(place, token, direction) => trace.rows(place, token, direction).map(TraceAnswer::Rows),
        TraceQuestion::Matrix(part, token, direction) => {
            let layers = 0..trace.layers(part).len();
            let rows =
                layers.map(|layer| keep_going().then(|| trace.rows(LayerId { part, layer }, token, direction))?);
            rows.collect::<Option<_>>().map(TraceAnswer::Matrix)
        }
        TraceQuestion::Rollout(part, token, rollout) => {
            rollout.of(trace, part, token, keep_going).map(TraceAnswer::Tokens)
        }
        TraceQuestion::Similarity(place, token) => trace.similarity(place, token).map(TraceAnswer::Tokens),
        TraceQuestion::Colours(place) => trace.colours(place).map(TraceAnswer::Colours),
        TraceQuestion::Figures(part) => {
            let statistics = trace.head_statistics(part, keep_going)?;
            Some(TraceAnswer::Figures(
                statistics,
                uniform_distance(trace.grid, trace.patch),
            ))
        }
        TraceQuestion::Sinks(part) => trace.sinks(part, keep_going).map(TraceAnswer::Sinks),
        TraceQuestion::Uncertainty(what) => {
            let patches = uncertainty_of_patches(prediction?, &traced.frame, trace, what);
            Some(TraceAnswer::Patches(patches))
        }
    }
}
