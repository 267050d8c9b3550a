//! The logits of one pass, at the output resolution of the decoder.

use crate::numeric::Interpolation;

/// Low-resolution logits of every window of one pass.
///
/// The full-size logits that the published code builds are never in memory: [`WindowLogits::at`] computes them for one
/// pixel, the label pass (`label_pass.rs`) for one row at a time.
#[derive(Clone, Debug)]
pub struct WindowLogits {
    /// Width and height of the image from which the windows were cut.
    pub size: [usize; 2],
    /// Width and height of a window in pixels.
    pub window: [usize; 2],
    /// Width and height in pixels that the grid covers: the window, or the window with its padding.
    pub stretch: [usize; 2],
    /// Columns and rows of logits in a window.
    pub grid: [usize; 2],
    /// Number of classes.
    pub classes: usize,
    /// Probability above which a pixel is of class 1 ([`crate::model::InferenceSpec::threshold`]); `None` if the most
    /// probable class is chosen.
    pub threshold: Option<f32>,
    /// Whether the image was mirrored.
    pub flip: bool,
    /// Left edges of the windows.
    pub columns: Vec<usize>,
    /// Top edges of the windows.
    pub rows: Vec<usize>,
    /// Per window, row by row: logits `[grid rows * grid columns, classes]`.
    pub windows: Vec<Vec<f32>>,
}

impl WindowLogits {
    /// The logits of a single window over the whole image. All pairs are width and height, or columns and rows.
    pub fn whole(logits: Vec<f32>, classes: usize, size: [usize; 2], grid: [usize; 2], stretch: [usize; 2]) -> Self {
        Self {
            size,
            window: size,
            stretch,
            grid,
            classes,
            threshold: None,
            flip: false,
            columns: vec![0],
            rows: vec![0],
            windows: vec![logits],
        }
    }

    /// Logits at a pixel of an output of width and height `output`, merged and resized as in the published code: the
    /// mean over the windows that cover a pixel, resized bilinearly, then mirrored back.
    pub fn at(&self, x: usize, y: usize, output: [usize; 2]) -> Vec<f32> {
        let x = if self.flip { output[0] - 1 - x } else { x };
        let columns = Interpolation::half_pixel(x, self.size[0], output[0]);
        let rows = Interpolation::half_pixel(y, self.size[1], output[1]);
        let mut logits = vec![0.0; self.classes];
        for (y, share_y) in [(rows.low, 1.0 - rows.weight), (rows.high, rows.weight)] {
            for (x, share_x) in [(columns.low, 1.0 - columns.weight), (columns.high, columns.weight)] {
                // Most shares are 0 where the output has the size of the image.
                if share_x * share_y > 0.0 {
                    self.add_merged(x, y, share_x * share_y, &mut logits);
                }
            }
        }
        logits
    }

    /// Adds `share` times the merged logits at pixel `x`, `y` of the image from which the windows were cut.
    fn add_merged(&self, x: usize, y: usize, share: f32, logits: &mut [f32]) {
        let covers = |edges: &[usize], at: usize, length: usize| -> Vec<usize> {
            (0..edges.len())
                .filter(|i| (edges[*i]..edges[*i] + length).contains(&at))
                .collect()
        };
        let columns = covers(&self.columns, x, self.window[0]);
        let rows = covers(&self.rows, y, self.window[1]);
        let share = share / (columns.len() * rows.len()) as f32;
        for &row in &rows {
            for &column in &columns {
                let values = &self.windows[row * self.columns.len() + column];
                let across = self.between(x - self.columns[column], 0);
                let down = self.between(y - self.rows[row], 1);
                for (gy, share_y) in [(down.low, 1.0 - down.weight), (down.high, down.weight)] {
                    for (gx, share_x) in [(across.low, 1.0 - across.weight), (across.high, across.weight)] {
                        let patch = &values[(gy * self.grid[0] + gx) * self.classes..][..self.classes];
                        for (sum, v) in logits.iter_mut().zip(patch) {
                            *sum += share * share_y * share_x * v;
                        }
                    }
                }
            }
        }
    }

    /// Position of a pixel of a window between its logits; axis 0 is horizontal, 1 is vertical.
    pub(super) fn between(&self, pixel: usize, axis: usize) -> Interpolation {
        Interpolation::half_pixel(pixel, self.grid[axis], self.stretch[axis])
    }

    /// Size of the logits in bytes.
    pub fn bytes(&self) -> usize {
        self.windows.iter().map(|w| w.len() * size_of::<f32>()).sum()
    }
}
