//! The files of settings and session, and reading them at the start.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::tolerant_toml::{self, Persisted};
use super::{SavedSession, Settings};

/// Largest number of problems that are reported about one file.
const MAX_PROBLEMS: usize = 5;

/// Largest file that is read, in bytes: several times the size of a session with the paths of 100,000 images.
const MAX_BYTES: u64 = 64 << 20;

/// The paths of the settings file and the session file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    settings: PathBuf,
    session: PathBuf,
}

impl Store {
    /// The files in the system's standard folders: on Linux `$XDG_CONFIG_HOME/segscope` and `$XDG_STATE_HOME/segscope`.
    /// `None` without a home folder.
    pub fn usual() -> Option<Self> {
        let folders = directories::ProjectDirs::from("", "", "segscope")?;
        let state = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
        Some(Self {
            settings: folders.config_dir().join("settings.toml"),
            session: state.join("session.toml"),
        })
    }

    /// Both in one folder, which need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self {
            settings: folder.join("settings.toml"),
            session: folder.join("session.toml"),
        }
    }

    /// The settings file.
    pub(in crate::app) fn settings_file(&self) -> &Path {
        &self.settings
    }

    /// The session file.
    pub(super) fn session_file(&self) -> &Path {
        &self.session
    }

    /// Reads both files before the window opens. Values that cannot be read have their defaults, and the third part
    /// describes each problem in a sentence. A damaged file is also kept as `NAME.damaged`, because the next change
    /// overwrites it.
    pub(in crate::app) fn load(&self) -> (Settings, SavedSession, Vec<String>) {
        let (settings, mut problems) = load_file(&self.settings);
        let (session, more) = load_file(&self.session);
        problems.extend(more);
        (settings, session, problems)
    }
}

fn load_file<T: Persisted>(path: &Path) -> (T, Vec<String>) {
    let bytes = match read_file(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return (T::default(), Vec::new()),
        Err(found) => {
            let mut problems = vec![format!(
                "expected a readable file, found {found}; defaults are used: {}",
                path.display()
            )];
            // The next change overwrites it.
            let beside = beside(path);
            problems.push(match fs::rename(path, &beside) {
                Ok(()) => format!("it was renamed: {}", beside.display()),
                Err(e) => format!("it cannot be renamed ({e}): {}", beside.display()),
            });
            return (T::default(), problems);
        }
    };
    let (value, problems) = tolerant_toml::read(&bytes);
    if problems.is_empty() {
        return (value, Vec::new());
    }
    (value, told(problems, path, &bytes))
}

/// The bytes of a file; `None` if there is none.
///
/// # Errors
/// What was found instead of a readable file.
pub(super) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    // Reading a pipe or a device could last forever.
    if !metadata.is_file() {
        return Err("a folder or device".into());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("{} MiB", metadata.len() >> 20));
    }
    fs::read(path).map(Some).map_err(|e| e.to_string())
}

/// The messages about the problems of a damaged file. Also copies the file to one beside it.
fn told(mut problems: Vec<String>, path: &Path, bytes: &[u8]) -> Vec<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if problems.len() > MAX_PROBLEMS {
        let left_out = problems.len() - (MAX_PROBLEMS - 1);
        problems.truncate(MAX_PROBLEMS - 1);
        problems.push(format!("{left_out} more problems"));
    }
    let mut told: Vec<String> = problems.iter().map(|problem| format!("{name}: {problem}")).collect();
    let beside = beside(path);
    told.push(match fs::write(&beside, bytes) {
        Ok(()) => format!("{name}: the original file was saved: {}", beside.display()),
        Err(e) => format!("{name}: the original file cannot be saved ({e}): {}", beside.display()),
    });
    told
}

/// The path that a damaged file is copied or renamed to.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".damaged");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::{Theme, Writer};
    use super::*;

    /// A session with values of all kinds.
    fn session() -> SavedSession {
        let mut session = SavedSession {
            images: vec!["/a b/Straße 1.png".into(), "/c/\"quoted\" = [x].jpg".into()],
            current: Some("/a b/Straße 1.png".into()),
            model: Some("/models/ä".into()),
            decoder: Some("pup".into()),
            ..SavedSession::default()
        };
        session.remember_image(Path::new("/a b"));
        session.remember_model(Path::new("/models/ä"));
        session.camera.fit = false;
        session.camera.zoom = 0.1;
        session.camera.center = [0.25, 0.75];
        session.window.position = Some([-1920.0, 40.0]);
        session.panels.inspector_width = 333.3;
        session.view.opacity = 0.3;
        session.view.solo = Some("traffic light".into());
        session
            .view
            .change_class("traffic light", |style| style.color = Some([1, 2, 3]));
        session
            .view
            .change_class("süd.west \"x\"", |style| style.visible = false);
        session
    }

    fn settings() -> Settings {
        let mut settings = Settings {
            theme: Theme::Light,
            interface_scale: 1.1,
            threads: Some(2),
            model_folder: Some("/mödels and more".into()),
            reload_changed_images: false,
            model_memory_mib: 512,
            ..Settings::default()
        };
        settings.export.formats = vec![crate::export::Format::Confidence];
        settings.export.folder = Some("/out".into());
        settings
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(&folder.path().join("not yet/there"));
        (folder, store)
    }

    /// A store with the session above and a settings file of these bytes.
    fn store_with(settings: &[u8]) -> (tempfile::TempDir, Store) {
        let (folder, store) = store();
        write(&store, &Settings::default(), &session());
        fs::write(&store.settings, settings).expect("a file");
        (folder, store)
    }

    fn write(store: &Store, settings: &Settings, session: &SavedSession) {
        let writer = Writer::start(store.clone(), Box::new(|| {})).expect("a thread");
        writer.write_settings(settings.clone());
        writer.write_session(session.clone());
        drop(writer);
    }

    #[test]
    fn settings_and_session_round_trip() {
        let (_folder, store) = store();
        assert_eq!(store.load(), (Settings::default(), SavedSession::default(), Vec::new()));
        write(&store, &settings(), &session());
        assert_eq!(store.load(), (settings(), session(), Vec::new()));
        write(&store, &Settings::default(), &SavedSession::default());
        assert_eq!(store.load(), (Settings::default(), SavedSession::default(), Vec::new()));
    }

    #[test]
    fn a_damaged_file_is_copied_and_its_sound_values_are_read() {
        let damaged = "theme = \"light\"\n%%%\nthreads = 0\nmodel_folder = \"/mo";
        let (_folder, store) = store_with(damaged.as_bytes());
        let (loaded, kept_session, problems) = store.load();
        assert_eq!(
            loaded,
            Settings {
                theme: Theme::Light,
                ..Settings::default()
            }
        );
        assert_eq!(kept_session, session());
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(
            problems.iter().all(|p| p.starts_with("settings.toml: ")),
            "{problems:?}"
        );
        write(&store, &loaded, &session());
        let kept = fs::read(store.settings.with_extension("toml.damaged")).expect("the damaged file");
        assert_eq!(kept, damaged.as_bytes());
        assert_eq!(store.load().2, Vec::<String>::new());
    }

    #[test]
    fn a_truncated_file_loses_only_what_is_missing() {
        let (_folder, store) = store();
        write(&store, &settings(), &session());
        let whole = fs::read(&store.session).expect("a file");
        for end in 0..whole.len() {
            fs::write(&store.session, &whole[..end]).expect("a file");
            let (kept, read, problems) = store.load();
            assert_eq!(kept, settings());
            // The images come first; they are complete from the end of their line.
            let first_line = whole.windows(2).position(|w| w == b"]\n").unwrap_or(0) + 1;
            if end >= first_line {
                assert_eq!(read.images, session().images, "{end}");
            }
            assert!(problems.len() <= MAX_PROBLEMS + 1, "{problems:?}");
        }
    }

    #[test]
    fn binary_data_yields_defaults() {
        for bytes in [&[0; 512][..], &[0xff, 0xfe, 0x41, 0x00]] {
            let (_folder, store) = store_with(bytes);
            let (loaded, kept_session, problems) = store.load();
            assert_eq!((loaded, kept_session), (Settings::default(), session()));
            // The second one names the copy of the file.
            assert_eq!(problems.len(), 2, "{problems:?}");
            assert_eq!(fs::read(beside(&store.settings)).expect("the damaged file"), bytes);
        }
        let (_folder, store) = store_with(b"");
        assert_eq!(store.load(), (Settings::default(), session(), Vec::new()));
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_reported_and_renamed() {
        let (_folder, store) = store_with(b"");
        fs::remove_file(&store.settings).expect("removed");
        fs::create_dir(&store.settings).expect("a folder");
        let (loaded, kept_session, problems) = store.load();
        assert_eq!((loaded, kept_session), (Settings::default(), session()));
        let [problem, kept] = problems.as_slice() else {
            panic!("{problems:?}")
        };
        assert!(
            problem.starts_with("expected a readable file, found a folder or device")
                && kept.starts_with("it was renamed"),
            "{problems:?}"
        );
        assert!(beside(&store.settings).is_dir() && !store.settings.exists());
    }

    #[test]
    fn many_problems_are_summarised() {
        let (_folder, store) = store_with("[x\n".repeat(3000).as_bytes());
        let problems = store.load().2;
        assert_eq!(problems.len(), MAX_PROBLEMS + 1, "{problems:?}");
        assert!(problems[4].ends_with("2996 more problems"), "{problems:?}");
    }
}
