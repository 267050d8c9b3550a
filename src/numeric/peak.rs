//! The measured peak of the processor.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::kernels::{Arithmetic, Kernels, TILE_COLUMNS, TILE_ROWS};
use super::simd;

/// How long the loops run.
const TIME: Duration = Duration::from_millis(300);

impl Kernels {
    /// Multiplications and additions per second of all threads together, in loops of products whose operands stay in the
    /// nearest cache; the largest of several measurements. `None` for portable kernels.
    ///
    /// Where the kernels have no products of bf16, those of f32 take their place.
    pub fn peak(&self, arithmetic: Arithmetic) -> Option<f64> {
        const REPEATED: usize = 100_000;
        let peak = simd::peak(self.isa(), arithmetic)?;
        let threads = rayon::current_num_threads();
        let start = Instant::now();
        let mut most = 0.0f64;
        while start.elapsed() < TIME {
            let start = Instant::now();
            (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
                let mut tile = [[0.0; TILE_COLUMNS]; TILE_ROWS];
                peak.repeat(REPEATED, &mut tile);
                // The compiler must not leave the loop out.
                std::hint::black_box(&tile);
            });
            let operations = (threads * REPEATED * peak.operations) as f64;
            most = most.max(operations / start.elapsed().as_secs_f64());
        }
        Some(most)
    }
}
