//! Helpers for the tests of the engine: an engine with an inbox, and images.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use segscope::engine::{
    Asked, BatchState, DeviceChoice, Engine, EngineSettings, Event, Export, ImageSource, Job, MaskExport, ModelInfo,
    ModelSource, OpenImage, Output, Segmented,
};
use segscope::export::PlannedFile;
use segscope::model::{WindowMode, WindowRules};
use segscope::photo::Photo;
use segscope::segment::InferenceConfig;
use tempfile::TempDir;

use crate::bundles::fixture;

/// Time limit for anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// An engine, and its events so far.
pub struct Harness {
    pub engine: Engine,
    /// Id of the model to segment with, which is the one loaded last; 0 without any.
    pub model: u64,
    /// The model's output to segment with.
    pub output: Output,
    pub came: Vec<String>,
    /// Alive as long as the worker.
    pub worker: Weak<Thread>,
}

impl Harness {
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

    /// An engine with the fixture model.
    pub fn with_model() -> Self {
        let mut harness = Self::new();
        harness.load(fixture_model());
        harness
    }

    /// An engine with the embedded model, whose runs take long enough to be stopped reliably.
    pub fn with_slow_model() -> Self {
        let mut harness = Self::new();
        harness.load(ModelSource::Embedded);
        harness
    }

    pub fn send(&self, job: Job) {
        if let Err(busy) = self.engine.send(job) {
            panic!("{busy}; events so far: {}", self.came.join(", "));
        }
    }

    /// Waits for the first event that `pick` accepts. Any other failure event ends the test.
    pub fn wait_for<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(event) = self.engine.poll() else {
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(
                    !left.is_zero(),
                    "waited in vain for {what}; events so far: {}",
                    self.came.join(", ")
                );
                thread::park_timeout(left);
                continue;
            };
            let title = title(&event);
            let failed = is_failure(&event);
            // A run sends many equal events.
            if self.came.last() != Some(&title) {
                self.came.push(title.clone());
            }
            if let Some(found) = pick(event) {
                return found;
            }
            assert!(
                !failed,
                "waited for {what}, found {title}; events so far: {}",
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
        self.load(fixture_model())
    }

    pub fn open(&mut self, source: ImageSource) -> OpenImage {
        let asked = Asked::new();
        let ticket = asked.ticket();
        self.send(Job::OpenImage { ticket, source });
        self.wait_for("a photo", |event| match event {
            Event::Photo { photo, .. } => Some(photo),
            _ => None,
        })
    }

    /// Requests a segmentation, which is cancelled when the returned value is dropped.
    #[must_use]
    pub fn ask(&self, photo: &OpenImage, settings: Option<InferenceConfig>) -> Asked {
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

    /// Requests a segmentation and waits until it has started.
    #[must_use]
    pub fn begin(&mut self, photo: &OpenImage, settings: Option<InferenceConfig>) -> Asked {
        let wanted = self.ask(photo, settings);
        self.wait_for("progress", |event| match event {
            Event::Progress { ticket, .. } if wanted.is(&ticket) => Some(()),
            _ => None,
        });
        wanted
    }

    pub fn segment(&mut self, photo: &OpenImage, settings: Option<InferenceConfig>) -> Segmented {
        let wanted = self.ask(photo, settings);
        self.wait_for("a segmentation", |event| match event {
            Event::Segmented { ticket, result } if wanted.is(&ticket) => Some(result),
            _ => None,
        })
    }

    pub fn plan(&mut self, job: &MaskExport) -> Vec<PlannedFile> {
        let asked = Asked::new();
        self.send(Job::PlanExport {
            ticket: asked.ticket(),
            job: Export::Masks(job.clone()),
        });
        self.wait_for("an export plan", |event| match event {
            Event::ExportPlanned { files, .. } => Some(files),
            _ => None,
        })
    }

    pub fn export(&mut self, job: &MaskExport) -> Result<Vec<PathBuf>, String> {
        self.send(Job::Export(Export::Masks(job.clone())));
        self.wait_for("an export", |event| match event {
            Event::Exported { files, .. } => Some(Ok(files)),
            Event::ExportFailed(why) => Some(Err(why)),
            _ => None,
        })
    }
}

/// The fixture model, for tests that are not about the embedded one.
pub fn fixture_model() -> ModelSource {
    ModelSource::Path(fixture::model())
}

/// Default settings on the CPU.
pub fn on_cpu() -> EngineSettings {
    EngineSettings {
        device: DeviceChoice::Cpu,
        ..EngineSettings::default()
    }
}

/// Calls `look` until it returns a value; the thread is unparked when there may be a new one.
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

/// A short description of an event, because its debug output would contain whole images.
fn title(event: &Event) -> String {
    match event {
        Event::Device { name, .. } => format!("device {name}"),
        Event::DeviceFailed(why) => format!("no device ({why})"),
        Event::FoundFiles(found) => format!("{} images found", found.images.len()),
        Event::ModelProgress { .. } => "progress of a load".to_owned(),
        Event::Model { model, .. } => format!("model {}", model.title),
        Event::ModelFailed { message, .. } => format!("no model ({message})"),
        Event::ModelCancelled { .. } => "end of a load on request".to_owned(),
        Event::OpenModels(open) => format!("{} open models", open.len()),
        Event::ModelsFound(folder) => format!("{} models found", folder.models.len()),
        Event::TraceProgress { .. } => "progress of a look".to_owned(),
        Event::Traced { .. } => "inside of a look".to_owned(),
        Event::HeadsMeasured { .. } => "heads".to_owned(),
        Event::TeachingTokens { .. } => "tokens for teaching".to_owned(),
        Event::TraceFailed { message, .. } => format!("no trace ({message:?})"),
        Event::Photo { photo, .. } => format!("photo {}", photo.source.name()),
        Event::PhotoFailed { message, .. } => format!("no photo ({message})"),
        Event::PhotoCancelled { .. } => "a photo that is not wanted".to_owned(),
        Event::Progress { .. } => "progress".to_owned(),
        Event::Segmented { .. } => "result".to_owned(),
        Event::Cancelled { .. } => "end on request".to_owned(),
        Event::SegmentFailed { message, .. } => format!("failure ({message})"),
        Event::BatchImage { index, state, .. } => match state {
            BatchState::Running => format!("image {index} of a batch running"),
            BatchState::Done { .. } => format!("image {index} of a batch done"),
            BatchState::Skipped => format!("files of image {index} of a batch already exist"),
            BatchState::Failed(why) => format!("image {index} of a batch failed ({why})"),
        },
        Event::BatchProgress { .. } => "progress of a batch".to_owned(),
        Event::BatchEnded { .. } => "end of a batch".to_owned(),
        Event::Labels { labels, .. } => format!("label map ({:?})", labels.as_ref().err()),
        Event::Compared { .. } => "comparison".to_owned(),
        Event::Memory(_) => "memory".to_owned(),
        Event::ExportPlanned { files, .. } => format!("plan for {} files", files.len()),
        Event::ExportPreview { .. } => "small image of an export".to_owned(),
        Event::Exported { files, .. } => format!("export of {} files", files.len()),
        Event::ExportFailed(why) => format!("no export ({why})"),
        Event::Drawn { format, .. } => format!("image of {}", format.title()),
        Event::DrawFailed(why) => format!("no image ({why})"),
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

/// An image with gradients and blocks, so that no two windows are equal.
pub fn synthetic_photo(width: usize, height: usize) -> Photo {
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        let block = (x / 160 * 37 + y / 120 * 91) % 256;
        [x * 255 / width, y * 255 / height, block].map(|value| value as u8)
    };
    Photo::new(width, height, (0..width * height).flat_map(pixel).collect())
}

/// Writes an image file of 2000 x 1500 pixels.
pub fn large_image(folder: &Path) -> ImageSource {
    image(&folder.join("large.png"), 2000, 1500)
}

/// Writes an image file, creating its folder.
pub fn image(path: &Path, width: usize, height: usize) -> ImageSource {
    let Photo { width, height, rgb, .. } = synthetic_photo(width, height);
    let image = image::RgbImage::from_raw(width as u32, height as u32, rgb).expect("a value per channel");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
    image.save(path).expect("an image that can be written");
    ImageSource::Path(path.to_owned())
}

/// Settings for a run on the large image that takes minutes with the embedded model: 3312 windows.
pub fn long_run() -> InferenceConfig {
    InferenceConfig {
        window: 384,
        stride: 24,
        short_side: None,
        scales: vec![1.0],
        flip: false,
        rules: WindowRules::Enlarge,
        mode: WindowMode::Slide,
        normalisation: None,
        refine_edges: false,
    }
}

/// Asserts that every pixel of the image has a class.
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
        "number of counted classes"
    );
    assert_eq!(
        result.counts.iter().sum::<u64>(),
        pixels as u64,
        "number of counted pixels"
    );
}
