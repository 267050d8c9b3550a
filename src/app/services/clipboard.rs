//! Copies images to the clipboard, on a separate thread.
//!
//! The system expects PNG, and encoding a large image takes a while.

use std::borrow::Cow;
use std::thread::Builder;

use arboard::{Clipboard, ImageData};
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::{Rgba, Wake};

/// The clipboard for images.
pub(in crate::app) struct ImageClipboard {
    /// Images, each with a name for the message, such as `Overlay`.
    images: Sender<(&'static str, Rgba)>,
    done: Receiver<Result<String, String>>,
}

impl ImageClipboard {
    /// Starts the thread, which ends when this handle is dropped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(in crate::app) fn start(wake: Wake) -> std::io::Result<Self> {
        let (images, waiting) = unbounded();
        let (told, done) = unbounded();
        Builder::new().name("clipboard".into()).spawn(move || {
            // Kept open: under X11 the contents last only as long as the clipboard that provides them.
            let mut clipboard = None;
            for (what, image) in waiting {
                told.send(put(&mut clipboard, what, image)).ok();
                wake();
            }
        })?;
        Ok(Self { images, done })
    }

    /// Copies an image. `what` names it in the message when it is done.
    pub(in crate::app) fn copy(&self, what: &'static str, image: Rgba) {
        self.images.send((what, image)).ok();
    }

    /// The message about a finished copy, or why it failed.
    pub(in crate::app) fn poll(&self) -> Option<Result<String, String>> {
        self.done.try_recv().ok()
    }
}

fn put(clipboard: &mut Option<Clipboard>, what: &str, image: Rgba) -> Result<String, String> {
    let failed = |e: arboard::Error| format!("the image cannot be copied ({e}); export it to a file instead");
    let open = match clipboard.take() {
        Some(open) => open,
        None => Clipboard::new().map_err(failed)?,
    };
    let image = ImageData {
        width: image.width,
        height: image.height,
        bytes: Cow::Owned(image.bytes),
    };
    clipboard.insert(open).set_image(image).map_err(failed)?;
    Ok(format!("{what} copied"))
}
