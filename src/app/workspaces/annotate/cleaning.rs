//! Clean-up: specks are found by the thread that has the labels, and removed as one edit.

use std::path::PathBuf;

use egui::{DragValue, RichText, Ui};

use super::Annotate;
use super::sheet::locked_of;
use crate::annotate::Rules;
use crate::annotate::tools::Specks;
use crate::app::action::Request;
use crate::app::theme::Tokens;
use crate::app::workspaces::Ctx;
use crate::engine::AnnotationRequest;

/// What is known of the specks of the photo.
pub(super) struct Cleaning {
    /// Largest size of a speck in pixels.
    most: u64,
    /// The specks that were found: of which image, of which size, after how many edits.
    found: Option<(PathBuf, u64, u64, Specks)>,
    /// What was asked for and is not answered.
    asked: Option<(PathBuf, u64, u64)>,
}

impl Default for Cleaning {
    fn default() -> Self {
        Self {
            most: 20,
            found: None,
            asked: None,
        }
    }
}

impl Cleaning {
    /// Takes the specks that were found.
    pub(super) fn take(&mut self, (image, most, edits): (&PathBuf, u64, u64), specks: &Specks) {
        let answered = |asked: &mut (PathBuf, u64, u64)| (&asked.0, asked.1, asked.2) == (image, most, edits);
        if let Some((image, most, edits)) = self.asked.take_if(answered) {
            self.found = Some((image, most, edits, specks.clone()));
        }
    }
}

impl Annotate {
    /// Asks for the specks of the photo as it is now, unless they are known.
    fn find_specks(&mut self, ctx: &Ctx) {
        let Some(sheet) = self.sheet() else { return };
        // One request at a time, so that strokes do not wait behind many.
        if sheet.layer.is_editing() || self.cleaning.asked.as_ref().is_some_and(|(of, ..)| *of == sheet.image) {
            return;
        }
        let wanted = (sheet.image.clone(), self.cleaning.most, sheet.edits);
        let known = self.cleaning.found.as_ref();
        let is_known =
            known.is_some_and(|(image, most, edits, _)| (image, *most, *edits) == (&wanted.0, wanted.1, wanted.2));
        if is_known || self.cleaning.asked.as_ref() == Some(&wanted) {
            return;
        }
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::FindSpecks {
            image: wanted.0.clone(),
            most: wanted.1,
            number: wanted.2,
        })));
        self.cleaning.asked = Some(wanted);
    }

    /// The specks of the photo as it is now, if they are known.
    fn specks(&self) -> Option<&Specks> {
        let sheet = self.sheet()?;
        let (image, most, edits, specks) = self.cleaning.found.as_ref()?;
        let is_now = *image == sheet.image && *most == self.cleaning.most && *edits == sheet.edits;
        is_now.then_some(specks)
    }

    /// Draws the line about specks.
    pub(super) fn specks_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.find_specks(ctx);
        let tokens = Tokens::of(ui);
        let count = self.specks().map(|specks| specks.count);
        let mut clean = false;
        ui.horizontal(|ui| {
            ui.label(RichText::new("Specks to").color(tokens.second));
            let size = DragValue::new(&mut self.cleaning.most)
                .range(1..=10_000)
                .speed(1.0)
                .suffix(" px");
            ui.add(size)
                .on_hover_text("Regions of at most this many pixels are specks")
                .accessible_name("Largest speck");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| match count {
                Some(0) => {
                    ui.label("none");
                }
                Some(count) => {
                    clean = ui
                        .button("Clean up")
                        .on_hover_text("Each speck becomes the class around it; locked classes stay. It is one edit.")
                        .clicked();
                    ui.label(RichText::new(count.to_string()).color(tokens.warning));
                }
                None => {
                    ui.weak("…");
                }
            });
        });
        if clean {
            self.clean_up(ctx);
        }
    }

    fn clean_up(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let Some(specks) = self.specks().filter(|_| !self.changing_classes).cloned() else {
            return;
        };
        let rules = Rules {
            locked: self.project().map(|open| locked_of(&open.project)).unwrap_or_default(),
            ..Rules::default()
        };
        let Some(sheet) = self.sheet_mut() else { return };
        sheet.layer.begin(rules, None);
        let spans = specks.spans.iter().map(|(class, spans)| (*class, spans.as_slice()));
        sheet.write_all(ctx.gpu, spans);
        sheet.commit(ctx, |_| format!("clean up {} specks", specks.count));
    }
}
