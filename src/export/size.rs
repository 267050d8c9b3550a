//! Estimates of file sizes from a few bands of rows, which are encoded and scaled up.
//!
//! For all formats of an 11-megapixel image this takes about 30 ms on two cores. Measured on the sample's image and
//! labels at 1.2 and 11 megapixels, estimates for images are within a factor of 1.25 of the file size and those for
//! masks within 1.4; the error can be larger where the rows between the bands differ from those in them. An image that
//! is no larger than a sample is encoded completely, and its estimate is exact.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::Content;
use super::{FigureFormat, Options, Subject, label_png, legend};
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Number of pixels that are encoded of each image.
const SAMPLE: usize = 300_000;

/// Number of pixels that are encoded of all masks together, which are mostly black and fast to encode.
const MASK_SAMPLE: usize = 4 * SAMPLE;

/// Minimum number of rows of a mask; with fewer rows, the fixed start of every PNG is mistaken for content.
const MASK_ROWS: usize = 16;

/// Maximum number of bands in a sample.
const BANDS: usize = 8;

/// Bytes of signature, header, end and the frames of the data in every PNG.
const FRAME: usize = 63;

/// Bytes of a palette without its colours.
const PALETTE_FRAME: usize = 12;

/// Estimated size of each of these files in bytes; 0 for a file that cannot be encoded.
pub(super) fn estimates(subject: &Subject, options: &Options, contents: &[Content]) -> Vec<u64> {
    let size = [subject.photo.width, subject.photo.height];
    let masks = contents.iter().filter(|c| matches!(c, Content::Mask(_))).count();
    let whole = size[0] * size[1] <= SAMPLE;
    let large = Sample::of(subject, &bands(size, SAMPLE));
    let of_mask = if whole {
        SAMPLE
    } else {
        (MASK_SAMPLE / masks.max(1)).max(MASK_ROWS * size[0])
    };
    let small = Sample::of(subject, &bands(size, of_mask));
    // The legend is not part of the bands, whose rows have moved from their place in the image.
    let plain = Options {
        legend: options.legend && whole,
        ..options.clone()
    };
    contents
        .par_iter()
        .map(|content| match content {
            Content::ClassList => content.bytes(subject, options).map_or(0, |bytes| bytes.len() as u64),
            Content::Mask(_) => small.estimate(*content, subject, &plain),
            Content::Overlay if options.legend && !whole => {
                let pixels = large.estimate(*content, subject, &plain);
                in_figure(pixels + legend_estimate(subject, options), options.figures)
            }
            _ => large.estimate(*content, subject, &plain),
        })
        .collect()
}

/// Bytes of a figure whose pixels take this many as PNG. An SVG has them in base64. A PDF has them compressed without the
/// filters of PNG, which was measured as 1.2 to 1.6 times as large for overlays.
fn in_figure(png: u64, format: FigureFormat) -> u64 {
    match format {
        FigureFormat::Png => png,
        FigureFormat::Svg => png * 4 / 3,
        FigureFormat::Pdf => png * 7 / 5,
    }
}

/// Bytes that the legend adds to the overlay.
fn legend_estimate(subject: &Subject, options: &Options) -> u64 {
    let Some(strip) = legend::strip(subject, options, subject.photo.height) else {
        return 0;
    };
    let bands = bands([strip.width, strip.height], SAMPLE);
    let sampled = Photo::new(strip.width, rows(&bands), picked(&strip.rgb, 3 * strip.width, &bands));
    label_png::image(&sampled).map_or(0, |bytes| scaled(bytes.len(), FRAME, rows(&bands), strip.height))
}

/// Bands of an image, stacked as a smaller image.
struct Sample {
    photo: Photo,
    map: LabelMap,
    confidence: Vec<u16>,
}

impl Sample {
    fn of(subject: &Subject, bands: &[Range<usize>]) -> Self {
        let (width, height) = (subject.photo.width, rows(bands));
        Self {
            photo: Photo::new(width, height, picked(&subject.photo.rgb, 3 * width, bands)),
            map: LabelMap {
                width,
                height,
                ids: picked(&subject.map.ids, width, bands),
            },
            confidence: picked(subject.confidence, width, bands),
        }
    }

    /// Estimated bytes of a file of `subject`, of which this is a sample.
    fn estimate(&self, content: Content, subject: &Subject, options: &Options) -> u64 {
        let sampled = Subject {
            photo: &self.photo,
            map: &self.map,
            confidence: &self.confidence,
            classes: subject.classes,
        };
        let once = FRAME + palette_bytes(content);
        content.bytes(&sampled, options).map_or(0, |bytes| {
            scaled(bytes.len(), once, self.photo.height, subject.photo.height)
        })
    }
}

/// Bytes of the palette, which do not grow with the image.
fn palette_bytes(content: Content) -> usize {
    match content {
        Content::Labels { entries } if entries <= label_png::PALETTE => PALETTE_FRAME + 3 * entries,
        _ => 0,
    }
}

/// Bytes of `rows` rows, of which `once` do not depend on the number of rows, scaled to `height` rows.
fn scaled(bytes: usize, once: usize, rows: usize, height: usize) -> u64 {
    let grows = bytes.saturating_sub(once) as u64;
    let all = grows * height as u64 / rows.max(1) as u64;
    bytes.min(once) as u64 + all
}

/// Rows for a sample of about `pixels` pixels of an image of `[width, height]`: all of them, or up to [`BANDS`] bands
/// at equal distances. At least one row.
fn bands([width, height]: [usize; 2], pixels: usize) -> Vec<Range<usize>> {
    let wanted = (pixels / width.max(1)).max(1);
    if wanted >= height {
        return std::iter::once(0..height).collect();
    }
    let count = wanted.min(BANDS);
    let tall = wanted / count;
    (0..count)
        .map(|i| {
            let first = i * height / count + (height / count - tall) / 2;
            first..first + tall
        })
        .collect()
}

/// Number of rows in the bands.
fn rows(bands: &[Range<usize>]) -> usize {
    bands.iter().map(|band| band.len()).sum()
}

/// The values in the bands, with `stride` values per row; bands beyond the values are left out.
fn picked<T: Clone>(values: &[T], stride: usize, bands: &[Range<usize>]) -> Vec<T> {
    let mut picked = Vec::with_capacity(stride * rows(bands));
    for band in bands {
        if let Some(part) = values.get(stride * band.start..stride * band.end) {
            picked.extend_from_slice(part);
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::{bands, picked, rows, scaled};

    #[test]
    fn bands_are_inside_in_order_and_disjoint() {
        for size in [
            [1, 1],
            [4000, 3000],
            [16_384, 16_384],
            [3, 100_000],
            [400_000, 2],
            [1000, 301],
        ] {
            for pixels in [0, 1, 2000, 300_000] {
                let bands = bands(size, pixels);
                let total = rows(&bands);
                assert!(
                    total >= 1 && total * size[0] <= pixels.max(size[0]),
                    "{size:?} {pixels}"
                );
                assert!(
                    bands.last().is_some_and(|band| band.end <= size[1]),
                    "{size:?} {pixels}"
                );
                assert!(
                    bands.windows(2).all(|two| two[0].end <= two[1].start),
                    "{size:?} {pixels}"
                );
            }
        }
        assert_eq!(bands([100, 80], 8000).first(), Some(&(0..80)));
    }

    #[test]
    fn bands_are_spread_over_the_whole_height() {
        let bands = bands([4000, 3000], 300_000);
        assert_eq!(bands.len(), 8);
        assert!(bands[0].start < 375 && bands[7].end > 2625);
    }

    #[test]
    fn rows_are_picked_and_missing_ones_left_out() {
        let values = [0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(picked(&values, 2, &[0..1, 2..4]), [0, 1, 4, 5, 6, 7]);
        assert!(picked(&values[..0], 2, &[0..1, 2..4]).is_empty());
    }

    #[test]
    fn fixed_bytes_are_not_scaled() {
        assert_eq!(scaled(163, 63, 10, 100), 1063);
        assert_eq!(scaled(163, 63, 10, 10), 163);
        assert_eq!(scaled(50, 63, 1, 10), 50);
    }
}
