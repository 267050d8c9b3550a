//! What floats over the canvas while strokes teach a decoder.

use egui::{Align2, Button, Painter, Pos2, Rect, RichText, Ui, vec2};

use super::Annotate;
use super::chips::{over, thousands};
use super::painting::Doing;
use super::review::UnsurePlace;
use super::tool::Tool;
use crate::app::canvas::CanvasResponse;
use crate::app::theme::{Icon, Tokens, data_color, medium, shade};
use crate::app::widgets::{primary_button, tick};
use crate::app::workspaces::Ctx;

/// Width of the canvas in points from which everything fits in one line.
const WIDE: f32 = 860.0;

impl Annotate {
    /// Draws what was learnt, and what can be done with it. Returns whether strokes teach now.
    pub(super) fn teach_chip(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect) -> bool {
        if self.tool != Tool::Teach {
            return false;
        }
        let (mut apply, mut save, mut clear, mut next) = (false, false, false, false);
        let strokes = self.page().map_or(0, |page| page.strokes.len());
        let edges = self.teaching.edges;
        let mut follows = edges;
        let at = canvas.center_bottom() - vec2(0.0, 16.0);
        let is_wide = canvas.width() >= WIDE;
        over(ui, "teaching", at, Align2::CENTER_BOTTOM, |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let ready = self.teaching.taught.is_some() && !self.teaching.is_working();
            let mut buttons = |ui: &mut Ui| {
                let text = "Make labels of it";
                let button = primary_button(ui, Icon::Check, text);
                let button = ui.add_enabled(ready, button).accessible_name(text);
                apply = button.on_hover_text("As one edit, under the writing rules").clicked();
                let saves = ready && !self.teaching.is_saving();
                let button = ui.add_enabled(saves, Button::new("Save as a model"));
                let hint = "Write encoder and decoder as a model beside the project, and open it for all photos";
                save = button.on_hover_text(hint).clicked();
                let button = ui.add_enabled(strokes > 0, Button::new("Remove strokes"));
                let hint = "Remove all strokes from this photo. Undo brings them back one by one";
                clear = button.on_hover_text(hint).clicked();
            };
            let mut edges = edges;
            ui.horizontal(|ui| {
                next = self.what_was_taught(ui, strokes);
                tick(ui, &mut edges, "Follow edges").on_hover_text("Borders follow the colours of the photo");
                if is_wide {
                    buttons(ui);
                }
            });
            if !is_wide {
                ui.horizontal(&mut buttons);
            }
            follows = edges;
        });
        if edges != follows {
            self.teaching.edges = follows;
            self.learn(ctx);
        }
        if next {
            self.show_unsure(ctx);
        }
        if apply {
            self.apply_taught(ctx);
        }
        if save {
            self.save_taught(ctx);
        }
        if clear {
            self.clear_strokes(ctx);
        }
        true
    }

    /// Says what was learnt, or what to do. Returns whether the place where it is unsure is wanted.
    fn what_was_taught(&self, ui: &mut Ui, strokes: usize) -> bool {
        let mut next = false;
        if let Some(why) = &self.teaching.failed {
            ui.label(RichText::new(why).color(Tokens::of(ui).warning));
        } else if let Some((_, taught)) = &self.teaching.taught {
            let [all, photos] = self.teaching.strokes();
            let on = if photos > 1 {
                format!(" on {photos} photos")
            } else {
                String::new()
            };
            let noun = if all == 1 { "stroke" } else { "strokes" };
            ui.label(medium(format!("Taught by {all} {noun}{on}")));
            match &taught.unsure {
                Some(place) => {
                    let button = ui.button(format!("{} px unsure", thousands(place.pixels as u64)));
                    let hint = "Show the largest unsure area: a stroke there helps most";
                    next = button.on_hover_text(hint).clicked();
                }
                None => drop(ui.weak("sure everywhere")),
            }
        } else if strokes == 0 {
            ui.label(medium("Paint a short stroke of each class"));
            ui.weak("the whole photo is labelled from them");
        }
        // It keeps its place, so that the buttons beside it do not move.
        ui.add_visible(self.teaching.is_working(), egui::Spinner::new());
        next
    }

    /// Draws the strokes on the photo, and the one that is being painted.
    pub(super) fn draw_strokes(&self, painter: &Painter, happened: &CanvasResponse) {
        let (Some(page), Some(open)) = (self.page().filter(|_| self.tool == Tool::Teach), self.project()) else {
            return;
        };
        let zoom = happened.zoom();
        let now = match &self.doing {
            Doing::Teach { points } => Some(self.stroke_through(points)),
            _ => None,
        };
        for stroke in page.strokes.iter().chain(&now) {
            // Whole numbers are the middles of pixels.
            let place = |point: &[f64; 2]| happened.on_screen(point.map(|side| side + 0.5));
            let points: Vec<Pos2> = stroke.points.iter().map(place).collect();
            let width = (stroke.width as f32 * zoom).max(3.0);
            let fill = data_color(open.set.color(stroke.class));
            for (width, color) in [(width + 2.0, shade(200)), (width, fill)] {
                match &*points {
                    [dot] => drop(painter.circle_filled(*dot, 0.5 * width, color)),
                    _ => drop(painter.line(points.clone(), egui::Stroke::new(width, color))),
                }
            }
        }
    }

    /// Moves the canvas to where a stroke would help most.
    fn show_unsure(&mut self, ctx: &Ctx) {
        let place = self
            .teaching
            .taught
            .as_ref()
            .and_then(|(_, taught)| taught.unsure.as_ref());
        if let Some(place) = place {
            let place = UnsurePlace::around(
                [place.columns.start, place.rows.start],
                [place.columns.len(), place.rows.len()],
            );
            self.look_at(place, ctx);
        }
    }
}
