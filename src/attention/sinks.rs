//! Sinks: patches that most queries attend to, whatever they are.

use rayon::prelude::*;

use super::softmax::{BAND, scores_of, softmax};
use super::trace::{AttentionTrace, LayerId, NetworkPart};

/// Share of the patches that are the strongest ones of a query.
const STRONGEST: f64 = 0.005;

impl AttentionTrace {
    /// Sinks of every block of one part of the network, `[blocks][sinks]`, in ascending order. Calls `keep_going` before
    /// each block; `None` as soon as it returns false.
    ///
    /// A sink is a patch that is among the strongest 0.5 % (at least one) for more than half of all queries, by the mean
    /// over the heads. Transformers use such patches as registers (arXiv 2309.16588), so their attention says nothing
    /// about the image.
    pub fn sinks(&self, part: NetworkPart, keep_going: impl Fn() -> bool) -> Option<Vec<Vec<usize>>> {
        let blocks = 0..self.layers(part).len();
        let of_block = |layer| keep_going().then(|| self.sinks_of_block(LayerId { part, layer }))?;
        blocks.map(of_block).collect()
    }

    fn sinks_of_block(&self, place: LayerId) -> Option<Vec<usize>> {
        let layer = self.layer(place)?;
        let (tokens, width, heads) = (layer.tokens(), layer.queries.width, layer.heads());
        let patches = self.patch_range(place.part);
        let strongest = (self.patches() as f64 * STRONGEST).ceil().max(1.0) as usize;
        let of_heads: Vec<_> = (0..heads)
            .map(|head| (layer.queries.head(head), layer.keys.head(head)))
            .collect();
        let bands: Vec<usize> = (0..tokens).step_by(BAND).collect();
        let counts = bands.into_par_iter().map(|first| {
            let rows = BAND.min(tokens - first);
            let mut sum = vec![0.0f32; rows * tokens];
            let mut scores = vec![0.0f32; rows * tokens];
            for (queries, keys) in &of_heads {
                scores_of(&queries[first * width..][..rows * width], keys, width, &mut scores);
                for (sum, row) in sum.chunks_exact_mut(tokens).zip(scores.chunks_exact_mut(tokens)) {
                    softmax(row);
                    sum.iter_mut().zip(&*row).for_each(|(sum, value)| *sum += value);
                }
            }
            let mut counts = vec![0usize; self.patches()];
            let mut order: Vec<usize> = Vec::new();
            for row in sum.chunks_exact(tokens) {
                let values = &row[patches.clone()];
                order.clear();
                order.extend(0..values.len());
                let by_value = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]);
                order.select_nth_unstable_by(strongest.min(values.len()) - 1, by_value);
                order[..strongest].iter().for_each(|patch| counts[*patch] += 1);
            }
            counts
        });
        let total = counts.reduce(
            || vec![0; self.patches()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
        let is_sink = |patch: &usize| 2 * total[*patch] > tokens;
        Some((0..self.patches()).filter(is_sink).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::TracedLayer;

    /// A trace of 4 x 4 patches and a class token, in which every query is like the key of patch `sink`, if there is one.
    fn trace(sink: Option<usize>) -> AttentionTrace {
        let (tokens, width) = (17, 16);
        let mut queries = vec![0.0; tokens * width];
        let mut keys = vec![0.0; tokens * width];
        for token in 0..tokens {
            let like = sink.unwrap_or(token.saturating_sub(1));
            queries[token * width + like] = 4.0;
            if token > 0 {
                keys[token * width + token - 1] = 4.0;
            }
        }
        let states = keys.clone();
        AttentionTrace {
            grid: [4, 4],
            patch: 16,
            extra: 1,
            classes: 0,
            encoder: vec![TracedLayer::new([1, tokens, width], &queries, &keys, &states)],
            decoder: Vec::new(),
        }
    }

    #[test]
    fn a_patch_that_every_query_attends_to_is_a_sink() {
        let sinks = |trace: AttentionTrace| trace.sinks(NetworkPart::Encoder, || true);
        assert_eq!(sinks(trace(Some(6))), Some(vec![vec![6]]));
        // Each patch attends to itself.
        assert_eq!(sinks(trace(None)), Some(vec![Vec::new()]));
        assert_eq!(trace(Some(6)).sinks(NetworkPart::Encoder, || false), None);
    }
}
