//! One output row of a [`WindowLogits`], interpolated vertically but not yet horizontally.

use std::ops::Range;

use multiversion::multiversion;

use super::window_logits::WindowLogits;
use crate::numeric::Interpolation;

/// Logits along one row, at the resolution of the logits (or of the pass's image, if the output has another size).
struct LogitRow {
    /// `[samples, classes]`.
    values: Vec<f32>,
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
        Self {
            field,
            width,
            height,
            across,
            layers: Vec::new(),
            spans: Vec::new(),
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
                    self.layers.push(LogitRow {
                        values: vec![0.0; row_values],
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
                let across = &self.across[start - layer.offset..][..count];
                spread(&layer.values, self.field.classes, across, values, i > 0);
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
