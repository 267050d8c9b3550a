//! The middle of the window while no picture is shown: what is on its way, what is wrong, or how to begin.

use egui::{Label, RichText, Ui, vec2};

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::workspaces::Ctx;
use crate::engine::PhotoSource;

/// Draws it.
pub(in crate::app) fn welcome(ui: &mut Ui, ctx: &Ctx) {
    let state = ctx.state;
    // There is no canvas to fill the centre.
    ui.painter().rect_filled(ui.max_rect(), 0.0, ui.visuals().panel_fill);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).min(220.0));
        if state.desk.opening.is_some() || state.desk.finding || state.desk.incoming.is_some() {
            ui.spinner();
            ui.label("Opening");
            return;
        }
        let pictures = &state.library.pictures;
        if let Some(why) = pictures.state(pictures.current()).and_then(State::failure) {
            let name = pictures.wanted().map(PhotoSource::name).unwrap_or_default();
            ui.set_max_width(520.0);
            ui.add(Label::new(RichText::new(format!("{name} cannot be shown")).heading()).truncate());
            ui.colored_label(ui.visuals().error_fg_color, why);
            ui.add_space(8.0);
            ctx.titled_button(ui, "Try again", Command::ReloadPicture);
            ctx.command_button(ui, Command::OpenPicture);
            return;
        }
        ui.heading("See what a segmentation transformer sees");
        ui.label("Drop pictures, a folder or a model here, or open them.");
        ui.add_space(10.0);
        for command in [Command::OpenPicture, Command::OpenFolder, Command::OpenSample] {
            let button = ui.add_sized(vec2(220.0, 28.0), egui::Button::new(command.title()));
            if button.on_hover_text(command.tooltip(ui)).clicked() {
                ctx.perform(command);
            }
        }
        let recent = &state.session.recent_pictures;
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
