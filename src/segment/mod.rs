//! From an image and a model to a [`Prediction`]: windows, scales, flips, merging, upsampling and argmax.

mod edges;
mod label_pass;
mod passes;
mod row;
mod tokens;
mod trace;
mod window_logits;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};

pub use label_pass::{Labels, label};
pub use passes::{InferenceConfig, Pass, PlanError, padded};
pub use trace::{Frame, Region};
pub use window_logits::WindowLogits;

use crate::model::{Cancelled, Features, InferenceNetwork, LastUpsampling, Logits, ModelSpec, NoProbe, Output, Probe};
use crate::photo::Photo;
use passes::padded_with;

/// Encoder features of every window of every pass over one image. All decoders can use them.
#[derive(Clone, Debug)]
pub struct EncodedPhoto {
    /// Width and height of the image.
    pub output: [usize; 2],
    passes: Vec<EncodedPass>,
}

#[derive(Clone, Debug)]
struct EncodedPass {
    cut: Cut,
    features: Vec<Features>,
}

/// How a pass was cut into windows.
#[derive(Clone, Debug)]
struct Cut {
    flip: bool,
    size: [usize; 2],
    window: [usize; 2],
    columns: Vec<usize>,
    rows: Vec<usize>,
}

impl Cut {
    fn of(pass: &Pass) -> Self {
        Self {
            flip: pass.flip,
            size: pass.size,
            window: pass.window,
            columns: pass.columns.clone(),
            rows: pass.rows.clone(),
        }
    }

    /// Width and height of a window including its padding.
    fn padded_window(&self, spec: &ModelSpec) -> [usize; 2] {
        self.window.map(|side| side.next_multiple_of(spec.encoder.multiple()))
    }

    /// Whether a head can leave its last upsampling to the label pass, which then does both in one bilinear step.
    fn last_upsampling(&self, spec: &ModelSpec) -> LastUpsampling {
        if self.padded_window(spec) == self.window {
            LastUpsampling::LeftOut
        } else {
            LastUpsampling::Here
        }
    }

    /// The logits of all windows; `grid` is columns and rows.
    fn field(&self, spec: &ModelSpec, grid: [usize; 2], windows: Vec<Vec<f32>>) -> WindowLogits {
        WindowLogits {
            size: self.size,
            window: self.window,
            stretch: if spec.inference.crops_padding() {
                self.padded_window(spec)
            } else {
                self.window
            },
            grid,
            classes: spec.classes,
            threshold: spec.inference.threshold,
            flip: self.flip,
            columns: self.columns.clone(),
            rows: self.rows.clone(),
            windows,
        }
    }
}

/// The output of a segmentation.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class, confidence and margin per pixel.
    pub labels: Labels,
    /// The logits of each pass, at the output resolution of the decoder.
    pub fields: Vec<WindowLogits>,
    /// Time per stage.
    pub timings: Timings,
}

/// Time per stage of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Scaling, normalising, windows and the encoder; zero when features were cached.
    pub encode: Duration,
    /// The decoder, until its logits are in host memory.
    pub decode: Duration,
    /// The label pass.
    pub labels: Duration,
}

impl Timings {
    /// All stages.
    pub fn total(&self) -> Duration {
        self.encode + self.decode + self.labels
    }
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The run was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device failed.
    #[error("the device failed ({0}); try again with the CPU")]
    Device(String),
    /// The decoder's output for all windows would need too much memory.
    #[error(
        "the decoder would need {needed_gib} GiB for this image, more than {MAX_DECODED_GIB}; reduce its short side \
         or the window, use one scale, or use a decoder that works at a lower resolution"
    )]
    TooMuchMemory {
        /// Memory for the logits of all windows of all scales and flips, and for the largest intermediate map.
        needed_gib: usize,
    },
    /// The output of the network contains NaN or infinite values.
    #[error("the model produced NaN or infinite values; its weights are damaged or its normalisation is wrong")]
    NotFinite,
}

/// Memory limit of a decoder: half the memory of an ordinary machine.
const MAX_DECODED_GIB: usize = 4;

/// Watches a run: blocks of the network, then rows of the label pass.
pub trait Watch: Probe {
    /// Called after some rows of the label pass. `Break` stops the run.
    fn rows(&mut self, _done: usize, _total: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// The error of the device if it made the watch stop the run; `None` if the run was cancelled.
    fn device_error(&mut self) -> Option<String> {
        None
    }
}

impl Watch for NoProbe {}

/// A network on a device, ready to run over images.
#[derive(Clone, Copy, Debug)]
pub struct InferenceRun<'a> {
    /// The network.
    pub model: &'a InferenceNetwork,
    /// Its sizes and inference settings.
    pub spec: &'a ModelSpec,
    /// The output to compute.
    pub output: Output,
    /// The device that it was built on.
    pub device: &'a Device,
}

impl InferenceRun<'_> {
    /// Runs the encoder over every window of `passes` (see [`InferenceConfig::passes`]).
    ///
    /// `output` is the width and height of the image.
    ///
    /// # Errors
    /// When the watch stops the run or the device fails.
    pub fn encode(
        &self,
        passes: &[Pass],
        output: [usize; 2],
        watch: &mut dyn Watch,
    ) -> Result<EncodedPhoto, SegmentError> {
        self.check_memory(passes.iter().map(|pass| (pass.windows(), pass.window)))?;
        let mut encoded = Vec::new();
        for pass in passes {
            let features = (0..pass.windows())
                .map(|i| self.encode_window(pass, i, watch))
                .collect::<Result<_, _>>()?;
            encoded.push(EncodedPass {
                cut: Cut::of(pass),
                features,
            });
        }
        Ok(EncodedPhoto {
            output,
            passes: encoded,
        })
    }

    /// Refuses a run whose logits and largest map would not fit into memory, before anything is computed. `windows` has
    /// the number and size of the windows of each pass.
    fn check_memory(&self, windows: impl Iterator<Item = (usize, [usize; 2])>) -> Result<(), SegmentError> {
        let (mut logits, mut map) = (0usize, 0usize);
        for (count, window) in windows {
            let [of_logits, of_map] = self.spec.decoded_values(self.output, window);
            logits = logits.saturating_add(of_logits.saturating_mul(count));
            map = map.max(of_map);
        }
        let bytes = logits.saturating_add(map).saturating_mul(size_of::<f32>());
        let needed_gib = bytes.div_ceil(1 << 30);
        if needed_gib > MAX_DECODED_GIB {
            return Err(SegmentError::TooMuchMemory { needed_gib });
        }
        Ok(())
    }

    fn encode_window(&self, pass: &Pass, i: usize, watch: &mut dyn Watch) -> Result<Features, SegmentError> {
        let pixels = pass.pixels(i, &self.spec.normalisation);
        let [width, height] = pass.window;
        let padding = self.spec.inference.padding;
        let (pixels, [height, width]) = padded_with(padding, pixels, [height, width], self.spec.encoder.multiple());
        let image = Tensor::from_data(TensorData::new(pixels, [1, 3, height, width]), self.device);
        self.model.encode(image, watch).map_err(|e| stopped(e, watch))
    }

    /// Logits of one window, and their number of columns and rows.
    fn decode_window(
        &self,
        features: &Features,
        cut: &Cut,
        watch: &mut dyn Watch,
    ) -> Result<(Vec<f32>, [usize; 2]), SegmentError> {
        let last = cut.last_upsampling(self.spec);
        let decoded = self.model.decode(features, self.output, last, watch);
        let Logits { values, grid } = decoded.map_err(|e| stopped(e, watch))?;
        Ok((host_values(values)?, [grid[1], grid[0]]))
    }

    /// Runs the decoder over encoded windows and copies the logits to host memory.
    ///
    /// # Errors
    /// When the watch stops the run, the device fails, or a logit is not finite.
    pub fn decode(&self, encoded: &EncodedPhoto, watch: &mut dyn Watch) -> Result<Vec<WindowLogits>, SegmentError> {
        self.check_memory(encoded.passes.iter().map(|pass| (pass.features.len(), pass.cut.window)))?;
        let mut fields = Vec::new();
        for pass in &encoded.passes {
            let mut windows = Vec::new();
            let mut grid = [1; 2];
            for features in &pass.features {
                let (logits, size) = self.decode_window(features, &pass.cut, watch)?;
                windows.push(logits);
                grid = size;
            }
            fields.push(pass.cut.field(self.spec, grid, windows));
        }
        Ok(fields)
    }

    /// Runs the decoder and the label pass over encoded windows; `encode_time` is copied to the timings.
    ///
    /// # Errors
    /// As [`InferenceRun::decode`].
    pub fn predict(
        &self,
        encoded: &EncodedPhoto,
        encode_time: Duration,
        watch: &mut dyn Watch,
    ) -> Result<Prediction, SegmentError> {
        let start = Instant::now();
        let fields = self.decode(encoded, watch)?;
        let timings = Timings {
            encode: encode_time,
            decode: start.elapsed(),
            labels: Duration::ZERO,
        };
        finish(fields, encoded.output, timings, watch)
    }

    /// Runs encoder and decoder window by window, for images whose features would not fit into memory together.
    ///
    /// # Errors
    /// As [`InferenceRun::decode`].
    pub fn stream(
        &self,
        passes: &[Pass],
        output: [usize; 2],
        watch: &mut dyn Watch,
    ) -> Result<Prediction, SegmentError> {
        self.check_memory(passes.iter().map(|pass| (pass.windows(), pass.window)))?;
        let mut timings = Timings::default();
        let mut fields = Vec::new();
        for pass in passes {
            let cut = Cut::of(pass);
            let mut windows = Vec::new();
            let mut grid = [1; 2];
            for i in 0..pass.windows() {
                let start = Instant::now();
                let features = self.encode_window(pass, i, watch)?;
                timings.encode += start.elapsed();
                let start = Instant::now();
                let (logits, size) = self.decode_window(&features, &cut, watch)?;
                windows.push(logits);
                grid = size;
                timings.decode += start.elapsed();
            }
            fields.push(cut.field(self.spec, grid, windows));
        }
        finish(fields, output, timings, watch)
    }
}

/// Size in bytes of the features of all windows of `passes`.
pub fn feature_bytes(passes: &[Pass], spec: &ModelSpec) -> usize {
    let of_pass = |pass: &Pass| pass.windows() * spec.feature_bytes(pass.window);
    passes.iter().map(of_pass).sum()
}

fn finish(
    fields: Vec<WindowLogits>,
    output: [usize; 2],
    mut timings: Timings,
    watch: &mut dyn Watch,
) -> Result<Prediction, SegmentError> {
    let start = Instant::now();
    let labels = label_pass::label_watched(&fields, output, watch)?;
    timings.labels = start.elapsed();
    Ok(Prediction {
        labels,
        fields,
        timings,
    })
}

fn stopped(cancelled: Cancelled, watch: &mut dyn Watch) -> SegmentError {
    match watch.device_error() {
        Some(why) => SegmentError::Device(why),
        None => cancelled.into(),
    }
}

/// The values of a tensor, all of them finite.
fn host_values(tensor: Tensor<3>) -> Result<Vec<f32>, SegmentError> {
    let data = tensor
        .try_into_data()
        .map_err(|e| SegmentError::Device(format!("{e:?}")))?;
    let values: Vec<f32> = data
        .try_into_vec()
        .map_err(|e| SegmentError::Device(format!("{e:?}")))?;
    if values.iter().all(|v| v.is_finite()) {
        Ok(values)
    } else {
        Err(SegmentError::NotFinite)
    }
}

impl EncodedPhoto {
    /// Size of the features in bytes, for cache limits.
    pub fn bytes(&self) -> usize {
        self.passes.iter().flat_map(|p| &p.features).map(Features::bytes).sum()
    }
}

impl Prediction {
    /// Probability of every class at a pixel: the softmax of the merged logits, averaged over the passes.
    pub fn probabilities_at(&self, x: usize, y: usize) -> Vec<f32> {
        let output = [self.labels.map.width, self.labels.map.height];
        let mut mean = vec![0.0; self.fields.first().map_or(0, |field| field.classes)];
        mean_probabilities(&self.fields, [x, y], output, &mut mean);
        mean
    }

    /// Makes the labels follow the edges of the photo, whose size they have. The logits stay. The time is added to that of
    /// the label pass. Labels of a model whose one class is chosen by a threshold stay, too.
    pub fn refine_edges(&mut self, photo: &Photo) {
        let start = Instant::now();
        if let Some(labels) = edges::refined(&self.fields, photo) {
            self.labels = labels;
        }
        self.timings.labels += start.elapsed();
    }
}

/// Adds the mean softmax over the passes at a pixel of an output to `mean`, which has a value for each class.
fn mean_probabilities(fields: &[WindowLogits], [x, y]: [usize; 2], output: [usize; 2], mean: &mut [f32]) {
    for field in fields {
        let logits = field.at(x, y, output);
        let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exps: Vec<f32> = logits.iter().map(|v| (v - best).exp()).collect();
        let scale = 1.0 / (exps.iter().sum::<f32>() * fields.len() as f32);
        for (sum, e) in mean.iter_mut().zip(exps) {
            *sum += scale * e;
        }
    }
}
