//! The centre of the window while no image is shown: that one is being opened, why it cannot be, or how to start.

use egui::{
    Align, Button, Color32, Frame, Label, Layout, Margin, Rect, RichText, TextureHandle, Ui, UiBuilder, pos2, vec2,
};

use super::path_field::path_field;
use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::theme::{Icon, Tokens, radius, title};
use crate::app::widgets::{chip_frame, primary_button};
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;

/// Width of the card at most, and of the buttons, in points.
const CARD: f32 = 460.0;
const BUTTON: f32 = 220.0;

/// Opacity of the thumbnail that stands in for an image.
const STAND_IN: f32 = 0.5;

/// Draws the centre of the window while no image is shown. `stand_in` is the thumbnail of the wanted one.
pub(in crate::app) fn welcome(ui: &mut Ui, ctx: &Ctx, stand_in: Option<&TextureHandle>) {
    let state = ctx.state;
    let room = ui.max_rect();
    // There is no canvas to fill the centre.
    ui.painter().rect_filled(room, 0.0, Tokens::of(ui).canvas);
    let content = &state.canvas_content;
    if content.opening.is_some() || content.finding || content.incoming.is_some() {
        if let Some(texture) = stand_in {
            paint_stand_in(ui, texture, room);
        }
        let name = state.library.images.wanted().map(ImageSource::name);
        return in_middle(ui, 44.0, |ui| {
            chip_frame(ui, radius::FLOATING, Margin::symmetric(14, 10)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.spinner();
                    let text = name.map_or_else(|| "Opening".into(), |name| format!("Opening {name}"));
                    ui.add(Label::new(text).truncate());
                });
            });
        });
    }
    let images = &state.library.images;
    match images.state(images.current()).and_then(State::failure) {
        Some(why) => failed(ui, ctx, why),
        None => start(ui, ctx),
    }
}

/// Paints a thumbnail as large as the image will be.
fn paint_stand_in(ui: &Ui, texture: &TextureHandle, room: Rect) {
    let size = texture.size_vec2();
    let scale = (room.width() / size.x).min(room.height() / size.y);
    let at = Rect::from_center_size(room.center(), size * scale);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let tint = Color32::WHITE.gamma_multiply(STAND_IN);
    ui.painter().image(texture.id(), at, whole, tint);
}

/// Draws content of about a height in the middle of the room.
fn in_middle(ui: &mut Ui, height: f32, content: impl FnOnce(&mut Ui)) {
    let room = ui.max_rect();
    let size = vec2(CARD.min(room.width() - 24.0), height.min(room.height()));
    let middle = Rect::from_center_size(room.center(), size);
    let layout = Layout::top_down(Align::Center);
    content(&mut ui.new_child(UiBuilder::new().max_rect(middle).layout(layout)));
}

/// Draws why the chosen photo cannot be shown.
fn failed(ui: &mut Ui, ctx: &Ctx, why: &str) {
    let tokens = Tokens::of(ui);
    let name = ctx
        .state
        .library
        .images
        .wanted()
        .map(ImageSource::name)
        .unwrap_or_default();
    in_middle(ui, 160.0, |ui| {
        let frame = Frame::new()
            .fill(tokens.panel)
            .stroke((1.0, tokens.line))
            .corner_radius(radius::FLOATING)
            .inner_margin(Margin::same(20));
        frame.show(ui, |ui| {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.horizontal(|ui| {
                    let icon = RichText::new(Icon::ImageOff.unicode()).size(20.0).color(tokens.warning);
                    ui.label(icon);
                    ui.add(Label::new(title(format!("Can't open {name}"))).truncate());
                });
                ui.colored_label(tokens.error, why);
                ui.add_space(8.0);
                ui.horizontal(|ui| {
                    ctx.titled_button(ui, "Try again", Command::ReloadImage);
                    ctx.titled_button(ui, "Remove from list", Command::RemoveImage);
                    ctx.command_button(ui, Command::OpenImage);
                });
            });
        });
    });
}

/// Draws how to start.
fn start(ui: &mut Ui, ctx: &Ctx) {
    let tokens = Tokens::of(ui);
    let recent = &ctx.state.session.recent_images;
    let height = 250.0 + 24.0 * recent.len().min(5) as f32;
    in_middle(ui, height, |ui| {
        ui.label(title("See what a segmentation transformer sees"));
        ui.label(RichText::new("Drop photos, a folder or a model here, or open them.").color(tokens.second));
        ui.add_space(10.0);
        let open = primary_button(ui, Icon::FolderOpen, Command::OpenImage.title());
        let open = ui.add_sized(vec2(BUTTON, 32.0), open);
        if open.on_hover_text(Command::OpenImage.tooltip(ui)).clicked() {
            ctx.perform(Command::OpenImage);
        }
        for command in [Command::OpenFolder, Command::OpenSample] {
            let button = ui.add_sized(vec2(BUTTON, 28.0), Button::new(command.title()));
            if button.on_hover_text(command.tooltip(ui)).clicked() {
                ctx.perform(command);
            }
        }
        path_field(ui, ctx, BUTTON);
        if !recent.is_empty() {
            ui.add_space(10.0);
            ui.weak("Recent");
            for path in recent.iter().take(5) {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                let link = ui.add(egui::Link::new(name.as_ref()));
                if link.on_hover_text(path.display().to_string()).clicked() {
                    ctx.send(Action::Find(vec![path.clone()]));
                }
            }
        }
    });
}
