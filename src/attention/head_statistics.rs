//! Statistics of every head: attention distance and entropy.

use rayon::prelude::*;

use super::softmax::{for_each_band, softmax};
use super::trace::{AttentionTrace, NetworkPart};

/// Statistics of all heads of one part of a network, `[blocks][heads]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadStatistics {
    /// Mean attention distance in pixels of the network's input image (arXiv 2010.11929, section 4.5).
    ///
    /// For each patch, the mean distance of all patches weighted by its attention, which is restricted to patches and
    /// divided by its sum; then the mean over all patches.
    pub distance: Vec<Vec<f64>>,
    /// Mean entropy of the rows of all tokens, divided by the largest possible one: 1 if a head attends to all tokens
    /// equally.
    pub entropy: Vec<Vec<f64>>,
}

impl AttentionTrace {
    /// Attention distance in pixels and entropy of each head of one block; `None` if there is no such block.
    pub fn head_figures(&self, part: NetworkPart, layer: usize) -> Option<Vec<[f64; 2]>> {
        let kept = self.layers(part).get(layer)?;
        let patches = self.patch_range(part);
        let distances = Distances::new(self.grid, self.patch);
        let tokens = kept.tokens();
        let most_entropy = (tokens.max(2) as f64).ln();
        let figures = (0..kept.heads()).into_par_iter().map(|head| {
            let (mut distance, mut entropy) = (0.0, 0.0);
            for_each_band(kept, head, |first, scores| {
                for (i, row) in scores.chunks_exact_mut(tokens).enumerate() {
                    let raw = row.to_vec();
                    let normaliser = softmax(row);
                    // The logarithm of an attention value is its score minus the normaliser.
                    let expected: f64 = row.iter().zip(&raw).map(|(a, s)| f64::from(a * s)).sum();
                    entropy += f64::from(normaliser) - expected;
                    let token = first + i;
                    if patches.contains(&token) {
                        distance += distances.mean(token - patches.start, &row[patches.clone()]);
                    }
                }
            });
            [
                distance / self.patches() as f64,
                (entropy / tokens as f64 / most_entropy).max(0.0),
            ]
        });
        Some(figures.collect())
    }

    /// Statistics of all heads of one part of the network. Calls `keep_going` before each block; `None` as soon as it
    /// returns false.
    pub fn head_statistics(&self, part: NetworkPart, keep_going: impl Fn() -> bool) -> Option<HeadStatistics> {
        let mut statistics = HeadStatistics::default();
        for layer in 0..self.layers(part).len() {
            if !keep_going() {
                return None;
            }
            let figures = self.head_figures(part, layer)?;
            statistics.distance.push(figures.iter().map(|f| f[0]).collect());
            statistics.entropy.push(figures.iter().map(|f| f[1]).collect());
        }
        Some(statistics)
    }
}

/// Mean head statistics over several images.
#[derive(Clone, Debug, Default)]
pub struct HeadMeans {
    sum: HeadStatistics,
    count: usize,
}

impl HeadMeans {
    /// Adds the statistics of an image; all images must be run by the same network.
    pub fn add(&mut self, figures: &HeadStatistics) {
        let add = |sums: &mut Vec<Vec<f64>>, values: &[Vec<f64>]| {
            sums.resize_with(sums.len().max(values.len()), Vec::new);
            for (sums, values) in sums.iter_mut().zip(values) {
                sums.resize(sums.len().max(values.len()), 0.0);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
            }
        };
        add(&mut self.sum.distance, &figures.distance);
        add(&mut self.sum.entropy, &figures.entropy);
        self.count += 1;
    }

    /// Number of images added so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean over all added images; empty before the first.
    pub fn mean(&self) -> HeadStatistics {
        let divided = |sums: &[Vec<f64>]| {
            let blocks = sums.iter();
            blocks
                .map(|heads| heads.iter().map(|sum| sum / self.count as f64).collect())
                .collect()
        };
        HeadStatistics {
            distance: divided(&self.sum.distance),
            entropy: divided(&self.sum.entropy),
        }
    }
}

/// Attention distance in pixels of a head that attends to all patches equally.
pub fn uniform_distance(grid: [usize; 2], patch: usize) -> f64 {
    let patches = grid[0] * grid[1];
    let distances = Distances::new(grid, patch);
    let alike = vec![1.0; patches];
    let sum: f64 = (0..patches).map(|i| distances.mean(i, &alike)).sum();
    sum / patches as f64
}

/// Distances between patches in pixels.
struct Distances {
    rows: usize,
    columns: usize,
    /// Distances by `[rows apart, columns apart + columns - 1]`: for any query, one slice covers a row of patches.
    table: Vec<f32>,
}

impl Distances {
    fn new([rows, columns]: [usize; 2], patch: usize) -> Self {
        let across = (2 * columns).saturating_sub(1);
        let table = (0..rows * across).map(|i| {
            let (down, right) = ((i / across) as f64, (i % across) as f64 - (columns as f64 - 1.0));
            (patch as f64 * down.hypot(right)) as f32
        });
        Self {
            rows,
            columns,
            table: table.collect(),
        }
    }

    /// Mean distance of all patches from patch `from`, weighted by `weights`, one per patch.
    fn mean(&self, from: usize, weights: &[f32]) -> f64 {
        let (row, column) = (from / self.columns, from % self.columns);
        let (mut sum, mut total) = (0.0, 0.0);
        for y in 0..self.rows {
            let start = row.abs_diff(y) * (2 * self.columns - 1) + self.columns - 1 - column;
            let distances = &self.table[start..][..self.columns];
            let weights = &weights[y * self.columns..][..self.columns];
            sum += f64::from(weights.iter().zip(distances).map(|(w, d)| w * d).sum::<f32>());
            total += f64::from(weights.iter().sum::<f32>());
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}
