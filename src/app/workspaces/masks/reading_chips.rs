//! What the model says at the cursor and at pinned pixels, as chips over the photo.

use egui::{
    Align, Area, Color32, Id, Layout, Margin, Order, Pos2, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2, vec2,
};

use crate::app::action::Action;
use crate::app::canvas::CanvasResponse;
use crate::app::inspector::Reading;
use crate::app::state::Document;
use crate::app::theme::{Icon, Tokens, data_color, medium, radius, shade, size, title};
use crate::app::widgets::{chip_frame, icon_button, pointer_chip};
use crate::app::workspaces::Ctx;
use crate::labels::ClassSet;

/// Distance of a pin's chip from its ring, in points.
const FROM_PIN: f32 = 12.0;

/// Width of the chip at the cursor, in points.
const WIDTH: f32 = 196.0;

/// Radius of the ring at a pinned pixel, in points.
const RING: f32 = 7.0;

/// Names and colours of the classes.
struct Palette<'a> {
    classes: &'a ClassSet,
    colors: Vec<[u8; 3]>,
}

impl Palette<'_> {
    fn color(&self, id: u16) -> Color32 {
        let [r, g, b] = self.colors.get(usize::from(id)).copied().unwrap_or_default();
        data_color([r, g, b])
    }
}

/// Draws the chips of the pins, and that of the cursor unless the photo is being moved.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, document: &Document, happened: &CanvasResponse) {
    let Some(model) = ctx.state.library.models.used() else {
        return;
    };
    let palette = Palette {
        classes: &model.classes,
        colors: ctx.state.view.colors(&model.classes),
    };
    let canvas = happened.response.rect;
    for (place, pixel) in ctx.state.canvas.pins.iter().enumerate() {
        let at = happened.position_of(*pixel);
        if canvas.contains(at)
            && let Some(reading) = document.reading_at(*pixel)
        {
            pin_chip(ui, ctx, &palette, (place, at, canvas), &reading);
        }
    }
    let is_moving = happened.response.dragged();
    let reading = happened.cursor.and_then(|pixel| document.reading_at(pixel));
    if let (Some(reading), Some(at), false) = (reading, happened.hover, is_moving) {
        cursor_chip(ui, &palette, (at, canvas), &reading);
    }
}

/// Draws the three most probable classes beside the cursor.
fn cursor_chip(ui: &Ui, palette: &Palette, place: (Pos2, Rect), reading: &Reading) {
    let size = vec2(WIDTH + 24.0, 78.0);
    pointer_chip(ui, "reading at the cursor", place, size, |ui| {
        ui.set_width(WIDTH);
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        best_lines(ui, palette, reading);
    });
}

fn best_lines(ui: &mut Ui, palette: &Palette, reading: &Reading) {
    let second = Tokens::of(ui).second;
    let Some((best, probability)) = reading.best.first().copied() else {
        return;
    };
    ui.horizontal(|ui| {
        dot(ui, palette.color(best), 5.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(title(percent(probability)));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(title(palette.classes.label(best))).truncate());
            });
        });
    });
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
    ui.painter().rect_filled(bar, 2.0, Tokens::of(ui).track);
    let mut left = bar.left();
    for (id, probability) in &reading.best {
        let width = bar.width() * probability.clamp(0.0, 1.0);
        let part = Rect::from_min_size(pos2(left, bar.top()), vec2(width, bar.height()));
        ui.painter().rect_filled(part.intersect(bar), 2.0, palette.color(*id));
        left += width;
    }
    ui.horizontal(|ui| {
        for (id, probability) in reading.best.iter().skip(1) {
            dot(ui, palette.color(*id), 4.0);
            let text = format!("{} {}", palette.classes.label(*id), percent(*probability));
            ui.label(RichText::new(text).size(size::SMALL).color(second));
        }
    });
}

/// Draws the ring at a pinned pixel, and beside it the best class and a button that removes the pin.
fn pin_chip(ui: &mut Ui, ctx: &Ctx, palette: &Palette, (place, at, canvas): (usize, Pos2, Rect), reading: &Reading) {
    let Some((best, probability)) = reading.best.first().copied() else {
        return;
    };
    let painter = ui.painter_at(canvas);
    painter.circle(at, RING, palette.color(best), Stroke::new(2.0, Color32::WHITE));
    painter.circle_stroke(at, RING + 1.5, Stroke::new(1.0, shade(150)));
    let id = Id::unique(("pin", place));
    let width = ui
        .ctx()
        .memory(|memory| memory.area_rect(id))
        .map_or(120.0, |rect| rect.width());
    let left = match at.x + FROM_PIN + width > canvas.right() {
        true => at.x - FROM_PIN - width,
        false => at.x + FROM_PIN,
    };
    let pixel = reading.pixel;
    Area::new(id)
        .order(Order::Middle)
        .fixed_pos(pos2(left, at.y - 14.0))
        .show(ui.ctx(), |ui| {
            chip_frame(
                ui,
                radius::CARD,
                Margin {
                    left: 10,
                    right: 4,
                    top: 2,
                    bottom: 2,
                },
            )
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = Vec2::splat(6.0);
                ui.horizontal(|ui| {
                    ui.label(medium(palette.classes.label(best)));
                    ui.weak(percent(probability));
                    let name = format!("Unpin {}, {}", pixel[0], pixel[1]);
                    let close = icon_button(ui, Icon::X, &name, 24.0, false);
                    if close.on_hover_text("Remove this pin").clicked() {
                        ctx.send(Action::TogglePin(pixel));
                    }
                });
            });
        });
}

fn dot(ui: &mut Ui, color: Color32, radius: f32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(2.0 * radius), Sense::hover());
    ui.painter().circle_filled(rect.center(), radius, color);
}

fn percent(probability: f32) -> String {
    format!("{:.1} %", probability * 100.0)
}
