//! Small images of what each format holds, made from a reduced copy of the result.

use std::collections::HashMap;

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use super::contents::Contents;
use crate::engine::{Asked, Ticket};
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
    /// The request for an image from the worker, and the choices that it shows.
    asked: Option<(Asked, bool)>,
    /// The worker's latest image, until it is a texture.
    drawn: Option<Photo>,
}

/// A reduced copy of a result.
struct Reduced {
    photo: Photo,
    map: LabelMap,
    confidence: Vec<u16>,
}

impl Previews {
    /// Makes the images again if labels or options have changed. `number` identifies the labels.
    pub(super) fn update(&mut self, context: &Context, (number, of): (usize, &Subject), options: &Options) {
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
            self.copy = Some((number, Reduced::of(of)));
        }
        let Some((_, copy)) = &self.copy else { return };
        let subject = Subject {
            photo: &copy.photo,
            map: &copy.map,
            confidence: &copy.confidence,
            classes: of.classes,
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

    /// The ticket for a request, if an image for these choices has not been asked for.
    pub(super) fn ask(&mut self, contents: Contents) -> Option<Ticket> {
        let shown = contents.shown_in_preview();
        if self.asked.as_ref().is_some_and(|(_, asked)| *asked == shown) {
            return None;
        }
        let asked = Asked::new();
        let ticket = asked.ticket();
        self.asked = Some((asked, shown));
        Some(ticket)
    }

    /// Takes the worker's image, unless it is for other choices.
    pub(super) fn take(&mut self, ticket: &Ticket, photo: Photo) {
        if self.asked.as_ref().is_some_and(|(asked, _)| asked.is(ticket)) {
            self.drawn = Some(photo);
        }
    }

    /// Makes a texture of the worker's image if there is a new one.
    pub(super) fn upload(&mut self, context: &Context) {
        if let Some(photo) = self.drawn.take() {
            self.large = Some(texture(context, &photo));
        }
    }

    /// Whether the worker's image is on its way.
    pub(super) fn is_drawing(&self) -> bool {
        self.asked.is_some() && self.large.is_none()
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
    fn of(subject: &Subject) -> Self {
        let photo = subject.photo;
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
                    .map(|(x, y)| subject.map.get(*x, *y).unwrap_or_default())
                    .collect(),
            },
            // Labels that were edited have none.
            confidence: places
                .iter()
                .filter_map(|(x, y)| subject.confidence.get(y * photo.width + x).copied())
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
