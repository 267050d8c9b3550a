//! The networks as burn modules. This room is independent of files, photos and the user interface.
//!
//! A [`ModelSpec`] describes a network and its sizes, [`Weights`] hold its tensors on the host, and [`Network::build`]
//! builds the network from both on a device.

mod build;
mod decoders;
mod encoders;
mod features;
mod inference_network;
mod interpolation;
mod layers;
mod named_gradients;
mod network;
mod operations;
mod precision;
mod prepared;
mod probe;
mod published;
mod random_tensors;
mod spec;
mod tensor_source;
mod tensors;
mod training;
mod weights;

pub use crate::numeric::{Arithmetic, Isa, Kernels, KernelsError, Products};
pub use decoders::{
    Decoder, DecoderKind, DecoderSpec, HeadSpec, LastUpsampling, LinearDecoder, Logits, MaskSpec, MaskTransformer,
    Needs, Paper, SETR_CHANNELS, SetrMla, SetrMlaSpec, SetrPup, SetrPupHead, SetrPupSpec, SetrPupStage,
    UsualConfidence,
};
pub use encoders::{
    AttentionSpec, Encoder, EncoderSpec, LevelSpec, PositionResize, Refit, RefitError, Variant, VisionTransformer,
    VitSpec, resized_positions,
};
pub use features::{Features, JoinedFeatures, Level, Tokens};
pub use inference_network::InferenceNetwork;
pub use named_gradients::ParameterNames;
pub use network::Network;
pub use precision::Precision;
pub use prepared::{PreparedNetwork, ProductPlan, layer_rate};
pub use probe::{Cancelled, MapStage, NoProbe, Probe, Stage};
pub use published::published;
pub use random_tensors::RandomTensors;
pub use spec::{InferenceSpec, ModelSpec, Normalisation, Output, Padding, SpecError, WindowMode, WindowRules};
pub use tensor_source::TensorSource;
pub use tensors::{Place, Role, TensorSpec, in_decoder, tensors_of, tensors_of_encoder};
pub use training::{Kept, Lesson, TrainingGradients, TrainingMemory, TrainingNetwork};
pub use weights::{HostTensor, NamedShape, Weights, WeightsMismatch};
