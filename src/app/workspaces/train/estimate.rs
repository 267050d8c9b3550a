//! How long a training will take, before it starts.

use std::time::Duration;

use crate::app::chrome::time_left;
use crate::app::workspaces::Ctx;
use crate::engine::TrainPlan;

/// Floating-point operations of a training step per operation of the forward pass: the backward pass has two products
/// for each of the forward pass.
const STEP: f64 = 3.0;

/// Bytes of a weight in the files of backbones.
const WEIGHT: f64 = 4.0;

/// The estimate as a sentence. It follows from the size of the pretrained weights and from how fast the last photo was
/// segmented on this machine, so it is rough.
pub(super) fn text(plan: &TrainPlan, ctx: &Ctx) -> String {
    let bytes = std::fs::metadata(&plan.init).map(|file| file.len());
    let result = ctx.document().and_then(|document| document.result.as_ref());
    let (Ok(bytes), Some(result)) = (bytes, result) else {
        return "The time left is shown after the first steps.".into();
    };
    let timings = result.prediction.timings;
    if timings.encode.is_zero() {
        return "The time left is shown after the first steps.".into();
    }
    let seconds = (timings.encode + timings.decode).as_secs_f64();
    let speed = result.cost.operations / seconds.max(1e-6);
    let time = estimated(plan, bytes as f64 / WEIGHT, speed);
    let text = time_left(time).replace(" left", "");
    format!("About {text}, by the speed of the last segmentation")
}

/// The time for all steps with a network of this many weights at a speed in operations per second.
fn estimated(plan: &TrainPlan, weights: f64, speed: f64) -> Duration {
    let training = &plan.training;
    let side = (training.augmentation.crop / plan.patch.max(1)) as f64;
    let tokens = side * side;
    // A multiplication and an addition for each weight and token; attention adds a few percent.
    let forward = 2.0 * weights * tokens * training.batch_size as f64;
    let total = forward * STEP * training.schedule.iterations as f64;
    Duration::from_secs_f64((total / speed.max(1.0)).min(1e9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::services::Ask;
    use crate::app::workspaces::train::form::Form;

    #[test]
    fn time_grows_with_steps_batch_and_tokens() {
        let mut form = Form::default();
        form.set_path(Ask::TrainImages, "/data/images".into());
        form.set_path(Ask::InitFile, "/vit.npz".into());
        let (mut plan, _) = form.plan().expect("a plan");
        let time = |plan: &TrainPlan| estimated(plan, 5.7e6, 1e11).as_secs_f64();
        let before = time(&plan);
        // 1000 steps of 8 crops with 576 tokens: 2 * 5.7e6 * 576 * 8 * 3 * 1000 / 1e11.
        assert!((before - 1575.9).abs() < 1.0, "{before}");
        plan.training.schedule.iterations *= 2;
        assert!((time(&plan) / before - 2.0).abs() < 1e-9);
        plan.patch = 32;
        assert!((time(&plan) / before - 0.5).abs() < 1e-9);
    }
}
