//! What floats over the canvas: why there are no labels, how to begin, what is selected, and what the last edit did.

use egui::{Align2, Area, Color32, Id, Margin, Order, Pos2, Rect, RichText, Ui, vec2};

use super::Annotate;
use super::accepting::{Taken, result_of};
use super::sheet::Saving;
use super::tool::Tool;
use crate::annotate::UNLABELLED;
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, data_color, medium, radius, size};
use crate::app::widgets::{chip_frame, empty_state, primary_button};
use crate::app::workspaces::Ctx;

/// How long the line about the last edit stays, in seconds.
const STAY: f32 = 6.0;

impl Annotate {
    /// What floats over the canvas: why there are no labels, how to begin, and what the last edit did.
    pub(super) fn floating(&mut self, ui: &mut Ui, ctx: &Ctx, canvas: Rect) {
        let failure = self
            .failed
            .as_ref()
            .filter(|(source, _)| Some(source) == self.current.as_ref());
        if let Some(message) = failure.map(|(_, message)| message.clone()) {
            return self.failure(ui, canvas, &message);
        }
        let Some(sheet) = self.sheet() else {
            return match ctx.state.library.models.used() {
                Some(_) => bottom_chip(ui, canvas, "opening labels", |ui| {
                    ui.label("Opening labels…");
                }),
                None => empty_state(
                    ui,
                    Icon::Brush,
                    "No classes yet",
                    "Open a model: a new project takes its classes. They can be changed.",
                ),
            };
        };
        if let Saving::Failed { message, changed } = sheet.saving.clone() {
            return self.conflict(ui, ctx, canvas, &message, changed);
        }
        let is_empty = sheet.unlabelled() == sheet.all_pixels() && !sheet.layer.is_editing();
        self.selection_chip(ui, canvas);
        if !self.shape.corners.is_empty() {
            return self.shape_chip(ui, ctx, canvas);
        }
        if self.teach_chip(ui, ctx, canvas) {
            return;
        }
        if is_empty {
            return self.invitation(ui, ctx, canvas);
        }
        self.last_edit(ui, ctx, canvas);
    }

    fn failure(&mut self, ui: &Ui, canvas: Rect, message: &str) {
        let tokens = Tokens::of(ui);
        let width = canvas.width().min(520.0) - 40.0;
        let clicked = over(
            ui,
            "labels cannot be opened",
            canvas.center(),
            Align2::CENTER_CENTER,
            |ui| {
                ui.set_max_width(width);
                ui.label(medium("The labels of this photo cannot be opened"));
                ui.label(RichText::new(message).color(tokens.second));
                ui.button("Try again").clicked()
            },
        );
        if clicked {
            self.open_again();
        }
    }

    /// Says that the label file could not be written, and what can be done.
    fn conflict(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect, message: &str, changed: bool) {
        let width = canvas.width().min(560.0) - 40.0;
        let at = canvas.center_top() + vec2(0.0, 12.0);
        let mut keep = false;
        let mut theirs = false;
        over(ui, "not saved", at, Align2::CENTER_TOP, |ui| {
            ui.set_max_width(width);
            let title = match changed {
                true => "Another program has changed the label file",
                false => "The labels could not be saved",
            };
            ui.label(medium(title).color(Tokens::of(ui).warning));
            ui.label(RichText::new(message).size(size::SMALL).color(Tokens::of(ui).second));
            ui.horizontal(|ui| {
                let (mine, hint) = match changed {
                    true => ("Keep mine", "Write these labels; the other version is kept in .backup"),
                    false => ("Try again", "Write the label file again"),
                };
                keep = ui.button(mine).on_hover_text(hint).clicked();
                if changed {
                    let button = ui.button("Take theirs");
                    let hint = "Open the changed file; edits that are not saved are kept in .journal";
                    theirs = button.on_hover_text(hint).clicked();
                }
            });
        });
        if keep {
            self.keep_mine(ctx);
        } else if theirs {
            self.take_theirs(ctx);
        }
    }

    fn shape_chip(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let ready = self.shape.corners.len() > 2;
        let mut apply = false;
        let mut cancel = false;
        bottom_chip(ui, canvas, "polygon", |ui| {
            ui.label(format!("{} corners", self.shape.corners.len()));
            ui.weak("drag to move, Backspace takes the last one back");
            apply = ui.add_enabled(ready, egui::Button::new("Apply (Enter)")).clicked();
            cancel = ui.button("Cancel (Esc)").clicked();
        });
        if apply {
            self.apply_shape(ctx);
        } else if cancel {
            self.shape = Default::default();
        }
    }

    /// Says that tools change selected pixels only.
    fn selection_chip(&mut self, ui: &Ui, canvas: Rect) {
        let Some(pixels) = self.selected.as_ref().map(|selected| selected.pixels) else {
            return;
        };
        let at = canvas.center_top() + vec2(0.0, 12.0);
        let clear = over(ui, "selection", at, Align2::CENTER_TOP, |ui| {
            ui.horizontal(|ui| {
                ui.label(medium(format!("{} px selected", thousands(pixels))));
                ui.weak("tools change only these");
                ui.button("Select nothing").clicked()
            })
            .inner
        });
        if clear {
            self.deselect();
        }
    }

    /// Tells how to begin with a photo that has no labels.
    fn invitation(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let result = result_of(ctx);
        let (mut start, mut import, mut teach) = (false, false, false);
        bottom_chip(ui, canvas, "how to begin", |ui| {
            ui.label(medium("No labels yet"));
            match result {
                Some(_) => {
                    let text = Command::AcceptPrediction.title();
                    let button = ui.add(primary_button(ui, Icon::Sparkles, text)).accessible_name(text);
                    start = button.on_hover_text(Command::AcceptPrediction.tooltip(ui)).clicked();
                    ui.weak("or paint on the photo");
                }
                None => {
                    ui.weak("Paint on the photo, or wait for the prediction");
                }
            }
            let button = ui.button(Command::ImportLabels.title());
            import = button.on_hover_text(Command::ImportLabels.tooltip(ui)).clicked();
            let button = ui.button(Command::UseTeach.title());
            teach = button.on_hover_text(Command::UseTeach.tooltip(ui)).clicked();
        });
        if teach {
            self.choose_tool(Tool::Teach, ctx);
        }
        if import {
            self.import.open();
        }
        if start {
            self.take_prediction(Taken::All, ctx);
        }
    }

    /// Says what the last edit changed.
    fn last_edit(&self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let Some((sheet, last)) = self.sheet().and_then(|sheet| Some((sheet, sheet.last.as_ref()?))) else {
            return;
        };
        let age = last.at.elapsed().as_secs_f32();
        if age > STAY || sheet.layer.is_editing() {
            return;
        }
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_secs_f32(STAY - age + 0.05));
        let open = self.project();
        let color = |id: u16| match open.filter(|_| id != UNLABELLED) {
            Some(open) => data_color(open.set.color(id)),
            None => Color32::GRAY,
        };
        let commit = &last.commit;
        bottom_chip(ui, canvas, "what has changed", |ui| {
            match commit.changed.as_slice() {
                [] => {
                    ui.label("Nothing changed");
                }
                [(from, to, _)] => {
                    for (id, arrow) in [(*from, false), (*to, true)] {
                        if arrow {
                            ui.label(Icon::ArrowRight.unicode().to_string());
                        }
                        dot(ui, color(id));
                        ui.label(medium(self.name_of(id)));
                    }
                }
                [(_, to, _), ..] if commit.changed.iter().all(|(_, other, _)| other == to) => {
                    ui.label(format!("{} classes", commit.changed.len()));
                    ui.label(Icon::ArrowRight.unicode().to_string());
                    dot(ui, color(*to));
                    ui.label(medium(self.name_of(*to)));
                }
                _ => {
                    ui.label(medium(capitalized(&last.name)));
                }
            }
            let pixels = thousands(commit.pixels());
            let protected = match commit.protected {
                0 => String::new(),
                n => format!(" · {} px protected", thousands(n)),
            };
            ui.weak(format!("{pixels} px{protected}"));
            if commit.pixels() > 0 && ui.button("Undo").clicked() {
                ctx.perform(Command::Undo);
            }
        });
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A number with commas between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().circle_filled(rect.center(), 5.0, color);
}

/// Draws a field with one line at the lower edge of the canvas.
fn bottom_chip(ui: &Ui, canvas: Rect, name: &str, content: impl FnOnce(&mut Ui)) {
    let at = canvas.center_bottom() - vec2(0.0, 16.0);
    over(ui, name, at, Align2::CENTER_BOTTOM, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            content(ui);
        });
    });
}

/// Draws a field over the canvas at a place.
pub(super) fn over<R>(ui: &Ui, name: &str, at: Pos2, pivot: Align2, content: impl FnOnce(&mut Ui) -> R) -> R {
    Area::new(Id::unique(("over the labels", name)))
        .order(Order::Middle)
        .pivot(pivot)
        .fixed_pos(at)
        .show(ui.ctx(), |ui| {
            chip_frame(ui, radius::FLOATING, Margin::symmetric(14, 10))
                .show(ui, content)
                .inner
        })
        .inner
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([7, 1204, 1_234_567].map(thousands), ["7", "1,204", "1,234,567"]);
    }
}
