//! Measures how long reading attention takes.
//!
//! Covers rows, columns, the matrix of layers and heads, figures and rollout, over queries and keys of ViT-B/16 at
//! 512x512 (1,025 tokens, 12 layers of 12 heads) and of ViT-B/8 (4,097 tokens).
//!
//! Run `cargo bench --bench attention`; `RAYON_NUM_THREADS` sets the number of threads. Prints medians of several runs,
//! in milliseconds.

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use segscope::attention::{AttentionTrace, Direction, LayerId, NetworkPart, Recorder, Rollout, Token};
use segscope::model::{NoProbe, Probe, Stage};

/// A trace of pseudorandom queries and keys.
fn trace(layers: usize, heads: usize, grid: usize) -> AttentionTrace {
    let device = Device::flex();
    let (tokens, width) = (grid * grid + 1, 64);
    let mut state = 1u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut nothing = NoProbe;
    let mut recorder = Recorder::new(&mut nothing);
    for layer in 0..layers {
        let mut tensor = || {
            let values: Vec<f32> = (0..heads * tokens * width).map(|_| value()).collect();
            Tensor::<4>::from_data(TensorData::new(values, [1, heads, tokens, width]), &device)
        };
        recorder.queries_and_keys(Stage::Encoder(layer), tensor(), tensor());
        let states = Tensor::<3>::zeros([1, tokens, heads * width], &device);
        recorder.tokens(Stage::Encoder(layer), &states);
        assert!(recorder.block(Stage::Encoder(layer)).is_continue());
    }
    let trace = recorder.finish(16, 0).expect("tensors on the CPU");
    AttentionTrace {
        grid: [grid, grid],
        extra: 1,
        ..trace
    }
}

fn report<T>(name: &str, runs: usize, mut work: impl FnMut(usize) -> T) {
    black_box(work(0));
    let mut times: Vec<f64> = (0..runs)
        .map(|run| {
            let start = Instant::now();
            black_box(work(run));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("  {name:<52} {:>9.2} ms", times[times.len() / 2]);
}

fn main() {
    for (title, grid) in [("ViT-B/16 at 512x512", 32), ("ViT-B/8 at 512x512", 64)] {
        let trace = trace(12, 12, grid);
        println!(
            "{title}: {} tokens, trace of {:.1} MiB",
            grid * grid + 1,
            trace.bytes() as f64 / f64::from(1 << 20)
        );
        let place = LayerId {
            part: NetworkPart::Encoder,
            layer: 7,
        };
        let token = |run: usize| Token::Patch(run * 37 % (grid * grid));
        report("row, all heads of a layer", 101, |run| {
            trace.rows(place, token(run), Direction::From)
        });
        report("column, all heads of a layer, once it is prepared", 101, |run| {
            trace.rows(place, token(run), Direction::To)
        });
        report("rows of all layers and heads", 21, |run| {
            let layers = 0..12;
            let at = |layer| LayerId {
                part: NetworkPart::Encoder,
                layer,
            };
            layers
                .map(|layer| trace.rows(at(layer), token(run), Direction::From))
                .collect::<Vec<_>>()
        });
        report("similarity to one patch", 21, |run| trace.similarity(place, token(run)));
        report("components as colours", 3, |_| trace.colours(place));
        report("distance and entropy of one layer", 5, |_| {
            trace.head_figures(NetworkPart::Encoder, 7)
        });
        report("rollout of one patch through all layers", 3, |run| {
            Rollout::default().of(&trace, NetworkPart::Encoder, token(run), || true)
        });
    }
}
