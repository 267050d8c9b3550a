//! The query that a photo begins with: an object, so that the first map shows something.

use super::Attention;
use crate::app::state::Document;
use crate::engine::Token;
use crate::labels::{ClassSet, Region, Regions};

/// Classes of backgrounds. A patch of one resembles half of the photo.
const BACKGROUNDS: [&str; 12] = [
    "background",
    "building",
    "ceiling",
    "floor",
    "grass",
    "pavement",
    "road",
    "sidewalk",
    "sky",
    "vegetation",
    "wall",
    "water",
];

impl Attention {
    /// Makes the largest object of the photo the query, unless the user has chosen a patch.
    pub(super) fn begin_with_an_object(&mut self, document: &Document) {
        if self.patch_is_chosen || self.begun_with == Some(document.photo.id) {
            return;
        }
        let (Some(traced), Some(result)) = (&self.traced, &document.result) else {
            return;
        };
        self.begun_with = Some(document.photo.id);
        let photo = &document.photo.photo;
        let pixel = object(&result.regions, &result.model.classes, [photo.width, photo.height]);
        let [x, y] = pixel.unwrap_or([photo.width / 2, photo.height / 2]);
        let grid = traced.trace.grid;
        if let Some(patch) = traced.frame.patch_at([x as f32 + 0.5, y as f32 + 0.5], grid) {
            self.patch = Some(patch);
            if matches!(self.token, Token::Patch(_)) {
                self.token = Token::Patch(patch);
            }
        }
    }
}

/// A pixel of the largest region that is not of a background and does not touch the border of the photo.
fn object(regions: &Regions, classes: &ClassSet, [width, height]: [usize; 2]) -> Option<[usize; 2]> {
    let is_object = |region: &Region| {
        let [left, top, right, bottom] = region.bounds;
        let inside = left > 0 && top > 0 && right < width && bottom < height;
        let class = classes.classes.get(usize::from(region.class));
        inside && class.is_some_and(|class| !BACKGROUNDS.contains(&class.name.to_lowercase().as_str()))
    };
    let listed = regions.list().iter().enumerate();
    let (number, region) = listed
        .filter(|(_, region)| is_object(region))
        .max_by_key(|(_, region)| region.pixels)?;
    let [left, top, right, bottom] = region.bounds;
    let (middle, y) = (usize::midpoint(left, right), usize::midpoint(top, bottom));
    // The middle itself may lie outside, such as in a bow.
    let of_region = |x: &usize| regions.at(*x, y) == u32::try_from(number).ok();
    let x = (left..right).filter(of_region).min_by_key(|x| x.abs_diff(middle))?;
    Some([x, y])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::LabelMap;

    #[test]
    fn the_largest_object_inside_the_photo_is_found() {
        let classes = crate::datasets::classes_of("camvid").expect("a set");
        let id = |name: &str| {
            classes
                .classes
                .iter()
                .position(|class| class.name == name)
                .expect("a class") as u16
        };
        let (width, height) = (40, 20);
        // A road everywhere; a car at the border, a larger bow of a tree, a small sign, and a building that is larger.
        let class = |x: usize, y: usize| match (x, y) {
            (0..9, 0..20) => "car",
            (12..22, 3..5) | (12..14, 3..15) | (20..22, 3..15) => "tree",
            (24..26, 5..7) => "sign",
            (28..39, 2..18) => "building",
            _ => "road",
        };
        let map = LabelMap {
            width,
            height,
            ids: (0..width * height).map(|i| id(class(i % width, i / width))).collect(),
        };
        let [x, y] = object(&Regions::of(&map), &classes, [width, height]).expect("an object");
        assert_eq!(class(x, y), "tree");
        let road = LabelMap {
            width,
            height,
            ids: vec![id("road"); width * height],
        };
        assert_eq!(object(&Regions::of(&road), &classes, [width, height]), None);
    }
}
