//! The networks as burn modules. This room knows no files, no photos and no windows.
//!
//! A [`ModelSpec`] says which network and how large, [`Weights`] hold its tensors on the host, and
//! [`Segmenter::build`] puts the two together on a device.

mod block;
mod build;
mod kernels;
mod position;
mod probe;
mod segmenter;
mod spec;
mod vit;
mod weights;

pub use probe::{Cancelled, NoProbe, Probe, Stage};
pub use segmenter::{Decoder, MaskTransformer, Segmenter};
pub use spec::{DecoderSpec, EncoderSpec, InferenceSpec, ModelSpec, Normalisation, PositionResize, SpecError};
pub use vit::{Features, VisionTransformer};
pub use weights::{HostTensor, TensorSpec, Weights, WeightsMismatch, tensors_of};
