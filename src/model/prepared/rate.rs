//! How fast linear layers alone are.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::ProductPlan;
use super::linear::PreparedLinear;
use crate::model::precision::Precision;
use crate::numeric::Kernels;

/// How long a layer is timed.
const TIME: Duration = Duration::from_millis(400);

/// Multiplications and additions per second of a linear layer with `inputs` and `outputs`, with `rows` rows on each
/// thread, as a prepared network computes it; the largest of several measurements.
pub fn layer_rate(precision: Precision, kernels: Kernels, rows: usize, [inputs, outputs]: [usize; 2]) -> f64 {
    let arithmetic = ProductPlan::of(precision, kernels).fc1;
    let weights: Vec<f32> = (0..outputs * inputs).map(|i| (i % 17) as f32 * 0.01).collect();
    let layer = PreparedLinear::of_values(&weights, [outputs, inputs], &[], arithmetic, kernels);
    let layout = layer.input_layout();
    let threads = rayon::current_num_threads();
    let memory: Vec<_> = (0..threads).map(|_| layout.memory(rows)).collect();
    let start = Instant::now();
    let mut most = 0.0f64;
    while start.elapsed() < TIME {
        let start = Instant::now();
        memory.par_iter().with_max_len(1).for_each(|memory| {
            layer.multiply(memory.units(), rows, |_, tile, _| {
                // The compiler must not leave the product out.
                std::hint::black_box(&*tile);
            });
        });
        let operations = 2.0 * (threads * rows * inputs * outputs) as f64;
        most = most.max(operations / start.elapsed().as_secs_f64());
    }
    most
}
