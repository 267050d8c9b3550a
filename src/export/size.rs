//! How large files will be, without making them: a few bands of rows are encoded and scaled up.
//!
//! For all formats of an 11-megapixel photo this takes about 30 ms on two cores. Measured on the sample's photo and
//! labels at 1.2 and 11 megapixels, pictures are within a factor of 1.25 of the file and masks within 1.4; it can be
//! more where the rows between the bands look different from those in them. A picture that is no larger than a sample
//! is encoded whole, and its estimate is exact.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::Content;
use super::{Options, Subject, label_png, legend};
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Pixels that are encoded of each picture.
const SAMPLE: usize = 300_000;

/// Pixels that are encoded of all masks together, which are mostly black and fast.
const MASK_SAMPLE: usize = 4 * SAMPLE;

/// Rows of a mask at least: below this, what every PNG begins with is mistaken for content.
const MASK_ROWS: usize = 16;

/// Bands that a sample consists of.
const BANDS: usize = 8;

/// Bytes of signature, header, end and the frames of the data in every PNG.
const FRAME: usize = 63;

/// Bytes of a palette without its colours.
const PALETTE_FRAME: usize = 12;

/// Bytes that each of these files will have, or about so; 0 for what cannot be encoded.
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
    // The legend is no part of the bands, whose rows are not where they are in the picture.
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
                large.estimate(*content, subject, &plain) + legend_estimate(subject, options)
            }
            _ => large.estimate(*content, subject, &plain),
        })
        .collect()
}

/// Bytes that the legend adds to the overlay.
fn legend_estimate(subject: &Subject, options: &Options) -> u64 {
    let Some(strip) = legend::strip(subject, options, subject.photo.height) else {
        return 0;
    };
    let bands = bands([strip.width, strip.height], SAMPLE);
    let sampled = Photo::new(strip.width, rows(&bands), picked(&strip.rgb, 3 * strip.width, &bands));
    label_png::picture(&sampled).map_or(0, |bytes| scaled(bytes.len(), FRAME, rows(&bands), strip.height))
}

/// Bands of a picture, one below the other as a picture of its own.
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

    /// Bytes of a picture of `subject`, of which this is a sample.
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

/// Bytes of the palette, which do not grow with the picture.
fn palette_bytes(content: Content) -> usize {
    match content {
        Content::Labels { entries } if entries <= label_png::PALETTE => PALETTE_FRAME + 3 * entries,
        _ => 0,
    }
}

/// Bytes of `rows` rows, of which `once` do not depend on how many, scaled to `height` rows.
fn scaled(bytes: usize, once: usize, rows: usize, height: usize) -> u64 {
    let grows = bytes.saturating_sub(once) as u64;
    let all = grows * height as u64 / rows.max(1) as u64;
    bytes.min(once) as u64 + all
}

/// Rows for a sample of about `pixels` pixels of a picture of `[width, height]`: all of them, or up to [`BANDS`] bands
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

/// How many rows there are in the bands.
fn rows(bands: &[Range<usize>]) -> usize {
    bands.iter().map(|band| band.len()).sum()
}

/// The values of the bands, of rows of `stride` values; nothing of bands that the values do not reach.
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
    fn bands_lie_inside_in_order_and_apart() {
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
    fn what_comes_once_is_not_scaled() {
        assert_eq!(scaled(163, 63, 10, 100), 1063);
        assert_eq!(scaled(163, 63, 10, 10), 163);
        assert_eq!(scaled(50, 63, 1, 10), 50);
    }
}
