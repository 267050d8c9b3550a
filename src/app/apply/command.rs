//! What each command does, and when it makes sense.

use egui::Context;

use super::App;
use crate::app::action::Action;
use crate::app::command::{Command, CommandStates};
use crate::app::inspector;
use crate::app::services::Ask;
use crate::app::settings::{INTERFACE_SCALES, Theme};
use crate::app::state::{Inside, Palette, ViewState};
use crate::app::workspaces::{Ctx, ListedClasses, Workspaces};
use crate::engine::{Job, ModelSource, PhotoSource};
use crate::labels::ClassSet;

/// Step of the interface scale.
const SCALE_STEP: f32 = 0.1;

impl App {
    /// Does what a command says: a workspace its own, the rest is done here. One that makes no sense by now is left.
    pub(super) fn perform(&mut self, command: Command, context: &Context) {
        if !self.enabled(command) {
            return;
        }
        self.chrome.windows.palette.remember(command);
        if let Some(id) = Workspaces::opened_by(command) {
            return self.show(id);
        }
        if command == Command::Cancel {
            return self.cancel_topmost();
        }
        if self.performed_by_workspace(command) {
            return;
        }
        match command {
            Command::CopyView => {
                if let Some(area) = self.state.canvas.area {
                    self.services.shots.take(area, context);
                }
            }
            Command::Quit => context.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::ActualSize => self.state.canvas.camera.actual_size(context.pixels_per_point()),
            command => self.change_window(command),
        }
        self.change_state(command);
        self.change_settings(command);
        self.change_view(command);
    }

    /// Whether a workspace has performed it.
    fn performed_by_workspace(&mut self, command: Command) -> bool {
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        self.workspaces.iter_mut().any(|w| w.perform(command, &ctx))
    }

    /// Commands about dialogs and small windows.
    fn change_window(&mut self, command: Command) {
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        let chrome = &mut self.chrome;
        let windows = &mut chrome.windows;
        match command {
            Command::OpenPicture => ctx.send(Action::Ask(Ask::Pictures)),
            Command::OpenFolder => ctx.send(Action::Ask(Ask::Folder)),
            Command::OpenModelFolder => ctx.send(Action::Ask(Ask::ModelFolder)),
            Command::OpenModelFile => ctx.send(Action::Ask(Ask::ModelFile)),
            Command::SegmentAll => {
                // The picture that is shown suggests the folder.
                if let Some(shown) = ctx.state.newest() {
                    chrome.export.suggest_folder(&shown.photo.source);
                }
                chrome.batch.open(chrome.export.defaults(), &ctx);
            }
            Command::Export => chrome.export.open(&ctx),
            Command::CopyOverlay | Command::CopyLabels => {
                let format = match command {
                    Command::CopyOverlay => crate::export::Format::Overlay,
                    _ => crate::export::Format::Color,
                };
                if let Some(job) = chrome.export.draw_job(&ctx) {
                    ctx.actions().job(Job::Draw { format, job });
                }
            }
            Command::Settings => windows.settings_open = !windows.settings_open,
            Command::GetModels => windows.models.open(),
            Command::Palette => windows.palette.open(),
            Command::Shortcuts => windows.shortcuts.open(),
            Command::Log => windows.log.open(),
            Command::Performance => windows.performance.toggle(),
            Command::About => windows.about.open(),
            _ => {}
        }
    }

    /// Commands about pictures, models and runs.
    fn change_state(&mut self, command: Command) {
        let state = &mut self.state;
        match command {
            Command::OpenSample => state.open_pictures(vec![PhotoSource::Sample]),
            Command::ReloadPicture => {
                if let Some(source) = state.library.pictures.wanted().cloned() {
                    state.reload(&source);
                }
            }
            Command::CloseAll => state.close_all(),
            Command::NextPicture => state.go(1),
            Command::PreviousPicture => state.go(-1),
            Command::Segment => state.segment(),
            Command::CancelAll => state.stop_batch(),
            Command::Undo => state.view.undo(),
            Command::Redo => state.view.redo(),
            Command::CancelLoading => state.cancel_loading(),
            Command::UseEmbeddedModel => state.open_model(ModelSource::Embedded),
            Command::ToggleMultiScale => state.toggle_multi_scale(),
            Command::Fit => state.canvas.camera.show_all(),
            Command::ZoomIn => state.canvas.camera.zoom_by(1.25),
            Command::ZoomOut => state.canvas.camera.zoom_by(0.8),
            command => {
                if let Some(place) = command.decoder() {
                    state.choose_entry(place);
                }
            }
        }
    }

    /// Commands that change settings or panels.
    fn change_settings(&mut self, command: Command) {
        let state = &mut self.state;
        let (settings, panels) = (&mut state.settings, &mut state.session.panels);
        match command {
            Command::TogglePictureList => panels.pictures = !panels.pictures,
            Command::ToggleInspector => {
                panels.inspector = !panels.inspector;
                // There is no class list whose row the cursor could be on.
                state.class_list.leave();
            }
            Command::ToggleStretch => settings.stretch_dark_pictures = !settings.stretch_dark_pictures,
            Command::ThemeLight => settings.theme = Theme::Light,
            Command::ThemeDark => settings.theme = Theme::Dark,
            Command::ThemeSystem => settings.theme = Theme::System,
            Command::ScaleUp => scale_by(&mut settings.interface_scale, SCALE_STEP),
            Command::ScaleDown => scale_by(&mut settings.interface_scale, -SCALE_STEP),
            Command::ScaleReset => settings.interface_scale = 1.0,
            _ => {}
        }
    }

    /// Commands that change the view state and nothing else: undo takes them back.
    fn change_view(&mut self, command: Command) {
        let Some(change) = view_change(command) else { return };
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        let open = self.workspaces.iter().find(|w| ctx.is_open(w.id()));
        let listed = open.and_then(|w| w.listed_classes(&ctx));
        let under_cursor = open.and_then(|w| w.class_under_cursor(&ctx));
        let listed = listed.unwrap_or_else(|| ListedClasses {
            classes: ClassSet::numbered(0),
            present: Vec::new(),
        });
        self.state.view.change(|view| change(view, &listed, under_cursor));
    }

    /// What makes sense now, of all commands.
    pub(in crate::app) fn command_states(&self) -> CommandStates {
        CommandStates::of(|command| self.enabled(command), |command| self.is_on(command))
    }

    /// Whether a command makes sense now.
    fn enabled(&self, command: Command) -> bool {
        if self.chrome.dialog_is_open() {
            // A dialog shows one state of things; nothing may change it underneath.
            return command == Command::Cancel;
        }
        let state = &self.state;
        if command == Command::Cancel {
            // Escape closes small windows first.
            return self.is_busy() && !self.chrome.windows.any_open();
        }
        let ctx = Ctx {
            state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        if let Some(enabled) = self.workspaces.iter().find_map(|w| w.enabled(command, &ctx)) {
            return enabled;
        }
        let (document, library) = (state.desk.document.as_ref(), &state.library);
        let has_result = document.is_some_and(|d| d.result.is_some());
        let pictures = &library.pictures;
        match command {
            Command::Segment => state.shows_wanted() && state.has_model() && state.jobs.running.is_none(),
            Command::SegmentAll => pictures.len() > 0 && state.has_model() && state.jobs.batch.is_none(),
            Command::CancelLoading => library.models.is_loading(),
            Command::CancelAll => state.jobs.batch.is_some(),
            Command::CloseAll => pictures.len() > 0,
            Command::ReloadPicture => matches!(pictures.wanted(), Some(PhotoSource::Path(_))),
            Command::NextPicture => pictures.neighbour(1).is_some(),
            Command::PreviousPicture => pictures.neighbour(-1).is_some(),
            Command::Undo => state.view.can_undo(),
            Command::Redo => state.view.can_redo(),
            Command::Export | Command::CopyOverlay | Command::CopyLabels => has_result && state.shows_wanted(),
            Command::ToggleMasks | Command::ShowPresentClasses => has_result,
            Command::CopyView => document.is_some() && self.gpu.is_some(),
            Command::ToggleClassUnderCursor | Command::SoloClassUnderCursor => ctx.class_under_cursor().is_some(),
            Command::Fit | Command::ActualSize | Command::ZoomIn | Command::ZoomOut => document.is_some(),
            Command::ShowAllClasses | Command::HideAllClasses | Command::ToggleMultiScale => {
                library.models.used().is_some()
            }
            Command::ScaleUp => state.settings.interface_scale < *INTERFACE_SCALES.end(),
            Command::ScaleDown => state.settings.interface_scale > *INTERFACE_SCALES.start(),
            _ => {
                let is_there = |place| library.models.main_outputs().nth(place).is_some();
                command.decoder().is_none_or(is_there)
            }
        }
    }

    /// Whether a command that switches something has it on.
    fn is_on(&self, command: Command) -> Option<bool> {
        let state = &self.state;
        if let Some(id) = Workspaces::opened_by(command) {
            return Some(state.workspace.id == id);
        }
        if let Some(on) = self.workspaces.iter().find_map(|w| w.is_on(command)) {
            return Some(on);
        }
        let view = &state.view;
        Some(match command {
            Command::ToggleMasks => view.masks,
            Command::ToggleOutline => view.outline > 0.0,
            Command::TogglePalette => view.palette == Palette::ColorBlindSafe,
            Command::ToggleFade => view.fade,
            Command::TogglePixelGrid => view.pixel_grid,
            Command::TogglePatchGrid => view.patch_grid,
            Command::ToggleMinimap => view.minimap,
            Command::ToggleMagnifier => view.magnifier,
            Command::ToggleStretch => state.settings.stretch_dark_pictures,
            Command::ToggleMultiScale => state.is_multi_scale(),
            Command::TogglePictureList => state.session.panels.pictures,
            Command::ToggleInspector => state.session.panels.inspector,
            Command::ThemeLight => state.settings.theme == Theme::Light,
            Command::ThemeDark => state.settings.theme == Theme::Dark,
            Command::ThemeSystem => state.settings.theme == Theme::System,
            _ => return None,
        })
    }

    /// Whether something runs that Escape ends.
    fn is_busy(&self) -> bool {
        let (jobs, models) = (&self.state.jobs, &self.state.library.models);
        let window = jobs.running.is_some() || models.is_loading() || jobs.batch.is_some();
        window || self.workspaces.iter().any(|w| w.is_busy())
    }

    /// Escape: the dialog first, then the run, then the model on its way, then what a workspace does.
    fn cancel_topmost(&mut self) {
        if self.chrome.close_dialog() {
            return;
        }
        if self.state.jobs.running.is_some() {
            self.state.cancel_and_say();
        } else if self.state.library.models.is_loading() {
            self.state.cancel_loading();
        } else if !self.performed_by_workspace(Command::Cancel) {
            self.state.stop_batch();
        }
    }
}

fn scale_by(scale: &mut f32, step: f32) {
    let wanted = ((*scale + step) * 10.0).round() / 10.0;
    *scale = wanted.clamp(*INTERFACE_SCALES.start(), *INTERFACE_SCALES.end());
}

/// A change of the view, given the listed classes and the class under the cursor.
type ViewChange = fn(&mut ViewState, &ListedClasses, Option<String>);

/// What a command changes about the view, if that is what it does.
fn view_change(command: Command) -> Option<ViewChange> {
    Some(match command {
        Command::ToggleMasks => |view, _, _| view.masks = !view.masks,
        Command::CycleInside => |view, _, _| {
            let next = match view.inside {
                Inside::Fill => Inside::Hatching,
                Inside::Hatching => Inside::Empty,
                Inside::Empty => Inside::Fill,
            };
            inspector::set_inside(view, next);
        },
        Command::ToggleOutline => |view, _, _| inspector::toggle_outline(view),
        Command::TogglePalette => |view, _, _| {
            view.palette = match view.palette {
                Palette::DataSet => Palette::ColorBlindSafe,
                Palette::ColorBlindSafe => Palette::DataSet,
            }
        },
        Command::ToggleFade => |view, _, _| view.fade = !view.fade,
        Command::TogglePixelGrid => |view, _, _| view.pixel_grid = !view.pixel_grid,
        Command::TogglePatchGrid => |view, _, _| view.patch_grid = !view.patch_grid,
        Command::ToggleMinimap => |view, _, _| view.minimap = !view.minimap,
        Command::ToggleMagnifier => |view, _, _| view.magnifier = !view.magnifier,
        Command::ResetView => |view, _, _| *view = ViewState::default(),
        Command::ToggleClassUnderCursor => |view, _, under_cursor| {
            if let Some(name) = under_cursor {
                view.toggle_class(&name);
            }
        },
        Command::SoloClassUnderCursor => |view, _, under_cursor| {
            if let Some(name) = under_cursor {
                view.toggle_solo(&name);
            }
        },
        Command::ShowAllClasses => |view, listed, _| view.set_all(&listed.classes, |_| true),
        Command::HideAllClasses => |view, listed, _| view.set_all(&listed.classes, |_| false),
        Command::ShowPresentClasses => {
            |view, listed, _| view.set_all(&listed.classes, |id| listed.present.get(id).copied().unwrap_or(false))
        }
        _ => return None,
    })
}
