//! How many multiplications it needs.

use super::super::head::Inputs;

pub(super) fn products(inputs: &Inputs, cells: f64) -> f64 {
    cells * inputs.width() as f64 * inputs.classes as f64
}
