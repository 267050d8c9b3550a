//! Writing settings and session on a separate thread, so that the window never waits for a disk.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::store::{beside, read_file};
use super::{SavedSession, Settings, Store, edited};
use crate::engine::Wake;
use crate::staged_file::{StagedFile, folder_of};

/// The first line of a session file.
const HEAD: &str = "# Written by Segscope. Changes made while Segscope is running are lost.\n";

/// Writes the newest settings and session that it is given. Dropping it writes the pending ones and waits for that.
pub(in crate::app) struct Writer {
    shared: Arc<Shared>,
    failures: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

/// What the window shares with the thread.
#[derive(Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

/// What is still to be written: only the newest settings and the newest session.
#[derive(Default)]
struct Pending {
    settings: Option<Settings>,
    session: Option<SavedSession>,
    closing: bool,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the thread; it calls `wake` when [`Self::poll`] has a message.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(in crate::app) fn start(store: Store, wake: Wake) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, failures) = unbounded();
        let reports = Reports { sender, wake };
        let of_thread = shared.clone();
        let thread = Builder::new()
            .name("settings".into())
            .spawn(move || write_until_closed(&of_thread, &store, &reports))?;
        Ok(Self {
            shared,
            failures,
            thread: Some(thread),
        })
    }

    /// Queues settings to be written, in place of any that still wait.
    pub(in crate::app) fn write_settings(&self, settings: Settings) {
        self.shared.pending().settings = Some(settings);
        self.shared.changed.notify_one();
    }

    /// Queues a session to be written, in place of any that still waits.
    pub(in crate::app) fn write_session(&self, session: SavedSession) {
        self.shared.pending().session = Some(session);
        self.shared.changed.notify_one();
    }

    /// Why a file cannot be written. Reported once, until writing succeeds again.
    pub(in crate::app) fn poll(&self) -> Option<String> {
        self.failures.try_recv().ok()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.pending().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The channel for failures.
struct Reports {
    sender: Sender<String>,
    wake: Wake,
}

fn write_until_closed(shared: &Shared, store: &Store, reports: &Reports) {
    let mut settings_file = File::new(store.settings_file());
    let mut session_file = File::new(store.session_file());
    loop {
        let pending = shared.pending();
        let mut pending = shared
            .changed
            .wait_while(pending, |p| p.settings.is_none() && p.session.is_none() && !p.closing)
            .unwrap_or_else(PoisonError::into_inner);
        let (settings, session, closing) = (pending.settings.take(), pending.session.take(), pending.closing);
        // The window must not wait for the disk.
        drop(pending);
        if let Some(settings) = settings {
            let text = settings_text(store.settings_file(), &settings);
            settings_file.write(text, reports);
        }
        if let Some(session) = session {
            session_file.write(session_text(&session), reports);
        }
        if closing {
            return;
        }
    }
}

/// The text of a session file. It is written as a whole, because only the program edits it.
fn session_text(session: &SavedSession) -> io::Result<String> {
    let text = toml::to_string(session).map_err(io::Error::other)?;
    Ok(format!("{HEAD}{text}"))
}

/// The text of the settings file with these settings. The user may have edited the file.
fn settings_text(path: &Path, settings: &Settings) -> io::Result<String> {
    let bytes = read_file(path).map_err(io::Error::other)?.unwrap_or_default();
    match edited::editable(&bytes) {
        Some(text) => edited::with_settings(text, settings),
        None => {
            // The file is replaced as a whole, so it is copied first.
            fs::write(beside(path), &bytes)?;
            edited::with_settings("", settings)
        }
    }
}

/// One of the two files.
struct File<'a> {
    path: &'a Path,
    /// Whether the last write failed, which has been reported.
    failing: bool,
}

impl<'a> File<'a> {
    fn new(path: &'a Path) -> Self {
        Self { path, failing: false }
    }

    fn write(&mut self, text: io::Result<String>, reports: &Reports) {
        let written = text.and_then(|text| replace(self.path, &text));
        if let Err(e) = &written
            && !self.failing
        {
            let path = self.path.display();
            let failure = format!("cannot save changes for the next start ({e}); free space or allow writing: {path}");
            reports.sender.send(failure).ok();
            (reports.wake)();
        }
        self.failing = written.is_err();
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Writes through a symbolic link: some users keep their settings in a repository.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    fs::create_dir_all(folder_of(&target))?;
    StagedFile::replace(&target, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn start(store: &Store) -> Writer {
        let window = std::thread::current();
        Writer::start(store.clone(), Box::new(move || window.unpark())).expect("a thread")
    }

    fn wait_for<T>(mut check: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(value) = check() {
                return value;
            }
            assert!(Instant::now() < deadline, "nothing came");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    fn dropping_the_writer_writes_the_newest_values() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path());
        let writer = start(&store);
        for threads in 1..=200 {
            writer.write_settings(Settings {
                threads: Some(threads),
                ..Settings::default()
            });
            let mut session = SavedSession::default();
            session.camera.zoom = threads as f32;
            writer.write_session(session);
        }
        drop(writer);
        let (settings, session, problems) = store.load();
        assert_eq!((settings.threads, session.camera.zoom), (Some(200), 200.0));
        assert!(problems.is_empty(), "{problems:?}");
        let files = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 2, "nothing is left behind");
    }

    #[test]
    fn values_are_written_before_the_writer_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path());
        let writer = start(&store);
        writer.write_session(SavedSession {
            model: Some("/m".into()),
            ..SavedSession::default()
        });
        wait_for(|| (store.load().1.model == Some("/m".into())).then_some(()));
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_reported_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let in_the_way = folder.path().join("x");
        fs::write(&in_the_way, "a file where a folder should be").expect("a file");
        let store = Store::at(&in_the_way);
        let writer = start(&store);
        writer.write_settings(Settings::default());
        let failure = wait_for(|| writer.poll());
        assert!(
            failure.ends_with(&store.settings_file().display().to_string()),
            "{failure}"
        );
        for _ in 0..3 {
            writer.write_settings(Settings::default());
            wait_for(|| writer.shared.pending().settings.is_none().then_some(()));
        }
        fs::remove_file(&in_the_way).expect("removed");
        // Repeated until one succeeds; the last one above may still be running.
        wait_for(|| {
            writer.write_settings(Settings::default());
            store.settings_file().exists().then_some(())
        });
        assert_eq!(writer.poll(), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_symbolic_link_is_preserved() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(&folder.path().join("config"));
        let target = folder.path().join("repository.toml");
        fs::create_dir(folder.path().join("config")).expect("a folder");
        fs::write(&target, "# mine\n").expect("a file");
        std::os::unix::fs::symlink(&target, store.settings_file()).expect("a link");
        let writer = start(&store);
        writer.write_settings(Settings {
            threads: Some(2),
            ..Settings::default()
        });
        drop(writer);
        assert!(store.settings_file().is_symlink());
        assert_eq!(fs::read_to_string(&target).expect("a file"), "# mine\nthreads = 2\n");
    }
}
