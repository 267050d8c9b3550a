//! Detects changes of open files on disk.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::wake::Wake;

/// A file counts as complete when its time and size have not changed for this long.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// Changes of files cannot be detected.
#[derive(Debug, thiserror::Error)]
#[error("changes of images on disk cannot be detected ({0}); open an image again after it has changed")]
pub struct NoFileWatch(String);

/// Handle of a thread that watches the folders of files. The thread ends when the handle is dropped.
#[derive(Debug)]
pub struct FileWatch {
    messages: Sender<Message>,
    changed: Arc<Changed>,
    files: Vec<PathBuf>,
}

enum Message {
    /// Watch only these files.
    Files(Vec<PathBuf>),
    /// The file or folder at this path may have changed.
    Touched(PathBuf),
    /// The system has lost events.
    Rescan,
    /// The handle was dropped.
    Close,
}

/// Changed files that the window has not taken yet, without duplicates.
#[derive(Debug, Default)]
struct Changed(Mutex<VecDeque<PathBuf>>);

impl Changed {
    fn lock(&self) -> MutexGuard<'_, VecDeque<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, file: &Path) {
        let mut files = self.lock();
        if !files.iter().any(|known| known == file) {
            files.push_back(file.to_owned());
        }
    }
}

impl FileWatch {
    /// Starts the thread. `wake` is called after each change.
    ///
    /// # Errors
    /// When the system cannot start a thread or cannot watch folders.
    pub fn start(wake: Wake) -> Result<Self, NoFileWatch> {
        let (messages, inbox) = channel();
        let from_system = messages.clone();
        let watcher = notify::recommended_watcher(move |event| pass_on(event, &from_system))
            .map_err(|e| NoFileWatch(e.to_string()))?;
        let changed = Arc::new(Changed::default());
        let mut observer = Observer {
            watcher,
            folders: HashSet::new(),
            refused: HashSet::new(),
            files: HashMap::new(),
            unsettled: HashMap::new(),
            changed: changed.clone(),
            wake,
        };
        Builder::new()
            .name("segscope file watch".into())
            .spawn(move || observer.work(&inbox))
            .map_err(|e| NoFileWatch(e.to_string()))?;
        Ok(Self {
            messages,
            changed,
            files: Vec::new(),
        })
    }

    /// Watches only these files; returns immediately. Files in a folder that cannot be watched are left out.
    pub fn watch(&mut self, files: &[PathBuf]) {
        if self.files != files {
            self.files = files.to_owned();
            self.messages.send(Message::Files(self.files.clone())).ok();
        }
    }

    /// The next file whose content has changed, as it was given to [`FileWatch::watch`].
    pub fn poll(&self) -> Option<PathBuf> {
        self.changed.lock().pop_front()
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        self.messages.send(Message::Close).ok();
    }
}

/// Forwards events that may mean a changed file. Events from reading a file are ignored.
fn pass_on(event: notify::Result<notify::Event>, messages: &Sender<Message>) {
    let event = match event {
        Ok(event) => event,
        Err(e) => return log::warn!("some changes on disk may be missed ({e})"),
    };
    if event.need_rescan() {
        messages.send(Message::Rescan).ok();
    }
    let matters = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    };
    if matters {
        for path in event.paths {
            messages.send(Message::Touched(path)).ok();
        }
    }
}

/// Modification time and size of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// The stamp of a file; `None` if it does not exist.
fn stamp(path: &Path) -> Option<Stamp> {
    let data = path.metadata().ok()?;
    Some(Stamp {
        modified: data.modified().ok(),
        bytes: data.len(),
    })
}

struct Watched {
    /// The path as given by the window.
    given: PathBuf,
    /// The stamp when the file was first watched or last reported.
    stamp: Option<Stamp>,
}

struct Unsettled {
    stamp: Option<Stamp>,
    /// When to check again.
    due: Instant,
}

/// The state of the thread. Its paths are as the system reports them: a folder without symbolic links, and a name.
struct Observer {
    watcher: RecommendedWatcher,
    folders: HashSet<PathBuf>,
    /// Folders that cannot be watched, as given; there is one warning for each.
    refused: HashSet<PathBuf>,
    files: HashMap<PathBuf, Watched>,
    unsettled: HashMap<PathBuf, Unsettled>,
    changed: Arc<Changed>,
    wake: Wake,
}

impl Observer {
    fn work(&mut self, inbox: &Receiver<Message>) {
        loop {
            let due = self.unsettled.values().map(|file| file.due).min();
            let message = match due {
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Files(files)) => self.follow(files),
                Ok(Message::Touched(path)) => self.touch(path),
                Ok(Message::Rescan) => {
                    let all: Vec<_> = self.files.keys().cloned().collect();
                    all.into_iter().for_each(|path| self.touch(path));
                }
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.settle();
        }
    }

    /// Watches only the folders of `files`.
    fn follow(&mut self, files: Vec<PathBuf>) {
        let mut reported: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
        let mut before = std::mem::take(&mut self.files);
        for given in files {
            let Some(name) = given.file_name() else { continue };
            let parent = match given.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let folder = reported
                .entry(parent.to_owned())
                .or_insert_with(|| self.watched_folder(parent));
            let Some(folder) = folder else { continue };
            let path = folder.join(name);
            let stamp = before.remove(&path).map_or_else(|| stamp(&path), |known| known.stamp);
            self.files.insert(path, Watched { given, stamp });
        }
        let wanted: HashSet<PathBuf> = reported.into_values().flatten().collect();
        for folder in self.folders.difference(&wanted) {
            // Fails if the folder no longer exists.
            self.watcher.unwatch(folder).ok();
        }
        self.folders = wanted;
        self.unsettled.retain(|path, _| self.files.contains_key(path));
    }

    /// Watches a folder and returns its path as the system reports it; `None` if it cannot be watched.
    fn watched_folder(&mut self, folder: &Path) -> Option<PathBuf> {
        let watched = folder.canonicalize().map_err(notify::Error::io).and_then(|resolved| {
            if !self.folders.contains(&resolved) {
                self.watcher.watch(&resolved, RecursiveMode::NonRecursive)?;
            }
            Ok(resolved)
        });
        match watched {
            Ok(resolved) => {
                self.refused.remove(folder);
                Some(resolved)
            }
            Err(e) => {
                if self.refused.insert(folder.to_owned()) {
                    log::warn!("changes in a folder cannot be detected ({e}): {}", folder.display());
                }
                None
            }
        }
    }

    fn touch(&mut self, path: PathBuf) {
        if self.files.contains_key(&path) {
            let stamp = stamp(&path);
            let due = Instant::now() + SETTLE_TIME;
            self.unsettled.insert(path, Unsettled { stamp, due });
        } else if self.folders.contains(&path) && !path.is_dir() {
            // Removed: if the folder exists again by the next list of files, it is watched again.
            self.folders.remove(&path);
        }
    }

    /// Reports the files that are complete.
    fn settle(&mut self) {
        let now = Instant::now();
        let due: Vec<PathBuf> = self
            .unsettled
            .iter()
            .filter(|(_, file)| file.due <= now)
            .map(|(path, _)| path.clone())
            .collect();
        for path in due {
            let (Some(seen), Some(file)) = (self.unsettled.remove(&path), self.files.get_mut(&path)) else {
                continue;
            };
            let found = stamp(&path);
            if found != seen.stamp {
                let due = now + SETTLE_TIME;
                self.unsettled.insert(path, Unsettled { stamp: found, due });
            } else if found.is_some() && found != file.stamp {
                // A removed file is not reported until it exists again.
                file.stamp = found;
                self.changed.add(&file.given);
                (self.wake)();
            }
        }
    }
}
