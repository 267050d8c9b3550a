//! Images with 16 bits per sample that use only a few of them.

use image::DynamicImage;

use super::PhotoRemark;

/// Number of used bits up to which a 16-bit image looks nearly black: its brightest pixel has a sixteenth of full
/// brightness.
const FEW_BITS: u32 = 12;

/// The value shown as white in an image whose largest sample is `largest`, and a remark about it.
pub(super) fn white(largest: u16, stretch: bool) -> (u16, Option<PhotoRemark>) {
    let bits = u16::BITS - largest.leading_zeros();
    if bits == 0 || bits == u16::BITS {
        return (u16::MAX, None);
    }
    if stretch {
        let white = (1 << bits) - 1;
        let range = format!("0 to {white}");
        return (white, Some(PhotoRemark::Stretched { range }));
    }
    (u16::MAX, (bits <= FEW_BITS).then_some(PhotoRemark::FewBits { bits }))
}

/// Stretches the colours of an image with 16 bits per sample if `stretch` is set, and returns a remark about them.
pub(super) fn settled(image: &mut DynamicImage, stretch: bool) -> Option<PhotoRemark> {
    let (samples, channels, colors): (&mut [u16], usize, usize) = match image {
        DynamicImage::ImageLuma16(pixels) => (&mut **pixels, 1, 1),
        DynamicImage::ImageLumaA16(pixels) => (&mut **pixels, 2, 1),
        DynamicImage::ImageRgb16(pixels) => (&mut **pixels, 3, 3),
        DynamicImage::ImageRgba16(pixels) => (&mut **pixels, 4, 3),
        _ => return None,
    };
    let colored = samples
        .chunks_exact(channels)
        .flat_map(|pixel| pixel.iter().take(colors));
    let (white, remark) = white(colored.copied().max()?, stretch);
    if white < u16::MAX {
        let (white, half) = (u32::from(white), u32::from(white) / 2);
        for value in samples
            .chunks_exact_mut(channels)
            .flat_map(|pixel| pixel.iter_mut().take(colors))
        {
            // Lossless: no value is above white.
            *value = ((u32::from(*value) * u32::from(u16::MAX) + half) / white) as u16;
        }
    }
    remark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bits_are_reported_and_stretched_on_request() {
        assert_eq!(white(4095, false), (u16::MAX, Some(PhotoRemark::FewBits { bits: 12 })));
        assert_eq!(white(1000, false), (u16::MAX, Some(PhotoRemark::FewBits { bits: 10 })));
        // A dark image of 13 bits is still visible; a black one has nothing to stretch.
        assert_eq!(white(4096, false), (u16::MAX, None));
        assert_eq!(white(0, true), (u16::MAX, None));
        assert_eq!(white(40_000, true), (u16::MAX, None));
        assert_eq!(white(4096, true).0, 8191);
        assert_eq!(white(3000, true).0, 4095);
    }
}
