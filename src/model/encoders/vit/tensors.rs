//! The tensors of a Vision Transformer.

use super::spec::VitSpec;
use crate::model::tensors::{Place, Role, TensorList};

impl VitSpec {
    pub(super) fn list_tensors(&self, list: &mut TensorList) {
        let (dim, patch) = (self.dim, self.patch);
        list.at(Place::Stem);
        list.add("encoder.patch_embed.proj.weight", [dim, 3, patch, patch], Role::Kernel);
        list.add("encoder.patch_embed.proj.bias", [dim], Role::Bias);
        if self.class_token {
            list.add("encoder.cls_token", [1, 1, dim], Role::Embedding);
        }
        if self.distilled {
            list.add("encoder.dist_token", [1, 1, dim], Role::Embedding);
        }
        let positions = self.extra_tokens() + self.grid[0] * self.grid[1];
        list.add("encoder.pos_embed", [1, positions, dim], Role::Embedding);
        for i in 0..self.depth {
            list.at(Place::Layer(i));
            list.block(&format!("encoder.blocks.{i}"), dim);
        }
        if self.final_norm {
            list.at(Place::Layer(self.depth));
            list.layer_norm("encoder.norm", dim);
        }
    }
}
