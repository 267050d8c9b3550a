//! Sizes of the Vision Transformer.

use serde::{Deserialize, Serialize};

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
    /// Whether a class token runs through the blocks. SETR-MLA removes it before the first block.
    #[serde(default = "yes")]
    pub class_token: bool,
    /// Whether a distillation token follows the class token (DeiT).
    pub distilled: bool,
    /// Whether a LayerNorm follows the last block. SETR has its norms in the heads instead.
    #[serde(default = "yes")]
    pub final_norm: bool,
    /// Epsilon of every LayerNorm of the encoder.
    pub norm_eps: f64,
    /// How the position-embedding grid is resized to a picture of another size.
    pub position_resize: PositionResize,
}

/// Sizes of one map that an encoder puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelSpec {
    /// Pixels between two of its cells.
    pub stride: usize,
    /// Values per cell.
    pub channels: usize,
}

/// What bundles of the first format leave out.
fn yes() -> bool {
    true
}

impl EncoderSpec {
    /// Tokens that are no patches: the class token and, for DeiT, the distillation token.
    pub fn extra_tokens(&self) -> usize {
        usize::from(self.class_token) + usize::from(self.distilled)
    }

    /// Number of its layers.
    pub fn layers(&self) -> usize {
        self.depth
    }

    /// The maps that it puts out, the finest first: here the patch tokens.
    pub fn levels(&self) -> Vec<LevelSpec> {
        vec![LevelSpec {
            stride: self.patch,
            channels: self.dim,
        }]
    }

    /// The variant's usual name, or its width and depth where no published variant has these sizes.
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
    /// mmsegmentation's Segmenter.
    Bicubic,
}
