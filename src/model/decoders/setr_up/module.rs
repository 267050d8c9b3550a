//! Heads (mmsegmentation models/decode_heads/setr_up_head.py, official mmseg/models/decode_heads/vit_up_head.py).

use burn::module::Module;
use burn::nn::LayerNorm;

use super::spec::{UpDecoderSpec, UpSpec};
use crate::model::build::Builder;
use crate::model::decoders::head::Inputs;
use crate::model::decoders::logits::{LastUpsampling, Logits};
use crate::model::features::Features;
use crate::model::layers::{Convolution, Enlarging};
use crate::model::probe::{Cancelled, MapStage, Probe, go_on};
use crate::model::weights::WeightsMismatch;

/// A main head and the auxiliary heads on earlier blocks.
#[derive(Module, Debug)]
pub struct UpDecoder {
    main: UpHead,
    auxiliary: Vec<UpHead>,
}

/// LayerNorm on the patch tokens of one block, stages, a 1x1 convolution to the classes.
#[derive(Module, Debug)]
struct UpHead {
    norm: LayerNorm,
    stages: Vec<Convolution>,
    classify: Convolution,
    /// What follows each stage.
    #[module(skip)]
    enlargings: Vec<Enlarging>,
    #[module(skip)]
    tap: usize,
    /// Whether its upsamplings lead from patches to pixels.
    #[module(skip)]
    reaches_pixels: bool,
}

impl UpDecoder {
    pub(in crate::model) fn build(
        prefix: &str,
        spec: &UpDecoderSpec,
        inputs: &Inputs,
        b: &mut Builder,
    ) -> Result<Self, WeightsMismatch> {
        let auxiliary = spec.auxiliary.iter().enumerate();
        Ok(Self {
            main: UpHead::build(&format!("{prefix}.main"), &spec.main, inputs, b)?,
            auxiliary: auxiliary
                .map(|(i, head)| UpHead::build(&format!("{prefix}.auxiliary.{i}"), head, inputs, b))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Logits of the main head or of an auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe says so.
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

impl UpHead {
    fn build(name: &str, spec: &UpSpec, inputs: &Inputs, b: &mut Builder) -> Result<Self, WeightsMismatch> {
        Ok(Self {
            norm: b.layer_norm(&format!("{name}.norm"), spec.norm_eps)?,
            stages: (0..spec.stages.len())
                .map(|i| Convolution::normed(b, &format!("{name}.stages.{i}")))
                .collect::<Result<_, _>>()?,
            classify: Convolution::biased(b, &format!("{name}.classify"))?,
            enlargings: spec.stages.iter().map(|stage| Enlarging::by(stage.up)).collect(),
            tap: spec.tap,
            reaches_pixels: spec.up() == inputs.stride(),
        })
    }

    fn forward(&self, features: &Features, last: LastUpsampling, probe: &mut dyn Probe) -> Result<Logits, Cancelled> {
        let mut map = features.tokens().tap_map(self.tap, &self.norm);
        // Each stage's upsampling is done by whatever comes next, for a convolution can do it on the way.
        let mut enlarging = Enlarging::NONE;
        for (i, (stage, next)) in self.stages.iter().zip(&self.enlargings).enumerate() {
            map = stage.forward(map, enlarging);
            enlarging = *next;
            go_on(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Up(i), enlarging.of(map.clone()));
            }
        }
        // A 1x1 convolution and a bilinear upsampling may change places: the shares of an interpolation sum to 1.
        let logits = self.classify.forward(map, Enlarging::NONE);
        match last {
            LastUpsampling::LeftOut if self.reaches_pixels => Ok(Logits::of_map(logits)),
            LastUpsampling::LeftOut | LastUpsampling::Here => Ok(Logits::of_map(enlarging.of(logits))),
        }
    }
}
