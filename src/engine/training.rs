//! A training on a thread of its own, for the window: news out, one wish in, to stop.

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
use crate::runtime::{DeviceChoice, cores, open_device};
use crate::train::{Keeper, Prepared, TrainEvent, TrainHistory, TrainPlan};

/// News that may wait for the window; the training waits beyond this.
const MOST_NEWS: usize = 64;

/// A state is kept at most this often.
const KEPT_EVERY: Duration = Duration::from_secs(60);

/// Longest side in pixels of the picture that is shown while a network learns.
const SHOWN_SIDE: usize = 640;

/// How opaque the masks on it are.
const OPACITY: f32 = 0.55;

/// What a training says.
#[derive(Debug)]
pub enum TrainingNews {
    /// Files and network are ready.
    Begun {
        /// What there is to say about pictures and ground truth, each a sentence.
        remarks: Vec<String>,
        /// What is trained, such as `Seg-T-Mask/16`.
        title: String,
        /// Where.
        device: String,
        /// Number of pictures that are learnt from.
        pictures: usize,
        /// Keys of the decoders.
        decoders: Vec<String>,
        /// Steps that were made before.
        from: usize,
        /// Steps in all.
        to: usize,
        /// Losses and scores of the steps before.
        history: TrainHistory,
        /// The best validation before: after how many steps, and its mean IoU over the decoders.
        best: Option<(usize, f64)>,
    },
    /// A step was made.
    Step {
        /// How many there have been.
        iteration: usize,
        /// Loss of each trained output, the decoders' main ones among them.
        losses: Vec<f64>,
        /// How long it took.
        time: Duration,
        /// Pictures that it took in.
        pictures: usize,
    },
    /// The network was scored.
    Validated {
        /// After how many steps.
        iteration: usize,
        /// Mean IoU of each decoder.
        mean_iou: Vec<Option<f64>>,
        /// Whether it is the best so far, and kept as such.
        best: bool,
        /// The first validation picture under each decoder's masks.
        shown: Vec<Photo>,
    },
    /// It is over.
    Ended(Result<TrainingResult, String>),
}

/// What a training has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingResult {
    /// The bundle after the last step.
    pub last: PathBuf,
    /// The bundle with the best validation, where there was one.
    pub best: Option<PathBuf>,
    /// Whether it was stopped before its last step; the same plan goes on then.
    pub stopped: bool,
}

/// Where a training computes.
#[derive(Clone, Copy, Debug)]
pub struct TrainingPlace {
    /// The device.
    pub device: DeviceChoice,
    /// Threads on the CPU; `None` for one per core.
    pub threads: Option<usize>,
}

/// A training. It ends with this handle, after the step that it is at; what it has learnt is kept.
#[derive(Debug)]
pub struct TrainingRun {
    news: Receiver<TrainingNews>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TrainingRun {
    /// Starts a training whose results go to the folder `out`, where an earlier one of the same plan goes on. `wake` is
    /// called after each piece of news.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(plan: TrainPlan, out: PathBuf, on: TrainingPlace, wake: Wake) -> std::io::Result<Self> {
        let (sender, news) = bounded(MOST_NEWS);
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = Builder::new()
            .name("segscope training".into())
            .stack_size(cores::STACK_BYTES)
            .spawn(move || {
                let teller = Teller { sender, wake };
                let work = move || {
                    let done = catch_unwind(AssertUnwindSafe(|| train(plan, &out, on.device, &asked, &teller)));
                    let done = done.unwrap_or_else(|panic| Err(panic_sentence(panic.as_ref())));
                    teller.tell(TrainingNews::Ended(done));
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

    /// Ends it after the step that it is at.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The next piece of news, if there is one.
    pub fn poll(&self) -> Option<TrainingNews> {
        self.news.try_recv().ok()
    }
}

impl Drop for TrainingRun {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // Nobody reads the news any more: make room until it is over.
            while !thread.is_finished() {
                self.news.recv_timeout(Duration::from_millis(20)).ok();
            }
            thread.join().ok();
        }
    }
}

struct Teller {
    sender: Sender<TrainingNews>,
    wake: Wake,
}

impl Teller {
    /// Waits for nobody where nothing is lost: a window that is hidden takes no news.
    fn tell(&self, news: TrainingNews) {
        // Both fail when the window is gone.
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
    teller: &Teller,
) -> Result<TrainingResult, String> {
    let stops = || stop.load(Ordering::Relaxed);
    let mut on_read = |_| match stops() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let prepared = plan.prepare(&mut on_read).map_err(|why| why.to_string())?;
    let device = open_device(device).map_err(|why| why.to_string())?;
    let training = prepared.training(&device.device, &stops);
    let of_truth = training.check_files().map_err(|why| why.to_string())?;
    if stops() {
        return Err("It was stopped before the first step".into());
    }
    let opened = Keeper::open(out, &prepared, false, KEPT_EVERY);
    let (mut keeper, mut state) = opened.map_err(|why| why.to_string())?;
    let config = &prepared.plan.training;
    // A training goes on without its curves.
    let history = TrainHistory::read(keeper.folder()).unwrap_or_else(|why| {
        log::warn!(
            "losses and scores of the steps before cannot be read ({why}): {}",
            out.display()
        );
        TrainHistory::default()
    });
    teller.tell(TrainingNews::Begun {
        remarks: prepared.remarks.iter().cloned().chain(of_truth).collect(),
        title: prepared.spec.title(),
        device: device.name.clone(),
        pictures: prepared.pairs.len(),
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
    let tell = |event: &TrainEvent| teller.tell(news_of(event, &prepared, shown.as_ref()));
    let done = keeper.carry_out(&training, &mut state, tell);
    done.map_err(|why| why.to_string())?;
    let folder = keeper.folder();
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
            pictures: config.batch * config.accumulate.max(1),
        },
        TrainEvent::Validated {
            iteration,
            scores,
            shown,
            best,
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

/// A photo under class colours, small enough to show beside the curves; `None` where they differ in size.
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
    let masked = export::picture(&subject, &options, Format::Overlay).ok()?;
    let longest = masked.width.max(masked.height);
    if longest <= SHOWN_SIDE {
        return Some(masked);
    }
    let side = |side: usize| (side * SHOWN_SIDE / longest).max(1);
    Some(masked.resized(side(masked.width), side(masked.height)))
}
