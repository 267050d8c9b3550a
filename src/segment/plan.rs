//! Which sizes, flips and windows of a photo the network sees.

use std::borrow::Cow;

use crate::model::{InferenceSpec, Normalisation, WindowMode, WindowRules};
use crate::numeric::Between;
use crate::photo::Photo;

/// How a photo is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Side of the window in pixels.
    pub window: usize,
    /// Distance between windows in pixels.
    pub stride: usize,
    /// Reduce the short side of a larger photo to this; `None` keeps the photo's own size.
    pub short_side: Option<usize>,
    /// Sizes to average over, relative to the reduced photo. One scale of 1.0 is the plain run.
    pub scales: Vec<f64>,
    /// Average over the mirrored picture too.
    pub flip: bool,
    /// What happens to photos and windows of unusual sizes.
    pub rules: WindowRules,
    /// Whether there are windows at all, or one over the whole photo; window, stride and rules say nothing then.
    pub mode: WindowMode,
    /// How pixel values are normalised; `None` for the model's own way.
    pub normalisation: Option<Normalisation>,
}

/// Longest side in pixels of a photo that is run in one window.
const MOST_WHOLE_SIDE: usize = 8192;

/// Most windows in one run: ten times a 12-megapixel photo at full size with the smallest usual window.
const MOST_WINDOWS: usize = 8192;

/// A setting that no run can have.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A setting outside its bounds.
    #[error("{0}")]
    Setting(String),
    /// The photo would need too many windows.
    #[error(
        "this photo of {width} x {height} would need {windows} windows, more than {MOST_WINDOWS}; use a larger stride or window, reduce its short side, or make it smaller"
    )]
    TooManyWindows {
        /// Photo width.
        width: usize,
        /// Photo height.
        height: usize,
        /// Windows over all scales and flips.
        windows: usize,
    },
}

impl Settings {
    /// The plain run that a model's authors evaluate: one scale, no flip.
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
        }
    }

    /// Checks the bounds of every setting.
    ///
    /// # Errors
    /// A sentence that names the setting.
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

    /// One pass per scale and flip over `photo`.
    ///
    /// # Errors
    /// When a setting is out of bounds or the photo would need too many windows.
    pub fn passes<'a>(&self, photo: &'a Photo, patch: usize) -> Result<Vec<Pass<'a>>, PlanError> {
        self.check(patch)?;
        let mut windows = 0;
        for scale in &self.scales {
            let size = self.size_of(scaled_size(photo, self.short_side, *scale));
            self.check_whole(size)?;
            windows += self.windows_over(size) * (1 + usize::from(self.flip));
        }
        if windows > MOST_WINDOWS {
            let (width, height) = (photo.width, photo.height);
            return Err(PlanError::TooManyWindows { width, height, windows });
        }
        let mut passes = Vec::new();
        for scale in &self.scales {
            let size = scaled_size(photo, self.short_side, *scale);
            let picture = if size == [photo.width, photo.height] {
                Cow::Borrowed(photo)
            } else {
                Cow::Owned(photo.resized(size[0], size[1]))
            };
            if self.flip {
                passes.push(Pass::new(picture.clone(), false, self));
                passes.push(Pass::new(picture, true, self));
            } else {
                passes.push(Pass::new(picture, false, self));
            }
        }
        Ok(passes)
    }

    /// Windows of the plain run over `photo`: one scale, not mirrored.
    pub fn windows(&self, photo: &Photo) -> usize {
        let size = self.size_of(scaled_size(photo, self.short_side, 1.0));
        self.windows_over(size)
    }

    /// Windows over a picture of `size` that is not to change its size any more.
    fn windows_over(&self, size: [usize; 2]) -> usize {
        let window = self.window_over(size);
        let count = |axis: usize| anchor_count(size[axis], window[axis], self.stride.max(1));
        count(0) * count(1)
    }

    /// Width and height of the windows over a picture of `size`.
    fn window_over(&self, size: [usize; 2]) -> [usize; 2] {
        match self.mode {
            WindowMode::Slide => size.map(|side| self.window.min(side)),
            WindowMode::Whole => size,
        }
    }

    /// The size at which a picture of `size` is cut into windows.
    fn size_of(&self, size: [usize; 2]) -> [usize; 2] {
        match (self.mode, self.rules) {
            (WindowMode::Slide, WindowRules::Enlarge) => raised_size(size, self.window),
            (WindowMode::Slide, WindowRules::Shrink) | (WindowMode::Whole, _) => size,
        }
    }

    /// Refuses a picture that is too large for one window.
    fn check_whole(&self, [width, height]: [usize; 2]) -> Result<(), PlanError> {
        if self.mode == WindowMode::Slide || width.max(height) <= MOST_WHOLE_SIDE {
            return Ok(());
        }
        Err(PlanError::Setting(format!(
            "this model sees a photo all at once, which would be {width} x {height} pixels, more than \
             {MOST_WHOLE_SIDE} a side; reduce its short side, or choose a window"
        )))
    }
}

/// One run over one picture of one size: which windows are cut from it.
#[derive(Clone, Debug)]
pub struct Pass<'a> {
    pub(super) picture: Cow<'a, Photo>,
    /// Whether the picture is mirrored first.
    pub flip: bool,
    /// Width and height, perhaps after raising the short side to the window.
    pub size: [usize; 2],
    /// Width and height of a window; smaller than asked for only where the picture is.
    pub window: [usize; 2],
    /// How pixel values are normalised; `None` for the model's own way.
    pub normalisation: Option<Normalisation>,
    /// Left edges of the windows.
    pub columns: Vec<usize>,
    /// Top edges of the windows.
    pub rows: Vec<usize>,
}

impl<'a> Pass<'a> {
    /// Windows over `picture` as it is, by the window, stride and rules of `settings`.
    pub fn new(picture: Cow<'a, Photo>, flip: bool, settings: &Settings) -> Self {
        let size = settings.size_of([picture.width, picture.height]);
        let window = settings.window_over(size);
        Self {
            flip,
            size,
            window,
            normalisation: settings.normalisation,
            columns: anchors(size[0], window[0], settings.stride),
            rows: anchors(size[1], window[1], settings.stride),
            picture,
        }
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// Left and top edge of window `i`, row by row.
    pub fn corner(&self, i: usize) -> [usize; 2] {
        [self.columns[i % self.columns.len()], self.rows[i / self.columns.len()]]
    }

    /// The normalised pixels of window `i`, `[3, height, width]`; `usual` is the model's own normalisation.
    pub fn pixels(&self, i: usize, usual: &Normalisation) -> Vec<f32> {
        let [left, top] = self.corner(i);
        let [width, height] = self.size;
        let photo = &*self.picture;
        let [window_width, window_height] = self.window;
        let plane = window_width * window_height;
        let mut out = vec![0.0; 3 * plane];
        let columns: Vec<Between> = (left..left + window_width)
            .map(|x| Between::half_pixel(if self.flip { width - 1 - x } else { x }, photo.width, width))
            .collect();
        let [red, green, blue] = normalisation_table(self.normalisation.as_ref().unwrap_or(usual));
        let (reds, rest) = out.split_at_mut(plane);
        let (greens, blues) = rest.split_at_mut(plane);
        for y in 0..window_height {
            let rows = Between::half_pixel(top + y, photo.height, height);
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
                    // Normalisation is linear, so interpolating normalised pixels here equals upstream's order.
                    let lerp = |row| value(row, x.low) + (value(row, x.high) - value(row, x.low)) * x.weight;
                    let above = lerp(above);
                    *out = above + (lerp(below) - above) * rows.weight;
                }
            }
        }
        out
    }
}

/// Pads `[3, height, width]` with zeros on the right and at the bottom to multiples of `patch`, in normalised space
/// (rstrudel segm/model/utils.py, `padding`). Returns the values with padded height and width.
pub fn padded(values: Vec<f32>, height: usize, width: usize, patch: usize) -> (Vec<f32>, [usize; 2]) {
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
        }
    }
    (out, [to_height, to_width])
}

/// Normalised value of each byte, per channel.
fn normalisation_table(n: &Normalisation) -> [[f32; 256]; 3] {
    std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - n.mean[c]) / n.std[c]))
}

/// The size at which one scale runs: the short side as asked for, the ratio kept (mmcv's `imrescale`).
///
/// The published pipeline also bounds the long side, to 2 to 8 times the short one by data set. That bound is left
/// out: it would make the short side of a panorama smaller than the model was trained for.
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

/// Short side raised to the window, long side to the floor of ratio x window.
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
    fn the_last_window_is_flush_with_the_edge() {
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
    fn a_small_picture_is_raised_to_the_window() {
        assert_eq!(raised_size([84, 60], 64), [89, 64]);
        assert_eq!(raised_size([30, 20], 384), [576, 384]);
        assert_eq!(raised_size([20, 30], 384), [384, 576]);
        assert_eq!(raised_size([512, 384], 384), [512, 384]);
    }

    fn settings() -> Settings {
        Settings {
            window: 64,
            stride: 48,
            short_side: Some(64),
            scales: vec![1.0],
            flip: false,
            rules: WindowRules::Enlarge,
            mode: WindowMode::Whole,
            normalisation: None,
        }
    }

    fn photo(width: usize, height: usize) -> Photo {
        Photo::new(width, height, vec![0; 3 * width * height])
    }

    #[test]
    fn the_whole_photo_is_one_window_whatever_its_ratio() {
        // Reduced to the short side of 64; a smaller photo stays as it is, although the window would enlarge it.
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
    fn a_needle_of_a_photo_is_refused_not_attempted() {
        let photo = photo(60_000, 1);
        let settings = Settings {
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
