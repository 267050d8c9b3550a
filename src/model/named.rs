//! Gradients of a network under the names of its tensors.

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};

use super::build::transposed;
use super::network::Network;
use super::weights::{HostTensor, Weights};

/// How a stored tensor became a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// With the same values in the same order.
    AsStored,
    /// As it is, and no parameter: what a batch norm goes by.
    Statistic,
    /// A linear weight `[out, in]` that became `[in, out]`.
    Transposed,
    /// A convolution's weight `[out, in, side, side]` that became `[side * side * in, out]`.
    Taps,
}

/// Which parameter of a network each of its tensors became.
#[derive(Debug, Default)]
pub struct ParameterNames(HashMap<ParamId, Named>);

/// A tensor's name, its stored shape, and what was made of it.
#[derive(Debug)]
struct Named {
    name: String,
    shape: Vec<usize>,
    layout: Layout,
}

impl ParameterNames {
    pub(super) fn add(&mut self, id: ParamId, name: String, shape: Vec<usize>, layout: Layout) {
        self.0.insert(id, Named { name, shape, layout });
    }
}

impl Network {
    /// Takes the gradients of all parameters out of `gradients`, in host memory and under the names, shapes and
    /// orientations of [`super::tensors_of`]. Parameters that the loss does not depend on are left out.
    pub fn named_gradients(&self, names: &ParameterNames, gradients: &Gradients) -> Weights {
        let mut collector = Collector {
            names,
            gradients,
            found: Weights::default(),
        };
        self.visit(&mut collector);
        collector.found
    }

    /// Mean and unbiased variance of what went through each batch norm in the last pass for which gradients were wanted,
    /// under the names of [`super::tensors_of`]; those of a batch norm that it did not reach are the running ones.
    pub fn batch_statistics(&self, names: &ParameterNames) -> Weights {
        let mut statistics = Statistics {
            names,
            found: Weights::default(),
        };
        // Without gradients a network takes over what the pass has left in it.
        self.valid().visit(&mut statistics);
        statistics.found
    }
}

struct Statistics<'a> {
    names: &'a ParameterNames,
    found: Weights,
}

impl ModuleVisitor for Statistics<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let is_statistic = |named: &&Named| named.layout == Layout::Statistic;
        let Some(named) = self.names.0.get(&param.id).filter(is_statistic) else {
            return;
        };
        if let Ok(values) = param.val().into_data().try_into_vec::<f32>() {
            let shape = named.shape.clone();
            self.found.insert(named.name.clone(), HostTensor { shape, values });
        }
    }
}

struct Collector<'a> {
    names: &'a ParameterNames,
    gradients: &'a Gradients,
    found: Weights,
}

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(named) = self.names.0.get(&param.id) else {
            return;
        };
        let Some(gradient) = param.val().grad(self.gradients) else {
            return;
        };
        let sizes = gradient.dims();
        let Ok(values) = gradient.into_data().try_into_vec::<f32>() else {
            return;
        };
        let values = match named.layout {
            Layout::AsStored | Layout::Statistic => values,
            Layout::Transposed => transposed(&values, sizes[0], sizes[D - 1]),
            Layout::Taps => untapped(&values, &named.shape),
        };
        let shape = named.shape.clone();
        self.found.insert(named.name.clone(), HostTensor { shape, values });
    }
}

/// `[side * side * in, out]` to `[out, in, side, side]`, which is `shape`.
fn untapped(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let [output, input, side] = [0, 1, 2].map(|axis| shape.get(axis).copied().unwrap_or(1));
    let taps = side * side;
    let mut out = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(output).enumerate() {
        let (tap, channel) = (row / input, row % input);
        for (o, value) in values.iter().enumerate() {
            out[(o * input + channel) * taps + tap] = *value;
        }
    }
    out
}
