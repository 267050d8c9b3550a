//! Reading the next image of a batch while the network runs on the current one.

use std::thread::{Builder, JoinHandle};

use super::workbench::Workbench;
use crate::photo::OpenOptions;
use crate::runtime::opening::{self, OpeningError};
use crate::runtime::{ImageSource, OpenImage, cores};

/// An image that is being read on a thread of its own.
pub(super) struct ReadAhead {
    source: ImageSource,
    options: OpenOptions,
    thread: JoinHandle<Result<OpenImage, OpeningError>>,
}

impl ReadAhead {
    /// Starts to read `source`; `None` if it or the current image needs so much memory that no other should be there, or
    /// the system has no thread.
    pub(super) fn start(bench: &mut Workbench, current: &ImageSource, source: &ImageSource) -> Option<Self> {
        if opening::is_large(current) || opening::is_large(source) {
            return None;
        }
        let options = bench.opening;
        let thread = Builder::new()
            .name("segscope reading".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(bench.reading(source.clone()));
        Some(Self {
            source: source.clone(),
            options,
            thread: thread.ok()?,
        })
    }

    /// Waits for the image. `None` if another was read, or this one with other options or without success: then it has to
    /// be read when its turn has come, which also says what is wrong with it.
    pub(super) fn finish(self, source: &ImageSource, options: OpenOptions) -> Option<OpenImage> {
        let is_wanted = (&self.source, self.options) == (source, options);
        is_wanted.then(|| self.thread.join().ok()?.ok()).flatten()
    }
}
