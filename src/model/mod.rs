//! The networks as burn modules. This room knows no files, no photos and no windows.
//!
//! A [`ModelSpec`] says which network and how large, [`Weights`] hold its tensors on the host, and
//! [`Network::build`] puts the two together on a device.

mod build;
mod decoders;
mod encoders;
mod features;
mod interpolation;
mod kernels;
mod layers;
mod named;
mod network;
mod probe;
mod published;
mod spec;
mod tensors;
mod weights;

pub use decoders::{
    Decoder, DecoderKind, DecoderSpec, HeadSpec, LastUpsampling, LinearDecoder, Logits, MaskSpec, MaskTransformer, Mla,
    MlaSpec, Needs, Paper, SETR_CHANNELS, UpDecoder, UpDecoderSpec, UpSpec, UpStage,
};
pub use encoders::{
    AttentionSpec, Encoder, EncoderSpec, LevelSpec, PositionResize, Refit, RefitError, Variant, VisionTransformer,
    VitSpec, resized_positions,
};
pub use features::{Features, JoinedFeatures, Level, Tokens};
pub use named::ParameterNames;
pub use network::Network;
pub use probe::{Cancelled, MapStage, NoProbe, Probe, Stage};
pub use published::published;
pub use spec::{InferenceSpec, ModelSpec, Normalisation, Output, SpecError, WindowMode, WindowRules};
pub use tensors::{Place, Role, TensorSpec, in_decoder, tensors_of, tensors_of_encoder};
pub use weights::{HostTensor, NamedShape, Weights, WeightsMismatch};
