//! The top bar: menus, and buttons for the most frequent commands.

use std::path::PathBuf;

use egui::{Align, Button, Label, Layout, MenuBar, ProgressBar, RichText, Ui};

use super::models_menu::{about, open_models_menu};
use super::output_switch::{has_switch, output_switch};
use crate::app::action::Action;
use crate::app::command::{Command, Section};
use crate::app::workspaces::{Ctx, WORKSPACES};

/// Width in points from which there is room for the image's size beside its name.
const WIDE: f32 = 860.0;

/// Width in points from which there is room for the workspaces beside the menus.
const ROOM_FOR_TABS: f32 = 805.0;

/// Width in points from which there is room for all menus side by side, and for buttons that only repeat a menu line.
const ROOM_FOR_MENUS: f32 = 600.0;

/// Width of the progress bar of a loading model, in points.
const LOADING_BAR: f32 = 110.0;

/// Draws both rows of the bar.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx) {
    let roomy = ui.ctx().content_rect().width() >= ROOM_FOR_MENUS;
    MenuBar::new().ui(ui, |ui| {
        if roomy {
            menus(ui, ctx);
        } else {
            ui.menu_button("Menu", |ui| menus(ui, ctx));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ctx.command_button(ui, Command::Palette);
            ui.separator();
            workspace_switch(ui, ctx);
        });
    });
    ui.horizontal(|ui| {
        buttons(ui, ctx, roomy);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| what_is_open(ui, ctx));
    });
    ui.add_space(2.0);
}

/// Draws buttons for the most frequent commands.
fn buttons(ui: &mut Ui, ctx: &Ctx, roomy: bool) {
    let separator = |ui: &mut Ui| {
        if roomy {
            ui.separator();
        }
    };
    ctx.titled_button(ui, "Open…", Command::OpenImage);
    model_button(ui, ctx);
    separator(ui);
    ctx.command_button(ui, Command::Segment);
    ctx.command_button(ui, Command::Export);
    separator(ui);
    if roomy {
        ctx.command_button(ui, Command::Fit);
        ctx.command_button(ui, Command::ActualSize);
    }
    if ctx.state.library.images.len() > 1 {
        separator(ui);
        ctx.titled_button(ui, "<", Command::PreviousImage);
        ctx.titled_button(ui, ">", Command::NextImage);
    }
    output_switch(ui, ctx);
}

/// Draws the name of the image, or the loading model, from the right end of the row on.
fn what_is_open(ui: &mut Ui, ctx: &Ctx) {
    if ctx.state.library.models.is_loading() {
        return loading_bar(ui, ctx);
    }
    let Some(document) = ctx.document() else {
        return missed_image(ui, ctx);
    };
    let name = document.photo.source.name();
    let photo = &document.photo.photo;
    // The size comes first: a long name may be truncated, the size may not.
    if ui.ctx().content_rect().width() >= WIDE {
        ui.label(format!("{} x {}", photo.width, photo.height));
    }
    ui.add(Label::new(&name).truncate()).on_hover_text(&name);
}

/// Draws a menu for each section: side by side in the bar, one below the other inside a menu.
fn menus(ui: &mut Ui, ctx: &Ctx) {
    for section in Section::ALL {
        ui.menu_button(section.title(), |ui| menu(ui, section, ctx));
    }
}

/// Draws the name of the chosen image if it cannot be shown.
fn missed_image(ui: &mut Ui, ctx: &Ctx) {
    let wanted = ctx.state.library.images.wanted();
    if let Some(wanted) = wanted.filter(|_| ctx.state.misses_wanted()) {
        let name = wanted.name();
        ui.add(Label::new(RichText::new(&name).weak()).truncate())
            .on_hover_text(&name);
    }
}

/// Draws the progress of the loading model.
fn loading_bar(ui: &mut Ui, ctx: &Ctx) {
    let Some(loading) = ctx.state.library.models.loading() else {
        return;
    };
    ctx.titled_button(ui, "Cancel", Command::CancelLoading);
    let bar = ProgressBar::new(loading.fraction)
        .desired_width(LOADING_BAR)
        .show_percentage();
    ui.add(bar).accessible_name("Progress of opening the model");
    let text = format!("Opening {}", loading.name);
    ui.add(Label::new(&text).truncate()).on_hover_text(text);
}

/// Draws the workspaces side by side, or in a menu if there is no room.
fn workspace_switch(ui: &mut Ui, ctx: &Ctx) {
    if ui.ctx().content_rect().width() < ROOM_FOR_TABS {
        let menu = ui.menu_button(ctx.state.workspace.id, |ui| {
            for entry in &WORKSPACES {
                ctx.menu_item(ui, entry.command);
            }
        });
        menu.response.accessible_name("Workspace");
        return;
    }
    for entry in WORKSPACES.iter().rev() {
        let on = ctx.is_open(entry.title);
        let tab = ui.add(Button::selectable(on, entry.title));
        let tab = tab.accessible_name(entry.command.title());
        if tab.on_hover_text(entry.command.tooltip(ui)).clicked() {
            ctx.perform(entry.command);
        }
    }
}

/// Draws the commands of a section, and the other entries of its menu.
fn menu(ui: &mut Ui, section: Section, ctx: &Ctx) {
    ui.set_min_width(230.0);
    for &command in Command::ALL {
        if command.section() == section && !command.is_hidden() {
            ctx.menu_item(ui, command);
        }
    }
    let session = &ctx.state.session;
    match section {
        Section::File => recent_menu(ui, "Recent photos", &session.recent_images, ctx),
        Section::Model => {
            open_models_menu(ui, ctx);
            recent_menu(ui, "Recent models", &session.recent_models, ctx);
        }
        _ => {}
    }
}

fn recent_menu(ui: &mut Ui, title: &str, paths: &[PathBuf], ctx: &Ctx) {
    ui.separator();
    ui.add_enabled_ui(!paths.is_empty(), |ui| {
        ui.menu_button(title, |ui| {
            ui.set_max_width(420.0);
            for path in paths {
                let name = path
                    .file_name()
                    .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into());
                let button = ui.add(Button::new(name).truncate());
                if button.on_hover_text(path.display().to_string()).clicked() {
                    ctx.send(Action::Find(vec![path.clone()]));
                    ui.close();
                }
            }
        });
    });
}

fn model_button(ui: &mut Ui, ctx: &Ctx) {
    let state = ctx.state;
    let multi_scale = if state.is_multi_scale() { ", multi-scale" } else { "" };
    let model = state.library.models.used();
    let name = model.map_or_else(|| "Model".into(), |model| format!("Model: {}", model.title));
    // The decoder switch shows what is in use.
    let title = if has_switch(ctx) { "Model" } else { &name };
    let menu = ui.menu_button(format!("{title}{multi_scale}"), |ui| menu(ui, Section::Model, ctx));
    let button = menu.response.accessible_name(format!("{name}{multi_scale}"));
    if let Some(model) = model {
        button.on_hover_text(format!("{}\n{}", model.title, about(model)));
    }
}
