//! The session: what the next start restores.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::paths;
use super::tolerant_toml::{Persisted, unless_within};
use crate::app::state::{MAX_SHORT_SIDE, MAX_WINDOW, SettingOverrides, ViewState};

/// Largest number of recent images and folders.
const RECENT_IMAGES: usize = 12;

/// Largest number of earlier trainings.
const TRAININGS: usize = 8;

/// Largest number of recent models.
const RECENT_MODELS: usize = 8;

/// The camera of the canvas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Camera {
    /// Whether the whole image is shown, whatever `zoom` and `center` are.
    pub(in crate::app) fit: bool,
    /// Points per photo pixel.
    pub(in crate::app) zoom: f32,
    /// Point of the photo in the middle of the canvas, as fractions of the photo's width and height.
    pub(in crate::app) center: [f32; 2],
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            fit: true,
            zoom: 1.0,
            center: [0.5; 2],
        }
    }
}

/// What a pane of the compare workspace shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::app) enum PaneKind {
    #[default]
    Image,
    Model,
    Labels,
    Truth,
}

/// A pane of the compare workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct SavedPane {
    pub(in crate::app) kind: PaneKind,
    /// The model or label map; `None` for a built-in model.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "paths::optional")]
    pub(in crate::app) path: Option<PathBuf>,
    /// Key of the weights in a file with several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::app) weights: Option<String>,
    /// Patch size of a built-in model other than the main one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::app) patch: Option<usize>,
    pub(in crate::app) decoder: usize,
    pub(in crate::app) multi_scale: bool,
    /// The image that a label map was chosen for; `None` for the sample.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "paths::optional")]
    pub(in crate::app) image: Option<PathBuf>,
}

/// Size and position of the window on the screen, in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct WindowPlace {
    pub(in crate::app) size: [f32; 2],
    /// `None` if the system does not report it, as under Wayland.
    pub(in crate::app) position: Option<[f32; 2]>,
    pub(in crate::app) maximized: bool,
}

impl Default for WindowPlace {
    fn default() -> Self {
        Self {
            size: [1280.0, 820.0],
            position: None,
            maximized: false,
        }
    }
}

/// Which panels are open, and their widths in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Panels {
    #[serde(rename = "pictures")]
    pub(in crate::app) images: bool,
    #[serde(rename = "pictures_width")]
    pub(in crate::app) images_width: f32,
    pub(in crate::app) inspector: bool,
    pub(in crate::app) inspector_width: f32,
}

impl Default for Panels {
    fn default() -> Self {
        Self {
            images: true,
            images_width: 248.0,
            inspector: true,
            inspector_width: 300.0,
        }
    }
}

/// Everything that the next start restores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct SavedSession {
    #[serde(serialize_with = "paths::list")]
    #[serde(rename = "pictures")]
    pub(in crate::app) images: Vec<PathBuf>,
    /// The one of `images` that is shown.
    #[serde(serialize_with = "paths::optional")]
    pub(in crate::app) current: Option<PathBuf>,
    /// The model in use; `None` for the embedded one.
    #[serde(serialize_with = "paths::optional")]
    pub(in crate::app) model: Option<PathBuf>,
    /// Key of the decoder in use; `None` for the model's first one.
    pub(in crate::app) decoder: Option<String>,
    /// Images and folders that were opened, newest first.
    #[serde(serialize_with = "paths::list")]
    #[serde(rename = "recent_pictures")]
    pub(in crate::app) recent_images: Vec<PathBuf>,
    /// Models that were opened, newest first.
    #[serde(serialize_with = "paths::list")]
    pub(in crate::app) recent_models: Vec<PathBuf>,
    /// Folders of trainings, newest first.
    #[serde(serialize_with = "paths::list")]
    pub(in crate::app) trainings: Vec<PathBuf>,
    /// Whether the hints of the first start have been seen.
    pub(in crate::app) coached: bool,
    /// The user's inference settings in place of those of the model files, by the model's path.
    #[serde(rename = "test_settings")]
    pub(in crate::app) inference_settings: BTreeMap<String, SettingOverrides>,
    pub(in crate::app) camera: Camera,
    pub(in crate::app) window: WindowPlace,
    pub(in crate::app) panels: Panels,
    pub(in crate::app) view: ViewState,
    /// The panes of the compare workspace.
    pub(in crate::app) panes: Vec<SavedPane>,
}

impl SavedSession {
    /// Puts an image or folder first among the recent ones.
    pub(in crate::app) fn remember_image(&mut self, path: &Path) {
        put_first(&mut self.recent_images, path, RECENT_IMAGES);
    }

    /// Puts a model first among the recent ones.
    pub(in crate::app) fn remember_model(&mut self, path: &Path) {
        put_first(&mut self.recent_models, path, RECENT_MODELS);
    }
}

impl SavedSession {
    /// Puts the folder of a training first among the earlier ones.
    pub(in crate::app) fn remember_training(&mut self, folder: &Path) {
        put_first(&mut self.trainings, folder, TRAININGS);
    }
}

fn put_first(recent: &mut Vec<PathBuf>, path: &Path, most: usize) {
    recent.retain(|other| other != path);
    recent.insert(0, path.into());
    recent.truncate(most);
}

/// Fractions.
const SHARES: RangeInclusive<f32> = 0.0..=1.0;
/// Brightness and contrast.
const CHANGES: RangeInclusive<f32> = -1.0..=1.0;
/// Widths of outlines, in points.
const OUTLINES: RangeInclusive<f32> = 0.0..=32.0;
/// Widths of panels and windows, in points; the largest screens have 16384 pixels.
const SIZES: RangeInclusive<f32> = 40.0..=16_384.0;
/// Positions on a row of screens, in points.
const PLACES: RangeInclusive<f32> = -100_000.0..=100_000.0;
/// Points per photo pixel.
const ZOOMS: RangeInclusive<f32> = 0.000_1..=10_000.0;
/// Fractions of the photo.
const CENTERS: RangeInclusive<f32> = SHARES;
/// Windows and strides, in pixels.
const WINDOWS: RangeInclusive<usize> = 1..=MAX_WINDOW;
/// Short sides, in pixels.
const SHORT_SIDES: RangeInclusive<usize> = 1..=MAX_SHORT_SIDE;

impl Persisted for SavedSession {
    fn out_of_bounds(&self) -> Option<String> {
        let (window, panels, view) = (&self.window, &self.panels, &self.view);
        let position = window.position.unwrap_or_default();
        let bounded = [
            (self.camera.zoom, ZOOMS),
            (self.camera.center[0], CENTERS),
            (self.camera.center[1], CENTERS),
            (window.size[0], SIZES),
            (window.size[1], SIZES),
            (position[0], PLACES),
            (position[1], PLACES),
            (panels.images_width, SIZES),
            (panels.inspector_width, SIZES),
            (view.opacity, SHARES),
            (view.threshold, SHARES),
            (view.brightness, CHANGES),
            (view.contrast, CHANGES),
            (view.outline, OUTLINES),
        ];
        let classes = view.classes.values().map(|style| (style.opacity, SHARES));
        let mut bounded = bounded.into_iter().chain(classes);
        let pixels = |choices: &SettingOverrides| {
            let SettingOverrides {
                window,
                stride,
                short_side,
                ..
            } = *choices;
            [(window, WINDOWS), (stride, WINDOWS), (short_side, SHORT_SIDES)]
        };
        let mut pixels = self.inference_settings.values().flat_map(pixels);
        bounded
            .find_map(|(value, bounds)| unless_within(value, bounds))
            .or_else(|| pixels.find_map(|(value, bounds)| unless_within(value?, bounds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_files_are_unique_and_newest_first() {
        let mut session = SavedSession::default();
        for i in 0..20 {
            session.remember_image(Path::new(&format!("{i}.png")));
            session.remember_model(Path::new(&format!("{}.pth", i % 2)));
        }
        session.remember_image(Path::new("15.png"));
        assert_eq!(session.recent_images.len(), 12);
        assert_eq!(
            session.recent_images[..3],
            ["15.png", "19.png", "18.png"].map(PathBuf::from)
        );
        assert_eq!(session.recent_models, ["1.pth", "0.pth"].map(PathBuf::from));
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_is_not_utf8_is_left_out() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = PathBuf::from(std::ffi::OsString::from_vec(vec![b'a', 0xff]));
        let session = SavedSession {
            images: vec![odd.clone(), "b ü.png".into()],
            current: Some(odd),
            ..SavedSession::default()
        };
        let text = toml::to_string(&session).expect("TOML");
        let read: SavedSession = toml::from_str(&text).expect("a session");
        assert_eq!(read.images, [PathBuf::from("b ü.png")]);
        assert_eq!(read.current, None);
    }
}
