//! The background thread that makes textures, so that a large photo costs no frame.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Gpu, GpuLabels, GpuPhoto};
use crate::engine::{Labelling, Ticket};
use crate::photo::Photo;

/// Results that wait at most; beyond it the oldest is forgotten.
const MOST_WAITING: usize = 32;

/// Textures to make.
pub(in crate::app) enum Upload {
    /// Of the photo with this number, which is shown next; whatever waits for other photos is forgotten.
    Photo(u64, Arc<Photo>),
    /// Of labels of the photo with this number.
    Labels {
        /// Number of the photo.
        id: u64,
        /// Comes back with the textures.
        ticket: Ticket,
        /// What to show.
        labels: Labelling,
    },
}

/// What has become of a job.
pub(in crate::app) enum Uploaded {
    /// A photo, with the number it came with.
    Photo {
        /// Number of the photo.
        id: u64,
        /// Its texture.
        photo: Arc<GpuPhoto>,
    },
    /// Labels, with the numbers they came with.
    Labels {
        /// Number of the photo.
        id: u64,
        /// As they were asked for.
        ticket: Ticket,
        /// Their textures.
        labels: Arc<GpuLabels>,
    },
    /// The graphics card refused.
    Failed {
        /// Number of the photo.
        id: u64,
        /// For a person.
        reason: String,
    },
}

/// Makes textures on a thread of its own. Without a device it takes jobs and does nothing.
pub(in crate::app) struct Uploader {
    waiting: Arc<Waiting>,
    done: Receiver<Uploaded>,
    thread: Option<JoinHandle<()>>,
}

/// Jobs, and a signal that there are new ones.
#[derive(Default)]
struct Waiting {
    jobs: Mutex<Jobs<Labelling>>,
    changed: Condvar,
}

/// What is still to be done: at most one photo, and results of it.
struct Jobs<L> {
    photo: Option<(u64, Arc<Photo>)>,
    labels: VecDeque<LabelJob<L>>,
    closed: bool,
}

struct LabelJob<L> {
    id: u64,
    ticket: Ticket,
    labels: L,
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
    /// Another photo: what waits for earlier ones is in vain.
    fn put_photo(&mut self, id: u64, photo: Arc<Photo>) {
        self.photo = Some((id, photo));
        self.labels.retain(|job| job.id == id);
    }

    fn put_labels(&mut self, job: LabelJob<L>) {
        self.labels.retain(|other| other.ticket.is_wanted());
        if self.labels.len() == MOST_WAITING {
            self.labels.pop_front();
        }
        self.labels.push_back(job);
    }

    /// The photo comes first.
    fn take(&mut self) -> Option<Job<L>> {
        let photo = self.photo.take().map(|(id, photo)| Job::Photo(id, photo));
        let mut wanted = std::iter::from_fn(|| self.labels.pop_front()).filter(|job| job.ticket.is_wanted());
        photo.or_else(|| wanted.next().map(Job::Labels))
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Jobs<Labelling>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Jobs<Labelling>)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// Waits for a job; `None` when there will be no more.
    fn next(&self) -> Option<Job<Labelling>> {
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
    /// Starts the thread, if there is a device. `context` is woken whenever something is done.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(in crate::app) fn start(gpu: Option<Gpu>, context: &egui::Context) -> std::io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let (sender, done) = unbounded();
        let thread = match gpu {
            Some(gpu) => {
                let (waiting, context) = (waiting.clone(), context.clone());
                let work = move || work(&gpu, &waiting, &sender, &context);
                Some(Builder::new().name("picture upload".into()).spawn(work)?)
            }
            None => None,
        };
        Ok(Self { waiting, done, thread })
    }

    /// Asks for textures.
    pub(in crate::app) fn ask(&self, upload: Upload) {
        if self.thread.is_none() {
            return;
        }
        self.waiting.change(|jobs| match upload {
            Upload::Photo(id, photo) => jobs.put_photo(id, photo),
            Upload::Labels { id, ticket, labels } => jobs.put_labels(LabelJob { id, ticket, labels }),
        });
    }

    /// Something that is done, in the order in which it was.
    pub(in crate::app) fn poll(&self) -> Option<Uploaded> {
        self.done.try_recv().ok()
    }
}

impl Drop for Uploader {
    /// Waits for the upload under way: the device must not go while it is in use.
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
                let labels = &job.labels;
                match checked(gpu, || gpu.labels(labels.map(), labels.confidence(), &labels.regions)) {
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

/// Runs `make` and catches what the device has against it, which would otherwise end the thread.
fn checked<T>(gpu: &Gpu, make: impl FnOnce() -> T) -> Result<T, String> {
    let memory = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let rules = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = make();
    let broken_rule = pollster::block_on(rules.pop());
    // Without memory there is an invalid texture, which breaks rules later on: memory is the reason.
    match pollster::block_on(memory.pop()).or(broken_rule) {
        None => Ok(made),
        Some(error) => Err(format!(
            "expected the graphics card to hold the picture, but it cannot ({error}); open a smaller picture"
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
        }
    }

    /// Photos and tickets of all jobs in the order of their turns; photos have no ticket.
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
    fn another_photo_makes_what_waits_obsolete() {
        let [first, second, third] = [(); 3].map(|()| Asked::new());
        let mut jobs = Jobs::default();
        jobs.put_photo(1, photo());
        jobs.put_labels(labels_of(1, &first));
        jobs.put_photo(2, photo());
        jobs.put_labels(labels_of(2, &second));
        jobs.put_labels(labels_of(2, &third));
        assert_eq!(
            rest(jobs),
            [(2, None), (2, Some(second.ticket())), (2, Some(third.ticket()))]
        );
    }

    #[test]
    fn labels_that_nobody_wants_any_more_are_left_out() {
        let (first, second) = (Asked::new(), Asked::new());
        let mut jobs = Jobs::default();
        jobs.put_labels(labels_of(1, &first));
        jobs.put_labels(labels_of(1, &second));
        drop(first);
        assert_eq!(rest(jobs), [(1, Some(second.ticket()))]);
    }

    #[test]
    fn the_number_of_waiting_results_is_bounded() {
        let asked: Vec<Asked> = (0..=MOST_WAITING).map(|_| Asked::new()).collect();
        let mut jobs = Jobs::default();
        for asked in &asked {
            jobs.put_labels(labels_of(1, asked));
        }
        let rest = rest(jobs);
        assert_eq!((rest.len(), &rest[0]), (MOST_WAITING, &(1, Some(asked[1].ticket()))));
    }

    #[test]
    fn without_a_device_nothing_waits() {
        let uploader = Uploader::start(None, &egui::Context::default()).expect("no thread is needed");
        uploader.ask(Upload::Photo(1, photo()));
        assert!(uploader.poll().is_none() && uploader.waiting.lock().take().is_none());
    }
}
