//! Number of multiplications of the mask transformer.

use super::super::family::Inputs;
use super::spec::MaskSpec;
use crate::model::layers::products_of_block;

impl MaskSpec {
    pub(super) fn products_over(&self, inputs: &Inputs, cells: f64) -> f64 {
        let (dim, classes) = (inputs.width() as f64, inputs.classes as f64);
        let tokens = cells + classes;
        let projections = cells * dim * dim + tokens * dim * dim;
        projections + self.layers as f64 * products_of_block(tokens, dim) + cells * dim * classes
    }
}
