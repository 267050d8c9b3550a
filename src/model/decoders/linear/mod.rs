//! Segmenter's linear decoder (arXiv 2105.05633, section 3.2, "Linear").

mod cost;
mod module;
mod spec;

pub use module::LinearDecoder;
pub(super) use spec::LinearSpec;
