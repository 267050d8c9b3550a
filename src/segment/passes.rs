//! Plans the sizes, flips and windows of an image that the network sees.

use std::borrow::Cow;

use crate::model::{InferenceSpec, Normalisation, Padding, WindowMode, WindowRules};
use crate::numeric::Interpolation;
use crate::photo::Photo;

/// How a model is run on an image.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceConfig {
    /// Side of the window in pixels.
    pub window: usize,
    /// Distance between two windows in pixels.
    pub stride: usize,
    /// Length in pixels to which the short side of a larger image is reduced; `None` keeps the size of the image.
    pub short_side: Option<usize>,
    /// Scales to average over, relative to the reduced image. A single scale of 1.0 is the plain run.
    pub scales: Vec<f64>,
    /// Whether to average over the mirrored image too.
    pub flip: bool,
    /// How images that are smaller than the window, and padded windows, are handled.
    pub rules: WindowRules,
    /// Whether a window slides over the image, or one window covers all of it. In the latter case, window, stride and
    /// rules are not used.
    pub mode: WindowMode,
    /// Normalisation of pixel values; `None` for the model's own.
    pub normalisation: Option<Normalisation>,
    /// Whether the labels are made to follow the edges of the photo ([`super::Prediction::refine_edges`]).
    pub refine_edges: bool,
}

/// Longest side in pixels of an image that is run in one window.
const MAX_WHOLE_SIDE: usize = 8192;

/// Maximum number of windows in a run: ten times those of a 12-megapixel image at full size with the smallest usual
/// window.
const MAX_WINDOWS: usize = 8192;

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A setting is out of bounds.
    #[error("{0}")]
    Setting(String),
    /// The image would need too many windows.
    #[error(
        "this image of {width} x {height} pixels would need {windows} windows, more than {MAX_WINDOWS}; use a larger \
         stride or window, reduce its short side, or make it smaller"
    )]
    TooManyWindows {
        /// Width of the image.
        width: usize,
        /// Height of the image.
        height: usize,
        /// Number of windows over all scales and flips.
        windows: usize,
    },
}

impl InferenceConfig {
    /// The plain run that the model's authors evaluate: one scale, no flip.
    pub fn of(spec: &InferenceSpec) -> Self {
        Self {
            window: spec.window,
            stride: spec.stride,
            short_side: spec.short_side,
            scales: vec![1.0],
            flip: false,
            rules: spec.rules,
            mode: spec.mode,
            normalisation: None,
            refine_edges: false,
        }
    }

    /// Checks the bounds of every setting.
    ///
    /// # Errors
    /// When a setting is out of bounds; the message names it.
    pub fn check(&self, patch: usize) -> Result<(), PlanError> {
        let fail = |text: String| Err(PlanError::Setting(text));
        if !(patch..=8192).contains(&self.window) {
            return fail(format!(
                "window: expected {patch} (one patch) to 8192 pixels, found {}",
                self.window
            ));
        }
        if !(1..=self.window).contains(&self.stride) {
            return fail(format!(
                "stride: expected 1 to {} (the window) pixels, found {}",
                self.window, self.stride
            ));
        }
        if self.scales.is_empty() || self.scales.len() > 16 {
            return fail(format!("scales: expected 1 to 16 of them, found {}", self.scales.len()));
        }
        if let Some(scale) = self.scales.iter().find(|s| !(0.1..=4.0).contains(*s)) {
            return fail(format!("scales: expected values from 0.1 to 4, found {scale}"));
        }
        if let Some(side) = self.short_side.filter(|side| !(16..=16_384).contains(side)) {
            return fail(format!("short side: expected 16 to 16384 pixels, found {side}"));
        }
        Ok(())
    }

    /// Plans one pass per scale and flip over `photo`.
    ///
    /// # Errors
    /// When a setting is out of bounds or the image would need too many windows.
    pub fn passes<'a>(&self, photo: &'a Photo, patch: usize) -> Result<Vec<Pass<'a>>, PlanError> {
        self.check(patch)?;
        let mut windows = 0;
        for scale in &self.scales {
            let size = self.size_of(scaled_size(photo, self.short_side, *scale));
            self.check_whole(size)?;
            windows += self.windows_over(size) * (1 + usize::from(self.flip));
        }
        if windows > MAX_WINDOWS {
            let (width, height) = (photo.width, photo.height);
            return Err(PlanError::TooManyWindows { width, height, windows });
        }
        let mut passes = Vec::new();
        for scale in &self.scales {
            let size = scaled_size(photo, self.short_side, *scale);
            let image = if size == [photo.width, photo.height] {
                Cow::Borrowed(photo)
            } else {
                Cow::Owned(photo.resized(size[0], size[1]))
            };
            if self.flip {
                passes.push(Pass::new(image.clone(), false, self));
                passes.push(Pass::new(image, true, self));
            } else {
                passes.push(Pass::new(image, false, self));
            }
        }
        Ok(passes)
    }

    /// Number of windows of the plain run over `photo`: one scale, not mirrored.
    pub fn windows(&self, photo: &Photo) -> usize {
        let size = self.size_of(scaled_size(photo, self.short_side, 1.0));
        self.windows_over(size)
    }

    /// Number of windows over an image of `size`, which must be its final size.
    fn windows_over(&self, size: [usize; 2]) -> usize {
        let window = self.window_over(size);
        let count = |axis: usize| anchor_count(size[axis], window[axis], self.stride.max(1));
        count(0) * count(1)
    }

    /// Width and height of the windows over an image of `size`.
    fn window_over(&self, size: [usize; 2]) -> [usize; 2] {
        match self.mode {
            WindowMode::Slide => size.map(|side| self.window.min(side)),
            WindowMode::Whole => size,
        }
    }

    /// The final size at which an image of `size` is cut into windows.
    fn size_of(&self, size: [usize; 2]) -> [usize; 2] {
        match (self.mode, self.rules) {
            (WindowMode::Slide, WindowRules::Enlarge) => raised_size(size, self.window),
            (WindowMode::Slide, WindowRules::Shrink) | (WindowMode::Whole, _) => size,
        }
    }

    /// Refuses an image that is too large for one window.
    fn check_whole(&self, [width, height]: [usize; 2]) -> Result<(), PlanError> {
        if self.mode == WindowMode::Slide || width.max(height) <= MAX_WHOLE_SIDE {
            return Ok(());
        }
        Err(PlanError::Setting(format!(
            "this model runs on the whole image at once, which would have {width} x {height} pixels, more than \
             {MAX_WHOLE_SIDE} per side; reduce its short side, or choose a window"
        )))
    }
}

/// One run of the network over all windows of an image at one scale, mirrored or not.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    pub(super) image: Cow<'a, Photo>,
    /// Whether the image is mirrored.
    pub flip: bool,
    /// Width and height of the image, after enlarging the short side to the window where the rules require it.
    pub size: [usize; 2],
    /// Width and height of a window; smaller than in the settings only where the image is smaller.
    pub window: [usize; 2],
    /// Normalisation of pixel values; `None` for the model's own.
    pub normalisation: Option<Normalisation>,
    /// Left edges of the windows.
    pub columns: Vec<usize>,
    /// Top edges of the windows.
    pub rows: Vec<usize>,
}

impl<'a> Pass<'a> {
    /// Cuts `image` into windows without scaling it first, with the window, stride and rules of `settings`.
    pub fn new(image: Cow<'a, Photo>, flip: bool, settings: &InferenceConfig) -> Self {
        let size = settings.size_of([image.width, image.height]);
        let window = settings.window_over(size);
        Self {
            flip,
            size,
            window,
            normalisation: settings.normalisation,
            columns: anchors(size[0], window[0], settings.stride),
            rows: anchors(size[1], window[1], settings.stride),
            image,
        }
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// Left and top edge of window `i`, counted row by row.
    pub fn corner(&self, i: usize) -> [usize; 2] {
        [self.columns[i % self.columns.len()], self.rows[i / self.columns.len()]]
    }

    /// The normalised pixels of window `i`, `[3, height, width]`; `usual` is the model's own normalisation.
    pub fn pixels(&self, i: usize, usual: &Normalisation) -> Vec<f32> {
        let [left, top] = self.corner(i);
        let [width, height] = self.size;
        let photo = &*self.image;
        let [window_width, window_height] = self.window;
        let plane = window_width * window_height;
        let mut out = vec![0.0; 3 * plane];
        let columns: Vec<Interpolation> = (left..left + window_width)
            .map(|x| Interpolation::half_pixel(if self.flip { width - 1 - x } else { x }, photo.width, width))
            .collect();
        let [red, green, blue] = normalisation_table(self.normalisation.as_ref().unwrap_or(usual));
        let (reds, rest) = out.split_at_mut(plane);
        let (greens, blues) = rest.split_at_mut(plane);
        for y in 0..window_height {
            let rows = Interpolation::half_pixel(top + y, photo.height, height);
            let [above, below] = [rows.low, rows.high].map(|r| &photo.rgb[3 * r * photo.width..][..3 * photo.width]);
            let line = y * window_width..(y + 1) * window_width;
            let planes = [
                (&mut reds[line.clone()], &red),
                (&mut greens[line.clone()], &green),
                (&mut blues[line], &blue),
            ];
            for (c, (out, table)) in planes.into_iter().enumerate() {
                let value = |row: &[u8], x: usize| table[usize::from(row[3 * x + c])];
                for (out, x) in out.iter_mut().zip(&columns) {
                    // Normalisation is linear, so interpolating normalised pixels equals upstream's order.
                    let lerp = |row| value(row, x.low) + (value(row, x.high) - value(row, x.low)) * x.weight;
                    let above = lerp(above);
                    *out = above + (lerp(below) - above) * rows.weight;
                }
            }
        }
        out
    }
}

/// Pads normalised pixels `[3, height, width]` with zeros on the right and at the bottom to multiples of `patch`
/// (rstrudel segm/model/utils.py, `padding`). Returns the values, and the padded height and width.
pub fn padded(values: Vec<f32>, height: usize, width: usize, patch: usize) -> (Vec<f32>, [usize; 2]) {
    padded_with(Padding::Zero, values, [height, width], patch)
}

/// As [`padded`], with the given padding.
pub(super) fn padded_with(
    padding: Padding,
    values: Vec<f32>,
    [height, width]: [usize; 2],
    patch: usize,
) -> (Vec<f32>, [usize; 2]) {
    let [to_height, to_width] = [height, width].map(|side| side.next_multiple_of(patch));
    if [to_height, to_width] == [height, width] {
        return (values, [height, width]);
    }
    let mut out = vec![0.0; 3 * to_height * to_width];
    for (from, to) in values
        .chunks_exact(height * width)
        .zip(out.chunks_exact_mut(to_height * to_width))
    {
        for (from, to) in from.chunks_exact(width).zip(to.chunks_exact_mut(to_width)) {
            to[..width].copy_from_slice(from);
            if padding == Padding::Edge {
                to[width..].fill(from[width - 1]);
            }
        }
        if padding == Padding::Edge {
            let (rows, below) = to.split_at_mut(height * to_width);
            for to in below.chunks_exact_mut(to_width) {
                to.copy_from_slice(&rows[(height - 1) * to_width..]);
            }
        }
    }
    (out, [to_height, to_width])
}

/// Normalised values of all bytes, per channel.
fn normalisation_table(n: &Normalisation) -> [[f32; 256]; 3] {
    std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - n.mean[c]) / n.std[c]))
}

/// Width and height of the image at one scale: the short side as in the settings, the aspect ratio kept (mmcv's
/// `imrescale`).
///
/// The published pipeline also limits the long side, to 2 to 8 times the short one depending on the data set. That
/// limit is omitted: it would make the short side of a panorama smaller than the model was trained for.
fn scaled_size(photo: &Photo, short_side: Option<usize>, scale: f64) -> [usize; 2] {
    let (width, height) = (photo.width as f64, photo.height as f64);
    let short = width.min(height);
    let base = short_side.map_or(short, |side| short.min(side as f64));
    if base == short && scale == 1.0 {
        return [photo.width, photo.height];
    }
    let factor = (base * scale).floor() / short;
    [width, height].map(|side| ((side * factor + 0.5) as usize).max(1))
}

/// Enlarges the short side to the window, and the long side to the floor of ratio x window.
fn raised_size([width, height]: [usize; 2], window: usize) -> [usize; 2] {
    if width.min(height) >= window {
        return [width, height];
    }
    if height < width {
        [(width as f64 / height as f64 * window as f64) as usize, window]
    } else {
        [window, (height as f64 / width as f64 * window as f64) as usize]
    }
}

fn anchor_count(length: usize, window: usize, stride: usize) -> usize {
    (length - window).div_ceil(stride) + 1
}

/// 0, stride, 2 stride, … strictly below `length - window`, then `length - window`.
fn anchors(length: usize, window: usize, stride: usize) -> Vec<usize> {
    let last = length - window;
    (0..last).step_by(stride).chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_window_is_flush_with_the_edge() {
        assert_eq!(anchors(210, 64, 48), [0, 48, 96, 144, 146]);
        assert_eq!(anchors(64, 64, 48), [0]);
        assert_eq!(anchors(112, 64, 48), [0, 48]);
        for (length, window, stride) in [(210, 64, 48), (64, 64, 48), (112, 64, 48), (65, 64, 64)] {
            assert_eq!(
                anchor_count(length, window, stride),
                anchors(length, window, stride).len()
            );
        }
    }

    #[test]
    fn small_image_is_enlarged_to_the_window() {
        assert_eq!(raised_size([84, 60], 64), [89, 64]);
        assert_eq!(raised_size([30, 20], 384), [576, 384]);
        assert_eq!(raised_size([20, 30], 384), [384, 576]);
        assert_eq!(raised_size([512, 384], 384), [512, 384]);
    }

    fn settings() -> InferenceConfig {
        InferenceConfig {
            window: 64,
            stride: 48,
            short_side: Some(64),
            scales: vec![1.0],
            flip: false,
            rules: WindowRules::Enlarge,
            mode: WindowMode::Whole,
            normalisation: None,
            refine_edges: false,
        }
    }

    fn photo(width: usize, height: usize) -> Photo {
        Photo::new(width, height, vec![0; 3 * width * height])
    }

    #[test]
    fn whole_mode_uses_one_window_for_any_aspect_ratio() {
        // Reduced to a short side of 64; a smaller image keeps its size, although the window rules would enlarge it.
        for ([width, height], size) in [([200, 100], [128, 64]), ([50, 40], [50, 40]), ([64, 640], [64, 640])] {
            let photo = photo(width, height);
            let passes = settings().passes(&photo, 16).expect("one window");
            let [pass] = &passes[..] else {
                panic!("{} passes", passes.len())
            };
            assert_eq!((pass.size, pass.window), (size, size));
            assert_eq!((pass.windows(), settings().windows(&photo)), (1, 1));
            assert_eq!(pass.corner(0), [0, 0]);
        }
        let (settings, long) = (settings(), photo(64, 8200));
        let long = settings.passes(&long, 16);
        assert!(
            matches!(&long, Err(PlanError::Setting(why)) if why.contains("64 x 8200")),
            "{long:?}"
        );
    }

    #[test]
    fn padding_repeats_the_edge_or_is_zero() {
        let values: Vec<f32> = (1..=18).map(|value| value as f32).collect();
        let (zero, size) = padded(values.clone(), 2, 3, 4);
        assert_eq!((size, &zero[..8]), ([4, 4], &[1., 2., 3., 0., 4., 5., 6., 0.][..]));
        assert_eq!(zero[8..16], [0.0; 8]);
        let (edge, size) = padded_with(Padding::Edge, values, [2, 3], 4);
        assert_eq!(size, [4, 4]);
        for (plane, first) in edge.chunks_exact(16).zip([1., 7., 13.]) {
            let row = |first: f32| [first, first + 1.0, first + 2.0, first + 2.0];
            assert_eq!(plane[..4], row(first));
            for below in plane[4..].chunks_exact(4) {
                assert_eq!(below, row(first + 3.0));
            }
        }
    }

    #[test]
    fn extremely_narrow_image_is_refused() {
        let photo = photo(60_000, 1);
        let settings = InferenceConfig {
            window: 384,
            stride: 384,
            short_side: Some(384),
            mode: WindowMode::Slide,
            ..settings()
        };
        assert!(matches!(
            settings.passes(&photo, 16),
            Err(PlanError::TooManyWindows { .. })
        ));
    }
}
