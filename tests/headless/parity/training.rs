//! Compares gradients and optimiser steps with those of PyTorch (`tests/golden/training/make.py`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use safetensors::SafeTensors;
use segscope::checkpoint::{self, Checkpoint};
use segscope::labels::LabelMap;
use segscope::model::{
    DecoderKind, HostTensor, Isa, Kernels, ModelSpec, Output, Products, TrainingMemory, Variant, Weights, published,
};
use segscope::train::{
    Batch, BatchGradients, DropRates, LossReduction, Objective, Optimiser, OptimiserSpec, StepSize, Target,
    clip_global_norm,
};

use super::golden_case::step_of;
use crate::repository::in_repository;

/// Largest difference, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-4;

fn folder() -> PathBuf {
    in_repository("tests/golden")
}

fn tensors(file: &str) -> BTreeMap<String, HostTensor> {
    let bytes = std::fs::read(folder().join("training").join(file)).expect("a fixture");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let all = tensors.tensors().into_iter().map(|(name, view)| {
        let values = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
        let tensor = HostTensor {
            shape: view.shape().to_vec(),
            values: values.collect(),
        };
        (name, tensor)
    });
    all.collect()
}

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let largest = expected.iter().fold(1e-3f32, |most, value| most.max(value.abs()));
    let worst = found
        .iter()
        .zip(expected)
        .map(|(f, e)| (f - e).abs())
        .fold(0.0, f32::max);
    assert!(worst <= TOLERANCE * largest, "{what}: off by {worst:e} of {largest:e}");
}

/// A golden model.
fn opened(case: &str) -> Checkpoint {
    let below = folder().join(case);
    // SETR's folders also hold tensors other than the checkpoint.
    let file = below.join(format!("{case}.pth"));
    let path = if file.is_file() { file } else { below };
    checkpoint::open(&path, &mut |_| std::ops::ControlFlow::Continue(())).expect("a model")
}

fn batch(fixture: &BTreeMap<String, HostTensor>) -> Batch {
    let [_, _, height, width] = fixture["image"].shape[..] else {
        panic!("four axes")
    };
    let labels = fixture["labels"].values.chunks_exact(width * height);
    let labels = labels.map(|ids| LabelMap {
        width,
        height,
        ids: ids.iter().map(|id| *id as u16).collect(),
    });
    Batch {
        values: fixture["image"].values.clone(),
        size: [width, height],
        labels: labels.collect(),
    }
}

fn learned(opened: &Checkpoint, batch: &Batch, targets: &[Target], loss_reduction: LossReduction) -> BatchGradients {
    let objective = Objective {
        spec: &opened.spec,
        targets,
        loss_reduction,
        drop_rates: DropRates::NONE,
        seed: 1,
        device: &Device::flex(),
        memory: &TrainingMemory::default(),
        products: Products::F32,
    };
    objective.learn(&opened.weights, batch).expect("gradients")
}

/// Compares all gradients, of which large ones are stored in part. `ours` converts the names of the fixture to those of
/// Segscope.
fn compare_all(fixture: &BTreeMap<String, HostTensor>, found: &BatchGradients, ours: impl Fn(&str) -> String) {
    let mut compared = 0;
    for (name, expected) in fixture {
        let Some((kind, name)) = name.split_once('.').filter(|(kind, _)| kind.starts_with("gradient")) else {
            continue;
        };
        let (ours, step) = (ours(name), step_of(kind));
        let tensor = found.gradients.get(&ours);
        let tensor = tensor.unwrap_or_else(|| panic!("no gradient of {ours}"));
        if step == 1 {
            assert_eq!(tensor.shape, expected.shape, "{ours}");
        }
        let found: Vec<f32> = tensor.values.iter().copied().step_by(step).collect();
        assert_close(&ours, &found, &expected.values);
        compared += 1;
    }
    assert_eq!(compared, found.gradients.iter().count(), "every parameter is compared");
    assert!(compared > 40, "{compared}");
}

/// Compares losses and all gradients of a golden Segmenter.
fn compare_segmenter(case: &str, decoder: &str) {
    let fixture = tensors(&format!("{case}.safetensors"));
    let (opened, batch) = (opened(case), batch(&fixture));
    let targets = [Target {
        output: Output::default(),
        weight: 1.0,
    }];
    let all = learned(&opened, &batch, &targets, LossReduction::All);
    assert_close(
        "loss over all pixels",
        &[all.losses[0] as f32],
        &fixture["loss.all"].values,
    );
    let found = learned(&opened, &batch, &targets, LossReduction::Labelled);
    let loss = [found.losses[0] as f32];
    assert_close("loss over labelled pixels", &loss, &fixture["loss.labelled"].values);
    compare_all(&fixture, &found, |name| {
        name.replace("decoder.", &format!("decoders.{decoder}."))
    });
}

/// A network with a mask transformer and a linear decoder, whose position embeddings are resized for the batch.
fn two_decoders() -> (ModelSpec, Weights, Batch) {
    let mut spec = published(Variant::Tiny, 16, &[DecoderKind::Mask, DecoderKind::Linear], 7, 64);
    let vit = spec.encoder.vit_mut().expect("a ViT");
    (vit.dim, vit.depth, vit.heads, vit.distilled) = (36, 3, 3, true);
    let inputs = spec.encoder.clone();
    spec.decoders = [DecoderKind::Mask, DecoderKind::Linear]
        .map(|kind| kind.spec_with(&inputs, 16, false))
        .into();
    let weights = Weights::random(&spec, 3);
    let (size, images) = ([96, 80], 3);
    let values = (0..images * 3 * size[0] * size[1]).map(|i| (i * 37 % 101) as f32 * 0.02 - 1.0);
    let labels = (0..images).map(|image| LabelMap {
        width: size[0],
        height: size[1],
        // Some ids have no class.
        ids: (0..size[0] * size[1]).map(|i| ((i / 40 + image) % 9) as u16).collect(),
    });
    let batch = Batch {
        values: values.collect(),
        size,
        labels: labels.collect(),
    };
    (spec, weights, batch)
}

fn both_targets() -> [Target; 2] {
    [(0, 1.0), (1, 0.3)].map(|(decoder, weight)| Target {
        output: Output {
            decoder,
            auxiliary: None,
        },
        weight,
    })
}

#[test]
fn passes_by_hand_agree_with_those_of_the_modules() {
    let (spec, weights, batch) = two_decoders();
    let targets = both_targets();
    let rates = DropRates {
        path: 0.4,
        decoder: 0.2,
    };
    for (drop_rates, targets) in [
        (DropRates::NONE, &targets[..]),
        (rates, &targets[..]),
        (rates, &targets[1..]),
    ] {
        let objective = Objective {
            spec: &spec,
            targets,
            loss_reduction: LossReduction::Labelled,
            drop_rates,
            seed: 5,
            device: &Device::flex(),
            memory: &TrainingMemory::default(),
            products: Products::F32,
        };
        let found = objective.learn(&weights, &batch).expect("gradients");
        let expected = objective.learn_by_modules(&weights, &batch).expect("gradients");
        assert_eq!(found.pixels, expected.pixels);
        for (found, expected) in found.losses.iter().zip(&expected.losses) {
            assert!((found - expected).abs() < 1e-5 * expected, "loss: {found} {expected}");
        }
        let names = |gradients: &Weights| gradients.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&found.gradients), names(&expected.gradients));
        for (name, expected) in expected.gradients.iter() {
            let found = found.gradients.get(name).expect("a gradient");
            assert_eq!(found.shape, expected.shape, "{name}");
            assert_close(name, &found.values, &expected.values);
        }
    }
}

#[test]
fn gradients_in_bf16_differ_as_little_as_their_rounding_allows() {
    let (spec, weights, batch) = two_decoders();
    let learned = |products: Products| {
        let objective = Objective {
            spec: &spec,
            targets: &both_targets(),
            loss_reduction: LossReduction::Labelled,
            drop_rates: DropRates::NONE,
            seed: 5,
            device: &Device::flex(),
            memory: &TrainingMemory::default(),
            products,
        };
        objective.learn(&weights, &batch).expect("gradients")
    };
    let expected = learned(Products::F32);
    for kernels in [Isa::PortableBf16, Isa::Portable].map(|isa| Kernels::of(isa).expect("kernels")) {
        let found = learned(Products::Bf16(kernels));
        let mut largest = 0.0f64;
        for (name, expected) in expected.gradients.iter() {
            let found = &found.gradients.get(name).expect("a gradient").values;
            let squares = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x * x)).sum::<f64>();
            let difference = squares(&mut found.iter().zip(&expected.values).map(|(a, b)| a - b));
            let error = (difference / squares(&mut expected.values.iter().copied())).sqrt();
            // About twenty products follow one another in both passes; each rounds its operands by up to 2^-9, so that
            // their errors, which are independent, add up to some 20^0.5 2^-8.
            assert!(error < 0.03, "{name}: {error} of its length in {kernels:?}");
            largest = largest.max(error);
        }
        assert!(largest > 1e-3, "the products are not rounded");
    }
}

/// Compares losses, all gradients and the running statistics of a golden SETR with its auxiliary heads.
fn compare_setr(case: &str, decoder: &str) {
    let fixture = tensors(&format!("{case}.safetensors"));
    let (mut opened, batch) = (opened(case), batch(&fixture));
    let target = |output: Output| Target {
        output,
        weight: if output.auxiliary.is_some() { 0.4 } else { 1.0 },
    };
    let targets: Vec<Target> = opened.spec.outputs().into_iter().map(target).collect();
    assert!(targets.len() > 3, "the auxiliary heads are targets");
    let found = learned(&opened, &batch, &targets, LossReduction::All);
    let losses: Vec<f32> = found.losses.iter().map(|loss| *loss as f32).collect();
    assert_close("losses", &losses, &fixture["losses"].values);
    let ours = |name: &str| match name.starts_with("encoder.") {
        true => name.to_owned(),
        false => format!("decoders.{decoder}.{name}"),
    };
    compare_all(&fixture, &found, ours);
    opened.weights.mix(&found.statistics, 0.1);
    let mut compared = 0;
    for (name, expected) in &fixture {
        let Some(name) = name.strip_prefix("running.") else {
            continue;
        };
        let kept = opened.weights.get(&ours(name)).expect("a statistic");
        assert_close(name, &kept.values, &expected.values);
        compared += 1;
    }
    assert_eq!(compared, found.statistics.iter().count(), "every statistic is compared");
}

#[test]
fn gradients_of_setr_pup_match() {
    compare_setr("mmseg-setr-pup", "pup");
}

#[test]
fn gradients_of_setr_mla_match() {
    compare_setr("mmseg-setr-mla", "mla");
}

#[test]
fn gradients_of_the_mask_transformer_match() {
    compare_segmenter("rstrudel-mask-p16", "mask");
}

#[test]
fn gradients_of_the_linear_decoder_match() {
    compare_segmenter("rstrudel-linear-p16", "linear");
}

#[test]
fn steps_of_every_optimiser_match() {
    let fixture = tensors("steps.safetensors");
    let sgd = |nesterov| OptimiserSpec::Sgd {
        momentum: 0.9,
        nesterov,
        weight_decay: 0.01,
    };
    let adamw = OptimiserSpec::AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.05,
    };
    let named = |start: &str| {
        let mut weights = Weights::default();
        for name in ["a", "b"] {
            weights.insert(name, fixture[&format!("{start}.{name}")].clone());
        }
        weights
    };
    for (kind, spec) in [("sgd", sgd(false)), ("nesterov", sgd(true)), ("adamw", adamw)] {
        for (clipping, most) in [("free", None), ("clipped", Some(1.0))] {
            let mut weights = named("start");
            let mut optimiser = Optimiser::new(spec);
            for i in 0..3 {
                let mut gradients = named(&format!("gradient.{i}"));
                if let Some(most) = most {
                    assert!(clip_global_norm(&mut gradients, most) > most);
                }
                let size = StepSize {
                    rate: 0.1 / (i + 1) as f64,
                    decays: true,
                };
                optimiser.step(&mut weights, &gradients, |_| size);
                for name in ["a", "b"] {
                    let step = format!("{kind}.{clipping}.{i}.{name}");
                    let found = weights.get(name).expect("a parameter");
                    assert_close(&step, &found.values, &fixture[&step].values);
                }
            }
        }
    }
}
