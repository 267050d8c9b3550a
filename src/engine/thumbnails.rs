//! Thumbnails for the image list, made one at a time in the background.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::request_list::RequestList;
use super::wake::Wake;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{ImageSource, opening};

/// Longest side of a thumbnail in pixels; smaller images are not resized.
pub const THUMBNAIL_SIDE: usize = 128;

/// Maximum number of thumbnails that wait for the window; the thread pauses at this number.
const MAX_READY: usize = 32;

/// A thumbnail, or a message that says why there is none.
pub type Thumbnail = Result<Arc<Photo>, String>;

/// Handle of a thread that makes thumbnails. When it is dropped, the thread ends after the current image at the latest.
#[derive(Debug)]
pub struct Thumbnails {
    requests: RequestList<ImageSource, Thumbnail>,
}

impl Thumbnails {
    /// Starts the thread. `wake` is called after each thumbnail.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let requests = RequestList::start("segscope thumbnails", MAX_READY, wake, |source: &ImageSource, _| {
            // Reading cannot be stopped half-way, and the image may be requested again soon.
            Some(thumbnail_or_failure(source))
        })?;
        Ok(Self { requests })
    }

    /// Replaces the list of requested images; the most important comes first.
    ///
    /// An image that is no longer on the list is not started. One that is in progress is finished, and delivered once.
    pub fn want(&self, sources: Vec<ImageSource>) {
        self.requests.want(sources);
    }

    /// The next finished thumbnail, if there is one: upright, at most [`THUMBNAIL_SIDE`] pixels wide and high.
    pub fn poll(&self) -> Option<(ImageSource, Thumbnail)> {
        self.requests.poll()
    }
}

/// Makes a thumbnail; a panic becomes a failure, so that the thread continues.
fn thumbnail_or_failure(source: &ImageSource) -> Thumbnail {
    catch_unwind(AssertUnwindSafe(|| thumbnail(source)))
        .unwrap_or_else(|_| Err(format!("cannot make the thumbnail: {}", source.name())))
}

fn thumbnail(source: &ImageSource) -> Thumbnail {
    let photo = opening::read(source, OpenOptions::default()).map_err(|e| e.to_string())?;
    let longest = photo.width.max(photo.height);
    if longest <= THUMBNAIL_SIDE {
        return Ok(Arc::new(photo));
    }
    let scaled = |side: usize| ((side * THUMBNAIL_SIDE + longest / 2) / longest).max(1);
    Ok(Arc::new(photo.resized(scaled(photo.width), scaled(photo.height))))
}
