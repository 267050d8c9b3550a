//! The layout of rstrudel/segmenter: `checkpoint.pth` with the outer key `model`, and `variant.yml` beside it.

use std::path::Path;

use super::published_settings::{self, System};
use super::shapes::{count_of, grid_of, shape, usual_heads};
use super::side_file::Sizes;
use super::source::Shapes;
use super::tensor_mapping::TensorMapping;
use super::variant::{self, Variant};
use super::vit_names::{EncoderNames, TIMM};
use super::{CheckpointError, Plan, Provenance, sigmoid};
use crate::datasets;
use crate::labels::ClassSet;
use crate::model::{
    DecoderSpec, EncoderSpec, HeadSpec, InferenceSpec, MaskSpec, ModelSpec, Normalisation, PositionResize, VitSpec,
};

/// LayerNorm epsilon of encoder and decoder: PyTorch's default, although the ViTs were trained with 1e-6.
const NORM_EPS: f64 = 1e-5;

/// The probability above which a pixel is of class 1, for a decoder with one output channel. The published models have
/// no such decoder, so the layout defines no threshold.
const SIGMOID_THRESHOLD: f32 = 0.5;

/// Whether a file with these tensors has this layout.
pub(super) fn has_layout(shapes: &Shapes) -> bool {
    shapes.contains_key("encoder.patch_embed.proj.weight")
}

/// Plans how to read the file at `path`. Sizes that the shapes of its tensors do not determine come from a
/// `variant.yml` beside it, or from the rules of the published models.
pub(super) fn plan(shapes: &Shapes, path: &Path) -> Result<Plan, CheckpointError> {
    let damaged = |why: String| CheckpointError::damaged(path, why);
    let tensors = Tensors::of(shapes).map_err(damaged)?;
    let (variant, mut remarks) = variant::of(path, &tensors.sizes);
    let classes = tensors.class_set(variant.as_ref());
    let spec = tensors.spec(variant.as_ref(), &classes).map_err(damaged)?;
    super::check_spec(&spec, path)?;
    remarks.extend(published_settings::guess(&classes));
    remarks.extend(tensors.remark_on_one_channel());
    let mut provenance = Provenance::new("rstrudel/segmenter checkpoint");
    match variant {
        Some(v) => {
            provenance.add("data set", v.data_set.unwrap_or_else(|| "unknown".into()));
            provenance.add("backbone", v.backbone.unwrap_or_else(|| "unknown".into()));
        }
        None => provenance.add(
            "note",
            "no usable variant.yml: window, stride and normalisation have their usual values",
        ),
    }
    Ok(Plan {
        mapping: mapping(&spec, &tensors.decoder, shapes),
        spec,
        classes,
        provenance,
        zero_is_ignored: None,
        remarks,
    })
}

fn mapping(spec: &ModelSpec, decoder: &Decoder, shapes: &Shapes) -> TensorMapping {
    let mut mapping = TensorMapping::default();
    let names = EncoderNames {
        prefix: "encoder.",
        patch_embedding: "patch_embed.proj",
        blocks: "blocks.",
        block: &TIMM,
        norm: "norm",
    };
    names.encoder(&mut mapping, &spec.encoder, shapes);
    // The 1000-way ImageNet heads are in every published file.
    mapping.ignore_all(shapes, "encoder.head");
    let ours = decoder.spec().prefix();
    match decoder {
        Decoder::Mask(mask) => {
            mapping.take_pair(&format!("{ours}.proj_dec"), "decoder.proj_dec");
            for name in ["cls_emb", "proj_patch", "proj_classes"] {
                mapping.take(format!("{ours}.{name}"), format!("decoder.{name}"));
            }
            for i in 0..mask.layers {
                TIMM.block(
                    &mut mapping,
                    &format!("{ours}.blocks.{i}"),
                    &format!("decoder.blocks.{i}"),
                );
            }
            for name in ["decoder_norm", "mask_norm"] {
                mapping.take_pair(&format!("{ours}.{name}"), &format!("decoder.{name}"));
            }
        }
        Decoder::Linear => {
            sigmoid::classifier(&mut mapping, &format!("{ours}.head"), "decoder.head", &spec.inference);
        }
    }
    mapping
}

/// The decoders of this layout.
enum Decoder {
    Linear,
    Mask(MaskSpec),
}

impl Decoder {
    fn spec(&self) -> DecoderSpec {
        let (key, head) = match self {
            Self::Linear => ("linear", HeadSpec::Linear),
            Self::Mask(mask) => ("mask", HeadSpec::MaskTransformer(mask.clone())),
        };
        DecoderSpec::new(key, head)
    }
}

/// What the names and shapes of the tensors determine.
struct Tensors {
    sizes: Sizes,
    distilled: bool,
    decoder: Decoder,
}

impl Tensors {
    fn of(shapes: &Shapes) -> Result<Self, String> {
        let patch_weight = shape(shapes, "encoder.patch_embed.proj.weight", 4)?;
        let (width, patch) = (patch_weight[0], patch_weight[2]);
        let distilled = shapes.contains_key("encoder.dist_token");
        let (decoder, classes) = if shapes.contains_key("decoder.cls_emb") {
            let mask = MaskSpec {
                layers: count_of(shapes, "decoder.blocks."),
                heads: usual_heads(width),
                norm_eps: NORM_EPS,
            };
            (Decoder::Mask(mask), shape(shapes, "decoder.cls_emb", 3)?[1])
        } else if shapes.contains_key("decoder.head.weight") {
            let classes = shape(shapes, "decoder.head.weight", 2)?[0];
            (Decoder::Linear, classes)
        } else {
            return Err(
                "expected decoder.cls_emb (mask transformer) or decoder.head.weight (linear), found neither: it has no \
                 Segmenter decoder"
                    .into(),
            );
        };
        Ok(Self {
            sizes: Sizes {
                width,
                patch,
                depth: count_of(shapes, "encoder.blocks."),
                classes,
                positions: shape(shapes, "encoder.pos_embed", 3)?[1].saturating_sub(1 + usize::from(distilled)),
            }
            .checked()?,
            distilled,
            decoder,
        })
    }

    /// Whether the decoder has a single output channel that goes through a sigmoid.
    fn is_sigmoid(&self) -> bool {
        match self.decoder {
            Decoder::Linear => self.sizes.classes == 1,
            Decoder::Mask(_) => false,
        }
    }

    /// A remark about a decoder with one output channel.
    fn remark_on_one_channel(&self) -> Option<String> {
        if self.sizes.classes != 1 {
            return None;
        }
        Some(match self.decoder {
            Decoder::Linear => {
                format!("its decoder has one output channel: class 1 is where the sigmoid is above {SIGMOID_THRESHOLD}")
            }
            Decoder::Mask(_) => "its mask transformer has only one class, so every pixel gets it".into(),
        })
    }

    fn class_set(&self, variant: Option<&Variant>) -> ClassSet {
        if self.is_sigmoid() {
            return sigmoid::two_classes(&[], &[]);
        }
        match variant.and_then(|v| v.data_set.as_ref()) {
            Some(data_set) => datasets::for_model(data_set, self.sizes.classes),
            None => datasets::by_count(self.sizes.classes),
        }
    }

    /// The spec of the network. What the shapes do not determine comes from `variant`, or from the rules of the
    /// published models.
    fn spec(&self, variant: Option<&Variant>, classes: &ClassSet) -> Result<ModelSpec, String> {
        let Sizes {
            width, patch, depth, ..
        } = self.sizes;
        let extra = 1 + usize::from(self.distilled);
        let said = variant.and_then(|v| v.said.grid(patch));
        let grid = grid_of(self.sizes.positions + extra, extra, said)?;
        let crop = patch.saturating_mul(grid[0].min(grid[1]));
        let proposed = published_settings::proposed_for(System::Segmenter, classes, patch, crop);
        let window = variant.and_then(|v| v.window).unwrap_or(proposed.window);
        let usual_normalisation = if self.distilled {
            Normalisation::IMAGENET
        } else {
            Normalisation::VIT
        };
        Ok(ModelSpec {
            encoder: EncoderSpec::Vit(VitSpec {
                dim: width,
                depth,
                heads: variant.and_then(|v| v.said.heads).unwrap_or(usual_heads(width)),
                patch,
                grid,
                class_token: true,
                distilled: self.distilled,
                final_norm: true,
                norm_eps: NORM_EPS,
                position_resize: PositionResize::Bilinear,
            }),
            decoders: vec![self.decoder.spec()],
            classes: if self.is_sigmoid() { 2 } else { self.sizes.classes },
            normalisation: variant.and_then(|v| v.normalisation).unwrap_or(usual_normalisation),
            inference: InferenceSpec {
                window,
                stride: variant.and_then(|v| v.stride).unwrap_or(proposed.stride).min(window),
                // If the file has a window but no image size, the window is the size.
                short_side: match variant {
                    Some(v) => v.image_size.or(v.window).or(proposed.short_side),
                    None => proposed.short_side,
                },
                threshold: self.is_sigmoid().then_some(SIGMOID_THRESHOLD),
                ..proposed
            },
        })
    }
}
