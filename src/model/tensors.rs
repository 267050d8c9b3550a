//! The list of a network's tensors: names, shapes, roles and places.
//!
//! Loading, random weights, weight decay and layer-wise learning rates all use it.

use super::decoders::Inputs;
use super::encoders::EncoderSpec;
use super::spec::ModelSpec;

/// One tensor that a network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name in the published layout.
    pub name: String,
    /// Expected shape.
    pub shape: Vec<usize>,
    /// Role in its layer.
    pub role: Role,
    /// Place in the network.
    pub place: Place,
}

/// The role of a tensor in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weight of a linear layer, `[out, in]`.
    Matrix,
    /// A square matrix that is applied from the right, without a bias.
    Projection,
    /// Weight of a convolution, `[out, in, side, side]`.
    Kernel,
    /// Weight of the convolution that computes class logits.
    Classifier,
    /// Bias of a layer or a norm.
    Bias,
    /// Factor of a norm.
    Scale,
    /// Running mean of a batch norm.
    Mean,
    /// Running variance of a batch norm.
    Variance,
    /// Tokens and position embeddings.
    Embedding,
}

impl Role {
    /// Whether the tensor is a matrix of weights, and not a bias, an embedding or part of a norm.
    pub fn is_matrix(self) -> bool {
        match self {
            Self::Matrix | Self::Projection | Self::Kernel | Self::Classifier => true,
            Self::Bias | Self::Scale | Self::Mean | Self::Variance | Self::Embedding => false,
        }
    }
}

/// The place of a tensor in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the encoder, before its first layer.
    Stem,
    /// In a layer of the encoder, from 0; tensors after the last layer have its number plus one.
    Layer(usize),
    /// In a decoder, between encoder and head.
    Neck,
    /// In a decoder's head, which turns features into class logits.
    Head,
}

/// Every tensor that a network of this spec needs: the encoder under the names of the published Segmenter
/// (`encoder.blocks.0.norm1.weight`), each decoder under `decoders.KEY.`. Shapes are PyTorch's: a linear weight is
/// `[out, in]`, a convolution's `[out, in, side, side]`.
pub fn tensors_of(spec: &ModelSpec) -> Vec<TensorSpec> {
    let mut list = TensorList::default();
    spec.encoder.tensors(&mut list);
    let inputs = Inputs::of(spec);
    for decoder in &spec.decoders {
        list.at(Place::Head);
        decoder.tensors(&inputs, &mut list);
    }
    list.tensors
}

/// Every tensor of an encoder alone.
pub fn tensors_of_encoder(spec: &EncoderSpec) -> Vec<TensorSpec> {
    let mut list = TensorList::default();
    spec.tensors(&mut list);
    list.tensors
}

/// Key of the decoder that a tensor belongs to, and its name in the decoder: `decoders.KEY.rest`. `None` for the
/// encoder's tensors.
pub fn in_decoder(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("decoders.")?.split_once('.')
}

/// Collects the tensors of a network.
pub(super) struct TensorList {
    tensors: Vec<TensorSpec>,
    place: Place,
}

impl Default for TensorList {
    fn default() -> Self {
        Self {
            tensors: Vec::new(),
            place: Place::Stem,
        }
    }
}

impl TensorList {
    /// Sets the place of all tensors that are added from now on.
    pub(super) fn at(&mut self, place: Place) {
        self.place = place;
    }

    pub(super) fn add(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>, role: Role) {
        self.tensors.push(TensorSpec {
            name: name.into(),
            shape: shape.into(),
            role,
            place: self.place,
        });
    }

    pub(super) fn linear(&mut self, name: &str, output: usize, input: usize) {
        self.add(format!("{name}.weight"), [output, input], Role::Matrix);
        self.add(format!("{name}.bias"), [output], Role::Bias);
    }

    pub(super) fn layer_norm(&mut self, name: &str, dim: usize) {
        self.add(format!("{name}.weight"), [dim], Role::Scale);
        self.add(format!("{name}.bias"), [dim], Role::Bias);
    }

    /// Adds a transformer block.
    pub(super) fn block(&mut self, name: &str, dim: usize) {
        self.layer_norm(&format!("{name}.norm1"), dim);
        self.linear(&format!("{name}.attn.qkv"), 3 * dim, dim);
        self.linear(&format!("{name}.attn.proj"), dim, dim);
        self.layer_norm(&format!("{name}.norm2"), dim);
        self.linear(&format!("{name}.mlp.fc1"), 4 * dim, dim);
        self.linear(&format!("{name}.mlp.fc2"), dim, 4 * dim);
    }

    pub(super) fn convolution(&mut self, name: &str, output: usize, input: usize, side: usize) {
        self.add(format!("{name}.weight"), [output, input, side, side], Role::Kernel);
        self.add(format!("{name}.bias"), [output], Role::Bias);
    }

    /// Adds a convolution to class logits.
    pub(super) fn classifier(&mut self, name: &str, classes: usize, input: usize, side: usize) {
        self.add(format!("{name}.weight"), [classes, input, side, side], Role::Classifier);
        self.add(format!("{name}.bias"), [classes], Role::Bias);
    }

    /// Adds a convolution without bias and the batch norm after it.
    pub(super) fn normed_convolution(&mut self, name: &str, output: usize, input: usize, side: usize) {
        self.add(format!("{name}.weight"), [output, input, side, side], Role::Kernel);
        for (part, role) in [
            ("weight", Role::Scale),
            ("bias", Role::Bias),
            ("mean", Role::Mean),
            ("variance", Role::Variance),
        ] {
            self.add(format!("{name}.norm.{part}"), [output], role);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, Variant, published};

    fn all() -> (ModelSpec, Vec<TensorSpec>) {
        let spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 3, 64);
        let tensors = tensors_of(&spec);
        (spec, tensors)
    }

    #[test]
    fn decoders_with_running_statistics_are_those_with_batch_norm() {
        let (spec, tensors) = all();
        for decoder in &spec.decoders {
            let is_of_decoder =
                |tensor: &&TensorSpec| in_decoder(&tensor.name).is_some_and(|(key, _)| key == decoder.key);
            let mut of_decoder = tensors.iter().filter(is_of_decoder);
            let has_statistics = of_decoder.any(|tensor| tensor.role == Role::Variance);
            assert_eq!(decoder.head.has_batch_norm(), has_statistics, "{}", decoder.key);
        }
    }

    #[test]
    fn roles_and_places_match_the_names() {
        let (_, tensors) = all();
        for (name, role, place) in [
            ("encoder.patch_embed.proj.weight", Role::Kernel, Place::Stem),
            ("encoder.pos_embed", Role::Embedding, Place::Stem),
            ("encoder.cls_token", Role::Embedding, Place::Stem),
            ("encoder.blocks.0.norm1.weight", Role::Scale, Place::Layer(0)),
            ("encoder.blocks.11.mlp.fc2.bias", Role::Bias, Place::Layer(11)),
            ("encoder.norm.weight", Role::Scale, Place::Layer(12)),
            ("decoders.linear.head.weight", Role::Matrix, Place::Head),
            ("decoders.mask.blocks.0.attn.qkv.weight", Role::Matrix, Place::Head),
            ("decoders.mask.cls_emb", Role::Embedding, Place::Head),
            ("decoders.mask.proj_patch", Role::Projection, Place::Head),
            ("decoders.mask.mask_norm.weight", Role::Scale, Place::Head),
            ("decoders.pup.main.norm.weight", Role::Scale, Place::Head),
            ("decoders.pup.main.classify.weight", Role::Classifier, Place::Head),
            ("decoders.mla.norms.3.bias", Role::Bias, Place::Neck),
            ("decoders.mla.smooth.0.weight", Role::Kernel, Place::Neck),
            ("decoders.mla.project.1.norm.mean", Role::Mean, Place::Neck),
            ("decoders.mla.refine.0.1.weight", Role::Kernel, Place::Head),
        ] {
            let found = tensors.iter().find(|tensor| tensor.name == name);
            let found = found.unwrap_or_else(|| panic!("no tensor {name}"));
            assert_eq!((found.role, found.place), (role, place), "{name}");
        }
    }
}
