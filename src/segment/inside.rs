//! One window of a photo, or the whole of it at once, run for looking inside.

use super::plan::{Pass, PlanError, Settings};
use super::{Run, padded};
use crate::model::{Cancelled, Features, LastUpsampling, Probe, WindowMode, WindowRules};
use crate::photo::Photo;

use burn::tensor::{Tensor, TensorData};

/// Most patches that are looked into at once: four times those of 512x512 pixels with patch 8.
const MOST_PATCHES: usize = 16_384;

/// Which part of a photo is looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Region {
    /// All of it in one window, its short side brought to the size that the model was made for; position embeddings
    /// are resized to the rectangle.
    #[default]
    Whole,
    /// One window of the plain run, row by row.
    Window(usize),
}

/// Where the patches of a window lie in a photo, in its pixels; beyond its edges where the window was padded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Left edge of the first column of patches.
    pub left: f32,
    /// Top edge of the first row.
    pub top: f32,
    /// Right edge of the last column.
    pub right: f32,
    /// Bottom edge of the last row.
    pub bottom: f32,
}

impl Frame {
    /// The patch of `grid` (rows and columns) at a pixel of the photo, if there is one.
    pub fn patch_at(&self, [x, y]: [f32; 2], [rows, columns]: [usize; 2]) -> Option<usize> {
        let column = (x - self.left) / (self.right - self.left) * columns as f32;
        let row = (y - self.top) / (self.bottom - self.top) * rows as f32;
        let inside = (0.0..columns as f32).contains(&column) && (0.0..rows as f32).contains(&row);
        inside.then_some(row as usize * columns + column as usize)
    }

    /// Left, top, right and bottom of a patch in the photo.
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

impl Settings {
    /// A photo and settings under which its one pass has one window, the whole of it; see [`Region::Whole`].
    ///
    /// # Errors
    /// When it has too many patches, or a side is too long, to be looked into at once.
    pub fn whole(&self, photo: &Photo, patch: usize) -> Result<(Photo, Self), PlanError> {
        let short = self.short_side.unwrap_or(self.window);
        let scale = short as f64 / photo.width.min(photo.height).max(1) as f64;
        let size = [photo.width, photo.height].map(|side| ((side as f64 * scale).round() as usize).max(1));
        check_patches(size, patch)?;
        if size.iter().any(|side| *side > MOST_SIDE) {
            return Err(PlanError::Setting(format!(
                "this photo would be {} x {} pixels, more than the {MOST_SIDE} a side that can be looked into at once; \
                 choose one window, or a smaller short side",
                size[0], size[1]
            )));
        }
        let settings = Self {
            window: MOST_SIDE,
            stride: MOST_SIDE,
            short_side: None,
            scales: vec![1.0],
            flip: false,
            rules: WindowRules::Shrink,
            mode: WindowMode::Slide,
            normalisation: self.normalisation,
        };
        Ok((photo.resized(size[0], size[1]), settings))
    }

    /// The plain run over a photo: one scale, not mirrored.
    pub fn plain(&self) -> Self {
        Self {
            scales: vec![1.0],
            flip: false,
            ..self.clone()
        }
    }
}

/// Refuses more patches than can be looked into at once.
fn check_patches(size: [usize; 2], patch: usize) -> Result<(), PlanError> {
    let patches: usize = size.map(|side| side.div_ceil(patch)).iter().product();
    if patches > MOST_PATCHES {
        return Err(PlanError::Setting(format!(
            "this photo has {patches} patches, more than the {MOST_PATCHES} that can be looked into at once; choose one \
             window, or a smaller short side"
        )));
    }
    Ok(())
}

/// Largest window in pixels.
const MOST_SIDE: usize = 8192;

impl<'a> Pass<'a> {
    /// The pass with one of its windows alone.
    ///
    /// # Errors
    /// When there is no such window, or it has too many patches to be looked into.
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

    /// Where the patches of its first window lie in a photo of `photo` width and height.
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

impl Run<'_> {
    /// Runs encoder and decoder over the first window of `pass`, for what `probe` wants to see.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
    pub fn trace(&self, pass: &Pass, probe: &mut dyn Probe) -> Result<Features, Cancelled> {
        let pixels = pass.pixels(0, &self.spec.normalisation);
        let [width, height] = pass.window;
        let (pixels, [height, width]) = padded(pixels, height, width, self.spec.encoder.multiple());
        let image = Tensor::from_data(TensorData::new(pixels, [1, 3, height, width]), self.device);
        let features = self.model.encode(image, probe)?;
        self.model
            .decode(&features, self.output, LastUpsampling::LeftOut, probe)?;
        Ok(features)
    }
}
