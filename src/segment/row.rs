//! One output row of a [`Field`], interpolated down to it but not yet across.

use std::ops::Range;

use multiversion::multiversion;

use super::field::Field;
use crate::numeric::Between;

/// Logits along one row at the resolution of patches (or of the field's picture, where the output has another size).
struct Layer {
    /// `[samples, classes]`.
    values: Vec<f32>,
    /// Output column at which this layer begins.
    offset: usize,
}

/// A stretch of a row that the same layers cover.
struct Span {
    columns: Range<usize>,
    layers: Vec<usize>,
}

/// Gives logits along the rows of an output, one row at a time.
pub(super) struct RowSampler<'a> {
    field: &'a Field,
    width: usize,
    height: usize,
    /// Where each column falls within its layer.
    across: Vec<Between>,
    layers: Vec<Layer>,
    spans: Vec<Span>,
    /// When the output has another size than the field: two merged rows of the field, by row number.
    merged: Option<Merged<'a>>,
}

struct Merged<'a> {
    sampler: Box<RowSampler<'a>>,
    rows: [(Option<usize>, Vec<f32>); 2],
}

impl<'a> RowSampler<'a> {
    pub(super) fn new(field: &'a Field, [width, height]: [usize; 2]) -> Self {
        let merged = (field.size != [width, height]).then(|| Merged {
            sampler: Box::new(Self::new(field, field.size)),
            rows: [(None, Vec::new()), (None, Vec::new())],
        });
        let across = match merged {
            Some(_) => (0..width)
                .map(|x| Between::half_pixel(x, field.size[0], width))
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

    /// Goes to row `y`.
    pub(super) fn seek(&mut self, y: usize) {
        if self.merged.is_some() {
            self.seek_resized(y);
        } else {
            self.seek_windows(y);
        }
    }

    fn seek_resized(&mut self, y: usize) {
        let Some(merged) = &mut self.merged else { return };
        let down = Between::half_pixel(y, self.field.size[1], self.height);
        for row in [down.low, down.high] {
            if merged.rows.iter().any(|(have, _)| *have == Some(row)) {
                continue;
            }
            // Rows come in order, so the older of the two is the one to give up.
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
            self.layers.push(Layer {
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
                    self.layers.push(Layer {
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
        let covers = |layer: &Layer, x: usize| (layer.offset..layer.offset + field.window[0]).contains(&x);
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

    /// Calls `run` for each stretch of columns between the same two samples of a single layer, and `pixel` for each
    /// column where windows overlap or samples are dense.
    pub(super) fn for_each(&self, mut run: impl FnMut(Run), mut pixel: impl FnMut(usize, &[f32])) {
        let classes = self.field.classes;
        let mut values = vec![0.0; classes];
        for span in &self.spans {
            let [layer] = span.layers[..] else {
                for x in span.columns.clone() {
                    self.values_in(span, x, &mut values);
                    pixel(x, &values);
                }
                continue;
            };
            let layer = &self.layers[layer];
            let mut x = span.columns.start;
            while x < span.columns.end {
                let Between { low, high, .. } = self.across[x - layer.offset];
                let same = self.across[x - layer.offset..span.columns.end - layer.offset]
                    .iter()
                    .take_while(|b| b.low == low)
                    .count();
                if same >= WORTHWHILE {
                    run(Run {
                        start: x,
                        low: &layer.values[low * classes..][..classes],
                        high: &layer.values[high * classes..][..classes],
                        across: &self.across[x - layer.offset..x - layer.offset + same],
                    });
                } else {
                    for x in x..x + same {
                        self.values_in(span, x, &mut values);
                        pixel(x, &values);
                    }
                }
                x += same;
            }
        }
    }
}

/// From this many columns on, a loop over classes with columns in the vector lanes beats the other way round.
const WORTHWHILE: usize = 8;

/// Neighbouring columns between the same two samples.
pub(super) struct Run<'a> {
    /// First column.
    pub(super) start: usize,
    /// Logits of the sample on the left.
    pub(super) low: &'a [f32],
    /// Logits of the sample on the right.
    pub(super) high: &'a [f32],
    /// The columns' places between the two.
    pub(super) across: &'a [Between],
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
