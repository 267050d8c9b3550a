//! Implements [`Workspace`] for [`Annotate`].

use egui::Ui;

use super::accepting::Taken;
use super::class_dialog::Wanted;
use super::tool::Tool;
use super::{Annotate, Shape};
use crate::annotate::UNLABELLED;
use crate::annotate::project::{ClassEdit, ImageState};
use crate::app::command::Command;
use crate::app::services::Ask;
use crate::app::workspaces::{Ctx, ListedClasses, News, Workspace, WorkspaceId};
use crate::engine::{BorderMove, Event};

/// By how much a key changes the size of the tip.
const SIZE_STEP: f32 = 1.15;

impl Workspace for Annotate {
    fn id(&self) -> WorkspaceId {
        "Annotate"
    }

    fn leave(&mut self, ctx: &Ctx) {
        self.release(ctx);
        self.dialog.close();
        self.import.close();
        self.tokens.forget();
    }

    fn on_news(&mut self, news: &News, ctx: &Ctx) {
        match news {
            News::Annotation(news) => self.take_news(news, ctx),
            News::Engine(event @ Event::TeachingTokens { .. }) => self.take_tokens(event, ctx),
            News::Taught(answer) => self.take_taught(answer, ctx),
            News::Engine(_) | News::TraceReading(_) => self.tokens.take_news(news),
            News::Chosen(Ask::LabelsFile | Ask::LabelsFolder, path) => self.import.set_path(path),
            News::NotUploaded { photo } => self.do_without_texture(*photo, ctx),
            News::Uploaded { ticket, labels } => self.take_texture(ticket, labels, ctx),
            _ => {}
        }
    }

    fn update(&mut self, ctx: &Ctx) {
        if ctx.is_open(self.id()) {
            self.follow_document(ctx);
            self.forget_old(ctx);
            self.note_record(ctx);
            self.end_class_undo();
        }
    }

    fn view(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.canvas(ui, ctx);
        self.class_dialog(ui, ctx);
        self.import_dialog(ui, ctx);
    }

    fn head_controls(&mut self, ui: &mut Ui, ctx: &Ctx) -> bool {
        self.head(ui, ctx);
        true
    }

    fn side_panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        self.panel(ui, ctx);
    }

    fn enabled(&self, command: Command, ctx: &Ctx) -> Option<bool> {
        let is_open = ctx.is_open(self.id());
        let sheet = self.sheet().filter(|_| is_open);
        if is_open && (self.dialog.is_open() || self.import.is_open()) {
            // What the small window is about must not change.
            return Some(false);
        }
        if command.workspace() == Some(self.id()) {
            return Some(match command {
                Command::AcceptPrediction | Command::FillUnlabelled => is_open && self.can_take(ctx),
                Command::CopyPrevious => is_open && self.previous_sheet().is_some(),
                Command::SelectNothing => is_open && self.selected.is_some(),
                Command::GrowClass | Command::ShrinkClass | Command::SmoothBorders => sheet.is_some(),
                Command::NextDisagreement => is_open && self.can_take(ctx),
                Command::UndoClasses => is_open && self.project().is_some_and(|open| open.undo),
                Command::AddClass
                | Command::ChangeClass
                | Command::MergeClass
                | Command::DeleteClass
                | Command::LockClass
                | Command::ImportLabels
                | Command::MarkDone => sheet.is_some(),
                // Their keys would mean something else while there are no labels.
                _ => is_open,
            });
        }
        match command {
            Command::Undo if is_open && self.turns_strokes(true) => Some(true),
            Command::Redo if is_open && self.turns_strokes(false) => Some(true),
            Command::Undo if is_open => {
                Some(self.undoes_classes() || sheet.is_some_and(|sheet| sheet.layer.undo_name().is_some()))
            }
            Command::Export if is_open => Some(sheet.is_some()),
            Command::Redo if is_open => Some(sheet.is_some_and(|sheet| sheet.layer.redo_name().is_some())),
            _ => None,
        }
    }

    fn is_on(&self, command: Command) -> Option<bool> {
        match command {
            Command::ToggleSelecting => Some(self.settings.selects),
            Command::ToggleUnderlay => Some(self.settings.underlay),
            _ => None,
        }
    }

    fn perform(&mut self, command: Command, ctx: &Ctx) -> bool {
        // Undo, redo and Escape belong to all workspaces.
        if command.workspace() != Some(self.id()) && !ctx.is_open(self.id()) {
            return false;
        }
        if ctx.is_open(self.id()) {
            // The photo may have changed in this frame.
            self.follow_document(ctx);
        }
        if let Some(tool) = Tool::of(command) {
            self.choose_tool(tool, ctx);
            return true;
        }
        if let Some(digit) = command.digit() {
            let class = self
                .project()
                .and_then(|open| open.project.listed().find(|class| class.key == Some(digit)));
            if let Some(id) = class.map(|class| class.id) {
                self.choose_class(id);
            }
            return true;
        }
        match command {
            Command::Undo if self.turns_strokes(true) => self.turn_stroke(ctx, true),
            Command::Redo if self.turns_strokes(false) => self.turn_stroke(ctx, false),
            Command::Undo if self.undoes_classes() => self.undo_classes(ctx),
            Command::SmallerTip => self.settings.scale_tip(1.0 / SIZE_STEP),
            Command::LargerTip => self.settings.scale_tip(SIZE_STEP),
            Command::Undo | Command::Redo => self.turn(ctx, command == Command::Undo),
            Command::Export => self.begin_export(ctx),
            Command::ImportLabels => self.import.open(),
            Command::AddClass => self.dialog.open(Wanted::Add),
            Command::ChangeClass => self.dialog.open(Wanted::Change(self.class)),
            Command::MergeClass => self.dialog.open(Wanted::Merge(self.class)),
            Command::DeleteClass => self.dialog.open(Wanted::Delete(self.class)),
            Command::LockClass => self.lock_class(ctx),
            Command::ToggleSelecting => self.settings.selects = !self.settings.selects,
            Command::SelectNothing => self.deselect(),
            Command::ToggleUnderlay => self.settings.underlay = !self.settings.underlay,
            Command::GrowClass => self.move_borders(BorderMove::Grow(self.class, self.cleaning.by), ctx),
            Command::ShrinkClass => self.move_borders(BorderMove::Shrink(self.class, self.cleaning.by), ctx),
            Command::SmoothBorders => self.move_borders(BorderMove::Smooth(self.cleaning.by), ctx),
            Command::NextDisagreement => self.next_disagreement(ctx),
            Command::UndoClasses => self.undo_classes(ctx),
            Command::AcceptPrediction => self.take_prediction(Taken::All, ctx),
            Command::FillUnlabelled => self.take_prediction(Taken::Unlabelled, ctx),
            Command::CopyPrevious => self.copy_previous(ctx),
            Command::NextUnsure => self.next_unsure(ctx),
            Command::PreviousToAnnotate => ctx.perform(Command::PreviousImage),
            Command::NextToAnnotate => ctx.perform(Command::NextImage),
            Command::MarkDone => {
                self.set_state(ImageState::Done, ctx);
                if ctx.state.library.images.neighbour(1).is_some() {
                    ctx.perform(Command::NextImage);
                }
            }
            Command::FlagImage => self.set_state(ImageState::Flagged, ctx),
            Command::SkipImage => self.set_state(ImageState::Skipped, ctx),
            Command::Cancel => return self.cancel(ctx),
            _ => return false,
        }
        true
    }

    fn listed_classes(&self, ctx: &Ctx) -> Option<ListedClasses> {
        let (Some(sheet), Some(open)) = (self.sheet(), self.project()) else {
            return ctx.listed_classes();
        };
        let mut present = vec![false; open.set.len()];
        for id in sheet.present() {
            if let Some(present) = present.get_mut(usize::from(id)) {
                *present = true;
            }
        }
        Some(ListedClasses {
            classes: open.set.clone(),
            present,
        })
    }

    fn class_under_cursor(&self, ctx: &Ctx) -> Option<String> {
        let [x, y] = ctx.state.canvas.cursor?;
        let id = self.sheet()?.map().get(x, y).filter(|id| *id != UNLABELLED)?;
        Some(self.name_of(id))
    }

    fn is_busy(&self) -> bool {
        !self.shape.corners.is_empty()
            || self.unsure.is_some()
            || self.note.is_some()
            || self.sheet().is_some_and(|sheet| sheet.layer.is_editing())
    }

    fn undo_names(&self) -> Option<[Option<String>; 2]> {
        let layer = &self.sheet()?.layer;
        let mut names = [layer.undo_name(), layer.redo_name()].map(|name| name.map(str::to_owned));
        if self.undoes_classes() {
            names[0] = Some("change of classes".into());
        }
        Some(names)
    }
}

impl Annotate {
    /// Whether the last thing that was done is a change of the class list.
    fn undoes_classes(&self) -> bool {
        self.project().is_some_and(|open| open.undo)
    }

    /// Undoes or redoes an edit.
    fn turn(&mut self, ctx: &Ctx, back: bool) {
        self.release(ctx);
        if self.changing_classes {
            return;
        }
        let Some(source) = self.current.clone() else { return };
        let Some(sheet) = self.sheets.get_mut(&source) else {
            return;
        };
        let Some(open) = self.projects.get(&sheet.root) else {
            return;
        };
        if let Err(why) = sheet.turn(ctx, &open.project, back) {
            ctx.actions().error(why);
        }
    }

    /// Locks the chosen class, or unlocks it.
    fn lock_class(&mut self, ctx: &Ctx) {
        let class = self.project().and_then(|open| open.project.class(self.class));
        if let Some(class) = class {
            let edit = ClassEdit::Lock {
                id: class.id,
                locked: !class.locked,
            };
            self.edit_classes(edit, ctx);
        }
    }

    /// Takes back what has not ended: a stroke, a line or a polygon. Returns whether there was one.
    fn cancel(&mut self, ctx: &Ctx) -> bool {
        let was_busy = self.is_busy();
        self.unsure = None;
        self.doing = super::Doing::Nothing;
        self.shape = Shape::default();
        self.note = None;
        if let Some(sheet) = self.sheet_mut() {
            sheet.abort(ctx.gpu);
        }
        was_busy
    }
}
