//! How many photos of a folder have label maps, counted in the background.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use egui::Context;

use crate::datasets::pairs;

/// How long the folders must stay the same before they are counted: a path that is being typed is not.
const STILL: Duration = Duration::from_millis(600);

/// The last count.
#[derive(Default)]
pub(super) struct PairCount {
    of: Option<(PathBuf, PathBuf)>,
    /// When they changed, until they are counted.
    changed: Option<Instant>,
    counting: Option<Receiver<Result<usize, String>>>,
    counted: Option<Result<usize, String>>,
}

impl PairCount {
    /// The number of pairs in these folders as a text, or why there are none. Folders that differ from those of the last
    /// call are counted.
    pub(super) fn text(&mut self, images: Option<PathBuf>, labels: Option<PathBuf>, context: &Context) -> String {
        let wanted = images.zip(labels);
        if wanted != self.of {
            self.of = wanted;
            (self.counted, self.counting) = (None, None);
            self.changed = self.of.is_some().then(Instant::now);
        }
        if let Some(since) = self.changed.map(|changed| changed.elapsed()) {
            if since < STILL {
                context.request_repaint_after(STILL - since);
                return String::new();
            }
            self.changed = None;
            self.counting = self.of.clone().and_then(|(images, labels)| {
                let (sender, receiver) = bounded(1);
                let context = context.clone();
                let count = move || {
                    let found = pairs(&images, &labels, None).map(|found| found.pairs.len());
                    // Fails if the folders have changed since.
                    sender.send(found.map_err(|why| why.to_string())).ok();
                    context.request_repaint();
                };
                // Without a thread there is no count, and the training reports what is wrong.
                let thread = std::thread::Builder::new().name("segscope pairs".into());
                thread.spawn(count).ok().map(|_| receiver)
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
