//! How many photos of a folder have label maps, counted in the background.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, bounded};
use egui::Context;

use crate::datasets::pairs;

/// The last count.
#[derive(Default)]
pub(super) struct PairCount {
    of: Option<(PathBuf, PathBuf)>,
    counting: Option<Receiver<Result<usize, String>>>,
    counted: Option<Result<usize, String>>,
}

impl PairCount {
    /// The number of pairs in these folders as a text, or why there are none. Folders that differ from those of the last
    /// call are counted.
    pub(super) fn text(&mut self, images: Option<PathBuf>, labels: Option<PathBuf>, context: &Context) -> String {
        let wanted = images.zip(labels);
        if wanted != self.of {
            self.of.clone_from(&wanted);
            self.counted = None;
            self.counting = wanted.map(|(images, labels)| {
                let (sender, receiver) = bounded(1);
                let context = context.clone();
                let count = move || {
                    let found = pairs(&images, &labels, None).map(|found| found.pairs.len());
                    // Fails if the folders have changed since.
                    sender.send(found.map_err(|why| why.to_string())).ok();
                    context.request_repaint();
                };
                // Without a thread there is no count, and the training reports what is wrong.
                std::thread::Builder::new()
                    .name("segscope pairs".into())
                    .spawn(count)
                    .ok();
                receiver
            });
        }
        if let Some(counted) = self.counting.as_ref().and_then(|counting| counting.try_recv().ok()) {
            self.counted = Some(counted);
            self.counting = None;
        }
        match &self.counted {
            Some(Ok(1)) => "1 pair found".into(),
            Some(Ok(count)) => format!("{count} pairs found"),
            Some(Err(why)) => why.clone(),
            None => String::new(),
        }
    }
}
