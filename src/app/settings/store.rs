//! Where settings and session lie, and how they are read at the start.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::reading::{self, Kept};
use super::{Session, Settings};

/// Sentences about one file; more of them help nobody.
const MOST_PROBLEMS: usize = 5;

/// Largest file that is read, in bytes: the paths of 100,000 pictures have room many times over.
const MOST_BYTES: u64 = 64 << 20;

/// The two files that outlast the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    settings: PathBuf,
    session: PathBuf,
}

impl Store {
    /// Where the system wants them: on Linux in `$XDG_CONFIG_HOME/segscope` and `$XDG_STATE_HOME/segscope`. `None`
    /// without a home folder.
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

    /// The file with the settings.
    pub(in crate::app) fn settings_file(&self) -> &Path {
        &self.settings
    }

    /// The file with the session.
    pub(super) fn session_file(&self) -> &Path {
        &self.session
    }

    /// Reads both before the window opens. What cannot be read has its default and a sentence in the third part; the
    /// file as it was is kept beside then, for the next change writes over it.
    pub(in crate::app) fn load(&self) -> (Settings, Session, Vec<String>) {
        let (settings, mut problems) = load_file(&self.settings);
        let (session, more) = load_file(&self.session);
        problems.extend(more);
        (settings, session, problems)
    }
}

fn load_file<T: Kept>(path: &Path) -> (T, Vec<String>) {
    let bytes = match read_file(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return (T::default(), Vec::new()),
        Err(found) => {
            let mut problems = vec![format!(
                "expected a readable file, found {found}; defaults are used: {}",
                path.display()
            )];
            // The next change writes over it.
            let beside = beside(path);
            problems.push(match fs::rename(path, &beside) {
                Ok(()) => format!("it is kept: {}", beside.display()),
                Err(e) => format!("it cannot be kept ({e}): {}", beside.display()),
            });
            return (T::default(), problems);
        }
    };
    let (value, problems) = reading::read(&bytes);
    if problems.is_empty() {
        return (value, Vec::new());
    }
    (value, told(problems, path, &bytes))
}

/// The bytes of a file; `None` where there is none, and what there is where it cannot be read.
pub(super) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    // A pipe or a device could be read for ever.
    if !metadata.is_file() {
        return Err("a folder or device".into());
    }
    if metadata.len() > MOST_BYTES {
        return Err(format!("{} MiB", metadata.len() >> 20));
    }
    fs::read(path).map(Some).map_err(|e| e.to_string())
}

/// The problems of a damaged file for people; keeps the file as it was.
fn told(mut problems: Vec<String>, path: &Path, bytes: &[u8]) -> Vec<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if problems.len() > MOST_PROBLEMS {
        let left_out = problems.len() - (MOST_PROBLEMS - 1);
        problems.truncate(MOST_PROBLEMS - 1);
        problems.push(format!("{left_out} more like these"));
    }
    let mut told: Vec<String> = problems.iter().map(|problem| format!("{name}: {problem}")).collect();
    let beside = beside(path);
    told.push(match fs::write(&beside, bytes) {
        Ok(()) => format!("{name}: the file as it was is kept: {}", beside.display()),
        Err(e) => format!("{name}: the file as it was cannot be kept ({e}): {}", beside.display()),
    });
    told
}

/// Where a damaged file is kept.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".damaged");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::{Theme, Writer};
    use super::*;

    /// A session with a bit of everything.
    fn session() -> Session {
        let mut session = Session {
            pictures: vec!["/a b/Straße 1.png".into(), "/c/\"quoted\" = [x].jpg".into()],
            current: Some("/a b/Straße 1.png".into()),
            model: Some("/models/ä".into()),
            decoder: Some("pup".into()),
            ..Session::default()
        };
        session.remember_picture(Path::new("/a b"));
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
            .change_class("traffic light", |look| look.color = Some([1, 2, 3]));
        session.view.change_class("süd.west \"x\"", |look| look.visible = false);
        session
    }

    fn settings() -> Settings {
        let mut settings = Settings {
            theme: Theme::Light,
            interface_scale: 1.1,
            threads: Some(2),
            model_folder: Some("/mödels and more".into()),
            reload_changed_pictures: false,
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

    fn write(store: &Store, settings: &Settings, session: &Session) {
        let writer = Writer::start(store.clone(), Box::new(|| {})).expect("a thread");
        writer.write_settings(settings.clone());
        writer.write_session(session.clone());
        drop(writer);
    }

    #[test]
    fn what_was_written_comes_back() {
        let (_folder, store) = store();
        assert_eq!(store.load(), (Settings::default(), Session::default(), Vec::new()));
        write(&store, &settings(), &session());
        assert_eq!(store.load(), (settings(), session(), Vec::new()));
        write(&store, &Settings::default(), &Session::default());
        assert_eq!(store.load(), (Settings::default(), Session::default(), Vec::new()));
    }

    #[test]
    fn a_damaged_file_is_kept_beside_and_costs_only_what_is_broken() {
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
    fn a_file_cut_off_anywhere_costs_no_more_than_the_rest() {
        let (_folder, store) = store();
        write(&store, &settings(), &session());
        let whole = fs::read(&store.session).expect("a file");
        for end in 0..whole.len() {
            fs::write(&store.session, &whole[..end]).expect("a file");
            let (kept, read, problems) = store.load();
            assert_eq!(kept, settings());
            // The pictures come first; they are there from the end of their line on.
            let first_line = whole.windows(2).position(|w| w == b"]\n").unwrap_or(0) + 1;
            if end >= first_line {
                assert_eq!(read.pictures, session().pictures, "{end}");
            }
            assert!(problems.len() <= MOST_PROBLEMS + 1, "{problems:?}");
        }
    }

    #[test]
    fn what_is_no_text_at_all_has_defaults() {
        for bytes in [&[0; 512][..], &[0xff, 0xfe, 0x41, 0x00]] {
            let (_folder, store) = store_with(bytes);
            let (loaded, kept_session, problems) = store.load();
            assert_eq!((loaded, kept_session), (Settings::default(), session()));
            // And one on where the file is kept.
            assert_eq!(problems.len(), 2, "{problems:?}");
            assert_eq!(fs::read(beside(&store.settings)).expect("the damaged file"), bytes);
        }
        let (_folder, store) = store_with(b"");
        assert_eq!(store.load(), (Settings::default(), session(), Vec::new()));
    }

    #[test]
    fn a_folder_in_its_place_is_told_and_moved_aside() {
        let (_folder, store) = store_with(b"");
        fs::remove_file(&store.settings).expect("removed");
        fs::create_dir(&store.settings).expect("a folder");
        let (loaded, kept_session, problems) = store.load();
        assert_eq!((loaded, kept_session), (Settings::default(), session()));
        let [problem, kept] = problems.as_slice() else {
            panic!("{problems:?}")
        };
        assert!(
            problem.starts_with("expected a readable file, found a folder or device") && kept.starts_with("it is kept"),
            "{problems:?}"
        );
        assert!(beside(&store.settings).is_dir() && !store.settings.exists());
    }

    #[test]
    fn much_damage_is_told_in_few_sentences() {
        let (_folder, store) = store_with("[x\n".repeat(3000).as_bytes());
        let problems = store.load().2;
        assert_eq!(problems.len(), MOST_PROBLEMS + 1, "{problems:?}");
        assert!(problems[4].ends_with("2996 more like these"), "{problems:?}");
    }
}
