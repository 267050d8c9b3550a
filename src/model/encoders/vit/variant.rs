//! Published sizes of the Vision Transformer.

use super::super::EncoderSpec;
use super::spec::{PositionResize, VitSpec};

/// Sizes of the published ViT variants (arXiv 2010.11929, table 1; DeiT for tiny and small).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// 192 wide, 12 blocks.
    Tiny,
    /// 384 wide, 12 blocks.
    Small,
    /// 768 wide, 12 blocks.
    Base,
    /// 1024 wide, 24 blocks.
    Large,
}

impl Variant {
    /// Width, blocks and heads.
    pub fn sizes(self) -> [usize; 3] {
        match self {
            Self::Tiny => [192, 12, 3],
            Self::Small => [384, 12, 6],
            Self::Base => [768, 12, 12],
            Self::Large => [1024, 24, 16],
        }
    }

    /// An encoder of this variant for images of `size` pixels a side.
    pub(in crate::model) fn encoder(self, patch: usize, size: usize, final_norm: bool, norm_eps: f64) -> EncoderSpec {
        let [dim, depth, heads] = self.sizes();
        EncoderSpec::Vit(VitSpec {
            dim,
            depth,
            heads,
            patch,
            grid: [(size / patch.max(1)).max(1); 2],
            class_token: true,
            distilled: false,
            final_norm,
            norm_eps,
            position_resize: PositionResize::Bilinear,
        })
    }
}
