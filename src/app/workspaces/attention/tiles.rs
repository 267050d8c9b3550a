//! Small maps of the heads of one layer, and the sheet of all layers and heads.

use std::sync::Arc;

use egui::{
    Align2, Color32, Context, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, TextureId, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::overlay::percentile;
use super::{Attention, MapChoice, clear_where_low, image_of};
use crate::app::theme::{Tokens, radius, size};
use crate::app::widgets::section_head;
use crate::engine::{NetworkPart, TraceAnswer, TraceQuestion, TracedImage};
use crate::export::Scale;

/// Gap between tiles in points.
const GAP: f32 = 8.0;

/// Share of the values of a tile at which its colours end.
const HIGH: f32 = 0.985;

/// Number of heads up to which their tiles are large.
const FEW: usize = 6;

/// An image of tiles, `across` in a row.
pub(super) struct Sheet {
    texture: TextureId,
    pub(super) across: usize,
    pub(super) down: usize,
}

impl Sheet {
    /// The part of the texture with tile `i`.
    fn part(&self, i: usize) -> Rect {
        let step = vec2(1.0 / self.across as f32, 1.0 / self.down as f32);
        let min = pos2((i % self.across) as f32 * step.x, (i / self.across) as f32 * step.y);
        Rect::from_min_size(min, step)
    }

    /// Paints tile `i` over the muted photo.
    pub(super) fn paint(&self, ui: &Ui, i: usize, (rect, ground): (Rect, TextureId)) {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let painter = ui.painter();
        painter.image(ground, rect, whole, Color32::WHITE);
        painter.image(self.texture, rect, self.part(i), Color32::WHITE);
    }

    /// Draws tile `i` as a button at a place.
    pub(super) fn tile_at(
        &self,
        ui: &Ui,
        i: usize,
        (rect, ground): (Rect, TextureId),
        chosen: bool,
        name: &str,
    ) -> Response {
        let response = ui.interact(rect, ui.scope_id().with(name), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), chosen, name));
        self.paint(ui, i, (rect, ground));
        let tokens = Tokens::of(ui);
        let edge = match (chosen, response.hovered() || response.has_focus()) {
            (true, _) => Some(Stroke::new(2.0, tokens.accent_line)),
            (false, true) => Some(Stroke::new(1.5, tokens.text)),
            (false, false) => None,
        };
        if let Some(edge) = edge {
            let outer = rect.expand(2.0);
            ui.painter().rect_stroke(outer, radius::SMALL, edge, StrokeKind::Inside);
        }
        response
    }
}

impl Attention {
    /// The key of an image of tiles, which is drawn again when the key changes.
    fn tiles_key(&self, traced: &Arc<TracedImage>, question: &TraceQuestion) -> String {
        format!(
            "{:p} {question:?} {:?} {:?} {} {:?}",
            Arc::as_ptr(traced),
            self.curve,
            self.map,
            self.common,
            self.left_out(question_part(question)),
        )
    }

    /// Draws a tile for each head of the layer and for their mean and maximum; a click shows it on the canvas.
    pub(super) fn head_tiles(&mut self, ui: &mut Ui) {
        let Some(traced) = self.traced.clone() else { return };
        let Some((question, TraceAnswer::Rows(rows))) = self.answer(|q| matches!(q, TraceQuestion::Rows(..))) else {
            return;
        };
        let (question, rows) = (*question, rows.clone());
        let TraceQuestion::Rows(place, ..) = question else {
            return;
        };
        let Some(ground) = self.muted_photo(ui.ctx()) else {
            return;
        };
        let heads = rows.heads();
        let choices: Vec<MapChoice> = (0..heads)
            .map(MapChoice::Head)
            .chain([MapChoice::Mean, MapChoice::Most])
            .collect();
        let across = if heads <= FEW { 2 } else { 4 };
        let key = self.tiles_key(&traced, &question);
        if self.head_heat.key.as_ref() != Some(&key) {
            let of = |choice: &MapChoice| match choice {
                MapChoice::Head(head) => rows.head(*head).to_vec(),
                MapChoice::Most => rows.most(),
                _ => rows.mean(),
            };
            let image = self.maps_of(place.part, &[place.layer], choices.iter().map(of).collect(), across);
            self.head_heat.texture(ui.ctx(), key, false, || image);
        }
        let Some(texture) = &self.head_heat.texture else { return };
        let sheet = Sheet {
            texture: texture.id(),
            across,
            down: choices.len().div_ceil(across),
        };
        section_head(ui, &format!("Heads of layer {}", place.layer + 1), "");
        let width = ((ui.available_width() - GAP * (across - 1) as f32) / across as f32).floor();
        let [rows, columns] = traced.trace.grid;
        let size = vec2(width, (width * rows as f32 / columns as f32).clamp(12.0, 1.5 * width));
        let lines = choices.len().div_ceil(across) as f32;
        let whole = vec2(ui.available_width(), lines * (size.y + GAP));
        let (area, _) = ui.allocate_exact_size(whole, Sense::hover());
        for (i, choice) in choices.into_iter().enumerate() {
            let at = vec2(
                (i % across) as f32 * (size.x + GAP),
                (i / across) as f32 * (size.y + GAP),
            );
            let rect = Rect::from_min_size(area.min + at, size);
            let (name, short) = match choice {
                MapChoice::Head(head) => (format!("Head {}", head + 1), format!("{}", head + 1)),
                MapChoice::Most => ("Max".into(), "Max".into()),
                _ => ("Mean".into(), "Mean".into()),
            };
            let chosen = self.shown == choice;
            let tile = sheet.tile_at(ui, i, (rect, ground), chosen, &name);
            mark(ui, rect, if across == 2 { &name } else { &short });
            if tile.on_hover_text(&name).clicked() {
                self.shown = match choice {
                    MapChoice::Head(_) if chosen => MapChoice::Mean,
                    _ => choice,
                };
            }
        }
    }

    /// The sheet of every head of every layer, a row for each layer; `None` until it has been read.
    pub(super) fn all_heads(&mut self, context: &Context) -> Option<Sheet> {
        let traced = self.traced.clone()?;
        let (question, TraceAnswer::Matrix(layers)) = self.answer(|q| matches!(q, TraceQuestion::Matrix(..)))? else {
            return None;
        };
        let TraceQuestion::Matrix(part, ..) = *question else {
            return None;
        };
        let heads = layers.first().map_or(0, crate::engine::Rows::heads);
        if heads == 0 || part != self.place.part {
            return None;
        }
        let (key, down) = (self.tiles_key(&traced, question), layers.len());
        if self.matrix_heat.key.as_ref() != Some(&key) {
            let maps = layers
                .iter()
                .flat_map(|rows| (0..heads).map(|head| rows.head(head).to_vec()));
            let numbers: Vec<usize> = (0..down).collect();
            let image = self.maps_of(part, &numbers, maps.collect(), heads);
            self.matrix_heat.texture(context, key, false, || image);
        }
        Some(Sheet {
            texture: self.matrix_heat.texture.as_ref()?.id(),
            across: heads,
            down,
        })
    }

    /// Draws maps of tokens: the same number of each of the layers, one after the other.
    fn maps_of(&self, part: NetworkPart, layers: &[usize], maps: Vec<Vec<f32>>, across: usize) -> egui::ColorImage {
        let Some(traced) = &self.traced else {
            return egui::ColorImage::default();
        };
        let range = traced.trace.patch_range(part);
        let left_out = self.left_out(part);
        let of_layer = maps.len() / layers.len().max(1);
        let mut maps: Vec<Vec<f32>> = maps
            .into_iter()
            .map(|map| map.get(range.clone()).map(<[f32]>::to_vec).unwrap_or_default())
            .collect();
        for (i, map) in maps.iter_mut().enumerate() {
            let layer = layers[(i / of_layer.max(1)).min(layers.len() - 1)];
            for sink in left_out.get(layer).into_iter().flatten() {
                if let Some(value) = map.get_mut(*sink) {
                    *value = 0.0;
                }
            }
        }
        let high = |maps: &[Vec<f32>]| percentile(&maps.concat(), HIGH);
        let common = self.common.then(|| high(&maps));
        for map in &mut maps {
            let high = common.unwrap_or_else(|| high(std::slice::from_ref(map)));
            let share = if high > 0.0 { 1.0 / high } else { 0.0 };
            map.iter_mut().for_each(|value| *value *= share);
        }
        let scale = Scale {
            low: 0.0,
            high: 1.0,
            curve: self.curve,
            map: self.map,
        };
        let [rows, columns] = traced.trace.grid;
        let borrowed: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
        let image = image_of(scale.draw(&borrowed, [rows, columns], across));
        let width = columns * across;
        let count = image.pixels.len();
        let shares = (0..count).map(|i| {
            let (x, y) = (i % width, i / width);
            let map = maps.get(y / rows * across + x / columns);
            let value = map.and_then(|map| map.get(y % rows * columns + x % columns));
            value.map_or(0.0, |value| scale.share(*value))
        });
        clear_where_low(image, shares)
    }
}

/// The part of the network that a question about rows is about.
fn question_part(question: &TraceQuestion) -> NetworkPart {
    match question {
        TraceQuestion::Rows(place, ..) => place.part,
        TraceQuestion::Matrix(part, ..) => *part,
        _ => NetworkPart::Encoder,
    }
}

/// Draws a name in the corner of a tile.
fn mark(ui: &Ui, tile: Rect, name: &str) {
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(tile);
    let font = FontId::proportional(size::SMALL);
    let galley = painter.layout_no_wrap(name.to_owned(), font, tokens.text);
    let at = tile.min + Vec2::new(9.0, 6.0);
    let field = Align2::LEFT_TOP.anchor_size(at, galley.size()).expand2(vec2(5.0, 2.0));
    painter.rect_filled(field, radius::SMALL, tokens.chip);
    painter.galley(at, galley, tokens.text);
}
