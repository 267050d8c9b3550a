//! What persists between starts: the user's settings, and the session.

mod damaged_text;
mod edited;
mod page;
mod paths;
mod session;
mod store;
mod tolerant_toml;
mod writer;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::app::command::KeyNames;
use crate::engine::{DeviceChoice, PrecisionChoice};
use crate::export::{FigureFormat, Format};
use tolerant_toml::{Persisted, unless_within};

pub(super) use page::{PageInfo, show};
pub(super) use session::{Camera, PaneKind, Panels, SavedPane, SavedSession};
pub use store::Store;
pub(super) use writer::Writer;

/// Scales of the interface; 1 is the system's size.
pub(super) const INTERFACE_SCALES: RangeInclusive<f32> = 0.5..=3.0;

/// Memory limits that the user can set for each cache, in MiB.
pub(super) const MEMORY_LIMITS: RangeInclusive<usize> = 64..=65_536;

/// Numbers of threads that the user can set; more than any current machine has cores.
const THREADS: RangeInclusive<usize> = 1..=1024;

/// Colours of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Theme {
    /// The system's theme.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The corresponding value of egui.
    pub(super) fn preference(self) -> egui::ThemePreference {
        match self {
            Self::System => egui::ThemePreference::System,
            Self::Light => egui::ThemePreference::Light,
            Self::Dark => egui::ThemePreference::Dark,
        }
    }
}

/// Initial values of the export dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExportDefaults {
    pub(super) formats: Vec<Format>,
    /// `None` for a folder beside each image.
    #[serde(serialize_with = "paths::optional")]
    pub(super) folder: Option<PathBuf>,
    /// Whether the overlay gets a legend.
    pub(super) legend: bool,
    /// The kind of file of figures.
    pub(super) figures: FigureFormat,
    /// Template of the file names; see [`crate::export::Options::file_stem`].
    pub(super) naming: String,
}

impl Default for ExportDefaults {
    fn default() -> Self {
        let options = crate::export::Options::default();
        Self {
            formats: options.formats,
            folder: None,
            legend: options.legend,
            figures: options.figures,
            naming: options.naming,
        }
    }
}

/// The user's settings for the whole program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) theme: Theme,
    /// Within [`INTERFACE_SCALES`].
    pub(super) interface_scale: f32,
    /// Whether nothing slides or fades.
    pub(super) less_motion: bool,
    pub(super) device: DeviceChoice,
    pub(super) precision: PrecisionChoice,
    /// Threads that compute on the CPU; `None` for one per core.
    pub(super) threads: Option<usize>,
    /// Folder in which models are looked for.
    #[serde(serialize_with = "paths::optional")]
    pub(super) model_folder: Option<PathBuf>,
    /// Memory for results of images that are not shown, in MiB.
    pub(super) result_memory_mib: usize,
    /// Memory for encoder features, in MiB.
    pub(super) feature_memory_mib: usize,
    /// Memory for open models, in MiB.
    pub(super) model_memory_mib: usize,
    /// Whether an image that has changed on disk is reloaded.
    #[serde(rename = "reload_changed_pictures")]
    pub(super) reload_changed_images: bool,
    /// Whether 16-bit images that use only the lowest bits are brightened.
    #[serde(rename = "stretch_dark_pictures")]
    pub(super) stretch_dark_images: bool,
    pub(super) export: ExportDefaults,
    /// Keys of commands in place of the usual ones.
    #[serde(skip_serializing_if = "KeyNames::is_empty")]
    pub(super) keys: KeyNames,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            interface_scale: 1.0,
            less_motion: false,
            device: DeviceChoice::Auto,
            precision: PrecisionChoice::Auto,
            threads: None,
            model_folder: None,
            result_memory_mib: 512,
            feature_memory_mib: 512,
            model_memory_mib: 4096,
            reload_changed_images: true,
            stretch_dark_images: false,
            export: ExportDefaults::default(),
            keys: KeyNames::new(),
        }
    }
}

impl Persisted for Settings {
    fn out_of_bounds(&self) -> Option<String> {
        unless_within(self.interface_scale, INTERFACE_SCALES)
            .or_else(|| unless_within(self.threads.unwrap_or(1), THREADS))
            .or_else(|| unless_within(self.result_memory_mib, MEMORY_LIMITS))
            .or_else(|| unless_within(self.feature_memory_mib, MEMORY_LIMITS))
            .or_else(|| unless_within(self.model_memory_mib, MEMORY_LIMITS))
    }
}
