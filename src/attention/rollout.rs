//! Attention rollout: how much each input token contributes to a token's final state, through all blocks
//! (arXiv 2005.00928).

use rayon::prelude::*;

use super::softmax::{BAND, scores_of, softmax};
use super::trace::{AttentionTrace, NetworkPart, Token, TracedLayer};

/// How the heads of a block are combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fusion {
    /// Mean over the heads.
    #[default]
    Mean,
    /// Maximum over the heads.
    Max,
    /// Minimum over the heads.
    Min,
}

/// Settings of the attention rollout.
///
/// The matrix of a block is its fused attention plus the identity (for the residual connection), divided by its row
/// sums. The rollout is the product of these matrices over the blocks, later ones on the left. Only the requested row
/// of the product is computed, so no matrix over all pairs of tokens is in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rollout {
    /// How the heads are combined.
    pub fusion: Fusion,
    /// Fraction of each row's smallest values that is dropped, 0..1.
    pub discard: f32,
}

impl Rollout {
    /// The row of a token after the last block of `part`, over the encoder's tokens.
    ///
    /// A row of the mask transformer continues through the encoder: its values on class embeddings are dropped, and
    /// those on patches are divided by their sum. `keep_going` is called before each block; the result is `None` as soon as
    /// it returns false, or if there is no such token.
    pub fn of(
        &self,
        trace: &AttentionTrace,
        part: NetworkPart,
        token: Token,
        mut keep_going: impl FnMut() -> bool,
    ) -> Option<Vec<f32>> {
        let mut row = one_at(trace.index(part, token)?, trace.layers(part).first()?.tokens());
        if part == NetworkPart::Decoder {
            row = self.through(&trace.decoder, row, &mut keep_going)?;
            let patches = &row[trace.patch_range(NetworkPart::Decoder)];
            let total: f32 = patches.iter().sum();
            let share = if total > 0.0 { 1.0 / total } else { 0.0 };
            let mut entering = vec![0.0; trace.extra];
            entering.extend(patches.iter().map(|v| v * share));
            row = entering;
        }
        self.through(&trace.encoder, row, &mut keep_going)
    }

    /// The row of the token at position `from`, through the blocks `0..=last` of the encoder.
    pub fn up_to(&self, trace: &AttentionTrace, last: usize, from: usize) -> Option<Vec<f32>> {
        let layers = trace.encoder.get(..=last)?;
        self.through(layers, one_at(from, layers.first()?.tokens()), &mut || true)
    }

    fn through(
        &self,
        layers: &[TracedLayer],
        mut row: Vec<f32>,
        keep_going: &mut impl FnMut() -> bool,
    ) -> Option<Vec<f32>> {
        for layer in layers.iter().rev() {
            if !keep_going() {
                return None;
            }
            row = self.below(layer, &row);
        }
        Some(row)
    }

    /// `row` times the matrix of a block.
    fn below(&self, layer: &TracedLayer, row: &[f32]) -> Vec<f32> {
        let tokens = layer.tokens();
        let heads: Vec<[Vec<f32>; 2]> = (0..layer.heads())
            .into_par_iter()
            .map(|head| [layer.queries.head(head), layer.keys.head(head)])
            .collect();
        let bands = row.par_chunks(BAND).enumerate().map(|(band, weights)| {
            let mut sum = vec![0.0; tokens];
            // The row of a single token, with which a rollout starts, has only one non-zero value.
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

    /// Fused attention `[rows, tokens]` of some rows.
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

/// Sets the fraction `share` of a row's values to zero, smallest first.
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
    fn smallest_values_are_dropped() {
        let mut row = [0.3, 0.1, 0.2, 0.4];
        drop_smallest(&mut row, 0.5);
        assert_eq!(row, [0.3, 0.0, 0.0, 0.4]);
        drop_smallest(&mut row, 0.0);
        assert_eq!(row, [0.3, 0.0, 0.0, 0.4]);
    }
}
