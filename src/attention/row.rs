//! What one token looks at, or who looks at it, in every head of a block.

use rayon::prelude::*;

use super::kept::{Inside, Place, Token};
use super::softmax::{Normalisers, normalise, softmax};

/// Which way attention is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the token looks at: a row of the attention matrix, whose sum is 1.
    #[default]
    From,
    /// Who looks at the token: a column, whose sum is anything up to the number of tokens.
    To,
}

/// A row or a column of attention, of every head of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Values over all tokens of the block's half, a head after the other.
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

    /// The largest over the heads.
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

impl Inside {
    /// Attention of a token in every head of a block; `None` when there is no such block or token.
    pub fn rows(&self, place: Place, token: Token, direction: Direction) -> Option<Rows> {
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
