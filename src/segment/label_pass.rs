//! The fused pass: interpolate, take the best two classes, weigh them, per output pixel.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::Watch;
use super::field::Field;
use super::row::{RowSampler, Run};
use crate::labels::LabelMap;
use crate::model::Cancelled;
use crate::numeric::exp;

/// Rows per task: enough that neighbouring rows share what was interpolated down to them.
const BAND: usize = 16;

/// Output columns that are handled together, one per vector lane.
const LANES: usize = 16;

/// Labels with how sure the network is of each.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The best class per pixel; the first of equals.
    pub map: LabelMap,
    /// Probability of the best class, 0..=65535 for 0..=1.
    pub confidence: Vec<u16>,
    /// Probability of the best class less that of the second, 0..=65535 for 0..=1.
    pub margin: Vec<u16>,
}

/// What one pixel gets.
#[derive(Clone, Copy, Default)]
struct Verdict {
    id: u16,
    confidence: u16,
    margin: u16,
}

/// Rows between two looks at the watch.
const SLAB: usize = 256;

/// Labels of `output` width and height from the fields of all passes.
///
/// One field: argmax of its logits. Several: argmax of the mean of their softmax maps (rstrudel segm/model/utils.py,
/// `inference`).
pub fn label(fields: &[Field], output: [usize; 2]) -> Labels {
    let mut labels = Labels::empty(output);
    labels.fill(fields, 0..output[1]);
    labels
}

/// As [`label`], a few hundred rows at a time with a look at `watch` after each.
///
/// # Errors
/// When the watch says so.
pub(super) fn label_watched(fields: &[Field], output: [usize; 2], watch: &mut dyn Watch) -> Result<Labels, Cancelled> {
    let mut labels = Labels::empty(output);
    for top in (0..output[1]).step_by(SLAB) {
        let bottom = (top + SLAB).min(output[1]);
        labels.fill(fields, top..bottom);
        if watch.rows(bottom, output[1]).is_break() {
            return Err(Cancelled);
        }
    }
    Ok(labels)
}

impl Labels {
    fn empty([width, height]: [usize; 2]) -> Self {
        let ids = vec![0; width * height];
        Self {
            confidence: ids.clone(),
            margin: ids.clone(),
            map: LabelMap { width, height, ids },
        }
    }

    /// Labels some rows, in bands that threads share out among themselves.
    fn fill(&mut self, fields: &[Field], rows: Range<usize>) {
        let (width, output) = (self.map.width, [self.map.width, self.map.height]);
        let values = rows.start * width..rows.end * width;
        let ids = self.map.ids[values.clone()].par_chunks_mut(BAND * width);
        let confidence = self.confidence[values.clone()].par_chunks_mut(BAND * width);
        let margin = self.margin[values].par_chunks_mut(BAND * width);
        ids.zip(confidence)
            .zip(margin)
            .enumerate()
            .for_each(|(band, ((ids, confidence), margin))| {
                let mut samplers: Vec<_> = fields.iter().map(|f| RowSampler::new(f, output)).collect();
                let mut row = vec![Verdict::default(); width];
                let mut sums = Vec::new();
                let lines = ids
                    .chunks_exact_mut(width)
                    .zip(confidence.chunks_exact_mut(width))
                    .zip(margin.chunks_exact_mut(width));
                for (i, ((ids, confidence), margin)) in lines.enumerate() {
                    samplers.iter_mut().for_each(|s| s.seek(rows.start + band * BAND + i));
                    match &samplers[..] {
                        [sampler] if !fields[0].flip => label_row(sampler, &mut row),
                        _ => label_averaged_row(&samplers, fields, &mut sums, &mut row),
                    }
                    for (x, verdict) in row.iter().enumerate() {
                        ids[x] = verdict.id;
                        confidence[x] = verdict.confidence;
                        margin[x] = verdict.margin;
                    }
                }
            });
    }
}

fn label_row(sampler: &RowSampler, row: &mut [Verdict]) {
    let out = std::cell::RefCell::new(row);
    sampler.for_each(
        |run| label_run(&run, &mut out.borrow_mut()),
        |x, logits| out.borrow_mut()[x] = label_logits(logits),
    );
}

/// Mean of the softmax of every field, then the best two.
fn label_averaged_row(samplers: &[RowSampler], fields: &[Field], sums: &mut Vec<f32>, row: &mut [Verdict]) {
    let Some(classes) = fields.first().map(|f| f.classes) else {
        return;
    };
    let width = row.len();
    sums.clear();
    sums.resize(width * classes, 0.0);
    let mut logits = vec![0.0; classes];
    for (sampler, field) in samplers.iter().zip(fields) {
        for (x, sums) in sums.chunks_exact_mut(classes).enumerate() {
            sampler.values(if field.flip { width - 1 - x } else { x }, &mut logits);
            add_softmax(&logits, 1.0 / fields.len() as f32, sums);
        }
    }
    for (verdict, probabilities) in row.iter_mut().zip(sums.chunks_exact(classes)) {
        let (id, best, second) = best_two(probabilities);
        *verdict = Verdict {
            id,
            confidence: fraction(best),
            margin: fraction(best - second),
        };
    }
}

fn label_logits(logits: &[f32]) -> Verdict {
    let (id, best, second) = best_two(logits);
    let share = 1.0 / sum_of_exp(logits, best);
    let runner_up = if second > f32::NEG_INFINITY {
        exp(second - best)
    } else {
        0.0
    };
    Verdict {
        id,
        confidence: fraction(share),
        margin: fraction(share * (1.0 - runner_up)),
    }
}

fn fraction(share: f32) -> u16 {
    (share * 65_535.0 + 0.5) as u16
}

/// First best index, best and second best value.
fn best_two(values: &[f32]) -> (u16, f32, f32) {
    let (mut id, mut best, mut second) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (i, v) in values.iter().enumerate() {
        if *v > best {
            (id, best, second) = (i, *v, best);
        } else if *v > second {
            second = *v;
        }
    }
    (id as u16, best, second)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn sum_of_exp(logits: &[f32], best: f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (body, rest) = logits.as_chunks::<LANES>();
    for part in body {
        for (sum, v) in sums.iter_mut().zip(part) {
            *sum += exp(*v - best);
        }
    }
    for (sum, v) in sums.iter_mut().zip(rest) {
        *sum += exp(*v - best);
    }
    sums.iter().sum()
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_softmax(logits: &[f32], share: f32, sums: &mut [f32]) {
    let best = logits
        .iter()
        .fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
    let scale = share / sum_of_exp(logits, best);
    for (sum, v) in sums.iter_mut().zip(logits) {
        *sum += scale * exp(*v - best);
    }
}

/// A run of columns: classes one after the other, columns in the lanes. Reading two logits per class and run, not per
/// pixel, is what makes the pass a few milliseconds.
fn label_run(run: &Run, row: &mut [Verdict]) {
    for (i, across) in run.across.chunks(LANES).enumerate() {
        let mut weights = [0.0; LANES];
        for (w, between) in weights.iter_mut().zip(across) {
            *w = between.weight;
        }
        let mut verdicts = [Verdict::default(); LANES];
        label_lanes(run.low, run.high, &weights, &mut verdicts);
        let start = run.start + i * LANES;
        row[start..start + across.len()].copy_from_slice(&verdicts[..across.len()]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn label_lanes(low: &[f32], high: &[f32], weights: &[f32; LANES], out: &mut [Verdict; LANES]) {
    let mut best = [f32::NEG_INFINITY; LANES];
    let mut second = [f32::NEG_INFINITY; LANES];
    let mut ids = [0u32; LANES];
    for (class, (l, h)) in low.iter().zip(high).enumerate() {
        let step = *h - *l;
        for i in 0..LANES {
            let v = weights[i].mul_add(step, *l);
            let better = v > best[i];
            let loser = if better { best[i] } else { v };
            second[i] = if loser > second[i] { loser } else { second[i] };
            ids[i] = if better { class as u32 } else { ids[i] };
            best[i] = if better { v } else { best[i] };
        }
    }
    let mut sums = [0.0f32; LANES];
    for (l, h) in low.iter().zip(high) {
        let step = *h - *l;
        for i in 0..LANES {
            sums[i] += exp(weights[i].mul_add(step, *l) - best[i]);
        }
    }
    for i in 0..LANES {
        let share = 1.0 / sums[i];
        let runner_up = if second[i] > f32::NEG_INFINITY {
            exp(second[i] - best[i])
        } else {
            0.0
        };
        out[i] = Verdict {
            id: ids[i] as u16,
            confidence: fraction(share),
            margin: fraction(share * (1.0 - runner_up)),
        };
    }
}
