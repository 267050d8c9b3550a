//! Compares ImageNet backbones that are converted from other programs' layouts.

use std::ops::ControlFlow;

use segscope::checkpoint::{self, CheckpointError};
use segscope::model::{HostTensor, PositionResize, resized_positions};

use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, step_of};

/// Compares one case, whose tensor names are those of the encoder without `encoder.`.
pub fn compare(case: &GoldenCase, findings: &mut Findings) {
    let golden = case.tensors();
    let path = case.checkpoint();
    let mut backbone = checkpoint::open_backbone(&path, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let encoder = backbone.encoder.vit().expect("a ViT");
    assert_eq!(encoder.heads, case.number("heads"), "{}: heads", case.name);
    assert_eq!(encoder.depth, case.number("encoder_depth"), "{}: depth", case.name);
    assert_eq!(encoder.patch, case.number("patch"), "{}: patch", case.name);

    let grid = encoder.grid;
    let target = case.width_height(&case.manifest, "model_grid");
    let positions = backbone.weights.remove("encoder.pos_embed").expect("positions");
    let resized = resized_positions(&positions, grid, target, PositionResize::Bilinear);
    backbone.weights.insert("encoder.pos_embed", resized);
    for (name, expected) in &golden {
        let (whole, rows) = name
            .split_once(".rows")
            .map_or((name.as_str(), None), |(whole, which)| (whole, Some(which)));
        let Some(found) = backbone.weights.get(&format!("encoder.{whole}")) else {
            findings.wrong(&case.name, name, "it was not made");
            continue;
        };
        let tolerance = if whole == "pos_embed" { 2e-6 } else { 0.0 };
        let part = rows.map(|which| HostTensor {
            shape: expected.shape.clone(),
            values: some_rows(found, which, expected.shape[0]),
        });
        findings.close(
            &case.name,
            name,
            part.as_ref().unwrap_or(found),
            Some(expected),
            tolerance,
        );
    }
    // Tensors that are not stored in full have sums instead.
    for (name, known) in case.manifest["converted"].as_object().into_iter().flatten() {
        let Some(found) = backbone.weights.get(&format!("encoder.{name}")) else {
            findings.wrong(&case.name, name, "it was not made");
            continue;
        };
        for probe in known["probes"].as_array().into_iter().flatten() {
            let (at, value) = (
                probe[0].as_u64().unwrap_or(0) as usize,
                probe[1].as_f64().unwrap_or(f64::NAN),
            );
            let difference = (f64::from(found.values[at]) - value).abs();
            if difference > 2e-6 || difference.is_nan() {
                findings.wrong(
                    &case.name,
                    name,
                    format!("value {at}: expected {value}, found {}", found.values[at]),
                );
            }
        }
    }
    let refused = checkpoint::open(&path, &mut |_| ControlFlow::Continue(()));
    assert!(
        matches!(refused, Err(CheckpointError::Backbone { .. })),
        "{}: opened as a model",
        case.name
    );
    findings.complete(&case.name, golden.keys());
}

/// `count` rows of a tensor: the first ones (`0_7`), or every fifth row (`_every5`).
fn some_rows(tensor: &HostTensor, which: &str, count: usize) -> Vec<f32> {
    let rows = tensor.values.chunks_exact(tensor.values.len() / tensor.shape[0]);
    rows.step_by(step_of(which)).take(count).flatten().copied().collect()
}
