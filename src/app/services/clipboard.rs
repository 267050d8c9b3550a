//! Pictures to the clipboard, on a thread of its own: the system wants them as PNG, which takes a while for a large one.

use std::borrow::Cow;
use std::thread::Builder;

use arboard::{Clipboard, ImageData};
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::{Rgba, Wake};

/// The clipboard for pictures.
pub(in crate::app) struct PictureClipboard {
    /// What each is, such as `Overlay`, for the message.
    pictures: Sender<(&'static str, Rgba)>,
    done: Receiver<Result<String, String>>,
}

impl PictureClipboard {
    /// Starts the thread, which ends with the handle.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(in crate::app) fn start(wake: Wake) -> std::io::Result<Self> {
        let (pictures, waiting) = unbounded();
        let (told, done) = unbounded();
        Builder::new().name("clipboard".into()).spawn(move || {
            // Kept: under X11 a clipboard lives as long as the program that filled it.
            let mut clipboard = None;
            for (what, picture) in waiting {
                told.send(put(&mut clipboard, what, picture)).ok();
                wake();
            }
        })?;
        Ok(Self { pictures, done })
    }

    /// Has a picture copied; `what` it is, is said when it is done.
    pub(in crate::app) fn copy(&self, what: &'static str, picture: Rgba) {
        self.pictures.send((what, picture)).ok();
    }

    /// What has been copied, or why it could not be.
    pub(in crate::app) fn poll(&self) -> Option<Result<String, String>> {
        self.done.try_recv().ok()
    }
}

fn put(clipboard: &mut Option<Clipboard>, what: &str, picture: Rgba) -> Result<String, String> {
    let failed = |e: arboard::Error| format!("the picture cannot be copied ({e}); export it to a file instead");
    let open = match clipboard.take() {
        Some(open) => open,
        None => Clipboard::new().map_err(failed)?,
    };
    let image = ImageData {
        width: picture.width,
        height: picture.height,
        bytes: Cow::Owned(picture.bytes),
    };
    clipboard.insert(open).set_image(image).map_err(failed)?;
    Ok(format!("{what} copied"))
}
