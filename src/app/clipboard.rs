//! Pictures to the clipboard, on a thread of its own: the system wants them as PNG, which takes a while for a large one.

use std::borrow::Cow;
use std::thread::Builder;

use arboard::{Clipboard, ImageData};
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::Wake;

/// A picture with straight alpha, row by row.
pub(super) struct ClipboardPicture {
    /// What it is, such as `Overlay`, for the message.
    pub(super) what: String,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Four bytes a pixel.
    pub(super) rgba: Vec<u8>,
}

/// The clipboard for pictures.
pub(super) struct PictureClipboard {
    pictures: Sender<ClipboardPicture>,
    done: Receiver<Result<String, String>>,
}

impl PictureClipboard {
    /// Starts the thread, which ends with the handle.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(wake: Wake) -> std::io::Result<Self> {
        let (pictures, waiting) = unbounded::<ClipboardPicture>();
        let (told, done) = unbounded();
        Builder::new().name("clipboard".into()).spawn(move || {
            // Kept: under X11 a clipboard lives as long as the program that filled it.
            let mut clipboard = None;
            for picture in waiting {
                told.send(put(&mut clipboard, picture)).ok();
                wake();
            }
        })?;
        Ok(Self { pictures, done })
    }

    /// Has a picture copied.
    pub(super) fn copy(&self, picture: ClipboardPicture) {
        self.pictures.send(picture).ok();
    }

    /// What has been copied, or why it could not be.
    pub(super) fn poll(&self) -> Option<Result<String, String>> {
        self.done.try_recv().ok()
    }
}

fn put(clipboard: &mut Option<Clipboard>, picture: ClipboardPicture) -> Result<String, String> {
    let failed = |e: arboard::Error| format!("the picture cannot be copied ({e}); export it to a file instead");
    let open = match clipboard.take() {
        Some(open) => open,
        None => Clipboard::new().map_err(failed)?,
    };
    let image = ImageData {
        width: picture.width,
        height: picture.height,
        bytes: Cow::Owned(picture.rgba),
    };
    clipboard.insert(open).set_image(image).map_err(failed)?;
    Ok(format!("{} copied", picture.what))
}
