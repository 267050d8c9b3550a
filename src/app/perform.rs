//! What each command does, and when it makes sense.

use std::path::Path;

use egui::Context;

use super::App;
use super::command::Command;
use super::dialogs::Ask;
use super::inspector;
use super::settings::{INTERFACE_SCALES, Theme};
use super::view_state::{Inside, Palette, ViewState};
use super::workspace::Workspace;
use crate::engine::{ModelSource, PhotoSource};
use crate::labels::ClassSet;

/// Step of the interface scale.
const SCALE_STEP: f32 = 0.1;

impl App {
    pub(super) fn perform(&mut self, command: Command, context: &Context) {
        self.windows.palette.remember(command);
        match command {
            Command::OpenPicture => self.ask(Ask::Pictures, context),
            Command::OpenFolder => self.ask(Ask::Folder, context),
            Command::OpenSample => self.open_pictures(vec![PhotoSource::Sample]),
            Command::ReloadPicture => {
                if let Some(source) = self.pictures.wanted().cloned() {
                    self.reload(&source);
                }
            }
            Command::CloseAll => self.close_all(),
            Command::NextPicture => self.go(1),
            Command::PreviousPicture => self.go(-1),
            Command::Segment => self.segment(),
            Command::SegmentAll => self.open_batch_dialog(),
            Command::Cancel => self.cancel_topmost(),
            Command::CancelAll => self.stop_batch(),
            Command::Export if self.workspace == Workspace::Attention => self.ask(Ask::FigureFolder, context),
            Command::Export if self.workspace == Workspace::Compare => self.ask(Ask::ReportFolder, context),
            Command::Export => self.open_export(),
            Command::Quit => context.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::CopyReading => self.copy_reading(context),
            Command::CopyOverlay => self.copy_picture(crate::export::Format::Overlay),
            Command::CopyLabels => self.copy_picture(crate::export::Format::Color),
            Command::CopyView => self.copy_view(context),
            Command::UnpinReading => self.pin = None,
            Command::Settings => self.windows.settings_open = !self.windows.settings_open,
            Command::OpenModelFolder => self.ask(Ask::ModelFolder, context),
            Command::OpenModelFile => self.ask(Ask::ModelFile, context),
            Command::Decoder1
            | Command::Decoder2
            | Command::Decoder3
            | Command::Decoder4
            | Command::Decoder5
            | Command::Decoder6
            | Command::Decoder7
            | Command::Decoder8
            | Command::Decoder9 => {
                if let Some(place) = command.decoder() {
                    self.choose_entry(place);
                }
            }
            Command::ShowMasks => self.open_workspace(Workspace::Masks),
            Command::ShowAttention => self.open_workspace(Workspace::Attention),
            Command::ShowCompare => self.open_workspace(Workspace::Compare),
            Command::ShowEvaluate => {
                self.open_workspace(Workspace::Evaluate);
                self.enter_evaluate(context);
            }
            Command::ScoreAll => self.score_all(),
            Command::ToggleWipe => self.compare.toggle_wipe(),
            Command::ToggleDifferences => self.compare.toggle_differences(),
            Command::ToggleTable => self.compare.toggle_table(),
            Command::AddLabelMap => self.ask(Ask::LabelMap, context),
            Command::AddGroundTruth => self.ask(Ask::GroundTruth, context),
            Command::PreviousLayer => self.attention.step_layer(-1),
            Command::NextLayer => self.attention.step_layer(1),
            Command::PreviousHead => self.attention.step_head(-1),
            Command::NextHead => self.attention.step_head(1),
            Command::PatchSizes => self.compare_patch_sizes(),
            Command::GetModels => self.windows.models.open(),
            Command::Train => self.windows.training.open(),
            Command::CancelLoading => self.cancel_loading(),
            Command::UseEmbeddedModel => self.open_model(ModelSource::Embedded),
            Command::ToggleMultiScale => self.toggle_multi_scale(),
            Command::Fit => self.camera.show_all(),
            Command::ActualSize => self.camera.actual_size(context.pixels_per_point()),
            Command::ZoomIn => self.camera.zoom_by(1.25),
            Command::ZoomOut => self.camera.zoom_by(0.8),
            Command::Palette => self.windows.palette.open(),
            Command::Shortcuts => self.windows.shortcuts.open(),
            Command::Log => self.windows.log.open(),
            Command::Performance => self.windows.performance.toggle(),
            Command::About => self.windows.about.open(),
            Command::TogglePictureList => self.session.panels.pictures = !self.session.panels.pictures,
            Command::ToggleInspector => self.session.panels.inspector = !self.session.panels.inspector,
            Command::ToggleStretch => self.settings.stretch_dark_pictures = !self.settings.stretch_dark_pictures,
            Command::ThemeLight => self.settings.theme = Theme::Light,
            Command::ThemeDark => self.settings.theme = Theme::Dark,
            Command::ThemeSystem => self.settings.theme = Theme::System,
            Command::ScaleUp => self.scale_by(SCALE_STEP),
            Command::ScaleDown => self.scale_by(-SCALE_STEP),
            Command::ScaleReset => self.settings.interface_scale = 1.0,
            Command::ToggleMasks
            | Command::CycleInside
            | Command::ToggleOutline
            | Command::TogglePalette
            | Command::ToggleFade
            | Command::TogglePixelGrid
            | Command::TogglePatchGrid
            | Command::ToggleMinimap
            | Command::ToggleMagnifier
            | Command::ResetView
            | Command::ToggleClassUnderCursor
            | Command::SoloClassUnderCursor
            | Command::ShowAllClasses
            | Command::HideAllClasses
            | Command::ShowPresentClasses => self.change_view(command),
        }
    }

    /// Commands that change the view state and nothing else: undo takes them back.
    fn change_view(&mut self, command: Command) {
        let compares = self.workspace == Workspace::Compare;
        let of_model = self.model.as_ref().map(|model| &model.classes);
        let classes = self.compare.classes().filter(|_| compares).or(of_model);
        let classes = classes.cloned().unwrap_or_else(|| ClassSet::numbered(0));
        let under_cursor = self.class_under_cursor();
        // A step of its own, also when the next one follows within a second.
        self.undoer.add_undo(&self.view);
        let document = self.document.as_ref();
        let present: Vec<bool> = match compares {
            true => self.compare.present(),
            false => document
                .and_then(|d| d.found())
                .map(|found| found.pixels.iter().map(|count| *count > 0).collect())
                .unwrap_or_default(),
        };
        let view = &mut self.view;
        match command {
            Command::ToggleMasks => view.masks = !view.masks,
            Command::CycleInside => {
                let next = match view.inside {
                    Inside::Fill => Inside::Hatching,
                    Inside::Hatching => Inside::Empty,
                    Inside::Empty => Inside::Fill,
                };
                inspector::set_inside(view, next);
            }
            Command::ToggleOutline => inspector::toggle_outline(view),
            Command::TogglePalette => {
                view.palette = match view.palette {
                    Palette::DataSet => Palette::ColorBlindSafe,
                    Palette::ColorBlindSafe => Palette::DataSet,
                }
            }
            Command::ToggleFade => view.fade = !view.fade,
            Command::TogglePixelGrid => view.pixel_grid = !view.pixel_grid,
            Command::TogglePatchGrid => view.patch_grid = !view.patch_grid,
            Command::ToggleMinimap => view.minimap = !view.minimap,
            Command::ToggleMagnifier => view.magnifier = !view.magnifier,
            Command::ResetView => *view = ViewState::default(),
            Command::ToggleClassUnderCursor => {
                if let Some(name) = under_cursor {
                    view.toggle_class(&name);
                }
            }
            Command::SoloClassUnderCursor => {
                if let Some(name) = under_cursor {
                    view.toggle_solo(&name);
                }
            }
            Command::ShowAllClasses => view.set_all(&classes, |_| true),
            Command::HideAllClasses => view.set_all(&classes, |_| false),
            Command::ShowPresentClasses => view.set_all(&classes, |id| present.get(id).copied().unwrap_or(false)),
            _ => {}
        }
    }

    /// Whether a command makes sense now.
    pub(super) fn enabled(&self, command: Command) -> bool {
        if self.windows.palette.is_open() {
            return false;
        }
        if self.dialog_is_open() {
            // A dialog shows one state of things; nothing may change it underneath.
            return command == Command::Cancel;
        }
        let document = self.document.is_some();
        let has_result = self.document.as_ref().is_some_and(|d| d.result.is_some());
        match command {
            Command::Segment => self.shows_wanted() && self.has_model() && self.running.is_none(),
            Command::SegmentAll => self.pictures.len() > 0 && self.has_model() && self.batch.is_none(),
            // Escape closes small windows first.
            Command::Cancel => {
                let busy = self.running.is_some()
                    || self.attention.is_looking()
                    || self.models.is_loading()
                    || self.batch.is_some();
                busy && !self.windows.any_open()
            }
            Command::PreviousLayer | Command::NextLayer | Command::PreviousHead | Command::NextHead => {
                self.workspace == Workspace::Attention && self.attention.can_step()
            }
            Command::ToggleWipe => self.workspace == Workspace::Compare && self.compare.has_two(),
            Command::ToggleDifferences | Command::ToggleTable => self.workspace == Workspace::Compare,
            Command::AddLabelMap | Command::AddGroundTruth => document,
            Command::CancelLoading => self.models.is_loading(),
            Command::CancelAll => self.batch.is_some(),
            Command::CloseAll => self.pictures.len() > 0,
            Command::ReloadPicture => matches!(self.pictures.wanted(), Some(PhotoSource::Path(_))),
            Command::NextPicture => self.pictures.neighbour(1).is_some(),
            Command::PreviousPicture => self.pictures.neighbour(-1).is_some(),
            Command::Undo => self.undoer.has_undo(&self.view),
            Command::Redo => self.undoer.has_redo(&self.view),
            Command::ScoreAll => {
                self.workspace == Workspace::Evaluate && self.has_model() && self.batch.is_none() && self.can_score()
            }
            // They are about masks and their readings, which these workspaces do not show as such.
            Command::CopyReading | Command::CopyOverlay | Command::CopyLabels | Command::UnpinReading
                if matches!(self.workspace, Workspace::Compare | Workspace::Evaluate) =>
            {
                false
            }
            Command::CopyReading => has_result && self.pin.or(self.cursor).is_some(),
            Command::UnpinReading => self.pin.is_some(),
            Command::Export if self.workspace == Workspace::Attention => self.attention.can_export(),
            Command::Export if self.workspace == Workspace::Compare => document && self.compare.can_export(),
            Command::Export | Command::CopyOverlay | Command::CopyLabels => has_result && self.shows_wanted(),
            Command::ToggleMasks | Command::ShowPresentClasses => has_result || self.workspace == Workspace::Compare,
            Command::CopyView => document && self.gpu.is_some(),
            Command::ToggleClassUnderCursor | Command::SoloClassUnderCursor
                if self.workspace == Workspace::Evaluate =>
            {
                false
            }
            Command::ToggleClassUnderCursor | Command::SoloClassUnderCursor => self.class_under_cursor().is_some(),
            Command::Fit | Command::ActualSize | Command::ZoomIn | Command::ZoomOut => document,
            Command::ShowAllClasses | Command::HideAllClasses | Command::ToggleMultiScale => self.model.is_some(),
            Command::ScaleUp => self.settings.interface_scale < *INTERFACE_SCALES.end(),
            Command::ScaleDown => self.settings.interface_scale > *INTERFACE_SCALES.start(),
            _ => {
                let is_there = |place| self.main_outputs().nth(place).is_some();
                command.decoder().is_none_or(is_there)
            }
        }
    }

    /// Whether the canvas shows the picture that is chosen in the list, and not one before it.
    pub(super) fn shows_wanted(&self) -> bool {
        let shown = self.document.as_ref().map(|d| &d.photo.source);
        shown.is_some() && shown == self.pictures.wanted()
    }

    /// Whether the chosen picture is neither shown nor on its way.
    pub(super) fn misses_wanted(&self) -> bool {
        !self.shows_wanted() && self.opening.is_none() && self.incoming.is_none()
    }

    /// Whether there is a model, and no other one on its way.
    fn has_model(&self) -> bool {
        self.model.is_some() && !self.models.is_loading()
    }

    /// Whether a dialog waits for an answer.
    pub(super) fn dialog_is_open(&self) -> bool {
        self.export.is_open() || self.batch_dialog.is_open()
    }

    /// Escape: the dialog first, then the run, then the model on its way.
    fn cancel_topmost(&mut self) {
        if self.export.is_open() {
            self.export.close();
        } else if self.batch_dialog.is_open() {
            self.batch_dialog.close();
        } else if self.running.is_some() {
            self.cancel_and_say();
        } else if self.models.is_loading() {
            self.cancel_loading();
        } else if self.attention.is_looking() {
            self.cancel_look();
        } else {
            self.stop_batch();
        }
    }

    /// Name of the class under the cursor.
    fn class_under_cursor(&self) -> Option<String> {
        if self.workspace == Workspace::Compare {
            return self.compare.class_at(self.cursor?);
        }
        let document = self.document.as_ref()?;
        let id = document.label_at(self.cursor?)?;
        let classes = &document.result.as_ref()?.model.classes.classes;
        classes.get(usize::from(id)).map(|class| class.name.clone())
    }

    fn undo(&mut self) {
        if let Some(view) = self.undoer.undo(&self.view) {
            self.view = view.clone();
        }
    }

    fn redo(&mut self) {
        if let Some(view) = self.undoer.redo(&self.view) {
            self.view = view.clone();
        }
    }

    fn scale_by(&mut self, step: f32) {
        let scale = ((self.settings.interface_scale + step) * 10.0).round() / 10.0;
        self.settings.interface_scale = scale.clamp(*INTERFACE_SCALES.start(), *INTERFACE_SCALES.end());
    }

    pub(super) fn ask(&mut self, what: Ask, context: &Context) {
        // Where one most likely goes on: beside the picture, or where models are kept.
        let folder = match what {
            Ask::Pictures | Ask::Folder | Ask::LabelMap | Ask::GroundTruth => {
                let file = self.pictures.wanted().and_then(PhotoSource::file);
                file.and_then(Path::parent).map(Path::to_owned)
            }
            Ask::ModelFolder | Ask::ModelFile | Ask::ModelsFolder => self.settings.model_folder.clone(),
            Ask::TruthFolder => {
                let file = self.pictures.wanted().and_then(PhotoSource::file);
                file.and_then(Path::parent).and_then(Path::parent).map(Path::to_owned)
            }
            _ => None,
        };
        if let Err(e) = self.dialogs.ask(what, folder, context) {
            self.toasts.error(format!(
                "the file dialog cannot open ({e}); drop files onto the window instead"
            ));
        }
    }
}
