//! The window's state: plain data and its changes. It holds no thread and no device, and asks for their work by
//! actions, so everything here runs without a window.

mod arrangement;
mod batch;
mod document;
mod image_list_changes;
mod images;
mod inference_settings;
mod models;
mod opening;
mod palette;
mod palette_of_file;
mod results;
mod segmenting;
#[cfg(test)]
pub(in crate::app) mod testing;
#[cfg(test)]
mod tests;
mod view_change;
mod view_history;
mod view_state;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use egui::Rect;

use super::action::Actions;
use super::canvas::Camera;
use super::inspector::ClassList;
use super::settings::{SavedSession, Settings};
use super::workspaces::WorkspaceId;
use crate::datasets::TruthChoices;
use crate::engine::{Asked, DeviceChoice, ImageSource, MemoryUse, ModelSource, PrecisionChoice};

pub(super) use arrangement::{Arrangement, Only, Sort};
pub(super) use batch::{BatchRun, PausedBatch, others_text};
pub(super) use document::Document;
pub(super) use images::{Image, Images, State};
pub(super) use inference_settings::{InferenceSettings, MAX_SHORT_SIDE, MAX_WINDOW, SettingOverrides, least_stride};
pub(super) use models::{Group, Models, OutputEntry, groups, model_name};
pub(super) use palette::{OwnPalette, Palette};
pub(super) use results::{ResultKey, Results};
pub(super) use segmenting::Running;
pub(super) use view_history::View;
pub(super) use view_state::{ClassOrder, MaskFill, ViewState};

/// The whole state of the window.
pub(super) struct AppState {
    pub(super) settings: Settings,
    /// Panels and recent files. The other fields are filled in from the rest of the state when the session is written.
    pub(super) session: SavedSession,
    pub(super) startup: Startup,
    pub(super) library: Library,
    pub(super) canvas_content: CanvasContent,
    pub(super) jobs: Jobs,
    pub(super) device: Device,
    pub(super) workspace: OpenWorkspace,
    pub(super) view: View,
    pub(super) canvas: CanvasState,
    pub(super) class_list: ClassList,
    /// The user's choices of how ground truth is read, in place of the data set's.
    pub(super) truth: TruthChoices,
    /// The folder that labels of the sample go to.
    pub(super) sample_folder: PathBuf,
    pub(super) actions: Actions,
}

/// What is still to be restored after the start.
#[derive(Default)]
pub(super) struct Startup {
    /// Whether the images of the last session are being looked for.
    pub(super) restoring: bool,
    /// Whether the images named at the start are being looked for.
    pub(super) named: bool,
    /// The image of the last session to show first.
    pub(super) current: Option<PathBuf>,
    /// The first model. It is opened after the first image has been requested, because it may have to wait for a
    /// device.
    pub(super) model: Option<ModelSource>,
}

/// Open images and models, and cached results.
pub(super) struct Library {
    pub(super) images: Images,
    pub(super) results: Results,
    pub(super) models: Models,
}

/// The document on the canvas, and the next one.
#[derive(Default)]
pub(super) struct CanvasContent {
    pub(super) document: Option<Document>,
    /// The next document, which is shown as soon as it can be drawn.
    pub(super) incoming: Option<Document>,
    /// An image that is being read.
    pub(super) opening: Option<Opening>,
    /// Whether the chosen image has to be read again because its file has changed.
    pub(super) must_read: bool,
    /// Whether the engine is finding out what dropped or chosen files are.
    pub(super) finding: bool,
    /// Whether there is a graphics device: then a document waits for its textures before it is shown.
    pub(super) can_draw: bool,
}

/// An image that is being read.
pub(super) struct Opening {
    pub(super) asked: Asked,
    pub(super) source: ImageSource,
    pub(super) since: Instant,
}

/// The engine's current runs.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) running: Option<Running>,
    pub(super) batch: Option<BatchRun>,
    /// What is left of a run over all images that was paused.
    pub(super) paused: Option<PausedBatch>,
}

/// The device that networks run on.
#[derive(Default)]
pub(super) struct Device {
    /// Name, and why it is not a GPU.
    pub(super) in_use: Option<(String, Option<String>)>,
    /// The settings of device and precision before their last change.
    pub(super) before: (DeviceChoice, PrecisionChoice),
    /// The device named on the command line, which replaces the setting until that is changed.
    pub(super) named: Option<DeviceChoice>,
    pub(super) memory: Option<MemoryUse>,
}

/// The open workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenWorkspace {
    pub(super) id: WorkspaceId,
    /// Whether it shows the output in use: then a newly opened image is segmented with that output, and a newly opened
    /// model segments the image.
    pub(super) shows_output: bool,
}

/// The canvas: its area, camera and cursor.
#[derive(Default)]
pub(super) struct CanvasState {
    pub(super) camera: Camera,
    /// Its area in points, while it shows an image.
    pub(super) area: Option<Rect>,
    /// Photo pixel under the cursor.
    pub(super) cursor: Option<[usize; 2]>,
    /// Photo pixels whose readings are pinned, the last one last; at most [`CanvasState::MOST_PINS`].
    pub(super) pins: Vec<[usize; 2]>,
    /// Photos for which the user has closed the note that they are foreign to the model.
    pub(super) closed_strips: HashSet<ImageSource>,
}

impl CanvasState {
    /// With more pins, the photo could not be seen.
    const MOST_PINS: usize = 5;

    /// Pins a pixel, in place of the oldest pin if there are many, or removes its pin.
    pub(super) fn toggle_pin(&mut self, pixel: [usize; 2]) {
        if let Some(place) = self.pins.iter().position(|pin| *pin == pixel) {
            self.pins.remove(place);
            return;
        }
        if self.pins.len() == Self::MOST_PINS {
            self.pins.remove(0);
        }
        self.pins.push(pixel);
    }

    /// The pixel to read: the one under the cursor, or else the last pin.
    pub(super) fn reading_pixel(&self) -> Option<[usize; 2]> {
        self.cursor.or(self.pins.last().copied())
    }

    /// Forgets what belongs to the photo that leaves the canvas.
    pub(super) fn leave_photo(&mut self) {
        self.cursor = None;
        self.pins.clear();
    }
}

impl AppState {
    /// A state with nothing open.
    pub(super) fn new(
        settings: Settings,
        session: SavedSession,
        workspace: OpenWorkspace,
        can_draw: bool,
        actions: Actions,
    ) -> Self {
        Self {
            library: Library {
                images: Images::default(),
                results: Results::new(settings.result_memory_mib << 20),
                models: Models::default(),
            },
            device: Device {
                before: (settings.device, settings.precision),
                ..Device::default()
            },
            view: View::of(session.view.clone()),
            canvas: CanvasState {
                camera: Camera::restored(session.camera.fit, session.camera.zoom, session.camera.center),
                ..CanvasState::default()
            },
            startup: Startup::default(),
            canvas_content: CanvasContent {
                can_draw,
                ..CanvasContent::default()
            },
            jobs: Jobs::default(),
            workspace,
            class_list: ClassList::default(),
            truth: TruthChoices::default(),
            sample_folder: PathBuf::new(),
            settings,
            session,
            actions,
        }
    }

    /// Whether the canvas shows the image that is chosen in the list, and not an earlier one.
    pub(super) fn shows_wanted(&self) -> bool {
        let shown = self.canvas_content.document.as_ref().map(|d| &d.photo.source);
        shown.is_some() && shown == self.library.images.wanted()
    }

    /// Whether the chosen image is neither shown nor being opened.
    pub(super) fn misses_wanted(&self) -> bool {
        !self.shows_wanted() && self.canvas_content.opening.is_none() && self.canvas_content.incoming.is_none()
    }

    /// Whether there is a model, and no other one is being opened.
    pub(super) fn has_model(&self) -> bool {
        let models = &self.library.models;
        models.used().is_some() && !models.is_loading()
    }

    /// Whether something is being opened.
    pub(super) fn is_opening(&self) -> bool {
        self.canvas_content.opening.is_some() || self.library.models.is_loading() || self.canvas_content.finding
    }

    /// The window's title, `NAME - 11 classes - Segscope`. NAME is the image on the canvas, or the chosen one that
    /// cannot be shown.
    pub(super) fn title(&self) -> String {
        match (&self.canvas_content.document, self.library.images.wanted()) {
            (Some(shown), _) => {
                let source = &shown.photo.source;
                let name = source.name();
                match shown.found() {
                    _ if self.is_busy_with(source) => format!("{name} - segmenting - Segscope"),
                    // The title reports masks only once the canvas shows them.
                    Some(_) if shown.masks.is_none() && self.canvas_content.can_draw => {
                        format!("{name} - segmenting - Segscope")
                    }
                    Some(found) => format!("{name} - {} classes - Segscope", found.present()),
                    None => format!("{name} - Segscope"),
                }
            }
            (None, Some(wanted)) if self.misses_wanted() => format!("{} - not shown - Segscope", wanted.name()),
            (None, _) => "Segscope".to_owned(),
        }
    }

    /// Whether an image is being read or segmented.
    fn is_busy_with(&self, source: &ImageSource) -> bool {
        let incoming = self
            .canvas_content
            .incoming
            .as_ref()
            .map(|incoming| &incoming.photo.source);
        let opening = self.canvas_content.opening.as_ref().map(|opening| &opening.source);
        self.is_running(source) || incoming == Some(source) || opening == Some(source)
    }
}
