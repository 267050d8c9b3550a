//! A device, a model on it and what is worth remembering: everything a run needs, without a thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::cache::{FeatureCache, FeatureKey};
use super::device::{DeviceChoice, DeviceError, OpenDevice, open_device};
use super::numbers::Numbers;
use super::progress::{BlockCounter, OnProgress};
use crate::checkpoint::{self, Checkpoint, CheckpointError};
use crate::labels::ClassSet;
use crate::model::{ModelSpec, Network, Output};
use crate::photo::Photo;
use crate::segment::{self, PlanError, Prediction, SegmentError, Settings};

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// The bundle inside the program.
    Embedded,
    /// A folder or a file.
    Path(PathBuf),
}

/// What a window or a report shows of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Unique in this process.
    pub id: u64,
    /// `Seg-T-Mask/16`.
    pub title: String,
    /// Where it was read from.
    pub source: ModelSource,
    /// Sizes and rules.
    pub spec: ModelSpec,
    /// Names and colours.
    pub classes: ClassSet,
    /// Number of parameters.
    pub parameters: usize,
}

/// Why a session could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model file.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The settings.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The run.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// There is no model yet.
    #[error("expected an open model, found none; open one first")]
    NoModel,
}

impl SessionError {
    /// Whether the run was stopped on request.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Segment(SegmentError::Cancelled(_)))
    }
}

struct Loaded {
    info: Arc<ModelInfo>,
    model: Network,
}

/// Bytes of features kept by default: 1,000 windows of ViT-T, 250 of ViT-B.
pub(super) const FEATURE_BYTES: usize = 512 << 20;

/// Whether a run leaves its features behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The photo may come again.
    Features,
    /// One of many photos, which would push out those that are looked at.
    Nothing,
}

/// A device and the model on it.
pub struct Session {
    choice: DeviceChoice,
    device: Option<OpenDevice>,
    loaded: Option<Loaded>,
    cache: FeatureCache,
    models: Numbers<ModelSource>,
}

impl Session {
    /// A session that opens its device when it is first needed.
    pub fn new(choice: DeviceChoice) -> Self {
        Self {
            choice,
            device: None,
            loaded: None,
            cache: FeatureCache::new(FEATURE_BYTES),
            models: Numbers::default(),
        }
    }

    /// The device, opened now if it was not.
    ///
    /// # Errors
    /// When the chosen device cannot be used; `auto` falls back to the CPU instead.
    pub fn device(&mut self) -> Result<&OpenDevice, DeviceError> {
        let device = match self.device.take() {
            Some(device) => device,
            None => open_device(self.choice)?,
        };
        Ok(self.device.insert(device))
    }

    /// Reads a model and builds it on the device. A failure leaves the model that was there.
    ///
    /// # Errors
    /// When the file cannot be used or the device cannot be opened.
    pub fn load(&mut self, source: ModelSource) -> Result<Arc<ModelInfo>, SessionError> {
        let start = Instant::now();
        let checkpoint = read(&source)?;
        let device = self.device()?.device.clone();
        let loaded = self.built(source, checkpoint, &device)?;
        let info = loaded.info.clone();
        log::info!(
            "opened the model {} ({} parameters) in {:.1} s",
            info.title,
            info.parameters,
            start.elapsed().as_secs_f32()
        );
        self.loaded = Some(loaded);
        Ok(info)
    }

    fn built(
        &mut self,
        source: ModelSource,
        checkpoint: Checkpoint,
        device: &Device,
    ) -> Result<Loaded, CheckpointError> {
        let Checkpoint {
            spec, classes, weights, ..
        } = checkpoint;
        let parameters = weights.parameters();
        let model = Network::build(&spec, weights, device).map_err(|source_error| CheckpointError::Weights {
            source: source_error,
            path: match &source {
                ModelSource::Embedded => "the embedded model".into(),
                ModelSource::Path(path) => path.clone(),
            },
        })?;
        let id = self.model_number(&source);
        let info = Arc::new(ModelInfo {
            id,
            title: spec.title(),
            source,
            spec,
            classes,
            parameters,
        });
        Ok(Loaded { info, model })
    }

    /// Moves to another device, opens the model again there and drops the features, which were on the old one.
    ///
    /// Returns the model, or nothing when there is none or the choice comes to the device in use. A failure leaves
    /// everything as it was.
    ///
    /// # Errors
    /// When the device cannot be used, or the model's file cannot be read any more.
    pub fn change_device(&mut self, choice: DeviceChoice) -> Result<Option<Arc<ModelInfo>>, SessionError> {
        let device = open_device(choice)?;
        let moves = self.device.as_ref().is_some_and(|old| old.device != device.device);
        let source = self.model().filter(|_| moves).map(|info| info.source.clone());
        let loaded = match source {
            Some(source) => {
                let checkpoint = read(&source)?;
                Some(self.built(source, checkpoint, &device.device)?)
            }
            None => None,
        };
        self.choice = choice;
        self.device = Some(device);
        if !moves {
            return Ok(None);
        }
        self.cache.clear();
        self.loaded = loaded;
        Ok(self.model().cloned())
    }

    /// Whether networks run, or are going to run, on the CPU.
    pub fn is_on_cpu(&self) -> bool {
        match &self.device {
            Some(open) => open.device == Device::flex(),
            None => self.choice == DeviceChoice::Cpu,
        }
    }

    fn model_number(&mut self, source: &ModelSource) -> u64 {
        let file = match source {
            ModelSource::Embedded => None,
            ModelSource::Path(path) if path.is_dir() => Some(path.join("checkpoint.pth")),
            ModelSource::Path(path) => Some(path.clone()),
        };
        self.models.of(source.clone(), file.as_deref())
    }

    /// Sets how many bytes of features are kept, and drops what is beyond that; 0 for a run in which no photo comes
    /// twice.
    pub fn limit_features(&mut self, most_bytes: usize) {
        self.cache.set_limit(most_bytes);
    }

    /// Bytes of the features that are kept.
    pub fn feature_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// The model in use.
    pub fn model(&self) -> Option<&Arc<ModelInfo>> {
        self.loaded.as_ref().map(|l| &l.info)
    }

    /// Segments a photo. `photo_id` is the caller's number for it: equal numbers share encoder features.
    ///
    /// When a GPU fails half-way, the session moves to the CPU, and the run starts again there.
    ///
    /// # Errors
    /// When there is no model, a setting is out of bounds, the run is stopped or the device fails.
    pub fn segment(
        &mut self,
        photo: &Photo,
        photo_id: u64,
        settings: &Settings,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
        self.segment_anywhere(photo, photo_id, settings, Keep::Features, on_progress)
    }

    /// As [`Session::segment`], without keeping features: for one of many photos, which would push out those of the
    /// photos that are looked at. Features that are there already are used.
    ///
    /// # Errors
    /// As [`Session::segment`].
    pub fn segment_in_passing(
        &mut self,
        photo: &Photo,
        photo_id: u64,
        settings: &Settings,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
        self.segment_anywhere(photo, photo_id, settings, Keep::Nothing, on_progress)
    }

    fn segment_anywhere(
        &mut self,
        photo: &Photo,
        photo_id: u64,
        settings: &Settings,
        keep: Keep,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
        match self.segment_once(photo, photo_id, settings, keep, on_progress) {
            Err(SessionError::Segment(SegmentError::Device(why))) if self.choice == DeviceChoice::Auto => {
                self.fall_back(&why)?;
                self.segment_once(photo, photo_id, settings, keep, on_progress)
            }
            done => done,
        }
    }

    fn segment_once(
        &mut self,
        photo: &Photo,
        photo_id: u64,
        settings: &Settings,
        keep: Keep,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
        let device = self.device()?.device.clone();
        let Loaded { info, model } = self.loaded.as_ref().ok_or(SessionError::NoModel)?;
        let start = Instant::now();
        let output = Output::default();
        let passes = settings.passes(photo, info.spec.encoder.patch)?;
        let key = FeatureKey {
            photo: photo_id,
            model: info.id,
            settings: settings.clone(),
        };
        let run = segment::Run {
            model,
            spec: &info.spec,
            output,
            device: &device,
        };
        if let Some(encoded) = self.cache.get(&key) {
            let mut counter = BlockCounter::new(&info.spec, output, &passes, true, &device, on_progress);
            return Ok(run.predict(encoded, Duration::ZERO, &mut counter)?);
        }
        let mut counter = BlockCounter::new(&info.spec, output, &passes, false, &device, on_progress);
        let size = [photo.width, photo.height];
        let fits = self.cache.has_room_for(segment::feature_bytes(&passes, &info.spec));
        if keep == Keep::Nothing || !fits {
            return Ok(run.stream(&passes, size, &mut counter)?);
        }
        let encoded = run.encode(&passes, size, &mut counter)?;
        let prediction = run.predict(&encoded, start.elapsed(), &mut counter)?;
        self.cache.put(key, encoded);
        Ok(prediction)
    }

    /// Moves to the CPU for good and loads the model there.
    fn fall_back(&mut self, why: &str) -> Result<(), SessionError> {
        let source = self
            .model()
            .map(|info| info.source.clone())
            .ok_or(SessionError::NoModel)?;
        log::error!("the GPU failed ({why}); going on on the CPU");
        self.forget();
        self.choice = DeviceChoice::Cpu;
        self.device = Some(OpenDevice {
            note: Some(format!("the GPU failed ({why})")),
            gpu_failed: true,
            ..open_device(DeviceChoice::Cpu)?
        });
        self.load(source).map(drop)
    }

    /// Drops model, features and device, as after a panic; the next call starts from nothing.
    pub fn forget(&mut self) {
        self.loaded = None;
        self.cache.clear();
        self.device = None;
    }
}

fn read(source: &ModelSource) -> Result<Checkpoint, CheckpointError> {
    match source {
        ModelSource::Embedded => checkpoint::open_embedded(),
        ModelSource::Path(path) => checkpoint::open(path, &mut |_| std::ops::ControlFlow::Continue(())),
    }
}
