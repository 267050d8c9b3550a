//! A page as PDF, with the parts of the typeface that it uses.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, Tag, TextDirection};

use super::{Item, Page, Weight, failed};
use crate::export::typeface::INTER;
use crate::photo::Photo;

/// PDF points per pixel: 96 pixels are an inch.
const POINTS: f32 = 0.75;

/// The page as the bytes of a file.
pub(super) fn encode(page: &Page) -> Result<Vec<u8>, png::EncodingError> {
    let [width, height] = [page.width, page.height].map(|side| side as f32 * POINTS);
    let settings = PageSettings::from_wh(width, height).ok_or_else(|| failed("the page has no size"))?;
    let mut document = Document::new();
    let mut sheet = document.start_page_with(settings);
    let mut surface = sheet.surface();
    surface.push_transform(&Transform::from_scale(POINTS, POINTS));
    for item in &page.items {
        match item {
            Item::Picture(at, photo) => draw_picture(&mut surface, *at, photo)?,
            Item::Field(field) => {
                let ([x, y], [width, height]) = (field.at, field.size);
                let rect = Rect::from_xywh(x, y, width, height);
                let mut path = PathBuilder::new();
                if let Some(rect) = rect {
                    path.push_rect(rect);
                }
                if let Some(path) = path.finish() {
                    surface.set_fill(Some(fill(field.color)));
                    surface.draw_path(&path);
                }
            }
            Item::Text(text) => {
                let font = font(text.weight).ok_or_else(|| failed("the typeface cannot be read"))?;
                surface.set_fill(Some(fill(text.color)));
                let start = Point::from_xy(text.at[0], text.at[1]);
                surface.draw_text(start, font, text.size, &text.text, false, TextDirection::LeftToRight);
            }
        }
    }
    surface.pop();
    surface.finish();
    sheet.finish();
    document
        .finish()
        .map_err(|why| failed(format!("the PDF cannot be made: {why:?}")))
}

fn font(weight: Weight) -> Option<Font> {
    Font::new_variable(INTER.into(), 0, &[(Tag::new(b"wght"), weight.axis())])
}

fn fill([r, g, b]: [u8; 3]) -> Fill {
    Fill {
        paint: rgb::Color::new(r, g, b).into(),
        ..Fill::default()
    }
}

fn draw_picture(surface: &mut Surface, [x, y]: [usize; 2], photo: &Photo) -> Result<(), png::EncodingError> {
    let side = |side: usize| u32::try_from(side).map_err(failed);
    let rgba = photo.rgb.as_chunks::<3>().0;
    let rgba = rgba.iter().flat_map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect();
    let image = Image::from_rgba8(rgba, side(photo.width)?, side(photo.height)?);
    let size = Size::from_wh(photo.width as f32, photo.height as f32).ok_or_else(|| failed("an empty image"))?;
    surface.push_transform(&Transform::from_translate(x as f32, y as f32));
    surface.draw_image(image, size);
    surface.pop();
    Ok(())
}
