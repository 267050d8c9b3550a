//! Runs one window of an image, or the whole image in one window, for an attention trace.

use super::InferenceRun;
use super::passes::{InferenceConfig, Pass, PlanError, padded_with};
use crate::model::{Cancelled, Features, LastUpsampling, Probe, WindowMode, WindowRules};
use crate::photo::Photo;

use burn::tensor::{Tensor, TensorData};

/// Maximum number of patches in a trace: four times those of 512x512 pixels with patch size 8.
const MAX_PATCHES: usize = 16_384;

/// The part of an image that is traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Region {
    /// The whole image in one window. Its short side is resized to the short side of the inference settings, or else to
    /// their window; position embeddings are resized to the rectangle.
    #[default]
    Whole,
    /// One window of the plain run, counted row by row.
    Window(usize),
}

/// The area that the patches of a window cover in an image, in its pixels; extends beyond the image where the window
/// was padded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Left edge of the first column of patches.
    pub left: f32,
    /// Top edge of the first row of patches.
    pub top: f32,
    /// Right edge of the last column.
    pub right: f32,
    /// Bottom edge of the last row of patches.
    pub bottom: f32,
}

impl Frame {
    /// The patch at a pixel of the image, if there is one, in a grid of rows and columns.
    pub fn patch_at(&self, [x, y]: [f32; 2], [rows, columns]: [usize; 2]) -> Option<usize> {
        let column = (x - self.left) / (self.right - self.left) * columns as f32;
        let row = (y - self.top) / (self.bottom - self.top) * rows as f32;
        let trace = (0.0..columns as f32).contains(&column) && (0.0..rows as f32).contains(&row);
        trace.then_some(row as usize * columns + column as usize)
    }

    /// Left, top, right and bottom edge of a patch in the image.
    pub fn patch(&self, patch: usize, [rows, columns]: [usize; 2]) -> [f32; 4] {
        let (row, column) = ((patch / columns) as f32, (patch % columns) as f32);
        let (width, height) = (
            (self.right - self.left) / columns as f32,
            (self.bottom - self.top) / rows as f32,
        );
        let (left, top) = (self.left + column * width, self.top + row * height);
        [left, top, left + width, top + height]
    }
}

impl InferenceConfig {
    /// Resizes a photo and returns it with settings for a single pass with one window over all of it; see
    /// [`Region::Whole`].
    ///
    /// # Errors
    /// When it has too many patches, or a side is too long for one window.
    pub fn whole(&self, photo: &Photo, patch: usize) -> Result<(Photo, Self), PlanError> {
        let short = self.short_side.unwrap_or(self.window);
        let scale = short as f64 / photo.width.min(photo.height).max(1) as f64;
        let size = [photo.width, photo.height].map(|side| ((side as f64 * scale).round() as usize).max(1));
        check_patches(size, patch)?;
        if size.iter().any(|side| *side > MAX_SIDE) {
            return Err(PlanError::Setting(format!(
                "this image would have {} x {} pixels, more than the maximum of {MAX_SIDE} per side for an attention \
                 trace; choose one window, or a smaller short side",
                size[0], size[1]
            )));
        }
        let settings = Self {
            window: MAX_SIDE,
            stride: MAX_SIDE,
            short_side: None,
            scales: vec![1.0],
            flip: false,
            rules: WindowRules::Shrink,
            mode: WindowMode::Slide,
            normalisation: self.normalisation,
            refine_edges: false,
        };
        Ok((photo.resized(size[0], size[1]), settings))
    }

    /// Settings for the plain run: one scale, not mirrored.
    pub fn plain(&self) -> Self {
        Self {
            scales: vec![1.0],
            flip: false,
            refine_edges: false,
            ..self.clone()
        }
    }
}

/// Refuses more than [`MAX_PATCHES`] patches.
fn check_patches(size: [usize; 2], patch: usize) -> Result<(), PlanError> {
    let patches: usize = size.map(|side| side.div_ceil(patch)).iter().product();
    if patches > MAX_PATCHES {
        return Err(PlanError::Setting(format!(
            "this image has {patches} patches, more than the maximum of {MAX_PATCHES} for an attention trace; choose \
             one window, or a smaller short side"
        )));
    }
    Ok(())
}

/// Longest side of a traced window in pixels.
const MAX_SIDE: usize = 8192;

impl<'a> Pass<'a> {
    /// The pass with only one of its windows.
    ///
    /// # Errors
    /// When there is no such window, or it has too many patches for a trace.
    pub fn only(&self, window: usize, patch: usize) -> Result<Pass<'a>, PlanError> {
        if window >= self.windows() {
            return Err(PlanError::Setting(format!(
                "window: expected 1 to {}, found {}",
                self.windows(),
                window + 1
            )));
        }
        check_patches(self.window, patch)?;
        let [left, top] = self.corner(window);
        Ok(Pass {
            columns: vec![left],
            rows: vec![top],
            ..self.clone()
        })
    }

    /// The area that the patches of its first window cover in an image of width and height `photo`.
    pub fn frame(&self, photo: [usize; 2], patch: usize) -> Frame {
        let [left, top] = self.corner(0);
        let across = photo[0] as f32 / self.size[0] as f32;
        let down = photo[1] as f32 / self.size[1] as f32;
        let [width, height] = self.window.map(|side| side.next_multiple_of(patch) as f32);
        Frame {
            left: left as f32 * across,
            top: top as f32 * down,
            right: (left as f32 + width) * across,
            bottom: (top as f32 + height) * down,
        }
    }
}

impl InferenceRun<'_> {
    /// Runs encoder and decoder over the first window of `pass`, observed by `probe`.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe stops the run.
    pub fn trace(&self, pass: &Pass, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let pixels = pass.pixels(0, &self.spec.normalisation);
        let [width, height] = pass.window;
        let padding = self.spec.inference.padding;
        let (pixels, [height, width]) = padded_with(padding, pixels, [height, width], self.spec.encoder.multiple());
        let image = Tensor::from_data(TensorData::new(pixels, [1, 3, height, width]), self.device);
        let features = self.model.encode(image, probe)?;
        self.model
            .decode(&features, self.output, LastUpsampling::LeftOut, probe)?;
        Ok(features)
    }
}
