//! Compares logits of networks in bf16 and int8 with the published ones.

use burn::tensor::{Device, Tensor, TensorData};
use segscope::model::{
    Decoder, HostTensor, InferenceNetwork, Kernels, LastUpsampling, ModelSpec, NoProbe, Output, Precision,
};
use segscope::segment;

use super::golden_case::GoldenCase;
use super::golden_case::closeness::Findings;
use super::{Runner, open_for};

/// The error of a product, relative to its usual size.
///
/// bf16 keeps eight bits of both operands. int8 divides the range of a row, about eight standard deviations, into 255
/// steps, and that of an output's weights into 127 to 254: errors of up to half a step have standard deviations of
/// 0.9 % and 0.5 to 0.9 %.
fn rounding(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => f32::EPSILON,
        Precision::Bf16 => 1.0 / 512.0,
        Precision::Int8 => 0.01,
    }
}

/// Compares one case. Both operands of each product are rounded. Each of the layers passes the sum of many independent
/// rounding errors on, which grows with the square root of their number; the largest of thousands of values is within
/// eight of their standard deviations.
pub fn compare(case: &GoldenCase, precision: Precision, kernels: Kernels, findings: &mut Findings) {
    let runner = Runner::Prepared(precision, kernels);
    let title = format!("{}, {}", case.name, runner.title());
    let (spec, model) = open_for(case, &runner);
    let (_, reference) = open_for(case, &Runner::Modules(Device::flex()));
    let image = input(case, &spec);
    // The layers that int8 rounds are those of blocks. Single values say little, but the mean of all squares says much;
    // a fifth more is allowed, because errors of the first layers grow.
    let encoder = 1.2 * rounding(precision) * ((6 * spec.encoder.layers() + 2) as f32).sqrt();
    let [found, expected] = [&model, &reference].map(|model| tokens(model, image.clone()));
    let error = relative_error(&found, &expected);
    let report = format!("relative error {error:.2e}, at most {encoder:.2e}");
    println!("{title}: tokens: {report}");
    if error.is_nan() || error > encoder {
        findings.wrong(&title, "tokens", report);
    }
    let [found, expected] = [&model, &reference].map(|model| logits(model, image.clone()));
    // Projections, MLP and attention of each block, embedding and head.
    let products = 6 * spec.encoder.layers() + 8;
    let error = 8.0 * rounding(precision) * (products as f32).sqrt();
    let bound = error * scale(&reference, image, &expected);
    findings.close(&title, "logits", &found, Some(&expected), bound);
    let classes = spec.classes;
    let rows = found
        .values
        .chunks_exact(classes)
        .zip(expected.values.chunks_exact(classes));
    let wrong = rows.filter(|(found, expected)| margin(expected) > 2.0 * bound && best(found) != best(expected));
    let wrong = wrong.count();
    if wrong > 0 {
        findings.wrong(&title, "argmax", format!("{wrong} clear labels differ"));
    }
}

/// What an error relative to the largest value of the last product becomes in the logits.
fn scale(reference: &InferenceNetwork, image: Tensor<4>, logits: &HostTensor) -> f32 {
    let InferenceNetwork::Modules(network) = reference else {
        panic!("expected modules")
    };
    let Some(Decoder::MaskTransformer(mask)) = network.decoders.first() else {
        return logits
            .values
            .iter()
            .fold(0.0, |largest, value| value.abs().max(largest));
    };
    // Cosines are at most 1, and are divided by their standard deviation over the classes. The gain of the norm is that
    // of an untrained one in every case.
    let features = network.encode(image, &mut NoProbe).expect("it is not cancelled");
    let cosines = mask.cosines(&features, &mut NoProbe).expect("it is not cancelled");
    let [_, _, classes] = cosines.dims();
    let cosines: Vec<f32> = cosines.into_data().try_into_vec().expect("f32");
    let deviation = |row: &[f32]| {
        let mean = row.iter().sum::<f32>() / classes as f32;
        (row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / classes as f32).sqrt()
    };
    let smallest = cosines
        .chunks_exact(classes)
        .map(deviation)
        .fold(f32::INFINITY, f32::min);
    1.0 / smallest
}

/// What leaves the encoder.
fn tokens(model: &InferenceNetwork, image: Tensor<4>) -> Vec<f32> {
    let features = model.encode(image, &mut NoProbe).expect("it is not cancelled");
    let patches = features.tokens().patches();
    patches.into_data().try_into_vec().expect("f32")
}

/// Root of the mean square of the differences, relative to that of the values.
fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len(), "tokens");
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2));
    (differences.sum::<f32>() / expected.iter().map(|x| x * x).sum::<f32>()).sqrt()
}

fn best(row: &[f32]) -> Option<usize> {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]))
}

/// How far the two largest values are apart.
fn margin(row: &[f32]) -> f32 {
    let mut sorted = row.to_vec();
    sorted.sort_by(f32::total_cmp);
    match sorted[..] {
        [.., second, first] => first - second,
        _ => 0.0,
    }
}

/// The golden input, padded.
fn input(case: &GoldenCase, spec: &ModelSpec) -> Tensor<4> {
    let golden = case.tensors();
    let input = &golden["input"];
    let [1, 3, height, width] = input.shape[..] else {
        panic!("{}: input: {:?}", case.name, input.shape)
    };
    let (pixels, [rows, columns]) = segment::padded(input.values.clone(), height, width, spec.encoder.multiple());
    Tensor::from_data(TensorData::new(pixels, [1, 3, rows, columns]), &Device::flex())
}

/// Class logits, `[1, cells, classes]`.
fn logits(model: &InferenceNetwork, image: Tensor<4>) -> HostTensor {
    let features = model.encode(image, &mut NoProbe).expect("it is not cancelled");
    let logits = model.decode(&features, Output::default(), LastUpsampling::Here, &mut NoProbe);
    let values = logits.expect("it is not cancelled").values;
    HostTensor {
        shape: values.dims().to_vec(),
        values: values.into_data().try_into_vec().expect("f32"),
    }
}
