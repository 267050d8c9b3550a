//! The mask transformer forward and backward, for one image.

use multiversion::multiversion;

use super::block::{Block, BlockTrace, Kept};
use super::linear::{Linear, Projection, add};
use super::memory::Buffer;
use super::norm::{Norm, RowStatistics};
use super::parameters::{Gradients, Parameters, Slot};
use crate::model::decoders::MaskSpec;
use crate::model::probe::Stage;
use crate::model::weights::{Weights, WeightsMismatch};
use crate::numeric::{Strided, multiply};

/// See [`crate::model::MaskTransformer`].
#[derive(Debug)]
pub(super) struct Mask {
    project: Linear,
    class_tokens: Slot,
    blocks: Vec<Block>,
    norm: Norm,
    project_patch: Projection,
    project_class: Projection,
    /// Over the classes, after the cosine.
    mask_norm: Norm,
    dim: usize,
}

/// What the backward pass needs.
#[derive(Debug)]
pub(super) struct MaskTrace {
    blocks: Vec<BlockTrace>,
    /// The tokens after the last block, and their statistics.
    x: Buffer,
    rows: RowStatistics,
    normed: Buffer,
    patches: Units,
    classes: Units,
    cosines: Buffer,
    cosine_rows: RowStatistics,
}

/// Rows divided by their lengths.
#[derive(Debug)]
struct Units {
    rows: Buffer,
    lengths: Vec<f32>,
}

impl Mask {
    /// The decoder whose tensors' names begin with `prefix`, for tokens of width `dim`.
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        prefix: &str,
        spec: &MaskSpec,
        dim: usize,
    ) -> Result<Self, WeightsMismatch> {
        let name = |part: &str| format!("{prefix}.{part}");
        let project = Linear::new(parameters, weights, &name("proj_dec"))?;
        let class_tokens = parameters.add(weights, name("cls_emb"))?;
        let sizes = (spec.heads, dim, spec.norm_eps);
        let blocks = (0..spec.layers).map(|i| Block::new(parameters, weights, &name(&format!("blocks.{i}")), sizes));
        Ok(Self {
            project,
            class_tokens,
            blocks: blocks.collect::<Result<_, _>>()?,
            norm: Norm::new(parameters, weights, &name("decoder_norm"), spec.norm_eps)?,
            project_patch: Projection::new(parameters, weights, name("proj_patch"), dim)?,
            project_class: Projection::new(parameters, weights, name("proj_classes"), dim)?,
            mask_norm: Norm::new(parameters, weights, &name("mask_norm"), spec.norm_eps)?,
            dim,
        })
    }

    fn classes(&self, parameters: &Parameters) -> usize {
        parameters[self.class_tokens].len() / self.dim
    }

    /// Logits `[patches, classes]` of patch tokens.
    pub(super) fn forward(
        &self,
        parameters: &Parameters,
        patches: &[f32],
        mut kept: impl FnMut(Stage, usize) -> Kept,
    ) -> (Buffer, MaskTrace) {
        let classes = self.classes(parameters);
        let projected = self.project.forward(parameters, patches);
        let patch_values = projected.len();
        let class_tokens = &parameters[self.class_tokens];
        let mut x = parameters.memory.used(patch_values + class_tokens.len());
        x[..patch_values].copy_from_slice(&projected);
        x[patch_values..].copy_from_slice(class_tokens);
        let tokens = x.len() / self.dim;
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.map(|(i, block)| block.forward(parameters, &mut x, || kept(Stage::Decoder(i), tokens)));
        let blocks = blocks.collect();
        let (normed, rows) = self.norm.forward(parameters, &x);
        let (of_patches, of_classes) = normed.split_at(patch_values);
        let patches = Units::of(self.project_patch.forward(parameters, of_patches), self.dim);
        let class_units = Units::of(self.project_class.forward(parameters, of_classes), self.dim);
        let mut cosines = parameters.memory.used(patch_values / self.dim * classes);
        let turned = Strided::rows(&class_units.rows, self.dim).transposed();
        // In f32 always: the norm after it divides differences between cosines, which are small, by their deviation.
        multiply(
            &Strided::rows(&patches.rows, self.dim),
            &turned,
            &mut cosines,
            classes,
            false,
        );
        let (logits, cosine_rows) = self.mask_norm.forward(parameters, &cosines);
        let trace = MaskTrace {
            blocks,
            x,
            rows,
            normed,
            patches,
            classes: class_units,
            cosines,
            cosine_rows,
        };
        (logits, trace)
    }

    /// Adds the gradients of all parameters and, to `dpatches`, that of the patch tokens, from that of the logits.
    pub(super) fn backward(
        &self,
        parameters: &Parameters,
        patches: &[f32],
        trace: MaskTrace,
        dlogits: &[f32],
        dpatches: &mut [f32],
        gradients: &mut Gradients,
    ) {
        let (dim, classes) = (self.dim, self.classes(parameters));
        let mut dcosines = parameters.memory.zeros(dlogits.len());
        let rows = &trace.cosine_rows;
        self.mask_norm
            .backward(parameters, &trace.cosines, rows, dlogits, &mut dcosines, gradients);
        let dcosines = Strided::rows(&dcosines, classes);
        let mut of_patches = parameters.memory.used(trace.patches.rows.len());
        multiply(
            &dcosines,
            &Strided::rows(&trace.classes.rows, dim),
            &mut of_patches,
            dim,
            false,
        );
        let mut of_classes = parameters.memory.used(trace.classes.rows.len());
        let patch_units = Strided::rows(&trace.patches.rows, dim);
        multiply(&dcosines.transposed(), &patch_units, &mut of_classes, dim, false);
        trace.patches.backward(&mut of_patches, dim);
        trace.classes.backward(&mut of_classes, dim);
        let (normed_patches, normed_classes) = trace.normed.split_at(of_patches.len());
        let patch_values = of_patches.len();
        let mut dnormed = parameters.memory.used(trace.normed.len());
        let of_patches = self
            .project_patch
            .backward(parameters, normed_patches, &of_patches, gradients);
        let of_classes = self
            .project_class
            .backward(parameters, normed_classes, &of_classes, gradients);
        dnormed[..patch_values].copy_from_slice(&of_patches);
        dnormed[patch_values..].copy_from_slice(&of_classes);
        let mut dx = parameters.memory.zeros(dnormed.len());
        self.norm
            .backward(parameters, &trace.x, &trace.rows, &dnormed, &mut dx, gradients);
        for (block, trace) in self.blocks.iter().zip(trace.blocks).rev() {
            block.backward(parameters, trace, &mut dx, gradients);
        }
        let (of_patches, of_classes) = dx.split_at(patch_values);
        add(gradients.of(self.class_tokens), of_classes);
        self.project.learn(parameters, patches, of_patches, gradients);
        add(dpatches, &self.project.backward(parameters, of_patches));
    }
}

impl Units {
    /// The published code adds no epsilon to the lengths.
    fn of(mut rows: Buffer, width: usize) -> Self {
        let lengths = rows.chunks_exact_mut(width).map(make_unit).collect();
        Self { rows, lengths }
    }

    /// Turns the gradient of the divided rows into that of the rows: `(d - u (u d)) / length`.
    fn backward(&self, gradient: &mut [f32], width: usize) {
        let units = self.rows.chunks_exact(width).zip(&self.lengths);
        for (gradient, (unit, length)) in gradient.chunks_exact_mut(width).zip(units) {
            unit_backward(unit, 1.0 / length, gradient);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn make_unit(row: &mut [f32]) -> f32 {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    for x in row {
        *x /= length;
    }
    length
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
fn unit_backward(unit: &[f32], factor: f32, gradient: &mut [f32]) {
    let along: f32 = unit.iter().zip(&*gradient).map(|(u, d)| u * d).sum();
    for (d, u) in gradient.iter_mut().zip(unit) {
        *d = (*d - *u * along) * factor;
    }
}
