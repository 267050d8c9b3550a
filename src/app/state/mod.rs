//! What is open and shown: plain data, and what becomes of it. It holds no thread and no device; what it wants of them
//! it asks for by actions, so everything here runs without a window.

mod batch;
mod document;
mod models;
mod opening;
mod pictures;
mod results;
mod segmenting;
mod test_settings;
#[cfg(test)]
pub(in crate::app) mod testing;
#[cfg(test)]
mod tests;
mod view;
mod view_state;

use std::path::PathBuf;
use std::time::Instant;

use egui::Rect;

use super::action::Actions;
use super::canvas::Camera;
use super::inspector::ClassList;
use super::settings::{Session, Settings};
use super::workspaces::WorkspaceId;
use crate::datasets::TruthChoices;
use crate::engine::{Asked, DeviceChoice, MemoryUse, ModelSource, PhotoSource};

pub(super) use batch::{BatchRun, others_text};
pub(super) use document::Document;
pub(super) use models::{Entry, Group, Models, groups, model_name};
pub(super) use pictures::{Picture, Pictures, State};
pub(super) use results::{ResultKey, Results};
pub(super) use segmenting::Running;
pub(super) use test_settings::{Choices, MOST_SHORT_SIDE, MOST_WINDOW, TestSettings, least_stride};
pub(super) use view::View;
pub(super) use view_state::{ClassOrder, Inside, Palette, ViewState};

/// Everything that the window knows.
pub(super) struct AppState {
    pub(super) settings: Settings,
    /// Panels and what was opened lately; the rest of it is taken from where it lives when it is written.
    pub(super) session: Session,
    pub(super) startup: Startup,
    pub(super) library: Library,
    pub(super) desk: Desk,
    pub(super) jobs: Jobs,
    pub(super) device: Device,
    pub(super) workspace: OpenWorkspace,
    pub(super) view: View,
    pub(super) canvas: CanvasState,
    pub(super) class_list: ClassList,
    /// How ground truth is read, in place of what the data set says.
    pub(super) truth: TruthChoices,
    pub(super) actions: Actions,
}

/// What the start still has to bring back.
#[derive(Default)]
pub(super) struct Startup {
    /// The pictures of the last session are looked for.
    pub(super) restoring: bool,
    /// The picture to begin with among those of the last session.
    pub(super) current: Option<PathBuf>,
    /// The model to begin with. It is opened after the first picture has been asked for, because it may have to wait
    /// for a device.
    pub(super) model: Option<ModelSource>,
}

/// What is open.
pub(super) struct Library {
    pub(super) pictures: Pictures,
    pub(super) results: Results,
    pub(super) models: Models,
}

/// What the canvas shows, and what is on its way to it.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) document: Option<Document>,
    /// What it will show as soon as it can be drawn.
    pub(super) incoming: Option<Document>,
    /// A picture that has been asked for and has not come yet.
    pub(super) opening: Option<Opening>,
    /// The wanted picture has to be read anew: its file has changed.
    pub(super) must_read: bool,
    /// The worker looks what dropped or chosen files are.
    pub(super) finding: bool,
    /// There is a graphics device: a document waits for its textures before it is shown.
    pub(super) can_draw: bool,
}

/// A picture that is being read.
pub(super) struct Opening {
    pub(super) asked: Asked,
    pub(super) source: PhotoSource,
    pub(super) since: Instant,
}

/// What the engine is busy with.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) running: Option<Running>,
    pub(super) batch: Option<BatchRun>,
}

/// Where networks run.
#[derive(Default)]
pub(super) struct Device {
    /// Name, and why it is not a GPU.
    pub(super) in_use: Option<(String, Option<String>)>,
    /// The device of the settings before the last change of it.
    pub(super) before: DeviceChoice,
    /// A device that was named on the command line: it holds in place of the setting until that is changed.
    pub(super) named: Option<DeviceChoice>,
    pub(super) memory: Option<MemoryUse>,
}

/// Which workspace is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenWorkspace {
    pub(super) id: WorkspaceId,
    /// It shows the output in use: a picture or model that comes is segmented by that.
    pub(super) shows_output: bool,
}

/// Where the canvas is and looks.
#[derive(Default)]
pub(super) struct CanvasState {
    pub(super) camera: Camera,
    /// Where it is, while it shows a picture, in points.
    pub(super) area: Option<Rect>,
    /// Photo pixel under the cursor.
    pub(super) cursor: Option<[usize; 2]>,
    /// Photo pixel whose reading stays.
    pub(super) pin: Option<[usize; 2]>,
}

impl AppState {
    /// Nothing open yet.
    pub(super) fn new(
        settings: Settings,
        session: Session,
        workspace: OpenWorkspace,
        can_draw: bool,
        actions: Actions,
    ) -> Self {
        Self {
            library: Library {
                pictures: Pictures::default(),
                results: Results::new(settings.result_memory_mib << 20),
                models: Models::default(),
            },
            device: Device {
                before: settings.device,
                ..Device::default()
            },
            view: View::of(session.view.clone()),
            canvas: CanvasState {
                camera: Camera::restored(session.camera.fit, session.camera.zoom, session.camera.center),
                ..CanvasState::default()
            },
            startup: Startup::default(),
            desk: Desk {
                can_draw,
                ..Desk::default()
            },
            jobs: Jobs::default(),
            workspace,
            class_list: ClassList::default(),
            truth: TruthChoices::default(),
            settings,
            session,
            actions,
        }
    }

    /// Whether the canvas shows the picture that is chosen in the list, and not one before it.
    pub(super) fn shows_wanted(&self) -> bool {
        let shown = self.desk.document.as_ref().map(|d| &d.photo.source);
        shown.is_some() && shown == self.library.pictures.wanted()
    }

    /// Whether the chosen picture is neither shown nor on its way.
    pub(super) fn misses_wanted(&self) -> bool {
        !self.shows_wanted() && self.desk.opening.is_none() && self.desk.incoming.is_none()
    }

    /// Whether there is a model, and no other one on its way.
    pub(super) fn has_model(&self) -> bool {
        let models = &self.library.models;
        models.used().is_some() && !models.is_loading()
    }

    /// Whether something is being opened.
    pub(super) fn is_opening(&self) -> bool {
        self.desk.opening.is_some() || self.library.models.is_loading() || self.desk.finding
    }

    /// `NAME - 11 classes - Segscope`. NAME is the picture on the canvas, or the chosen one that cannot be shown.
    pub(super) fn title(&self) -> String {
        match (&self.desk.document, self.library.pictures.wanted()) {
            (Some(shown), _) => {
                let source = &shown.photo.source;
                let name = source.name();
                match shown.found() {
                    _ if self.is_busy_with(source) => format!("{name} - segmenting - Segscope"),
                    // Masks that the canvas does not show yet are not said to be there.
                    Some(_) if shown.masks.is_none() && self.desk.can_draw => format!("{name} - segmenting - Segscope"),
                    Some(found) => format!("{name} - {} classes - Segscope", found.present()),
                    None => format!("{name} - Segscope"),
                }
            }
            (None, Some(wanted)) if self.misses_wanted() => format!("{} - not shown - Segscope", wanted.name()),
            (None, _) => "Segscope".to_owned(),
        }
    }

    /// Whether a picture is being read or segmented.
    fn is_busy_with(&self, source: &PhotoSource) -> bool {
        let incoming = self.desk.incoming.as_ref().map(|incoming| &incoming.photo.source);
        let opening = self.desk.opening.as_ref().map(|opening| &opening.source);
        self.is_running(source) || incoming == Some(source) || opening == Some(source)
    }
}
