//! Files that change on disk while they are open.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use segscope::engine::FileWatch;

use super::desk::{empty_folder, until};

/// A file beside the watched one, which tells when the watch has seen everything up to now.
struct Mark {
    path: PathBuf,
    length: usize,
}

impl Mark {
    fn new(folder: &Path) -> Self {
        let path = folder.join("mark.png");
        fs::write(&path, "").expect("a file that can be written");
        Self { path, length: 0 }
    }

    /// Changes the mark until the watch reports it, and returns what else it reported meanwhile.
    fn pass(&mut self, watch: &FileWatch) -> Vec<PathBuf> {
        let mut others = Vec::new();
        let mut polls = 0;
        until("a word on the mark", || {
            // Seldom enough that the file comes to rest in between.
            if polls % 40 == 0 {
                self.length += 1;
                fs::write(&self.path, "x".repeat(self.length)).expect("a file that can be written");
            }
            polls += 1;
            loop {
                match watch.poll() {
                    Some(path) if path == self.path => return Some(()),
                    Some(path) => others.push(path),
                    None => return None,
                }
            }
        });
        others
    }

    /// The next report on another file.
    fn next_other(&self, watch: &FileWatch) -> PathBuf {
        until("a word on a file", || watch.poll().filter(|path| *path != self.path))
    }
}

fn start() -> FileWatch {
    let waiting = thread::current();
    FileWatch::start(Box::new(move || waiting.unpark())).expect("a watch")
}

#[test]
fn a_file_that_is_replaced_is_reported_once() {
    let folder = empty_folder();
    let picture = folder.path().join("picture.png");
    let unwatched = folder.path().join("unwatched.png");
    fs::write(&picture, "first").expect("a file that can be written");
    let mut mark = Mark::new(folder.path());
    let mut watch = start();
    watch.watch(&[picture.clone(), mark.path.clone()]);
    assert_eq!(mark.pass(&watch), Vec::<PathBuf>::new(), "nothing has changed yet");

    fs::write(&unwatched, "beside").expect("a file that can be written");
    fs::rename(&unwatched, &picture).expect("a file that can be renamed");
    assert_eq!(mark.next_other(&watch), picture);
    fs::write(&unwatched, "nobody looks").expect("a file that can be written");
    fs::read(&picture).expect("a file that can be read");
    assert_eq!(
        mark.pass(&watch),
        Vec::<PathBuf>::new(),
        "reported again without a change"
    );

    fs::remove_file(&picture).expect("a file that can be removed");
    assert_eq!(
        mark.pass(&watch),
        Vec::<PathBuf>::new(),
        "a removed file cannot be opened"
    );
    fs::write(&picture, "created again").expect("a file that can be written");
    assert_eq!(mark.next_other(&watch), picture);
}

#[test]
fn files_that_are_not_wanted_any_more_and_folders_that_are_not_there_are_left_out() {
    let folder = empty_folder();
    let picture = folder.path().join("picture.png");
    fs::write(&picture, "first").expect("a file that can be written");
    let mut mark = Mark::new(folder.path());
    let mut watch = start();
    let nowhere = folder.path().join("nowhere/picture.png");
    watch.watch(&[nowhere, picture.clone(), mark.path.clone()]);
    mark.pass(&watch);
    watch.watch(std::slice::from_ref(&mark.path));
    mark.pass(&watch);
    fs::write(&picture, "second").expect("a file that can be written");
    assert_eq!(mark.pass(&watch), Vec::<PathBuf>::new());
}

#[test]
fn the_thread_ends_with_its_handle() {
    let alive = Arc::new(());
    let of_thread = Arc::downgrade(&alive);
    let watch = FileWatch::start(Box::new(move || drop(alive.clone()))).expect("a watch");
    drop(watch);
    until("the end of the thread", || of_thread.upgrade().is_none().then_some(()));
}
