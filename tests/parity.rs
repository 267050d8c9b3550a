//! The networks and the pipeline against what the published programs put out (`tests/golden/README.md`).
//!
//! `SEGSCOPE_GOLDEN` names a folder with further cases. On a graphics device only the two smallest model cases run, for
//! a Vulkan driver in software needs long for each kernel it compiles; `CUBECL_AUTOTUNE_LEVEL=minimal` shortens it.
//! `SEGSCOPE_REQUIRE_ALL=1` turns the lack of such a device from a skip into a failure.

mod golden_case;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use golden_case::closeness::Findings;
use golden_case::{GoldenCase, Kind, cases, class_first, class_last, step_of};
use segscope::checkpoint;
use segscope::labels::LabelMap;
use segscope::model::{Decoder, Features, HostTensor, ModelSpec, NoProbe, Probe, Segmenter, Stage};
use segscope::photo::Photo;
use segscope::segment::{self, Field, Pass, Prediction};
use serde_json::Value;

#[test]
fn segmenter_models_match_on_the_cpu() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Model]) {
        let limits = Limits {
            tolerance: None,
            labels: 1e-3,
        };
        compare_model(&case, &limits, &Device::flex(), &mut findings);
    }
    findings.finish();
}

#[test]
fn windows_scales_flips_and_upsampling_match() {
    let mut findings = Findings::default();
    for case in supported(&[Kind::Sliding, Kind::Upsample]) {
        match case.kind {
            Kind::Sliding => compare_sliding(&case, &mut findings),
            _ => compare_upsampling(&case, &mut findings),
        }
    }
    findings.finish();
}

#[test]
fn the_smallest_models_match_on_a_graphics_device() {
    let device = match graphics_device() {
        Ok(device) => device,
        Err(why) => {
            let required = std::env::var("SEGSCOPE_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!required, "no Vulkan adapter, but SEGSCOPE_REQUIRE_ALL=1: {why}");
            println!("skipped: no Vulkan adapter ({why})");
            return;
        }
    };
    let mut findings = Findings::default();
    let mut models = supported(&[Kind::Model]);
    models.sort_by_key(|case| std::fs::metadata(case.folder.join("checkpoint.pth")).map_or(u64::MAX, |m| m.len()));
    for case in models.iter().take(2) {
        let limits = Limits {
            tolerance: Some(1e-2),
            labels: 1e-2,
        };
        compare_model(case, &limits, &device, &mut findings);
    }
    findings.finish();
}

/// The cases of these kinds, of which each must be among the shipped ones.
fn supported(kinds: &[Kind]) -> Vec<GoldenCase> {
    let (supported, other): (Vec<_>, Vec<_>) = cases().into_iter().partition(|case| case.kind != Kind::Unsupported);
    for case in other {
        println!(
            "not yet supported: {} ({})",
            case.name,
            case.manifest["system"].as_str().unwrap_or("no system")
        );
    }
    for kind in kinds {
        let shipped = supported
            .iter()
            .filter(|case| case.kind == *kind && case.shipped)
            .count();
        assert!(shipped > 0, "no case of kind {kind:?} in tests/golden");
    }
    supported
        .into_iter()
        .filter(|case| kinds.contains(&case.kind))
        .collect()
}

fn graphics_device() -> Result<Device, String> {
    let mut reasons = Vec::new();
    for kind in [DeviceKind::DefaultDevice, DeviceKind::Cpu] {
        match Device::wgpu_options().device_kind(kind).init() {
            Ok(device) => return Ok(device),
            Err(e) => reasons.push(e.to_string()),
        }
    }
    Err(reasons.join("; "))
}

/// How far off a run may be.
struct Limits {
    /// For every tensor; `None` takes the manifest's.
    tolerance: Option<f32>,
    /// Share of the pixels that may get another label.
    labels: f64,
}

/// Keeps what each block puts out, under the golden names.
#[derive(Default)]
struct Recorder(BTreeMap<String, HostTensor>);

impl Recorder {
    fn keep<const D: usize>(&mut self, what: &str, stage: Stage, tensor: Tensor<D>) {
        let name = match stage {
            Stage::Encoder(i) => format!("{what}.{i}"),
            Stage::Decoder(i) => format!("dec_{what}.{i}"),
        };
        self.0.insert(name, host(tensor));
    }
}

impl Probe for Recorder {
    fn block(&mut self, stage: Stage, tokens: &Tensor<3>) -> ControlFlow<()> {
        self.keep("block", stage, tokens.clone());
        ControlFlow::Continue(())
    }

    fn wants_attention(&self) -> bool {
        true
    }

    fn attention(&mut self, stage: Stage, probabilities: Tensor<4>) {
        self.keep("attn", stage, probabilities);
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> HostTensor {
    let shape = tensor.dims().to_vec();
    let values = tensor.into_data().try_into_vec().expect("a tensor of f32");
    HostTensor { shape, values }
}

fn open_model(case: &GoldenCase, folder: &std::path::Path, device: &Device) -> (ModelSpec, Segmenter) {
    let checkpoint = checkpoint::open(folder, &mut |_| ControlFlow::Continue(())).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let model = Segmenter::build(&checkpoint.spec, checkpoint.weights, device);
    (checkpoint.spec, model.unwrap_or_else(|e| panic!("{}: {e}", case.name)))
}

fn compare_model(case: &GoldenCase, limits: &Limits, device: &Device, findings: &mut Findings) {
    let golden = case.tensors();
    let (spec, model) = open_model(case, &case.folder, device);
    let input = golden
        .get("input")
        .unwrap_or_else(|| panic!("{}: no tensor input", case.name));
    let [1, 3, height, width] = input.shape[..] else {
        panic!("{}: input: {:?}", case.name, input.shape)
    };
    let (pixels, [rows, columns]) = segment::padded(input.values.clone(), height, width, spec.encoder.patch);
    let image = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, rows, columns]), device);

    let mut found = Recorder::default();
    found.0.insert("embed".into(), host(model.encoder.embed(image.clone())));
    let traced = model.encode(image.clone(), &mut found).expect("nobody cancels");
    let last = outputs(&model, &spec, &traced, [width, height], &mut found);
    found.0.extend(last);
    let fast = model.encode(image, &mut NoProbe).expect("nobody cancels");
    let fast = outputs(&model, &spec, &fast, [width, height], &mut NoProbe);

    for (path, found) in [("with a trace", &found.0), ("without a trace", &fast)] {
        let title = format!("{} {path}", case.name);
        for (tensor, found) in found {
            let tolerance = limits.tolerance.unwrap_or_else(|| case.tolerance(tensor));
            findings.close(&title, tensor, found, golden.get(tensor), tolerance);
        }
        let labels = [&found["logits"], &golden["logits"]].map(argmax);
        findings.same_labels(
            &title,
            "argmax of the logits",
            &labels[0],
            &labels[1],
            limits.labels,
            |_| true,
        );
        let field = field_of(&found["masks"], spec.encoder.patch, [width, height]);
        let fused = segment::label(&[field], [width, height]).map;
        findings.same_labels(&title, "labels", &fused, &labels[1], limits.labels, |_| true);
    }
    findings.complete(
        &format!("{} with a trace", case.name),
        golden.keys().filter(|key| *key != "input"),
    );
}

/// Tokens, cosines, masks and logits of encoded `features`, under the golden names.
fn outputs(
    model: &Segmenter,
    spec: &ModelSpec,
    features: &Features,
    size: [usize; 2],
    probe: &mut dyn Probe,
) -> BTreeMap<String, HostTensor> {
    let mut found = BTreeMap::from([("tokens".to_owned(), host(features.tokens.clone()))]);
    if let Decoder::MaskTransformer(decoder) = &model.decoder {
        found.insert(
            "mask_cos".into(),
            host(decoder.cosines(features, probe).expect("nobody cancels")),
        );
    }
    let logits = host(model.decode(features, probe).expect("nobody cancels"));
    let [rows, columns] = features.grid;
    assert_eq!(
        logits.shape,
        [1, rows * columns, spec.classes],
        "shape of the decoder's output"
    );
    let masks = class_first(&logits.values, spec.classes, &[1, spec.classes, rows, columns]);
    let field = field_of(&masks, spec.encoder.patch, size);
    found.insert("logits".into(), map_of(size, 1, &[1], |x, y| field.at(x, y, size)));
    found.insert("masks".into(), masks);
    found
}

/// One window over a picture of `size` (width and height), from `[1, classes, rows, columns]`.
fn field_of(masks: &HostTensor, patch: usize, size: [usize; 2]) -> Field {
    let [_, classes, rows, columns] = masks.shape[..] else {
        panic!("masks: {:?}", masks.shape)
    };
    Field::whole(class_last(masks), classes, size, [columns, rows], patch)
}

/// The values of every `step`th row and column as `[…, classes, rows, columns]`.
fn map_of(size: [usize; 2], step: usize, outer: &[usize], at: impl Fn(usize, usize) -> Vec<f32>) -> HostTensor {
    let [columns, rows] = size.map(|side| side.div_ceil(step));
    let places = (0..rows).flat_map(|y| (0..columns).map(move |x| [x * step, y * step]));
    let values: Vec<f32> = places.flat_map(|[x, y]| at(x, y)).collect();
    let classes = values.len() / (rows * columns);
    class_first(&values, classes, &[outer, &[classes, rows, columns]].concat())
}

/// The first best class of each pixel of `[1, classes, height, width]`.
fn argmax(logits: &HostTensor) -> LabelMap {
    let [_, classes, height, width] = logits.shape[..] else {
        panic!("logits: {:?}", logits.shape)
    };
    let values = class_last(logits);
    let best = |pixel: &[f32]| (1..classes).fold(0, |best, c| if pixel[c] > pixel[best] { c } else { best }) as u16;
    LabelMap {
        width,
        height,
        ids: values.chunks_exact(classes).map(best).collect(),
    }
}

fn compare_sliding(case: &GoldenCase, findings: &mut Findings) {
    let device = Device::flex();
    let golden = case.tensors();
    let (spec, model) = open_model(case, &case.model_folder(), &device);
    let size = case.width_height(&case.manifest, "image_size");
    let picture = open_photo(case, "image.png");
    let normalised = map_of(size, 1, &[1], |x, y| {
        let bytes = picture
            .pixel(x, y)
            .unwrap_or_else(|| panic!("{}: image.png is not {size:?}", case.name));
        let value = |c: usize| (f32::from(bytes[c]) / 255.0 - spec.normalisation.mean[c]) / spec.normalisation.std[c];
        (0..3).map(value).collect()
    });
    if let Some(image) = golden.get("image") {
        findings.close(&case.name, "image", &normalised, Some(image), 1e-6);
    }
    for (run, description) in case.manifest["runs"].as_object().into_iter().flatten() {
        let entries = description["entries"].as_array().cloned().unwrap_or_default();
        let passes: Vec<Pass> = entries
            .iter()
            .map(|entry| pass_of(case, run, entry, findings))
            .collect();
        let network = segment::Run {
            model: &model,
            spec: &spec,
            device: &device,
        };
        let encoded = network.encode(&passes, size, &mut NoProbe).expect("an encoded picture");
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
    let pass = Pass::new(Cow::Owned(photo), flip, case.number("window"), case.number("stride"));
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
            // Left for `Findings::complete` to complain about.
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

fn compare_upsampling(case: &GoldenCase, findings: &mut Findings) {
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
        let field = field_of(logits, 1, low);
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

fn open_photo(case: &GoldenCase, file: &str) -> Photo {
    Photo::open(&case.folder.join(file)).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}
