//! Small pictures for a list, made one at a time beside everything else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::outbox::Wake;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{PhotoSource, cores, opening};

/// Longest side of a thumbnail in pixels; smaller pictures stay as they are.
pub const THUMBNAIL_SIDE: usize = 128;

/// Thumbnails that may wait for the window; the thread waits beyond this.
const MOST_READY: usize = 32;

/// A small picture, or a sentence on why there is none.
pub type Thumbnail = Result<Arc<Photo>, String>;

/// A thread that reads pictures and makes small ones. It ends with this handle, at the latest after the picture that
/// it is at.
#[derive(Debug)]
pub struct Thumbnails {
    wishes: Arc<Wishes>,
    ready: Receiver<(PhotoSource, Thumbnail)>,
}

/// What is wanted; the window writes it and the thread waits for it.
#[derive(Debug, Default)]
struct Wishes {
    list: Mutex<List>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct List {
    /// Wanted and not begun.
    waiting: VecDeque<PhotoSource>,
    /// Begun, and not taken by the window yet.
    begun: Vec<PhotoSource>,
    /// The window is gone.
    closed: bool,
}

impl Thumbnails {
    /// Starts the thread. `wake` is called after each thumbnail.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (sender, ready) = bounded(MOST_READY);
        let wishes = Arc::new(Wishes::default());
        let of_thread = wishes.clone();
        Builder::new()
            .name("segscope thumbnails".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || work(&of_thread, &sender, &wake))?;
        Ok(Self { wishes, ready })
    }

    /// Replaces the whole list of what is wanted, the most wanted first. What is not on it any more is not begun; what
    /// has been begun comes all the same, and once.
    pub fn want(&self, sources: Vec<PhotoSource>) {
        let mut list = self.wishes.lock();
        let List { waiting, begun, .. } = &mut *list;
        waiting.clear();
        waiting.extend(sources.into_iter().filter(|source| !begun.contains(source)));
        self.wishes.changed.notify_one();
    }

    /// The next picture that is done, if there is one: at most [`THUMBNAIL_SIDE`] wide and high, upright.
    pub fn poll(&self) -> Option<(PhotoSource, Thumbnail)> {
        let (source, thumbnail) = self.ready.try_recv().ok()?;
        self.wishes.lock().begun.retain(|begun| *begun != source);
        Some((source, thumbnail))
    }
}

impl Drop for Thumbnails {
    fn drop(&mut self) {
        self.wishes.lock().closed = true;
        self.wishes.changed.notify_one();
    }
}

impl Wishes {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next wish; `None` when the window is gone.
    fn next(&self) -> Option<PhotoSource> {
        let mut list = self.lock();
        loop {
            if list.closed {
                return None;
            }
            while let Some(source) = list.waiting.pop_front() {
                // The same one may be on the list twice.
                if !list.begun.contains(&source) {
                    list.begun.push(source.clone());
                    return Some(source);
                }
            }
            list = self.changed.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn work(wishes: &Wishes, ready: &Sender<(PhotoSource, Thumbnail)>, wake: &Wake) {
    while let Some(source) = wishes.next() {
        let made = catch_unwind(AssertUnwindSafe(|| thumbnail(&source)))
            .unwrap_or_else(|_| Err(format!("the thumbnail cannot be made: {}", source.name())));
        // Waits while the window is behind, and fails when it is gone.
        if ready.send((source, made)).is_err() {
            return;
        }
        wake();
    }
}

fn thumbnail(source: &PhotoSource) -> Thumbnail {
    let photo = opening::read(source, OpenOptions::default()).map_err(|e| e.to_string())?;
    let longest = photo.width.max(photo.height);
    if longest <= THUMBNAIL_SIDE {
        return Ok(Arc::new(photo));
    }
    let scaled = |side: usize| ((side * THUMBNAIL_SIDE + longest / 2) / longest).max(1);
    Ok(Arc::new(photo.resized(scaled(photo.width), scaled(photo.height))))
}
