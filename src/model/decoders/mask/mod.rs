//! Segmenter's mask transformer (arXiv 2105.05633, section 3.2, "Mask Transformer").

mod cost;
mod module;
mod spec;

pub use module::MaskTransformer;
pub use spec::MaskSpec;
