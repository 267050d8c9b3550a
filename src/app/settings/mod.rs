//! What is kept between starts: the settings a person makes, and the session as it was left.

mod damaged_text;
mod edited;
mod page;
mod paths;
mod reading;
mod session;
mod store;
mod writer;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::DeviceChoice;
use crate::export::Format;
use reading::{Kept, unless_within};

pub(super) use page::{PageInfo, show};
pub(super) use session::{Camera, Panels, Session};
pub use store::Store;
pub(super) use writer::Writer;

/// Sizes that the interface can be scaled to; 1 is the system's.
pub(super) const INTERFACE_SCALES: RangeInclusive<f32> = 0.5..=3.0;

/// Limits that a person can set on each kind of kept data, in MiB.
pub(super) const MEMORY_LIMITS: RangeInclusive<usize> = 64..=65_536;

/// Threads that a person can ask for, more than any machine of today has cores.
const THREADS: RangeInclusive<usize> = 1..=1024;

/// Colours of the chrome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Theme {
    /// As the system is set.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// What egui calls it.
    pub(super) fn preference(self) -> egui::ThemePreference {
        match self {
            Self::System => egui::ThemePreference::System,
            Self::Light => egui::ThemePreference::Light,
            Self::Dark => egui::ThemePreference::Dark,
        }
    }
}

/// With what the export dialog starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExportDefaults {
    pub(super) formats: Vec<Format>,
    /// `None`: beside each picture.
    #[serde(serialize_with = "paths::optional")]
    pub(super) folder: Option<PathBuf>,
    /// Whether the overlay gets a legend.
    pub(super) legend: bool,
    /// Template of the file names, see [`crate::export::Options::file_stem`].
    pub(super) naming: String,
}

impl Default for ExportDefaults {
    fn default() -> Self {
        let options = crate::export::Options::default();
        Self {
            formats: options.formats,
            folder: None,
            legend: options.legend,
            naming: options.naming,
        }
    }
}

/// What a person has set, once for all pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) theme: Theme,
    /// Within [`INTERFACE_SCALES`].
    pub(super) interface_scale: f32,
    pub(super) device: DeviceChoice,
    /// Threads that compute on the CPU; `None` for one per core.
    pub(super) threads: Option<usize>,
    /// Where models are looked for.
    #[serde(serialize_with = "paths::optional")]
    pub(super) model_folder: Option<PathBuf>,
    /// Memory for results of pictures that are not shown, in MiB.
    pub(super) result_memory_mib: usize,
    /// Memory for encoder features, in MiB.
    pub(super) feature_memory_mib: usize,
    /// Memory for open models, in MiB.
    pub(super) model_memory_mib: usize,
    /// Whether a picture that has changed on disk is opened anew.
    pub(super) reload_changed_pictures: bool,
    /// Whether pictures of 16 bits that use only the lowest of them are made bright.
    pub(super) stretch_dark_pictures: bool,
    pub(super) export: ExportDefaults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            interface_scale: 1.0,
            device: DeviceChoice::Auto,
            threads: None,
            model_folder: None,
            result_memory_mib: 512,
            feature_memory_mib: 512,
            model_memory_mib: 4096,
            reload_changed_pictures: true,
            stretch_dark_pictures: false,
            export: ExportDefaults::default(),
        }
    }
}

impl Kept for Settings {
    fn out_of_bounds(&self) -> Option<String> {
        unless_within(self.interface_scale, INTERFACE_SCALES)
            .or_else(|| unless_within(self.threads.unwrap_or(1), THREADS))
            .or_else(|| unless_within(self.result_memory_mib, MEMORY_LIMITS))
            .or_else(|| unless_within(self.feature_memory_mib, MEMORY_LIMITS))
            .or_else(|| unless_within(self.model_memory_mib, MEMORY_LIMITS))
    }
}
