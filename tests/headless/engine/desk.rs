//! What the tests of the worker share: an engine with an inbox, and pictures.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use segscope::engine::{
    Asked, BatchState, DeviceChoice, Engine, EngineSettings, Event, ExportJob, Job, ModelInfo, ModelSource, OpenPhoto,
    Output, PhotoSource, Segmented,
};
use segscope::export::PlannedFile;
use segscope::model::{WindowMode, WindowRules};
use segscope::photo::Photo;
use segscope::segment::Settings;
use tempfile::TempDir;

use crate::bundles::fixture;

/// After this long, what a test waits for counts as never coming.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// An engine, and what it has said so far.
pub struct Desk {
    pub engine: Engine,
    /// Number of the model to segment with: the one loaded last, 0 without any.
    pub model: u64,
    /// Its output to segment with.
    pub output: Output,
    pub came: Vec<String>,
    /// Lives as long as the worker.
    pub worker: Weak<Thread>,
}

impl Desk {
    pub fn new() -> Self {
        Self::with_wake(|| ())
    }

    /// An engine that also calls `wake` after each event.
    pub fn with_wake(wake: impl Fn() + Send + 'static) -> Self {
        let waiting = Arc::new(thread::current());
        let worker = Arc::downgrade(&waiting);
        let wake = Box::new(move || {
            waiting.unpark();
            wake();
        });
        let engine = Engine::start(on_cpu(), wake).expect("a thread");
        Self {
            engine,
            model: 0,
            output: Output::default(),
            came: Vec::new(),
            worker,
        }
    }

    /// An engine with the model of every test that is not about the embedded one.
    pub fn with_model() -> Self {
        let mut desk = Self::new();
        desk.load(usual_model());
        desk
    }

    /// An engine with the embedded model, whose runs take so long that they can be stopped for certain.
    pub fn with_slow_model() -> Self {
        let mut desk = Self::new();
        desk.load(ModelSource::Embedded);
        desk
    }

    pub fn send(&self, job: Job) {
        if let Err(busy) = self.engine.send(job) {
            panic!("{busy}; came so far: {}", self.came.join(", "));
        }
    }

    /// The first thing that `pick` takes. A failure that it does not take ends the test.
    pub fn wait_for<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(event) = self.engine.poll() else {
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(
                    !left.is_zero(),
                    "waited in vain for {what}; came so far: {}",
                    self.came.join(", ")
                );
                thread::park_timeout(left);
                continue;
            };
            let title = title(&event);
            let failed = is_failure(&event);
            // A run makes many of these.
            if self.came.last() != Some(&title) {
                self.came.push(title.clone());
            }
            if let Some(found) = pick(event) {
                return found;
            }
            assert!(
                !failed,
                "waited for {what}, found {title}; came so far: {}",
                self.came.join(", ")
            );
        }
    }

    pub fn load(&mut self, source: ModelSource) -> Arc<ModelInfo> {
        let asked = Asked::new();
        let ticket = asked.ticket();
        self.send(Job::LoadModel { ticket, source });
        let model = self.wait_for("a model", |event| match event {
            Event::Model { model, .. } => Some(model),
            _ => None,
        });
        self.model = model.id;
        self.output = Output::default();
        model
    }

    /// The model that was loaded last.
    pub fn model_info(&mut self) -> Arc<ModelInfo> {
        self.load(usual_model())
    }

    pub fn open(&mut self, source: PhotoSource) -> OpenPhoto {
        let asked = Asked::new();
        let ticket = asked.ticket();
        self.send(Job::OpenPhoto { ticket, source });
        self.wait_for("a photo", |event| match event {
            Event::Photo { photo, .. } => Some(photo),
            _ => None,
        })
    }

    /// Asks for a segmentation, which stops when what is returned is dropped.
    #[must_use]
    pub fn ask(&self, photo: &OpenPhoto, settings: Option<Settings>) -> Asked {
        let asked = Asked::new();
        self.send(Job::Segment {
            ticket: asked.ticket(),
            photo: photo.clone(),
            model: self.model,
            output: self.output,
            settings,
        });
        asked
    }

    /// Asks for a segmentation and waits until it is under way.
    #[must_use]
    pub fn begin(&mut self, photo: &OpenPhoto, settings: Option<Settings>) -> Asked {
        let wanted = self.ask(photo, settings);
        self.wait_for("progress", |event| match event {
            Event::Progress { ticket, .. } if wanted.is(&ticket) => Some(()),
            _ => None,
        });
        wanted
    }

    pub fn segment(&mut self, photo: &OpenPhoto, settings: Option<Settings>) -> Segmented {
        let wanted = self.ask(photo, settings);
        self.wait_for("a segmentation", |event| match event {
            Event::Segmented { ticket, result } if wanted.is(&ticket) => Some(result),
            _ => None,
        })
    }

    pub fn plan(&mut self, job: &ExportJob) -> Vec<PlannedFile> {
        let asked = Asked::new();
        self.send(Job::PlanExport {
            ticket: asked.ticket(),
            job: job.clone(),
        });
        self.wait_for("an export plan", |event| match event {
            Event::ExportPlanned { files, .. } => Some(files),
            _ => None,
        })
    }

    pub fn export(&mut self, job: &ExportJob) -> Result<Vec<PathBuf>, String> {
        self.send(Job::Export(job.clone()));
        self.wait_for("an export", |event| match event {
            Event::Exported { files, .. } => Some(Ok(files)),
            Event::ExportFailed(why) => Some(Err(why)),
            _ => None,
        })
    }
}

/// The model of every test that is not about the embedded one.
pub fn usual_model() -> ModelSource {
    ModelSource::Path(fixture::model())
}

/// Everything as usual, on the CPU.
pub fn on_cpu() -> EngineSettings {
    EngineSettings {
        device: DeviceChoice::Cpu,
        ..EngineSettings::default()
    }
}

/// Looks until `look` finds something; the thread is unparked when there may be something new.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(50));
    }
}

/// An event for people; events hold whole photos, which no message should.
fn title(event: &Event) -> String {
    match event {
        Event::Device { name, .. } => format!("device {name}"),
        Event::DeviceFailed(why) => format!("no device ({why})"),
        Event::Found(found) => format!("{} pictures found", found.pictures.len()),
        Event::ModelProgress { .. } => "progress of a load".to_owned(),
        Event::Model { model, .. } => format!("model {}", model.title),
        Event::ModelFailed { message, .. } => format!("no model ({message})"),
        Event::ModelCancelled { .. } => "end of a load on request".to_owned(),
        Event::OpenModels(open) => format!("{} open models", open.len()),
        Event::ModelsFound(folder) => format!("{} models found", folder.models.len()),
        Event::LookProgress { .. } => "progress of a look".to_owned(),
        Event::Inside { .. } => "inside of a look".to_owned(),
        Event::HeadsMeasured { .. } => "heads".to_owned(),
        Event::LookFailed { message, .. } => format!("end of a look ({message:?})"),
        Event::Photo { photo, .. } => format!("photo {}", photo.source.name()),
        Event::PhotoFailed { message, .. } => format!("no photo ({message})"),
        Event::PhotoCancelled { .. } => "a photo that is not wanted".to_owned(),
        Event::Progress { .. } => "progress".to_owned(),
        Event::Segmented { .. } => "result".to_owned(),
        Event::Cancelled { .. } => "end on request".to_owned(),
        Event::SegmentFailed { message, .. } => format!("failure ({message})"),
        Event::BatchPicture { index, state, .. } => match state {
            BatchState::Running => format!("picture {index} of a batch running"),
            BatchState::Done { .. } => format!("picture {index} of a batch done"),
            BatchState::AlreadyThere => format!("files of picture {index} of a batch were there already"),
            BatchState::Failed(why) => format!("picture {index} of a batch failed ({why})"),
        },
        Event::BatchProgress { .. } => "progress of a batch".to_owned(),
        Event::BatchEnded { .. } => "end of a batch".to_owned(),
        Event::Labels { labels, .. } => format!("label map ({:?})", labels.as_ref().err()),
        Event::Compared { .. } => "comparison".to_owned(),
        Event::Memory(_) => "memory".to_owned(),
        Event::ExportPlanned { files, .. } => format!("plan for {} files", files.len()),
        Event::Exported { files, .. } => format!("export of {} files", files.len()),
        Event::ExportFailed(why) => format!("no export ({why})"),
        Event::Drawn { format, .. } => format!("picture of {}", format.title()),
        Event::DrawFailed(why) => format!("no picture ({why})"),
    }
}

fn is_failure(event: &Event) -> bool {
    matches!(
        event,
        Event::DeviceFailed(_)
            | Event::ModelFailed { .. }
            | Event::PhotoFailed { .. }
            | Event::SegmentFailed { .. }
            | Event::ExportFailed(_)
            | Event::DrawFailed(_)
    )
}

pub fn empty_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A picture with slopes and blocks, so that no two windows are the same.
pub fn synthetic_photo(width: usize, height: usize) -> Photo {
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        let block = (x / 160 * 37 + y / 120 * 91) % 256;
        [x * 255 / width, y * 255 / height, block].map(|value| value as u8)
    };
    Photo::new(width, height, (0..width * height).flat_map(pixel).collect())
}

/// A picture file of 2000 x 1500 pixels.
pub fn large_picture(folder: &Path) -> PhotoSource {
    picture(&folder.join("large.png"), 2000, 1500)
}

/// A picture file, and the folder for it.
pub fn picture(path: &Path, width: usize, height: usize) -> PhotoSource {
    let Photo { width, height, rgb, .. } = synthetic_photo(width, height);
    let image = image::RgbImage::from_raw(width as u32, height as u32, rgb).expect("a value per channel");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
    image.save(path).expect("a picture that can be written");
    PhotoSource::Path(path.to_owned())
}

/// A run over the large picture that takes minutes with the embedded model: 3312 windows.
pub fn long_run() -> Settings {
    Settings {
        window: 384,
        stride: 24,
        short_side: None,
        scales: vec![1.0],
        flip: false,
        rules: WindowRules::Enlarge,
        mode: WindowMode::Slide,
        normalisation: None,
    }
}

/// Requires a class for every pixel of the photo.
pub fn assert_covered(result: &Segmented) {
    let (photo, map) = (&result.photo.photo, &result.prediction.labels.map);
    assert_eq!(
        [map.width, map.height],
        [photo.width, photo.height],
        "size of the label map"
    );
    let pixels = photo.width * photo.height;
    assert_eq!(map.ids.len(), pixels, "ids");
    assert_eq!(
        result.counts.len(),
        result.model.classes.len(),
        "classes that are counted"
    );
    assert_eq!(
        result.counts.iter().sum::<u64>(),
        pixels as u64,
        "pixels that are counted"
    );
}
