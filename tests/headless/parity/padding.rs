//! Compares how the padding of a window is removed: as the network's published system does, whatever the rules for
//! small images are.

use burn::tensor::{Device, Tensor, TensorData};
use segscope::model::{LastUpsampling, NoProbe, Output, WindowMode, WindowRules};
use segscope::photo::Photo;
use segscope::segment::{self, InferenceConfig};

use super::golden_case::GoldenCase;
use super::golden_case::closeness::Findings;
use super::open_model;
use super::tensors::{masks_of, window_logits_of};

/// Compares an image of `size` (width and height, not multiples of the patch size) in one window, under rules that
/// differ from the system's.
pub fn compare(case: &GoldenCase, size: [usize; 2], window: usize, rules: WindowRules, findings: &mut Findings) {
    let device = Device::flex();
    let (spec, model) = open_model(case);
    assert_ne!(spec.inference.rules, rules, "{}: its own rules", case.name);
    let [width, height] = size;
    let photo = Photo {
        width,
        height,
        rgb: patches(width, height),
        remarks: Vec::new(),
    };
    let settings = InferenceConfig {
        window,
        stride: window,
        short_side: None,
        scales: vec![1.0],
        flip: false,
        rules,
        mode: WindowMode::Slide,
        normalisation: None,
        refine_edges: false,
    };
    let passes = settings.passes(&photo, spec.encoder.multiple()).expect("a plan");
    assert_eq!(
        (passes.len(), passes[0].windows(), passes[0].size),
        (1, 1, size),
        "{}",
        case.name
    );
    let run = segment::InferenceRun {
        model: &model,
        spec: &spec,
        output: Output::default(),
        device: &device,
    };
    let found = run
        .stream(&passes, size, &mut NoProbe)
        .expect("a prediction")
        .labels
        .map;

    let pixels = passes[0].pixels(0, &spec.normalisation);
    let (pixels, [rows, columns]) = segment::padded(pixels, height, width, spec.encoder.multiple());
    let image = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, rows, columns]), &device);
    let features = model.encode(image, &mut NoProbe).expect("it is not cancelled");
    let decoded = model.decode(&features, Output::default(), LastUpsampling::Here, &mut NoProbe);
    let masks = masks_of(decoded.expect("it is not cancelled"));
    // The published methods: Segmenter's authors enlarge to the padded size and crop (segm/model/segmenter.py),
    // mmsegmentation resizes to the window (models/segmentors/encoder_decoder.py).
    let labels = |stretch: [usize; 2]| segment::label(&[window_logits_of(&masks, size, stretch)], size).map;
    let (cropped, resized) = (labels([columns, rows]), labels(size));
    let (expected, wrong) = match spec.inference.rules {
        WindowRules::Enlarge => (cropped, resized),
        WindowRules::Shrink => (resized, cropped),
    };
    findings.same_labels(&case.name, "padding", &found, &expected, 0.0, |_| false);
    if expected == wrong {
        findings.wrong(&case.name, "padding", "cropping and resizing give the same labels");
    }
}

/// Pixels of coloured blocks, for which a network predicts more than one class.
fn patches(width: usize, height: usize) -> Vec<u8> {
    const SIDE: usize = 9;
    let mut dice = fastrand::Rng::with_seed(31);
    let across = width.div_ceil(SIDE);
    let colors: Vec<[u8; 3]> = (0..across * height.div_ceil(SIDE))
        .map(|_| [dice.u8(..), dice.u8(..), dice.u8(..)])
        .collect();
    let pixel = |i: usize| colors[i / width / SIDE * across + i % width / SIDE];
    (0..width * height).flat_map(pixel).collect()
}
