//! Files that change on disk while they are open.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use segscope::engine::FileWatch;

use super::harness::{empty_folder, until};

/// A file beside the watched one. When the watch reports it, earlier changes of other files have been noticed.
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

    /// Changes the mark until the watch reports it, and returns the other files that it reported meanwhile.
    fn pass(&mut self, watch: &FileWatch) -> Vec<PathBuf> {
        let mut others = Vec::new();
        let mut polls = 0;
        until("a report on the mark", || {
            // Rarely enough that the file stops changing in between.
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
        until("a report on a file", || watch.poll().filter(|path| *path != self.path))
    }
}

fn start() -> FileWatch {
    let waiting = thread::current();
    FileWatch::start(Box::new(move || waiting.unpark())).expect("a watch")
}

#[test]
fn a_file_that_is_replaced_is_reported_once() {
    let folder = empty_folder();
    let image = folder.path().join("image.png");
    let unwatched = folder.path().join("unwatched.png");
    fs::write(&image, "first").expect("a file that can be written");
    let mut mark = Mark::new(folder.path());
    let mut watch = start();
    watch.watch(&[image.clone(), mark.path.clone()]);
    assert_eq!(mark.pass(&watch), Vec::<PathBuf>::new(), "nothing has changed yet");

    fs::write(&unwatched, "beside").expect("a file that can be written");
    fs::rename(&unwatched, &image).expect("a file that can be renamed");
    assert_eq!(mark.next_other(&watch), image);
    fs::write(&unwatched, "not watched").expect("a file that can be written");
    fs::read(&image).expect("a file that can be read");
    assert_eq!(
        mark.pass(&watch),
        Vec::<PathBuf>::new(),
        "reported again without a change"
    );

    fs::remove_file(&image).expect("a file that can be removed");
    assert_eq!(
        mark.pass(&watch),
        Vec::<PathBuf>::new(),
        "a removed file cannot be opened"
    );
    fs::write(&image, "created again").expect("a file that can be written");
    assert_eq!(mark.next_other(&watch), image);
}

#[test]
fn unwatched_files_and_missing_folders_are_not_reported() {
    let folder = empty_folder();
    let image = folder.path().join("image.png");
    fs::write(&image, "first").expect("a file that can be written");
    let mut mark = Mark::new(folder.path());
    let mut watch = start();
    let nowhere = folder.path().join("nowhere/image.png");
    watch.watch(&[nowhere, image.clone(), mark.path.clone()]);
    mark.pass(&watch);
    watch.watch(std::slice::from_ref(&mark.path));
    mark.pass(&watch);
    fs::write(&image, "second").expect("a file that can be written");
    assert_eq!(mark.pass(&watch), Vec::<PathBuf>::new());
}

#[test]
fn dropping_the_handle_ends_the_thread() {
    let alive = Arc::new(());
    let of_thread = Arc::downgrade(&alive);
    let watch = FileWatch::start(Box::new(move || drop(alive.clone()))).expect("a watch");
    drop(watch);
    until("the end of the thread", || of_thread.upgrade().is_none().then_some(()));
}
