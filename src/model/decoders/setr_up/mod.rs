//! SETR Naive and PUP (arXiv 2012.15840, section 3.3), which differ in their sizes only.

mod cost;
mod module;
mod spec;

pub use module::UpDecoder;
pub use spec::{UpDecoderSpec, UpSpec, UpStage};
