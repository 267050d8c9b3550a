//! The centre of the window while no image is shown: that one is being opened, why it cannot be, or how to start.

use egui::{Label, RichText, Ui, vec2};

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;

/// Draws the centre of the window while no image is shown.
pub(in crate::app) fn welcome(ui: &mut Ui, ctx: &Ctx) {
    let state = ctx.state;
    // There is no canvas to fill the centre.
    ui.painter().rect_filled(ui.max_rect(), 0.0, ui.visuals().panel_fill);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).min(220.0));
        if state.canvas_content.opening.is_some()
            || state.canvas_content.finding
            || state.canvas_content.incoming.is_some()
        {
            ui.spinner();
            ui.label("Opening");
            return;
        }
        let images = &state.library.images;
        if let Some(why) = images.state(images.current()).and_then(State::failure) {
            let name = images.wanted().map(ImageSource::name).unwrap_or_default();
            ui.set_max_width(520.0);
            ui.add(Label::new(RichText::new(format!("Can't open {name}")).heading()).truncate());
            ui.colored_label(ui.visuals().error_fg_color, why);
            ui.add_space(8.0);
            ctx.titled_button(ui, "Try again", Command::ReloadImage);
            ctx.command_button(ui, Command::OpenImage);
            return;
        }
        ui.heading("See what a segmentation transformer sees");
        ui.label("Drop photos, a folder or a model here, or open them.");
        ui.add_space(10.0);
        for command in [Command::OpenImage, Command::OpenFolder, Command::OpenSample] {
            let button = ui.add_sized(vec2(220.0, 28.0), egui::Button::new(command.title()));
            if button.on_hover_text(command.tooltip(ui)).clicked() {
                ctx.perform(command);
            }
        }
        let recent = &state.session.recent_images;
        if !recent.is_empty() {
            ui.add_space(14.0);
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
