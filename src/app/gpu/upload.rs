//! The background thread that makes textures, so that a large photo does not delay a frame.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Gpu, GpuLabels, GpuPhoto};
use crate::engine::{LabelLayer, Ticket};
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Largest number of label uploads that wait; beyond it the oldest is dropped.
const MAX_WAITING: usize = 32;

/// A request for textures.
pub(in crate::app) enum Upload {
    /// A photo and its number. It is shown next, so requests for other photos are dropped.
    Photo(u64, Arc<Photo>),
    /// Labels of a photo.
    Labels {
        /// Number of the photo.
        id: u64,
        /// Returned with the textures.
        ticket: Ticket,
        /// The labels.
        labels: LabelLayer,
    },
    /// Labels of a photo that are edited.
    Edited {
        /// Number of the photo.
        id: u64,
        /// Returned with the textures.
        ticket: Ticket,
        /// The labels; this one is dropped before the textures are returned.
        map: Arc<LabelMap>,
    },
}

/// Labels of either kind.
enum Labels {
    Result(LabelLayer),
    Edited(Arc<LabelMap>),
}

/// The outcome of an upload.
pub(in crate::app) enum Uploaded {
    /// A photo has been uploaded.
    Photo {
        /// Number of the photo.
        id: u64,
        /// Its texture.
        photo: Arc<GpuPhoto>,
    },
    /// Labels have been uploaded.
    Labels {
        /// Number of the photo.
        id: u64,
        /// The ticket of the request.
        ticket: Ticket,
        /// Their textures.
        labels: Arc<GpuLabels>,
    },
    /// The graphics device reported an error.
    Failed {
        /// Number of the photo.
        id: u64,
        /// The error message for the user.
        reason: String,
    },
}

/// Makes textures on a background thread. Without a device it ignores requests.
pub(in crate::app) struct Uploader {
    waiting: Arc<Waiting>,
    done: Receiver<Uploaded>,
    thread: Option<JoinHandle<()>>,
}

/// The waiting jobs, and a signal for new ones.
#[derive(Default)]
struct Waiting {
    jobs: Mutex<Jobs<Labels>>,
    changed: Condvar,
}

/// The waiting jobs: at most one photo, and labels.
struct Jobs<L> {
    photo: Option<(u64, Arc<Photo>)>,
    labels: VecDeque<LabelJob<L>>,
    closed: bool,
}

struct LabelJob<L> {
    id: u64,
    ticket: Ticket,
    labels: L,
    /// Whether it stays when another photo comes, because its sender waits for it.
    stays: bool,
}

enum Job<L> {
    Photo(u64, Arc<Photo>),
    Labels(LabelJob<L>),
}

impl<L> Default for Jobs<L> {
    fn default() -> Self {
        Self {
            photo: None,
            labels: VecDeque::new(),
            closed: false,
        }
    }
}

impl<L> Jobs<L> {
    /// Adds a photo, and drops jobs for other photos.
    fn put_photo(&mut self, id: u64, photo: Arc<Photo>) {
        self.photo = Some((id, photo));
        self.labels.retain(|job| job.id == id || job.stays);
    }

    fn put_labels(&mut self, job: LabelJob<L>) {
        self.labels.retain(|other| other.ticket.is_wanted());
        if self.labels.len() == MAX_WAITING {
            self.labels.pop_front();
        }
        self.labels.push_back(job);
    }

    /// Removes the next job: the photo first, then labels that are still wanted.
    fn take(&mut self) -> Option<Job<L>> {
        let photo = self.photo.take().map(|(id, photo)| Job::Photo(id, photo));
        let mut wanted = std::iter::from_fn(|| self.labels.pop_front()).filter(|job| job.ticket.is_wanted());
        photo.or_else(|| wanted.next().map(Job::Labels))
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Jobs<Labels>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Jobs<Labels>)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// Waits for a job; `None` once the uploader is closed.
    fn next(&self) -> Option<Job<Labels>> {
        let mut jobs = self.lock();
        loop {
            if jobs.closed {
                return None;
            }
            if let Some(job) = jobs.take() {
                return Some(job);
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Uploader {
    /// Starts the thread, if there is a device. It repaints `context` after each upload.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(in crate::app) fn start(gpu: Option<Gpu>, context: &egui::Context) -> std::io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let (sender, done) = unbounded();
        let thread = match gpu {
            Some(gpu) => {
                let (waiting, context) = (waiting.clone(), context.clone());
                let work = move || work(&gpu, &waiting, &sender, &context);
                Some(Builder::new().name("photo upload".into()).spawn(work)?)
            }
            None => None,
        };
        Ok(Self { waiting, done, thread })
    }

    /// Requests textures.
    pub(in crate::app) fn ask(&self, upload: Upload) {
        if self.thread.is_none() {
            return;
        }
        self.waiting.change(|jobs| match upload {
            Upload::Photo(id, photo) => jobs.put_photo(id, photo),
            Upload::Labels { id, ticket, labels } => jobs.put_labels(LabelJob {
                id,
                ticket,
                labels: Labels::Result(labels),
                stays: false,
            }),
            Upload::Edited { id, ticket, map } => jobs.put_labels(LabelJob {
                id,
                ticket,
                labels: Labels::Edited(map),
                stays: true,
            }),
        });
    }

    /// The next finished upload, in the order of completion.
    pub(in crate::app) fn poll(&self) -> Option<Uploaded> {
        self.done.try_recv().ok()
    }
}

impl Drop for Uploader {
    /// Waits for the current upload: the device must not be dropped while it is in use.
    fn drop(&mut self) {
        self.waiting.change(|jobs| jobs.closed = true);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn work(gpu: &Gpu, waiting: &Waiting, done: &Sender<Uploaded>, context: &egui::Context) {
    while let Some(job) = waiting.next() {
        let uploaded = match job {
            Job::Photo(id, photo) => match checked(gpu, || gpu.photo(&photo)) {
                Ok(photo) => Uploaded::Photo {
                    id,
                    photo: Arc::new(photo),
                },
                Err(reason) => Uploaded::Failed { id, reason },
            },
            Job::Labels(job) => {
                let made = checked(gpu, || match &job.labels {
                    Labels::Result(labels) => gpu.labels(labels.map(), labels.confidence(), &labels.regions),
                    Labels::Edited(map) => gpu.editable_labels(map),
                });
                drop(job.labels);
                match made {
                    Ok(labels) => Uploaded::Labels {
                        id: job.id,
                        ticket: job.ticket,
                        labels: Arc::new(labels),
                    },
                    Err(reason) => Uploaded::Failed { id: job.id, reason },
                }
            }
        };
        done.send(uploaded).ok();
        context.request_repaint();
    }
}

/// Runs `make` and catches errors of the device, which would otherwise end the thread.
fn checked<T>(gpu: &Gpu, make: impl FnOnce() -> T) -> Result<T, String> {
    let memory = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let rules = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = make();
    let broken_rule = pollster::block_on(rules.pop());
    // If memory runs out, the texture is invalid, which causes validation errors later: memory is the reason.
    match pollster::block_on(memory.pop()).or(broken_rule) {
        None => Ok(made),
        Some(error) => Err(format!(
            "expected the photo to fit on the graphics card, found {error}; open a smaller photo"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Asked;

    fn photo() -> Arc<Photo> {
        Arc::new(Photo::new(1, 1, vec![0; 3]))
    }

    fn labels_of(id: u64, asked: &Asked) -> LabelJob<()> {
        LabelJob {
            id,
            ticket: asked.ticket(),
            labels: (),
            stays: false,
        }
    }

    /// Photo numbers and tickets of all jobs in the order in which they are taken; photos have no ticket.
    fn rest(mut jobs: Jobs<()>) -> Vec<(u64, Option<Ticket>)> {
        let next = || {
            jobs.take().map(|job| match job {
                Job::Photo(id, _) => (id, None),
                Job::Labels(job) => (job.id, Some(job.ticket)),
            })
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn another_photo_drops_jobs_of_the_previous_one() {
        let [first, second, third] = [(); 3].map(|()| Asked::new());
        let mut jobs = Jobs::default();
        jobs.put_photo(1, photo());
        jobs.put_labels(labels_of(1, &first));
        let edited = Asked::new();
        jobs.put_labels(LabelJob {
            stays: true,
            ..labels_of(1, &edited)
        });
        jobs.put_photo(2, photo());
        jobs.put_labels(labels_of(2, &second));
        jobs.put_labels(labels_of(2, &third));
        assert_eq!(
            rest(jobs),
            [
                (2, None),
                (1, Some(edited.ticket())),
                (2, Some(second.ticket())),
                (2, Some(third.ticket()))
            ]
        );
    }

    #[test]
    fn withdrawn_labels_are_skipped() {
        let (first, second) = (Asked::new(), Asked::new());
        let mut jobs = Jobs::default();
        jobs.put_labels(labels_of(1, &first));
        jobs.put_labels(labels_of(1, &second));
        drop(first);
        assert_eq!(rest(jobs), [(1, Some(second.ticket()))]);
    }

    #[test]
    fn the_number_of_waiting_labels_is_bounded() {
        let asked: Vec<Asked> = (0..=MAX_WAITING).map(|_| Asked::new()).collect();
        let mut jobs = Jobs::default();
        for asked in &asked {
            jobs.put_labels(labels_of(1, asked));
        }
        let rest = rest(jobs);
        assert_eq!((rest.len(), &rest[0]), (MAX_WAITING, &(1, Some(asked[1].ticket()))));
    }

    #[test]
    fn requests_are_ignored_without_a_device() {
        let uploader = Uploader::start(None, &egui::Context::default()).expect("no thread is needed");
        uploader.ask(Upload::Photo(1, photo()));
        assert!(uploader.poll().is_none() && uploader.waiting.lock().take().is_none());
    }
}
