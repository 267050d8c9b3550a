//! Reading one image on a thread of its own while the network runs on another.

use std::path::Path;
use std::thread::ScopedJoinHandle;

use anyhow::Result;

use crate::runtime::{MemoryNeed, available_memory};

/// What was read ahead of its use.
pub(super) enum ReadAhead<T> {
    Here(Result<T>),
    /// Nothing yet: the image needs so much memory that no other should be there.
    Alone,
}

impl<T> ReadAhead<T> {
    /// Calls `read` with the `need` of an image, if that leaves room for other images.
    pub(super) fn of(image: &Path, need: Result<MemoryNeed>, read: impl FnOnce(MemoryNeed) -> Result<T>) -> Self {
        Self::within(available_memory(), image, need, read)
    }

    fn within(
        free: Option<u64>,
        image: &Path,
        need: Result<MemoryNeed>,
        read: impl FnOnce(MemoryNeed) -> Result<T>,
    ) -> Self {
        match need {
            // What is too little memory now may be enough once the other images are done.
            Ok(need) if need.is_large() || need.check(free, image).is_err() => Self::Alone,
            need => Self::Here(need.and_then(read)),
        }
    }
}

/// The result of a thread; its panic becomes one of this thread.
pub(super) fn joined<T>(thread: ScopedJoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Header;

    #[test]
    fn images_that_need_much_memory_are_left_alone() {
        let need = |side| {
            let header = Header {
                width: side,
                height: side,
                decoding_bytes: 0,
            };
            MemoryNeed::of(&header, 11, None)
        };
        let small = need(1000);
        let read = |free, need| ReadAhead::within(free, Path::new("a.png"), Ok(need), |_| Ok(5));
        assert!(matches!(read(None, small), ReadAhead::Here(Ok(5))));
        assert!(matches!(read(Some(small.bytes), small), ReadAhead::Here(Ok(5))));
        assert!(matches!(read(Some(small.bytes - 1), small), ReadAhead::Alone));
        assert!(matches!(read(Some(u64::MAX), need(16_000)), ReadAhead::Alone));
        let broken = ReadAhead::within(None, Path::new("a.png"), Err(anyhow::anyhow!("broken")), |_| Ok(5));
        assert!(matches!(broken, ReadAhead::Here(Err(_))));
    }
}
