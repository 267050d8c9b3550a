//! A folder of its own for the files and settings of one test, and its turn on the display.

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

/// What a test has to itself.
pub struct Stage {
    folder: TempDir,
    _anchor: Anchor,
    _turn: RwLockWriteGuard<'static, ()>,
}

/// A client that stays connected. When the last one leaves, an X server starts over, and refuses whoever comes then.
struct Anchor(Child);

impl Anchor {
    fn drop_into_place() -> Self {
        // The server may just be starting over because the test before has ended.
        wait_for("a connection to the display", || {
            let child = Command::new("xprop")
                .args(["-root", "-spy", "SEGSCOPE_TEST"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut anchor = Self(child.expect("xprop"));
            // It says what it has found as soon as it is connected.
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
    /// `None`, and a line that says why, where no window can be driven; a failure where everything is required.
    pub fn new() -> Option<Self> {
        if let Some(why) = obstacle() {
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
        // The colours that the tests look for are those of the dark theme, whatever the system's is.
        stage.set_settings("theme = \"dark\"\n");
        Some(stage)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The sample's street under another name.
    pub fn street(&self, name: &str) -> PathBuf {
        let picture = self.path(name);
        fs::create_dir_all(picture.parent().expect("a folder")).expect("a folder");
        fs::copy(in_repository("assets/samples/street.jpg"), &picture).expect("a copy");
        picture
    }

    fn settings_file(&self) -> PathBuf {
        self.path("config/segscope/settings.toml")
    }

    fn session_file(&self) -> PathBuf {
        self.path("state/segscope/session.toml")
    }

    /// Writes the settings that the next start finds.
    pub fn set_settings(&self, text: &str) {
        write(&self.settings_file(), text);
    }

    /// Writes the session that the next start finds.
    pub fn set_session(&self, text: &str) {
        write(&self.session_file(), text);
    }

    /// A value of the settings as they are kept now.
    pub fn setting(&self, path: &str) -> Option<Value> {
        kept(&self.settings_file(), path)
    }

    /// A value of the session as it is kept now.
    pub fn session(&self, path: &str) -> Option<Value> {
        kept(&self.session_file(), path)
    }

    /// From now on, whoever is asked for a file or folder by a dialog chooses this one.
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

    /// Waits until a dialog has been answered: before that, its answer may still be changed.
    pub fn wait_for_dialog(&self) {
        let asked = self.path("asked");
        wait_for("a dialog", || asked.exists().then_some(()));
    }

    /// The folders of programs, the stage's own before the others.
    pub fn path_with_dialogs(&self) -> OsString {
        let others = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.path("bin")).chain(std::env::split_paths(&others));
        std::env::join_paths(folders).expect("folders of programs")
    }

    /// Opens the window with these pictures and the model of every test that is not about the embedded ones.
    pub fn open<S: AsRef<std::ffi::OsStr>>(&self, pictures: &[S]) -> Program<'_> {
        let mut arguments = vec!["--model".into(), fixture::model().into_os_string()];
        arguments.extend(pictures.iter().map(|picture| picture.as_ref().to_owned()));
        self.start(&arguments)
    }

    /// Opens the window with these arguments.
    pub fn start<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Program<'_> {
        Program::start(self, arguments)
    }
}

/// Writes a file and the folders for it.
fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("a file");
}

/// The value at `a.b.c` of a TOML file; `None` while there is none.
fn kept(file: &Path, path: &str) -> Option<Value> {
    let table: Table = fs::read_to_string(file).ok()?.parse().ok()?;
    path.split('.')
        .try_fold(Value::Table(table), |value, key| value.get(key).cloned())
}

/// Why no window can be driven here, if it cannot.
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
