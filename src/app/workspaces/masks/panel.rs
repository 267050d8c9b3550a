//! The panel of the workspace: masks, classes, and what is under the cursor.

use egui::{Panel, ScrollArea, Ui};

use crate::app::command::Command;
use crate::app::inspector::{self, ClassList};
use crate::app::state::ViewState;
use crate::app::theme::{Icon, heading, height};
use crate::app::widgets::icon_button;
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
        let model = ctx.state.library.models.used();
        inspector::masks(ui, &mut view, model.map(|model| &model.classes));
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
        ui.label(heading("Masks"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            masks_eye(ui, ctx);
            ctx.small_icon(ui, Icon::RotateCcw, Command::ResetView);
        });
    });
}

/// The eye that shows and hides all masks.
fn masks_eye(ui: &mut Ui, ctx: &Ctx) {
    let shown = ctx.state.view.masks;
    let icon = if shown { Icon::Eye } else { Icon::EyeOff };
    let enabled = ctx.commands.enabled(Command::ToggleMasks);
    let eye = ui.add_enabled_ui(enabled, |ui| {
        icon_button(ui, icon, "Show masks", height::CONTROL, !shown)
    });
    eye.inner
        .widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, enabled, shown, "Show masks"));
    if eye.inner.on_hover_text(Command::ToggleMasks.tooltip(ui)).clicked() {
        ctx.perform(Command::ToggleMasks);
    }
}

/// The heading of the class list with its buttons, or the name of the class that is shown alone.
fn class_heading(ui: &mut Ui, ctx: &Ctx, list: &mut ClassList, view: &mut ViewState) {
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
    ui.label(heading("Classes"));
    if let Some(model) = ctx.state.library.models.used() {
        ui.weak(model.classes.len().to_string());
    }
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ctx.small_icon(ui, Icon::EyeOff, Command::HideAllClasses);
        ctx.small_icon(ui, Icon::Eye, Command::ShowAllClasses);
        list.tools(ui, view);
    });
}

fn classes(ui: &mut Ui, ctx: &Ctx, list: &mut ClassList, view: &mut ViewState) {
    ui.horizontal(|ui| class_heading(ui, ctx, list, view));
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
