//! The label pass, fused per output pixel: interpolation, the best two classes, and their probabilities.

use std::cell::RefCell;
use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::Watch;
use super::row::{Block, ColumnRun, LANES, RowSampler};
use super::window_logits::WindowLogits;
use crate::labels::LabelMap;
use crate::model::Cancelled;
use crate::numeric::{Interpolation, exp};

/// Rows per task: enough for neighbouring rows to share vertical interpolation.
const BAND: usize = 16;

/// A label map with the confidence and margin of each label.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The best class per pixel; the first one in a tie. With a threshold, the class that it chooses.
    pub map: LabelMap,
    /// Probability of the chosen class, 0..=65535 for 0..=1.
    pub confidence: Vec<u16>,
    /// Probability of the best class minus that of the second, 0..=65535 for 0..=1; 0 where a threshold chose the less
    /// probable class.
    pub margin: Vec<u16>,
}

impl Labels {
    /// Bytes per pixel: class, confidence and margin.
    pub const BYTES_PER_PIXEL: u64 = 6;

    /// Mean probability of the chosen class over all pixels, 0..=1.
    pub fn mean_confidence(&self) -> f32 {
        let sum: u64 = self.confidence.iter().map(|confidence| u64::from(*confidence)).sum();
        (sum as f64 / (self.confidence.len().max(1) as f64 * 65_535.0)) as f32
    }
}

/// Class, confidence and margin of one pixel.
#[derive(Clone, Copy, Default)]
struct PixelLabel {
    id: u16,
    confidence: u16,
    margin: u16,
}

/// Number of rows between two calls of the watch.
const SLAB: usize = 256;

/// Labels of width and height `output` from the logits of all passes.
///
/// For one pass: argmax of its logits. For several: argmax of the mean of their softmax maps (rstrudel
/// segm/model/utils.py, `inference`). With a threshold: class 1 if its probability, averaged over the passes, is above
/// the threshold, otherwise class 0 (mmsegmentation models/segmentors/base.py, `postprocess_result`).
pub fn label(fields: &[WindowLogits], output: [usize; 2]) -> Labels {
    let mut labels = Labels::empty(output);
    labels.fill(fields, 0..output[1]);
    labels
}

/// As [`label`], but calls `watch` after every [`SLAB`] rows.
///
/// # Errors
/// When the watch stops the run.
pub(super) fn label_watched(
    fields: &[WindowLogits],
    output: [usize; 2],
    watch: &mut dyn Watch,
) -> Result<Labels, Cancelled> {
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

    /// Labels some rows, in bands that are distributed over the threads.
    fn fill(&mut self, fields: &[WindowLogits], rows: Range<usize>) {
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
                let mut row = vec![PixelLabel::default(); width];
                let mut sums = RowSums::default();
                let lines = ids
                    .chunks_exact_mut(width)
                    .zip(confidence.chunks_exact_mut(width))
                    .zip(margin.chunks_exact_mut(width));
                for (i, ((ids, confidence), margin)) in lines.enumerate() {
                    samplers.iter_mut().for_each(|s| s.seek(rows.start + band * BAND + i));
                    match &samplers[..] {
                        [sampler] if !fields[0].flip && fields[0].threshold.is_none() => label_row(sampler, &mut row),
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

fn label_row(sampler: &RowSampler, row: &mut [PixelLabel]) {
    let out = RefCell::new(row);
    sampler.for_each(
        |run| label_run(&run, &mut out.borrow_mut()),
        |block| label_block(&block, &mut out.borrow_mut()),
    );
}

/// Labels a row by the best two classes of the mean softmax over all passes.
fn label_averaged_row(samplers: &[RowSampler], fields: &[WindowLogits], sums: &mut RowSums, row: &mut [PixelLabel]) {
    let Some(classes) = fields.first().map(|f| f.classes) else {
        return;
    };
    sums.clear(classes, row.len());
    let share = 1.0 / fields.len() as f32;
    for (sampler, field) in samplers.iter().zip(fields) {
        let (values, width) = (
            if field.flip {
                &mut sums.mirrored
            } else {
                &mut sums.upright
            },
            sums.width,
        );
        let values = RefCell::new(values);
        sampler.for_each(
            |run| add_run(&run, share, &mut values.borrow_mut(), width),
            |block| add_block(&block, share, &mut values.borrow_mut(), width),
        );
    }
    sums.turn_mirrored();
    if let Some(threshold) = fields.first().and_then(|field| field.threshold) {
        return label_above(&sums.upright, sums.width, threshold, row);
    }
    for (i, verdicts) in row.chunks_mut(LANES).enumerate() {
        label_sums(&sums.upright, sums.width, i * LANES, verdicts);
    }
}

/// Probabilities of one row, summed over passes: `[classes, width]`, so that neighbouring columns fill vector lanes.
#[derive(Default)]
struct RowSums {
    width: usize,
    upright: Vec<f32>,
    /// Probabilities of mirrored passes, not yet mirrored back.
    mirrored: Vec<f32>,
}

impl RowSums {
    fn clear(&mut self, classes: usize, width: usize) {
        self.width = width;
        for values in [&mut self.upright, &mut self.mirrored] {
            values.clear();
            values.resize(classes * width, 0.0);
        }
    }

    fn turn_mirrored(&mut self) {
        let rows = self
            .upright
            .chunks_exact_mut(self.width)
            .zip(self.mirrored.chunks_exact(self.width));
        for (upright, mirrored) in rows {
            for (sum, value) in upright.iter_mut().zip(mirrored.iter().rev()) {
                *sum += value;
            }
        }
    }
}

/// Interpolation weights of up to [`LANES`] neighbouring columns between their two samples.
fn lane_weights(across: &[Interpolation]) -> [f32; LANES] {
    let mut weights = [0.0; LANES];
    for (w, between) in weights.iter_mut().zip(across) {
        *w = between.weight;
    }
    weights
}

/// Adds the softmax of a run of columns.
fn add_run(run: &ColumnRun, share: f32, sums: &mut [f32], width: usize) {
    for (i, across) in run.across.chunks(LANES).enumerate() {
        let weights = lane_weights(across);
        let start = run.start + i * LANES;
        add_lanes(
            run.low,
            run.high,
            &weights,
            share,
            &mut sums[start..],
            width,
            across.len(),
        );
    }
}

/// As [`label_lanes`], but adds the probabilities of `count` columns to `sums`, whose rows have `width` values.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_lanes(
    low: &[f32],
    high: &[f32],
    weights: &[f32; LANES],
    share: f32,
    sums: &mut [f32],
    width: usize,
    count: usize,
) {
    let mut best = [f32::NEG_INFINITY; LANES];
    for (l, h) in low.iter().zip(high) {
        let step = *h - *l;
        for i in 0..LANES {
            let v = weights[i].mul_add(step, *l);
            best[i] = if v > best[i] { v } else { best[i] };
        }
    }
    let mut totals = [0.0f32; LANES];
    for (l, h) in low.iter().zip(high) {
        let step = *h - *l;
        for i in 0..LANES {
            totals[i] += exp(weights[i].mul_add(step, *l) - best[i]);
        }
    }
    let mut scales = [0.0f32; LANES];
    for i in 0..LANES {
        scales[i] = share / totals[i];
    }
    for (class, (l, h)) in low.iter().zip(high).enumerate() {
        let step = *h - *l;
        let mut values = [0.0f32; LANES];
        for i in 0..LANES {
            values[i] = scales[i] * exp(weights[i].mul_add(step, *l) - best[i]);
        }
        for (sum, value) in sums[class * width..].iter_mut().zip(&values[..count]) {
            *sum += value;
        }
    }
}

/// Adds the softmax of a block of columns.
fn add_block(block: &Block, share: f32, sums: &mut [f32], width: usize) {
    add_values(block.values, share, &mut sums[block.start..], width, block.count);
}

/// As [`add_lanes`], from logits `[classes, LANES]`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_values(values: &[f32], share: f32, sums: &mut [f32], width: usize, count: usize) {
    let classes = values.as_chunks::<LANES>().0;
    let mut best = [f32::NEG_INFINITY; LANES];
    for values in classes {
        for i in 0..LANES {
            best[i] = if values[i] > best[i] { values[i] } else { best[i] };
        }
    }
    let mut totals = [0.0f32; LANES];
    for values in classes {
        for i in 0..LANES {
            totals[i] += exp(values[i] - best[i]);
        }
    }
    let mut scales = [0.0f32; LANES];
    for i in 0..LANES {
        scales[i] = share / totals[i];
    }
    for (class, values) in classes.iter().enumerate() {
        let mut shares = [0.0f32; LANES];
        for i in 0..LANES {
            shares[i] = scales[i] * exp(values[i] - best[i]);
        }
        for (sum, share) in sums[class * width..].iter_mut().zip(&shares[..count]) {
            *sum += share;
        }
    }
}

/// The best two classes by summed probability of up to [`LANES`] columns from `start`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn label_sums(sums: &[f32], width: usize, start: usize, out: &mut [PixelLabel]) {
    let mut best = [f32::NEG_INFINITY; LANES];
    let mut second = [f32::NEG_INFINITY; LANES];
    let mut ids = [0u32; LANES];
    for (class, row) in sums.chunks_exact(width).enumerate() {
        let mut values = [0.0f32; LANES];
        for (value, sum) in values.iter_mut().zip(&row[start..]) {
            *value = *sum;
        }
        for i in 0..LANES {
            let v = values[i];
            let better = v > best[i];
            let loser = if better { best[i] } else { v };
            second[i] = if loser > second[i] { loser } else { second[i] };
            ids[i] = if better { class as u32 } else { ids[i] };
            best[i] = if better { v } else { best[i] };
        }
    }
    for (i, verdict) in out.iter_mut().enumerate() {
        *verdict = PixelLabel {
            id: ids[i] as u16,
            confidence: fraction(best[i]),
            margin: fraction(if second[i] > 0.0 { best[i] - second[i] } else { best[i] }),
        };
    }
}

/// Class 1 where its summed probability is above the threshold, otherwise class 0.
fn label_above(sums: &[f32], width: usize, threshold: f32, out: &mut [PixelLabel]) {
    let mut rows = sums.chunks_exact(width);
    let (Some(first), Some(second)) = (rows.next(), rows.next()) else {
        return;
    };
    for ((verdict, first), second) in out.iter_mut().zip(first).zip(second) {
        let (id, chosen, other) = match *second > threshold {
            true => (1, *second, *first),
            false => (0, *first, *second),
        };
        *verdict = PixelLabel {
            id,
            confidence: fraction(chosen),
            margin: fraction((chosen - other).max(0.0)),
        };
    }
}

fn fraction(share: f32) -> u16 {
    (share * 65_535.0 + 0.5) as u16
}

/// Labels a block of columns whose logits are interpolated already.
fn label_block(block: &Block, row: &mut [PixelLabel]) {
    let mut verdicts = [PixelLabel::default(); LANES];
    label_values(block.values, &mut verdicts);
    row[block.start..][..block.count].copy_from_slice(&verdicts[..block.count]);
}

/// As [`label_lanes`], from logits `[classes, LANES]`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn label_values(values: &[f32], out: &mut [PixelLabel; LANES]) {
    let classes = values.as_chunks::<LANES>().0;
    let mut best = [f32::NEG_INFINITY; LANES];
    let mut second = [f32::NEG_INFINITY; LANES];
    let mut ids = [0u32; LANES];
    for (class, values) in classes.iter().enumerate() {
        for i in 0..LANES {
            let v = values[i];
            let better = v > best[i];
            let loser = if better { best[i] } else { v };
            second[i] = if loser > second[i] { loser } else { second[i] };
            ids[i] = if better { class as u32 } else { ids[i] };
            best[i] = if better { v } else { best[i] };
        }
    }
    let mut sums = [0.0f32; LANES];
    for values in classes {
        for i in 0..LANES {
            sums[i] += exp(values[i] - best[i]);
        }
    }
    verdicts(&ids, &best, &second, &sums, out);
}

/// Labels from the best two logits, and from the sum of the exponentials of all logits minus the best one.
#[inline(always)]
fn verdicts(
    ids: &[u32; LANES],
    best: &[f32; LANES],
    second: &[f32; LANES],
    sums: &[f32; LANES],
    out: &mut [PixelLabel; LANES],
) {
    for i in 0..LANES {
        let share = 1.0 / sums[i];
        let runner_up = if second[i] > f32::NEG_INFINITY {
            exp(second[i] - best[i])
        } else {
            0.0
        };
        out[i] = PixelLabel {
            id: ids[i] as u16,
            confidence: fraction(share),
            margin: fraction(share * (1.0 - runner_up)),
        };
    }
}

/// Labels a run of columns: loops over the classes, with columns in the lanes.
///
/// The pass takes only a few milliseconds because it reads two logits per class and run, not per pixel.
fn label_run(run: &ColumnRun, row: &mut [PixelLabel]) {
    for (i, across) in run.across.chunks(LANES).enumerate() {
        let weights = lane_weights(across);
        let mut verdicts = [PixelLabel::default(); LANES];
        label_lanes(run.low, run.high, &weights, &mut verdicts);
        let start = run.start + i * LANES;
        row[start..start + across.len()].copy_from_slice(&verdicts[..across.len()]);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn label_lanes(low: &[f32], high: &[f32], weights: &[f32; LANES], out: &mut [PixelLabel; LANES]) {
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
    verdicts(&ids, &best, &second, &sums, out);
}
