//! Linear layers forward and backward.

use multiversion::multiversion;

use super::memory::Buffer;
use super::parameters::{Gradients, Parameters, Slot};
use crate::model::weights::{Weights, WeightsMismatch};
use crate::numeric::Strided;

/// `y = x Wᵀ + b`, the weight `[outputs, inputs]` as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    weight: Slot,
    bias: Slot,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl Linear {
    /// The layer of `name.weight` and `name.bias`.
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        name: &str,
    ) -> Result<Self, WeightsMismatch> {
        let weight = parameters.add(weights, format!("{name}.weight"))?;
        let bias = parameters.add(weights, format!("{name}.bias"))?;
        let outputs = parameters[bias].len();
        let inputs = parameters[weight].len() / outputs.max(1);
        Ok(Self {
            weight,
            bias,
            inputs,
            outputs,
        })
    }

    /// The outputs for rows `x`.
    pub(super) fn forward(&self, parameters: &Parameters, x: &[f32]) -> Buffer {
        let mut y = self.product(parameters, x);
        add_to_each_row(&mut y, &parameters[self.bias]);
        y
    }

    /// The outputs for rows `x` without the bias.
    pub(super) fn product(&self, parameters: &Parameters, x: &[f32]) -> Buffer {
        let mut y = parameters.memory.used(x.len() / self.inputs * self.outputs);
        let weight = Strided::rows(&parameters[self.weight], self.inputs).transposed();
        parameters
            .products
            .multiply(&Strided::rows(x, self.inputs), &weight, &mut y, self.outputs, false);
        y
    }

    pub(super) fn bias<'p>(&self, parameters: &'p Parameters) -> &'p [f32] {
        &parameters[self.bias]
    }

    /// Adds the gradients of weight and bias, for rows `x` and the gradient `dy` of their outputs.
    pub(super) fn learn(&self, parameters: &Parameters, x: &[f32], dy: &[f32], gradients: &mut Gradients) {
        let [weight, bias] = gradients.pair(self.weight, self.bias);
        let dy_rows = Strided::rows(dy, self.outputs);
        parameters.products.multiply(
            &dy_rows.transposed(),
            &Strided::rows(x, self.inputs),
            weight,
            self.inputs,
            true,
        );
        add_rows(dy, bias);
    }

    /// The gradient of the rows `x`, from that of their outputs.
    pub(super) fn backward(&self, parameters: &Parameters, dy: &[f32]) -> Buffer {
        let mut dx = parameters.memory.used(dy.len() / self.outputs * self.inputs);
        let weight = Strided::rows(&parameters[self.weight], self.inputs);
        parameters
            .products
            .multiply(&Strided::rows(dy, self.outputs), &weight, &mut dx, self.inputs, false);
        dx
    }
}

/// `y = x M`, a matrix `[dim, dim]` that is applied from the right, without a bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection {
    matrix: Slot,
    dim: usize,
}

impl Projection {
    pub(super) fn new<'a>(
        parameters: &mut Parameters<'a>,
        weights: &'a Weights,
        name: String,
        dim: usize,
    ) -> Result<Self, WeightsMismatch> {
        let matrix = parameters.add(weights, name)?;
        Ok(Self { matrix, dim })
    }

    /// The outputs for rows `x`.
    pub(super) fn forward(&self, parameters: &Parameters, x: &[f32]) -> Buffer {
        let mut y = parameters.memory.used(x.len());
        let matrix = Strided::rows(&parameters[self.matrix], self.dim);
        parameters
            .products
            .multiply(&Strided::rows(x, self.dim), &matrix, &mut y, self.dim, false);
        y
    }

    /// Adds the gradient of the matrix, and returns that of the rows `x`.
    pub(super) fn backward(&self, parameters: &Parameters, x: &[f32], dy: &[f32], gradients: &mut Gradients) -> Buffer {
        let dy = Strided::rows(dy, self.dim);
        parameters.products.multiply(
            &Strided::rows(x, self.dim).transposed(),
            &dy,
            gradients.of(self.matrix),
            self.dim,
            true,
        );
        let mut dx = parameters.memory.used(x.len());
        let matrix = Strided::rows(&parameters[self.matrix], self.dim).transposed();
        parameters.products.multiply(&dy, &matrix, &mut dx, self.dim, false);
        dx
    }
}

/// Adds `bias` to each row.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add_to_each_row(rows: &mut [f32], bias: &[f32]) {
    for row in rows.chunks_exact_mut(bias.len().max(1)) {
        for (x, b) in row.iter_mut().zip(bias) {
            *x += *b;
        }
    }
}

/// Adds the sum of all rows to `sums`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add_rows(rows: &[f32], sums: &mut [f32]) {
    for row in rows.chunks_exact(sums.len().max(1)) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += *x;
        }
    }
}

/// Adds `update` to `x`.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn add(x: &mut [f32], update: &[f32]) {
    for (x, update) in x.iter_mut().zip(update) {
        *x += *update;
    }
}
