//! Maps of a SETR decoder in host memory, and the convolutions over them.

mod convolution;
mod methods;
mod upsampling;
mod winograd;

use burn::tensor::{Device, Tensor, TensorData};

use super::norm::PreparedNorm;
use super::{host_values, normalised};
use crate::model::decoders::Logits;
use crate::model::features::Tokens;
use crate::model::layers::Upsampling;

pub(super) use convolution::PreparedConvolution;

/// The map of one image.
#[derive(Clone, Debug)]
pub(super) struct Map {
    /// `[rows, columns, channels]`.
    pub(super) values: Vec<f32>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) channels: usize,
}

impl Map {
    fn zeros([rows, columns]: [usize; 2], channels: usize) -> Self {
        Self {
            values: vec![0.0; rows * columns * channels],
            rows,
            columns,
            channels,
        }
    }

    /// The patch tokens after layer `layer`, normalised, of each image.
    pub(super) fn of_tap(tokens: &Tokens, layer: usize, norm: &PreparedNorm) -> Vec<Self> {
        let patches = tokens.tap(layer);
        let [_, count, channels] = patches.dims();
        let [rows, columns] = tokens.grid;
        let values = host_values(patches);
        let images = values.chunks_exact(count * channels);
        let map = |patches: &[f32]| Self {
            values: normalised(norm, patches, channels),
            rows,
            columns,
            channels,
        };
        images.map(map).collect()
    }

    /// The map, upsampled.
    pub(super) fn upsampled(&self, upsampling: Upsampling) -> Self {
        upsampling::upsampled(self, upsampling)
    }

    /// `[1, rows, columns, channels]`.
    pub(super) fn to_tensor(&self) -> Tensor<4> {
        let shape = [1, self.rows, self.columns, self.channels];
        Tensor::from_data(TensorData::new(self.values.clone(), shape), &Device::flex())
    }
}

/// The logits of maps of several images.
pub(super) fn logits_of(maps: Vec<Map>) -> Logits {
    let images = maps.len();
    let (mut values, mut grid, mut classes) = (Vec::new(), [0, 0], 0);
    for map in maps {
        (grid, classes) = ([map.rows, map.columns], map.channels);
        if values.is_empty() {
            values = map.values;
        } else {
            values.extend(map.values);
        }
    }
    let data = TensorData::new(values, [images, grid[0] * grid[1], classes]);
    Logits {
        values: Tensor::from_data(data, &Device::flex()),
        grid,
    }
}
