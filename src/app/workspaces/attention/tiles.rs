//! Small maps of the heads of one layer, and of all layers and heads.

use std::sync::Arc;

use egui::{Rect, Sense, Stroke, StrokeKind, TextureId, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::{Attention, MapChoice, image_of};
use crate::engine::{LayerId, TraceAnswer, TraceQuestion, TracedImage};
use crate::export::Scale;

/// Maximum width of a tile in points.
const WIDEST: f32 = 130.0;

/// Gap between tiles in points.
const GAP: f32 = 3.0;

/// An image of tiles, `across` in a row.
struct Sheet {
    texture: TextureId,
    across: usize,
    down: usize,
}

impl Sheet {
    /// The part of the texture with tile `i`.
    fn part(&self, i: usize) -> Rect {
        let step = vec2(1.0 / self.across as f32, 1.0 / self.down as f32);
        let min = pos2((i % self.across) as f32 * step.x, (i / self.across) as f32 * step.y);
        Rect::from_min_size(min, step)
    }

    /// Draws tile `i` as a button. Returns whether it was clicked.
    fn tile(&self, ui: &mut Ui, i: usize, size: Vec2, chosen: bool, name: &str) -> bool {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, ui.is_enabled(), chosen, name));
        ui.painter()
            .image(self.texture, rect, self.part(i), egui::Color32::WHITE);
        let color = ui.visuals().selection.bg_fill;
        if chosen {
            ui.painter()
                .rect_stroke(rect, 0.0, Stroke::new(2.5, color), StrokeKind::Outside);
        } else if response.hovered() || response.has_focus() {
            let stroke = ui.visuals().widgets.hovered.fg_stroke;
            ui.painter().rect_stroke(rect, 0.0, stroke, StrokeKind::Outside);
        }
        response.on_hover_text(name).clicked()
    }
}

impl Attention {
    /// The key of an image of tiles, which is drawn again when the key changes.
    fn tiles_key(&self, traced: &Arc<TracedImage>, question: &TraceQuestion) -> String {
        format!(
            "{:p} {question:?} {:?} {:?} {}",
            Arc::as_ptr(traced),
            self.curve,
            self.map,
            self.common
        )
    }

    /// Draws a tile for each head of the layer; a click shows the head on the canvas.
    pub(super) fn head_tiles(&mut self, ui: &mut Ui) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let Some((question, TraceAnswer::Rows(rows))) = self.answer(|q| matches!(q, TraceQuestion::Rows(..))) else {
            return;
        };
        let TraceQuestion::Rows(place, ..) = *question else {
            return;
        };
        let grid = traced.trace.grid;
        let range = traced.trace.patch_range(place.part);
        let heads = rows.heads();
        // Fewer side by side if they are wide.
        let across = heads.clamp(1, if grid[1] > 2 * grid[0] { 2 } else { 4 });
        let key = self.tiles_key(&traced, question);
        let drawn = (self.head_heat.key.as_ref() != Some(&key)).then(|| {
            let maps: Vec<&[f32]> = (0..heads)
                .filter_map(|head| rows.head(head).get(range.clone()))
                .collect();
            match self.common_scale().filter(|_| self.common) {
                Some(scale) => image_of(scale.draw(&maps, grid, across)),
                None => each_on_its_own(&maps, self, grid, across),
            }
        });
        let texture = self
            .head_heat
            .texture(ui.ctx(), key, false, || drawn.unwrap_or_default())
            .id();
        let sheet = Sheet {
            texture,
            across,
            down: heads.div_ceil(across),
        };
        let width = ((ui.available_width() - GAP * across as f32) / across as f32).min(WIDEST);
        let size = tile_size(width, grid);
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        for row in 0..sheet.down {
            ui.horizontal(|ui| {
                for head in (row * across..heads).take(across) {
                    let chosen = self.shown == MapChoice::Head(head);
                    if sheet.tile(ui, head, size, chosen, &format!("Head {}", head + 1)) {
                        self.shown = if chosen { MapChoice::Mean } else { MapChoice::Head(head) };
                    }
                }
            });
        }
    }

    /// Draws a small tile for every head of every layer; a click shows the head on the canvas.
    pub(super) fn matrix(&mut self, ui: &mut Ui) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let Some((question, TraceAnswer::Matrix(layers))) = self.answer(|q| matches!(q, TraceQuestion::Matrix(..)))
        else {
            ui.weak("Calculating");
            return;
        };
        let TraceQuestion::Matrix(part, ..) = *question else {
            return;
        };
        let grid = traced.trace.grid;
        let range = traced.trace.patch_range(part);
        let heads = layers.first().map_or(0, crate::engine::Rows::heads);
        if heads == 0 {
            return;
        }
        let key = self.tiles_key(&traced, question);
        let drawn = (self.matrix_heat.key.as_ref() != Some(&key)).then(|| {
            let maps: Vec<&[f32]> = layers
                .iter()
                .flat_map(|rows| (0..heads).map(|head| rows.head(head).get(range.clone()).unwrap_or(&[])))
                .collect();
            if self.common {
                let values = maps.iter().flat_map(|map| map.iter());
                let scale = Scale::to_largest(values, self.curve, self.map);
                image_of(scale.draw(&maps, grid, heads))
            } else {
                each_on_its_own(&maps, self, grid, heads)
            }
        });
        let count = layers.len();
        let texture = self
            .matrix_heat
            .texture(ui.ctx(), key, false, || drawn.unwrap_or_default())
            .id();
        let sheet = Sheet {
            texture,
            across: heads,
            down: count,
        };
        let label = 18.0;
        let width = ((ui.available_width() - label - 2.0 * heads as f32) / heads as f32).clamp(8.0, WIDEST);
        let size = tile_size(width, grid);
        ui.spacing_mut().item_spacing = vec2(2.0, 2.0);
        for layer in 0..count {
            ui.horizontal(|ui| {
                ui.set_min_height(size.y);
                ui.allocate_ui(vec2(label, size.y), |ui| {
                    ui.set_min_width(label);
                    ui.small(format!("{}", layer + 1));
                });
                for head in 0..heads {
                    let here = LayerId { part, layer };
                    let chosen = self.place == here && self.shown == MapChoice::Head(head);
                    let name = format!("Layer {}, head {}", layer + 1, head + 1);
                    if sheet.tile(ui, layer * heads + head, size, chosen, &name) {
                        self.go_to_stage(part);
                        self.place.layer = layer;
                        self.shown = MapChoice::Head(head);
                    }
                }
            });
        }
    }
}

/// Draws each map scaled to its own largest value.
fn each_on_its_own(maps: &[&[f32]], attention: &Attention, grid: [usize; 2], across: usize) -> egui::ColorImage {
    let brought: Vec<Vec<f32>> = maps
        .iter()
        .map(|map| {
            let most = map.iter().fold(0.0f32, |a, b| a.max(*b));
            let share = if most > 0.0 { 1.0 / most } else { 0.0 };
            map.iter().map(|v| v * share).collect()
        })
        .collect();
    let maps: Vec<&[f32]> = brought.iter().map(Vec::as_slice).collect();
    let scale = Scale {
        low: 0.0,
        high: 1.0,
        curve: attention.curve,
        map: attention.map,
    };
    image_of(scale.draw(&maps, grid, across))
}

fn tile_size(width: f32, [rows, columns]: [usize; 2]) -> Vec2 {
    vec2(width, (width * rows as f32 / columns as f32).clamp(4.0, 2.0 * WIDEST))
}
