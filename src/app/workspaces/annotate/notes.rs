//! A note at a pixel of the photo, for the person who looks at it next.

use egui::{Align2, Key, TextEdit, Ui};

use super::Annotate;
use super::chips::over;
use crate::annotate::project::Note;
use crate::app::action::Request;
use crate::app::canvas::CanvasResponse;
use crate::app::theme::{Icon, Tokens, size};
use crate::app::workspaces::Ctx;
use crate::engine::AnnotationRequest;

/// Distance of a note from its pixel, in points.
const BESIDE: f32 = 14.0;

/// Width of the field, in points.
const WIDTH: f32 = 240.0;

/// A note that is being written.
pub(super) struct OpenNote {
    at: [usize; 2],
    text: String,
}

impl Annotate {
    /// Opens the field at a pixel, with the note of the photo if there is one: it moves there.
    pub(super) fn open_note(&mut self, at: [usize; 2]) {
        let text = self.sheet().and_then(|sheet| sheet.record.note.as_ref());
        self.note = Some(OpenNote {
            at,
            text: text.map(|note| note.text.clone()).unwrap_or_default(),
        });
    }

    /// Draws the note of the photo, or the field in which one is written.
    pub(super) fn draw_note(&mut self, ui: &Ui, ctx: &Ctx, happened: &CanvasResponse) {
        let canvas = happened.response.rect;
        let written = self.sheet().and_then(|sheet| sheet.record.note.clone());
        let place = |at: [usize; 2]| happened.position_of(at);
        if let Some(note) = written.filter(|_| self.note.is_none()) {
            let at = place(note.at);
            if canvas.contains(at) {
                let color = Tokens::of(ui).accent_line;
                let painter = ui.painter_at(canvas);
                painter.circle(at, 5.0, color, (1.5, egui::Color32::WHITE));
                over(ui, "note", at + egui::vec2(BESIDE, 0.0), Align2::LEFT_CENTER, |ui| {
                    ui.set_max_width(WIDTH);
                    ui.label(egui::RichText::new(note.text).size(size::SMALL));
                });
            }
        }
        let Some(mut open) = self.note.take() else { return };
        let at = canvas.clamp(place(open.at)) + egui::vec2(BESIDE, 0.0);
        let (mut save, mut cancel) = (false, false);
        over(ui, "write a note", at, Align2::LEFT_CENTER, |ui| {
            ui.set_width(WIDTH);
            let field = TextEdit::singleline(&mut open.text)
                .hint_text("What is to be done here")
                .desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name("Text of the note");
            save = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if !field.has_focus() && !ui.ctx().text_edit_focused() && !save {
                field.request_focus();
            }
            ui.horizontal(|ui| {
                let text = if open.text.trim().is_empty() {
                    "Remove"
                } else {
                    "Save note"
                };
                let button = egui::Button::new(format!("{} {text}", Icon::Check.unicode()));
                save |= ui.add(button).accessible_name(text).clicked();
                cancel = ui.button("Cancel").clicked() || ui.input(|input| input.key_pressed(Key::Escape));
            });
        });
        if save {
            self.save_note(open, ctx);
        } else if !cancel {
            self.note = Some(open);
        }
    }

    fn save_note(&mut self, open: OpenNote, ctx: &Ctx) {
        let Some(sheet) = self.sheet_mut() else { return };
        let text = open.text.trim().to_owned();
        sheet.record.note = (!text.is_empty()).then_some(Note { at: open.at, text });
        let (image, record) = (sheet.image.clone(), sheet.record.clone());
        self.note_record(ctx);
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Record { image, record })));
    }
}
