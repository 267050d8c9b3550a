//! The heads (mmsegmentation models/decode_heads/setr_up_head.py, official mmseg/models/decode_heads/vit_up_head.py).

use burn::module::Module;
use burn::nn::LayerNorm;

use super::spec::{SetrPupHead, SetrPupSpec};
use crate::model::build::Builder;
use crate::model::decoders::family::Inputs;
use crate::model::decoders::logits::{LastUpsampling, Logits};
use crate::model::features::Features;
use crate::model::layers::{Convolution, Upsampling};
use crate::model::probe::{Cancelled, MapStage, Probe, check_cancelled};
use crate::model::tensor_source::TensorSource;

/// A main head and the auxiliary heads on earlier blocks.
#[derive(Module, Debug)]
pub struct SetrPup {
    main: PupHead,
    auxiliary: Vec<PupHead>,
}

/// LayerNorm on the patch tokens of one block, stages, a 1x1 convolution to the classes.
#[derive(Module, Debug)]
struct PupHead {
    norm: LayerNorm,
    stages: Vec<Convolution>,
    classify: Convolution,
    /// The upsampling after each stage.
    #[module(skip)]
    enlargings: Vec<Upsampling>,
    #[module(skip)]
    tap: usize,
    /// Whether its upsamplings together go from patches to pixels.
    #[module(skip)]
    reaches_pixels: bool,
}

impl SetrPup {
    pub(in crate::model) fn build<S: TensorSource>(
        prefix: &str,
        spec: &SetrPupSpec,
        inputs: &Inputs,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        let auxiliary = spec.auxiliary.iter().enumerate();
        Ok(Self {
            main: PupHead::build(&format!("{prefix}.main"), &spec.main, inputs, b)?,
            auxiliary: auxiliary
                .map(|(i, head)| PupHead::build(&format!("{prefix}.auxiliary.{i}"), head, inputs, b))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Logits of the main head or of an auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        match auxiliary {
            Some(i) => self.auxiliary[i].forward(features, last, probe),
            None => self.main.forward(features, last, probe),
        }
    }
}

impl PupHead {
    fn build<S: TensorSource>(
        name: &str,
        spec: &SetrPupHead,
        inputs: &Inputs,
        b: &mut Builder<S>,
    ) -> Result<Self, S::Error> {
        Ok(Self {
            norm: b.layer_norm(&format!("{name}.norm"), spec.norm_eps)?,
            stages: (0..spec.stages.len())
                .map(|i| Convolution::normed(b, &format!("{name}.stages.{i}")))
                .collect::<Result<_, _>>()?,
            classify: Convolution::biased(b, &format!("{name}.classify"))?,
            enlargings: spec.stages.iter().map(|stage| Upsampling::by(stage.up)).collect(),
            tap: spec.tap,
            reaches_pixels: spec.up() == inputs.stride(),
        })
    }

    fn forward(&self, features: &Features, last: LastUpsampling, probe: &mut dyn Probe) -> Result<Logits, Cancelled> {
        let mut map = features.tokens().tap_map(self.tap, &self.norm);
        // Each stage's upsampling is left to the next convolution, which can do it in the same pass.
        let mut enlarging = Upsampling::NONE;
        for (i, (stage, next)) in self.stages.iter().zip(&self.enlargings).enumerate() {
            map = stage.forward(map, enlarging);
            enlarging = *next;
            check_cancelled(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Up(i), enlarging.of(map.clone()));
            }
        }
        // A 1x1 convolution and a bilinear upsampling can be swapped, because the weights of an interpolation sum to 1.
        let logits = self.classify.forward(map, Upsampling::NONE);
        match last {
            LastUpsampling::LeftOut if self.reaches_pixels => Ok(Logits::of_map(logits)),
            LastUpsampling::LeftOut | LastUpsampling::Here => Ok(Logits::of_map(enlarging.of(logits))),
        }
    }
}
