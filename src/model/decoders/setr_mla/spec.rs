//! The spec of SETR MLA.

use serde::{Deserialize, Serialize};

use super::super::family::{DecoderFamily, Inputs, Needs, Paper};
use super::super::{MAX_CHANNELS, SETR_EPS, check_kernel};
use crate::model::spec::{SpecError, between};
use crate::model::tensors::{Place, TensorList};

/// Sizes of SETR MLA. Everything that exists once per path is ordered from the shallowest block to the deepest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetrMlaSpec {
    /// The encoder blocks whose outputs it reads, from 0, ascending.
    pub taps: Vec<usize>,
    /// Epsilon of its LayerNorms.
    pub norm_eps: f64,
    /// Channels of a path; 256 in every published model.
    pub channels: usize,
    /// Channels of a path in the head; 128 in every published model.
    pub head_channels: usize,
    /// Factor by which each path is upsampled before the paths are concatenated.
    pub up: usize,
    /// Whether that upsampling aligns corners: true in the official code, false in mmsegmentation.
    pub align_corners: bool,
    /// Side of the last convolution's kernel: 3 in the official code, 1 in mmsegmentation.
    pub classifier_kernel: usize,
    /// Whether each path has its own auxiliary head.
    pub auxiliary: bool,
}

impl SetrMlaSpec {
    /// MLA on an encoder of `layers` layers, as mmsegmentation builds it; its head has half of the channels.
    pub(in crate::model) fn published(layers: usize, channels: usize, auxiliary: bool) -> Self {
        Self {
            taps: (1..=4).map(|i| (layers / 4 * i).saturating_sub(1)).collect(),
            norm_eps: SETR_EPS,
            channels,
            head_channels: (channels / 2).max(1),
            up: 4,
            align_corners: false,
            classifier_kernel: 1,
            auxiliary,
        }
    }
}

impl DecoderFamily for SetrMlaSpec {
    fn title(&self) -> &'static str {
        "MLA"
    }

    fn paper(&self) -> Paper {
        Paper::Setr
    }

    fn described(&self) -> String {
        let layers: Vec<_> = self.taps.iter().map(|tap| (tap + 1).to_string()).collect();
        format!("SETR MLA, on layers {}", layers.join(", "))
    }

    fn needs(&self) -> Needs {
        Needs {
            taps: self.taps.clone(),
            ..Needs::default()
        }
    }

    fn has_batch_norm(&self) -> bool {
        true
    }

    fn auxiliary_layers(&self) -> Vec<usize> {
        if self.auxiliary { self.taps.clone() } else { Vec::new() }
    }

    fn channels(&self) -> Option<usize> {
        Some(self.channels)
    }

    fn steps(&self, auxiliary: Option<usize>) -> usize {
        match auxiliary {
            None => self.taps.len(),
            Some(_) => 1,
        }
    }

    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList) {
        let (channels, inner) = (self.channels, self.head_channels);
        let paths = self.taps.len();
        for i in 0..paths {
            // The published tenfold learning rate is for tensors with "head" in their names, and these are under `neck`
            // in mmsegmentation and `backbone.mla` in the official code.
            list.at(Place::Neck);
            list.layer_norm(&format!("{prefix}.norms.{i}"), inputs.width());
            list.normed_convolution(&format!("{prefix}.project.{i}"), channels, inputs.width(), 1);
            list.normed_convolution(&format!("{prefix}.smooth.{i}"), channels, channels, 3);
            list.at(Place::Head);
            list.normed_convolution(&format!("{prefix}.refine.{i}.0"), inner, channels, 3);
            list.normed_convolution(&format!("{prefix}.refine.{i}.1"), inner, inner, 3);
            if self.auxiliary {
                list.convolution(&format!("{prefix}.auxiliary.{i}"), inputs.classes, channels, 1);
            }
        }
        let side = self.classifier_kernel;
        list.classifier(&format!("{prefix}.classify"), inputs.classes, paths * inner, side);
    }

    fn products(&self, auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64 {
        self.products_over(auxiliary.is_some(), inputs, cells)
    }

    fn logits_per_cell(&self, auxiliary: Option<usize>, _stride: usize, _left_out: bool) -> usize {
        match auxiliary {
            None => self.up,
            Some(_) => 1,
        }
    }

    fn largest_map(&self, _auxiliary: Option<usize>) -> usize {
        self.largest()
    }

    fn check(&self, _inputs: &Inputs) -> Result<(), SpecError> {
        between("decoder taps", self.taps.len(), 1, 16)?;
        between("decoder channels", self.channels, 1, MAX_CHANNELS)?;
        between("decoder head channels", self.head_channels, 1, MAX_CHANNELS)?;
        between("upsampling", self.up, 1, 16)?;
        check_kernel(self.classifier_kernel)
    }
}
