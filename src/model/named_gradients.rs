//! Gradients and batch statistics of a network under the names of its tensors.

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
    /// With the same values in the same order, but not a parameter: a running statistic of a batch norm.
    Statistic,
    /// A linear weight `[out, in]` that became `[in, out]`.
    Transposed,
    /// A convolution's weight `[out, in, side, side]` that became `[side * side * in, out]`.
    Taps,
}

/// The stored tensor of each parameter of a network.
#[derive(Debug, Default)]
pub struct ParameterNames(HashMap<ParamId, Named>);

/// A tensor's name, its stored shape and its layout as a parameter.
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
    /// The gradients of all parameters from `gradients`, in host memory and with the names, shapes and orientations of
    /// [`super::tensors_of`]. Parameters that the loss does not depend on are left out.
    pub fn named_gradients(&self, names: &ParameterNames, gradients: &Gradients) -> Weights {
        let mut collector = Collector {
            names,
            gradients,
            found: Weights::default(),
        };
        self.visit(&mut collector);
        collector.found
    }

    /// Mean and unbiased variance of the input of each batch norm in the last pass with gradients, under the names of
    /// [`super::tensors_of`]. A batch norm that the pass did not reach has its running statistics.
    pub fn batch_statistics(&self, names: &ParameterNames) -> Weights {
        let mut statistics = Statistics {
            names,
            found: Weights::default(),
        };
        // A network without gradients takes over the statistics that the pass stored in it.
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
