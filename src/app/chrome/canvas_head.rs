//! The head of the canvas: which model, which photo, how large; and the commands of the canvas.

use egui::{Align, Label, Layout, ProgressBar, RichText, Ui, vec2};

use super::model_chip;
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height, medium, size};
use crate::app::workspaces::Ctx;

/// Width of the model chip for each width of the head from which there is room for it, in points.
const CHIPS: [(f32, f32); 3] = [(760.0, 296.0), (520.0, 216.0), (0.0, 168.0)];

/// Widths in points from which there is room for the commands, and for the zoom among them.
const ROOM_FOR_COMMANDS: f32 = 360.0;
const ROOM_FOR_ZOOM: f32 = 560.0;

/// Width in points below which no name fits.
const LEAST_NAME: f32 = 60.0;

/// Width of the progress bar of a loading model, in points.
const LOADING_BAR: f32 = 110.0;

/// Draws the head.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx) {
    let width = ui.available_width();
    ui.horizontal_centered(|ui| {
        let chip = CHIPS.iter().find(|(room, _)| width >= *room);
        model_chip::show(ui, ctx, chip.map_or(0.0, |(_, chip)| chip.min(width)));
        ui.add_space(4.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            if width >= ROOM_FOR_COMMANDS {
                canvas_commands(ui, ctx, width >= ROOM_FOR_ZOOM);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| what_is_open(ui, ctx));
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

/// Draws name and size of the photo, or the loading model.
fn what_is_open(ui: &mut Ui, ctx: &Ctx) {
    if ctx.state.library.models.is_loading() {
        return loading_bar(ui, ctx);
    }
    if ui.available_width() < LEAST_NAME {
        return;
    }
    let color = Tokens::of(ui).second;
    let wanted = ctx.state.library.images.wanted();
    let (name, below) = match ctx.document() {
        Some(document) => {
            let photo = &document.photo.photo;
            (
                document.photo.source.name(),
                Some(format!("{} x {}", photo.width, photo.height)),
            )
        }
        None => match wanted.filter(|_| ctx.state.misses_wanted()) {
            Some(wanted) => (wanted.name(), None),
            None => return,
        },
    };
    ui.allocate_ui(vec2(ui.available_width(), ui.available_height()), |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let lines = if below.is_some() { 36.0 } else { 18.0 };
            ui.add_space(0.5 * (ui.available_height() - lines).max(0.0));
            ui.add(Label::new(medium(&name)).truncate()).on_hover_text(&name);
            if let Some(below) = below {
                ui.label(RichText::new(below).size(size::SMALL).color(color));
            }
        });
    });
}

/// Draws the progress of the loading model.
fn loading_bar(ui: &mut Ui, ctx: &Ctx) {
    let Some(loading) = ctx.state.library.models.loading() else {
        return;
    };
    let bar = ProgressBar::new(loading.fraction)
        .desired_width(LOADING_BAR)
        .show_percentage();
    ui.add(bar).accessible_name("Progress of opening the model");
    ctx.titled_button(ui, "Cancel", Command::CancelLoading);
    let text = format!("Opening {}", loading.name);
    ui.add(Label::new(&text).truncate()).on_hover_text(text);
}
