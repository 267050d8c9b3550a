//! How the window was left.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::paths;
use super::reading::{Kept, unless_within};
use crate::app::state::{Choices, MOST_SHORT_SIDE, MOST_WINDOW, ViewState};

/// Pictures and folders that are remembered.
const RECENT_PICTURES: usize = 12;

/// Models that are remembered.
const RECENT_MODELS: usize = 8;

/// Where the canvas looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Camera {
    /// The whole picture is shown, whatever zoom and center are.
    pub(in crate::app) fit: bool,
    /// Points per photo pixel.
    pub(in crate::app) zoom: f32,
    /// What lies in the middle of the canvas, as fractions of the photo's width and height.
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

/// Where the window lies on the screen, in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct WindowPlace {
    pub(in crate::app) size: [f32; 2],
    /// Where the system tells it: not under Wayland.
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

/// Which panels are open and how wide they are, in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Panels {
    pub(in crate::app) pictures: bool,
    pub(in crate::app) pictures_width: f32,
    pub(in crate::app) inspector: bool,
    pub(in crate::app) inspector_width: f32,
}

impl Default for Panels {
    fn default() -> Self {
        Self {
            pictures: true,
            pictures_width: 220.0,
            inspector: true,
            inspector_width: 270.0,
        }
    }
}

/// Everything that the next start brings back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Session {
    #[serde(serialize_with = "paths::list")]
    pub(in crate::app) pictures: Vec<PathBuf>,
    /// The one of `pictures` that is shown.
    #[serde(serialize_with = "paths::optional")]
    pub(in crate::app) current: Option<PathBuf>,
    /// The model in use; `None` for the embedded one.
    #[serde(serialize_with = "paths::optional")]
    pub(in crate::app) model: Option<PathBuf>,
    /// Key of the decoder in use; `None` for the model's first one.
    pub(in crate::app) decoder: Option<String>,
    /// Pictures and folders that were opened, newest first.
    #[serde(serialize_with = "paths::list")]
    pub(in crate::app) recent_pictures: Vec<PathBuf>,
    /// Models that were opened, newest first.
    #[serde(serialize_with = "paths::list")]
    pub(in crate::app) recent_models: Vec<PathBuf>,
    /// What was chosen for models in place of what their files say, by the model's path.
    pub(in crate::app) test_settings: BTreeMap<String, Choices>,
    pub(in crate::app) camera: Camera,
    pub(in crate::app) window: WindowPlace,
    pub(in crate::app) panels: Panels,
    pub(in crate::app) view: ViewState,
}

impl Session {
    /// Puts a picture or folder first among the recent ones.
    pub(in crate::app) fn remember_picture(&mut self, path: &Path) {
        put_first(&mut self.recent_pictures, path, RECENT_PICTURES);
    }

    /// Puts a model first among the recent ones.
    pub(in crate::app) fn remember_model(&mut self, path: &Path) {
        put_first(&mut self.recent_models, path, RECENT_MODELS);
    }
}

fn put_first(recent: &mut Vec<PathBuf>, path: &Path, most: usize) {
    recent.retain(|other| other != path);
    recent.insert(0, path.into());
    recent.truncate(most);
}

/// Shares of one.
const SHARES: RangeInclusive<f32> = 0.0..=1.0;
/// Brightness and contrast.
const CHANGES: RangeInclusive<f32> = -1.0..=1.0;
/// Widths of outlines, in points.
const OUTLINES: RangeInclusive<f32> = 0.0..=32.0;
/// Widths of panels and windows, in points; the largest screens have 16384 pixels.
const SIZES: RangeInclusive<f32> = 40.0..=16_384.0;
/// Places on a row of screens, in points.
const PLACES: RangeInclusive<f32> = -100_000.0..=100_000.0;
/// Points per photo pixel.
const ZOOMS: RangeInclusive<f32> = 0.000_1..=10_000.0;
/// Fractions of the photo.
const CENTERS: RangeInclusive<f32> = SHARES;
/// Windows and strides, in pixels.
const WINDOWS: RangeInclusive<usize> = 1..=MOST_WINDOW;
/// Short sides, in pixels.
const SHORT_SIDES: RangeInclusive<usize> = 1..=MOST_SHORT_SIDE;

impl Kept for Session {
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
            (panels.pictures_width, SIZES),
            (panels.inspector_width, SIZES),
            (view.opacity, SHARES),
            (view.threshold, SHARES),
            (view.brightness, CHANGES),
            (view.contrast, CHANGES),
            (view.outline, OUTLINES),
        ];
        let classes = view.classes.values().map(|look| (look.opacity, SHARES));
        let mut bounded = bounded.into_iter().chain(classes);
        let pixels = |choices: &Choices| {
            let Choices {
                window,
                stride,
                short_side,
                ..
            } = *choices;
            [(window, WINDOWS), (stride, WINDOWS), (short_side, SHORT_SIDES)]
        };
        let mut pixels = self.test_settings.values().flat_map(pixels);
        bounded
            .find_map(|(value, bounds)| unless_within(value, bounds))
            .or_else(|| pixels.find_map(|(value, bounds)| unless_within(value?, bounds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_once_each() {
        let mut session = Session::default();
        for i in 0..20 {
            session.remember_picture(Path::new(&format!("{i}.png")));
            session.remember_model(Path::new(&format!("{}.pth", i % 2)));
        }
        session.remember_picture(Path::new("15.png"));
        assert_eq!(session.recent_pictures.len(), 12);
        assert_eq!(
            session.recent_pictures[..3],
            ["15.png", "19.png", "18.png"].map(PathBuf::from)
        );
        assert_eq!(session.recent_models, ["1.pth", "0.pth"].map(PathBuf::from));
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_is_no_text_is_left_out() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = PathBuf::from(std::ffi::OsString::from_vec(vec![b'a', 0xff]));
        let session = Session {
            pictures: vec![odd.clone(), "b ü.png".into()],
            current: Some(odd),
            ..Session::default()
        };
        let text = toml::to_string(&session).expect("TOML");
        let read: Session = toml::from_str(&text).expect("a session");
        assert_eq!(read.pictures, [PathBuf::from("b ü.png")]);
        assert_eq!(read.current, None);
    }
}
