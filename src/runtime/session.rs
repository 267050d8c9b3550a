//! A device, the models on it and what is worth remembering: everything a run needs, without a thread.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::cache::{FeatureCache, FeatureKey};
use super::device::{DeviceChoice, DeviceError, OpenDevice, open_device};
use super::inspection::{Inspection, Look};
use super::looking;
use super::model_info::{ModelInfo, ModelSource, OpenModel};
use super::open_models::OpenModels;
use super::progress::{BlockCounter, OnProgress, Progress};
use super::session_error::SessionError;
use crate::checkpoint::{self, Checkpoint, CheckpointError, OnRead};
use crate::model::{Network, Output};
use crate::photo::Photo;
use crate::segment::{self, Prediction, SegmentError, Settings};

/// Bytes of features kept by default: 1,000 windows of ViT-T, 250 of ViT-B; a fifth of that where MLA is among the
/// decoders.
pub(super) const FEATURE_BYTES: usize = 512 << 20;

/// Bytes of models kept by default: three of ViT-L.
pub(super) const MODEL_BYTES: usize = 4096 << 20;

/// Reading a file takes about this share of the time that opening a model takes; the rest is building the network.
const READ_SHARE: f32 = 0.9;

/// Whether a run leaves its features behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The photo may come again.
    Features,
    /// One of many photos, which would push out those that are looked at.
    Nothing,
}

/// What to segment, by which output of which model, and how.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Number of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// The picture.
    pub photo: &'a Photo,
    /// The caller's number for the picture: equal numbers share encoder features.
    pub photo_id: u64,
    /// Scales and windows.
    pub settings: &'a Settings,
}

/// A device and the models on it.
pub struct Session {
    choice: DeviceChoice,
    device: Option<OpenDevice>,
    models: OpenModels,
    cache: FeatureCache,
}

impl Session {
    /// A session that opens its device when it is first needed.
    pub fn new(choice: DeviceChoice) -> Self {
        Self {
            choice,
            device: None,
            models: OpenModels::new(MODEL_BYTES),
            cache: FeatureCache::new(FEATURE_BYTES),
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

    /// Reads a model and builds it on the device, beside those that are open; at once when it is one of them.
    /// `on_share` is told which share is done, 0..=1, and stops it by `Break`. A failure leaves everything as it was.
    ///
    /// # Errors
    /// When the file cannot be used, the device cannot be opened or `on_share` says so.
    pub fn load(&mut self, source: ModelSource, on_share: OnRead) -> Result<Arc<ModelInfo>, SessionError> {
        // Before it is read: a file that changes meanwhile gets another number when it is opened again.
        let id = self.models.number(&source);
        if let Some((info, _)) = self.models.built(id) {
            return Ok(info.clone());
        }
        let start = Instant::now();
        let checkpoint = read(&source, &mut |share| on_share(READ_SHARE * share))?;
        let device = self.device()?.device.clone();
        let (info, network) = build(id, source, checkpoint, &device)?;
        if on_share(1.0).is_break() {
            return Err(CheckpointError::Cancelled.into());
        }
        log::info!(
            "opened the model {} ({} parameters) in {:.1} s",
            info.title,
            info.parameters,
            start.elapsed().as_secs_f32()
        );
        for earlier in self.models.earlier(&info.source, id) {
            self.close(earlier);
        }
        self.models.put(info.clone(), network);
        Ok(info)
    }

    /// Reads an open model again if its network is not in memory.
    fn bring_back(&mut self, id: u64, on_read: OnRead) -> Result<(), SessionError> {
        if self.models.built(id).is_some() {
            return Ok(());
        }
        let info = self.models.info(id).cloned().ok_or(SessionError::NoModel)?;
        let title = || info.title.clone();
        let now = self.models.number(&info.source);
        let checkpoint = match read(&info.source, on_read) {
            Ok(checkpoint) => checkpoint,
            Err(CheckpointError::Cancelled) => return Err(CheckpointError::Cancelled.into()),
            Err(why) => {
                return Err(SessionError::Reopen {
                    title: title(),
                    source: Box::new(why),
                });
            }
        };
        if now != id {
            let name = info.source.name();
            return Err(SessionError::Changed { title: title(), name });
        }
        let device = self.device()?.device.clone();
        let (info, network) = build(id, info.source.clone(), checkpoint, &device)?;
        log::info!("read the model {} again", info.title);
        self.models.put(info, network);
        Ok(())
    }

    /// Closes a model, and drops what was kept of it.
    pub fn close(&mut self, id: u64) {
        self.models.close(id);
        self.cache.retain(|key| key.model != id);
    }

    /// All models that are open, in the order in which they were opened for the first time.
    pub fn models(&self) -> Vec<OpenModel> {
        self.models.list()
    }

    /// What is known of an open model.
    pub fn info(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        self.models.info(id)
    }

    /// Moves to another device and drops what was on the old one; models are read again when they are used. A failure
    /// leaves everything as it was.
    ///
    /// # Errors
    /// When the device cannot be used.
    pub fn change_device(&mut self, choice: DeviceChoice) -> Result<(), DeviceError> {
        let device = open_device(choice)?;
        let moves = self.device.as_ref().is_some_and(|old| old.device != device.device);
        self.choice = choice;
        self.device = Some(device);
        if moves {
            self.models.drop_networks();
            self.cache.clear();
        }
        Ok(())
    }

    /// Whether networks run, or are going to run, on the CPU.
    pub fn is_on_cpu(&self) -> bool {
        match &self.device {
            Some(open) => open.device == Device::flex(),
            None => self.choice == DeviceChoice::Cpu,
        }
    }

    /// Sets how many bytes of features are kept, and drops what is beyond that; 0 for a run in which no photo comes
    /// twice.
    pub fn limit_features(&mut self, most_bytes: usize) {
        self.cache.set_limit(most_bytes);
    }

    /// Sets how many bytes of models are kept, and drops the networks beyond that; the one used last stays.
    pub fn limit_models(&mut self, most_bytes: usize) {
        self.models.set_limit(most_bytes);
    }

    /// Bytes of the features that are kept.
    pub fn feature_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Segments a photo. A model whose network is not in memory is read again first.
    ///
    /// When a GPU fails half-way, the session moves to the CPU, and the run starts again there.
    ///
    /// # Errors
    /// When there is no such model or output, a setting is out of bounds, the run is stopped or the device fails.
    pub fn segment(&mut self, task: &Task, on_progress: OnProgress) -> Result<Prediction, SessionError> {
        self.segment_anywhere(task, Keep::Features, on_progress)
    }

    /// As [`Session::segment`], without keeping features: for one of many photos, which would push out those of the
    /// photos that are looked at. Features that are there already are used.
    ///
    /// # Errors
    /// As [`Session::segment`].
    pub fn segment_in_passing(&mut self, task: &Task, on_progress: OnProgress) -> Result<Prediction, SessionError> {
        self.segment_anywhere(task, Keep::Nothing, on_progress)
    }

    fn segment_anywhere(
        &mut self,
        task: &Task,
        keep: Keep,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
        match self.segment_once(task, keep, on_progress) {
            Err(SessionError::Segment(SegmentError::Device(why))) if self.choice == DeviceChoice::Auto => {
                self.fall_back(&why)?;
                self.segment_once(task, keep, on_progress)
            }
            done => done,
        }
    }

    fn segment_once(&mut self, task: &Task, keep: Keep, on_progress: OnProgress) -> Result<Prediction, SessionError> {
        let waiting = Progress {
            fraction: 0.0,
            remaining: None,
        };
        self.bring_back(task.model, &mut |_| on_progress(waiting))?;
        let device = self.device()?.device.clone();
        let Self { models, cache, .. } = self;
        let (info, network) = models.built(task.model).ok_or(SessionError::NoModel)?;
        let Task {
            output,
            photo,
            settings,
            ..
        } = *task;
        if !info.spec.outputs().contains(&output) {
            return Err(SessionError::NoOutput(info.title.clone()));
        }
        let start = Instant::now();
        let passes = settings.passes(photo, info.spec.encoder.multiple())?;
        // Not of the output: all decoders take the same features.
        let key = FeatureKey {
            photo: task.photo_id,
            model: task.model,
            settings: settings.clone(),
        };
        let run = segment::Run {
            model: network,
            spec: &info.spec,
            output,
            device: &device,
        };
        if let Some(encoded) = cache.get(&key) {
            let mut counter = BlockCounter::new(&info.spec, output, &passes, true, &device, on_progress);
            return Ok(run.predict(encoded, Duration::ZERO, &mut counter)?);
        }
        let mut counter = BlockCounter::new(&info.spec, output, &passes, false, &device, on_progress);
        let size = [photo.width, photo.height];
        let fits = cache.has_room_for(segment::feature_bytes(&passes, &info.spec));
        if keep == Keep::Nothing || !fits {
            return Ok(run.stream(&passes, size, &mut counter)?);
        }
        let encoded = run.encode(&passes, size, &mut counter)?;
        let prediction = run.predict(&encoded, start.elapsed(), &mut counter)?;
        cache.put(key, encoded);
        Ok(prediction)
    }

    /// Runs a photo for looking inside, and keeps what is needed for that.
    ///
    /// # Errors
    /// When there is no such model, output or window, the run is stopped or the device fails.
    pub fn look_inside(&mut self, look: Look, on_progress: OnProgress) -> Result<Inspection, SessionError> {
        match self.look_once(look.clone(), on_progress) {
            Err(SessionError::Segment(SegmentError::Device(why))) if self.choice == DeviceChoice::Auto => {
                self.fall_back(&why)?;
                self.look_once(look, on_progress)
            }
            done => done,
        }
    }

    fn look_once(&mut self, look: Look, on_progress: OnProgress) -> Result<Inspection, SessionError> {
        let waiting = Progress {
            fraction: 0.0,
            remaining: None,
        };
        self.bring_back(look.model, &mut |_| on_progress(waiting))?;
        let device = self.device()?.device.clone();
        let (info, network) = self.models.built(look.model).ok_or(SessionError::NoModel)?;
        looking::inspect(look, info, network, &device, on_progress)
    }

    /// Moves to the CPU for good; the model is read again there.
    fn fall_back(&mut self, why: &str) -> Result<(), DeviceError> {
        log::error!("the GPU failed ({why}); going on on the CPU");
        self.forget();
        self.choice = DeviceChoice::Cpu;
        self.device = Some(OpenDevice {
            note: Some(format!("the GPU failed ({why})")),
            gpu_failed: true,
            ..open_device(DeviceChoice::Cpu)?
        });
        Ok(())
    }

    /// Drops networks, features and device, as after a panic; what is used next is made again.
    pub fn forget(&mut self) {
        self.models.drop_networks();
        self.cache.clear();
        self.device = None;
    }
}

fn read(source: &ModelSource, on_read: OnRead) -> Result<Checkpoint, CheckpointError> {
    if on_read(0.0) == ControlFlow::Break(()) {
        return Err(CheckpointError::Cancelled);
    }
    match source {
        ModelSource::Embedded => checkpoint::open_embedded(),
        ModelSource::EmbeddedWithPatch(patch) => checkpoint::open_embedded_with_patch(*patch),
        ModelSource::Path(path) => checkpoint::open(path, on_read),
        ModelSource::Weights(path, key) => checkpoint::open_with(path, Some(key), on_read),
    }
}

fn build(
    id: u64,
    source: ModelSource,
    checkpoint: Checkpoint,
    device: &Device,
) -> Result<(Arc<ModelInfo>, Network), CheckpointError> {
    let Checkpoint {
        spec,
        classes,
        weights,
        zero_is_ignored,
        remarks,
        provenance: _,
    } = checkpoint;
    let parameters = weights.parameters();
    let network = Network::build(&spec, weights, device).map_err(|mismatch| CheckpointError::Weights {
        source: mismatch,
        path: source.path().unwrap_or(Path::new("the embedded model")).into(),
    })?;
    let info = ModelInfo {
        id,
        title: spec.title(),
        source,
        spec,
        own_classes: classes.clone(),
        classes,
        parameters,
        zero_is_ignored,
        remarks,
    };
    Ok((Arc::new(info), network))
}
