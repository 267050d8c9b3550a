//! What has to be known to build a network: sizes, normalisation, window. No weights, no files.

use serde::{Deserialize, Serialize};

/// Everything that is needed to build one network and to run it on a photo as its authors did.
///
/// Every loader produces one of these; nothing after loading knows which file layout the weights came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The Vision Transformer.
    pub encoder: EncoderSpec,
    /// What turns patch tokens into class logits.
    pub decoder: DecoderSpec,
    /// Number of classes, the channels of the logits.
    pub classes: usize,
    /// How pixel values are normalised before the patch embedding.
    pub normalisation: Normalisation,
    /// How a photo is cut and scaled.
    pub inference: InferenceSpec,
}

/// Sizes of a Vision Transformer encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderSpec {
    /// Width of a token, D.
    pub dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads per block; each head is `dim / heads` wide.
    pub heads: usize,
    /// Side of a square patch in pixels, P.
    pub patch: usize,
    /// Rows and columns of the stored position-embedding grid (training crop / P).
    pub grid: [usize; 2],
    /// Whether a distillation token follows the class token (DeiT).
    pub distilled: bool,
    /// Epsilon of every LayerNorm of the encoder.
    pub norm_eps: f64,
    /// How the position-embedding grid is resized to a picture of another size.
    pub position_resize: PositionResize,
}

impl EncoderSpec {
    /// Tokens that are no patches: the class token and, for DeiT, the distillation token.
    pub fn extra_tokens(&self) -> usize {
        1 + usize::from(self.distilled)
    }

    /// The variant's usual name, or its width where no published variant has these sizes.
    pub fn variant(&self) -> String {
        match (self.dim, self.depth) {
            (192, 12) => "T".into(),
            (384, 12) => "S".into(),
            (768, 12) => "B".into(),
            (1024, 24) => "L".into(),
            (dim, depth) => format!("{dim}x{depth}"),
        }
    }
}

/// Interpolation of the position-embedding grid (`align_corners` is false in all systems).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionResize {
    /// rstrudel/segmenter and SETR.
    Bilinear,
}

/// Which decoder, and its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum DecoderSpec {
    /// One linear layer on each patch token (Segmenter, section 3.2 of the paper, "Linear").
    Linear,
    /// Class tokens that attend to the patches, then cosine similarity ("Mask Transformer").
    MaskTransformer {
        /// Number of blocks; 2 in every released checkpoint.
        layers: usize,
        /// Attention heads per block.
        heads: usize,
        /// Epsilon of every LayerNorm of the decoder.
        norm_eps: f64,
    },
}

/// Mean and standard deviation per channel, for RGB scaled to 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Subtracted first.
    pub mean: [f32; 3],
    /// Divided by second.
    pub std: [f32; 3],
}

impl Normalisation {
    /// `vit`: 0.5 everywhere (rstrudel segm/data/utils.py).
    pub const VIT: Self = Self {
        mean: [0.5; 3],
        std: [0.5; 3],
    };
    /// `deit`: the ImageNet statistics (rstrudel segm/data/utils.py).
    pub const DEIT: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
}

/// How a photo is scaled and cut into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceSpec {
    /// Side of the square window in pixels.
    pub window: usize,
    /// Distance between windows in pixels.
    pub stride: usize,
    /// Length in pixels to which the short side of a larger photo is reduced; `None` keeps its size.
    pub short_side: Option<usize>,
}

/// Largest sizes that a file may ask for, far above every published model (ViT-L: 1024, 24, 16, 32).
const LIMITS: [(&str, usize); 6] = [
    ("dim", 8192),
    ("depth", 128),
    ("heads", 128),
    ("patch", 256),
    ("position grid side", 1024),
    ("classes", 65_535),
];

impl ModelSpec {
    /// Short title as papers write it: `Seg-T-Mask/16`.
    pub fn title(&self) -> String {
        let decoder = match self.decoder {
            DecoderSpec::Linear => "Linear",
            DecoderSpec::MaskTransformer { .. } => "Mask",
        };
        let distilled = if self.encoder.distilled { "(DeiT)" } else { "" };
        format!(
            "Seg-{}{distilled}-{decoder}/{}",
            self.encoder.variant(),
            self.encoder.patch
        )
    }

    /// Checks that the sizes are possible and within bounds, before memory is taken for them.
    ///
    /// # Errors
    /// A sentence that names the first impossible size.
    pub fn check(&self) -> Result<(), SpecError> {
        let e = &self.encoder;
        let found = [e.dim, e.depth, e.heads, e.patch, e.grid[0].max(e.grid[1]), self.classes];
        for ((what, limit), value) in LIMITS.into_iter().zip(found) {
            between(what, value, 1, limit)?;
        }
        between("position grid side", e.grid[0].min(e.grid[1]), 1, 1024)?;
        divides("dim", e.dim, "heads", e.heads)?;
        if let DecoderSpec::MaskTransformer { layers, heads, .. } = self.decoder {
            between("decoder layers", layers, 1, 128)?;
            between("decoder heads", heads, 1, 128)?;
            divides("dim", e.dim, "decoder heads", heads)?;
        }
        let i = &self.inference;
        between("window", i.window, e.patch, 8192)?;
        between("stride", i.stride, 1, i.window)?;
        if let Some(side) = i.short_side {
            between("short side", side, e.patch, 16_384)?;
        }
        let n = &self.normalisation;
        if n.std.iter().any(|s| !s.is_finite() || *s <= 0.0) || n.mean.iter().any(|m| !m.is_finite()) {
            return Err(SpecError(
                "normalisation: expected finite means and positive deviations".into(),
            ));
        }
        Ok(())
    }
}

/// A size that no network can have.
#[derive(Debug, thiserror::Error)]
#[error("this model cannot be built: {0}")]
pub struct SpecError(String);

fn between(what: &str, value: usize, least: usize, most: usize) -> Result<(), SpecError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SpecError(format!("{what}: expected {least} to {most}, found {value}")))
}

fn divides(what: &str, value: usize, by: &str, divisor: usize) -> Result<(), SpecError> {
    if value.is_multiple_of(divisor) {
        return Ok(());
    }
    Err(SpecError(format!("{what} {value} is not a multiple of {by} {divisor}")))
}
