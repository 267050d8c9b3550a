//! The decoders of Segmenter (arXiv 2105.05633). The linear one is a single layer and has no file.

mod mask_transformer;

pub use mask_transformer::MaskTransformer;
pub(super) use mask_transformer::Sizes;
