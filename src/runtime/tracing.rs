//! Runs one pass over an image and records its attention trace.

use std::sync::Arc;

use burn::tensor::Device;

use super::model_info::ModelInfo;
use super::progress::{BlockCounter, OnProgress};
use super::session_error::SessionError;
use super::traced::{TraceRequest, TracedImage};
use crate::attention::{AttentionTrace, Recorder, plane_of};
use crate::model::{AttentionSpec, InferenceNetwork};
use crate::segment::{self, PlanError, Region, SegmentError, Watch as _};

/// Maximum size of an attention trace in bytes.
const MAX_TRACE_BYTES: usize = 1 << 30;

/// Refuses a trace that would be too large: queries, keys and tokens of every layer, two bytes per value.
fn check_size(attention: &AttentionSpec, window: [usize; 2]) -> Result<(), PlanError> {
    let values = attention.patches(window) * attention.width * 3;
    let bytes = attention.layers.saturating_mul(values * size_of::<u16>());
    if bytes > MAX_TRACE_BYTES {
        return Err(PlanError::Setting(format!(
            "the attention trace of this image would need {} MiB, more than {}; choose one window, or a smaller short \
             side",
            bytes >> 20,
            MAX_TRACE_BYTES >> 20
        )));
    }
    Ok(())
}

/// Runs a model on the image of `request` and records the attention trace.
///
/// # Errors
/// When the model has no such output, the image has no such window, the run is stopped or the device fails.
pub(super) fn trace(
    request: TraceRequest,
    info: &Arc<ModelInfo>,
    network: &InferenceNetwork,
    device: &Device,
    on_progress: OnProgress,
) -> Result<TracedImage, SessionError> {
    if !info.spec.outputs().contains(&request.output) {
        return Err(SessionError::NoOutput(info.title.clone()));
    }
    let spec = &info.spec;
    let attention = spec.encoder.attention().ok_or_else(|| {
        PlanError::Setting(
            "expected a Vision Transformer, found an encoder without attention; choose another model".into(),
        )
    })?;
    let patch = attention.patch;
    let photo = &*request.photo.photo;
    let (reduced, whole);
    let (passes, window) = match request.region {
        Region::Whole => {
            (reduced, whole) = request.settings.whole(photo, patch)?;
            (whole.passes(&reduced, patch)?, 0)
        }
        Region::Window(window) => (request.settings.plain().passes(photo, patch)?, window),
    };
    let pass = passes.first().ok_or(SessionError::NoModel)?.only(window, patch)?;
    check_size(&attention, pass.window)?;
    let run = segment::InferenceRun {
        model: network,
        spec,
        output: request.output,
        device,
    };
    let one = [pass];
    let mut counter = BlockCounter::new(spec, request.output, &one, false, device, on_progress);
    let mut recorder = Recorder::new(&mut counter);
    let [pass] = &one;
    let traced = run.trace(pass, &mut recorder);
    let kept = recorder.finish(patch, spec.classes);
    if let Some(why) = counter.device_error() {
        return Err(SegmentError::Device(why).into());
    }
    let trace = kept.map_err(SegmentError::Device)?;
    let features = traced.map_err(SegmentError::Cancelled)?;
    let embeddings = network.class_embeddings(request.output.decoder);
    let class_plane = match embeddings.map_err(SegmentError::Device)? {
        Some(embeddings) => plane_of(&embeddings, attention.width),
        None => Vec::new(),
    };
    Ok(TracedImage {
        class_plane,
        frame: pass.frame([photo.width, photo.height], patch),
        trace: AttentionTrace {
            grid: features.tokens().grid,
            extra: features.tokens().extra,
            ..trace
        },
        model: info.clone(),
        request,
    })
}
