//! The environment of one test: a folder for its files and settings, and exclusive use of the display.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::RwLockWriteGuard;

use tempfile::TempDir;
use toml::{Table, Value};

use super::program::{Program, wait_for};
use crate::bundles::fixture;
pub use crate::repository::in_repository;
use crate::turn;

/// The environment of one test.
pub struct Stage {
    folder: TempDir,
    _anchor: Anchor,
    _turn: RwLockWriteGuard<'static, ()>,
}

/// A client that stays connected, because an X server restarts when the last client disconnects, and then refuses
/// connections.
struct Anchor(Child);

impl Anchor {
    fn drop_into_place() -> Self {
        // The server may be restarting because the previous test has ended.
        wait_for("a connection to the display", || {
            let child = Command::new("xprop")
                .args(["-root", "-spy", "SEGSCOPE_TEST"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut anchor = Self(child.expect("xprop"));
            // It prints the property as soon as it is connected.
            let stdout = anchor.0.stdout.as_mut().expect("its output");
            stdout.read_exact(&mut [0]).is_ok().then_some(anchor)
        })
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Stage {
    /// `None`, with a printed reason, where no window can be driven; fails instead if `SEGSCOPE_REQUIRE_ALL` is set.
    pub fn new() -> Option<Self> {
        Self::with_screen([1280, 820])
    }

    /// The same for a window of this width and height in pixels.
    pub fn with_screen(size: [usize; 2]) -> Option<Self> {
        if let Some(why) = obstacle().or_else(|| too_small(size)) {
            assert!(std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(), "cannot run: {why}");
            println!("skipped: {why}");
            return None;
        }
        let turn = turn::alone();
        let stage = Self {
            folder: tempfile::tempdir().expect("a folder"),
            _anchor: Anchor::drop_into_place(),
            _turn: turn,
        };
        // The tests look for colours of the dark theme, whatever theme the system has.
        stage.set_settings("theme = \"dark\"\n");
        Some(stage)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Copies the street sample to a file of this name.
    pub fn street(&self, name: &str) -> PathBuf {
        let image = self.path(name);
        fs::create_dir_all(image.parent().expect("a folder")).expect("a folder");
        fs::copy(in_repository("assets/samples/street.jpg"), &image).expect("a copy");
        image
    }

    fn settings_file(&self) -> PathBuf {
        self.path("config/segscope/settings.toml")
    }

    fn session_file(&self) -> PathBuf {
        self.path("state/segscope/session.toml")
    }

    /// Writes the settings for the next start.
    pub fn set_settings(&self, text: &str) {
        write(&self.settings_file(), text);
    }

    /// Writes the session for the next start.
    pub fn set_session(&self, text: &str) {
        write(&self.session_file(), text);
    }

    /// A value in the settings file.
    pub fn setting(&self, path: &str) -> Option<Value> {
        kept(&self.settings_file(), path)
    }

    /// A value in the session file.
    pub fn session(&self, path: &str) -> Option<Value> {
        kept(&self.session_file(), path)
    }

    /// Makes every file dialog return this file or folder from now on.
    pub fn answer_dialogs_with(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let program = self.path("bin/zenity");
        let (path, asked) = (path.display(), self.path("asked"));
        fs::remove_file(&asked).ok();
        write(
            &program,
            &format!("#!/bin/sh\necho '{path}'\n: > '{}'\n", asked.display()),
        );
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Waits until a dialog has been answered; only then may the answer for the next one be set.
    pub fn wait_for_dialog(&self) {
        let asked = self.path("asked");
        wait_for("a dialog", || asked.exists().then_some(()));
    }

    /// The value of `PATH` with the stage's folder first.
    pub fn path_with_dialogs(&self) -> OsString {
        let others = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.path("bin")).chain(std::env::split_paths(&others));
        std::env::join_paths(folders).expect("folders of programs")
    }

    /// Opens the window with these images and the fixture model.
    pub fn open<S: AsRef<std::ffi::OsStr>>(&self, images: &[S]) -> Program<'_> {
        let mut arguments = vec!["--model".into(), fixture::model().into_os_string()];
        arguments.extend(images.iter().map(|image| image.as_ref().to_owned()));
        self.start(&arguments)
    }

    /// Opens the window with these arguments.
    pub fn start<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Program<'_> {
        Program::start(self, arguments)
    }
}

/// Writes a file, creating its folders.
fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

/// The value at a path such as `a.b.c` in a TOML file; `None` where there is none.
fn kept(file: &Path, path: &str) -> Option<Value> {
    let table: Table = fs::read_to_string(file).ok()?.parse().ok()?;
    path.split('.')
        .try_fold(Value::Table(table), |value, key| value.get(key).cloned())
}

/// The reason why the screen cannot hold a window of this size, if any.
fn too_small([width, height]: [usize; 2]) -> Option<String> {
    let output = Command::new("xdotool").arg("getdisplaygeometry").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut sides = text.split_whitespace().filter_map(|side| side.parse::<usize>().ok());
    let screen = [sides.next()?, sides.next()?];
    (screen[0] < width || screen[1] < height).then(|| {
        format!(
            "the screen has {} x {} pixels, the window {width} x {height}",
            screen[0], screen[1]
        )
    })
}

/// The reason why no window can be driven here, if any.
fn obstacle() -> Option<String> {
    if std::env::var_os("DISPLAY").is_none() {
        return Some("no display (run under xvfb-run)".into());
    }
    let missing = |tool: &&str| {
        Command::new(tool)
            .arg("-version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
    };
    ["xdotool", "xprop", "import"]
        .iter()
        .find(|tool| missing(tool))
        .map(|tool| format!("{tool} is not installed"))
}
