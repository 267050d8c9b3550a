//! The thread that reads and writes label files that are edited. Each edit is on disk as soon as it arrives, and label
//! files are written whenever nothing else waits.

mod archive;
mod finding;
mod importing;
mod messages;
mod rewritten;

use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};

use super::wake::Wake;
use archive::Archive;
pub use finding::{BorderMove, Find, Found};
pub use importing::Import;
pub use messages::{AnnotationNews, AnnotationRequest, OpenedAnnotation};

/// Handle of the thread. When it is dropped, all edits are saved first.
#[derive(Debug)]
pub struct Annotator {
    requests: Option<Sender<AnnotationRequest>>,
    news: Receiver<AnnotationNews>,
    thread: Option<JoinHandle<()>>,
}

impl Annotator {
    /// Starts the thread. `wake` is called after each report.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (requests, inbox) = unbounded();
        let (sender, news) = unbounded();
        let report = move |news| {
            sender.send(news).ok();
            wake();
        };
        let work = move || work(&inbox, Archive::new(Box::new(report)));
        Ok(Self {
            requests: Some(requests),
            news,
            thread: Some(Builder::new().name("segscope labels".into()).spawn(work)?),
        })
    }

    /// Hands a request over.
    pub fn ask(&self, request: AnnotationRequest) {
        if let Some(requests) = &self.requests {
            requests.send(request).ok();
        }
    }

    /// The next report, if there is one.
    pub fn poll(&self) -> Option<AnnotationNews> {
        self.news.try_recv().ok()
    }
}

impl Drop for Annotator {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn work(inbox: &Receiver<AnnotationRequest>, mut archive: Archive) {
    loop {
        // Requests come first, because an edit is safe only once it has been taken.
        let request = match inbox.try_recv() {
            Ok(request) => request,
            Err(TryRecvError::Empty) if archive.save_next() || archive.find_next() || archive.import_next() => continue,
            Err(TryRecvError::Empty) => match inbox.recv() {
                Ok(request) => request,
                Err(_) => continue,
            },
            Err(TryRecvError::Disconnected) => {
                archive.save_all();
                return;
            }
        };
        archive.serve(request);
    }
}
