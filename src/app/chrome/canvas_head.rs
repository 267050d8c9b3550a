//! The head of the canvas: which model, which photo, how large; and the commands of the canvas.

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::{model_chip, whats_this};
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height, medium, size};
use crate::app::workspaces::{Ctx, Workspace};

/// Width of the model chip for each width of the head from which there is room for it, in points.
const CHIPS: [(f32, f32); 3] = [(760.0, 296.0), (520.0, 216.0), (0.0, 168.0)];

/// Widths in points from which there is room for the commands, and for the zoom among them.
const ROOM_FOR_COMMANDS: f32 = 360.0;
const ROOM_FOR_ZOOM: f32 = 560.0;

/// Width in points below which no name fits.
const LEAST_NAME: f32 = 60.0;

/// Draws the head of an open workspace.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx, open: &mut dyn Workspace) {
    let width = ui.available_width();
    ui.horizontal_centered(|ui| {
        let chip = CHIPS.iter().find(|(room, _)| width >= *room);
        model_chip::show(ui, ctx, chip.map_or(0.0, |(_, chip)| chip.min(width)));
        ui.add_space(4.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if width >= ROOM_FOR_COMMANDS {
                whats_this::button(ui, open.id());
            }
            if !open.head_controls(ui, ctx) && width >= ROOM_FOR_COMMANDS {
                canvas_commands(ui, ctx, width >= ROOM_FOR_ZOOM);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| what_is_open(ui, ctx, open));
        });
    });
}

/// Zoom, and the way through the list, from the right end on.
fn canvas_commands(ui: &mut Ui, ctx: &Ctx, zoom: bool) {
    if ctx.document().is_some() {
        ctx.icon(ui, Icon::Maximize, Command::Fit, height::BUTTON);
        if zoom {
            zoom_menu(ui, ctx);
        }
    }
    if ctx.state.library.images.len() > 1 {
        ctx.icon(ui, Icon::ChevronRight, Command::NextImage, height::BUTTON);
        ctx.icon(ui, Icon::ChevronLeft, Command::PreviousImage, height::BUTTON);
    }
}

fn zoom_menu(ui: &mut Ui, ctx: &Ctx) {
    let percent = ctx.state.canvas.camera.zoom() * ui.pixels_per_point() * 100.0;
    let menu = ui.menu_button(format!("{percent:.0} %"), |ui| {
        for command in [Command::Fit, Command::ActualSize, Command::ZoomIn, Command::ZoomOut] {
            ctx.menu_item(ui, command);
        }
    });
    menu.response
        .accessible_name("Zoom")
        .on_hover_text("Screen pixels per photo pixel");
}

/// Draws what the workspace says, or name and size of the photo.
fn what_is_open(ui: &mut Ui, ctx: &Ctx, open: &dyn Workspace) {
    if ui.available_width() < LEAST_NAME {
        return;
    }
    if let Some([title, below]) = open.title(ctx) {
        return two_lines(ui, &title, &below);
    }
    let wanted = ctx.state.library.images.wanted();
    match ctx.document() {
        Some(document) => {
            let photo = &document.photo.photo;
            let size = format!("{} × {}", photo.width, photo.height);
            two_lines(ui, &document.photo.source.name(), &size);
        }
        None => {
            if let Some(wanted) = wanted.filter(|_| ctx.state.misses_wanted()) {
                two_lines(ui, &wanted.name(), "");
            }
        }
    }
}

/// Draws a title and, unless it is empty, a line below it.
fn two_lines(ui: &mut Ui, title: &str, below: &str) {
    let color = Tokens::of(ui).second;
    ui.allocate_ui(vec2(ui.available_width(), ui.available_height()), |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let lines = if below.is_empty() { 18.0 } else { 36.0 };
            ui.add_space(0.5 * (ui.available_height() - lines).max(0.0));
            ui.add(Label::new(medium(title)).truncate()).on_hover_text(title);
            if !below.is_empty() {
                let text = RichText::new(below).size(size::SMALL).color(color);
                ui.add(Label::new(text).truncate()).on_hover_text(below);
            }
        });
    });
}
