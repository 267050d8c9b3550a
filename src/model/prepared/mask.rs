//! The mask transformer over packed weights.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::blocks::{BlockSizes, PreparedBlocks};
use super::linear::PreparedLinear;
use super::norm::PreparedNorm;
use super::{ProductPlan, host_values, linear_rows, normalised};
use crate::model::build::transposed;
use crate::model::decoders::{Inputs, Logits, MaskSpec};
use crate::model::features::Features;
use crate::model::probe::{Cancelled, Probe, Stage};
use crate::model::tensor_source::TensorSource;
use crate::numeric::{Arithmetic, Kernels};

/// The mask decoder; see [`crate::model::MaskTransformer`].
#[derive(Debug)]
pub(super) struct PreparedMask {
    project: PreparedLinear,
    /// `[classes, dim]`.
    class_tokens: Vec<f32>,
    blocks: PreparedBlocks,
    norm: PreparedNorm,
    project_patch: PreparedLinear,
    project_class: PreparedLinear,
    /// Over the classes, after the cosine.
    mask_norm: PreparedNorm,
    dim: usize,
    kernels: Kernels,
}

impl PreparedMask {
    /// Takes the decoder's tensors, whose names begin with `prefix`, out of `tensors`.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        prefix: &str,
        spec: &MaskSpec,
        inputs: &Inputs,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let name = |part: &str| format!("{prefix}.{part}");
        let dim = inputs.width();
        let sizes = BlockSizes {
            count: spec.layers,
            heads: spec.heads,
            dim,
            epsilon: spec.norm_eps,
        };
        // Applied as `x · M`: no bias, and the outputs are the columns.
        let mut matrix = |part: &str| {
            let stored = tensors.take(&name(part))?;
            let turned = transposed(&stored.values, dim, dim);
            Ok(PreparedLinear::of_values(&turned, [dim, dim], &[], plan.rest, kernels))
        };
        Ok(Self {
            project_patch: matrix("proj_patch")?,
            project_class: matrix("proj_classes")?,
            project: PreparedLinear::take(tensors, &name("proj_dec"), plan.rest, kernels)?,
            class_tokens: tensors.take(&name("cls_emb"))?.values,
            blocks: PreparedBlocks::take(tensors, &name("blocks"), &sizes, plan, kernels)?,
            norm: PreparedNorm::take(tensors, &name("decoder_norm"), spec.norm_eps)?,
            mask_norm: PreparedNorm::take(tensors, &name("mask_norm"), spec.norm_eps)?,
            dim,
            kernels,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let linear = [&self.project, &self.project_patch, &self.project_class].map(PreparedLinear::bytes);
        let norms = [&self.norm, &self.mask_norm].map(PreparedNorm::bytes);
        let sums = [linear.iter().sum(), norms.iter().sum(), self.blocks.bytes()];
        sums.iter().sum::<usize>() + size_of_val(&*self.class_tokens)
    }

    /// The class tokens as they enter the first block, `[classes, dim]`.
    pub(super) fn class_tokens(&self) -> &[f32] {
        &self.class_tokens
    }

    /// Logits of each patch.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub(super) fn forward(&self, features: &Features, probe: &mut dyn Probe) -> Result<Logits, Cancelled> {
        let (dim, classes) = (self.dim, self.class_tokens.len() / self.dim);
        let patches = features.tokens().patches();
        let [images, count, width] = patches.dims();
        let patches = host_values(patches);
        let mut logits = Vec::with_capacity(images * count * classes);
        for patches in patches.chunks_exact(count * width) {
            // The published order: patches first, classes last, no position embedding for the classes.
            let mut x = linear_rows(&self.project, patches);
            x.extend_from_slice(&self.class_tokens);
            self.blocks.run(&mut x, Stage::Decoder, probe, |_, _| {})?;
            let x = normalised(&self.norm, &x, dim);
            let (patches, class_rows) = x.split_at(count * dim);
            let [mut patches, mut class_rows] = [
                linear_rows(&self.project_patch, patches),
                linear_rows(&self.project_class, class_rows),
            ];
            make_unit(&mut patches, dim);
            make_unit(&mut class_rows, dim);
            // Cosines are compared with each other, so they stay f32.
            let cosines = PreparedLinear::of_values(&class_rows, [classes, dim], &[], Arithmetic::F32, self.kernels);
            logits.extend(normalised(&self.mask_norm, &linear_rows(&cosines, &patches), classes));
        }
        let data = TensorData::new(logits, [images, count, classes]);
        Ok(Logits {
            values: Tensor::from_data(data, &Device::flex()),
            grid: features.tokens().grid,
        })
    }
}

/// Divides each row by its length; the published code adds no epsilon.
fn make_unit(rows: &mut [f32], dim: usize) {
    rows.par_chunks_exact_mut(dim).for_each(|row| {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    });
}
