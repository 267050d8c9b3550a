//! A page as pixels.

use tiny_skia::{FillRule, Mask, Transform};

use super::{Field, Item, PAPER, Page, Text};
use crate::export::typeface;
use crate::photo::Photo;

/// Draws a page.
pub(super) fn draw(page: &Page) -> Photo {
    let mut canvas = Photo::new(page.width, page.height, PAPER.repeat(page.width * page.height));
    for item in &page.items {
        match item {
            Item::Picture(at, photo) => copy(&mut canvas, *at, photo),
            Item::Field(field) => fill(&mut canvas, field),
            Item::Text(text) => write(&mut canvas, text),
        }
    }
    canvas
}

/// Copies the part of an image that is inside the canvas.
fn copy(canvas: &mut Photo, [left, top]: [usize; 2], photo: &Photo) {
    let width = photo.width.min(canvas.width.saturating_sub(left));
    let rows = photo.rgb.chunks_exact(3 * photo.width);
    let into = canvas.rgb.chunks_exact_mut(3 * canvas.width).skip(top);
    for (to, from) in into.zip(rows) {
        to[3 * left..][..3 * width].copy_from_slice(&from[..3 * width]);
    }
}

/// Fills the pixels whose middle lies in a field.
fn fill(canvas: &mut Photo, field: &Field) {
    let [x, y] = field.at;
    let [width, height] = field.size;
    let range = |start: f32, length: f32, end: usize| {
        let pixel = |at: f32| (at.round().max(0.0) as usize).min(end);
        pixel(start)..pixel(start + length)
    };
    for y in range(y, height, canvas.height) {
        let across = range(x, width, canvas.width);
        let row = &mut canvas.rgb[3 * y * canvas.width..][..3 * canvas.width];
        row[3 * across.start..3 * across.end]
            .as_chunks_mut::<3>()
            .0
            .fill(field.color);
    }
}

/// Writes a text by how much of each pixel its outline covers.
fn write(canvas: &mut Photo, text: &Text) {
    let Some(path) = typeface::outline(&text.text, text.size, text.weight, text.at) else {
        return;
    };
    let bounds = path.bounds();
    let corner = [bounds.left(), bounds.top()].map(|v| v.floor().max(0.0));
    let size = |start: f32, end: f32, most: usize| ((end.ceil() - start).max(0.0) as usize + 1).min(most) as u32;
    let width = size(corner[0], bounds.right(), canvas.width);
    let height = size(corner[1], bounds.bottom(), canvas.height);
    let Some(mut mask) = Mask::new(width, height) else {
        return;
    };
    let shift = Transform::from_translate(-corner[0], -corner[1]);
    mask.fill_path(&path, FillRule::Winding, true, shift);
    let [left, top] = corner.map(|v| v as usize);
    for (i, covered) in mask.data().iter().enumerate().filter(|(_, covered)| **covered > 0) {
        let (x, y) = (left + i % width as usize, top + i / width as usize);
        if x < canvas.width && y < canvas.height {
            let pixel = &mut canvas.rgb[3 * (y * canvas.width + x)..][..3];
            for (value, ink) in pixel.iter_mut().zip(text.color) {
                let (old, new, share) = (u32::from(*value), u32::from(ink), u32::from(*covered));
                *value = ((old * (255 - share) + new * share + 127) / 255) as u8;
            }
        }
    }
}
