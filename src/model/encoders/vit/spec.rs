//! The spec of a Vision Transformer.

use serde::{Deserialize, Serialize};

use super::super::EncoderSpec;
use super::super::family::{AttentionSpec, EncoderFamily, LevelSpec, Refit, RefitError, cells};
use crate::model::spec::{SpecError, between, divides};
use crate::model::tensors::TensorList;
use crate::model::weights::HostTensor;

/// Sizes of a Vision Transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VitSpec {
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
    /// Whether a class token passes through the blocks. SETR-MLA removes it before the first block.
    #[serde(default = "yes")]
    pub class_token: bool,
    /// Whether a distillation token follows the class token (DeiT).
    pub distilled: bool,
    /// Whether a LayerNorm follows the last block. SETR has its norms in the heads instead.
    #[serde(default = "yes")]
    pub final_norm: bool,
    /// Epsilon of every LayerNorm of the encoder.
    pub norm_eps: f64,
    /// How the position-embedding grid is resized to an image of another size.
    pub position_resize: PositionResize,
}

/// Default for fields that bundles of the first format lack.
fn yes() -> bool {
    true
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

/// Maximum sizes in a file, far above every published model (ViT-L: 1024, 24, 16, 32).
const LIMITS: [(&str, usize); 5] = [
    ("dim", 8192),
    ("depth", 128),
    ("heads", 128),
    ("patch", 256),
    ("position grid side", 1024),
];

impl VitSpec {
    /// Number of tokens that are not patches: the class token and, for DeiT, the distillation token.
    pub fn extra_tokens(&self) -> usize {
        usize::from(self.class_token) + usize::from(self.distilled)
    }

    /// Number of patches in a window of these sides in pixels.
    pub(super) fn patches(&self, window: [usize; 2]) -> usize {
        cells(window, self.patch)
    }

    /// The variant's usual name, or its width and depth if no published variant has these sizes.
    fn variant(&self) -> String {
        match (self.dim, self.depth) {
            (192, 12) => "T".into(),
            (384, 12) => "S".into(),
            (768, 12) => "B".into(),
            (1024, 24) => "L".into(),
            (dim, depth) => format!("{dim}x{depth}"),
        }
    }
}

impl EncoderFamily for VitSpec {
    fn title(&self) -> String {
        let [variant, end] = self.title_parts();
        format!("ViT-{variant}{end}")
    }

    fn title_parts(&self) -> [String; 2] {
        let distilled = if self.distilled { "(DeiT)" } else { "" };
        [format!("{}{distilled}", self.variant()), format!("/{}", self.patch)]
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        let Self {
            dim,
            depth,
            heads,
            patch,
            grid,
            ..
        } = self;
        let distilled = if self.distilled { ", distillation token" } else { "" };
        vec![
            (
                "encoder",
                format!("{dim} wide, {depth} blocks, {heads} heads, patch {patch}{distilled}"),
            ),
            ("positions", format!("{} x {} patches", grid[0], grid[1])),
            ("layer norm", format!("epsilon {:e}", self.norm_eps)),
        ]
    }

    fn multiple(&self) -> usize {
        self.patch
    }

    fn layers(&self) -> usize {
        self.depth
    }

    fn levels(&self) -> Vec<LevelSpec> {
        vec![LevelSpec {
            stride: self.patch,
            channels: self.dim,
        }]
    }

    fn attention(&self) -> Option<AttentionSpec> {
        Some(AttentionSpec {
            patch: self.patch,
            layers: self.depth,
            heads: self.heads,
            width: self.dim,
            extra: self.extra_tokens(),
        })
    }

    fn trained_size(&self) -> Option<[usize; 2]> {
        Some(self.grid.map(|side| self.patch.saturating_mul(side)))
    }

    fn products(&self, window: [usize; 2]) -> f64 {
        self.products_of(window)
    }

    fn feature_bytes(&self, window: [usize; 2], taps: usize) -> usize {
        self.bytes_of(window, taps)
    }

    fn tensors(&self, list: &mut TensorList) {
        self.list_tensors(list);
    }

    fn check(&self) -> Result<(), SpecError> {
        let [rows, columns] = self.grid;
        let found = [self.dim, self.depth, self.heads, self.patch, rows.max(columns)];
        for ((what, limit), value) in LIMITS.into_iter().zip(found) {
            between(what, value, 1, limit)?;
        }
        between("position grid side", rows.min(columns), 1, 1024)?;
        divides("dim", self.dim, "heads", self.heads)
    }

    fn has_final_norm(&self) -> bool {
        self.final_norm
    }

    fn with_final_norm(&self, is_there: bool) -> EncoderSpec {
        EncoderSpec::Vit(Self {
            final_norm: is_there,
            ..self.clone()
        })
    }

    fn refit(&self, refit: &Refit) -> Result<EncoderSpec, RefitError> {
        self.refitted(refit).map(EncoderSpec::Vit)
    }

    fn refit_tensor(&self, to: &EncoderSpec, name: &str, stored: HostTensor) -> HostTensor {
        match to.vit() {
            Some(to) => self.refitted_tensor(to, name, stored),
            None => stored,
        }
    }
}
