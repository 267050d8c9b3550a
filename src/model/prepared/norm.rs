//! LayerNorm of rows.

use multiversion::multiversion;

use super::super::tensor_source::TensorSource;

/// Gain and shift of a LayerNorm.
#[derive(Debug)]
pub(super) struct PreparedNorm {
    gain: Vec<f32>,
    shift: Vec<f32>,
    epsilon: f32,
}

impl PreparedNorm {
    /// Takes `name.weight` and `name.bias` out of `tensors`.
    pub(super) fn take<S: TensorSource>(tensors: &mut S, name: &str, epsilon: f64) -> Result<Self, S::Error> {
        Ok(Self {
            gain: tensors.take(&format!("{name}.weight"))?.values,
            shift: tensors.take(&format!("{name}.bias"))?.values,
            epsilon: epsilon as f32,
        })
    }

    /// The normalised `row`, of as many values.
    pub(super) fn normalise(&self, row: &[f32], out: &mut [f32]) {
        normalise(row, &self.gain, &self.shift, self.epsilon, out);
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.gain) + size_of_val(&*self.shift)
    }
}

/// Lanes of a sum: with one sum per lane the compiler may vectorise without reordering.
const LANES: usize = 32;

/// Sum of `term` over all values.
#[inline(always)]
fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (body, rest) = values.as_chunks::<LANES>();
    for part in body {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += term(*x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += term(*x);
    }
    sums.iter().sum()
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn normalise(row: &[f32], gain: &[f32], shift: &[f32], epsilon: f32, out: &mut [f32]) {
    let count = row.len() as f32;
    let mean = sum(row, |x| x) / count;
    let variance = sum(row, |x| (x - mean) * (x - mean)) / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for (((out, x), gain), shift) in out.iter_mut().zip(row).zip(gain).zip(shift) {
        *out = ((*x - mean) * factor).mul_add(*gain, *shift);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_definition() {
        for count in [1, 7, 32, 100] {
            let row: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 * 0.1 - 3.0).collect();
            let gain: Vec<f32> = (0..count).map(|i| 1.0 + i as f32 * 0.01).collect();
            let shift: Vec<f32> = (0..count).map(|i| i as f32 * 0.1).collect();
            let mut found = vec![0.0; count];
            super::normalise(&row, &gain, &shift, 1e-5, &mut found);
            let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / count as f64;
            let squares = row.iter().map(|x| (f64::from(*x) - mean).powi(2));
            let deviation = (squares.sum::<f64>() / count as f64 + 1e-5).sqrt();
            for i in 0..count {
                let expected = (f64::from(row[i]) - mean) / deviation * f64::from(gain[i]) + f64::from(shift[i]);
                assert!(
                    (f64::from(found[i]) - expected).abs() < 1e-5,
                    "{count} {i}: {} {expected}",
                    found[i]
                );
            }
        }
    }
}
