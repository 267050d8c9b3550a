//! The small window in which a class is added, changed, merged or deleted.

use std::path::PathBuf;

use egui::{Key, TextEdit, Ui};

use super::Annotate;
use super::chips::thousands;
use crate::annotate::project::ClassEdit;
use crate::annotate::{Patch, UNLABELLED};
use crate::app::action::Request;
use crate::app::theme::{Icon, Tokens, title};
use crate::app::widgets::primary_button;
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationNews, AnnotationRequest};

/// What the window is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Add,
    Change(u16),
    Merge(u16),
    Delete(u16),
}

/// The state of the window.
#[derive(Default)]
pub(super) struct ClassDialog {
    wanted: Option<Wanted>,
    name: String,
    color: [u8; 3],
    /// Its id in label files.
    id: u16,
    /// What the pixels of a merged or deleted class get.
    into: u16,
    /// Whether the fields have been filled in.
    filled: bool,
    /// Pixels and label files with the class, once they have been counted.
    pixels: Option<[u64; 2]>,
}

impl ClassDialog {
    pub(super) fn open(&mut self, wanted: Wanted) {
        *self = Self {
            wanted: Some(wanted),
            into: UNLABELLED,
            ..Self::default()
        };
    }

    pub(super) fn is_open(&self) -> bool {
        self.wanted.is_some()
    }

    pub(super) fn close(&mut self) {
        self.wanted = None;
    }
}

impl Annotate {
    /// Draws the window, if it is open.
    pub(super) fn class_dialog(&mut self, ui: &Ui, ctx: &Ctx) {
        let Some(wanted) = self.dialog.wanted else { return };
        if self.sheet().is_none() {
            return self.dialog.close();
        }
        self.fill_dialog(wanted, ctx);
        let heading = match wanted {
            Wanted::Add => "Add a class".to_owned(),
            Wanted::Change(id) => format!("Change {}", self.name_of(id)),
            Wanted::Merge(id) => format!("Merge {} into another class", self.name_of(id)),
            Wanted::Delete(id) => format!("Delete {}", self.name_of(id)),
        };
        let mut done = false;
        let mut cancelled = false;
        let mut field_entered = false;
        egui::Modal::new(egui::Id::unique("class of the project")).show(ui.ctx(), |ui| {
            ui.set_width(340.0);
            ui.label(title(heading));
            ui.add_space(6.0);
            match wanted {
                Wanted::Add | Wanted::Change(_) => field_entered = self.name_and_color(ui),
                Wanted::Merge(id) | Wanted::Delete(id) => self.what_becomes(ui, id),
            }
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                let (icon, text) = match wanted {
                    Wanted::Add => (Icon::Plus, "Add"),
                    Wanted::Change(_) => (Icon::Check, "Change"),
                    Wanted::Merge(_) => (Icon::Merge, "Merge"),
                    Wanted::Delete(_) => (Icon::Trash2, "Delete"),
                };
                let ready = match wanted {
                    Wanted::Merge(_) => self.dialog.into != UNLABELLED,
                    Wanted::Add | Wanted::Change(_) => !self.dialog.name.trim().is_empty(),
                    Wanted::Delete(_) => true,
                };
                let button = primary_button(ui, icon, text);
                done = ui.add_enabled(ready, button).accessible_name(text).clicked();
                cancelled = ui.button("Cancel").clicked() || ui.input(|input| input.key_pressed(Key::Escape));
                // Enter belongs to a button or a list that has the focus, but not to the field of the name.
                let free = ui.memory(|memory| memory.focused()).is_none() || field_entered;
                done |= ready && free && ui.input(|input| input.key_pressed(Key::Enter));
            });
        });
        if done && !cancelled {
            self.perform_dialog(wanted, ctx);
        }
        if done || cancelled {
            self.dialog.close();
        }
    }

    /// Fills the fields in, once, and asks how many pixels are concerned.
    fn fill_dialog(&mut self, wanted: Wanted, ctx: &Ctx) {
        if std::mem::replace(&mut self.dialog.filled, true) {
            return;
        }
        match wanted {
            Wanted::Add => {
                let count = self.project().map_or(0, |open| open.project.classes.len());
                let colors = crate::labels::ClassSet::numbered(count + 1);
                self.dialog.color = colors.color(count as u16);
            }
            Wanted::Change(id) => {
                let class = self.project().and_then(|open| open.project.class(id)).cloned();
                if let Some(class) = class {
                    (self.dialog.name, self.dialog.color) = (class.name, class.color);
                    self.dialog.id = id;
                }
            }
            Wanted::Merge(id) | Wanted::Delete(id) => {
                if let Some(image) = self.image_path() {
                    ctx.request(Request::Annotate(Box::new(AnnotationRequest::Count { image, id })));
                }
            }
        }
    }

    /// Draws the fields. Returns whether the field of the name has the focus, or has just given it up.
    fn name_and_color(&mut self, ui: &mut Ui) -> bool {
        let field = ui.horizontal(|ui| {
            ui.color_edit_button_srgb(&mut self.dialog.color)
                .accessible_name("Colour of the class");
            let field = TextEdit::singleline(&mut self.dialog.name)
                .hint_text("Name")
                .desired_width(f32::INFINITY);
            let field = ui.add(field).accessible_name("Name of the class");
            if !field.has_focus() && !ui.ctx().text_edit_focused() && !field.lost_focus() {
                field.request_focus();
            }
            field
        });
        let Some(Wanted::Change(before)) = self.dialog.wanted else {
            ui.weak("Label files stay as they are.");
            return field.inner.has_focus() || field.inner.lost_focus();
        };
        ui.horizontal(|ui| {
            ui.label("Id in label files");
            ui.add(egui::DragValue::new(&mut self.dialog.id).range(0..=UNLABELLED - 1))
                .accessible_name("Id of the class");
        });
        ui.weak(match self.dialog.id == before {
            true => "Label files stay as they are.",
            false => "All label files of the project change at once. It can be undone until the next edit.",
        });
        field.inner.has_focus() || field.inner.lost_focus()
    }

    fn what_becomes(&mut self, ui: &mut Ui, id: u16) {
        let text = match self.dialog.pixels {
            Some([pixels, files]) => {
                let noun = if files == 1 { "label file" } else { "label files" };
                format!("{} px in {files} {noun}", thousands(pixels))
            }
            None => "Counting its pixels…".into(),
        };
        ui.label(text);
        let is_merge = matches!(self.dialog.wanted, Some(Wanted::Merge(_)));
        let others: Vec<(u16, String, bool)> = self
            .project()
            .into_iter()
            .flat_map(|open| open.project.listed())
            .filter(|class| class.id != id)
            .map(|class| (class.id, class.name.clone(), class.locked))
            .collect();
        // Digits choose, as on the canvas.
        let digit = ui.input(|input| {
            let typed = input.events.iter().filter_map(|event| match event {
                egui::Event::Text(text) => text.chars().next(),
                _ => None,
            });
            typed.into_iter().next_back()
        });
        let by_digit = self.project().into_iter().flat_map(|open| open.project.listed());
        let by_digit = by_digit.filter(|class| class.id != id && !class.locked && class.key.is_some());
        if let Some(into) = by_digit.filter(|class| class.key == digit).map(|class| class.id).last() {
            self.dialog.into = into;
        }
        let shown = match self.dialog.into {
            UNLABELLED if is_merge => "Choose a class".to_owned(),
            into => self.name_of(into),
        };
        ui.horizontal(|ui| {
            ui.label("They become");
            egui::ComboBox::from_id_salt("what pixels become")
                .selected_text(shown)
                .show_ui(ui, |ui| {
                    if !is_merge {
                        ui.selectable_value(&mut self.dialog.into, UNLABELLED, "unlabelled");
                    }
                    for (other, name, locked) in others {
                        ui.add_enabled_ui(!locked, |ui| ui.selectable_value(&mut self.dialog.into, other, name));
                    }
                })
                .response
                .accessible_name("What the pixels become");
        });
        let color = Tokens::of(ui).second;
        ui.label(
            egui::RichText::new("All label files of the project change at once. It can be undone until the next edit.")
                .color(color),
        );
    }

    fn perform_dialog(&mut self, wanted: Wanted, ctx: &Ctx) {
        let (name, color) = (self.dialog.name.trim().to_owned(), self.dialog.color);
        let into = self.dialog.into;
        match wanted {
            Wanted::Add => self.edit_classes(ClassEdit::Add { name, color }, ctx),
            Wanted::Change(id) => {
                let class = self.project().and_then(|open| open.project.class(id)).cloned();
                let Some(class) = class else { return };
                if class.name != name {
                    self.edit_classes(ClassEdit::Rename { id, name }, ctx);
                }
                if class.color != color {
                    self.edit_classes(ClassEdit::Recolor { id, color }, ctx);
                }
                if self.dialog.id != id {
                    let to = self.dialog.id;
                    self.edit_classes(ClassEdit::Renumber { id, to }, ctx);
                }
            }
            Wanted::Merge(id) | Wanted::Delete(id) => self.edit_classes(ClassEdit::Delete { id, into }, ctx),
        }
    }

    /// Asks for a change of the class list.
    pub(super) fn edit_classes(&mut self, edit: ClassEdit, ctx: &Ctx) {
        self.release(ctx);
        if let Some(image) = self.image_path() {
            self.changing_classes = true;
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::EditClasses {
                image,
                edit,
            })));
        }
    }

    /// Asks to take the last change of the class list back.
    pub(super) fn undo_classes(&mut self, ctx: &Ctx) {
        self.release(ctx);
        if let Some(image) = self.image_path() {
            self.changing_classes = true;
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::UndoClasses { image })));
        }
    }

    /// Number of edits of all sheets of a project.
    fn edits_in(&self, root: &std::path::Path) -> u64 {
        let sheets = self.sheets.values().filter(|sheet| sheet.root == root);
        sheets.map(|sheet| sheet.edits).sum()
    }

    /// An edit ends the undo of a change of the class list.
    pub(super) fn end_class_undo(&mut self) {
        let Some(root) = self.sheet().map(|sheet| sheet.root.clone()) else {
            return;
        };
        let edits = self.edits_in(&root);
        if let Some(open) = self.projects.get_mut(&root).filter(|open| open.edits != edits) {
            open.undo = false;
        }
    }

    /// The name of the photo for the thread that writes.
    fn image_path(&self) -> Option<PathBuf> {
        self.sheet().map(|sheet| sheet.image.clone())
    }

    /// Handles what the thread that writes says of class lists.
    pub(super) fn take_classes(&mut self, news: &AnnotationNews, ctx: &Ctx) {
        match news {
            AnnotationNews::Classes {
                root,
                project,
                replaced,
                edits,
                changed,
                undo,
            } => {
                self.changing_classes = false;
                let mut added = None;
                if let Some(open) = self.projects.get_mut(root) {
                    let is_new = |id: &u16| open.project.classes.iter().all(|class| class.id != *id);
                    added = project.listed().map(|class| class.id).find(is_new);
                    open.set_project(project.clone());
                    (open.undo, open.has_list) = (*undo, true);
                }
                for sheet in self.sheets.values_mut().filter(|sheet| sheet.root == *root) {
                    let edit = edits.iter().find(|(image, _)| *image == sheet.image);
                    match edit {
                        Some((_, edit)) => sheet.take_outside(ctx.gpu, edit, *replaced),
                        // Its steps of undo may still have the class.
                        None if replaced.is_some() => sheet.take_outside(ctx.gpu, &Patch::default(), *replaced),
                        None => {}
                    }
                }
                let edits = self.edits_in(root);
                if let Some(open) = self.projects.get_mut(root) {
                    open.edits = edits;
                }
                if let Some(to) = added.or(replaced
                    .map(|[_, to]| to)
                    .filter(|_| project.class(self.class).is_none()))
                {
                    self.class = to;
                }
                self.check_class();
                let [pixels, files] = *changed;
                if pixels > 0 {
                    let noun = if files == 1 { "label file" } else { "label files" };
                    ctx.actions()
                        .info(format!("{} px changed in {files} {noun}", thousands(pixels)));
                }
            }
            AnnotationNews::ClassesFailed { message } => {
                self.changing_classes = false;
                ctx.actions().error(message.clone());
            }
            AnnotationNews::Counted { id, pixels } => {
                if matches!(self.dialog.wanted, Some(Wanted::Merge(of) | Wanted::Delete(of)) if of == *id) {
                    self.dialog.pixels = Some(*pixels);
                }
            }
            _ => {}
        }
    }
}
