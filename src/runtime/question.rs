//! What can be asked of an inspection, and the answers.

use super::certainty::{Certainty, certainty_of_patches};
use super::inspection::Inspection;
use crate::attention::{Direction, HeadStatistics, Part, Place, Rollout, Rows, Token, uniform_distance};
use crate::segment::Prediction;

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

/// The answer to a question; `None` when there is no such block, token or prediction, or as soon as `go_on`, which is
/// asked before each block, says no.
pub(crate) fn answer(
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
            let patches = certainty_of_patches(prediction?, &inspection.frame, inside, what);
            Some(Answer::Patches(patches))
        }
    }
}
