//! Softmax attention over packed keys and values.
//!
//! The scores of some queries against all keys stay in the second-level cache; there is no matrix of all scores.

use rayon::prelude::*;

use super::tile_operations::{exponentials, raise_maxima, scale_rows, write_to_rows};
use crate::numeric::{
    Aligned, Arithmetic, Format, HALF, Kernels, Panels, RowLayout, TILE_COLUMNS, TILE_ROWS, Tile, TilePlace,
};

/// Tiles of queries whose scores are kept at a time: keys and values are read once for them.
const TILES: usize = 4;

/// Row sums of exponentials without a maximum taken off are precise within this range, and their products with values of
/// up to 1e8 do not overflow.
const SUMS: std::ops::Range<f32> = 1e-27..1e30;

/// Sizes of an attention, and how its products are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttentionShape {
    pub(super) heads: usize,
    /// Width of a token.
    pub(super) dim: usize,
    /// [`Arithmetic::F32`] or [`Arithmetic::Bf16`].
    pub(super) arithmetic: Arithmetic,
    pub(super) kernels: Kernels,
}

impl AttentionShape {
    /// Width of a head.
    pub(super) fn head(&self) -> usize {
        self.dim / self.heads
    }

    fn format(&self) -> Format {
        self.arithmetic.rows()
    }

    /// Layout of rows of queries, keys and values, `[3, heads, head width]`.
    pub(super) fn layout(&self) -> RowLayout {
        RowLayout::of(self.format(), 3 * self.dim)
    }
}

/// Keys and values of all heads in the order in which the kernels read them.
pub(super) struct KeysAndValues {
    shape: AttentionShape,
    tokens: usize,
    /// Per head: panels of 32 keys, `[units of the head's width][32 keys]`.
    keys: Aligned,
    /// Per head: panels of 32 dimensions, `[units of the tokens][32 dimensions]`.
    values: Aligned,
}

impl KeysAndValues {
    /// Memory for `tokens` tokens.
    pub(super) fn new(shape: AttentionShape, tokens: usize) -> Self {
        let mut packed = Self {
            shape,
            tokens,
            keys: Aligned::default(),
            values: Aligned::default(),
        };
        packed.keys = Aligned::new(shape.heads * packed.keys_of_head());
        packed.values = Aligned::new(shape.heads * packed.values_of_head());
        packed
    }

    fn key_depth(&self) -> usize {
        self.shape.format().units(self.shape.head())
    }

    fn value_depth(&self) -> usize {
        self.shape.format().units(self.tokens)
    }

    fn keys_of_head(&self) -> usize {
        self.tokens.next_multiple_of(TILE_COLUMNS) * self.key_depth()
    }

    fn values_of_head(&self) -> usize {
        self.shape.head().next_multiple_of(TILE_COLUMNS) * self.value_depth()
    }

    /// Packs the keys and values of rows in the layout of [`AttentionShape::layout`].
    pub(super) fn pack(&mut self, qkv: &[u32]) {
        let (shape, stride) = (self.shape, self.shape.layout().stride);
        let (key_depth, value_depth) = (self.key_depth(), self.value_depth());
        let (keys_of_head, values_of_head) = (self.keys_of_head(), self.values_of_head());
        let units = |values: usize| shape.format().units(values);
        let rows = |from: usize| {
            let rows = qkv.chunks(stride).take(self.tokens);
            rows.map(move |row| &row[from..from + key_depth])
        };
        let keys = self.keys.units_mut().par_chunks_mut(keys_of_head);
        let values = self.values.units_mut().par_chunks_mut(values_of_head);
        keys.zip(values).enumerate().for_each(|(head, (keys, values))| {
            let at = units(head * shape.head());
            for (i, row) in rows(units(shape.dim) + at).enumerate() {
                let half = &mut keys[i / HALF * HALF * key_depth..][..HALF * key_depth];
                for (unit, to) in row.iter().zip(half.iter_mut().skip(i % HALF).step_by(HALF)) {
                    *to = *unit;
                }
            }
            match shape.format() {
                Format::F32 => pack_values(rows(2 * units(shape.dim) + at), value_depth, values),
                Format::Bf16 => pack_pairs_of_values(rows(2 * units(shape.dim) + at), value_depth, values),
                Format::Int8 => unreachable!("attention multiplies f32 or bf16"),
            }
        });
    }

    /// Attention of `count` rows of queries, multiplied by `log2 e / sqrt(head width)`, at the start of rows in the
    /// layout of [`AttentionShape::layout`]; `context` receives `[count, heads, head width]` in the layout `into`.
    pub(super) fn attend(
        &self,
        queries: &[u32],
        count: usize,
        scores: &mut Scores,
        context: &mut [u32],
        into: RowLayout,
    ) {
        let (shape, stride) = (self.shape, self.shape.layout().stride);
        for head in 0..shape.heads {
            let at = shape.format().units(head * shape.head());
            for row in (0..count).step_by(TILES * TILE_ROWS) {
                let rows = (TILES * TILE_ROWS).min(count - row);
                self.score(head, &queries[row * stride + at..], rows, scores);
                self.average(head, rows, scores, |place, tile| {
                    let place = TilePlace {
                        row: row + place.row,
                        column: head * shape.head() + place.column,
                        ..place
                    };
                    write_to_rows(tile, place, into.format, context, into.stride);
                });
            }
        }
    }

    /// Writes `2^score` of `rows` queries against every key of `head`, and their sums.
    fn score(&self, head: usize, queries: &[u32], rows: usize, scores: &mut Scores) {
        scores.shift = [[0.0; TILE_ROWS]; TILES];
        self.score_shifted(head, queries, rows, scores);
        // Written so that NaN takes the second way too, which lets it through.
        if !scores.sums().take(rows).all(|sum| SUMS.contains(&sum)) {
            self.find_maxima(head, queries, rows, scores);
            self.score_shifted(head, queries, rows, scores);
        }
    }

    fn score_shifted(&self, head: usize, queries: &[u32], rows: usize, scores: &mut Scores) {
        scores.sums = [[[0.0; TILE_COLUMNS]; TILE_ROWS]; TILES];
        let layout = scores.layout;
        self.for_each_score_tile(head, queries, rows, |place, tile| {
            let i = place.row / TILE_ROWS;
            exponentials(tile, place.columns, &scores.shift[i], &mut scores.sums[i]);
            let padded = TilePlace {
                columns: TILE_COLUMNS,
                ..place
            };
            write_to_rows(tile, padded, layout.format, scores.memory.units_mut(), layout.stride);
        });
    }

    fn find_maxima(&self, head: usize, queries: &[u32], rows: usize, scores: &mut Scores) {
        let mut maxima = [[[f32::NEG_INFINITY; TILE_COLUMNS]; TILE_ROWS]; TILES];
        self.for_each_score_tile(head, queries, rows, |place, tile| {
            raise_maxima(tile, place.columns, &mut maxima[place.row / TILE_ROWS]);
        });
        scores.shift = maxima.map(|tile| tile.map(|row| row.into_iter().fold(f32::NEG_INFINITY, f32::max)));
    }

    fn for_each_score_tile(&self, head: usize, queries: &[u32], rows: usize, work: impl FnMut(TilePlace, &mut Tile)) {
        let keys = &self.keys.units()[head * self.keys_of_head()..][..self.keys_of_head()];
        let panels = self.panels(keys, self.key_depth(), self.tokens);
        panels.multiply(queries, self.shape.layout().stride, rows, work);
    }

    /// The mean of the values of `head` for each of `rows` queries, weighted by their scores.
    fn average(&self, head: usize, rows: usize, scores: &Scores, mut work: impl FnMut(TilePlace, &Tile)) {
        let mut factors = [[0.0; TILE_ROWS]; TILES];
        for (factor, sum) in factors.as_flattened_mut().iter_mut().zip(scores.sums()) {
            *factor = 1.0 / sum;
        }
        let values = &self.values.units()[head * self.values_of_head()..][..self.values_of_head()];
        let panels = self.panels(values, self.value_depth(), self.shape.head());
        panels.multiply(scores.memory.units(), scores.layout.stride, rows, |place, tile| {
            scale_rows(tile, &factors[place.row / TILE_ROWS]);
            work(place, tile);
        });
    }

    fn panels<'a>(&self, units: &'a [u32], depth: usize, columns: usize) -> Panels<'a> {
        Panels {
            kernels: self.shape.kernels,
            arithmetic: self.shape.arithmetic,
            units,
            depth,
            columns,
            scales: None,
        }
    }
}

/// Values of f32 rows to panels `[tokens][32 dimensions]`.
fn pack_values<'a>(rows: impl Iterator<Item = &'a [u32]>, depth: usize, values: &mut [u32]) {
    for (i, row) in rows.enumerate() {
        for (half, units) in values.chunks_exact_mut(HALF * depth).zip(row.chunks(HALF)) {
            half[i * HALF..][..units.len()].copy_from_slice(units);
        }
    }
}

/// Values of rows of bf16 to panels `[pairs of tokens][32 dimensions]`.
fn pack_pairs_of_values<'a>(mut rows: impl Iterator<Item = &'a [u32]>, depth: usize, values: &mut [u32]) {
    const UNITS: usize = HALF / 2;
    for i in 0..depth {
        let Some(first) = rows.next() else { return };
        let second = rows.next();
        for (h, half) in values.chunks_exact_mut(HALF * depth).enumerate() {
            let (to, _) = half[i * HALF..][..HALF].as_chunks_mut::<2>();
            for (u, [low, high]) in to.iter_mut().enumerate() {
                let unit = |row: &[u32]| row.get(h * UNITS + u).copied().unwrap_or(0);
                let (a, b) = (unit(first), second.map_or(0, unit));
                *low = (a & 0xffff) | b << 16;
                *high = a >> 16 | (b & 0xffff_0000);
            }
        }
    }
}

/// Scratch memory for the scores of some queries.
pub(super) struct Scores {
    layout: RowLayout,
    memory: Aligned,
    /// What is taken off the scores of each row.
    shift: [[f32; TILE_ROWS]; TILES],
    /// Sums of the exponentials of each row, by column of a tile.
    sums: [Tile; TILES],
}

impl Scores {
    pub(super) fn new(shape: &AttentionShape, tokens: usize) -> Self {
        let layout = RowLayout::of(shape.format(), tokens.next_multiple_of(TILE_COLUMNS));
        Self {
            layout,
            memory: layout.memory(TILES * TILE_ROWS),
            shift: [[0.0; TILE_ROWS]; TILES],
            sums: [[[0.0; TILE_COLUMNS]; TILE_ROWS]; TILES],
        }
    }

    /// The sum of each row.
    fn sums(&self) -> impl Iterator<Item = f32> {
        self.sums.iter().flatten().map(|row| row.iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error relative to the largest value of the output, against the definition in f64.
    fn error(arithmetic: Arithmetic, kernels: Kernels, [tokens, heads, head]: [usize; 3], size: f32) -> f64 {
        let dim = heads * head;
        let shape = AttentionShape {
            heads,
            dim,
            arithmetic,
            kernels,
        };
        let mut random = fastrand::Rng::with_seed(3);
        let layout = shape.layout();
        let mut qkv = layout.memory(tokens);
        for row in qkv.units_mut().chunks_mut(layout.stride) {
            let values: Vec<f32> = (0..3 * dim).map(|_| (random.f32() * 2.0 - 1.0) * size).collect();
            layout.write(row, 0, &values);
        }
        let kept = |token: usize, i: usize| {
            let row = &qkv.units()[token * layout.stride..];
            f64::from(layout.widened(row, &mut vec![0.0; 3 * dim])[i])
        };
        let mut packed = KeysAndValues::new(shape, tokens);
        packed.pack(qkv.units());
        let into = RowLayout::of(Format::F32, dim);
        let mut context = into.memory(tokens);
        let mut scores = Scores::new(&shape, tokens);
        packed.attend(qkv.units(), tokens, &mut scores, context.units_mut(), into);
        let (mut largest, mut difference) = (0.0f64, 0.0f64);
        for h in 0..heads {
            for q in 0..tokens {
                let score = |k: usize| -> f64 {
                    (0..head)
                        .map(|d| kept(q, h * head + d) * kept(k, dim + h * head + d))
                        .sum()
                };
                let scores: Vec<f64> = (0..tokens).map(score).collect();
                let max = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - max).exp2()).collect();
                let sum: f64 = weights.iter().sum();
                for d in 0..head {
                    let terms = weights.iter().enumerate();
                    let expected: f64 = terms.map(|(k, w)| w / sum * kept(k, 2 * dim + h * head + d)).sum();
                    let found = f64::from(f32::from_bits(context.units()[q * into.stride + h * head + d]));
                    assert!(found.is_finite());
                    largest = largest.max(expected.abs());
                    difference = difference.max((found - expected).abs());
                }
            }
        }
        difference / largest
    }

    const SIZES: [[usize; 3]; 5] = [[1, 1, 2], [70, 2, 8], [33, 3, 20], [101, 2, 64], [64, 1, 34]];

    #[test]
    fn agrees_with_the_definition() {
        for kernels in Kernels::all() {
            for sizes in SIZES {
                let f32 = error(Arithmetic::F32, kernels, sizes, 1.0);
                assert!(f32 < 2e-6, "{kernels:?} {sizes:?}: {f32}");
                let bf16 = error(Arithmetic::Bf16, kernels, sizes, 1.0);
                assert!(bf16 < 1e-2, "{kernels:?} {sizes:?}: {bf16}");
            }
        }
    }

    #[test]
    fn large_scores_take_the_second_way() {
        for kernels in Kernels::all() {
            // Scores of some hundreds to thousands: their exponentials overflow without a maximum taken off.
            let f32 = error(Arithmetic::F32, kernels, [101, 2, 64], 30.0);
            assert!(f32 < 1e-2, "{kernels:?}: {f32}");
            let f32 = error(Arithmetic::F32, kernels, [101, 2, 64], 6.0);
            assert!(f32 < 1e-4, "{kernels:?}: {f32}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        let shape = AttentionShape {
            heads: 1,
            dim: 4,
            arithmetic: Arithmetic::F32,
            kernels: Kernels::best(),
        };
        let layout = shape.layout();
        let mut qkv = layout.memory(2);
        layout.write(qkv.units_mut(), 0, &[f32::NAN, 1.0, 1.0, 1.0]);
        let mut packed = KeysAndValues::new(shape, 2);
        packed.pack(qkv.units());
        let into = RowLayout::of(Format::F32, 4);
        let mut context = into.memory(2);
        packed.attend(qkv.units(), 2, &mut Scores::new(&shape, 2), context.units_mut(), into);
        let found = |row: usize| f32::from_bits(context.units()[row * into.stride]);
        assert!(found(0).is_nan() && found(1) == 0.0);
    }
}
