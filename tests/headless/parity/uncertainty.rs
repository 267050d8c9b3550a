//! Compares confidence and margin with the softmax of the published logits, and with their definition.

use segscope::checkpoint;
use segscope::model::HostTensor;
use segscope::segment::{self, Labels, WindowLogits};

use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, class_last, kept_of, step_of};
use super::tensors::window_logits_of;

/// Probabilities of the best three classes, best first.
fn best_three(logits: &[f64]) -> [f64; 3] {
    let best = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logits.iter().map(|v| (v - best).exp()).collect();
    let sum: f64 = exps.iter().sum();
    let mut shares: Vec<f64> = exps.iter().map(|e| e / sum).collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    std::array::from_fn(|i| shares.get(i).copied().unwrap_or(0.0))
}

/// One value per pixel.
fn values(values: impl Iterator<Item = f64>) -> HostTensor {
    let values: Vec<f32> = values.map(|v| v as f32).collect();
    HostTensor {
        shape: vec![values.len()],
        values,
    }
}

/// Every `step`th row and column of a value per pixel of `labels`.
fn shares(labels: &Labels, bits: &[u16], step: usize) -> HostTensor {
    let rows = bits.chunks_exact(labels.map.width).step_by(step);
    values(
        rows.flat_map(|row| row.iter().step_by(step))
            .map(|v| f64::from(*v) / 65_535.0),
    )
}

/// Compares the labels' confidence and margin with those of the best three probabilities of every `step`th row and
/// column.
fn compare_with(
    title: &str,
    labels: &Labels,
    step: usize,
    expected: &[[f64; 3]],
    tolerance: f32,
    findings: &mut Findings,
) {
    let [confidence, margin] = [&labels.confidence, &labels.margin].map(|bits| shares(labels, bits, step));
    let best = values(expected.iter().map(|p| p[0]));
    let less_second = values(expected.iter().map(|p| p[0] - p[1]));
    findings.close(title, "confidence", &confidence, Some(&best), tolerance);
    findings.close(title, "margin", &margin, Some(&less_second), tolerance);
    // If the third class were as close, the test would not distinguish it from the second.
    let less_third = expected.iter().map(|p| (p[0] - p[2]) as f32);
    let worst = margin
        .values
        .iter()
        .zip(less_third)
        .map(|(found, wrong)| (found - wrong).abs());
    if worst.fold(0.0, f32::max) < 20.0 * tolerance {
        findings.wrong(
            title,
            "margin",
            "best and third are as far apart as best and second everywhere",
        );
    }
}

/// Compares values computed from low-resolution logits of a published program with the softmax of its full logits.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let golden = case.tensors();
    let spec = checkpoint::peek(&case.checkpoint())
        .unwrap_or_else(|e| panic!("{}: {e}", case.name))
        .spec;
    let (name, logits) = kept_of(&golden, "logits").unwrap_or_else(|| panic!("{}: no logits", case.name));
    let masks = &golden["masks"];
    let size = case.width_height(&case.manifest, "input_size");
    let stretch = if spec.inference.crops_padding() {
        size.map(|side| side.next_multiple_of(spec.encoder.multiple()))
    } else {
        size
    };
    let labels = segment::label(&[window_logits_of(masks, size, stretch)], size);
    let classes = logits.shape[1];
    let expected: Vec<[f64; 3]> = class_last(logits)
        .chunks_exact(classes)
        .map(|pixel| best_three(&pixel.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()))
        .collect();
    compare_with(
        &format!("{} by its logits", case.name),
        &labels,
        step_of(name),
        &expected,
        5e-4,
        findings,
    );
}

/// Compares values of random logits, enlarged and reduced, with interpolation and softmax by definition in double
/// precision.
pub fn compare_with_definition(findings: &mut Findings) {
    const CLASSES: usize = 6;
    let mut dice = fastrand::Rng::with_seed(20);
    for (grid, output) in [
        ([7, 5], [61, 47]),
        ([7, 5], [112, 80]),
        ([40, 30], [33, 21]),
        ([9, 9], [9, 9]),
    ] {
        let count = grid[0] * grid[1] * CLASSES;
        let logits: [Vec<f32>; 2] = std::array::from_fn(|_| (0..count).map(|_| dice.f32() * 8.0 - 4.0).collect());
        let fields = logits
            .each_ref()
            .map(|values| WindowLogits::whole(values.clone(), CLASSES, output, grid, output));
        let at = |values: &[f32], x: usize, y: usize| -> Vec<f64> {
            let mut sums = vec![0.0; CLASSES];
            for (row, down) in taps(y, grid[1], output[1]) {
                for (column, across) in taps(x, grid[0], output[0]) {
                    let sample = &values[(row * grid[0] + column) * CLASSES..][..CLASSES];
                    for (sum, value) in sums.iter_mut().zip(sample) {
                        *sum += down * across * f64::from(*value);
                    }
                }
            }
            sums
        };
        let mut pixels = Vec::new();
        for y in 0..output[1] {
            pixels.extend((0..output[0]).map(|x| [x, y]));
        }
        let one: Vec<[f64; 3]> = pixels
            .iter()
            .map(|[x, y]| best_three(&at(&logits[0], *x, *y)))
            .collect();
        let title = format!("{grid:?} to {output:?}");
        let labels = segment::label(&fields[..1], output);
        compare_with(&title, &labels, 1, &one, 3e-5, findings);
        // The mean of two softmax maps.
        let mean = |[x, y]: &[usize; 2]| {
            let [a, b] = logits.each_ref().map(|values| softmax(&at(values, *x, *y)));
            let logs: Vec<f64> = a.iter().zip(&b).map(|(a, b)| ((a + b) / 2.0).ln()).collect();
            best_three(&logs)
        };
        let both: Vec<[f64; 3]> = pixels.iter().map(mean).collect();
        compare_with(
            &format!("{title}, two window logits"),
            &segment::label(&fields, output),
            1,
            &both,
            3e-5,
            findings,
        );
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|v| v.exp()).sum();
    logits.iter().map(|v| v.exp() / sum).collect()
}

/// The two samples around a position and their weights, with half-pixel centres and repeated edges.
fn taps(i: usize, from: usize, to: usize) -> [(usize, f64); 2] {
    let place = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
    let low = (place.floor() as usize).min(from - 1);
    let share = place - low as f64;
    [(low, 1.0 - share), ((low + 1).min(from - 1), share)]
}
