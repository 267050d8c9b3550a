//! Forward and backward passes in host memory, written by hand, for training on the CPU.
//!
//! They cover the Vision Transformer and the decoders of Segmenter, which treat each image of a batch alone. So they
//! process one image at a time on one thread: only one image's activations are in memory, and no scores and no GELU are
//! kept. Decoders with batch norms are trained as burn modules, which are the reference of these passes in tests.

mod attention;
mod block;
mod gelu;
mod linear;
mod mask;
mod memory;
mod norm;
mod parameters;
mod vit;

use super::decoders::{HeadSpec, Inputs};
use super::encoders::EncoderSpec;
use super::probe::Stage;
use super::spec::{ModelSpec, Output};
use super::weights::{Weights, WeightsMismatch};
use crate::numeric::Products;
pub use block::Kept;
use linear::{Linear, add};
use mask::Mask;
pub use memory::TrainingMemory;
use parameters::{Gradients, Parameters};
use vit::Vit;

/// A network for training on the CPU, over weights that are read as they are stored.
#[derive(Debug)]
pub struct TrainingNetwork<'a> {
    parameters: Parameters<'a>,
    encoder: Vit,
    heads: Vec<Head>,
}

/// A decoder that is trained.
#[derive(Debug)]
struct Head {
    decoder: usize,
    kind: HeadKind,
}

#[derive(Debug)]
enum HeadKind {
    Linear(Linear),
    Mask(Mask),
}

/// Gradients of a [`TrainingNetwork`], summed over images.
#[derive(Debug)]
pub struct TrainingGradients(Gradients);

/// What [`TrainingNetwork::learn`] asks of its caller.
pub trait Lesson {
    /// What is kept of the next values that attention or MLP of a block would add to `tokens` tokens of width `dim`.
    fn kept(&mut self, stage: Stage, tokens: usize, dim: usize) -> Kept;

    /// The gradient of the loss of target `target` with respect to its logits `[rows * columns, classes]`; `grid` is
    /// rows and columns.
    fn gradient(&mut self, target: usize, logits: &[f32], grid: [usize; 2]) -> Vec<f32>;
}

impl<'a> TrainingNetwork<'a> {
    /// Whether there are passes for all of these outputs of a network.
    pub fn covers(spec: &ModelSpec, outputs: impl IntoIterator<Item = Output>) -> bool {
        let EncoderSpec::Vit(_) = &spec.encoder;
        outputs.into_iter().all(|output| {
            let decoder = spec.decoders.get(output.decoder);
            decoder.is_some_and(|decoder| matches!(decoder.head, HeadSpec::Linear | HeadSpec::MaskTransformer(_)))
        })
    }

    /// The network of `spec` with the decoders of `outputs`, which [`TrainingNetwork::covers`]; its passes use `memory`
    /// and multiply by `products`.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, of another shape or not finite.
    pub fn new(
        spec: &ModelSpec,
        outputs: impl IntoIterator<Item = Output>,
        weights: &'a Weights,
        memory: &TrainingMemory,
        products: Products,
    ) -> Result<Self, WeightsMismatch> {
        weights.check(&super::tensors::tensors_of(spec))?;
        let mut parameters = Parameters::new(memory.clone(), products);
        let EncoderSpec::Vit(vit) = &spec.encoder;
        let encoder = Vit::new(&mut parameters, weights, vit)?;
        let mut heads: Vec<Head> = Vec::new();
        for output in outputs {
            let decoder = output.decoder;
            let Some(of_decoder) = spec.decoders.get(decoder) else {
                continue;
            };
            if heads.iter().any(|head| head.decoder == decoder) {
                continue;
            }
            let prefix = of_decoder.prefix();
            let kind = match &of_decoder.head {
                HeadSpec::Linear => HeadKind::Linear(Linear::new(&mut parameters, weights, &format!("{prefix}.head"))?),
                HeadSpec::MaskTransformer(mask) => {
                    let dim = Inputs::of(spec).width();
                    HeadKind::Mask(Mask::new(&mut parameters, weights, &prefix, mask, dim)?)
                }
                HeadSpec::SetrPup(_) | HeadSpec::SetrMla(_) => continue,
            };
            heads.push(Head { decoder, kind });
        }
        Ok(Self {
            parameters,
            encoder,
            heads,
        })
    }

    /// Gradients of zero.
    pub fn zero_gradients(&self) -> TrainingGradients {
        TrainingGradients(self.parameters.zero_gradients())
    }

    /// Runs the forward and backward pass of an image and adds its gradients.
    ///
    /// `pixels` are `[3, height, width]`, normalised; `size` is width and height, multiples of
    /// [`EncoderSpec::multiple`]. The logits of each of `targets` go through the lesson.
    pub fn learn(
        &self,
        pixels: &[f32],
        size: [usize; 2],
        targets: &[Output],
        lesson: &mut dyn Lesson,
        gradients: &mut TrainingGradients,
    ) {
        let (parameters, gradients) = (&self.parameters, &mut gradients.0);
        let dim = self.encoder.dim();
        let (tokens, trace) = self.encoder.forward(parameters, pixels, size, |stage, tokens| {
            lesson.kept(stage, tokens, dim)
        });
        let grid = trace.grid();
        let start = self.encoder.extra_tokens() * dim;
        let patches = &tokens[start..];
        let mut dtokens = parameters.memory.zeros(tokens.len());
        for (target, output) in targets.iter().enumerate() {
            let Some(head) = self.heads.iter().find(|head| head.decoder == output.decoder) else {
                continue;
            };
            let dpatches = &mut dtokens[start..];
            match &head.kind {
                HeadKind::Linear(linear) => {
                    let logits = linear.forward(parameters, patches);
                    let dlogits = lesson.gradient(target, &logits, grid);
                    linear.learn(parameters, patches, &dlogits, gradients);
                    add(dpatches, &linear.backward(parameters, &dlogits));
                }
                HeadKind::Mask(mask) => {
                    let kept = |stage: Stage, tokens: usize| lesson.kept(stage, tokens, dim);
                    let (logits, trace) = mask.forward(parameters, patches, kept);
                    let dlogits = lesson.gradient(target, &logits, grid);
                    mask.backward(parameters, patches, trace, &dlogits, dpatches, gradients);
                }
            }
        }
        self.encoder.backward(parameters, trace, dtokens, gradients);
    }

    /// The gradients under the names of [`crate::model::tensors_of`].
    pub fn named(&self, gradients: TrainingGradients) -> Weights {
        self.parameters.named(gradients.0)
    }
}
