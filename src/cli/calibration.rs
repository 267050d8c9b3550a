//! Measures how sure the decoders of a model usually are.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use super::stopping;
use crate::checkpoint::Checkpoint;
use crate::model::{InferenceNetwork, NoProbe, Output, Precision, UsualConfidence};
use crate::photo::Photo;
use crate::runtime::{DeviceChoice, kernels, open_device};
use crate::segment::{InferenceConfig, InferenceRun};

/// Runs every decoder of a model on photos like those that it was trained for, and notes in its spec how sure each is.
///
/// # Errors
/// When the network cannot be built, or a photo cannot be read or segmented.
pub(super) fn calibrate(checkpoint: &mut Checkpoint, photos: &[PathBuf]) -> Result<()> {
    let device = open_device(DeviceChoice::Cpu)?.device;
    let spec = checkpoint.spec.clone();
    let mut weights = checkpoint.weights.clone();
    let network = InferenceNetwork::build(&spec, &mut weights, &device, Precision::F32, kernels()?)?;
    let settings = InferenceConfig::of(&spec.inference);
    let mut means = vec![Vec::new(); spec.decoders.len()];
    for path in photos {
        stopping::check()?;
        let photo = Photo::open(path)?;
        let passes = settings.passes(&photo, spec.encoder.multiple())?;
        let run = |decoder| InferenceRun {
            model: &network,
            spec: &spec,
            output: Output::main(decoder),
            device: &device,
        };
        let start = Instant::now();
        let encoded = run(0).encode(&passes, [photo.width, photo.height], &mut NoProbe)?;
        for (decoder, means) in means.iter_mut().enumerate() {
            let prediction = run(decoder).predict(&encoded, start.elapsed(), &mut NoProbe)?;
            means.push(prediction.labels.mean_confidence());
        }
    }
    for (decoder, means) in checkpoint.spec.decoders.iter_mut().zip(means) {
        decoder.usual_confidence = UsualConfidence::of(means);
    }
    Ok(())
}
