//! The networks as burn modules. This room knows no files, no photos and no windows.
//!
//! A [`ModelSpec`] says which network and how large, [`Weights`] hold its tensors on the host, and
//! [`Network::build`] puts the two together on a device.

mod block;
mod build;
mod interpolation;
mod kernels;
mod named;
mod needed;
mod network;
mod position;
mod probe;
mod published;
mod segmenter;
mod setr;
mod spec;
mod tensors;
mod vit;
mod weights;

pub use named::ParameterNames;
pub use network::{Decoder, LastUpsampling, Logits, Network};
pub use position::resized_positions;
pub use probe::{Cancelled, MapStage, NoProbe, Probe, Stage};
pub use published::{DecoderKind, SETR_CHANNELS, Variant, published};
pub use segmenter::MaskTransformer;
pub use setr::{Mla, UpDecoder};
pub use spec::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, MlaSpec, ModelSpec, Normalisation, Output, PositionResize,
    SpecError, UpSpec, UpStage, WindowMode, WindowRules,
};
pub use tensors::{Place, Role, TensorSpec, in_decoder, tensors_of, tensors_of_encoder};
pub use vit::{Features, VisionTransformer};
pub use weights::{HostTensor, NamedShape, Weights, WeightsMismatch};
