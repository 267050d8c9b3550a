//! The wall of maps on the canvas: every head of every layer.

use egui::{Align2, FontId, Pos2, Rect, Sense, TextStyle, Ui, Vec2, pos2, vec2};

use super::tiles::Sheet;
use super::{Attention, MapChoice};
use crate::app::theme::{Tokens, medium, size};
use crate::app::widgets::pointer_chip;
use crate::app::workspaces::Ctx;
use crate::engine::{LayerId, NetworkPart, TraceAnswer, TraceQuestion};

/// Width of the margin with the numbers of heads, height of the line with those of layers, and gap between maps, in
/// points.
const MARGIN: f32 = 64.0;
const HEADER: f32 = 28.0;
const GAP: f32 = 8.0;

/// Distance from the edges of the canvas, in points.
const BORDER: f32 = 16.0;

/// Width of the enlarged map at the pointer, in points.
const ENLARGED: f32 = 320.0;

/// Share of the attention that the enlarged map's text is about.
const MOST: f32 = 0.9;

/// Where the maps lie: layers across and heads down, wrapped into bands; with more heads than layers, heads across.
struct Layout {
    /// Number of maps across and down in all, before they are wrapped.
    across: usize,
    down: usize,
    /// Number of maps in a line of a band.
    line: usize,
    tile: Vec2,
}

impl Layout {
    /// The layout for maps of about `wanted` points in a width.
    fn of(width: f32, wanted: f32, [layers, heads]: [usize; 2], aspect: f32) -> Self {
        let (across, down) = if heads > layers {
            (heads, layers)
        } else {
            (layers, heads)
        };
        let room = (width - MARGIN).max(wanted);
        let fits = ((room + GAP) / (wanted + GAP)).floor().max(1.0) as usize;
        let bands = across.div_ceil(fits);
        let line = across.div_ceil(bands).max(1);
        let tile = (room + GAP) / line as f32 - GAP;
        // A few maps do not become larger than twice the chosen size.
        let tile = tile.min(2.0 * wanted);
        Self {
            across,
            down,
            line,
            tile: vec2(tile, tile * aspect),
        }
    }

    fn band_height(&self) -> f32 {
        HEADER + self.down as f32 * (self.tile.y + GAP) + GAP
    }

    fn height(&self) -> f32 {
        self.across.div_ceil(self.line) as f32 * self.band_height()
    }

    /// The place of a map from the top left corner.
    fn place(&self, across: usize, down: usize) -> Rect {
        let left = MARGIN + (across % self.line) as f32 * (self.tile.x + GAP);
        let band = (across / self.line) as f32 * self.band_height();
        let top = band + HEADER + down as f32 * (self.tile.y + GAP);
        Rect::from_min_size(pos2(left, top), self.tile)
    }
}

impl Attention {
    /// Draws the wall.
    pub(super) fn wall(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let canvas = ui.available_rect_before_wrap();
        ui.painter().rect_filled(canvas, 0.0, Tokens::of(ui).canvas);
        ctx.set_canvas_area(Some(canvas));
        ctx.set_cursor(None);
        let Some(traced) = self.traced.clone() else { return };
        let (Some(sheet), Some(ground)) = (self.all_heads(ui.ctx()), self.muted_photo(ui.ctx())) else {
            let (font, color) = (FontId::proportional(size::TITLE), Tokens::of(ui).second);
            let text = "Reading every layer and head…";
            ui.painter()
                .text(canvas.center(), Align2::CENTER_CENTER, text, font, color);
            return;
        };
        let part = self.place.part;
        let heads = sheet.across;
        let layers = sheet.down;
        let [rows, columns] = traced.trace.grid;
        let aspect = rows as f32 / columns.max(1) as f32;
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::same(BORDER as i8));
        let mut hovered = None;
        frame.show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let layout = Layout::of(ui.available_width(), self.wall_size, [layers, heads], aspect);
                let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), layout.height()), Sense::hover());
                let by_head = heads > layers;
                numbers(ui, area.min, &layout, by_head);
                for across in 0..layout.across {
                    for down in 0..layout.down {
                        let (layer, head) = if by_head { (down, across) } else { (across, down) };
                        let rect = layout.place(across, down).translate(area.min.to_vec2());
                        if !ui.is_rect_visible(rect) {
                            continue;
                        }
                        let chosen = self.place.layer == layer && self.shown == MapChoice::Head(head);
                        let name = format!("Layer {}, head {}", layer + 1, head + 1);
                        let tile = sheet.tile_at(ui, layer * heads + head, (rect, ground), chosen, &name);
                        if tile.clicked() {
                            self.place = LayerId { part, layer };
                            self.shown = MapChoice::Head(head);
                            self.shows_wall = false;
                        }
                        if let Some(at) = tile.hover_pos() {
                            hovered = Some((at, layer, head));
                        }
                    }
                }
            });
        });
        if let Some((at, layer, head)) = hovered {
            self.enlarged(ui, (at, canvas), (&sheet, ground), [layer, head], aspect);
        }
    }

    /// Draws a map enlarged beside the pointer.
    fn enlarged(
        &self,
        ui: &Ui,
        place: (Pos2, Rect),
        (sheet, ground): (&Sheet, egui::TextureId),
        [layer, head]: [usize; 2],
        aspect: f32,
    ) {
        let inside = vec2(ENLARGED, ENLARGED * aspect);
        pointer_chip(ui, "enlarged map", place, inside + vec2(24.0, 50.0), |ui| {
            let (rect, _) = ui.allocate_exact_size(inside, Sense::hover());
            sheet.paint(ui, layer * sheet.across + head, (rect, ground));
            ui.horizontal(|ui| {
                ui.label(medium(format!("Layer {} · Head {}", layer + 1, head + 1)));
                if let Some(share) = self.share_of_patches(layer, head) {
                    ui.weak(format!("90 % lies on {:.0} % of the patches", share * 100.0));
                }
            });
        });
    }

    /// The smallest share of the patches that [`MOST`] of a head's attention to patches lies on.
    fn share_of_patches(&self, layer: usize, head: usize) -> Option<f32> {
        let traced = self.traced.as_ref()?;
        let (TraceQuestion::Matrix(part, ..), TraceAnswer::Matrix(layers)) =
            self.answer(|q| matches!(q, TraceQuestion::Matrix(..)))?
        else {
            return None;
        };
        let values = layers.get(layer)?.head(head).get(traced.trace.patch_range(*part))?;
        Some(smallest_share(values, MOST))
    }

    /// The title of the wall.
    pub(super) fn wall_title(&self) -> String {
        let Some(traced) = &self.traced else {
            return "All heads".into();
        };
        let layers = traced.trace.layers(self.place.part);
        let heads = layers.first().map_or(0, crate::engine::TracedLayer::heads);
        let part = match self.place.part {
            NetworkPart::Encoder => "layers",
            NetworkPart::Decoder => "decoder layers",
        };
        format!("{} {part} × {heads} heads", layers.len())
    }
}

/// Draws the numbers of layers and heads at the margins.
fn numbers(ui: &Ui, origin: Pos2, layout: &Layout, by_head: bool) {
    let [across_is, down_is] = if by_head { ["Head", "Layer"] } else { ["Layer", "Head"] };
    let (font, color) = (TextStyle::Small.resolve(ui.style()), Tokens::of(ui).second);
    let painter = ui.painter();
    for across in 0..layout.across {
        let first = layout.place(across, 0).translate(origin.to_vec2());
        let at = first.left_top() - vec2(0.0, 8.0);
        let text = format!("{across_is} {}", across + 1);
        painter.text(at, Align2::LEFT_BOTTOM, text, font.clone(), color);
        if across % layout.line > 0 {
            continue;
        }
        for down in 0..layout.down {
            let rect = layout.place(across, down).translate(origin.to_vec2());
            let at = pos2(rect.left() - 10.0, rect.center().y);
            let text = format!("{down_is} {}", down + 1);
            painter.text(at, Align2::RIGHT_CENTER, text, font.clone(), color);
        }
    }
}

/// The smallest share of the values whose sum is at least `most` of the sum of all.
fn smallest_share(values: &[f32], most: f32) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let wanted = sorted.iter().sum::<f32>() * most;
    let mut sum = 0.0;
    let needed = sorted.iter().take_while(|value| {
        let missing = sum < wanted;
        sum += **value;
        missing
    });
    needed.count() as f32 / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_has_its_own_place_in_the_width() {
        for (layers, heads) in [(12, 3), (24, 16), (12, 12), (2, 3), (1, 1)] {
            for width in [300.0, 700.0, 1100.0, 3000.0] {
                let layout = Layout::of(width, 156.0, [layers, heads], 0.75);
                assert_eq!(layout.across * layout.down, layers * heads);
                let mut places: Vec<Rect> = Vec::new();
                for across in 0..layout.across {
                    for down in 0..layout.down {
                        let place = layout.place(across, down);
                        assert!(place.right() <= width.max(MARGIN + 156.0) + 0.5, "{width} {place}");
                        assert!(place.bottom() <= layout.height());
                        assert!(places.iter().all(|other| !other.shrink(0.1).intersects(place)));
                        places.push(place);
                    }
                }
            }
        }
    }

    #[test]
    fn the_smallest_share_counts_the_largest_values() {
        assert_eq!(smallest_share(&[0.0, 9.0, 0.5, 0.5], 0.9), 0.25);
        assert_eq!(smallest_share(&[1.0; 10], 0.9), 0.9);
    }
}
