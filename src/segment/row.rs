//! One output row of a [`WindowLogits`], interpolated vertically but not yet horizontally.

use std::ops::Range;

use multiversion::multiversion;

use super::window_logits::WindowLogits;
use crate::numeric::Interpolation;

/// Logits along one row, at the resolution of the logits (or of the pass's image, if the output has another size).
struct LogitRow {
    /// `[samples, classes]`.
    values: Vec<f32>,
    /// The same as `[classes, samples]`, where samples are dense; see [`turn`].
    turned: Vec<f32>,
    /// Output column at which this row starts.
    offset: usize,
}

/// A range of columns that the same logit rows cover.
struct Span {
    columns: Range<usize>,
    layers: Vec<usize>,
}

/// Interpolates logits for the rows of an output, one row at a time.
pub(super) struct RowSampler<'a> {
    field: &'a WindowLogits,
    width: usize,
    height: usize,
    /// Horizontal interpolation of each column within its logit row.
    across: Vec<Interpolation>,
    layers: Vec<LogitRow>,
    spans: Vec<Span>,
    /// Columns per sample, if there are 2 or 4.
    dense: Option<Dense>,
    /// Two merged rows of the pass's image, by row number; only if the output has another size.
    merged: Option<Merged<'a>>,
}

struct Merged<'a> {
    sampler: Box<RowSampler<'a>>,
    rows: [(Option<usize>, Vec<f32>); 2],
}

impl<'a> RowSampler<'a> {
    pub(super) fn new(field: &'a WindowLogits, [width, height]: [usize; 2]) -> Self {
        let merged = (field.size != [width, height]).then(|| Merged {
            sampler: Box::new(Self::new(field, field.size)),
            rows: [(None, Vec::new()), (None, Vec::new())],
        });
        let across = match merged {
            Some(_) => (0..width)
                .map(|x| Interpolation::half_pixel(x, field.size[0], width))
                .collect(),
            None => (0..field.window[0]).map(|x| field.between(x, 0)).collect(),
        };
        let dense = match merged {
            Some(_) => None,
            None => Dense::of(field.stretch[0], field.grid[0]),
        };
        Self {
            field,
            width,
            height,
            across,
            layers: Vec::new(),
            spans: Vec::new(),
            dense,
            merged,
        }
    }

    /// Moves to row `y`.
    pub(super) fn seek(&mut self, y: usize) {
        if self.merged.is_some() {
            self.seek_resized(y);
        } else {
            self.seek_windows(y);
        }
    }

    fn seek_resized(&mut self, y: usize) {
        let Some(merged) = &mut self.merged else { return };
        let down = Interpolation::half_pixel(y, self.field.size[1], self.height);
        for row in [down.low, down.high] {
            if merged.rows.iter().any(|(have, _)| *have == Some(row)) {
                continue;
            }
            // Rows are requested in order, so the older of the two is replaced.
            let older = usize::from(merged.rows[1].0 < merged.rows[0].0);
            merged.rows[older].0 = Some(row);
            let values = &mut merged.rows[older].1;
            values.resize(self.field.size[0] * self.field.classes, 0.0);
            merged.sampler.seek(row);
            for (x, out) in values.chunks_exact_mut(self.field.classes).enumerate() {
                merged.sampler.values(x, out);
            }
        }
        let find = |row| {
            merged
                .rows
                .iter()
                .find(|(have, _)| *have == Some(row))
                .map_or(&[][..], |(_, v)| v)
        };
        if self.layers.is_empty() {
            self.layers.push(LogitRow {
                values: vec![0.0; find(down.low).len()],
                turned: Vec::new(),
                offset: 0,
            });
            self.spans = vec![Span {
                columns: 0..self.width,
                layers: vec![0],
            }];
        }
        mix(find(down.low), find(down.high), down.weight, &mut self.layers[0].values);
    }

    fn seek_windows(&mut self, y: usize) {
        let field = self.field;
        let row_values = field.grid[0] * field.classes;
        let mut used = 0;
        for (r, top) in field.rows.iter().enumerate() {
            if !(*top..*top + field.window[1]).contains(&y) {
                continue;
            }
            let down = field.between(y - top, 1);
            for (c, left) in field.columns.iter().enumerate() {
                if used == self.layers.len() {
                    let turned = match self.dense {
                        Some(_) => vec![0.0; field.classes * (field.grid[0] + 2)],
                        None => Vec::new(),
                    };
                    self.layers.push(LogitRow {
                        values: vec![0.0; row_values],
                        turned,
                        offset: 0,
                    });
                }
                let window = &field.windows[r * field.columns.len() + c];
                let line = |row: usize| &window[row * row_values..(row + 1) * row_values];
                self.layers[used].offset = *left;
                mix(
                    line(down.low),
                    line(down.high),
                    down.weight,
                    &mut self.layers[used].values,
                );
                if self.dense.is_some() {
                    let LogitRow { values, turned, .. } = &mut self.layers[used];
                    turn(values, field.classes, turned);
                }
                used += 1;
            }
        }
        self.layers.truncate(used);
        let mut edges: Vec<usize> = self
            .layers
            .iter()
            .flat_map(|l| [l.offset, l.offset + field.window[0]])
            .collect();
        edges.sort_unstable();
        edges.dedup();
        let covers = |layer: &LogitRow, x: usize| (layer.offset..layer.offset + field.window[0]).contains(&x);
        self.spans = edges
            .windows(2)
            .map(|edge| Span {
                columns: edge[0]..edge[1],
                layers: (0..used).filter(|l| covers(&self.layers[*l], edge[0])).collect(),
            })
            .collect();
    }

    /// Logits at column `x` of the current row.
    pub(super) fn values(&self, x: usize, out: &mut [f32]) {
        let Some(span) = self.spans.iter().find(|s| s.columns.contains(&x)) else {
            return;
        };
        self.values_in(span, x, out);
    }

    fn values_in(&self, span: &Span, x: usize, out: &mut [f32]) {
        let classes = self.field.classes;
        for (i, layer) in span.layers.iter().map(|l| &self.layers[*l]).enumerate() {
            let between = &self.across[x - layer.offset];
            let low = &layer.values[between.low * classes..][..classes];
            let high = &layer.values[between.high * classes..][..classes];
            if i == 0 {
                mix(low, high, between.weight, out);
            } else {
                add_mix(low, high, between.weight, out);
            }
        }
        if span.layers.len() > 1 {
            let share = 1.0 / span.layers.len() as f32;
            out.iter_mut().for_each(|v| *v *= share);
        }
    }

    /// Calls `run` for each range of columns between the same two samples of a single logit row, and `block` for
    /// columns where windows overlap or samples are dense.
    pub(super) fn for_each(&self, mut run: impl FnMut(ColumnRun), mut block: impl FnMut(Block)) {
        let classes = self.field.classes;
        let mut values = vec![0.0; classes * LANES];
        for span in &self.spans {
            let mut x = span.columns.start;
            // Start of the columns before `x` that are not in a run.
            let mut waiting = x;
            while x < span.columns.end {
                if let [layer] = span.layers[..] {
                    let layer = &self.layers[layer];
                    let across = &self.across[x - layer.offset..span.columns.end - layer.offset];
                    let low = across[0].low;
                    let same = across.iter().take_while(|b| b.low == low).count();
                    if same >= MIN_RUN {
                        self.blocks(span, waiting..x, &mut values, &mut block);
                        run(ColumnRun {
                            start: x,
                            low: &layer.values[low * classes..][..classes],
                            high: &layer.values[across[0].high * classes..][..classes],
                            across: &across[..same],
                        });
                        x += same;
                        waiting = x;
                        continue;
                    }
                }
                x += 1;
            }
            self.blocks(span, waiting..x, &mut values, &mut block);
        }
    }

    /// Calls `block` for some columns of a span, for up to [`LANES`] at a time.
    fn blocks(&self, span: &Span, columns: Range<usize>, values: &mut [f32], block: &mut impl FnMut(Block)) {
        for start in columns.clone().step_by(LANES) {
            let count = LANES.min(columns.end - start);
            for (i, layer) in span.layers.iter().map(|l| &self.layers[*l]).enumerate() {
                let first = start - layer.offset;
                let pitch = self.field.grid[0] + 2;
                let dense = self
                    .dense
                    .filter(|dense| first.is_multiple_of(dense.columns()) && count == LANES);
                match dense {
                    Some(Dense::Two) => spread_dense::<2>(&layer.turned[first / 2..], pitch, values, i > 0),
                    Some(Dense::Four) => spread_dense::<4>(&layer.turned[first / 4..], pitch, values, i > 0),
                    None => {
                        let across = &self.across[first..][..count];
                        spread(&layer.values, self.field.classes, across, values, i > 0);
                    }
                }
            }
            if span.layers.len() > 1 {
                let share = 1.0 / span.layers.len() as f32;
                values.iter_mut().for_each(|v| *v *= share);
            }
            block(Block { start, count, values });
        }
    }
}

/// Number of output columns that are processed together, one per vector lane.
pub(super) const LANES: usize = 16;

/// Minimum number of columns between the same two samples for which a run is faster than blocks.
const MIN_RUN: usize = 8;

/// Neighbouring columns between the same two samples.
pub(super) struct ColumnRun<'a> {
    /// First column.
    pub(super) start: usize,
    /// Logits of the sample on the left.
    pub(super) low: &'a [f32],
    /// Logits of the sample on the right.
    pub(super) high: &'a [f32],
    /// Interpolation of each column between the two samples.
    pub(super) across: &'a [Interpolation],
}

/// Neighbouring columns, one per lane.
pub(super) struct Block<'a> {
    /// First column.
    pub(super) start: usize,
    /// Number of lanes in use.
    pub(super) count: usize,
    /// Logits `[classes, LANES]`.
    pub(super) values: &'a [f32],
}

/// The number of columns for each sample, where it is whole and small.
#[derive(Clone, Copy)]
enum Dense {
    Two,
    Four,
}

impl Dense {
    fn of(columns: usize, samples: usize) -> Option<Self> {
        match columns {
            _ if columns == 2 * samples => Some(Self::Two),
            _ if columns == 4 * samples => Some(Self::Four),
            _ => None,
        }
    }

    fn columns(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// Writes samples `[samples, classes]` to `out` as `[classes, samples]`, with the first and the last sample once more
/// before and after: what interpolation takes beyond the edge.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn turn(values: &[f32], classes: usize, out: &mut [f32]) {
    /// Samples and classes that are turned together, in the cache.
    const BLOCK: usize = 16;
    let samples = values.len() / classes.max(1);
    let pitch = samples + 2;
    for first in (0..samples).step_by(BLOCK) {
        for class in (0..classes).step_by(BLOCK) {
            for c in class..(class + BLOCK).min(classes) {
                let line = &mut out[c * pitch + 1 + first..][..BLOCK.min(samples - first)];
                for (to, from) in line
                    .iter_mut()
                    .zip(values[first * classes + c..].iter().step_by(classes))
                {
                    *to = *from;
                }
            }
        }
    }
    for line in out.chunks_exact_mut(pitch) {
        line[0] = line[1];
        line[samples + 1] = line[samples];
    }
}

/// As [`spread`], for COLUMNS columns per sample: from samples `[classes, samples]`, each class `pitch` after the one
/// before, of which the first is the one before the sample of the first column.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn spread_dense<const COLUMNS: usize>(turned: &[f32], pitch: usize, out: &mut [f32], add: bool) {
    // By half-pixel centres the first half of a sample's columns lies between the sample before and it.
    let mut weights = [0.0f32; COLUMNS];
    for (i, weight) in weights.iter_mut().enumerate() {
        let at = (i as f32 + 0.5) / COLUMNS as f32 - 0.5;
        *weight = if at < 0.0 { at + 1.0 } else { at };
    }
    for (out, line) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(turned.chunks(pitch)) {
        let mut values = [0.0f32; LANES];
        for (k, values) in values.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate() {
            let [before, own, after] = [line[k], line[k + 1], line[k + 2]];
            for i in 0..COLUMNS {
                let (low, high) = if i < COLUMNS / 2 { (before, own) } else { (own, after) };
                values[i] = (high - low).mul_add(weights[i], low);
            }
        }
        for (out, value) in out.iter_mut().zip(&values) {
            *out = if add { *out + *value } else { *value };
        }
    }
}

/// Interpolates samples `[samples, classes]` to columns, one per lane: `[classes, LANES]`. With `add`, adds the result
/// to `out`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn spread(samples: &[f32], classes: usize, across: &[Interpolation], out: &mut [f32], add: bool) {
    // Lanes after the last column repeat it.
    let between = |i: usize| &across[i.min(across.len() - 1)];
    let low: [&[f32]; LANES] = std::array::from_fn(|i| &samples[between(i).low * classes..][..classes]);
    let high: [&[f32]; LANES] = std::array::from_fn(|i| &samples[between(i).high * classes..][..classes]);
    let weights: [f32; LANES] = std::array::from_fn(|i| between(i).weight);
    for (class, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut lows = [0.0f32; LANES];
        let mut highs = [0.0f32; LANES];
        for i in 0..LANES {
            lows[i] = low[i][class];
            highs[i] = high[i][class];
        }
        for i in 0..LANES {
            let value = (highs[i] - lows[i]).mul_add(weights[i], lows[i]);
            out[i] = if add { out[i] + value } else { value };
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn mix(low: &[f32], high: &[f32], weight: f32, out: &mut [f32]) {
    for ((o, l), h) in out.iter_mut().zip(low).zip(high) {
        *o = (*h - *l).mul_add(weight, *l);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_mix(low: &[f32], high: &[f32], weight: f32, out: &mut [f32]) {
    for ((o, l), h) in out.iter_mut().zip(low).zip(high) {
        *o += (*h - *l).mul_add(weight, *l);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<const COLUMNS: usize>() {
        let (samples, classes) = (12, 5);
        let values: Vec<f32> = (0..samples * classes).map(|i| (i * 37 % 101) as f32 * 0.1).collect();
        let mut turned = vec![0.0; classes * (samples + 2)];
        turn(&values, classes, &mut turned);
        let width = samples * COLUMNS;
        let across: Vec<Interpolation> = (0..width)
            .map(|x| Interpolation::half_pixel(x, samples, width))
            .collect();
        for start in (0..=width - LANES).step_by(COLUMNS) {
            let [mut expected, mut found] = [(); 2].map(|()| vec![1.0; classes * LANES]);
            for add in [false, true] {
                spread(&values, classes, &across[start..start + LANES], &mut expected, add);
                spread_dense::<COLUMNS>(&turned[start / COLUMNS..], samples + 2, &mut found, add);
                assert_eq!(found, expected, "{COLUMNS} columns per sample, from {start}");
            }
        }
    }

    #[test]
    fn dense_samples_are_interpolated_like_any_others() {
        agrees::<2>();
        agrees::<4>();
    }
}
