//! Ridge regression in closed form: what is used where L-BFGS fails.

use super::learner::Samples;

/// Weight decay.
const DECAY: f64 = 1e-2;

/// What scores are multiplied by to be logits.
const SHARPNESS: f64 = 6.0;

/// Weights `[classes, width]`, then biases `[classes]`, for standardised tokens: the least squares of scores whose
/// targets are 1 for a sample's class and -1 for the others, times 6. `targets` are the samples' rows, below `classes`.
pub(super) fn fit(samples: &Samples, targets: &[usize], classes: usize) -> Vec<f64> {
    let width = samples.width;
    let side = width + 1;
    let mut matrix = vec![0f64; side * side];
    let mut wanted = vec![vec![0f64; side]; classes];
    let mut row = vec![1f64; side];
    for ((values, target), weight) in samples.values.chunks_exact(width).zip(targets).zip(&samples.weights) {
        let weight = f64::from(*weight);
        for (to, value) in row.iter_mut().zip(values) {
            *to = f64::from(*value);
        }
        for (i, value) in row.iter().enumerate() {
            for (to, other) in matrix[i * side..][..=i].iter_mut().zip(&row) {
                *to += weight * value * other;
            }
        }
        for (class, wanted) in wanted.iter_mut().enumerate() {
            let sign = if class == *target { weight } else { -weight };
            for (to, value) in wanted.iter_mut().zip(&row) {
                *to += sign * value;
            }
        }
    }
    for i in 0..side {
        // The bias is free, but for what keeps the matrix regular.
        matrix[i * side + i] += if i < width { DECAY } else { 1e-9 };
    }
    factorise(&mut matrix, side);
    for wanted in &mut wanted {
        solve(&matrix, side, wanted);
    }
    let weights = wanted.iter().flat_map(|of_class| &of_class[..width]);
    let biases = wanted.iter().map(|of_class| &of_class[width]);
    weights.chain(biases).map(|value| value * SHARPNESS).collect()
}

/// Cholesky's lower factor in place, of a symmetric positive matrix of which the lower half is given.
fn factorise(matrix: &mut [f64], side: usize) {
    for i in 0..side {
        for j in 0..=i {
            let (above, from_i) = matrix.split_at(i * side);
            let sum: f64 = match i == j {
                true => from_i[..j].iter().map(|value| value * value).sum(),
                false => from_i[..j].iter().zip(&above[j * side..]).map(|(a, b)| a * b).sum(),
            };
            let left = matrix[i * side + j] - sum;
            matrix[i * side + j] = match i == j {
                true => left.max(1e-12).sqrt(),
                false => left / matrix[j * side + j],
            };
        }
    }
}

/// Solves with that factor, in place.
fn solve(factor: &[f64], side: usize, values: &mut [f64]) {
    for i in 0..side {
        let row = &factor[i * side..][..=i];
        let sum: f64 = row[..i].iter().zip(&*values).map(|(a, b)| a * b).sum();
        values[i] = (values[i] - sum) / row[i];
    }
    for i in (0..side).rev() {
        let sum: f64 = (i + 1..side).map(|j| factor[j * side + i] * values[j]).sum();
        values[i] = (values[i] - sum) / factor[i * side + i];
    }
}
