//! Compares attention, rollout and distance, computed from recorded queries and keys.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use segscope::attention::{
    AttentionTrace, Direction, LayerId, NetworkPart, Recorder, Rollout, Token, uniform_distance,
};
use segscope::model::{HostTensor, NoProbe, Probe, Stage};

use super::golden_case::GoldenCase;
use super::golden_case::closeness::Findings;

/// Tolerance for attention, rollout and relative distance.
pub const TOLERANCE: f32 = 1e-4;

/// Compares every row of every head with the golden attention.
pub fn compare_rows(case: &GoldenCase, title: &str, trace: &AttentionTrace, tolerance: f32, findings: &mut Findings) {
    let golden = case.tensors();
    for (part, name) in [(NetworkPart::Encoder, "attn"), (NetworkPart::Decoder, "dec_attn")] {
        for layer in 0..trace.layers(part).len() {
            let name = format!("{name}.{layer}");
            let expected = golden.get(&name);
            let found = matrix(trace, LayerId { part, layer }, Direction::From);
            findings.close(title, &name, &found, expected, tolerance);
            // The columns form the same matrix, transposed.
            let columns = matrix(trace, LayerId { part, layer }, Direction::To);
            let turned = HostTensor {
                values: transposed(&columns),
                shape: columns.shape,
            };
            findings.close(&format!("{title} by columns"), &name, &turned, expected, tolerance);
        }
    }
}

/// All rows, or all columns, of a block: `[1, heads, tokens, tokens]`.
fn matrix(trace: &AttentionTrace, place: LayerId, direction: Direction) -> HostTensor {
    let count = trace.layer(place).expect("a block").tokens();
    let range = trace.patch_range(place.part);
    let token = |index: usize| match index {
        i if i < range.start => Token::Extra(i),
        i if i < range.end => Token::Patch(i - range.start),
        i => Token::Class(i - range.end),
    };
    let rows: Vec<_> = (0..count)
        .map(|i| trace.rows(place, token(i), direction).expect("a token"))
        .collect();
    let heads = rows[0].heads();
    let values: Vec<f32> = (0..heads)
        .flat_map(|head| rows.iter().flat_map(move |row| row.head(head).to_vec()))
        .collect();
    if direction == Direction::From {
        for row in values.chunks_exact(count) {
            let sum: f32 = row.iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "a row with the sum {sum}");
        }
    }
    HostTensor {
        shape: vec![1, heads, count, count],
        values,
    }
}

fn transposed(matrix: &HostTensor) -> Vec<f32> {
    let count = matrix.shape[3];
    let one = |head: &[f32]| -> Vec<f32> {
        (0..count * count)
            .map(|i| head[i % count * count + i / count])
            .collect()
    };
    matrix.values.chunks_exact(count * count).flat_map(one).collect()
}

/// Compares rollout and distance.
pub fn compare_rollout(case: &GoldenCase, findings: &mut Findings) {
    let golden = case.tensors();
    for source in ["shipped", "extra"] {
        let about = &case.manifest["sources"][source];
        let file = about["attention"].as_str().expect("a file");
        let attention = super::golden_case::tensors_in(&case.folder.join(file));
        let grid = [0, 1].map(|i| about["grid"][i].as_u64().expect("a number") as usize);
        let number = |key: &str| about[key].as_u64().expect("a number") as usize;
        let (extra, patch) = (number("extra_tokens"), number("patch"));
        let layers: Vec<&HostTensor> = (0..)
            .map_while(|i| {
                attention
                    .get(&format!("attn.{i}"))
                    .or_else(|| attention.get(&format!("{source}.attn.{i}")))
            })
            .collect();
        assert!(!layers.is_empty(), "no attention in {file}");
        let trace = trace_of(&layers, grid, extra, patch);
        let rollout = Rollout::default();
        let tokens = layers[0].shape[2];
        for last in 0..layers.len() {
            let rows = (0..tokens).flat_map(|token| rollout.up_to(&trace, last, token).expect("a token"));
            let found = HostTensor {
                shape: vec![tokens, tokens],
                values: rows.collect(),
            };
            let name = format!("{source}.rollout.{last}");
            findings.close(&case.name, &name, &found, golden.get(&name), TOLERANCE);
        }
        let map = rollout
            .of(&trace, NetworkPart::Encoder, Token::Extra(0), || true)
            .expect("a class token");
        let name = format!("{source}.rollout_cls_map");
        let found = HostTensor {
            shape: grid.to_vec(),
            values: map[trace.patch_range(NetworkPart::Encoder)].to_vec(),
        };
        findings.close(&case.name, &name, &found, golden.get(&name), TOLERANCE);

        let expected = &case.manifest["distance_float64"][source];
        let figures = trace
            .head_statistics(NetworkPart::Encoder, || true)
            .expect("it is not cancelled");
        for (layer, heads) in figures.distance.iter().enumerate() {
            for (head, found) in heads.iter().enumerate() {
                let expected = expected[layer][head].as_f64().expect("a distance");
                let off = (found - expected).abs() / expected;
                assert!(
                    off < f64::from(TOLERANCE),
                    "{source} {layer} {head}: {found}, expected {expected}"
                );
            }
        }
        let uniform = about["uniform_distance"].as_f64().expect("a distance");
        assert!((uniform_distance(grid, patch) - uniform).abs() < 1e-4, "{source}");
    }
}

/// A trace with the given attention: its logarithm as queries, and unit vectors as keys.
fn trace_of(layers: &[&HostTensor], grid: [usize; 2], extra: usize, patch: usize) -> AttentionTrace {
    let device = Device::flex();
    let mut nothing = NoProbe;
    let mut recorder = Recorder::new(&mut nothing);
    let tensor = |values: Vec<f32>, shape: [usize; 4]| Tensor::<4>::from_data(TensorData::new(values, shape), &device);
    for (i, layer) in layers.iter().enumerate() {
        let [1, heads, count, _] = layer.shape[..] else {
            panic!("attention: {:?}", layer.shape)
        };
        let queries = layer.values.iter().map(|a| a.ln()).collect();
        let keys = (0..heads * count * count).map(|i| f32::from(u8::from(i / count % count == i % count)));
        let shape = [1, heads, count, count];
        recorder.queries_and_keys(Stage::Encoder(i), tensor(queries, shape), tensor(keys.collect(), shape));
        let tokens = Tensor::<3>::zeros([1, count, 4], &device);
        recorder.tokens(Stage::Encoder(i), &tokens);
        assert_eq!(recorder.block(Stage::Encoder(i)), ControlFlow::Continue(()));
    }
    let trace = recorder.finish(patch, 0).expect("tensors on the CPU");
    AttentionTrace { grid, extra, ..trace }
}
