//! Small images of the masks, which the list of images draws over its thumbnails.

use std::collections::HashMap;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use crate::app::state::ResultKey;
use crate::app::theme::data_color;
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;
use crate::labels::LabelMap;

/// Longest side in pixels.
const SIDE: usize = 96;

/// Most images in memory, at 27 KiB each.
const MOST: usize = 1000;

/// The images that were made.
#[derive(Default)]
pub(super) struct MaskThumbnails(HashMap<ImageSource, Masks>);

struct Masks {
    key: ResultKey,
    colors: Vec<[u8; 3]>,
    texture: TextureHandle,
}

impl MaskThumbnails {
    /// The image of an image's masks for the output in use, in the colours in use. Once made it stays when the result
    /// leaves the cache.
    pub(super) fn of(&mut self, context: &Context, ctx: &Ctx, source: &ImageSource) -> Option<&TextureHandle> {
        let state = ctx.state;
        let key = state.result_key(source)?;
        let colors = state.view.colors(&state.library.models.used()?.classes);
        let made = self.0.get(source);
        if !made.is_some_and(|made| made.key == key && made.colors == colors) {
            let Some(result) = state.library.results.peek(&key) else {
                // In the previous colours, if it is of this result.
                return self
                    .0
                    .get(source)
                    .filter(|made| made.key == key)
                    .map(|made| &made.texture);
            };
            if self.0.len() >= MOST {
                self.0.clear();
            }
            let image = picture(&result.prediction.labels.map, &colors);
            let texture = context.load_texture("masks", image, TextureOptions::LINEAR);
            self.0.insert(source.clone(), Masks { key, colors, texture });
        }
        self.0.get(source).map(|made| &made.texture)
    }

    /// Keeps the images of some images.
    pub(super) fn retain(&mut self, stays: impl Fn(&ImageSource) -> bool) {
        self.0.retain(|source, _| stays(source));
    }
}

/// The masks in their colours, reduced.
fn picture(map: &LabelMap, colors: &[[u8; 3]]) -> ColorImage {
    let longest = map.width.max(map.height).max(1);
    let side = |side: usize| (side * SIDE.min(longest)).div_ceil(longest).max(1);
    let (width, height) = (side(map.width), side(map.height));
    let pixels = (0..width * height).map(|i| {
        let at = |i: usize, side: usize, of: usize| (2 * i + 1) * of / (2 * side);
        let class = map.get(at(i % width, width, map.width), at(i / width, height, map.height));
        let color = class.and_then(|class| colors.get(usize::from(class)));
        color.map_or(Color32::TRANSPARENT, |color| data_color(*color))
    });
    ColorImage::new([width, height], pixels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_their_place_when_reduced() {
        let (width, height) = (400, 200);
        let map = LabelMap {
            width,
            height,
            ids: (0..width * height).map(|i| u16::from(i % width >= 200) * 9).collect(),
        };
        let drawn = picture(&map, &[[10, 20, 30]]);
        assert_eq!(drawn.size, [96, 48]);
        assert_eq!(drawn[(47, 20)], data_color([10, 20, 30]));
        // A class without a colour is not drawn.
        assert_eq!(drawn[(49, 20)], Color32::TRANSPARENT);
    }
}
