//! Teaching with open models: the tokens of whole images, how a taught decoder is run, and its label maps.
//!
//! A taught decoder sees the whole image in one pass: reduced to a short side, never enlarged, padded to whole patches by
//! repeating its edge, with position embeddings resized to the grid.

use std::ops::RangeInclusive;
use std::sync::Arc;

use burn::tensor::Device;

use super::model_info::ModelInfo;
use super::progress::{BlockCounter, OnProgress};
use super::session_error::SessionError;
use crate::model::{InferenceNetwork, InferenceSpec, ModelSpec, Output, Padding, WindowMode, WindowRules};
use crate::photo::Photo;
use crate::segment::{self, InferenceConfig, PlanError, SegmentError, WindowLogits};
use crate::teach::{self, Guide, LinearDecoder, Ranking, Stroke, TaughtLabels, TeachError, TokenLogits, Tokens};

/// Short side in pixels to which a larger image is reduced unless another is chosen.
pub const TEACHING_SHORT_SIDE: usize = 384;

/// Short sides that can be chosen.
pub const TEACHING_SHORT_SIDES: RangeInclusive<usize> = 64..=768;

/// How a taught decoder is run on the encoder of `spec`.
pub fn teaching_inference(spec: &ModelSpec, short_side: usize) -> InferenceSpec {
    // Not used for a whole image, but they must fit the encoder.
    let window = short_side.max(spec.encoder.multiple());
    InferenceSpec {
        window,
        stride: window,
        short_side: Some(window),
        // The padding is cropped off the logits.
        rules: WindowRules::Enlarge,
        mode: WindowMode::Whole,
        threshold: None,
        padding: Padding::Edge,
    }
}

/// Runs the encoder of a model over a whole image.
pub(super) fn tokens(
    photo: &Photo,
    short_side: usize,
    (info, network): (&Arc<ModelInfo>, &InferenceNetwork),
    device: &Device,
    on_progress: OnProgress,
) -> Result<Tokens, SessionError> {
    if !TEACHING_SHORT_SIDES.contains(&short_side) {
        let (least, most) = TEACHING_SHORT_SIDES.into_inner();
        let text = format!("short side: expected {least} to {most} pixels for teaching, found {short_side}");
        return Err(PlanError::Setting(text).into());
    }
    let attention = info.spec.encoder.attention().ok_or_else(|| {
        PlanError::Setting(
            "expected a Vision Transformer, found an encoder without attention; choose another model".into(),
        )
    })?;
    let spec = ModelSpec {
        inference: teaching_inference(&info.spec, short_side),
        ..info.spec.clone()
    };
    let passes = InferenceConfig::of(&spec.inference).passes(photo, attention.patch)?;
    let pass = passes.first().ok_or(SessionError::NoModel)?;
    let run = segment::InferenceRun {
        model: network,
        spec: &spec,
        output: Output::main(0),
        device,
    };
    let mut counter = BlockCounter::new(&spec, run.output, &passes, false, device, on_progress);
    let values = run.patch_tokens(pass, &mut counter)?;
    let size = [photo.width, photo.height];
    let tokens = Tokens::new(values, attention.width, attention.patch, pass.size, size);
    tokens.map_err(|why| SegmentError::Device(why.to_string()).into())
}

/// The label map of a photo by a taught decoder whose rows have the ids `classes`, with `strokes` over it.
///
/// With a guide (see [`teach::guide_of`]) it follows the photo's edges. Without one it is the map that the decoder's
/// model makes of the photo when it is run as [`teaching_inference`] says on the CPU, pixel by pixel.
///
/// # Errors
/// When photo, tokens, guide, decoder and classes do not fit together.
pub fn taught_labels(
    decoder: &LinearDecoder,
    classes: &[u16],
    tokens: &Tokens,
    photo: &Photo,
    guide: Option<&Guide>,
    strokes: &[Stroke],
) -> Result<TaughtLabels, TeachError> {
    if guide.is_some() || [photo.width, photo.height] != tokens.image || classes.len() != decoder.classes {
        return teach::label(decoder, classes, tokens, photo, guide, strokes);
    }
    let logits = TokenLogits::of(tokens, decoder)?.by_token();
    let grid = [tokens.columns, tokens.rows];
    let padded = grid.map(|side| side * tokens.patch);
    let field = WindowLogits::whole(logits, decoder.classes, tokens.encoded, grid, padded);
    let labels = segment::label(&[field], tokens.image);
    let share = |value: &u16| f32::from(*value) / 65_535.0;
    let value: Vec<f32> = labels.confidence.iter().map(share).collect();
    let margins = labels.margin.iter().map(share);
    let ranking = Ranking {
        second: value
            .iter()
            .zip(margins)
            .map(|(value, margin)| value - margin)
            .collect(),
        best: labels.map.ids,
        value,
    };
    Ok(teach::with_strokes(ranking, classes, tokens.image, strokes))
}
