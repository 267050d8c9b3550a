//! Compares inference by windows as in mmsegmentation, also for an image smaller than the window.

use std::time::Duration;

use burn::tensor::Device;
use segscope::model::{NoProbe, Output, WindowMode, WindowRules};
use segscope::segment::{self, InferenceConfig};

use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, kept_of, step_of};
use super::tensors::{argmax, map_of, thinned};
use super::{open_model, open_photo};

/// Compares one case.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let device = Device::flex();
    let golden = case.tensors();
    let (spec, model) = open_model(case);
    let network = segment::InferenceRun {
        model: &model,
        spec: &spec,
        output: Output::default(),
        device: &device,
    };
    let [window, _] = case.width_height(&case.manifest, "crop");
    let [stride, _] = case.width_height(&case.manifest, "stride");
    let settings = InferenceConfig {
        window,
        stride,
        short_side: None,
        scales: vec![1.0],
        flip: false,
        rules: WindowRules::Shrink,
        mode: WindowMode::Slide,
        normalisation: None,
        refine_edges: false,
    };
    assert_eq!(spec.inference.rules, WindowRules::Shrink, "{}: rules", case.name);
    for (name, run) in case.manifest["runs"].as_object().into_iter().flatten() {
        let photo = open_photo(case, &format!("{name}.png"));
        let size = [photo.width, photo.height];
        let passes = settings.passes(&photo, spec.encoder.multiple()).expect("a plan");
        let windows: Vec<_> = (0..passes[0].windows())
            .map(|i| {
                let ([left, top], [width, height]) = (passes[0].corner(i), passes[0].window);
                [top, left, top + height, left + width]
            })
            .collect();
        if serde_json::json!(windows) != run["windows_y1_x1_y2_x2"] {
            let why = format!("expected {}, found {windows:?}", run["windows_y1_x1_y2_x2"]);
            findings.wrong(&case.name, &format!("windows of {name}"), why);
        }
        let encoded = network.encode(&passes, size, &mut NoProbe).expect("an encoded image");
        let prediction = network
            .predict(&encoded, Duration::ZERO, &mut NoProbe)
            .expect("a prediction");
        let [field] = &prediction.fields[..] else {
            panic!("{}: {name}: {} fields", case.name, prediction.fields.len())
        };
        let logits = map_of(size, 1, &[1], |x, y| field.at(x, y, size));
        let tensor = format!("{name}.logits");
        let (kept, expected) = kept_of(&golden, &tensor).unwrap_or_else(|| panic!("{}: no {tensor}", case.name));
        let found = thinned(&logits, step_of(kept));
        findings.close(&case.name, kept, &found, Some(expected), case.tolerance(kept));
        let file = format!("{name}_argmax.png");
        let labels = case.label_map(&file);
        findings.same_labels(&case.name, &file, &prediction.labels.map, &labels, 1e-3, |_| true);
        findings.same_labels(
            &case.name,
            &format!("{name}: argmax"),
            &argmax(&logits),
            &labels,
            1e-3,
            |_| true,
        );
    }
    findings.complete(&case.name, golden.keys().filter(|key| key.contains(".logits")));
}
