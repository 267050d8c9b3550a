//! Layers that several encoders and decoders share.

mod block;
mod convolution;

pub(super) use block::{Block, products_of_block};
pub(super) use convolution::{BATCH_NORM_EPS, Convolution, Upsampling};
