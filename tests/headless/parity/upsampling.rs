//! Compares labels of resized class maps.

use segscope::segment;

use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, step_of};
use super::tensors::{map_of, window_logits_of};

/// Compares one case.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let golden = case.tensors();
    for (key, output) in case.manifest["outputs"].as_object().into_iter().flatten() {
        let group = key.split('_').next().unwrap_or(key);
        let source = format!("logits.{group}");
        let logits = golden
            .get(&source)
            .unwrap_or_else(|| panic!("{}: no tensor {source}", case.name));
        let low = case.width_height(output, "low");
        assert_eq!(
            [logits.shape[3], logits.shape[2]],
            low,
            "{}: {source}: width and height",
            case.name
        );
        let field = window_logits_of(logits, low, low);
        let size = case.width_height(output, "size");
        for (name, expected) in &golden {
            if name.starts_with("upsampled") && name.split_once('.').is_some_and(|(_, of)| of == key) {
                let found = map_of(size, step_of(name), &[1], |x, y| field.at(x, y, size));
                findings.close(&case.name, name, &found, Some(expected), case.tolerance(name));
            }
        }
        let file = output["file"].as_str().unwrap_or_default();
        let labels = segment::label(&[field], size).map;
        findings.same_labels(&case.name, file, &labels, &case.label_map(file), 0.0, |_| false);
    }
    findings.complete(&case.name, golden.keys().filter(|key| key.starts_with("upsampled")));
}
