//! The memory that writing takes.

use super::{Format, Options};

/// Number of ids that fit into a byte, which is also the number of colours in a PNG palette.
const BYTE_IDS: usize = 256;

/// Peak memory of [`write()`](super::write()) in bytes, besides the subject, for this number of classes and pixels.
///
/// Files are made one after another, so the largest format counts: its image, and about half as much again for the PNG.
pub fn writing_bytes(options: &Options, classes: usize, pixels: u64) -> u64 {
    let of_pixel = |format: &Format| match format {
        Format::Labels if classes > BYTE_IDS => 2,
        Format::Labels | Format::Classes => 1,
        Format::Color => 3,
        // The overlay is copied beside its legend.
        Format::Overlay if options.legend => 6,
        Format::Overlay => 3,
        Format::Confidence => 2,
    };
    let largest: u64 = options.formats.iter().map(of_pixel).max().unwrap_or(0);
    largest.saturating_mul(pixels).saturating_mul(3) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_format_counts() {
        let of = |formats: &[Format], classes, legend| {
            let options = Options {
                formats: formats.to_vec(),
                legend,
                ..Options::default()
            };
            writing_bytes(&options, classes, 1000)
        };
        assert_eq!(of(&[], 11, false), 0);
        assert_eq!(of(&[Format::Labels], 11, false), 1500);
        assert_eq!(of(&[Format::Labels], 300, false), 3000);
        assert_eq!(of(&Format::ALL, 11, false), 4500);
        assert_eq!(of(&Format::ALL, 11, true), 9000);
    }
}
