//! What training begins with: a backbone's weights for another patch and crop, and decoders that have learnt nothing.

use fastrand::Rng;

use crate::checkpoint::Backbone;
use crate::model::{
    DecoderKind, HostTensor, InferenceSpec, ModelSpec, PositionResize, Role, Weights, WindowMode, WindowRules,
    in_decoder, resized_positions, tensors_of,
};

/// Deviation of the normal distribution that linear layers and class tokens begin with
/// (rstrudel segm/model/utils.py, `init_weights`: truncated at two absolute units, which a deviation this small never
/// reaches).
const LINEAR_DEVIATION: f32 = 0.02;

/// That of a convolution that classifies (mmseg `decode_head.py`).
const CLASSIFIER_DEVIATION: f32 = 0.01;

/// What is to be trained.
#[derive(Clone, Debug, PartialEq)]
pub struct StartPlan {
    /// Decoders, all on one encoder.
    pub decoders: Vec<DecoderKind>,
    /// Channels of SETR's convolutions.
    pub channels: usize,
    /// Whether SETR's auxiliary heads are trained, too.
    pub auxiliary: bool,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Side of the crops in pixels, a multiple of the patch; the window of the trained model.
    pub crop: usize,
    /// Short side in pixels at which the trained model sees pictures.
    pub short_side: usize,
    /// How many classes there are.
    pub classes: usize,
    /// Where random numbers begin.
    pub seed: u64,
}

/// Why training cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The patch cannot be made from the backbone's.
    #[error("patch: expected the backbone's {own}, or a multiple or a whole part of it, found {found}")]
    Patch {
        /// The backbone's.
        own: usize,
        /// What was wanted.
        found: usize,
    },
    /// The crop is no multiple of the patch.
    #[error("crop: expected a multiple of the patch {patch}, found {crop}")]
    Crop {
        /// The patch.
        patch: usize,
        /// The crop.
        crop: usize,
    },
    /// The sizes do not make a network.
    #[error("{0}")]
    Spec(String),
}

/// The network and its first weights, with the keys of the decoders that begin, at least in part, with nothing learnt:
/// those that the file does not have, or not for as many classes and channels.
///
/// # Errors
/// When patch or crop do not fit.
pub fn start_from(mut backbone: Backbone, plan: &StartPlan) -> Result<(ModelSpec, Weights, Vec<String>), StartError> {
    let own = backbone.encoder.patch;
    let (patch, crop) = (plan.patch, plan.crop);
    if patch == 0 || !patch.is_multiple_of(own) && !own.is_multiple_of(patch) {
        return Err(StartError::Patch { own, found: patch });
    }
    if crop == 0 || !crop.is_multiple_of(patch) {
        return Err(StartError::Crop { patch, crop });
    }
    let mut encoder = backbone.encoder.clone();
    let stored_grid = encoder.grid;
    encoder.patch = patch;
    encoder.grid = [crop / patch; 2];
    encoder.position_resize = PositionResize::Bilinear;
    // What the published encoders have, whatever the backbone was trained with: rstrudel's a final norm and an epsilon of
    // 1e-5, SETR's neither.
    encoder.final_norm = plan.decoders.iter().any(|kind| kind.takes_final_norm());
    encoder.norm_eps = if encoder.final_norm { 1e-5 } else { 1e-6 };
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
        },
        encoder,
    };
    spec.check().map_err(|why| StartError::Spec(why.to_string()))?;
    let mut rng = Rng::with_seed(plan.seed);
    let mut weights = Weights::default();
    let mut fresh_decoders: Vec<String> = Vec::new();
    for tensor in tensors_of(&spec) {
        let made = match (tensor.name.as_str(), backbone.weights.take(&tensor.name)) {
            ("encoder.pos_embed", Some(stored)) => {
                resized_positions(&stored, stored_grid, spec.encoder.grid, PositionResize::Bilinear)
            }
            ("encoder.patch_embed.proj.weight", Some(stored)) => resampled_patches(&stored, patch),
            (_, Some(stored)) if stored.shape == tensor.shape => stored,
            (name, _) => {
                let decoder = in_decoder(name).map(|(key, _)| key);
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

/// Patch filters `[dim, 3, side, side]` for another side: what they see in a picture that is enlarged or reduced by the
/// ratio of the sides stays the same.
fn resampled_patches(stored: &HostTensor, side: usize) -> HostTensor {
    let own = stored.shape.last().copied().unwrap_or(side);
    if own == side {
        return stored.clone();
    }
    let mut values = Vec::with_capacity(stored.values.len() / (own * own) * side * side);
    for filter in stored.values.chunks_exact(own * own) {
        for y in 0..side {
            for x in 0..side {
                values.push(match own > side {
                    // A pixel stands for a block of equal ones.
                    true => {
                        let step = own / side;
                        let rows = y * step..(y + 1) * step;
                        rows.map(|row| filter[row * own + x * step..][..step].iter().sum::<f32>())
                            .sum()
                    }
                    // A block is seen as its mean.
                    false => {
                        let step = side / own;
                        filter[y / step * own + x / step] / (step * step) as f32
                    }
                });
            }
        }
    }
    let mut shape = stored.shape.clone();
    let axes = shape.len();
    shape[axes - 2..].fill(side);
    HostTensor { shape, values }
}

/// Values of a tensor that no backbone has.
fn fresh(role: Role, shape: &[usize], rng: &mut Rng) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let deviation = match role {
        Role::Scale | Role::Variance => return vec![1.0; count],
        Role::Bias | Role::Mean => return vec![0.0; count],
        // Projections of patches and classes: standard normal over the root of the width.
        Role::Projection => (shape[0] as f32).powf(-0.5),
        Role::Classifier => CLASSIFIER_DEVIATION,
        // He's, by what goes out (mmcv `kaiming_init`): all sides but the one of the input.
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
    fn filters_see_the_same_at_another_size() {
        let own = HostTensor {
            shape: vec![1, 1, 4, 4],
            values: (0..16).map(|i| i as f32).collect(),
        };
        // A picture of one colour says as much to each.
        for side in [2, 8] {
            let resampled = resampled_patches(&own, side);
            assert_eq!(resampled.shape, [1, 1, side, side]);
            let sum: f32 = resampled.values.iter().sum();
            assert!((sum - 120.0).abs() < 1e-3, "{side}: {sum}");
        }
        // An enlarged patch says to the own filter what the patch says to the resampled one.
        let small = [3.0, -1.0, 0.5, 2.0];
        let enlarged = |i: usize| small[i / 4 / 2 * 2 + i % 4 / 2];
        let to_own: f32 = own.values.iter().enumerate().map(|(i, w)| w * enlarged(i)).sum();
        let resampled = resampled_patches(&own, 2).values;
        let to_small: f32 = resampled.iter().zip(small).map(|(w, v)| w * v).sum();
        assert!((to_own - to_small).abs() < 1e-4, "{to_own} {to_small}");
        // A larger patch is seen as the means of its blocks.
        let large = |i: usize| (i * 7 % 13) as f32;
        let mean = |i: usize| {
            let (y, x) = (i / 4 * 2, i % 4 * 2);
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(dy, dx)| large((y + dy) * 8 + x + dx))
                .iter()
                .sum::<f32>()
                / 4.0
        };
        let to_own: f32 = own.values.iter().enumerate().map(|(i, w)| w * mean(i)).sum();
        let resampled = resampled_patches(&own, 8).values;
        let to_large: f32 = resampled.iter().enumerate().map(|(i, w)| w * large(i)).sum();
        assert!((to_own - to_large).abs() < 1e-2, "{to_own} {to_large}");
    }

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
