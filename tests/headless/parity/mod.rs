//! Compares the networks and the pipeline with outputs of the published programs (`tests/golden/README.md`).
//!
//! `SEGSCOPE_GOLDEN` names a folder with further cases. On a graphics device, only the two smallest model cases and one
//! with convolutions run, because software Vulkan drivers compile each kernel slowly; `CUBECL_AUTOTUNE_LEVEL=minimal`
//! shortens this. Without such a device, these tests are skipped, or fail if `SEGSCOPE_REQUIRE_ALL=1`.

mod attention;
mod backbone;
mod golden_case;
mod models;
mod padding;
mod rounded;
mod scores;
mod slide;
mod sliding;
mod tensors;
mod training;
mod uncertainty;
mod upsampling;

use std::ops::ControlFlow;

use burn::tensor::{Device, DeviceKind};
use golden_case::closeness::Findings;
use golden_case::{GoldenCase, Kind, cases};
use segscope::checkpoint;
use segscope::model::{InferenceNetwork, Isa, Kernels, ModelSpec, Network, Precision, PreparedNetwork, WindowRules};
use segscope::photo::Photo;

#[test]
fn models_match_on_the_cpu() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Model]) {
        let limits = models::Limits {
            tolerance: None,
            labels: 1e-3,
        };
        models::compare(&case, &limits, &Runner::Modules(Device::flex()), &mut findings);
        for kernels in [Kernels::best(), Kernels::portable()] {
            let runner = Runner::Prepared(Precision::F32, kernels);
            models::compare(&case, &limits, &runner, &mut findings);
        }
    }
    findings.finish();
}

#[test]
fn models_in_bf16_differ_as_little_as_their_rounding_allows() {
    let mut findings = Findings::default();
    let with_products = Isa::ALL
        .into_iter()
        .filter(|isa| isa.multiplies_bf16())
        .filter_map(|isa| Kernels::of(isa).ok());
    for kernels in with_products.chain([Kernels::best()]) {
        for case in supported(&[Kind::Model]) {
            rounded::compare(&case, Precision::Bf16, kernels, &mut findings);
        }
    }
    findings.finish();
}

#[test]
fn models_in_int8_differ_as_little_as_their_rounding_allows() {
    let mut findings = Findings::default();
    // Products of bytes are exact with every kernel, but weights are rounded for some of them, and the other products
    // for others.
    for isa in Isa::ALL {
        let Ok(kernels) = Kernels::of(isa) else { continue };
        for case in supported(&[Kind::Model]) {
            rounded::compare(&case, Precision::Int8, kernels, &mut findings);
        }
    }
    findings.finish();
}

#[test]
fn windows_scales_flips_and_upsampling_match() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Sliding, Kind::Slide, Kind::Upsample]) {
        match case.kind {
            Kind::Sliding => sliding::compare(&case, &mut findings),
            Kind::Slide => slide::compare(&case, &mut findings),
            _ => upsampling::compare(&case, &mut findings),
        }
    }
    findings.finish();
}

#[test]
fn confidence_and_margin_match() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Model]) {
        uncertainty::compare(&case, &mut findings);
    }
    uncertainty::compare_with_definition(&mut findings);
    findings.finish();
}

#[test]
fn padding_is_removed_as_in_the_published_systems() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Model]) {
        match case.name.as_str() {
            // The window is larger than the image.
            "rstrudel-mask-p16" => padding::compare(&case, [90, 58], 96, WindowRules::Shrink, &mut findings),
            "mmseg-segmenter-mask" => padding::compare(&case, [58, 58], 58, WindowRules::Enlarge, &mut findings),
            _ => {}
        }
    }
    findings.finish();
}

#[test]
fn rollout_and_distance_match() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Rollout]) {
        attention::compare_rollout(&case, &mut findings);
    }
    findings.finish();
}

#[test]
fn scores_are_exact() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Scores]) {
        scores::compare(&case, &mut findings);
    }
    findings.finish();
}

#[test]
fn backbones_are_converted_exactly() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Backbone]) {
        backbone::compare(&case, &mut findings);
    }
    findings.finish();
}

#[test]
fn the_smallest_models_match_on_a_graphics_device() {
    let device = match graphics_device() {
        Ok(device) => device,
        Err(why) => {
            let required = std::env::var("SEGSCOPE_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!required, "no Vulkan adapter, but SEGSCOPE_REQUIRE_ALL=1: {why}");
            println!("skipped: no Vulkan adapter ({why})");
            return;
        }
    };
    let mut findings = Findings::default();
    let mut models = supported(&[Kind::Model]);
    models.sort_by_key(|case| std::fs::metadata(case.checkpoint()).map_or(u64::MAX, |m| m.len()));
    let convolutions = models.iter().find(|case| case.name == "mmseg-setr-pup");
    for case in models.iter().take(2).chain(convolutions) {
        let limits = models::Limits {
            tolerance: Some(1e-2),
            labels: 1e-2,
        };
        models::compare(case, &limits, &Runner::Modules(device.clone()), &mut findings);
    }
    findings.finish();
}

/// The cases of these kinds; `tests/golden` must have at least one of each kind.
fn supported(kinds: &[Kind]) -> Vec<GoldenCase> {
    let (supported, other): (Vec<_>, Vec<_>) = cases().into_iter().partition(|case| case.kind != Kind::Unsupported);
    for case in other {
        println!(
            "not yet supported: {} ({})",
            case.name,
            case.manifest["system"].as_str().unwrap_or("no system")
        );
    }
    for kind in kinds {
        let shipped = supported
            .iter()
            .filter(|case| case.kind == *kind && case.shipped)
            .count();
        assert!(shipped > 0, "no case of kind {kind:?} in tests/golden");
    }
    supported
        .into_iter()
        .filter(|case| kinds.contains(&case.kind))
        .collect()
}

fn graphics_device() -> Result<Device, String> {
    let mut reasons = Vec::new();
    for kind in [DeviceKind::DefaultDevice, DeviceKind::Cpu] {
        match Device::wgpu_options().device_kind(kind).init() {
            Ok(device) => return Ok(device),
            Err(e) => reasons.push(e.to_string()),
        }
    }
    Err(reasons.join("; "))
}

/// What runs the network of a case.
pub enum Runner {
    /// burn modules.
    Modules(Device),
    /// Packed weights.
    Prepared(Precision, Kernels),
}

impl Runner {
    fn device(&self) -> Device {
        match self {
            Self::Modules(device) => device.clone(),
            Self::Prepared(..) => Device::flex(),
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Modules(_) => "modules".into(),
            Self::Prepared(precision, kernels) => format!("{} {}", kernels.isa().key(), precision.key()),
        }
    }
}

/// The model of a case in f32 on the CPU, as the program runs it.
fn open_model(case: &GoldenCase) -> (ModelSpec, InferenceNetwork) {
    open_for(case, &Runner::Prepared(Precision::F32, Kernels::best()))
}

/// The model of a case.
fn open_for(case: &GoldenCase, runner: &Runner) -> (ModelSpec, InferenceNetwork) {
    let opened = checkpoint::open(&case.checkpoint(), &mut |_| ControlFlow::Continue(()));
    let checkpoint = opened.unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let (spec, mut weights) = (checkpoint.spec, checkpoint.weights);
    let model = match runner {
        Runner::Modules(device) => {
            Network::build(&spec, &mut weights, device).map(|network| InferenceNetwork::Modules(Box::new(network)))
        }
        Runner::Prepared(precision, kernels) => PreparedNetwork::build(&spec, &mut weights, *precision, *kernels)
            .map(|network| InferenceNetwork::Prepared(Box::new(network))),
    };
    (spec, model.unwrap_or_else(|e| panic!("{}: {e}", case.name)))
}

fn open_photo(case: &GoldenCase, file: &str) -> Photo {
    Photo::open(&case.folder.join(file)).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}
