//! SETR Naive and PUP over packed weights.

use super::ProductPlan;
use super::maps::{Map, PreparedConvolution, logits_of};
use super::norm::PreparedNorm;
use crate::model::decoders::{Inputs, LastUpsampling, Logits, SetrPupHead, SetrPupSpec};
use crate::model::features::Features;
use crate::model::layers::Upsampling;
use crate::model::probe::{Cancelled, MapStage, Probe, check_cancelled};
use crate::model::tensor_source::TensorSource;
use crate::numeric::Kernels;

/// The heads; see [`crate::model::SetrPup`].
#[derive(Debug)]
pub(super) struct PreparedPup {
    main: Head,
    auxiliary: Vec<Head>,
}

#[derive(Debug)]
struct Head {
    norm: PreparedNorm,
    /// Each with the upsampling after it.
    stages: Vec<(PreparedConvolution, Upsampling)>,
    classify: PreparedConvolution,
    tap: usize,
    /// Whether its upsamplings together go from patches to pixels.
    reaches_pixels: bool,
}

impl PreparedPup {
    /// Takes the decoder's tensors, whose names begin with `prefix`, out of `tensors`.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        prefix: &str,
        spec: &SetrPupSpec,
        inputs: &Inputs,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let mut head = |name: &str, spec: &SetrPupHead| -> Result<Head, S::Error> {
            let name = |part: &str| format!("{prefix}.{name}.{part}");
            let norm = PreparedNorm::take(tensors, &name("norm"), spec.norm_eps)?;
            let mut stages = Vec::with_capacity(spec.stages.len());
            for (i, stage) in spec.stages.iter().enumerate() {
                let name = name(&format!("stages.{i}"));
                let convolution = PreparedConvolution::normed(tensors, &name, plan, kernels)?;
                stages.push((convolution, Upsampling::by(stage.up)));
            }
            Ok(Head {
                norm,
                stages,
                classify: PreparedConvolution::biased(tensors, &name("classify"), plan, kernels)?,
                tap: spec.tap,
                reaches_pixels: spec.up() == inputs.stride(),
            })
        };
        let main = head("main", &spec.main)?;
        let auxiliary = spec.auxiliary.iter().enumerate();
        let auxiliary = auxiliary.map(|(i, spec)| head(&format!("auxiliary.{i}"), spec));
        Ok(Self {
            main,
            auxiliary: auxiliary.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.auxiliary.iter().chain([&self.main]).map(Head::bytes).sum()
    }

    /// Logits of the main head or of an auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub(super) fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        let head = auxiliary.map_or(&self.main, |i| &self.auxiliary[i]);
        let maps = Map::of_tap(features.tokens(), head.tap, &head.norm);
        let logits = maps.into_iter().map(|map| head.forward(map, last, probe));
        Ok(logits_of(logits.collect::<Result<_, _>>()?))
    }
}

impl Head {
    fn bytes(&self) -> usize {
        let stages = self.stages.iter().map(|(stage, _)| stage.bytes());
        self.norm.bytes() + self.classify.bytes() + stages.sum::<usize>()
    }

    fn forward(&self, mut map: Map, last: LastUpsampling, probe: &mut dyn Probe) -> Result<Map, Cancelled> {
        // Each stage's upsampling is left to the next convolution, which does it row by row.
        let mut upsampling = Upsampling::NONE;
        for (i, (stage, next)) in self.stages.iter().enumerate() {
            // A 1x1 convolution and a bilinear upsampling can be swapped, because the weights of an interpolation sum
            // to 1.
            map = match i + 1 == self.stages.len() && !probe.wants_maps() {
                true => stage.forward_then(&map, upsampling, &self.classify),
                false => stage.forward(&map, upsampling),
            };
            upsampling = *next;
            check_cancelled(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Up(i), map.upsampled(upsampling).to_tensor());
            }
        }
        let logits = match probe.wants_maps() || self.stages.is_empty() {
            true => self.classify.forward(&map, Upsampling::NONE),
            false => map,
        };
        match last {
            LastUpsampling::LeftOut if self.reaches_pixels => Ok(logits),
            LastUpsampling::LeftOut | LastUpsampling::Here => Ok(logits.upsampled(upsampling)),
        }
    }
}
