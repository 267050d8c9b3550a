//! Photo and model to [`Prediction`]: windows, scales, flips, merging, upsampling and argmax.

mod field;
mod label_pass;
mod plan;
mod row;

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};

pub use field::Field;
pub use label_pass::{Labels, label};
pub use plan::{Pass, PlanError, Settings, padded};

use crate::model::{Cancelled, Features, ModelSpec, Probe, Segmenter};

/// Encoder features of every window of every pass over one photo: what a change of decoder does not change.
#[derive(Clone, Debug)]
pub struct EncodedPhoto {
    /// Width and height of the photo.
    pub output: [usize; 2],
    passes: Vec<EncodedPass>,
}

#[derive(Clone, Debug)]
struct EncodedPass {
    flip: bool,
    size: [usize; 2],
    window: usize,
    columns: Vec<usize>,
    rows: Vec<usize>,
    features: Vec<Features>,
}

/// What a segmentation puts out.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class, confidence and margin per pixel.
    pub labels: Labels,
    /// The merged logits, one field per pass, at patch resolution.
    pub fields: Vec<Field>,
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

/// Why a run came to no result.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It was told to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device could not deliver.
    #[error("the device failed ({0}); try again with the CPU")]
    Device(String),
    /// The network put out something that is no number.
    #[error("the model put out values that are not numbers; its weights are damaged or its normalisation is wrong")]
    NotFinite,
}

/// Runs the encoder over every window of `passes` (see [`Settings::passes`]). `output` is the photo's width and height.
///
/// # Errors
/// [`SegmentError::Cancelled`] when the probe says so.
pub fn encode(
    passes: &[Pass],
    output: [usize; 2],
    model: &Segmenter,
    spec: &ModelSpec,
    device: &Device,
    probe: &mut dyn Probe,
) -> Result<EncodedPhoto, SegmentError> {
    let passes = passes
        .iter()
        .map(|pass| {
            let features = (0..pass.windows())
                .map(|i| {
                    let pixels = pass.pixels(i, &spec.normalisation);
                    let (pixels, [height, width]) = padded(pixels, pass.window, pass.window, spec.encoder.patch);
                    let image = Tensor::from_data(TensorData::new(pixels, [1, 3, height, width]), device);
                    model.encode(image, probe)
                })
                .collect::<Result<_, _>>()?;
            Ok(EncodedPass {
                flip: pass.flip,
                size: pass.size,
                window: pass.window,
                columns: pass.columns.clone(),
                rows: pass.rows.clone(),
                features,
            })
        })
        .collect::<Result<_, SegmentError>>()?;
    Ok(EncodedPhoto { output, passes })
}

/// Runs the decoder over encoded windows; the logits come back to host memory.
///
/// # Errors
/// When the probe says so, the device fails, or a logit is not finite.
pub fn decode(
    encoded: &EncodedPhoto,
    model: &Segmenter,
    spec: &ModelSpec,
    probe: &mut dyn Probe,
) -> Result<Vec<Field>, SegmentError> {
    encoded
        .passes
        .iter()
        .map(|pass| {
            let windows = pass
                .features
                .iter()
                .map(|features| host_logits(model.decode(features, probe)?))
                .collect::<Result<Vec<_>, SegmentError>>()?;
            let [rows, columns] = pass.features.first().map_or([0, 0], |f| f.grid);
            Ok(Field {
                size: pass.size,
                window: [pass.window; 2],
                patch: spec.encoder.patch,
                grid: [columns, rows],
                classes: spec.classes,
                flip: pass.flip,
                columns: pass.columns.clone(),
                rows: pass.rows.clone(),
                windows,
            })
        })
        .collect()
}

fn host_logits(logits: Tensor<3>) -> Result<Vec<f32>, SegmentError> {
    let data = logits
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

/// Decoder and label pass over encoded windows, with `encode_time` taken into the timings.
///
/// # Errors
/// As [`decode`].
pub fn predict(
    encoded: &EncodedPhoto,
    encode_time: Duration,
    model: &Segmenter,
    spec: &ModelSpec,
    probe: &mut dyn Probe,
) -> Result<Prediction, SegmentError> {
    let start = Instant::now();
    let fields = decode(encoded, model, spec, probe)?;
    let decoded = Instant::now();
    let labels = label(&fields, encoded.output);
    let timings = Timings {
        encode: encode_time,
        decode: decoded - start,
        labels: decoded.elapsed(),
    };
    Ok(Prediction {
        labels,
        fields,
        timings,
    })
}

impl EncodedPhoto {
    /// Bytes that the features take, for cache limits.
    pub fn bytes(&self) -> usize {
        let values = |f: &Features| f.tokens.dims().iter().product::<usize>();
        let all = self.passes.iter().flat_map(|p| &p.features);
        all.map(|f| values(f) * size_of::<f32>()).sum()
    }
}

impl Prediction {
    /// Probability of every class at a pixel: the softmax of the merged logits, averaged over the passes.
    pub fn probabilities_at(&self, x: usize, y: usize) -> Vec<f32> {
        let output = [self.labels.map.width, self.labels.map.height];
        let mut mean = Vec::new();
        for field in &self.fields {
            let logits = field.at(x, y, output);
            let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let exps: Vec<f32> = logits.iter().map(|v| (v - best).exp()).collect();
            let scale = 1.0 / (exps.iter().sum::<f32>() * self.fields.len() as f32);
            mean.resize(exps.len(), 0.0);
            for (sum, e) in mean.iter_mut().zip(exps) {
                *sum += scale * e;
            }
        }
        mean
    }
}
