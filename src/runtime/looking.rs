//! One pass over a photo that keeps what is needed for looking inside.

use std::sync::Arc;

use burn::tensor::Device;

use super::inspection::{Inspection, Look};
use super::model_info::ModelInfo;
use super::progress::{BlockCounter, OnProgress};
use super::session_error::SessionError;
use crate::attention::{Inside, Recorder, plane_of};
use crate::model::{AttentionSpec, Decoder, Network};
use crate::segment::{self, PlanError, Region, SegmentError, Watch as _};

/// Most bytes that looking inside may keep.
const MOST_KEPT: usize = 1 << 30;

/// Refuses a look that would keep too much: queries, keys and tokens of every block, two bytes a value.
fn check_kept(attention: &AttentionSpec, window: [usize; 2]) -> Result<(), PlanError> {
    let values = attention.patches(window) * attention.width * 3;
    let bytes = attention.layers.saturating_mul(values * size_of::<u16>());
    if bytes > MOST_KEPT {
        return Err(PlanError::Setting(format!(
            "looking into this photo at once would keep {} MiB, more than {}; choose one window, or a smaller short side",
            bytes >> 20,
            MOST_KEPT >> 20
        )));
    }
    Ok(())
}

/// Runs the photo of `look` through a model.
///
/// # Errors
/// When the model has no such output or the photo no such window, the run is stopped or the device fails.
pub(super) fn inspect(
    look: Look,
    info: &Arc<ModelInfo>,
    network: &Network,
    device: &Device,
    on_progress: OnProgress,
) -> Result<Inspection, SessionError> {
    if !info.spec.outputs().contains(&look.output) {
        return Err(SessionError::NoOutput(info.title.clone()));
    }
    let spec = &info.spec;
    let attention = spec.encoder.attention().ok_or_else(|| {
        PlanError::Setting(
            "this encoder has no attention to look into; choose a model with a Vision Transformer".into(),
        )
    })?;
    let patch = attention.patch;
    let photo = &*look.photo.photo;
    let (reduced, whole);
    let (passes, window) = match look.region {
        Region::Whole => {
            (reduced, whole) = look.settings.whole(photo, patch)?;
            (whole.passes(&reduced, patch)?, 0)
        }
        Region::Window(window) => (look.settings.plain().passes(photo, patch)?, window),
    };
    let pass = passes.first().ok_or(SessionError::NoModel)?.only(window, patch)?;
    check_kept(&attention, pass.window)?;
    let run = segment::Run {
        model: network,
        spec,
        output: look.output,
        device,
    };
    let one = [pass];
    let mut counter = BlockCounter::new(spec, look.output, &one, false, device, on_progress);
    let mut recorder = Recorder::new(&mut counter);
    let [pass] = &one;
    let traced = run.trace(pass, &mut recorder);
    let kept = recorder.finish(patch, spec.classes);
    if let Some(why) = counter.device_error() {
        return Err(SegmentError::Device(why).into());
    }
    let inside = kept.map_err(SegmentError::Device)?;
    let features = traced.map_err(SegmentError::Cancelled)?;
    let embeddings = network.decoders.get(look.output.decoder).map(Decoder::class_embeddings);
    let class_plane = match embeddings.flatten() {
        Some(embeddings) => {
            let [_, dim] = embeddings.dims();
            let values = embeddings
                .try_into_data()
                .map_err(|e| SegmentError::Device(format!("{e:?}")))?;
            let values = values
                .try_into_vec()
                .map_err(|e| SegmentError::Device(format!("{e:?}")))?;
            plane_of(&values, dim)
        }
        None => Vec::new(),
    };
    Ok(Inspection {
        class_plane,
        frame: pass.frame([photo.width, photo.height], patch),
        inside: Inside {
            grid: features.tokens().grid,
            extra: features.tokens().extra,
            ..inside
        },
        model: info.clone(),
        look,
    })
}
