//! A session: a device, the models on it and the feature cache, without a thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::Device;

use super::cache::{FeatureCache, FeatureKey};
use super::device::{DeviceChoice, DeviceError, OpenDevice, open_device};
use super::model_info::{ModelInfo, ModelSource, OpenModel};
use super::open_models::OpenModels;
use super::precision::{PrecisionChoice, kernels};
use super::progress::{BlockCounter, OnProgress, Progress};
use super::session_error::SessionError;
use super::traced::{TraceRequest, TracedImage};
use super::{teaching, tracing};
use crate::checkpoint::{CheckpointError, ModelFile, OnRead, Peek};
use crate::model::{InferenceNetwork, Output};
use crate::photo::Photo;
use crate::segment::{self, InferenceConfig, Prediction, SegmentError};
use crate::teach::Tokens;

/// Default limit of the feature cache in bytes: 1,000 windows of ViT-T or 250 of ViT-B; a fifth of that if MLA is among
/// the decoders.
pub(super) const FEATURE_BYTES: usize = 512 << 20;

/// Default limit of the models in memory in bytes: three ViT-L models.
pub(super) const MODEL_BYTES: usize = 4096 << 20;

/// Whether a run caches its features.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FeatureCaching {
    /// Cache the features: the image may be segmented again.
    Features,
    /// Do not cache: one of many images, whose features would displace those of the images on display.
    Nothing,
}

/// A segmentation to run.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Id of an open model.
    pub model: u64,
    /// One of its outputs.
    pub output: Output,
    /// The image.
    pub photo: &'a Photo,
    /// The caller's id for the image: images with equal ids share encoder features.
    pub photo_id: u64,
    /// Inference settings.
    pub settings: &'a InferenceConfig,
}

/// A device, the models on it and the feature cache.
pub struct Session {
    choice: DeviceChoice,
    precision: PrecisionChoice,
    device: Option<OpenDevice>,
    models: OpenModels,
    cache: FeatureCache,
}

impl Session {
    /// Creates a session, which opens its device when it is first needed.
    pub fn new(choice: DeviceChoice, precision: PrecisionChoice) -> Self {
        Self {
            choice,
            precision,
            device: None,
            models: OpenModels::new(MODEL_BYTES),
            cache: FeatureCache::new(FEATURE_BYTES),
        }
    }

    /// The device; opens it if necessary.
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

    /// Opens a model beside those that are open: reads its file and builds it on the device.
    ///
    /// Returns immediately if the model is open already. `on_share` gets the fraction that is done, 0..=1, and stops
    /// the operation with `Break`. A failure changes nothing.
    ///
    /// # Errors
    /// When the file cannot be used, the device cannot be opened or `on_share` stops the operation.
    pub fn load(&mut self, source: ModelSource, on_share: OnRead) -> Result<Arc<ModelInfo>, SessionError> {
        // Before the file is read: if it changes meanwhile, it gets another id when it is opened again.
        let id = self.models.number(&source);
        if let Some((info, _)) = self.models.built(id) {
            return Ok(info.clone());
        }
        let start = Instant::now();
        if on_share(0.0).is_break() {
            return Err(CheckpointError::Cancelled.into());
        }
        let file = open(&source)?;
        let (info, network) = self.build(id, source, file, on_share)?;
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
        let failed = |why: SessionError| match why {
            SessionError::Checkpoint(why) if !matches!(why, CheckpointError::Cancelled) => SessionError::Reopen {
                title: title(),
                source: Box::new(why),
            },
            why => why,
        };
        if on_read(0.0).is_break() {
            return Err(CheckpointError::Cancelled.into());
        }
        let file = open(&info.source).map_err(|why| failed(why.into()))?;
        if now != id {
            let name = info.source.name();
            return Err(SessionError::Changed { title: title(), name });
        }
        let (info, network) = self.build(id, info.source.clone(), file, on_read).map_err(failed)?;
        log::info!("read the model {} again", info.title);
        self.models.put(info, network);
        Ok(())
    }

    /// Closes a model and drops its cached features.
    pub fn close(&mut self, id: u64) {
        self.models.close(id);
        self.cache.retain(|key| key.model != id);
    }

    /// All open models, in the order in which they were first opened.
    pub fn models(&self) -> Vec<OpenModel> {
        self.models.list()
    }

    /// Information about an open model.
    pub fn info(&self, id: u64) -> Option<&Arc<ModelInfo>> {
        self.models.info(id)
    }

    /// Moves to another device or precision. If either changes, networks and features are dropped, and models are read
    /// again when they are used.
    ///
    /// A failure changes nothing.
    ///
    /// # Errors
    /// When the device cannot be used, or cannot compute in this precision.
    pub fn change_device(&mut self, choice: DeviceChoice, precision: PrecisionChoice) -> Result<(), SessionError> {
        let device = match &self.device {
            Some(open) if choice == self.choice => open.clone(),
            _ => open_device(choice)?,
        };
        let kernels = kernels()?;
        let after = precision.on(&device, kernels)?;
        let stays = match &self.device {
            Some(old) => {
                let before = self.precision.on(old, kernels);
                old.device == device.device && before.is_ok_and(|before| before == after)
            }
            None => true,
        };
        self.choice = choice;
        self.precision = precision;
        self.device = Some(device);
        if !stays {
            self.models.drop_networks();
            self.cache.clear();
        }
        Ok(())
    }

    /// Whether networks run, or will run, on the CPU.
    pub fn is_on_cpu(&self) -> bool {
        match &self.device {
            Some(open) => open.device == Device::flex(),
            None => self.choice == DeviceChoice::Cpu,
        }
    }

    /// Sets the limit of the feature cache in bytes, and drops features that exceed it; 0 for a run in which no image
    /// occurs twice.
    pub fn limit_features(&mut self, most_bytes: usize) {
        self.cache.set_limit(most_bytes);
    }

    /// Sets the limit of the models in memory in bytes, and drops networks that exceed it; the most recently used one
    /// stays.
    pub fn limit_models(&mut self, most_bytes: usize) {
        self.models.set_limit(most_bytes);
    }

    /// Size of the cached features in bytes.
    pub fn feature_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Segments an image. A model whose network is not in memory is read again first.
    ///
    /// With the device choice `auto`, a run that fails on a GPU is repeated on the CPU, and the session stays there.
    ///
    /// # Errors
    /// When there is no such model or output, a setting is out of bounds, the run is stopped or the device fails.
    pub fn segment(&mut self, task: &Task, on_progress: OnProgress) -> Result<Prediction, SessionError> {
        self.segment_anywhere(task, FeatureCaching::Features, on_progress)
    }

    /// As [`Session::segment`], without caching features: for one of many images, whose features would displace those
    /// of the images on display. Features in the cache are used.
    ///
    /// # Errors
    /// As [`Session::segment`].
    pub fn segment_uncached(&mut self, task: &Task, on_progress: OnProgress) -> Result<Prediction, SessionError> {
        self.segment_anywhere(task, FeatureCaching::Nothing, on_progress)
    }

    fn segment_anywhere(
        &mut self,
        task: &Task,
        keep: FeatureCaching,
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

    fn segment_once(
        &mut self,
        task: &Task,
        keep: FeatureCaching,
        on_progress: OnProgress,
    ) -> Result<Prediction, SessionError> {
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
        // The key does not contain the output: all decoders take the same features.
        let key = FeatureKey {
            photo: task.photo_id,
            model: task.model,
            // Features do not depend on what is done with the labels.
            settings: InferenceConfig {
                refine_edges: false,
                ..settings.clone()
            },
        };
        let run = segment::InferenceRun {
            model: network,
            spec: &info.spec,
            output,
            device: &device,
        };
        if let Some(encoded) = cache.get(&key) {
            let mut counter = BlockCounter::new(&info.spec, output, &passes, true, &device, on_progress);
            return Ok(finished(run.predict(encoded, Duration::ZERO, &mut counter)?, task));
        }
        let mut counter = BlockCounter::new(&info.spec, output, &passes, false, &device, on_progress);
        let size = [photo.width, photo.height];
        let fits = cache.has_room_for(segment::feature_bytes(&passes, &info.spec));
        if keep == FeatureCaching::Nothing || !fits {
            return Ok(finished(run.stream(&passes, size, &mut counter)?, task));
        }
        let encoded = run.encode(&passes, size, &mut counter)?;
        let prediction = run.predict(&encoded, start.elapsed(), &mut counter)?;
        cache.put(key, encoded);
        Ok(finished(prediction, task))
    }

    /// Runs a model on an image and records the attention trace.
    ///
    /// # Errors
    /// When there is no such model, output or window, the run is stopped or the device fails.
    pub fn trace_attention(
        &mut self,
        request: TraceRequest,
        on_progress: OnProgress,
    ) -> Result<TracedImage, SessionError> {
        match self.trace_once(request.clone(), on_progress) {
            Err(SessionError::Segment(SegmentError::Device(why))) if self.choice == DeviceChoice::Auto => {
                self.fall_back(&why)?;
                self.trace_once(request, on_progress)
            }
            done => done,
        }
    }

    fn trace_once(&mut self, request: TraceRequest, on_progress: OnProgress) -> Result<TracedImage, SessionError> {
        let waiting = Progress {
            fraction: 0.0,
            remaining: None,
        };
        self.bring_back(request.model, &mut |_| on_progress(waiting))?;
        let device = self.device()?.device.clone();
        let (info, network) = self.models.built(request.model).ok_or(SessionError::NoModel)?;
        tracing::trace(request, info, network, &device, on_progress)
    }

    /// Runs the encoder of a model over a whole image, reduced to a short side of `short_side` pixels, for teaching. Takes
    /// as long as a segmentation; the tokens are for the caller to keep.
    ///
    /// # Errors
    /// When there is no such model, its encoder has no tokens, the short side is out of bounds, the run is stopped or the
    /// device fails.
    pub fn teaching_tokens(
        &mut self,
        model: u64,
        photo: &Photo,
        short_side: usize,
        on_progress: OnProgress,
    ) -> Result<Tokens, SessionError> {
        match self.tokens_once(model, photo, short_side, on_progress) {
            Err(SessionError::Segment(SegmentError::Device(why))) if self.choice == DeviceChoice::Auto => {
                self.fall_back(&why)?;
                self.tokens_once(model, photo, short_side, on_progress)
            }
            done => done,
        }
    }

    fn tokens_once(
        &mut self,
        model: u64,
        photo: &Photo,
        short_side: usize,
        on_progress: OnProgress,
    ) -> Result<Tokens, SessionError> {
        let waiting = Progress {
            fraction: 0.0,
            remaining: None,
        };
        self.bring_back(model, &mut |_| on_progress(waiting))?;
        let device = self.device()?.device.clone();
        let built = self.models.built(model).ok_or(SessionError::NoModel)?;
        teaching::tokens(photo, short_side, built, &device, on_progress)
    }

    /// Moves to the CPU permanently; the model is read again there.
    fn fall_back(&mut self, why: &str) -> Result<(), DeviceError> {
        log::error!("the GPU failed ({why}); continuing on the CPU");
        self.forget();
        self.choice = DeviceChoice::Cpu;
        if self.precision == PrecisionChoice::Auto {
            // Like the GPU, so that the results of one batch or evaluation are alike.
            self.precision = PrecisionChoice::F32;
        }
        self.device = Some(OpenDevice {
            note: Some(format!("the GPU failed ({why})")),
            gpu_failed: true,
            ..open_device(DeviceChoice::Cpu)?
        });
        Ok(())
    }

    /// Reads the tensors of `file` and builds their network on the device.
    fn build(
        &mut self,
        id: u64,
        source: ModelSource,
        mut file: ModelFile,
        on_read: OnRead,
    ) -> Result<(Arc<ModelInfo>, InferenceNetwork), SessionError> {
        let choice = self.precision;
        let device = self.device()?;
        let kernels = kernels()?;
        let spec = file.spec().clone();
        let precision = choice.on(device, kernels)?;
        let network = InferenceNetwork::build(&spec, &mut file.tensors(on_read), &device.device, precision, kernels)?;
        let Peek {
            classes,
            parameters,
            zero_is_ignored,
            remarks,
            ..
        } = file.into_peek();
        let info = ModelInfo {
            id,
            bytes: network.bytes(),
            title: spec.title(),
            source,
            spec,
            own_classes: classes.clone(),
            classes,
            parameters,
            precision,
            zero_is_ignored,
            remarks,
        };
        Ok((Arc::new(info), network))
    }

    /// Drops networks, features and device, for example after a panic; they are created again when they are used.
    pub fn forget(&mut self) {
        self.models.drop_networks();
        self.cache.clear();
        self.device = None;
    }
}

fn open(source: &ModelSource) -> Result<ModelFile, CheckpointError> {
    match source {
        ModelSource::Embedded => ModelFile::embedded(16),
        ModelSource::EmbeddedWithPatch(patch) => ModelFile::embedded(*patch),
        ModelSource::Path(path) => ModelFile::open(path, None),
        ModelSource::Weights(path, key) => ModelFile::open(path, Some(key)),
    }
}
/// The prediction with what the settings do with its labels.
fn finished(mut prediction: Prediction, task: &Task) -> Prediction {
    if task.settings.refine_edges {
        prediction.refine_edges(task.photo);
    }
    prediction
}
