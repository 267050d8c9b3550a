//! Sizes of the mask transformer.

use serde::{Deserialize, Serialize};

use super::super::family::{DecoderFamily, Inputs, Needs, Paper};
use crate::model::spec::{SpecError, between, divides};
use crate::model::tensors::{Role, TensorList};

/// Sizes of the mask transformer: class tokens that attend to the patches, then cosine similarity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskSpec {
    /// Number of blocks; 2 in almost every released checkpoint.
    pub layers: usize,
    /// Attention heads per block.
    pub heads: usize,
    /// Epsilon of every LayerNorm of the decoder.
    pub norm_eps: f64,
}

impl MaskSpec {
    /// The mask transformer as Segmenter's authors build it, on an encoder with `heads` attention heads.
    pub(in crate::model) fn published(heads: usize) -> Self {
        Self {
            layers: 2,
            heads,
            norm_eps: 1e-5,
        }
    }
}

impl DecoderFamily for MaskSpec {
    fn title(&self) -> &'static str {
        "Mask"
    }

    fn paper(&self) -> Paper {
        Paper::Segmenter
    }

    fn described(&self) -> String {
        format!("mask transformer, {} blocks, {} heads", self.layers, self.heads)
    }

    fn needs(&self) -> Needs {
        Needs {
            tokens: true,
            ..Needs::default()
        }
    }

    fn has_batch_norm(&self) -> bool {
        false
    }

    fn steps(&self, _auxiliary: Option<usize>) -> usize {
        self.layers
    }

    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList) {
        let name = |part: &str| format!("{prefix}.{part}");
        let (dim, classes) = (inputs.width(), inputs.classes);
        list.linear(&name("proj_dec"), dim, dim);
        list.add(name("cls_emb"), [1, classes, dim], Role::Embedding);
        for i in 0..self.layers {
            list.block(&name(&format!("blocks.{i}")), dim);
        }
        list.layer_norm(&name("decoder_norm"), dim);
        list.add(name("proj_patch"), [dim, dim], Role::Projection);
        list.add(name("proj_classes"), [dim, dim], Role::Projection);
        list.layer_norm(&name("mask_norm"), classes);
    }

    fn products(&self, _auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64 {
        self.products_over(inputs, cells)
    }

    fn check(&self, inputs: &Inputs) -> Result<(), SpecError> {
        between("decoder layers", self.layers, 1, 128)?;
        between("decoder heads", self.heads, 1, 128)?;
        divides("dim", inputs.width(), "decoder heads", self.heads)
    }
}
