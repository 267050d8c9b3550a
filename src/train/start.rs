//! The initial weights of a training: a backbone adapted to the patch size and crop, and untrained decoders.

use fastrand::Rng;

use crate::checkpoint::Backbone;
use crate::model::{
    DecoderKind, HostTensor, InferenceSpec, ModelSpec, Padding, Refit, RefitError, Role, Weights, WindowMode,
    WindowRules, in_decoder, tensors_of,
};

/// Standard deviation of the initial values of linear layers and class tokens, normally distributed
/// (rstrudel segm/model/utils.py, `init_weights`: truncated at two absolute units, which a deviation this small never
/// reaches).
const LINEAR_DEVIATION: f32 = 0.02;

/// Standard deviation of the initial values of a classifying convolution (mmseg `decode_head.py`).
const CLASSIFIER_DEVIATION: f32 = 0.01;

/// The network to train.
#[derive(Clone, Debug, PartialEq)]
pub struct StartPlan {
    /// Decoders, all on one encoder.
    pub decoders: Vec<DecoderKind>,
    /// Channels of SETR's convolutions.
    pub channels: usize,
    /// Whether SETR's auxiliary heads are trained too.
    pub auxiliary: bool,
    /// Patch size in pixels.
    pub patch: usize,
    /// Side of the crops in pixels, a multiple of the patch; the window of the trained model.
    pub crop: usize,
    /// Short side in pixels at which the trained model runs.
    pub short_side: usize,
    /// Number of classes.
    pub classes: usize,
    /// Random seed.
    pub seed: u64,
}

/// Why training cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Patch or crop do not fit the encoder.
    #[error(transparent)]
    Encoder(#[from] RefitError),
    /// The sizes do not make a network.
    #[error("{0}")]
    Spec(String),
}

/// The network and its initial weights, with the keys of the decoders that start at least partly untrained: those that
/// the file lacks, or has for another number of classes or channels.
///
/// # Errors
/// When the patch size or crop do not fit.
pub fn start_from(mut backbone: Backbone, plan: &StartPlan) -> Result<(ModelSpec, Weights, Vec<String>), StartError> {
    let crop = plan.crop;
    let encoder = backbone.encoder.refit(&Refit {
        patch: plan.patch,
        crop,
        final_norm: plan.decoders.iter().any(|kind| kind.takes_final_norm()),
    })?;
    let decoder = |kind: &DecoderKind| kind.spec_with(&encoder, plan.channels, plan.auxiliary);
    let spec = ModelSpec {
        decoders: plan.decoders.iter().map(decoder).collect(),
        classes: plan.classes,
        normalisation: backbone.normalisation,
        inference: InferenceSpec {
            window: crop,
            stride: crop - crop / 12,
            short_side: Some(plan.short_side),
            rules: WindowRules::Enlarge,
            mode: WindowMode::Slide,
            threshold: None,
            padding: Padding::Zero,
        },
        encoder,
    };
    spec.check().map_err(|why| StartError::Spec(why.to_string()))?;
    let mut rng = Rng::with_seed(plan.seed);
    let mut weights = Weights::default();
    let mut fresh_decoders: Vec<String> = Vec::new();
    for tensor in tensors_of(&spec) {
        let stored = backbone.weights.remove(&tensor.name);
        let stored = stored.map(|stored| backbone.encoder.refit_tensor(&spec.encoder, &tensor.name, stored));
        let made = match stored {
            Some(stored) if stored.shape == tensor.shape => stored,
            Some(_) | None => {
                let decoder = in_decoder(&tensor.name).map(|(key, _)| key);
                if let Some(key) = decoder.filter(|key| !fresh_decoders.iter().any(|other| other == key)) {
                    fresh_decoders.push(key.to_owned());
                }
                HostTensor {
                    values: fresh(tensor.role, &tensor.shape, &mut rng),
                    shape: tensor.shape,
                }
            }
        };
        weights.insert(tensor.name, made);
    }
    Ok((spec, weights, fresh_decoders))
}

/// Initial values of a tensor that is not in the backbone.
fn fresh(role: Role, shape: &[usize], rng: &mut Rng) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let deviation = match role {
        Role::Scale | Role::Variance => return vec![1.0; count],
        Role::Bias | Role::Mean => return vec![0.0; count],
        // Projections of patches and classes: standard normal divided by the square root of the width.
        Role::Projection => (shape[0] as f32).powf(-0.5),
        Role::Classifier => CLASSIFIER_DEVIATION,
        // He initialisation by fan-out (mmcv `kaiming_init`): all dimensions except that of the input channels.
        Role::Kernel => {
            let input = shape.get(1).copied().unwrap_or(1).max(1);
            (2.0 / (count / input) as f32).sqrt()
        }
        Role::Matrix | Role::Embedding => LINEAR_DEVIATION,
    };
    (0..count).map(|_| normal(rng) * deviation).collect()
}

/// A number from the standard normal distribution (Box and Muller).
fn normal(rng: &mut Rng) -> f32 {
    let (radius, angle) = (1.0 - rng.f64(), rng.f64() * std::f64::consts::TAU);
    ((-2.0 * radius.ln()).sqrt() * angle.cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_values_follow_the_published_rules() {
        let mut rng = Rng::with_seed(3);
        let mut deviation = |role: Role, shape: &[usize]| {
            let values = fresh(role, shape, &mut rng);
            (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt()
        };
        assert!((deviation(Role::Matrix, &[100, 100]) - 0.02).abs() < 1e-3);
        assert!((deviation(Role::Projection, &[100, 100]) - 0.1).abs() < 5e-3);
        assert_eq!(deviation(Role::Scale, &[7]), 1.0);
        assert_eq!(deviation(Role::Bias, &[7]), 0.0);
        assert!((deviation(Role::Classifier, &[11, 256, 1, 1]) - 0.01).abs() < 1e-3);
    }
}
