//! Damaged text files of every kind: each is read or refused with an error, without a panic, a hang or unbounded
//! memory.
//! `variant.yml` and the texts inside bundles are tested in `damaged_models.rs`.
//!
//! The damage is the same in every run. A failure reports the kind of file and the seed of the damage.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use segscope::datasets::SetFile;
use segscope::train::{DataPlan, Prepared, Preset, TrainPlan};

use super::mutation::texts::{TOML, mutated_text};
use super::survival::{PER_TEXT, survive};
use crate::alone::alone;

const CLASS_SET: &str = r##"name = "my streets"
ignore = [255, 11]
zero-is-ignored = false

[[classes]]
name = "road"
color = "#804080"

[[classes]]
name = "süd-west \"wall\""
color = "#0a0b0c"

[[classes]]
name = "rest"
"##;

#[test]
fn damaged_class_sets() {
    if !alone() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let open = move |bytes: &[u8]| {
        let path = place.path().join("mine.toml");
        fs::write(&path, bytes).expect("room for a class set");
        SetFile::open(&path)
    };
    open(CLASS_SET.as_bytes()).unwrap_or_else(|e| panic!("undamaged: {e}"));
    survive("class set", PER_TEXT, move |dice| {
        open(&mutated_text(CLASS_SET, &TOML, dice))
    });
}

/// The paths in the plan are relative to the repository, so that the damage does not depend on its location.
#[test]
fn damaged_training_plans() {
    if !alone() {
        return;
    }
    let folder = PathBuf::from("assets/samples");
    let data = DataPlan {
        images: vec![folder.clone()],
        labels: vec![folder],
        list: None,
        label_name: None,
    };
    let plan = TrainPlan {
        validation: data.clone(),
        data,
        init: "tests/golden/pipeline-timm-npz/vit_tiny_fake.npz".into(),
        set: None,
        classes: Some(3),
        ignore: Some(vec![255]),
        zero_is_ignored: None,
        label_ids: None,
        read_id: Vec::new(),
        decoders: vec!["linear".into(), "naive".into()],
        patch: 16,
        channels: 8,
        auxiliary: true,
        normalisation: None,
        training: Preset::Setr.config(10, 64, 64),
    };
    let text = plan.text().expect("a text");
    prepared(text.clone().into_bytes()).unwrap_or_else(|e| panic!("undamaged: {e}"));
    survive("train.toml", PER_TEXT, move |dice| {
        prepared(mutated_text(&text, &TOML, dice))
    });
}

/// Prepares a training from a plan.
fn prepared(text: Vec<u8>) -> Result<Prepared, String> {
    let text = String::from_utf8(text).map_err(|e| e.to_string())?;
    let plan: TrainPlan = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
    let prepared = plan.prepare(&mut |_| ControlFlow::Continue(()));
    prepared.map_err(|e| e.to_string())
}

/// Settings and session are private to the window, so these tests start the program, which exits without a display.
#[cfg(target_os = "linux")]
mod of_the_window {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::alone::alone;
    use crate::files::mutation::texts::{TOML, mutated_text};
    use crate::files::survival::{KEPT_BY_THE_WINDOW, survive};

    const SETTINGS: &str = r#"theme = "light"
interface_scale = 1.25
device = "cpu"
threads = 2
model_folder = "/models"
result_memory_mib = 256
feature_memory_mib = 512
model_memory_mib = 4096
reload_changed_pictures = false

[export]
formats = ["labels", "overlay"]
folder = "/out"
legend = true
naming = "{stem}"
"#;

    const SESSION: &str = r#"pictures = ["/a b/Straße 1.png", "/c/\"quoted\" = [x].jpg"]
current = "/a b/Straße 1.png"
model = "/models/a.pth"
decoder = "pup"
recent_pictures = ["/a b"]
recent_models = ["/models/a.pth", "/models/b"]

[test_settings."/models/a.pth"]
window = 384
stride = 352
short_side = 512
mirrored = true

[camera]
fit = false
zoom = 0.5
center = [0.25, 0.75]

[window]
size = [1280.0, 820.0]
position = [-1920.0, 40.0]
maximized = false

[panels]
pictures = true
pictures_width = 220.0
inspector = true
inspector_width = 333.5

[view]
opacity = 0.25
inside = "hatching"
palette = "color-blind-safe"
class_order = "name"
solo = "traffic light"

[view.classes."traffic light"]
visible = false
opacity = 0.5
color = [1, 2, 3]
"#;

    #[test]
    fn damaged_settings() {
        if !alone() {
            return;
        }
        survives_damage("settings.toml", SETTINGS);
    }

    #[test]
    fn damaged_sessions() {
        if !alone() {
            return;
        }
        survives_damage("session.toml", SESSION);
    }

    fn survives_damage(file: &'static str, text: &'static str) {
        let place = tempfile::tempdir().expect("a folder");
        let folders = ["config", "state"].map(|kind| place.path().join(kind).join("segscope"));
        for folder in &folders {
            fs::create_dir_all(folder).expect("a folder");
        }
        let [settings, session] = folders;
        let path = match file {
            "settings.toml" => settings.join(file),
            _ => session.join(file),
        };
        start_with(text.as_bytes(), &path, place.path()).unwrap_or_else(|e| panic!("undamaged: {e}"));
        survive(file, KEPT_BY_THE_WINDOW, move |dice| {
            start_with(&mutated_text(text, &TOML, dice), &path, place.path())
        });
    }

    /// Starts the program with this text in one of its files. Returns an error if the program notices the damage.
    fn start_with(text: &[u8], path: &Path, home: &Path) -> Result<(), String> {
        fs::write(path, text).expect("room for a file");
        let mut call = Command::new(env!("CARGO_BIN_EXE_segscope"));
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            call.env_remove(variable);
        }
        call.env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"));
        let ended = call.output().expect("the program starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "there is no display: {said}");
        let kept = PathBuf::from(format!("{}.damaged", path.display()));
        match fs::read(&kept) {
            Ok(bytes) => {
                assert_eq!(bytes, text, "the original file");
                fs::remove_file(&kept).expect("removed");
                Err("damage was noticed".into())
            }
            Err(_) => Ok(()),
        }
    }
}
