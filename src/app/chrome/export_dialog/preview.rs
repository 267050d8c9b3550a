//! Small images of what each format holds, made from a reduced copy of the result.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use crate::engine::Segmented;
use crate::export::{self, Format, Options, Subject};
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Longest side of the reduced copy in pixels.
const SIDE: usize = 480;

/// The images, and what they were made of.
#[derive(Default)]
pub(super) struct Previews {
    of: Option<(usize, Options)>,
    copy: Option<(usize, Reduced)>,
    cards: HashMap<Format, TextureHandle>,
    large: Option<TextureHandle>,
}

/// A reduced copy of a result.
struct Reduced {
    photo: Photo,
    map: LabelMap,
    confidence: Vec<u16>,
}

impl Previews {
    /// Makes the images again if result or options have changed.
    pub(super) fn update(&mut self, context: &Context, result: &Segmented, options: &Options) {
        // Identifies the result as long as the dialog holds it.
        let number = Arc::as_ptr(&result.prediction) as usize;
        // Names and existing files do not change what is drawn.
        let wanted = (
            number,
            Options {
                naming: String::new(),
                overwrite: false,
                keep_existing: false,
                ..options.clone()
            },
        );
        if self.of.as_ref() == Some(&wanted) {
            return;
        }
        if self.copy.as_ref().is_none_or(|(of, _)| *of != number) {
            self.copy = Some((number, Reduced::of(result)));
        }
        let Some((_, copy)) = &self.copy else { return };
        let subject = Subject {
            photo: &copy.photo,
            map: &copy.map,
            confidence: &copy.confidence,
            classes: &result.model.classes,
        };
        let draw = |format: Format, legend: bool| {
            let options = Options {
                legend,
                ..options.clone()
            };
            match format {
                Format::Classes => Some(copy.largest_mask()),
                _ => export::image(&subject, &options, format).ok(),
            }
        };
        for format in Format::ALL {
            if let Some(photo) = draw(format, false) {
                self.cards.insert(format, texture(context, &photo));
            }
        }
        let shown = options.formats.iter().copied();
        // The richest of the chosen ones.
        let order = [
            Format::Overlay,
            Format::Color,
            Format::Labels,
            Format::Classes,
            Format::Confidence,
        ];
        let first = order
            .into_iter()
            .find(|format| shown.clone().any(|chosen| chosen == *format));
        self.large = first
            .and_then(|format| draw(format, options.legend))
            .map(|photo| texture(context, &photo));
        self.of = Some(wanted);
    }

    /// The image of a format.
    pub(super) fn card(&self, format: Format) -> Option<&TextureHandle> {
        self.cards.get(&format)
    }

    /// The image of what is exported; `None` if nothing is.
    pub(super) fn large(&self) -> Option<&TextureHandle> {
        self.large.as_ref()
    }
}

fn texture(context: &Context, photo: &Photo) -> TextureHandle {
    let image = ColorImage::from_rgb([photo.width, photo.height], &photo.rgb);
    context.load_texture("export preview", image, TextureOptions::LINEAR)
}

impl Reduced {
    fn of(result: &Segmented) -> Self {
        let photo = &result.photo.photo;
        let labels = &result.prediction.labels;
        let longest = photo.width.max(photo.height).max(1);
        let side = |side: usize| (side * SIDE.min(longest)).div_ceil(longest).max(1);
        let (width, height) = (side(photo.width), side(photo.height));
        let at = |i: usize, side: usize, of: usize| (2 * i + 1) * of / (2 * side);
        let places =
            (0..width * height).map(|i| (at(i % width, width, photo.width), at(i / width, height, photo.height)));
        let places: Vec<(usize, usize)> = places.collect();
        Self {
            photo: Photo::new(
                width,
                height,
                places
                    .iter()
                    .flat_map(|(x, y)| photo.pixel(*x, *y).unwrap_or_default())
                    .collect(),
            ),
            map: LabelMap {
                width,
                height,
                ids: places
                    .iter()
                    .map(|(x, y)| labels.map.get(*x, *y).unwrap_or_default())
                    .collect(),
            },
            confidence: places
                .iter()
                .map(|(x, y)| labels.confidence.get(y * photo.width + x).copied().unwrap_or_default())
                .collect(),
        }
    }

    /// The mask of the class with the most pixels, in black and white.
    fn largest_mask(&self) -> Photo {
        let counts = self.map.counts(usize::from(u16::MAX) + 1);
        let largest = (0u16..)
            .zip(counts)
            .max_by_key(|(_, count)| *count)
            .map_or(0, |(id, _)| id);
        let rgb = self
            .map
            .ids
            .iter()
            .flat_map(|id| [if *id == largest { 255 } else { 0 }; 3]);
        Photo::new(self.map.width, self.map.height, rgb.collect())
    }
}
