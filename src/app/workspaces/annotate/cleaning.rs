//! Clean-up: specks and moved borders are found by the thread that has the labels, and changed as one edit.

use std::path::PathBuf;

use egui::{DragValue, RichText, Ui};

use super::Annotate;
use crate::annotate::tools::{Changes, MOST_REACH, Specks};
use crate::annotate::{Over, Rules, Span};
use crate::app::action::Request;
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height};
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationRequest, BorderMove, Find, Found};

/// What is known of the specks of the photo.
pub(super) struct Cleaning {
    /// Largest size of a speck in pixels.
    most: u64,
    /// The specks that were found: of which image, of which size, after how many edits.
    found: Option<(PathBuf, u64, u64, Specks)>,
    /// What was asked for and is not answered.
    asked: Option<(PathBuf, u64, u64)>,
    /// By how many pixels borders move.
    pub(super) by: usize,
    /// The move that was asked for, and after which edit.
    moving: Option<(PathBuf, BorderMove, u64)>,
}

impl Default for Cleaning {
    fn default() -> Self {
        Self {
            most: 20,
            found: None,
            asked: None,
            by: 2,
            moving: None,
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
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Find(Find::Specks {
            image: wanted.0.clone(),
            most: wanted.1,
            number: wanted.2,
        }))));
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

    /// Draws the line about borders.
    pub(super) fn borders_line(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let tokens = Tokens::of(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Borders by").color(tokens.second));
            let by = DragValue::new(&mut self.cleaning.by)
                .range(1..=MOST_REACH)
                .speed(0.2)
                .suffix(" px");
            ui.add(by)
                .on_hover_text("By how many pixels borders move, and how far smoothing looks")
                .accessible_name("By how much borders move");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                for (icon, command) in [
                    (Icon::Waves, Command::SmoothBorders),
                    (Icon::Shrink, Command::ShrinkClass),
                    (Icon::Expand, Command::GrowClass),
                ] {
                    ctx.icon(ui, icon, command, height::CONTROL);
                }
            });
        });
    }

    /// Asks which pixels change when borders move. They change when the answer comes, unless there was an edit meanwhile.
    pub(super) fn move_borders(&mut self, how: BorderMove, ctx: &Ctx) {
        self.release(ctx);
        let Some(sheet) = self.sheet().filter(|_| !self.changing_classes) else {
            return;
        };
        let (image, number) = (sheet.image.clone(), sheet.edits);
        self.cleaning.moving = Some((image.clone(), how, number));
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Find(Find::Borders {
            image,
            how,
            number,
        }))));
    }

    /// Takes what the thread has found.
    pub(super) fn take_found(&mut self, found: &Found, ctx: &Ctx) {
        match found {
            Found::Specks {
                image,
                most,
                number,
                specks,
            } => self.cleaning.take((image, *most, *number), specks),
            Found::Borders {
                image,
                how,
                number,
                changes,
            } => {
                let asked = self
                    .cleaning
                    .moving
                    .take_if(|(of, asked, _)| of == image && asked == how);
                let now = self
                    .sheet()
                    .is_some_and(|sheet| sheet.image == *image && sheet.edits == *number && !sheet.layer.is_editing());
                match asked {
                    Some(_) if now => self.apply_borders(*how, changes, ctx),
                    Some(_) => ctx
                        .actions()
                        .info("The labels have changed meanwhile: move the borders again"),
                    None => {}
                }
            }
            Found::Checks { image, number, checks } => self.take_checks(image, *number, checks, ctx),
            Found::Cells {
                id,
                side,
                by_tokens,
                cells,
            } => self.cells.take((*id, *side, *by_tokens), cells),
        }
    }

    fn apply_borders(&mut self, how: BorderMove, changes: &Changes, ctx: &Ctx) {
        let name = match how {
            BorderMove::Grow(class, by) => format!("grow {} by {by} px", self.name_of(class)),
            BorderMove::Shrink(class, by) => format!("shrink {} by {by} px", self.name_of(class)),
            BorderMove::Smooth(reach) => format!("smooth borders over {reach} px"),
        };
        self.change(
            changes.iter().map(|(class, spans)| (*class, spans.as_slice())),
            name,
            ctx,
        );
    }

    fn clean_up(&mut self, ctx: &Ctx) {
        self.release(ctx);
        let Some(specks) = self.specks().filter(|_| !self.changing_classes).cloned() else {
            return;
        };
        let spans = specks.spans.iter().map(|(class, spans)| (*class, spans.as_slice()));
        self.change(spans, format!("clean up {} specks", specks.count), ctx);
    }

    /// Gives pixels classes as one edit, under the rules of all tools.
    fn change<'s>(&mut self, spans: impl IntoIterator<Item = (u16, &'s [Span])>, name: String, ctx: &Ctx) {
        let result = ctx.document().and_then(|document| document.result.as_ref());
        let rules = Rules {
            // Which classes are written over follows from what was found.
            over: Over::Any,
            ..self.rules(ctx, result)
        };
        let Some(sheet) = self.sheet_mut() else { return };
        sheet.layer.begin(rules, None);
        sheet.write_all(ctx.gpu, spans);
        sheet.commit(ctx, |_| name);
    }
}
