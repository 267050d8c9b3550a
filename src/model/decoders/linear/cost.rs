//! Number of multiplications of the linear decoder.

use super::super::family::Inputs;

pub(super) fn products(inputs: &Inputs, cells: f64) -> f64 {
    cells * inputs.width() as f64 * inputs.classes as f64
}
