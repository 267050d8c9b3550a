//! Three hints at the first start, which vanish when they are followed.

use egui::{Align2, Area, Frame, Id, Margin, Order, Rect, RichText, Stroke, Ui, pos2, vec2};

use crate::app::action::Action;
use crate::app::theme::{Tokens, medium, radius};
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;

/// Width of a hint, in points.
const WIDTH: f32 = 210.0;

/// Least width of the canvas that the hints do not cover, in points.
const ROOM: f32 = 420.0;

/// Which hints were followed.
#[derive(Default)]
pub(super) struct CoachMarks {
    has_read: bool,
    has_seen_attention: bool,
}

impl CoachMarks {
    /// Draws the hints over the sample photo, until the session says that they have been seen.
    pub(super) fn show(&mut self, ui: &Ui, ctx: &Ctx) {
        let state = ctx.state;
        let Some(canvas) = state.canvas.area.filter(|canvas| canvas.width() >= ROOM) else {
            return;
        };
        let shows_sample = ctx
            .document()
            .is_some_and(|document| document.photo.source == ImageSource::Sample && document.result.is_some());
        if state.session.coached || !shows_sample {
            return;
        }
        self.has_read |= state.canvas.cursor.is_some();
        self.has_seen_attention |= ctx.is_open("Attention");
        let mut done = self.has_read && self.has_seen_attention;
        if !self.has_read {
            let at = pos2(canvas.center().x, canvas.bottom() - 24.0);
            mark(ui, "read", (at, Align2::CENTER_BOTTOM), |ui| {
                ui.label(medium("Point at the photo"));
                second(ui, "It says which class each pixel has, and how sure the model is.");
            });
        }
        let at = pos2(canvas.left() + 16.0, canvas.top() + 16.0);
        mark(ui, "open", (at, Align2::LEFT_TOP), |ui| {
            ui.label(medium("Open your photos"));
            second(ui, "Or drop photos, a folder or a model on the window.");
            if ui.button("Got it").clicked() {
                done = true;
            }
        });
        if !self.has_seen_attention {
            let at = pos2(canvas.right() - 16.0, canvas.top() + 16.0);
            mark(ui, "attention", (at, Align2::RIGHT_TOP), |ui| {
                ui.label(medium("See what the network looks at"));
                second(ui, "Attention, above, or press F3.");
            });
        }
        if done {
            ctx.send(Action::Coached);
        }
    }
}

fn second(ui: &mut Ui, text: &str) {
    let color = Tokens::of(ui).second;
    ui.label(RichText::new(text).color(color));
}

/// Draws a hint whose corner or edge is at a place.
fn mark(ui: &Ui, name: &str, (at, corner): (egui::Pos2, Align2), content: impl FnOnce(&mut Ui)) {
    let tokens = Tokens::of(ui);
    let frame = Frame::new()
        .fill(tokens.floating)
        .stroke(Stroke::new(1.0, tokens.accent_line))
        .corner_radius(radius::FLOATING)
        .inner_margin(Margin::symmetric(14, 12))
        .shadow(tokens.shadow());
    let id = Id::unique(("coach mark", name));
    let bounds: Rect = ui.ctx().content_rect();
    Area::new(id)
        .order(Order::Middle)
        .pivot(corner)
        .fixed_pos(at)
        .constrain_to(bounds)
        .show(ui.ctx(), |ui| {
            frame.show(ui, |ui| {
                ui.set_width(WIDTH);
                ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
                content(ui);
            })
        });
}
