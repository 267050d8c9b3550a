//! A field for a path, for systems without a file dialog, and the small window with it.

use egui::{Context, Id, Key, TextEdit, Ui, vec2};

use super::page;
use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::workspaces::Ctx;

/// The small window with the field.
#[derive(Default)]
pub(super) struct PathPage {
    open: bool,
}

impl PathPage {
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open.
    pub(super) fn show(&mut self, context: &Context, ctx: &Ctx) {
        let mut entered = false;
        page::show(
            context,
            Command::OpenPath.title(),
            &mut self.open,
            vec2(460.0, 90.0),
            |ui| {
                ui.label("A photo, a folder of photos, or a model");
                entered = path_field(ui, ctx, f32::INFINITY);
            },
        );
        self.open &= !entered;
    }
}

/// Draws the field, and opens the path on Enter. Returns whether it did.
pub(super) fn path_field(ui: &mut Ui, ctx: &Ctx, width: f32) -> bool {
    let id = Id::unique("path to open");
    let mut text: String = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let field = TextEdit::singleline(&mut text)
        .hint_text("Paste a path and press Enter")
        .desired_width(width);
    let field = ui.add(field).accessible_name("Path of photos, a folder or a model");
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let path = text.trim().trim_matches('"').to_owned();
    let opens = entered && !path.is_empty();
    if opens {
        ctx.send(Action::Find(vec![path.into()]));
        text.clear();
    }
    ui.data_mut(|data| data.insert_temp(id, text));
    opens
}
