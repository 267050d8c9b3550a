//! Features: the output of an encoder.

use burn::nn::LayerNorm;
use burn::tensor::{Gradients, Tensor};

/// The output of an encoder for a batch of images, which decoders turn into logits. Worth caching, because decoders are
/// cheap.
#[derive(Clone, Debug)]
pub struct Features {
    /// Maps, the finest first.
    levels: Vec<Level>,
    /// Tokens, if the encoder has tokens.
    tokens: Option<Tokens>,
}

/// A map of features.
#[derive(Clone, Debug)]
pub struct Level {
    /// Distance between two cells in pixels.
    pub stride: usize,
    /// `[batch, rows, columns, channels]`; `None` if the patch tokens are the map.
    pub map: Option<Tensor<4>>,
}

/// Tokens of an encoder whose patches attend to each other.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// All tokens after the last layer and the final norm, if there is one, `[batch, extra + rows * columns, dim]`.
    pub last: Tensor<3>,
    /// All tokens after each layer that a decoder reads, before any final norm: the layer, from 0 and ascending, and
    /// its tokens.
    pub taps: Vec<(usize, Tensor<3>)>,
    /// Tokens before the first patch.
    pub extra: usize,
    /// Rows and columns of patches.
    pub grid: [usize; 2],
}

impl Features {
    /// The features of an encoder whose only map is its patch tokens, for patches of `patch` pixels a side.
    pub(super) fn of_tokens(tokens: Tokens, patch: usize) -> Self {
        let level = Level {
            stride: patch,
            map: None,
        };
        Self {
            levels: vec![level],
            tokens: Some(tokens),
        }
    }

    /// The tokens.
    ///
    /// # Panics
    /// When the encoder has none. A spec with such an encoder and decoders that need tokens is refused.
    pub fn tokens(&self) -> &Tokens {
        match &self.tokens {
            Some(tokens) => tokens,
            None => panic!("this encoder has no tokens"),
        }
    }

    /// The maps, the finest first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The map of a level, `[batch, rows, columns, channels]`.
    ///
    /// # Panics
    /// When there is no such level. A spec whose decoders need a missing level is refused.
    pub fn map(&self, level: usize) -> Tensor<4> {
        match &self.levels[level].map {
            Some(map) => map.clone(),
            None => {
                let tokens = self.tokens();
                tokens.as_map(tokens.patches())
            }
        }
    }

    /// Number of images in the batch.
    pub fn images(&self) -> usize {
        let map = || self.levels.iter().find_map(|level| level.map.as_ref());
        match &self.tokens {
            Some(tokens) => tokens.last.dims()[0],
            None => map().map_or(0, |map| map.dims()[0]),
        }
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        let tokens = self.tokens.iter().flat_map(Tokens::all);
        let of_tokens: usize = tokens.map(|tokens| tokens.dims().iter().product::<usize>()).sum();
        let maps = self.levels.iter().filter_map(|level| level.map.as_ref());
        let of_maps: usize = maps.map(|map| map.dims().iter().product::<usize>()).sum();
        (of_tokens + of_maps) * size_of::<f32>()
    }
}

impl Tokens {
    /// The patch tokens, `[batch, rows * columns, dim]`, row by row.
    pub fn patches(&self) -> Tensor<3> {
        self.without_extra(&self.last)
    }

    /// The patch tokens after layer `layer`, before any final norm, `[batch, rows * columns, dim]`.
    ///
    /// # Panics
    /// When no decoder of the network takes that layer's output.
    pub fn tap(&self, layer: usize) -> Tensor<3> {
        match self.taps.iter().find(|(at, _)| *at == layer) {
            Some((_, tokens)) => self.without_extra(tokens),
            None => panic!("the output of layer {layer} was not kept"),
        }
    }

    /// The patch tokens after layer `layer`, normalised by `norm`, as a map `[batch, rows, columns, dim]`.
    pub(super) fn tap_map(&self, layer: usize, norm: &LayerNorm) -> Tensor<4> {
        self.as_map(norm.forward(self.tap(layer)))
    }

    /// Patch tokens as a map.
    fn as_map(&self, patches: Tensor<3>) -> Tensor<4> {
        let [batch, _, dim] = patches.dims();
        patches.reshape([batch, self.grid[0], self.grid[1], dim])
    }

    fn all(&self) -> impl Iterator<Item = &Tensor<3>> {
        self.taps.iter().map(|(_, tokens)| tokens).chain([&self.last])
    }

    fn without_extra(&self, tokens: &Tensor<3>) -> Tensor<3> {
        let patches = self.grid[0] * self.grid[1];
        tokens.clone().narrow(1, self.extra, patches)
    }
}

/// Features of several parts of a batch, joined and detached from the encoder's graph. Decoders that normalise by the
/// whole batch are trained on them, and [`JoinedFeatures::surrogate_losses`] passes their gradients back to the parts.
#[derive(Debug)]
pub struct JoinedFeatures {
    features: Features,
    /// Whether the tokens after the final norm are joined too; if not, they are those of the first part.
    with_last: bool,
}

impl JoinedFeatures {
    /// Joins the features of `parts`, including the tokens after the final norm if `with_last`, for decoders that read
    /// them. `None` without parts.
    pub fn of(parts: &[&Features], with_last: bool) -> Option<Self> {
        let first = parts.first()?;
        let levels = first.levels.iter().enumerate().map(|(i, level)| Level {
            stride: level.stride,
            map: joined(parts.iter().filter_map(|part| part.levels[i].map.as_ref())),
        });
        let all: Vec<&Tokens> = parts.iter().filter_map(|part| part.tokens.as_ref()).collect();
        let tokens = first.tokens.as_ref().map(|own| {
            let last = all.iter().map(|tokens| &tokens.last).filter(|_| with_last);
            let tap = |(i, (layer, _)): (usize, &(usize, Tensor<3>))| {
                let of_all = all.iter().map(|tokens| &tokens.taps[i].1);
                joined(of_all).map(|tokens| (*layer, tokens))
            };
            Tokens {
                last: joined(last).unwrap_or_else(|| own.last.clone().detach()),
                taps: own.taps.iter().enumerate().filter_map(tap).collect(),
                extra: own.extra,
                grid: own.grid,
            }
        });
        Some(Self {
            features: Features {
                levels: levels.collect(),
                tokens,
            },
            with_last,
        })
    }

    /// The joined features.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Scalars whose gradients with respect to the features of `part` equal those in `gradients` with respect to the
    /// joined features. `first` is the index of the part's first image in the batch.
    pub fn surrogate_losses(&self, gradients: &Gradients, part: &Features, first: usize) -> Vec<Tensor<1>> {
        let mut numbers = Vec::new();
        if let (Some(joined), Some(own)) = (&self.features.tokens, &part.tokens) {
            let taps = joined.taps.iter().zip(&own.taps);
            numbers.extend(taps.filter_map(|((_, joined), (_, own))| surrogate_losses(gradients, joined, own, first)));
            if self.with_last {
                numbers.extend(surrogate_losses(gradients, &joined.last, &own.last, first));
            }
        }
        for (joined, own) in self.features.levels.iter().zip(&part.levels) {
            if let (Some(joined), Some(own)) = (&joined.map, &own.map) {
                numbers.extend(surrogate_losses(gradients, joined, own, first));
            }
        }
        numbers
    }
}

/// All tensors joined along the batch, detached and as a new leaf for gradients; `None` without tensors.
fn joined<'a, const D: usize>(parts: impl Iterator<Item = &'a Tensor<D>>) -> Option<Tensor<D>> {
    let all: Vec<Tensor<D>> = parts.map(|part| part.clone().detach()).collect();
    (!all.is_empty()).then(|| Tensor::cat(all, 0).require_grad())
}

/// A scalar whose gradient with respect to `own` equals that in `gradients` with respect to its part of `joined`.
fn surrogate_losses<const D: usize>(
    gradients: &Gradients,
    joined: &Tensor<D>,
    own: &Tensor<D>,
    first: usize,
) -> Option<Tensor<1>> {
    let gradient = joined.grad(gradients)?;
    let gradient = Tensor::from_inner(gradient.narrow(0, first, own.dims()[0]));
    Some((own.clone() * gradient).sum())
}
