//! Sizes of SETR Naive and PUP.

use serde::{Deserialize, Serialize};

use super::super::family::{DecoderFamily, Inputs, Needs, Paper};
use super::super::{MAX_CHANNELS, SETR_EPS, check_kernel};
use crate::model::spec::{SpecError, between};
use crate::model::tensors::TensorList;

/// Sizes of SETR Naive or PUP: convolutions with upsampling in between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetrPupSpec {
    /// The head that makes the prediction.
    pub main: SetrPupHead,
    /// Heads on earlier blocks that help in training.
    pub auxiliary: Vec<SetrPupHead>,
}

/// A head of SETR Naive or PUP: LayerNorm, stages, a 1x1 convolution to the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetrPupHead {
    /// The encoder block whose output it reads, from 0.
    pub tap: usize,
    /// Epsilon of its LayerNorm.
    pub norm_eps: f64,
    /// Stages, from first to last.
    pub stages: Vec<SetrPupStage>,
}

/// Convolution, batch norm, ReLU, bilinear upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetrPupStage {
    /// Side of the convolution's kernel, 1 or 3.
    pub kernel: usize,
    /// Number of output channels.
    pub channels: usize,
    /// Factor of the upsampling; 1 for none.
    pub up: usize,
}

impl SetrPupSpec {
    /// Naive on an encoder of `layers` layers, as mmsegmentation builds it.
    pub(in crate::model) fn naive(layers: usize, channels: usize, auxiliary: bool) -> Self {
        let stage = |up| SetrPupStage {
            kernel: 1,
            channels,
            up,
        };
        Self::published(layers, &[stage(4)], &[stage(4)], auxiliary)
    }

    /// PUP on an encoder of `layers` layers, as mmsegmentation builds it.
    pub(in crate::model) fn pup(layers: usize, channels: usize, auxiliary: bool) -> Self {
        let stage = |up| SetrPupStage {
            kernel: 3,
            channels,
            up,
        };
        Self::published(layers, &[stage(2); 4], &[stage(4); 2], auxiliary)
    }

    /// Auxiliary heads read blocks 10, 15 and 20 of 24, in proportion (mmseg configs/_base_/models/setr_naive.py and
    /// setr_pup.py).
    fn published(layers: usize, main: &[SetrPupStage], of_auxiliary: &[SetrPupStage], auxiliary: bool) -> Self {
        let head = |tap: usize, stages: &[SetrPupStage]| SetrPupHead {
            tap,
            norm_eps: SETR_EPS,
            stages: stages.to_vec(),
        };
        let taps = [10, 15, 20].map(|of_24| (layers * of_24 / 24).saturating_sub(1));
        let earlier = taps.iter().filter(|_| auxiliary);
        Self {
            main: head(layers.saturating_sub(1), main),
            auxiliary: earlier.map(|tap| head(*tap, of_auxiliary)).collect(),
        }
    }

    /// The main head or an auxiliary one.
    fn head(&self, auxiliary: Option<usize>) -> Option<&SetrPupHead> {
        match auxiliary {
            None => Some(&self.main),
            Some(i) => self.auxiliary.get(i),
        }
    }

    fn heads(&self) -> impl Iterator<Item = &SetrPupHead> {
        self.auxiliary.iter().chain([&self.main])
    }
}

impl DecoderFamily for SetrPupSpec {
    fn title(&self) -> &'static str {
        if self.main.stages.iter().all(|stage| stage.kernel == 1) {
            "Naive"
        } else {
            "PUP"
        }
    }

    fn paper(&self) -> Paper {
        Paper::Setr
    }

    fn described(&self) -> String {
        format!(
            "SETR {}, {} convolutions, on layer {}",
            self.title(),
            self.main.stages.len(),
            self.main.tap + 1
        )
    }

    fn needs(&self) -> Needs {
        Needs {
            taps: self.heads().map(|head| head.tap).collect(),
            ..Needs::default()
        }
    }

    fn has_batch_norm(&self) -> bool {
        true
    }

    fn auxiliary_layers(&self) -> Vec<usize> {
        self.auxiliary.iter().map(|head| head.tap).collect()
    }

    fn channels(&self) -> Option<usize> {
        self.main.stages.first().map(|stage| stage.channels)
    }

    fn steps(&self, auxiliary: Option<usize>) -> usize {
        self.head(auxiliary).map_or(0, |head| head.stages.len())
    }

    fn tensors(&self, prefix: &str, inputs: &Inputs, list: &mut TensorList) {
        self.main.tensors(&format!("{prefix}.main"), inputs, list);
        for (i, head) in self.auxiliary.iter().enumerate() {
            head.tensors(&format!("{prefix}.auxiliary.{i}"), inputs, list);
        }
    }

    fn products(&self, auxiliary: Option<usize>, inputs: &Inputs, cells: f64) -> f64 {
        self.head(auxiliary).map_or(0.0, |head| head.products(inputs, cells))
    }

    fn logits_per_cell(&self, auxiliary: Option<usize>, stride: usize, left_out: bool) -> usize {
        self.head(auxiliary)
            .map_or(1, |head| head.logits_per_cell(stride, left_out))
    }

    fn largest_map(&self, auxiliary: Option<usize>) -> usize {
        self.head(auxiliary).map_or(0, SetrPupHead::largest_map)
    }

    fn check(&self, _inputs: &Inputs) -> Result<(), SpecError> {
        between("auxiliary heads", self.auxiliary.len(), 0, 16)?;
        self.heads().try_for_each(SetrPupHead::check)
    }
}

impl SetrPupHead {
    /// Factor of all upsamplings together.
    pub fn up(&self) -> usize {
        self.stages.iter().map(|stage| stage.up).product()
    }

    fn tensors(&self, name: &str, inputs: &Inputs, list: &mut TensorList) {
        list.layer_norm(&format!("{name}.norm"), inputs.width());
        let mut input = inputs.width();
        for (i, stage) in self.stages.iter().enumerate() {
            list.normed_convolution(&format!("{name}.stages.{i}"), stage.channels, input, stage.kernel);
            input = stage.channels;
        }
        list.classifier(&format!("{name}.classify"), inputs.classes, input, 1);
    }

    fn check(&self) -> Result<(), SpecError> {
        between("decoder stages", self.stages.len(), 1, 8)?;
        for stage in &self.stages {
            check_kernel(stage.kernel)?;
            between("decoder channels", stage.channels, 1, MAX_CHANNELS)?;
            between("upsampling", stage.up, 1, 16)?;
        }
        between("upsampling of all stages", self.up(), 1, 64)
    }
}
