//! Attention from or to one token, in every head of a block.

use rayon::prelude::*;

use super::softmax::{Normalisers, normalise, softmax};
use super::trace::{AttentionTrace, LayerId, Token};

/// The direction in which attention is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the token attends to: a row of the attention matrix, whose sum is 1.
    #[default]
    From,
    /// What attends to the token: a column of the attention matrix, whose sum is at most the number of tokens.
    To,
}

/// A row or column of attention for every head of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Values `[heads, tokens]` over all tokens of the network part.
    pub values: Vec<f32>,
    /// Number of tokens.
    pub tokens: usize,
}

impl Rows {
    /// The values of one head.
    pub fn head(&self, head: usize) -> &[f32] {
        &self.values[head * self.tokens..][..self.tokens]
    }

    /// Number of heads.
    pub fn heads(&self) -> usize {
        self.values.len() / self.tokens.max(1)
    }

    /// Mean over the heads.
    pub fn mean(&self) -> Vec<f32> {
        let share = 1.0 / self.heads() as f32;
        self.fused(|sum, v| sum + v * share)
    }

    /// Maximum over the heads.
    pub fn most(&self) -> Vec<f32> {
        self.fused(f32::max)
    }

    fn fused(&self, with: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let mut out = vec![0.0; self.tokens];
        for head in self.values.chunks_exact(self.tokens) {
            for (out, v) in out.iter_mut().zip(head) {
                *out = with(*out, *v);
            }
        }
        out
    }
}

impl AttentionTrace {
    /// Attention of a token in every head of a block; `None` if there is no such block or token.
    pub fn rows(&self, place: LayerId, token: Token, direction: Direction) -> Option<Rows> {
        let layer = self.layer(place)?;
        let token = self.index(place.part, token)?;
        let heads = (0..layer.heads()).into_par_iter();
        let rows: Vec<Vec<f32>> = match direction {
            Direction::From => heads
                .map(|head| {
                    let mut row = layer.keys.products(head, &layer.queries.vector(head, token));
                    softmax(&mut row);
                    row
                })
                .collect(),
            Direction::To => {
                let normalisers = layer.normalisers.get_or_init(|| Normalisers::of(layer));
                heads
                    .map(|head| {
                        let mut column = layer.queries.products(head, &layer.keys.vector(head, token));
                        normalise(&mut column, normalisers.head(head));
                        column
                    })
                    .collect()
            }
        };
        Some(Rows {
            values: rows.concat(),
            tokens: layer.tokens(),
        })
    }
}
