//! Complete trainings on the sample image, with a small untrained backbone.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use segscope::checkpoint;
use segscope::datasets::{Pair, TruthChoices, TruthReader, pairs};
use segscope::labels::ClassSet;
use segscope::model::{DecoderKind, Isa, Kernels, ModelSpec, Products, Weights};
use segscope::train::{
    Augmentation, LossReduction, OptimiserSpec, PolySchedule, StartPlan, TrainConfig, TrainEvent, TrainFolder,
    TrainPrecision, TrainState, Training, start_from,
};

use crate::repository::in_repository;

/// Copies of the sample with these names, and their label maps.
fn data(folder: &Path, names: &[&str]) -> Vec<Pair> {
    for (below, file, ending) in [("images", "street.jpg", "jpg"), ("labels", "street-labels.png", "png")] {
        fs::create_dir_all(folder.join(below)).expect("a folder");
        for name in names {
            let copy = folder.join(below).join(format!("{name}.{ending}"));
            fs::copy(in_repository("assets/samples").join(file), copy).expect("a copy");
        }
    }
    let found = pairs(&folder.join("images"), &folder.join("labels"), None);
    found.expect("pairs").pairs
}

/// A network with both decoders of Segmenter and one of SETR, on the golden backbone.
fn beginning(seed: u64) -> (ModelSpec, Weights) {
    let files = fs::read_dir(in_repository("tests/golden/pipeline-timm-npz")).expect("the golden backbone");
    let mut files = files.map(|entry| entry.expect("an entry").path());
    let file = files
        .find(|file| file.extension().is_some_and(|ending| ending == "npz"))
        .expect("a backbone");
    let backbone = checkpoint::open_backbone(&file, &mut |_| ControlFlow::Continue(())).expect("a backbone");
    let patch = backbone.encoder.multiple();
    let plan = StartPlan {
        decoders: vec![DecoderKind::Linear, DecoderKind::Mask, DecoderKind::Mla],
        channels: 8,
        auxiliary: false,
        patch,
        crop: 4 * patch,
        short_side: 4 * patch,
        classes: 11,
        seed,
    };
    let (spec, weights, fresh) = start_from(backbone, &plan).expect("a network");
    assert_eq!(fresh, ["linear", "mask", "mla"], "a backbone has no decoder");
    (spec, weights)
}

fn config(crop: usize, iterations: usize) -> TrainConfig {
    TrainConfig {
        batch_size: 3,
        seed: 5,
        validate_every: 0,
        accumulate: 1,
        decoder_lr_multiplier: 2.0,
        layer_decay: 0.9,
        clip_norm: Some(1.0),
        ema_decay: Some(0.9),
        drop_path: 0.1,
        dropout: 0.1,
        precision: TrainPrecision::F32,
        loss_reduction: LossReduction::Labelled,
        optimiser: OptimiserSpec::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        },
        schedule: PolySchedule {
            lr: 3e-3,
            min_lr: 1e-5,
            power: 0.9,
            iterations,
        },
        augmentation: Augmentation::published(crop, 2 * crop),
    }
}

fn fresh(weights: &Weights, config: &TrainConfig) -> TrainState {
    TrainState::new(weights.clone(), config.optimiser)
}

/// A training on the CPU that is never stopped, with the class set of the sample's labels.
fn training<'a>(
    config: &'a TrainConfig,
    spec: &'a ModelSpec,
    (classes, reader): (&'a ClassSet, &'a TruthReader),
    [pairs, validation]: [&'a [Pair]; 2],
    device: &'a Device,
) -> Training<'a> {
    Training {
        config,
        spec,
        classes,
        reader,
        pairs,
        validation,
        device,
        kernels: Kernels::best(),
        products: Products::F32,
        stops: &|| false,
    }
}

/// Trains up to an iteration, and returns the losses of each step.
fn train(training: &Training, state: &mut TrainState, until: usize) -> Vec<Vec<f64>> {
    let mut losses = Vec::new();
    let done = training.run(state, &mut |_, event| {
        if let TrainEvent::Step {
            iteration,
            losses: of_step,
            ..
        } = event
        {
            losses.push(of_step.clone());
            if *iteration == until {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    });
    done.expect("no failure");
    losses
}

#[test]
fn a_resumed_training_equals_an_uninterrupted_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = data(folder.path(), &["a", "b"]);
    let (spec, weights) = beginning(1);
    let config = config(spec.inference.window, 12);
    let classes = segscope::datasets::classes_of("camvid").expect("a set");
    let reader = TruthReader::new(&classes);
    let device = Device::flex();
    let training = training(&config, &spec, (&classes, &reader), [&pairs, &[]], &device);
    let said = training.check_files().expect("sound files");
    assert!(
        said[0].starts_with("ground truth: 2 label maps, 11 of 11 classes occur"),
        "{said:?}"
    );
    let mut whole = fresh(&weights, &config);
    let straight = train(&training, &mut whole, 12);
    assert_eq!((straight.len(), whole.iteration), (12, 12));
    // The loss of every decoder decreases.
    for decoder in [0, 1, 2] {
        let mean = |steps: &[Vec<f64>]| steps.iter().map(|losses| losses[decoder]).sum::<f64>() / steps.len() as f64;
        let (first, last) = (mean(&straight[..3]), mean(&straight[9..]));
        assert!(last < first - 0.1, "decoder {decoder}: {first} to {last}");
    }

    let file = TrainFolder::new(folder.path()).state();
    let mut state = fresh(&weights, &config);
    let mut halves = train(&training, &mut state, 5);
    state.save(&file, "this").expect("a file");
    drop(state);
    let mut state = TrainState::load(&file, "this").expect("a state");
    assert_eq!(state.iteration, 5);
    halves.extend(train(&training, &mut state, 12));
    assert_eq!(halves.len(), 12);
    for (i, (a, b)) in straight.iter().flatten().zip(halves.iter().flatten()).enumerate() {
        assert!((a - b).abs() < 1e-5, "loss {i}: {a} and {b}");
    }
}

#[test]
fn a_missed_validation_is_caught_up_and_the_last_step_has_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = data(folder.path(), &["a"]);
    let (spec, weights) = beginning(1);
    let config = TrainConfig {
        validate_every: 2,
        ..config(spec.inference.window, 3)
    };
    let classes = segscope::datasets::classes_of("camvid").expect("a set");
    let reader = TruthReader::new(&classes);
    let device = Device::flex();
    let training = training(&config, &spec, (&classes, &reader), [&pairs, &pairs], &device);
    let validated = |state: &mut TrainState, until: usize| {
        let mut after = Vec::new();
        let done = training.run(state, &mut |_, event| match event {
            TrainEvent::Step { iteration, .. } if *iteration == until => ControlFlow::Break(()),
            TrainEvent::Validated { iteration, scores, .. } => {
                assert_eq!(scores.len(), 3);
                after.push(*iteration);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        });
        done.expect("no failure");
        after
    };
    let mut state = fresh(&weights, &config);
    // Stopped after the second step, before its validation.
    assert!(validated(&mut state, 2).is_empty());
    assert_eq!(validated(&mut state, usize::MAX), [2, 3]);
    assert!(state.best.is_some() && state.validated == Some(3));
    assert!(validated(&mut state, usize::MAX).is_empty(), "no work is left");
}

#[test]
fn unusable_files_are_listed_before_the_first_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = data(folder.path(), &["a", "b", "c", "d"]);
    let labels = |name: &str| folder.path().join("labels").join(name);
    fs::write(folder.path().join("images/b.jpg"), "no image").expect("a file");
    fs::write(labels("c.png"), "no labels").expect("a file");
    let small = segscope::photo::Photo::open(&in_repository("assets/samples/street.jpg")).expect("the sample");
    let small = segscope::export::png(&small.resized(64, 48)).expect("a PNG");
    fs::write(folder.path().join("images/d.jpg"), small).expect("a file");
    let (spec, _) = beginning(1);
    let config = config(spec.inference.window, 1);
    let device = Device::flex();
    let offenders = |classes: &ClassSet, ignored: Option<Vec<u16>>| {
        let choices = TruthChoices {
            ignored,
            ..TruthChoices::default()
        };
        let reader = TruthReader::with(classes, None, None, &choices);
        training(&config, &spec, (classes, &reader), [&pairs, &[]], &device)
            .survey()
            .1
    };
    let camvid = segscope::datasets::classes_of("camvid").expect("a set");
    let found = offenders(&camvid, None);
    assert_eq!(found.len(), 3, "{found:?}");
    let names = ["b.jpg", "c.png", "d.png"];
    for (why, name) in found.iter().zip(names) {
        assert!(why.contains(name), "{why}");
    }
    assert!(
        found[2].contains("expected a label map as large as the image (64 x 48), found 1280 x 960"),
        "{}",
        found[2]
    );
    // The void id is invalid unless it is ignored.
    let found = offenders(&camvid, Some(vec![255]));
    assert!(found[0].contains("found 11"), "{}", found[0]);
}

#[test]
fn two_accumulated_batches_equal_one_combined_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = data(folder.path(), &["a", "b"]);
    let (spec, weights) = beginning(1);
    let linear = ModelSpec {
        decoders: spec.decoders[..1].to_vec(),
        ..spec.clone()
    };
    let classes = segscope::datasets::classes_of("camvid").expect("a set");
    let reader = TruthReader::new(&classes);
    let device = Device::flex();
    let first_step = |batch_size: usize, accumulate: usize| {
        let config = TrainConfig {
            batch_size,
            accumulate,
            // Otherwise, a batch with few labelled pixels would count as much as one with many.
            loss_reduction: LossReduction::All,
            drop_path: 0.0,
            dropout: 0.0,
            // With this optimiser, the step equals the gradient.
            optimiser: OptimiserSpec::Sgd {
                momentum: 0.0,
                nesterov: false,
                weight_decay: 0.0,
            },
            clip_norm: None,
            ..config(spec.inference.window, 1)
        };
        let training = training(&config, &linear, (&classes, &reader), [&pairs, &[]], &device);
        let mut own = weights.clone();
        let others: Vec<String> = own.iter().map(|(name, _)| name.to_owned()).collect();
        for name in others.iter().filter(|name| name.starts_with("decoders.m")) {
            own.remove(name);
        }
        let mut state = fresh(&own, &config);
        (train(&training, &mut state, 1)[0][0], state.weights)
    };
    let ((loss, weights), (expected, together)) = (first_step(1, 2), first_step(2, 1));
    assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
    let (_, beginning) = beginning(1);
    let most = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    for (name, tensor) in together.iter() {
        let before = &beginning.get(name).expect("the same tensors").values;
        let other = &weights.get(name).expect("the same tensors").values;
        let step = most(&tensor.values, before);
        assert!(
            most(&tensor.values, other) <= 1e-3 * step + 1e-7,
            "{name}: of a step of {step}"
        );
    }
}

/// The network of [`beginning`] with the decoders of Segmenter only.
fn segmenter() -> (ModelSpec, Weights) {
    let (mut spec, mut weights) = beginning(1);
    let (left_out, prefix) = (spec.decoders.pop().expect("a decoder"), "decoders.mla");
    assert_eq!(left_out.prefix(), prefix);
    let names: Vec<String> = weights.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names.iter().filter(|name| name.starts_with(prefix)) {
        weights.remove(name);
    }
    (spec, weights)
}

#[test]
fn a_training_in_bf16_learns_as_much_as_one_in_f32() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairs = data(folder.path(), &["a", "b"]);
    let (spec, weights) = segmenter();
    let mut config = config(spec.inference.window, 200);
    // With a larger learning rate, runs in f32 that start a millionth apart end more than 2 % apart.
    config.schedule.lr = 3e-4;
    (config.drop_path, config.dropout) = (0.0, 0.0);
    let classes = segscope::datasets::classes_of("camvid").expect("a set");
    let reader = TruthReader::new(&classes);
    let device = Device::flex();
    let losses = |precision: TrainPrecision| {
        let kernels = Kernels::of(Isa::PortableBf16).expect("kernels");
        let training = Training {
            products: precision.products(&spec, &device, kernels).expect("products"),
            ..training(&config, &spec, (&classes, &reader), [&pairs, &[]], &device)
        };
        let losses = train(&training, &mut fresh(&weights, &config), 200);
        [0, 1].map(|decoder| losses[150..].iter().map(|losses| losses[decoder]).sum::<f64>() / 50.0)
    };
    let (expected, found) = (losses(TrainPrecision::F32), losses(TrainPrecision::Bf16));
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 0.02 * expected,
            "{found} in bf16, {expected} in f32"
        );
        assert_ne!(*found, expected, "the products are not rounded");
    }
}

#[test]
fn bf16_is_refused_where_nothing_multiplies_it() {
    let (segmenter, setr) = (segmenter().0, beginning(1).0);
    let [rounding, widening] = [Isa::PortableBf16, Isa::Portable].map(|isa| Kernels::of(isa).expect("kernels"));
    let cpu = Device::flex();
    let why = |spec: &ModelSpec, kernels: Kernels| {
        let products = TrainPrecision::Bf16.products(spec, &cpu, kernels);
        products.map(drop).map_err(|why| why.to_string())
    };
    assert_eq!(why(&segmenter, rounding), Ok(()));
    let said = why(&segmenter, widening).expect_err("portable kernels");
    assert!(
        said.contains("found portable kernels; train with the precision f32"),
        "{said}"
    );
    let said = why(&setr, rounding).expect_err("a decoder of SETR");
    assert!(said.contains("found mla; train with the precision f32"), "{said}");
    let f32 = TrainPrecision::F32.products(&setr, &cpu, widening);
    assert!(matches!(f32, Ok(Products::F32)), "{f32:?}");
}

#[test]
fn errors_name_invalid_numbers() {
    let usual = || config(64, 10);
    assert_eq!(usual().check(), Ok(()));
    type Change = fn(&mut TrainConfig);
    let changes: [(&str, Change); 8] = [
        ("batch-size", |config| config.batch_size = 0),
        ("iterations", |config| config.schedule.iterations = 0),
        ("scales", |config| config.augmentation.scales = [2.0, 0.5]),
        ("scales", |config| config.augmentation.scales = [f64::NAN, 1.0]),
        ("ema-decay", |config| config.ema_decay = Some(1.5)),
        ("drop-path", |config| config.drop_path = f64::NAN),
        ("lr", |config| config.schedule.lr = f64::NAN),
        ("layer-decay", |config| config.layer_decay = -1.0),
    ];
    for (name, change) in changes {
        let mut config = usual();
        change(&mut config);
        let why = config.check().expect_err(name);
        assert!(why.contains(name), "{name}: {why}");
    }
}
