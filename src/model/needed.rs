//! The tensors of encoder and decoders.

use super::spec::{DecoderSpec, EncoderSpec, HeadSpec, MlaSpec, UpSpec};
use super::tensors::{Place, Role, TensorList};

impl TensorList {
    pub(super) fn encoder(&mut self, e: &EncoderSpec) {
        self.at(Place::Stem);
        self.add(
            "encoder.patch_embed.proj.weight",
            [e.dim, 3, e.patch, e.patch],
            Role::Kernel,
        );
        self.add("encoder.patch_embed.proj.bias", [e.dim], Role::Bias);
        if e.class_token {
            self.add("encoder.cls_token", [1, 1, e.dim], Role::Embedding);
        }
        if e.distilled {
            self.add("encoder.dist_token", [1, 1, e.dim], Role::Embedding);
        }
        let positions = e.extra_tokens() + e.grid[0] * e.grid[1];
        self.add("encoder.pos_embed", [1, positions, e.dim], Role::Embedding);
        for i in 0..e.depth {
            self.at(Place::Layer(i));
            self.block(&format!("encoder.blocks.{i}"), e.dim);
        }
        if e.final_norm {
            self.at(Place::Layer(e.depth));
            self.layer_norm("encoder.norm", e.dim);
        }
    }

    pub(super) fn decoder(&mut self, decoder: &DecoderSpec, dim: usize, classes: usize) {
        let name = |part: &str| format!("decoders.{}.{part}", decoder.key);
        self.at(Place::Head);
        match &decoder.head {
            HeadSpec::Linear => self.linear(&name("head"), classes, dim),
            HeadSpec::MaskTransformer { layers, .. } => {
                self.linear(&name("proj_dec"), dim, dim);
                self.add(name("cls_emb"), [1, classes, dim], Role::Embedding);
                for i in 0..*layers {
                    self.block(&name(&format!("blocks.{i}")), dim);
                }
                self.layer_norm(&name("decoder_norm"), dim);
                self.add(name("proj_patch"), [dim, dim], Role::Projection);
                self.add(name("proj_classes"), [dim, dim], Role::Projection);
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
        self.classifier(&format!("{name}.classify"), classes, input, 1);
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
            // The published tenfold rate goes by "head" in the name, and this is `neck` in mmsegmentation and
            // `backbone.mla` in the official code.
            self.at(Place::Neck);
            self.layer_norm(&format!("{name}norms.{i}"), dim);
            self.normed_convolution(&format!("{name}project.{i}"), channels, dim, 1);
            self.normed_convolution(&format!("{name}smooth.{i}"), channels, channels, 3);
            self.at(Place::Head);
            self.normed_convolution(&format!("{name}refine.{i}.0"), head_channels, channels, 3);
            self.normed_convolution(&format!("{name}refine.{i}.1"), head_channels, head_channels, 3);
            if mla.auxiliary {
                self.convolution(&format!("{name}auxiliary.{i}"), classes, channels, 1);
            }
        }
        let side = mla.classifier_kernel;
        self.classifier(&format!("{name}classify"), classes, paths * head_channels, side);
    }
}
