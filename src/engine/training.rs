//! Runs a training on a separate thread for the window, which receives news and can stop it.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::failure::panic_sentence;
use super::wake::Wake;
use crate::export::{self, Format, Options, Subject};
use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;
use crate::runtime::{DeviceChoice, cores, kernels, open_device};
use crate::train::{Prepared, TrainEvent, TrainHistory, TrainPlan, TrainingRecorder};

/// Maximum number of news items that wait for the window; the training pauses at this number.
const MAX_NEWS: usize = 64;

/// Minimum time between two saved states.
const SAVED_EVERY: Duration = Duration::from_secs(60);

/// Longest side in pixels of the validation image that is shown during training.
const SHOWN_SIDE: usize = 640;

/// Opacity of the masks on the validation image.
const OPACITY: f32 = 0.55;

/// News from a training.
#[derive(Debug)]
pub enum TrainingNews {
    /// The files and the network are ready.
    Begun {
        /// Remarks about images and ground truth, one sentence each.
        remarks: Vec<String>,
        /// Title of the model, such as `Seg-T-Mask/16`.
        title: String,
        /// Name of the device.
        device: String,
        /// Number of training images.
        images: usize,
        /// Keys of the decoders.
        decoders: Vec<String>,
        /// Number of steps made before, if the training is resumed.
        from: usize,
        /// Total number of steps.
        to: usize,
        /// Losses and scores of the previous steps.
        history: TrainHistory,
        /// The best previous validation: the number of steps, and the mean IoU over the decoders.
        best: Option<(usize, f64)>,
    },
    /// A step is finished.
    Step {
        /// Number of steps so far.
        iteration: usize,
        /// Loss of each trained output, including the main outputs of the decoders.
        losses: Vec<f64>,
        /// Duration of the step.
        time: Duration,
        /// Number of images in the step.
        images: usize,
    },
    /// The network was validated.
    Validated {
        /// Number of steps so far.
        iteration: usize,
        /// Mean IoU of each decoder.
        mean_iou: Vec<Option<f64>>,
        /// Whether it is the best so far; its weights are then saved as the best bundle.
        best: bool,
        /// The first validation image with the masks of each decoder.
        shown: Vec<Photo>,
    },
    /// The training has ended, or failed with a message.
    Ended(Result<TrainingResult, String>),
}

/// The result of a training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingResult {
    /// The bundle after the last step.
    pub last: PathBuf,
    /// The bundle with the best validation; `None` if there was no validation.
    pub best: Option<PathBuf>,
    /// Whether it was stopped before its last step; starting the same plan again resumes it.
    pub stopped: bool,
}

/// The device and threads of a training.
#[derive(Clone, Copy, Debug)]
pub struct TrainingPlace {
    /// The device.
    pub device: DeviceChoice,
    /// Number of CPU threads; `None` for one per core.
    pub threads: Option<usize>,
}

/// Handle of a training. When it is dropped, the training ends after the current step and saves its state.
#[derive(Debug)]
pub struct TrainingRun {
    news: Receiver<TrainingNews>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TrainingRun {
    /// Starts a training with `out` as output folder, or resumes an unfinished one of the same plan in that folder.
    ///
    /// `wake` is called after each news item.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(plan: TrainPlan, out: PathBuf, on: TrainingPlace, wake: Wake) -> std::io::Result<Self> {
        let (sender, news) = bounded(MAX_NEWS);
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = Builder::new()
            .name("segscope training".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                let sender = NewsSender { sender, wake };
                let work = move || {
                    let done = catch_unwind(AssertUnwindSafe(|| train(plan, &out, on.device, &asked, &sender)));
                    let done = done.unwrap_or_else(|panic| Err(panic_sentence(panic.as_ref())));
                    sender.send(TrainingNews::Ended(done));
                };
                match cores::pool(on.threads) {
                    Some(pool) => pool.install(work),
                    None => work(),
                }
            })?;
        Ok(Self {
            news,
            stop,
            thread: Some(thread),
        })
    }

    /// Stops the training after the current step.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The next news item, if there is one.
    pub fn poll(&self) -> Option<TrainingNews> {
        self.news.try_recv().ok()
    }
}

impl Drop for TrainingRun {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // The news is no longer read: empty the channel until the thread has ended.
            while !thread.is_finished() {
                self.news.recv_timeout(Duration::from_millis(20)).ok();
            }
            thread.join().ok();
        }
    }
}

struct NewsSender {
    sender: Sender<TrainingNews>,
    wake: Wake,
}

impl NewsSender {
    /// Sends news. Steps are dropped while the channel is full, because a hidden window takes no news.
    fn send(&self, news: TrainingNews) {
        // Both fail when the window is closed.
        match news {
            TrainingNews::Step { .. } => drop(self.sender.try_send(news)),
            news => drop(self.sender.send(news)),
        }
        (self.wake)();
    }
}

fn train(
    plan: TrainPlan,
    out: &std::path::Path,
    device: DeviceChoice,
    stop: &AtomicBool,
    sender: &NewsSender,
) -> Result<TrainingResult, String> {
    let stops = || stop.load(Ordering::Relaxed);
    let mut on_read = |_| match stops() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let prepared = plan.prepare(&mut on_read).map_err(|why| why.to_string())?;
    let device = open_device(device).map_err(|why| why.to_string())?;
    let kernels = kernels().map_err(|why| why.to_string())?;
    let training = prepared.training(&device.device, kernels, &stops);
    let training = training.map_err(|why| why.to_string())?;
    let of_truth = training.check_files().map_err(|why| why.to_string())?;
    if stops() {
        return Err("The training was stopped before its first step".into());
    }
    let opened = TrainingRecorder::open(out, &prepared, false, SAVED_EVERY);
    let (mut recorder, mut state) = opened.map_err(|why| why.to_string())?;
    let config = &prepared.plan.training;
    // A training can resume without its curves.
    let history = TrainHistory::read(recorder.folder()).unwrap_or_else(|why| {
        log::warn!(
            "cannot read the losses and scores of the previous steps ({why}): {}",
            out.display()
        );
        TrainHistory::default()
    });
    sender.send(TrainingNews::Begun {
        remarks: prepared.remarks.iter().cloned().chain(of_truth).collect(),
        title: prepared.spec.title(),
        device: device.name.clone(),
        images: prepared.pairs.len(),
        decoders: prepared
            .spec
            .decoders
            .iter()
            .map(|decoder| decoder.key.clone())
            .collect(),
        from: state.iteration,
        to: config.schedule.iterations,
        history,
        best: state.best.map(|(mean_iou, iteration)| (iteration, mean_iou)),
    });
    let shown = prepared
        .validation
        .first()
        .and_then(|pair| Photo::open(&pair.file).ok());
    let send = |event: &TrainEvent| sender.send(news_of(event, &prepared, shown.as_ref()));
    let done = recorder.carry_out(&training, &mut state, send);
    done.map_err(|why| why.to_string())?;
    let folder = recorder.folder();
    Ok(TrainingResult {
        last: folder.last(),
        best: state.best.map(|_| folder.best()),
        stopped: state.iteration < config.schedule.iterations,
    })
}

fn news_of(event: &TrainEvent, prepared: &Prepared, photo: Option<&Photo>) -> TrainingNews {
    let config = &prepared.plan.training;
    match event {
        TrainEvent::Step {
            iteration,
            losses,
            time,
            ..
        } => TrainingNews::Step {
            iteration: *iteration,
            losses: losses.clone(),
            time: *time,
            images: config.batch_size * config.accumulate.max(1),
        },
        TrainEvent::Validated {
            iteration,
            scores,
            shown,
            best,
            ..
        } => TrainingNews::Validated {
            iteration: *iteration,
            mean_iou: scores.iter().map(|scores| scores.confusion.mean_iou()).collect(),
            best: *best,
            shown: photo.map_or_else(Vec::new, |photo| {
                let masked = shown.iter().filter_map(|map| masked(photo, map, &prepared.classes));
                masked.collect()
            }),
        },
    }
}

/// A photo with class masks, small enough to show beside the curves; `None` if photo and label map differ in size.
fn masked(photo: &Photo, map: &LabelMap, classes: &ClassSet) -> Option<Photo> {
    let subject = Subject {
        photo,
        map,
        confidence: &[],
        classes,
    };
    let options = Options {
        opacity: OPACITY,
        ..Options::default()
    };
    let masked = export::image(&subject, &options, Format::Overlay).ok()?;
    let longest = masked.width.max(masked.height);
    if longest <= SHOWN_SIDE {
        return Some(masked);
    }
    let side = |side: usize| (side * SHOWN_SIDE / longest).max(1);
    Some(masked.resized(side(masked.width), side(masked.height)))
}
