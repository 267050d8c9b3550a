//! Performs the commands, and decides which are available.

use egui::Context;

use super::App;
use crate::app::action::Request;
use crate::app::chrome::Chrome;
use crate::app::command::{Command, CommandStates};
use crate::app::inspector;
use crate::app::services::Ask;
use crate::app::settings::{INTERFACE_SCALES, Panels, Settings, Theme};
use crate::app::state::{AppState, MaskFill, Palette, ViewState};
use crate::app::workspaces::{Ctx, ListedClasses, Workspaces};
use crate::engine::{ImageSource, ModelSource};
use crate::export::Format;
use crate::labels::ClassSet;

/// Step of the interface scale.
const SCALE_STEP: f32 = 0.1;

impl App {
    /// Performs a command: workspaces perform their own, the others are performed here. A command that is no longer
    /// available is ignored.
    pub(super) fn perform(&mut self, command: Command, context: &Context) {
        // Escape closes small windows before it cancels; a button that cancels does so at once.
        if command != Command::Cancel && !self.enabled(command) {
            return;
        }
        self.chrome.windows.palette.remember(command);
        if let Some(id) = Workspaces::opened_by(command) {
            return self.show(id);
        }
        match command {
            Command::Cancel => self.cancel_topmost(),
            Command::FullScreen => {
                let is_full = context.input(|input| input.viewport().fullscreen.unwrap_or(false));
                context.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!is_full));
            }
            Command::Quit => context.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::CopyView => {
                if let Some(area) = self.state.canvas.area {
                    self.services.shots.take(area, context);
                }
            }
            Command::ActualSize => self.state.canvas.camera.actual_size(context.pixels_per_point()),
            _ if self.performed_by_workspace(command) => {}
            _ => self.change(command),
        }
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

    /// Performs a command that changes one part of the window.
    fn change(&mut self, command: Command) {
        let ctx = Ctx {
            state: &self.state,
            gpu: self.gpu.as_ref(),
            commands: &self.commands,
        };
        if let Some(change) = chrome_change(command) {
            change(&mut self.chrome, &ctx);
        } else if let Some(change) = state_change(command) {
            change(&mut self.state);
        } else if let Some(place) = command.decoder() {
            self.state.choose_entry(place);
        } else if let Some(change) = settings_change(command) {
            change(&mut self.state.settings, &mut self.state.session.panels);
            // The class list may be hidden now, so none of its rows is under the cursor.
            self.state.class_list.leave();
        } else if let Some(change) = view_change(command) {
            self.change_view(change);
        }
    }

    /// Changes only the view state, so that undo can revert it.
    fn change_view(&mut self, change: ViewChange) {
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

    /// Availability and toggle state of all commands.
    pub(in crate::app) fn command_states(&self) -> CommandStates {
        CommandStates::of(|command| self.enabled(command), |command| self.is_on(command))
    }

    /// Whether a command is available now.
    pub(in crate::app) fn enabled(&self, command: Command) -> bool {
        if self.chrome.dialog_is_open() {
            // Nothing may change what an open dialog shows.
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
        let (document, library) = (state.canvas_content.document.as_ref(), &state.library);
        let has_result = document.is_some_and(|d| d.result.is_some());
        let images = &library.images;
        match command {
            Command::Segment => state.shows_wanted() && state.has_model() && state.jobs.running.is_none(),
            Command::SegmentAll => images.len() > 0 && state.has_model() && state.jobs.batch.is_none(),
            Command::CancelLoading => library.models.is_loading(),
            Command::CancelAll | Command::PauseAll => state.jobs.batch.is_some(),
            Command::ResumeAll => state.jobs.paused.is_some() && state.jobs.batch.is_none() && state.has_model(),
            Command::DropRest => state.jobs.paused.is_some(),
            Command::CloseAll => images.len() > 0,
            Command::RemoveImage => images.len() > 0,
            Command::RestoreImages => images.can_restore(),
            Command::ReloadImage => matches!(images.wanted(), Some(ImageSource::Path(_))),
            Command::NextImage => images.neighbour(1).is_some(),
            Command::PreviousImage => images.neighbour(-1).is_some(),
            Command::Undo => state.view.can_undo(),
            Command::Redo => state.view.can_redo(),
            Command::Export | Command::CopyOverlay | Command::CopyLabels => has_result && state.shows_wanted(),
            Command::CopyReading => has_result && state.canvas.reading_pixel().is_some(),
            Command::UnpinReading => !state.canvas.pins.is_empty(),
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

    /// Whether a toggle command is on; `None` for other commands.
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
            Command::ToggleStretch => state.settings.stretch_dark_images,
            Command::ToggleMultiScale => state.is_multi_scale(),
            Command::ToggleImageList => state.session.panels.images,
            Command::ToggleInspector => state.session.panels.inspector,
            Command::ThemeLight => state.settings.theme == Theme::Light,
            Command::ThemeDark => state.settings.theme == Theme::Dark,
            Command::ThemeSystem => state.settings.theme == Theme::System,
            _ => return None,
        })
    }

    /// Whether something is running that Escape cancels.
    fn is_busy(&self) -> bool {
        let (jobs, models) = (&self.state.jobs, &self.state.library.models);
        let window = jobs.running.is_some() || models.is_loading() || jobs.batch.is_some();
        window || self.workspaces.iter().any(|w| w.is_busy())
    }

    /// Cancels the first of these that is there: a dialog, the run, the loading model, a workspace's job, the batch.
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

/// A change of dialogs and small windows.
type ChromeChange = fn(&mut Chrome, &Ctx);

/// The change that a command makes to dialogs and small windows, if it makes one.
fn chrome_change(command: Command) -> Option<ChromeChange> {
    Some(match command {
        Command::OpenImage => |_, ctx| ctx.request(Request::Ask(Ask::Images)),
        Command::OpenFolder => |_, ctx| ctx.request(Request::Ask(Ask::Folder)),
        Command::OpenModelFolder => |_, ctx| ctx.request(Request::Ask(Ask::ModelFolder)),
        Command::OpenPalette => |_, ctx| ctx.request(Request::Ask(Ask::PaletteFile)),
        Command::OpenPath => |chrome, _| chrome.windows.open_path(),
        Command::OpenModelFile => |_, ctx| ctx.request(Request::Ask(Ask::ModelFile)),
        Command::SegmentAll => |chrome, ctx| {
            // The default folder is beside the shown image.
            if let Some(shown) = ctx.state.newest() {
                chrome.export.suggest_folder(&shown.photo.source);
            }
            chrome.batch.open(chrome.export.defaults(), ctx);
        },
        Command::Export => |chrome, ctx| chrome.export.open(ctx),
        Command::CopyOverlay => |chrome, ctx| chrome.export.draw(Format::Overlay, ctx),
        Command::CopyLabels => |chrome, ctx| chrome.export.draw(Format::Color, ctx),
        Command::Settings => |chrome, _| chrome.windows.settings_open = !chrome.windows.settings_open,
        Command::GetModels => |chrome, _| chrome.windows.models.open(),
        Command::Palette => |chrome, _| chrome.windows.palette.open(),
        Command::Shortcuts => |chrome, _| chrome.windows.shortcuts.open(),
        Command::Log => |chrome, _| chrome.windows.log.open(),
        Command::Performance => |chrome, _| chrome.windows.performance.toggle(),
        Command::About => |chrome, _| chrome.windows.about.open(),
        _ => return None,
    })
}

/// The change that a command makes to images, models and runs, if it makes one.
fn state_change(command: Command) -> Option<fn(&mut AppState)> {
    Some(match command {
        Command::OpenSample => |state| state.add_images(vec![ImageSource::Sample]),
        Command::ReloadImage => |state| {
            if let Some(source) = state.library.images.wanted().cloned() {
                state.reload(&source);
            }
        },
        Command::CloseAll => AppState::close_all,
        Command::RestoreImages => AppState::restore_images,
        Command::RemoveImage => |state| {
            if let Some(source) = state.library.images.wanted().cloned() {
                state.remove_images(&[source]);
            }
        },
        Command::NextImage => |state| state.go(1),
        Command::PreviousImage => |state| state.go(-1),
        Command::Segment => AppState::segment,
        Command::CancelAll => AppState::stop_batch,
        Command::PauseAll => AppState::pause_batch,
        Command::ResumeAll => AppState::resume_batch,
        Command::DropRest => |state| state.jobs.paused = None,
        Command::Undo => |state| state.view.undo(),
        Command::Redo => |state| state.view.redo(),
        Command::CancelLoading => AppState::cancel_loading,
        Command::UseEmbeddedModel => |state| state.open_model(ModelSource::Embedded),
        Command::ToggleMultiScale => AppState::toggle_multi_scale,
        Command::Fit => |state| state.canvas.camera.show_all(),
        Command::ZoomIn => |state| state.canvas.camera.zoom_by(1.25),
        Command::ZoomOut => |state| state.canvas.camera.zoom_by(0.8),
        _ => return None,
    })
}

/// The change that a command makes to settings and panels, if it makes one.
fn settings_change(command: Command) -> Option<fn(&mut Settings, &mut Panels)> {
    Some(match command {
        Command::ToggleImageList => |_, panels| panels.images = !panels.images,
        Command::ToggleInspector => |_, panels| panels.inspector = !panels.inspector,
        Command::ToggleStretch => |settings, _| settings.stretch_dark_images = !settings.stretch_dark_images,
        Command::ThemeLight => |settings, _| settings.theme = Theme::Light,
        Command::ThemeDark => |settings, _| settings.theme = Theme::Dark,
        Command::ThemeSystem => |settings, _| settings.theme = Theme::System,
        Command::ScaleUp => |settings, _| scale_by(&mut settings.interface_scale, SCALE_STEP),
        Command::ScaleDown => |settings, _| scale_by(&mut settings.interface_scale, -SCALE_STEP),
        Command::ScaleReset => |settings, _| settings.interface_scale = 1.0,
        _ => return None,
    })
}

fn scale_by(scale: &mut f32, step: f32) {
    let wanted = ((*scale + step) * 10.0).round() / 10.0;
    *scale = wanted.clamp(*INTERFACE_SCALES.start(), *INTERFACE_SCALES.end());
}

/// By how much a command changes the opacity of masks.
const OPACITY_STEP: f32 = 0.1;

/// A change of the view, given the listed classes and the class under the cursor.
type ViewChange = fn(&mut ViewState, &ListedClasses, Option<String>);

/// The change that a command makes to the view, if it makes one.
fn view_change(command: Command) -> Option<ViewChange> {
    Some(match command {
        Command::ToggleMasks => |view, _, _| view.masks = !view.masks,
        Command::CycleFill => |view, _, _| {
            let next = match view.fill {
                MaskFill::Fill => MaskFill::Hatching,
                MaskFill::Hatching => MaskFill::Empty,
                MaskFill::Empty => MaskFill::Fill,
            };
            inspector::set_fill(view, next);
        },
        Command::ToggleOutline => |view, _, _| inspector::toggle_outline(view),
        Command::OpacityUp => |view, _, _| view.opacity = (view.opacity + OPACITY_STEP).min(1.0),
        Command::OpacityDown => |view, _, _| view.opacity = (view.opacity - OPACITY_STEP).max(0.0),
        Command::TogglePalette => |view, _, _| {
            view.palette = match view.palette {
                Palette::ColorBlindSafe => Palette::Photo,
                Palette::Photo | Palette::DataSet | Palette::File => Palette::ColorBlindSafe,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::testing::Bench;

    #[test]
    fn every_command_is_performed_in_exactly_one_place() {
        let of_window = [
            Command::Cancel,
            Command::Quit,
            Command::CopyView,
            Command::ActualSize,
            Command::FullScreen,
        ];
        for &command in Command::ALL {
            let bench = Bench::with_images(&["a"]);
            let of_workspaces = Workspaces::new()
                .iter_mut()
                .filter_map(|w| w.perform(command, &bench.ctx()).then_some(()))
                .count();
            let places = [
                usize::from(Workspaces::opened_by(command).is_some()),
                usize::from(of_window.contains(&command)),
                of_workspaces,
                usize::from(chrome_change(command).is_some()),
                usize::from(state_change(command).is_some()),
                usize::from(command.decoder().is_some()),
                usize::from(settings_change(command).is_some()),
                usize::from(view_change(command).is_some()),
            ];
            assert_eq!(places.iter().sum::<usize>(), 1, "{command:?}: {places:?}");
        }
    }
}
