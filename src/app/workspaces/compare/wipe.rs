//! The wipe: two panes in one place, on either side of a line that can be dragged.

use egui::{Align, Button, Color32, CursorIcon, Layout, Rect, Sense, Stroke, Ui, UiBuilder, pos2, vec2};

use super::Compare;
use super::view::{HEADER, PaneAction, PaneContent};
use crate::app::canvas::{Camera, DrawSlot};
use crate::app::theme::{heading, shade};
use crate::app::workspaces::Ctx;
use crate::engine::OpenImage;

/// Width in points of the area on each side of the line where it can be dragged.
const GRIP: f32 = 6.0;

impl Compare {
    /// Whether every pane shows the masks of the reference: while V is held down and no text field has the focus.
    pub(super) fn blinks(ui: &Ui) -> bool {
        ui.input(|i| i.key_down(egui::Key::V) && !i.modifiers.any()) && !ui.ctx().text_edit_focused()
    }
}

impl Compare {
    /// Draws the reference to the left of the line and the other pane to the right. Returns the pixel under the cursor.
    pub(super) fn wipe(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        photo: &OpenImage,
        (camera, action): (&mut Camera, &mut Option<PaneAction>),
        ctx: &Ctx,
    ) -> Option<[usize; 2]> {
        let (header, canvas) = area.split_top_bottom_at_y(area.top() + HEADER);
        let (left, right) = (self.reference, self.other);
        let [left_pane, right_pane] = [self.panes.get(left)?, self.panes.get(right)?];
        let titles = [left_pane, right_pane].map(|pane| self.pane_title(pane, ctx));
        let states = [left_pane, right_pane].map(|pane| self.pane_state(pane, photo, ctx));
        let drawings = [left_pane, right_pane].map(|pane| self.pane_drawing(ui, pane, ctx));
        let [(drawing, left_regions), (beside, right_regions)] = drawings;
        if self.wipe_titles(ui, header, &titles) {
            self.refer_to(right);
        }
        let name = format!("{} left of the line, {} right of it", titles[0], titles[1]);
        let mut child = ui.new_child(UiBuilder::new().max_rect(canvas).id_salt("wipe"));
        child.set_clip_rect(canvas.intersect(ui.clip_rect()));
        let line = self.line;
        let under_cursor = ui.input(|i| i.pointer.hover_pos()).filter(|at| canvas.contains(*at));
        let at = canvas.left() + line * canvas.width();
        let (hovered, regions) = match under_cursor.is_some_and(|cursor| cursor.x > at) {
            true => (right, right_regions),
            false => (left, left_regions),
        };
        let shown = PaneContent {
            place: DrawSlot::Pane(left),
            name: &name,
            photo,
            drawing,
            regions,
            beside: beside.map(|drawing| (drawing, line)),
            linked: None,
        };
        let happened = self.show_pane(&mut child, hovered, shown, camera, ctx);
        let (left_area, right_area) = canvas.split_left_right_at_x(at);
        for ((place, area), state) in [(left, left_area), (right, right_area)].into_iter().zip(states) {
            self.pane_message(&mut child, place, area, state, action);
        }
        self.line = drag_line(&mut child, canvas, line);
        if let Some(pixel) = happened.cursor {
            self.class_chip(&child, left_area, left, pixel, ctx);
            self.class_chip(&child, right_area, right, pixel, ctx);
        }
        happened.cursor
    }

    /// Draws the titles of both sides. Returns whether to swap the sides.
    fn wipe_titles(&self, ui: &mut Ui, header: Rect, [left, right]: &[String; 2]) -> bool {
        ui.painter().rect_filled(header, 0.0, ui.visuals().panel_fill);
        let mut row = ui.new_child(
            UiBuilder::new()
                .max_rect(header.shrink2(vec2(6.0, 0.0)))
                .layout(Layout::left_to_right(Align::Center))
                .id_salt("wipe titles"),
        );
        row.strong(left);
        row.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(heading(right));
            let swap = ui.add(Button::new("Swap").small());
            swap.on_hover_text("Swap the two sides").clicked()
        })
        .inner
    }
}

/// Draws the line and lets the user move it with the mouse or, while it has the focus, with the arrow keys. Returns its
/// new position as a fraction of the width.
fn drag_line(ui: &mut Ui, canvas: Rect, line: f32) -> f32 {
    let at = canvas.left() + line * canvas.width();
    let grip = Rect::from_x_y_ranges(at - GRIP..=at + GRIP, canvas.y_range());
    let response = ui
        .interact(grip, ui.scope_id().with("line"), Sense::click_and_drag())
        .on_hover_cursor(CursorIcon::ResizeHorizontal);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::Slider, ui.is_enabled(), "Line between the two");
        info.value = Some(f64::from(line));
        info
    });
    let painter = ui.painter_at(canvas);
    let lit = response.hovered() || response.dragged() || response.has_focus();
    let width = if lit { 3.0 } else { 2.0 };
    painter.vline(at, canvas.y_range(), Stroke::new(width + 2.0, shade(160)));
    painter.vline(at, canvas.y_range(), Stroke::new(width, Color32::WHITE));
    let knob = pos2(at, canvas.center().y);
    painter.circle(knob, 9.0, Color32::WHITE, Stroke::new(1.5, shade(160)));
    for side in [-1.0, 1.0] {
        let tip = knob + vec2(side * 6.0, 0.0);
        let back = knob + vec2(side * 2.5, 0.0);
        let points = vec![tip, back + vec2(0.0, 3.5), back - vec2(0.0, 3.5)];
        painter.add(egui::Shape::convex_polygon(points, Color32::DARK_GRAY, Stroke::NONE));
    }
    let mut moved = line;
    if response.dragged()
        && let Some(cursor) = response.interact_pointer_pos()
    {
        moved = (cursor.x - canvas.left()) / canvas.width().max(1.0);
    }
    if response.has_focus() {
        let arrows = egui::EventFilter {
            horizontal_arrows: true,
            ..egui::EventFilter::default()
        };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
        let step = |key| if ui.input(|i| i.key_pressed(key)) { 0.02 } else { 0.0 };
        moved += step(egui::Key::ArrowRight) - step(egui::Key::ArrowLeft);
    }
    if moved != line {
        ui.ctx().request_repaint();
    }
    moved.clamp(0.0, 1.0)
}
