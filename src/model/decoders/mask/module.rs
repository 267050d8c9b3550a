//! The mask transformer (arXiv 2105.05633, section 3.2; rstrudel segm/model/decoder.py).

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;

use super::spec::MaskSpec;
use crate::model::build::Builder;
use crate::model::decoders::family::Inputs;
use crate::model::decoders::logits::Logits;
use crate::model::features::Features;
use crate::model::layers::Block;
use crate::model::operations;
use crate::model::probe::{Cancelled, Probe, Stage, block_done};
use crate::model::tensor_source::TensorSource;

/// Class tokens pass through a few blocks together with the patches; the logit of a patch for a class is the cosine of
/// their two tokens, normalised over the classes.
#[derive(Module, Debug)]
pub struct MaskTransformer {
    project: Linear,
    class_tokens: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    /// `[dim, dim]`, applied as `x · M`: no transpose, no bias.
    project_patch: Param<Tensor<2>>,
    /// As `project_patch`.
    project_class: Param<Tensor<2>>,
    /// Norm over the class axis, after the cosine.
    mask_norm: LayerNorm,
}

impl MaskTransformer {
    /// Builds the decoder; `prefix` is the prefix of its tensors' names.
    pub(in crate::model) fn build<S: TensorSource>(
        prefix: &str,
        spec: &MaskSpec,
        inputs: &Inputs,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let name = |part: &str| format!("{prefix}.{part}");
        let (dim, classes) = (inputs.width(), inputs.classes);
        let MaskSpec {
            layers,
            heads,
            norm_eps,
        } = *spec;
        Ok(Self {
            project: b.linear(&name("proj_dec"))?,
            class_tokens: b.param(&name("cls_emb"), [1, classes, dim])?,
            blocks: (0..layers)
                .map(|i| Block::build(b, &name(&format!("blocks.{i}")), heads, norm_eps))
                .collect::<Result<_, _>>()?,
            norm: b.layer_norm(&name("decoder_norm"), norm_eps)?,
            project_patch: b.param(&name("proj_patch"), [dim, dim])?,
            project_class: b.param(&name("proj_classes"), [dim, dim])?,
            mask_norm: b.layer_norm(&name("mask_norm"), norm_eps)?,
        })
    }

    /// The class tokens as they enter the first block, `[classes, dim]`.
    pub fn class_embeddings(&self) -> Tensor<2> {
        self.class_tokens.val().squeeze_dim::<2>(0)
    }

    /// Cosine of each patch with each class, `[batch, patches, classes]`, in -1..1.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn cosines(&self, features: &Features, probe: &mut dyn Probe) -> Result<Tensor<3>, Cancelled> {
        let patches = operations::linear(features.tokens().patches(), &self.project);
        let [batch, count, _] = patches.dims();
        let classes = self.class_tokens.val().repeat_dim(0, batch);
        let class_count = classes.dims()[1];
        // The published order: patches first, classes last, no position embedding for the classes.
        let mut x = Tensor::cat(vec![patches, classes], 1);
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, Stage::Decoder(i), probe);
            block_done(probe, Stage::Decoder(i), &x)?;
        }
        let x = self.norm.forward(x);
        let patches = unit(project(x.clone().narrow(1, 0, count), &self.project_patch));
        let classes = unit(project(x.narrow(1, count, class_count), &self.project_class));
        Ok(patches.matmul(classes.swap_dims(1, 2)))
    }

    /// Logits of each patch.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(&self, features: &Features, probe: &mut dyn Probe) -> Result<Logits, Cancelled> {
        Ok(Logits {
            values: self.mask_norm.forward(self.cosines(features, probe)?),
            grid: features.tokens().grid,
        })
    }
}

fn project(x: Tensor<3>, matrix: &Param<Tensor<2>>) -> Tensor<3> {
    x.matmul(matrix.val().unsqueeze())
}

/// Each token divided by its length; the published code adds no epsilon.
fn unit(x: Tensor<3>) -> Tensor<3> {
    let length = x.clone().powi_scalar(2).sum_dim(2).sqrt();
    x / length
}
