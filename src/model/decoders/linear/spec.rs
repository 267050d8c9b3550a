//! The spec of the linear decoder, which has no sizes.

use super::super::family::{DecoderFamily, Inputs, Needs, Paper};
use super::cost;
use crate::model::spec::SpecError;
use crate::model::tensors::TensorList;

/// The linear decoder: one linear layer on each patch token.
pub(in crate::model) struct LinearSpec;

impl DecoderFamily for LinearSpec {
    fn title(&self) -> &'static str {
        "Linear"
    }

    fn paper(&self) -> Paper {
        Paper::Segmenter
    }

    fn described(&self) -> String {
        "linear".into()
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
        0
    }

    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList) {
        list.linear(&format!("{prefix}.head"), inputs.classes, inputs.width());
    }

    fn products(&self, _auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64 {
        cost::products(inputs, cells)
    }

    fn check(&self, _inputs: &Inputs) -> Result<(), SpecError> {
        Ok(())
    }
}
