//! The panel of the workspace: masks, classes, and what is under the cursor.

use egui::{Panel, ScrollArea, Ui};

use super::reading_panel;
use crate::app::command::Command;
use crate::app::inspector::{self, ClassList};
use crate::app::state::ViewState;
use crate::app::workspaces::Ctx;

/// Panel height in points below which the details of a class do not fit beside the list.
const LOW: f32 = 420.0;

/// Minimum height of the class list in points; if the rest does not fit, the panel scrolls.
const MIN_LIST: f32 = 150.0;

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx) {
    let mut view = (*ctx.state.view).clone();
    let mut list = ctx.state.class_list.clone();
    // The same distance from the edges as the content above.
    let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 4));
    Panel::bottom("reading")
        .resizable(false)
        .frame(frame)
        .show(ui, |ui| reading_panel::show(ui, ctx));
    // In a low window the details scroll with the rest, so that some rows of the list stay visible.
    let low = ui.available_height() < LOW;
    if !low {
        Panel::bottom("class details")
            .resizable(false)
            .frame(frame)
            .show_separator_line(false)
            .show(ui, |ui| class_details(ui, ctx, &mut list, &mut view));
    }
    ScrollArea::vertical().id_salt("inspector").show(ui, |ui| {
        ui.add_space(4.0);
        mask_heading(ui, ctx);
        inspector::masks(ui, &mut view);
        inspector::more(ui, &mut view);
        inspector::inference_section(ui, ctx);
        ui.separator();
        classes(ui, ctx, &mut list, &mut view);
        if low {
            class_details(ui, ctx, &mut list, &mut view);
        }
    });
    ctx.set_view(ui, view);
    ctx.set_class_list(list);
}

fn mask_heading(ui: &mut Ui, ctx: &Ctx) {
    ui.horizontal(|ui| {
        ui.strong("Masks");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let mut shown = ctx.state.view.masks;
            let toggle = ui.add_enabled(
                ctx.commands.enabled(Command::ToggleMasks),
                egui::Checkbox::new(&mut shown, "Show masks"),
            );
            let toggle = toggle.accessible_name("Show masks");
            if toggle.on_hover_text(Command::ToggleMasks.tooltip(ui)).clicked() {
                ctx.perform(Command::ToggleMasks);
            }
        });
    });
}

/// The heading of the class list with its buttons, or the name of the class that is shown alone.
fn class_heading(ui: &mut Ui, ctx: &Ctx, view: &mut ViewState) {
    if let Some(solo) = view.solo.clone() {
        // In place of the buttons, so that the rows below do not move.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.small_button("End solo").clicked() {
                view.solo = None;
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(egui::RichText::new(format!("Only {solo}")).strong()).truncate());
            });
        });
        return;
    }
    ui.strong("Classes");
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let present = egui::Button::selectable(view.present_only, "In this photo").small();
        if ui
            .add(present)
            .accessible_name("List only the classes in this photo")
            .on_hover_text("List only the classes that occur in this photo")
            .clicked()
        {
            view.present_only = !view.present_only;
        }
        ctx.small_button(ui, "None", Command::HideAllClasses);
        ctx.small_button(ui, "All", Command::ShowAllClasses);
    });
}

fn classes(ui: &mut Ui, ctx: &Ctx, list: &mut ClassList, view: &mut ViewState) {
    ui.horizontal(|ui| class_heading(ui, ctx, view));
    let models = &ctx.state.library.models;
    let Some(model) = models.used() else {
        if models.is_loading() || ctx.state.startup.model.is_some() {
            ui.weak("Opening the model");
        } else {
            ui.label("No model is open.");
            if ui.button(Command::UseEmbeddedModel.title()).clicked() {
                ctx.perform(Command::UseEmbeddedModel);
            }
        }
        return;
    };
    list.tools(ui, view);
    let height = ui.available_height().max(MIN_LIST);
    let document = ctx.document();
    let found = document.and_then(|d| d.found());
    let under_cursor = ctx.state.canvas.cursor.and_then(|at| document?.label_at(at));
    ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
        ui.set_min_height(height);
        list.rows(ui, view, &model.classes, found, under_cursor);
    });
}

fn class_details(ui: &mut Ui, ctx: &Ctx, list: &mut ClassList, view: &mut ViewState) {
    if let Some(model) = ctx.state.library.models.used() {
        let found = ctx.document().and_then(|d| d.found());
        list.details(ui, view, &model.classes, found);
    }
}
