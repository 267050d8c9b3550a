//! Resizes images for the network.

use rayon::prelude::*;

use super::Photo;
use crate::numeric::Interpolation;

/// Resizes bilinearly with half-pixel centres and rounding, as OpenCV does for the published evaluations.
///
/// OpenCV skips source pixels when it shrinks an image by more than a factor of two, which turns texture into noise.
/// Such an image is first averaged over whole blocks until a factor of less than two is left. At the image sizes of the
/// published data sets, this makes no difference.
pub(super) fn resized(photo: &Photo, width: usize, height: usize) -> Photo {
    let (width, height) = (width.max(1), height.max(1));
    let block = (photo.width / width).min(photo.height / height);
    if block >= 2 {
        bilinear(&averaged(photo, block), width, height)
    } else {
        bilinear(photo, width, height)
    }
}

/// Averages blocks of `block` x `block` pixels; pixels beyond the last whole block are added to the last block.
fn averaged(photo: &Photo, block: usize) -> Photo {
    let (width, height) = (photo.width / block, photo.height / block);
    let mut rgb = vec![0; 3 * width * height];
    rgb.par_chunks_mut(3 * width).enumerate().for_each(|(y, row)| {
        let rows = y * block..if y + 1 == height { photo.height } else { (y + 1) * block };
        let mut sums = vec![[0u32; 3]; width];
        for source in photo.rgb[3 * photo.width * rows.start..3 * photo.width * rows.end].chunks_exact(3 * photo.width)
        {
            for (x, pixel) in source.as_chunks::<3>().0.iter().enumerate() {
                let sum = &mut sums[(x / block).min(width - 1)];
                for (s, c) in sum.iter_mut().zip(pixel) {
                    *s += u32::from(*c);
                }
            }
        }
        for (x, (out, sum)) in row.as_chunks_mut::<3>().0.iter_mut().zip(&sums).enumerate() {
            let columns = if x + 1 == width { photo.width - x * block } else { block };
            let count = (columns * rows.len()) as u32;
            *out = sum.map(|s| ((s + count / 2) / count) as u8);
        }
    });
    Photo::new(width, height, rgb)
}

fn bilinear(photo: &Photo, width: usize, height: usize) -> Photo {
    if (width, height) == (photo.width, photo.height) {
        return photo.clone();
    }
    let columns: Vec<Interpolation> = (0..width)
        .map(|x| Interpolation::half_pixel(x, photo.width, width))
        .collect();
    let mut rgb = vec![0; 3 * width * height];
    rgb.par_chunks_mut(3 * width).enumerate().for_each(|(y, row)| {
        let rows = Interpolation::half_pixel(y, photo.height, height);
        let [above, below] = [rows.low, rows.high].map(|r| &photo.rgb[3 * photo.width * r..3 * photo.width * (r + 1)]);
        for (out, between) in row.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            for (c, out) in out.iter_mut().enumerate() {
                let lerp = |row: &[u8]| {
                    let (low, high) = (
                        f32::from(row[3 * between.low + c]),
                        f32::from(row[3 * between.high + c]),
                    );
                    low + (high - low) * between.weight
                };
                let (above, below) = (lerp(above), lerp(below));
                *out = (above + (below - above) * rows.weight).round() as u8;
            }
        }
    });
    Photo::new(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: usize, height: usize) -> Photo {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 4) as u8, (y * 4) as u8, 200]))
            .collect();
        Photo::new(width, height, rgb)
    }

    #[test]
    fn resizing_to_the_same_size_changes_nothing() {
        assert_eq!(resized(&gradient(31, 17), 31, 17), gradient(31, 17));
    }

    #[test]
    fn shrinking_keeps_the_mean_of_a_checkerboard() {
        let rgb = (0..64 * 64)
            .flat_map(|i| [if (i / 64 + i % 64) % 2 == 0 { 255 } else { 0 }; 3])
            .collect();
        let small = resized(&Photo::new(64, 64, rgb), 7, 5);
        assert!(small.rgb.iter().all(|v| (126..=129).contains(v)), "{:?}", small.rgb);
    }

    #[test]
    fn extreme_shapes_are_resized() {
        assert_eq!(resized(&gradient(60, 1), 3, 9).rgb.len(), 81);
        assert_eq!(resized(&gradient(1, 1), 5, 5).rgb.len(), 75);
    }
}
