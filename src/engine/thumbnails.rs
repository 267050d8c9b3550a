//! Small pictures for a list, made one at a time beside everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::wake::Wake;
use super::wish_list::WishList;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{PhotoSource, opening};

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
    wishes: WishList<PhotoSource, Thumbnail>,
}

impl Thumbnails {
    /// Starts the thread. `wake` is called after each thumbnail.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let wishes = WishList::start("segscope thumbnails", MOST_READY, wake, |source: &PhotoSource, _| {
            // Reading cannot be stopped half-way, and what is read may be wanted again soon.
            Some(thumbnail_or_failure(source))
        })?;
        Ok(Self { wishes })
    }

    /// Replaces the whole list of what is wanted, the most wanted first. What is not on it any more is not begun; what
    /// has been begun comes all the same, and once.
    pub fn want(&self, sources: Vec<PhotoSource>) {
        self.wishes.want(sources);
    }

    /// The next picture that is done, if there is one: at most [`THUMBNAIL_SIDE`] wide and high, upright.
    pub fn poll(&self) -> Option<(PhotoSource, Thumbnail)> {
        self.wishes.poll()
    }
}

/// A panic is a failure like any other; the thread goes on.
fn thumbnail_or_failure(source: &PhotoSource) -> Thumbnail {
    catch_unwind(AssertUnwindSafe(|| thumbnail(source)))
        .unwrap_or_else(|_| Err(format!("the thumbnail cannot be made: {}", source.name())))
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
