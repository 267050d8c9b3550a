//! SETR MLA over packed weights.

use rayon::prelude::*;

use super::ProductPlan;
use super::maps::{Map, PreparedConvolution, logits_of};
use super::norm::PreparedNorm;
use crate::model::decoders::{Logits, SetrMlaSpec};
use crate::model::features::Features;
use crate::model::layers::Upsampling;
use crate::model::probe::{Cancelled, MapStage, Probe, check_cancelled};
use crate::model::tensor_source::TensorSource;
use crate::numeric::Kernels;

/// The neck and the head; see [`crate::model::SetrMla`].
#[derive(Debug)]
pub(super) struct PreparedMla {
    /// From the shallowest block to the deepest.
    paths: Vec<Path>,
    classify: PreparedConvolution,
    upsampling: Upsampling,
}

/// The layers for the tokens of one block.
#[derive(Debug)]
struct Path {
    norm: PreparedNorm,
    project: PreparedConvolution,
    /// Applied after the sums.
    smooth: PreparedConvolution,
    refine: [PreparedConvolution; 2],
    auxiliary: Option<PreparedConvolution>,
    tap: usize,
}

impl PreparedMla {
    /// Takes the decoder's tensors, whose names begin with `prefix`, out of `tensors`.
    pub(super) fn take<S: TensorSource>(
        tensors: &mut S,
        prefix: &str,
        spec: &SetrMlaSpec,
        plan: ProductPlan,
        kernels: Kernels,
    ) -> Result<Self, S::Error> {
        let mut paths = Vec::with_capacity(spec.taps.len());
        for (i, tap) in spec.taps.iter().enumerate() {
            let name = |part: &str| format!("{prefix}.{part}.{i}");
            let mut normed = |name: &str| PreparedConvolution::normed(tensors, name, plan, kernels);
            let (project, smooth) = (normed(&name("project"))?, normed(&name("smooth"))?);
            let refine = name("refine");
            let refine = [normed(&format!("{refine}.0"))?, normed(&format!("{refine}.1"))?];
            let mut biased = |name: &str| PreparedConvolution::biased(tensors, name, plan, kernels);
            let auxiliary = spec.auxiliary.then(|| biased(&name("auxiliary")));
            paths.push(Path {
                project,
                smooth,
                refine,
                auxiliary: auxiliary.transpose()?,
                norm: PreparedNorm::take(tensors, &name("norms"), spec.norm_eps)?,
                tap: *tap,
            });
        }
        Ok(Self {
            paths,
            classify: PreparedConvolution::biased(tensors, &format!("{prefix}.classify"), plan, kernels)?,
            upsampling: Upsampling {
                factor: spec.up,
                align_corners: spec.align_corners,
            },
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.classify.bytes() + self.paths.iter().map(Path::bytes).sum::<usize>()
    }

    /// Logits of the main head or of a path's auxiliary one.
    ///
    /// # Errors
    /// [`Cancelled`] when the probe returns `Break`.
    pub(super) fn forward(
        &self,
        features: &Features,
        auxiliary: Option<usize>,
        probe: &mut dyn Probe,
    ) -> Result<Logits, Cancelled> {
        // Per path, the maps of all images.
        let taps = self
            .paths
            .iter()
            .map(|path| Map::of_tap(features.tokens(), path.tap, &path.norm));
        let mut taps: Vec<_> = taps.map(Vec::into_iter).collect();
        let mut logits = Vec::new();
        for _ in 0..features.images() {
            let maps: Vec<Map> = taps.iter_mut().filter_map(Iterator::next).collect();
            logits.push(self.logits(&maps, auxiliary, probe)?);
        }
        Ok(logits_of(logits))
    }

    /// Logits of an image, from the normalised tokens of each path.
    fn logits(&self, taps: &[Map], auxiliary: Option<usize>, probe: &mut dyn Probe) -> Result<Map, Cancelled> {
        let sums = self.sums(taps);
        if let Some((i, classify)) = auxiliary.and_then(|i| Some((i, self.paths[i].auxiliary.as_ref()?))) {
            let path = self.paths[i].smooth.forward(&sums[i], Upsampling::NONE);
            check_cancelled(probe.stage_done())?;
            return Ok(classify.forward(&path, Upsampling::NONE));
        }
        let mut refined = Vec::with_capacity(self.paths.len());
        for (i, (path, sum)) in self.paths.iter().zip(&sums).enumerate() {
            let mut map = path.smooth.forward(sum, Upsampling::NONE);
            if probe.wants_maps() {
                probe.map(MapStage::Path(i), map.to_tensor());
            }
            for convolution in &path.refine {
                map = convolution.forward(&map, Upsampling::NONE);
            }
            check_cancelled(probe.stage_done())?;
            if probe.wants_maps() {
                probe.map(MapStage::Refined(i), map.upsampled(self.upsampling).to_tensor());
            }
            refined.push(map);
        }
        let together = side_by_side(&refined);
        Ok(if self.classify.is_pointwise() {
            // It can be swapped with the upsampling, whose weights sum to 1, and then has far fewer pixels to process.
            self.classify
                .forward(&together, Upsampling::NONE)
                .upsampled(self.upsampling)
        } else {
            self.classify.forward(&together, self.upsampling)
        })
    }

    /// For each path, the sum of its own projected tokens and those of all deeper paths.
    fn sums(&self, taps: &[Map]) -> Vec<Map> {
        let mut sums: Vec<Map> = Vec::with_capacity(self.paths.len());
        for (path, tap) in self.paths.iter().zip(taps).rev() {
            let mut own = path.project.forward(tap, Upsampling::NONE);
            if let Some(deeper) = sums.last() {
                let pairs = own.values.par_iter_mut().zip(&deeper.values).with_min_len(1 << 14);
                pairs.for_each(|(own, deeper)| *own += *deeper);
            }
            sums.push(own);
        }
        sums.reverse();
        sums
    }
}

impl Path {
    fn bytes(&self) -> usize {
        let [first, second] = &self.refine;
        let convolutions = [&self.project, &self.smooth, first, second];
        let convolutions = convolutions.into_iter().chain(&self.auxiliary);
        self.norm.bytes() + convolutions.map(PreparedConvolution::bytes).sum::<usize>()
    }
}

/// Maps of one size with their channels one after another.
fn side_by_side(maps: &[Map]) -> Map {
    let channels = maps.iter().map(|map| map.channels).sum();
    let (rows, columns) = maps.first().map_or((0, 0), |map| (map.rows, map.columns));
    let mut values = Vec::with_capacity(rows * columns * channels);
    for pixel in 0..rows * columns {
        for map in maps {
            values.extend_from_slice(&map.values[pixel * map.channels..][..map.channels]);
        }
    }
    Map {
        values,
        rows,
        columns,
        channels,
    }
}
