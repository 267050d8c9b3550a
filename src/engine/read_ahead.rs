//! Reading the next image of a batch while the network runs on the current one.

use std::thread::{Builder, JoinHandle};

use super::workbench::Workbench;
use crate::runtime::opening::OpeningError;
use crate::runtime::{ImageSource, OpenImage, cores};

/// An image that is being read on a thread of its own.
pub(super) struct ReadAhead(JoinHandle<Result<Option<OpenImage>, OpeningError>>);

impl ReadAhead {
    /// Starts to read `source`, unless it needs much memory; `None` if the system has no thread.
    pub(super) fn start(bench: &mut Workbench, source: ImageSource) -> Option<Self> {
        let thread = Builder::new()
            .name("segscope reading".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(bench.reading_beside_another(source));
        thread.ok().map(Self)
    }

    /// Waits for the image. `None` if it is not `source` as the file is now and as images are read now, or was not read:
    /// then it has to be read when its turn has come, which also says what is wrong with it.
    pub(super) fn finish(self, bench: &mut Workbench, source: &ImageSource) -> Option<OpenImage> {
        let image = self.0.join().ok()?.ok()??;
        (image.id == bench.id_of(source)).then_some(image)
    }
}
