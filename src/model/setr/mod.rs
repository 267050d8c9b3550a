//! The decoders of SETR (arXiv 2012.15840, section 3.3): Naive and PUP, which differ in their sizes only, and MLA.
//!
//! Maps are `[batch, rows, columns, channels]`, the order in which tokens come out of the encoder.

mod convolution;
mod mla;
mod up;

pub use mla::Mla;
pub use up::UpDecoder;
