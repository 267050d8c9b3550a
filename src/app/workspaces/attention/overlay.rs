//! Attention drawn over the image, and choosing a patch with the mouse.

use std::sync::Arc;

use egui::{Color32, Painter, Rect, Stroke, StrokeKind, TextureId, Ui, Vec2, pos2, vec2};

use super::{Attention, MapChoice, clear_where_low, image_of};
use crate::app::state::Document;
use crate::app::workspaces::Ctx;
use crate::engine::{Direction, Frame, NetworkPart, Token, TraceAnswer, TraceQuestion, patch_place};
use crate::export::{Curve, Scale};

/// The value that this share of the values does not exceed.
pub(super) fn percentile(values: &[f32], share: f32) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f32 * share).round() as usize)
        .copied()
        .unwrap_or(0.0)
}

/// The values of the shown map.
enum Values {
    /// A value per patch.
    Patches(Vec<f32>),
    /// A colour per patch.
    Colours(Vec<[f32; 3]>),
}

impl Attention {
    /// The values of all patches in the shown map, and the question that they answer.
    pub(super) fn shown_values(&self) -> Option<(Vec<f32>, TraceQuestion)> {
        let traced = self.traced.as_ref()?;
        let of = |part, values: &[f32]| values.get(traced.trace.patch_range(part)).map(<[f32]>::to_vec);
        match self.shown {
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => {
                let (question, answer) = self.answer(|q| matches!(q, TraceQuestion::Rows(..)))?;
                let (TraceQuestion::Rows(place, ..), TraceAnswer::Rows(rows)) = (question, answer) else {
                    return None;
                };
                let values = match self.shown {
                    MapChoice::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
                    MapChoice::Most => rows.most(),
                    _ => rows.mean(),
                };
                Some((of(place.part, &values)?, *question))
            }
            MapChoice::Rollout => {
                let (question, answer) = self.answer(|q| matches!(q, TraceQuestion::Rollout(..)))?;
                let TraceAnswer::Tokens(values) = answer else {
                    return None;
                };
                Some((of(NetworkPart::Encoder, values)?, *question))
            }
            MapChoice::Similarity => {
                let (question, answer) = self.answer(|q| matches!(q, TraceQuestion::Similarity(..)))?;
                let (TraceQuestion::Similarity(place, _), TraceAnswer::Tokens(values)) = (question, answer) else {
                    return None;
                };
                Some((of(place.part, values)?, *question))
            }
            MapChoice::Uncertainty(_) => {
                let (question, answer) = self.answer(|q| matches!(q, TraceQuestion::Uncertainty(_)))?;
                let TraceAnswer::Patches(values) = answer else {
                    return None;
                };
                Some((values.clone(), *question))
            }
            MapChoice::Colours => None,
        }
    }

    fn values(&self) -> Option<(Values, TraceQuestion)> {
        if self.shown == MapChoice::Colours {
            let (question, answer) = self.answer(|q| matches!(q, TraceQuestion::Colours(..)))?;
            let TraceAnswer::Colours(colours) = answer else {
                return None;
            };
            return Some((Values::Colours(colours.clone()), *question));
        }
        let (mut values, question) = self.shown_values()?;
        if let TraceQuestion::Rows(place, ..) = question {
            for sink in self.left_out(place.part).get(place.layer).into_iter().flatten() {
                if let Some(value) = values.get_mut(*sink) {
                    *value = 0.0;
                }
            }
        }
        Some((Values::Patches(values), question))
    }

    /// The sinks of each layer that the maps leave out; empty while they are unknown or if they are wanted.
    pub(super) fn left_out(&self, part: NetworkPart) -> &[Vec<usize>] {
        if !self.without_sinks || self.direction == Direction::To {
            return &[];
        }
        match self.answer(|q| *q == TraceQuestion::Sinks(part)) {
            Some((_, TraceAnswer::Sinks(sinks))) => sinks,
            _ => &[],
        }
    }

    /// Whether the shown map depends on the query.
    pub(super) fn has_query(&self) -> bool {
        !matches!(self.shown, MapChoice::Colours | MapChoice::Uncertainty(_))
    }

    /// The scale of the shown map: common to all heads of the layer, or its own.
    pub(super) fn scale(&self, values: &[f32]) -> Scale {
        if self.common
            && matches!(self.shown, MapChoice::Head(_) | MapChoice::Mean | MapChoice::Most)
            && let Some(scale) = self.common_scale()
        {
            return scale;
        }
        if matches!(self.shown, MapChoice::Uncertainty(_)) {
            // Between 0 and 1 in every image.
            return Scale {
                low: 0.0,
                high: 1.0,
                curve: Curve::Linear,
                map: self.map,
            };
        }
        let [low, high] = match self.shown {
            // Most patches resemble each other a little.
            MapChoice::Similarity => [0.72, 0.995].map(|share| percentile(values, share)),
            _ => [0.0, percentile(values, self.clip)],
        };
        Scale {
            low,
            high,
            curve: self.curve,
            map: self.map,
        }
    }

    /// One scale for the patches of all heads of the layer.
    fn common_scale(&self) -> Option<Scale> {
        let traced = self.traced.as_ref()?;
        let (TraceQuestion::Rows(place, ..), TraceAnswer::Rows(rows)) =
            self.answer(|q| matches!(q, TraceQuestion::Rows(..)))?
        else {
            return None;
        };
        let range = traced.trace.patch_range(place.part);
        let mut values = Vec::new();
        for head in 0..rows.heads() {
            let start = values.len();
            values.extend_from_slice(rows.head(head).get(range.clone()).unwrap_or(&[]));
            for sink in self.left_out(place.part).get(place.layer).into_iter().flatten() {
                if let Some(value) = values.get_mut(start + sink) {
                    *value = 0.0;
                }
            }
        }
        Some(Scale {
            low: 0.0,
            high: percentile(&values, self.clip),
            curve: self.curve,
            map: self.map,
        })
    }
}

/// What is drawn over the image: a texture, and a frame around the query.
pub(super) struct Overlay {
    texture: Option<(TextureId, f32)>,
    frame: Frame,
    /// Left, top, right and bottom of the query in pixels of the image.
    query: Option<[f32; 4]>,
    /// Width and height of the image in pixels.
    size: Vec2,
}

impl Overlay {
    /// Whether it has a map, which the photo must not outshine.
    pub(super) fn has_map(&self) -> bool {
        self.texture.is_some()
    }

    /// Draws the overlay; `photo` is the area of the whole image, in points.
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
            let tint = Color32::WHITE.gamma_multiply(opacity);
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
    /// The overlay for the shown map.
    pub(super) fn overlay(&mut self, ui: &Ui, document: &Document) -> Option<Overlay> {
        let size = vec2(document.photo.photo.width as f32, document.photo.photo.height as f32);
        let traced = self.traced.clone()?;
        let grid = traced.trace.grid;
        let texture = self.values().map(|(values, question)| {
            let key = format!(
                "{:p} {} {question:?} {:?} {:?} {:?} {} {} {} {:?}",
                Arc::as_ptr(&traced),
                self.predictions,
                self.shown,
                self.curve,
                self.map,
                self.common,
                self.smooth,
                self.clip,
                self.left_out(self.place.part).get(self.place.layer),
            );
            let image = || match &values {
                Values::Patches(values) => {
                    let scale = self.scale(values);
                    let image = image_of(scale.draw(&[values], grid, 1));
                    clear_where_low(image, values.iter().map(|value| scale.share(*value)))
                }
                Values::Colours(colours) => {
                    let pixels = colours.iter().map(|c| c.map(|v| (v * 255.0) as u8));
                    image_of(([grid[1], grid[0]], pixels.collect()))
                }
            };
            let drawn = (self.canvas_heat.key.as_ref() != Some(&key)).then(image);
            let (smooth, opacity) = (self.smooth, self.opacity);
            let heat = &mut self.canvas_heat;
            let texture = heat.texture(ui.ctx(), key, smooth, || drawn.unwrap_or_default());
            (texture.id(), opacity)
        });
        let query = match self.token {
            Token::Patch(patch) if self.has_query() => Some(traced.frame.patch(patch, grid)),
            _ => None,
        };
        Some(Overlay {
            texture,
            frame: traced.frame,
            query,
            size,
        })
    }

    /// Makes the patch at a pixel of the image the query.
    pub(super) fn choose_patch(&mut self, [x, y]: [usize; 2]) {
        let Some(traced) = &self.traced else {
            return;
        };
        let grid = traced.trace.grid;
        if let Some(patch) = traced.frame.patch_at([x as f32 + 0.5, y as f32 + 0.5], grid) {
            self.patch = Some(patch);
            self.patch_is_chosen = true;
            self.token = Token::Patch(patch);
        }
    }

    /// The text for the patch under the cursor: its place, its value in the shown map and its share of the sum.
    pub(super) fn under_cursor(&self, ctx: &Ctx) -> Option<String> {
        let [x, y] = ctx.state.canvas.cursor?;
        let traced = self.traced.as_ref()?;
        let grid = traced.trace.grid;
        let patch = traced.frame.patch_at([x as f32 + 0.5, y as f32 + 0.5], grid)?;
        let place = format!("Patch in {}", patch_place(patch, grid[1]));
        let Some((values, _)) = self.shown_values() else {
            return Some(place);
        };
        let value = *values.get(patch)?;
        match self.shown {
            MapChoice::Similarity => return Some(format!("{place}: cosine {value:.3}")),
            MapChoice::Uncertainty(_) => return Some(format!("{place}: {value:.3}")),
            _ => {}
        }
        let sum: f32 = values.iter().sum();
        let share = if sum > 0.0 { value / sum * 100.0 } else { 0.0 };
        Some(format!("{place}: {value:.5}, {share:.2} % of the sum over all patches"))
    }
}
