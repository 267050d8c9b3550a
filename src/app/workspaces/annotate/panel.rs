//! The panel: classes, where labels come from, and the review of the photo.

use egui::{Panel, Popup, ScrollArea, TextEdit, Ui};

use super::Annotate;
use super::accepting::{Taken, result_of};
use super::class_dialog::Wanted;
use crate::app::command::Command;
use crate::app::theme::{Icon, heading, height};
use crate::app::widgets::{icon_button, percent_row, section_head, section_line};
use crate::app::workspaces::Ctx;

/// Number of classes from which there is a search field.
const SEARCH_FROM: usize = 14;

/// Panel height in points below which everything scrolls together.
const LOW: f32 = 620.0;

/// Height of the class list in a low panel, in points.
const ROWS: f32 = 220.0;

impl Annotate {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        if self.sheet().is_none() {
            ui.add_space(8.0);
            ui.label(heading("Classes"));
            ui.weak(match ctx.document() {
                Some(_) => "Opening the labels of this photo…",
                None => "Open a photo to annotate it.",
            });
            return;
        }
        let low = ui.available_height() < LOW;
        let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
        Panel::bottom("annotation review")
            .resizable(false)
            .frame(frame)
            .show_separator_line(false)
            .show(ui, |ui| {
                if !low {
                    section_line(ui);
                    self.start_from(ui, ctx);
                }
                section_line(ui);
                self.review(ui, ctx, low);
            });
        ui.add_space(4.0);
        if low {
            ScrollArea::vertical().id_salt("annotation panel").show(ui, |ui| {
                self.class_head(ui, ctx);
                ui.allocate_ui(egui::vec2(ui.available_width(), ROWS), |ui| self.class_rows(ui, ctx));
                section_line(ui);
                self.start_from(ui, ctx);
            });
            return;
        }
        self.class_head(ui, ctx);
        self.class_rows(ui, ctx);
    }

    fn class_head(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(open) = self.project() else { return };
        let (count, undo) = (open.project.listed().count(), open.undo);
        ui.horizontal(|ui| {
            ui.label(heading("Classes"));
            ui.weak(count.to_string());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let add = icon_button(ui, Icon::Plus, "Add a class", height::CONTROL, false);
                if add.on_hover_text("Add a class to this project").clicked() {
                    self.dialog.open(Wanted::Add);
                }
                let more = icon_button(ui, Icon::Ellipsis, "More about labels", height::CONTROL, false);
                Popup::menu(&more).show(|ui| {
                    ctx.menu_item(ui, Command::ImportLabels);
                    ctx.menu_item(ui, Command::CopyPrevious);
                    if ui
                        .button("Clear all labels")
                        .on_hover_text("But not those of locked classes")
                        .clicked()
                    {
                        self.clear_labels(ctx);
                    }
                });
                if undo {
                    let back = icon_button(ui, Icon::Undo2, "Undo change of classes", height::CONTROL, false);
                    let hint = "Take the last change of the class list back, in all label files";
                    if back.on_hover_text(hint).clicked() {
                        self.undo_classes(ctx);
                    }
                }
            });
        });
        if count >= SEARCH_FROM {
            let field = TextEdit::singleline(&mut self.search)
                .hint_text("Find a class")
                .desired_width(f32::INFINITY);
            ui.add(field).accessible_name("Find a class to paint");
        }
    }

    /// Where labels come from.
    fn start_from(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let models = &ctx.state.library.models;
        let title = models
            .used()
            .map(|model| model.output_title(models.output()))
            .unwrap_or_default();
        section_head(ui, "From the prediction", &title);
        let has_result = result_of(ctx).is_some();
        ui.add_enabled_ui(has_result, |ui| {
            ui.horizontal(|ui| {
                let take = ui.button("Take all").accessible_name("Take the whole prediction");
                let hint = "Replace all labels but locked classes by the prediction; it is one edit";
                if take.on_hover_text(hint).clicked() {
                    self.take_prediction(Taken::All, ctx);
                }
                let fill = ui.button("Fill unlabelled");
                if fill
                    .on_hover_text("Take the prediction where there are no labels")
                    .clicked()
                {
                    self.take_prediction(Taken::Unlabelled, ctx);
                }
            });
            let hint = "Only pixels of which the model is at least so sure are taken";
            percent_row(ui, "Confidence", hint, &mut self.least_confidence, 0.0..=1.0);
        });
        if !has_result {
            ui.weak("There is no prediction of this photo yet.");
            if ctx.commands.enabled(Command::Segment) && ui.button(Command::Segment.title()).clicked() {
                ctx.perform(Command::Segment);
            }
        }
    }
}
