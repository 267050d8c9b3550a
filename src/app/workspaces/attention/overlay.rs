//! Attention over the photo, and choosing a patch with the mouse.

use std::sync::Arc;

use egui::{Color32, Painter, Rect, Stroke, StrokeKind, TextureId, Ui, Vec2, pos2, vec2};

use super::{Attention, Shown, picture_of};
use crate::app::state::Document;
use crate::app::workspaces::Ctx;
use crate::engine::{Answer, Frame, Question, Token, patch_place};
use crate::export::{Curve, Scale};

/// What is drawn of the shown map.
enum Values {
    /// A value per patch.
    Patches(Vec<f32>),
    /// A colour per patch.
    Colours(Vec<[f32; 3]>),
}

impl Attention {
    /// Values of all patches of the shown map, and what they were read from.
    pub(super) fn shown_values(&self) -> Option<(Vec<f32>, Question)> {
        let inspection = self.inspection.as_ref()?;
        let of = |part, values: &[f32]| values.get(inspection.inside.patch_range(part)).map(<[f32]>::to_vec);
        match self.shown {
            Shown::Mean | Shown::Most | Shown::Head(_) => {
                let (question, answer) = self.answer(|q| matches!(q, Question::Rows(..)))?;
                let (Question::Rows(place, ..), Answer::Rows(rows)) = (question, answer) else {
                    return None;
                };
                let values = match self.shown {
                    Shown::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
                    Shown::Most => rows.most(),
                    _ => rows.mean(),
                };
                Some((of(place.part, &values)?, *question))
            }
            Shown::Rollout => {
                let (question, answer) = self.answer(|q| matches!(q, Question::Rollout(..)))?;
                let Answer::Tokens(values) = answer else { return None };
                Some((of(crate::engine::Part::Encoder, values)?, *question))
            }
            Shown::Similarity => {
                let (question, answer) = self.answer(|q| matches!(q, Question::Similarity(..)))?;
                let (Question::Similarity(place, _), Answer::Tokens(values)) = (question, answer) else {
                    return None;
                };
                Some((of(place.part, values)?, *question))
            }
            Shown::Certainty(_) => {
                let (question, answer) = self.answer(|q| matches!(q, Question::Certainty(_)))?;
                let Answer::Patches(values) = answer else { return None };
                Some((values.clone(), *question))
            }
            Shown::Colours => None,
        }
    }

    fn values(&self) -> Option<(Values, Question)> {
        if self.shown == Shown::Colours {
            let (question, answer) = self.answer(|q| matches!(q, Question::Colours(..)))?;
            let Answer::Colours(colours) = answer else { return None };
            return Some((Values::Colours(colours.clone()), *question));
        }
        let (values, question) = self.shown_values()?;
        Some((Values::Patches(values), question))
    }

    /// Whether the shown map is about the query.
    fn has_query(&self) -> bool {
        !matches!(self.shown, Shown::Colours | Shown::Certainty(_))
    }

    /// The scale of the shown map: common to all heads of the layer, or its own.
    fn scale(&self, values: &[f32]) -> Scale {
        if self.common
            && matches!(self.shown, Shown::Head(_) | Shown::Mean | Shown::Most)
            && let Some(scale) = self.common_scale()
        {
            return scale;
        }
        if matches!(self.shown, Shown::Certainty(_)) {
            // Shares, which mean the same in every picture.
            return Scale {
                low: 0.0,
                high: 1.0,
                curve: Curve::Linear,
                map: self.map,
            };
        }
        Scale::over(values, self.curve, self.map)
    }

    /// One scale for the patches of all heads of the layer.
    pub(super) fn common_scale(&self) -> Option<Scale> {
        let inspection = self.inspection.as_ref()?;
        let (Question::Rows(place, ..), Answer::Rows(rows)) = self.answer(|q| matches!(q, Question::Rows(..)))? else {
            return None;
        };
        let range = inspection.inside.patch_range(place.part);
        let values = (0..rows.heads()).flat_map(|head| rows.head(head).get(range.clone()).unwrap_or(&[]));
        Some(Scale::to_largest(values, self.curve, self.map))
    }
}

/// What lies over the photo: a texture, and the frame around the query.
pub(super) struct Overlay {
    texture: Option<(TextureId, f32)>,
    frame: Frame,
    /// Left, top, right and bottom of the query in the photo.
    query: Option<[f32; 4]>,
    /// Width and height of the photo.
    size: Vec2,
}

impl Overlay {
    /// Draws it; the whole photo is at `photo`, in points.
    pub(super) fn paint(&self, painter: &Painter, photo: Rect) {
        let at = |x: f32, y: f32| photo.min + vec2(x, y) / self.size * photo.size();
        let rect = |[left, top, right, bottom]: [f32; 4]| Rect::from_min_max(at(left, top), at(right, bottom));
        if let Some((texture, opacity)) = self.texture {
            let Frame {
                left,
                top,
                right,
                bottom,
            } = self.frame;
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            let tint = Color32::from_white_alpha((opacity * 255.0) as u8);
            painter.image(texture, rect([left, top, right, bottom]), whole, tint);
        }
        if let Some(query) = self.query {
            for (width, color) in [(3.0, Color32::BLACK), (1.5, Color32::WHITE)] {
                painter.rect_stroke(rect(query), 0.0, Stroke::new(width, color), StrokeKind::Outside);
            }
        }
    }
}

impl Attention {
    /// What lies over the photo in the workspace.
    pub(super) fn overlay(&mut self, ui: &Ui, document: &Document) -> Option<Overlay> {
        let size = vec2(document.photo.photo.width as f32, document.photo.photo.height as f32);
        let inspection = self.inspection.clone()?;
        let grid = inspection.inside.grid;
        let texture = self.values().map(|(values, question)| {
            let key = format!(
                "{:p} {} {question:?} {:?} {:?} {:?} {} {}",
                Arc::as_ptr(&inspection),
                self.predictions,
                self.shown,
                self.curve,
                self.map,
                self.common,
                self.smooth
            );
            let image = || match &values {
                Values::Patches(values) => picture_of(self.scale(values).draw(&[values], grid, 1)),
                Values::Colours(colours) => {
                    let pixels = colours.iter().map(|c| c.map(|v| (v * 255.0) as u8));
                    picture_of(([grid[1], grid[0]], pixels.collect()))
                }
            };
            let drawn = (self.canvas_heat.key.as_ref() != Some(&key)).then(image);
            let (smooth, opacity) = (self.smooth, self.opacity);
            let heat = &mut self.canvas_heat;
            let texture = heat.texture(ui.ctx(), key, smooth, || drawn.unwrap_or_default());
            (texture.id(), opacity)
        });
        let query = match self.token {
            Token::Patch(patch) if self.has_query() => Some(inspection.frame.patch(patch, grid)),
            _ => None,
        };
        Some(Overlay {
            texture,
            frame: inspection.frame,
            query,
            size,
        })
    }

    /// Makes the patch at a pixel of the photo the query.
    pub(super) fn choose_patch(&mut self, [x, y]: [usize; 2]) {
        let Some(inspection) = &self.inspection else {
            return;
        };
        let grid = inspection.inside.grid;
        if let Some(patch) = inspection.frame.patch_at([x as f32 + 0.5, y as f32 + 0.5], grid) {
            self.patch = Some(patch);
            self.token = Token::Patch(patch);
        }
    }

    /// The patch at a pixel, with its value in the shown map and its share of the sum.
    pub(super) fn under_cursor(&self, ctx: &Ctx) -> Option<String> {
        let [x, y] = ctx.state.canvas.cursor?;
        let inspection = self.inspection.as_ref()?;
        let grid = inspection.inside.grid;
        let patch = inspection.frame.patch_at([x as f32 + 0.5, y as f32 + 0.5], grid)?;
        let place = format!("Patch in {}", patch_place(patch, grid[1]));
        let Some((values, _)) = self.shown_values() else {
            return Some(place);
        };
        let value = *values.get(patch)?;
        match self.shown {
            Shown::Similarity => return Some(format!("{place}: cosine {value:.3}")),
            Shown::Certainty(_) => return Some(format!("{place}: {value:.3}")),
            _ => {}
        }
        let sum: f32 = values.iter().sum();
        let share = if sum > 0.0 { value / sum * 100.0 } else { 0.0 };
        Some(format!("{place}: {value:.5}, {share:.2} % of what lies on patches"))
    }
}
