//! Names and shapes of all tensors of a network.

use super::spec::{DecoderSpec, EncoderSpec, HeadSpec, MlaSpec, ModelSpec, UpSpec};
use super::weights::TensorSpec;

/// Every tensor that a network of this spec needs: the encoder under the names of the published Segmenter
/// (`encoder.blocks.0.norm1.weight`), each decoder under `decoders.KEY.`. Shapes are PyTorch's: a linear weight is
/// `[out, in]`, a convolution's `[out, in, side, side]`.
pub fn tensors_of(spec: &ModelSpec) -> Vec<TensorSpec> {
    let mut list = TensorList(Vec::new());
    list.encoder(&spec.encoder);
    for decoder in &spec.decoders {
        list.decoder(decoder, spec.encoder.dim, spec.classes);
    }
    list.0
}

/// Those of an encoder alone.
pub fn tensors_of_encoder(spec: &EncoderSpec) -> Vec<TensorSpec> {
    let mut list = TensorList(Vec::new());
    list.encoder(spec);
    list.0
}

struct TensorList(Vec<TensorSpec>);

impl TensorList {
    fn add(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) {
        self.0.push(TensorSpec {
            name: name.into(),
            shape: shape.into(),
        });
    }

    fn linear(&mut self, name: &str, output: usize, input: usize) {
        self.add(format!("{name}.weight"), [output, input]);
        self.add(format!("{name}.bias"), [output]);
    }

    fn layer_norm(&mut self, name: &str, dim: usize) {
        self.add(format!("{name}.weight"), [dim]);
        self.add(format!("{name}.bias"), [dim]);
    }

    fn block(&mut self, name: &str, dim: usize) {
        self.layer_norm(&format!("{name}.norm1"), dim);
        self.linear(&format!("{name}.attn.qkv"), 3 * dim, dim);
        self.linear(&format!("{name}.attn.proj"), dim, dim);
        self.layer_norm(&format!("{name}.norm2"), dim);
        self.linear(&format!("{name}.mlp.fc1"), 4 * dim, dim);
        self.linear(&format!("{name}.mlp.fc2"), dim, 4 * dim);
    }

    fn encoder(&mut self, e: &EncoderSpec) {
        self.add("encoder.patch_embed.proj.weight", [e.dim, 3, e.patch, e.patch]);
        self.add("encoder.patch_embed.proj.bias", [e.dim]);
        if e.class_token {
            self.add("encoder.cls_token", [1, 1, e.dim]);
        }
        if e.distilled {
            self.add("encoder.dist_token", [1, 1, e.dim]);
        }
        let positions = e.extra_tokens() + e.grid[0] * e.grid[1];
        self.add("encoder.pos_embed", [1, positions, e.dim]);
        for i in 0..e.depth {
            self.block(&format!("encoder.blocks.{i}"), e.dim);
        }
        if e.final_norm {
            self.layer_norm("encoder.norm", e.dim);
        }
    }

    fn decoder(&mut self, decoder: &DecoderSpec, dim: usize, classes: usize) {
        let name = |part: &str| format!("decoders.{}.{part}", decoder.key);
        match &decoder.head {
            HeadSpec::Linear => self.linear(&name("head"), classes, dim),
            HeadSpec::MaskTransformer { layers, .. } => {
                self.linear(&name("proj_dec"), dim, dim);
                self.add(name("cls_emb"), [1, classes, dim]);
                for i in 0..*layers {
                    self.block(&name(&format!("blocks.{i}")), dim);
                }
                self.layer_norm(&name("decoder_norm"), dim);
                self.add(name("proj_patch"), [dim, dim]);
                self.add(name("proj_classes"), [dim, dim]);
                self.layer_norm(&name("mask_norm"), classes);
            }
            HeadSpec::Up { main, auxiliary } => {
                self.up_head(&name("main"), main, dim, classes);
                for (i, head) in auxiliary.iter().enumerate() {
                    self.up_head(&name(&format!("auxiliary.{i}")), head, dim, classes);
                }
            }
            HeadSpec::Mla(mla) => self.mla(&name(""), mla, dim, classes),
        }
    }

    fn up_head(&mut self, name: &str, head: &UpSpec, dim: usize, classes: usize) {
        self.layer_norm(&format!("{name}.norm"), dim);
        let mut input = dim;
        for (i, stage) in head.stages.iter().enumerate() {
            self.normed_convolution(&format!("{name}.stages.{i}"), stage.channels, input, stage.kernel);
            input = stage.channels;
        }
        self.convolution(&format!("{name}.classify"), classes, input, 1);
    }

    /// `name` ends in a dot.
    fn mla(&mut self, name: &str, mla: &MlaSpec, dim: usize, classes: usize) {
        let MlaSpec {
            channels,
            head_channels,
            ..
        } = *mla;
        let paths = mla.taps.len();
        for i in 0..paths {
            self.layer_norm(&format!("{name}norms.{i}"), dim);
            self.normed_convolution(&format!("{name}project.{i}"), channels, dim, 1);
            self.normed_convolution(&format!("{name}smooth.{i}"), channels, channels, 3);
            self.normed_convolution(&format!("{name}refine.{i}.0"), head_channels, channels, 3);
            self.normed_convolution(&format!("{name}refine.{i}.1"), head_channels, head_channels, 3);
            if mla.auxiliary {
                self.convolution(&format!("{name}auxiliary.{i}"), classes, channels, 1);
            }
        }
        let side = mla.classifier_kernel;
        self.convolution(&format!("{name}classify"), classes, paths * head_channels, side);
    }

    fn convolution(&mut self, name: &str, output: usize, input: usize, side: usize) {
        self.add(format!("{name}.weight"), [output, input, side, side]);
        self.add(format!("{name}.bias"), [output]);
    }

    /// A convolution without bias and the batch norm behind it.
    fn normed_convolution(&mut self, name: &str, output: usize, input: usize, side: usize) {
        self.add(format!("{name}.weight"), [output, input, side, side]);
        for part in ["weight", "bias", "mean", "variance"] {
            self.add(format!("{name}.norm.{part}"), [output]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, Variant, published};

    #[test]
    fn decoders_with_running_statistics_are_those_with_batch_norm() {
        let spec = published(Variant::Tiny, 16, &DecoderKind::ALL, 3, 64);
        let tensors = tensors_of(&spec);
        for decoder in &spec.decoders {
            let of_decoder = format!("decoders.{}.", decoder.key);
            let mut names = tensors.iter().filter(|tensor| tensor.name.starts_with(&of_decoder));
            let has_statistics = names.any(|tensor| tensor.name.ends_with(".norm.variance"));
            assert_eq!(decoder.head.has_batch_norm(), has_statistics, "{}", decoder.key);
        }
    }
}
