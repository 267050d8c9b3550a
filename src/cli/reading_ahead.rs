//! Reading one image on a thread of its own while the network runs on another.

use std::path::Path;
use std::thread::ScopedJoinHandle;

use crate::export::Options;
use crate::photo::Header;
use crate::runtime::MemoryNeed;

/// What was read ahead of its use.
pub(super) enum ReadAhead<T> {
    Here(T),
    /// Nothing yet: the image needs so much memory that no other should be there.
    Large,
}

impl<T> ReadAhead<T> {
    /// Calls `read` unless the image is a large one for this number of classes and these formats.
    pub(super) fn of(image: &Path, (classes, formats): (usize, Option<&Options>), read: impl FnOnce() -> T) -> Self {
        match Header::read(image) {
            Ok(header) if MemoryNeed::of(&header, classes, formats).is_large() => Self::Large,
            // `read` says what is wrong with the file.
            Ok(_) | Err(_) => Self::Here(read()),
        }
    }
}

/// The result of a thread; its panic becomes one of this thread.
pub(super) fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
