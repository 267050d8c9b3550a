//! Compares inference by windows, scales and flips as in rstrudel/segmenter.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use burn::tensor::Device;
use segscope::model::{HostTensor, NoProbe, Output, WindowMode, WindowRules};
use segscope::segment::{self, InferenceConfig, Pass, Prediction};
use serde_json::Value;

use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, kept_of, step_of};
use super::tensors::{map_of, thinned};
use super::{open_model, open_photo};

/// Compares one case.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let device = Device::flex();
    let golden = case.tensors();
    let (spec, model) = open_model(case);
    let size = case.width_height(&case.manifest, "image_size");
    let image = open_photo(case, "image.png");
    let normalised = map_of(size, 1, &[1], |x, y| {
        let bytes = image
            .pixel(x, y)
            .unwrap_or_else(|| panic!("{}: image.png is not {size:?}", case.name));
        let value = |c: usize| (f32::from(bytes[c]) / 255.0 - spec.normalisation.mean[c]) / spec.normalisation.std[c];
        (0..3).map(value).collect()
    });
    if let Some((name, image)) = kept_of(&golden, "image") {
        let found = thinned(&normalised, step_of(name));
        findings.close(&case.name, name, &found, Some(image), 1e-6);
    }
    for (run, description) in case.manifest["runs"].as_object().into_iter().flatten() {
        let entries = description["entries"].as_array().cloned().unwrap_or_default();
        let passes: Vec<Pass> = entries
            .iter()
            .map(|entry| pass_of(case, run, entry, findings))
            .collect();
        let network = segment::InferenceRun {
            model: &model,
            spec: &spec,
            output: Output::default(),
            device: &device,
        };
        let encoded = network.encode(&passes, size, &mut NoProbe).expect("an encoded image");
        let prediction = network
            .predict(&encoded, Duration::ZERO, &mut NoProbe)
            .expect("a prediction");
        compare_run(case, run, &prediction, &golden, findings);
    }
    findings.complete(&case.name, golden.keys());
}

/// The windows of one entry, checked against the manifest's.
fn pass_of(case: &GoldenCase, run: &str, entry: &Value, findings: &mut Findings) -> Pass<'static> {
    let scale = entry["scale"]
        .as_f64()
        .unwrap_or_else(|| panic!("{}: {run}: an entry without scale", case.name));
    let scaled = format!("image_scale_{scale:?}.png");
    let photo = open_photo(
        case,
        if case.folder.join(&scaled).is_file() {
            &scaled
        } else {
            "image.png"
        },
    );
    assert_eq!(
        [photo.width, photo.height],
        case.width_height(entry, "image_size"),
        "{}: {run}: {scale}",
        case.name
    );
    let flip = entry["flip"] == true;
    let settings = InferenceConfig {
        window: case.number("window"),
        stride: case.number("stride"),
        short_side: None,
        scales: vec![1.0],
        flip,
        rules: WindowRules::Enlarge,
        mode: WindowMode::Slide,
        normalisation: None,
        refine_edges: false,
    };
    let pass = Pass::new(Cow::Owned(photo), flip, &settings);
    let what = format!("{run}, scale {scale}, flip {flip}");
    let expected = case.width_height(entry, "size_after_min_side_resize");
    if pass.size != expected {
        findings.wrong(
            &case.name,
            &what,
            format!("expected the size {expected:?}, found {:?}", pass.size),
        );
    }
    let corners: Vec<_> = (0..pass.windows())
        .map(|i| pass.corner(i))
        .map(|[left, top]| [top, left])
        .collect();
    if serde_json::json!(corners) != entry["anchors_y_x"] {
        let why = format!("expected the windows {}, found {corners:?}", entry["anchors_y_x"]);
        findings.wrong(&case.name, &what, why);
    }
    pass
}

fn compare_run(
    case: &GoldenCase,
    run: &str,
    prediction: &Prediction,
    golden: &BTreeMap<String, HostTensor>,
    findings: &mut Findings,
) {
    let map = &prediction.labels.map;
    let size = [map.width, map.height];
    for (name, expected) in golden {
        let Some((_, what)) = name.split_once('.').filter(|(of, _)| *of == run) else {
            continue;
        };
        let step = step_of(what);
        let found = match (what.split("_every").next(), &prediction.fields[..]) {
            (Some("prob"), _) => map_of(size, step, &[], |x, y| prediction.probabilities_at(x, y)),
            (Some("merged_logits"), [field]) => map_of(size, step, &[], |x, y| field.at(x, y, size)),
            // `Findings::complete` reports it.
            _ => continue,
        };
        findings.close(&case.name, name, &found, Some(expected), case.tolerance(name));
    }
    let file = format!("argmax_{run}.png");
    let tied = |i: usize| {
        let mut probabilities = prediction.probabilities_at(i % size[0], i / size[0]);
        probabilities.sort_by(|a, b| b.total_cmp(a));
        probabilities
            .get(1)
            .is_some_and(|second| probabilities[0] - second < 1e-4)
    };
    findings.same_labels(&case.name, &file, map, &case.label_map(&file), 1e-3, tied);
}
