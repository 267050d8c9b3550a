//! Attention rollout: what a token's final state is made of, through all blocks below it (arXiv 2005.00928).

use rayon::prelude::*;

use super::kept::{Inside, Layer, Part, Token};
use super::softmax::{BAND, scores_of, softmax};

/// How the heads of a block become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fusion {
    /// Their mean.
    #[default]
    Mean,
    /// The largest of them.
    Max,
    /// The smallest of them.
    Min,
}

/// How attention is rolled out.
///
/// Per block, the fused attention plus the identity, for what passes the block by, divided by its row sums; the product
/// of these matrices over the blocks, later ones on the left. Only the wanted row of the product is ever made, so no
/// matrix of all tokens is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rollout {
    /// How heads become one.
    pub fusion: Fusion,
    /// Share of each row's smallest values that is dropped, 0..1.
    pub discard: f32,
}

impl Rollout {
    /// The row of a token after the last block of `part`, over the encoder's tokens.
    ///
    /// From the mask transformer it goes on through the encoder: what lies on patches goes on, what lies on classes is
    /// dropped and the rest divided by what is left. `go_on` is asked before each block; `None` when it says no or there
    /// is no such token.
    pub fn of(&self, inside: &Inside, part: Part, token: Token, mut go_on: impl FnMut() -> bool) -> Option<Vec<f32>> {
        let mut row = one_at(inside.index(part, token)?, inside.layers(part).first()?.tokens());
        if part == Part::Decoder {
            row = self.through(&inside.decoder, row, &mut go_on)?;
            let patches = &row[inside.patch_range(Part::Decoder)];
            let total: f32 = patches.iter().sum();
            let share = if total > 0.0 { 1.0 / total } else { 0.0 };
            let mut entering = vec![0.0; inside.extra];
            entering.extend(patches.iter().map(|v| v * share));
            row = entering;
        }
        self.through(&inside.encoder, row, &mut go_on)
    }

    /// The row of token `from` through the blocks `0..=last` of the encoder.
    pub fn up_to(&self, inside: &Inside, last: usize, from: usize) -> Option<Vec<f32>> {
        let layers = inside.encoder.get(..=last)?;
        self.through(layers, one_at(from, layers.first()?.tokens()), &mut || true)
    }

    fn through(&self, layers: &[Layer], mut row: Vec<f32>, go_on: &mut impl FnMut() -> bool) -> Option<Vec<f32>> {
        for layer in layers.iter().rev() {
            if !go_on() {
                return None;
            }
            row = self.below(layer, &row);
        }
        Some(row)
    }

    /// `row` times the matrix of a block.
    fn below(&self, layer: &Layer, row: &[f32]) -> Vec<f32> {
        let tokens = layer.tokens();
        let heads: Vec<[Vec<f32>; 2]> = (0..layer.heads())
            .into_par_iter()
            .map(|head| [layer.queries.head(head), layer.keys.head(head)])
            .collect();
        let bands = row.par_chunks(BAND).enumerate().map(|(band, weights)| {
            let mut sum = vec![0.0; tokens];
            // Most often the first row of all has one value.
            if weights.iter().all(|w| *w == 0.0) {
                return sum;
            }
            let first = band * BAND;
            let mut fused = self.fused(&heads, layer.queries.width, first, weights.len(), tokens);
            for ((i, weight), fused) in weights.iter().enumerate().zip(fused.chunks_exact_mut(tokens)) {
                drop_smallest(fused, self.discard);
                fused[first + i] += 1.0;
                let share = weight / fused.iter().sum::<f32>();
                for (sum, v) in sum.iter_mut().zip(fused.iter()) {
                    *sum += share * v;
                }
            }
            sum
        });
        bands.reduce(
            || vec![0.0; tokens],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )
    }

    /// Fused attention of some rows, `[rows, tokens]`.
    fn fused(&self, heads: &[[Vec<f32>; 2]], width: usize, first: usize, rows: usize, tokens: usize) -> Vec<f32> {
        let share = 1.0 / heads.len() as f32;
        let mut scores = vec![0.0; rows * tokens];
        let start = match self.fusion {
            Fusion::Mean | Fusion::Max => 0.0,
            Fusion::Min => f32::INFINITY,
        };
        let mut fused = vec![start; rows * tokens];
        for [queries, keys] in heads {
            scores_of(&queries[first * width..][..rows * width], keys, width, &mut scores);
            for row in scores.chunks_exact_mut(tokens) {
                softmax(row);
            }
            for (fused, a) in fused.iter_mut().zip(&scores) {
                *fused = match self.fusion {
                    Fusion::Mean => *fused + a * share,
                    Fusion::Max => fused.max(*a),
                    Fusion::Min => fused.min(*a),
                };
            }
        }
        fused
    }
}

fn one_at(index: usize, tokens: usize) -> Vec<f32> {
    let mut row = vec![0.0; tokens];
    row[index] = 1.0;
    row
}

/// Sets the smallest values of a row to zero, up to a share of them.
fn drop_smallest(row: &mut [f32], share: f32) {
    let count = (row.len() as f32 * share.clamp(0.0, 1.0)) as usize;
    if count == 0 || count >= row.len() {
        return;
    }
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.select_nth_unstable_by(count - 1, |a, b| row[*a].total_cmp(&row[*b]));
    for i in &order[..count] {
        row[*i] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::drop_smallest;

    #[test]
    fn the_smallest_are_dropped() {
        let mut row = [0.3, 0.1, 0.2, 0.4];
        drop_smallest(&mut row, 0.5);
        assert_eq!(row, [0.3, 0.0, 0.0, 0.4]);
        drop_smallest(&mut row, 0.0);
        assert_eq!(row, [0.3, 0.0, 0.0, 0.4]);
    }
}
