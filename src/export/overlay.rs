//! Class colours over the image or alone.

use super::page::Page;
use super::{Options, Subject, legend};
use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;

/// The image under the colours of the visible classes, with a legend at its right if the options request one.
pub(super) fn image(subject: &Subject, options: &Options) -> Photo {
    match options.legend {
        true => figure(subject, options).draw(),
        false => blend(subject, options),
    }
}

/// The image under the colours of the visible classes and the legend at its right, as a page.
pub(super) fn figure(subject: &Subject, options: &Options) -> Page {
    legend::beside(blend(subject, options), subject, options)
}

/// The colour of each pixel's class.
pub(super) fn colors(map: &LabelMap, classes: &ClassSet) -> Photo {
    let mut rgb = vec![0; 3 * map.ids.len()];
    for (pixel, id) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(&map.ids) {
        *pixel = classes.color(*id);
    }
    Photo::new(map.width, map.height, rgb)
}

/// The confidence in 8-bit grey, white where it is highest.
pub(super) fn confidence(subject: &Subject) -> Photo {
    // The upper eight bits.
    let grey = subject.confidence.iter().map(|value| (value >> 8) as u8);
    Photo::new(
        subject.map.width,
        subject.map.height,
        grey.flat_map(|value| [value; 3]).collect(),
    )
}

fn blend(subject: &Subject, options: &Options) -> Photo {
    let mut image = subject.photo.clone();
    // A subject without confidence counts as fully confident.
    let confidence = subject.confidence.iter().copied().chain(std::iter::repeat(u16::MAX));
    let labels = subject.map.ids.iter().zip(confidence);
    for (pixel, (id, confidence)) in image.rgb.as_chunks_mut::<3>().0.iter_mut().zip(labels) {
        let opacity = options.opacity_of(*id, confidence);
        if opacity == 0.0 {
            continue;
        }
        for (channel, color) in pixel.iter_mut().zip(subject.classes.color(*id)) {
            *channel = mix(*channel, color, opacity);
        }
    }
    image
}

fn mix(below: u8, above: u8, opacity: f32) -> u8 {
    (f32::from(below) * (1.0 - opacity) + f32::from(above) * opacity).round() as u8
}

#[cfg(test)]
mod tests {
    use super::mix;

    #[test]
    fn mix_reaches_both_ends() {
        for below in 0..=255 {
            for above in [0, 1, 127, 255] {
                assert_eq!(mix(below, above, 0.0), below);
                assert_eq!(mix(below, above, 1.0), above);
            }
        }
        assert_eq!(mix(0, 255, 0.5), 128);
    }
}
