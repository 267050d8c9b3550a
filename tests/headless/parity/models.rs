//! Compares whole models, including their intermediate tensors.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use segscope::model::{
    Decoder, Features, HeadSpec, HostTensor, InferenceNetwork, LastUpsampling, MapStage, ModelSpec, NoProbe, Output,
    Probe, Stage, WindowRules,
};
use segscope::{attention, segment};

use super::attention as rows;
use super::golden_case::closeness::Findings;
use super::golden_case::{GoldenCase, kept_of, step_of};
use super::tensors::{argmax, channels_first, host, map_of, masks_of, thinned, thinned_labels, window_logits_of};
use super::{Runner, open_for};

/// Permitted differences of a run.
pub struct Limits {
    /// Tolerance for every tensor; `None` uses that of the manifest.
    pub tolerance: Option<f32>,
    /// Share of the pixels whose label may differ.
    pub labels: f64,
}

/// Records the outputs of blocks and stages under their golden names.
#[derive(Default)]
struct Recorder {
    found: BTreeMap<String, HostTensor>,
    /// Number of MLA paths, where the golden file counts them from the deepest.
    from_deepest: Option<usize>,
}

impl Recorder {
    fn keep<const D: usize>(&mut self, what: &str, stage: Stage, tensor: Tensor<D>) {
        let name = match stage {
            Stage::Encoder(i) => format!("{what}.{i}"),
            Stage::Decoder(i) => format!("dec_{what}.{i}"),
        };
        self.found.insert(name, host(tensor));
    }

    /// The golden number of a path.
    fn path(&self, i: usize) -> usize {
        self.from_deepest.map_or(i, |paths| paths - 1 - i)
    }
}

impl Probe for Recorder {
    fn block(&mut self, _stage: Stage) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn wants_tokens(&self) -> bool {
        true
    }

    fn tokens(&mut self, stage: Stage, tokens: &Tensor<3>) {
        self.keep("block", stage, tokens.clone());
    }

    fn wants_maps(&self) -> bool {
        true
    }

    fn map(&mut self, stage: MapStage, map: Tensor<4>) {
        let name = match stage {
            MapStage::Up(i) => format!("pup.stage.{i}"),
            MapStage::Path(i) => format!("mla.path.{}", self.path(i)),
            MapStage::Refined(i) => format!("mla.up.{}", self.path(i)),
        };
        self.found.insert(name, channels_first(map));
    }
}

/// A model with the sizes of one case.
struct Subject<'a> {
    case: &'a GoldenCase,
    model: &'a InferenceNetwork,
    spec: &'a ModelSpec,
    /// Width and height of the input.
    size: [usize; 2],
    /// The same with padding.
    padded: [usize; 2],
}

/// Compares one case.
pub fn compare(case: &GoldenCase, limits: &Limits, runner: &Runner, findings: &mut Findings) {
    let golden = case.tensors();
    let device = &runner.device();
    let (spec, model) = open_for(case, runner);
    let input = golden
        .get("input")
        .unwrap_or_else(|| panic!("{}: no tensor input", case.name));
    let [1, 3, height, width] = input.shape[..] else {
        panic!("{}: input: {:?}", case.name, input.shape)
    };
    let (pixels, [rows, columns]) = segment::padded(input.values.clone(), height, width, spec.encoder.multiple());
    let image = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, rows, columns]), device);
    let subject = Subject {
        case,
        model: &model,
        spec: &spec,
        size: [width, height],
        padded: [columns, rows],
    };

    let mut recorder = Recorder {
        from_deepest: subject.paths_from_deepest(),
        ..Recorder::default()
    };
    if let InferenceNetwork::Modules(network) = &model {
        let vit = network.encoder.vit().expect("a ViT");
        recorder.found.insert("embed".into(), host(vit.embed(image.clone())));
    }
    let traced = model.encode(image.clone(), &mut recorder).expect("it is not cancelled");
    let last = subject.outputs(&traced, LastUpsampling::Here, &mut recorder);
    // The golden files do not name Naive's only stage, and do not hold PUP's last one.
    recorder
        .found
        .retain(|name, _| kept_of(&golden, name).is_some() || !name.starts_with("pup."));
    recorder.found.extend(last);
    let title = format!("{} with a trace, {}", case.name, runner.title());
    subject.trace_attention(&title, image.clone(), limits, findings);
    let fast = model.encode(image, &mut NoProbe).expect("it is not cancelled");
    let left_out = match subject.size == subject.padded {
        true => LastUpsampling::LeftOut,
        false => LastUpsampling::Here,
    };
    let mut fast = subject.outputs(&fast, left_out, &mut NoProbe);
    if fast["masks"].shape != golden["masks"].shape {
        // These masks lack the last upsampling of the golden ones, so labels and logits are compared instead.
        fast.remove("masks");
    }

    for (path, found) in [("with a trace", recorder.found), ("without a trace", fast)] {
        let title = format!("{} {path}, {}", case.name, runner.title());
        subject.compare_found(&title, found, &golden, limits, findings);
    }
    let is_given = |key: &str| match &model {
        InferenceNetwork::Modules(_) => key != "input",
        // These networks do not keep the others.
        InferenceNetwork::Prepared(_) => !["input", "embed", "mask_cos"].contains(&key),
    };
    let all = golden.keys().filter(|key| is_given(key));
    findings.complete(&title, all);
}

impl Subject<'_> {
    /// Compares the outputs of a run, and the labels that follow from them.
    fn compare_found(
        &self,
        title: &str,
        found: BTreeMap<String, HostTensor>,
        golden: &BTreeMap<String, HostTensor>,
        limits: &Limits,
        findings: &mut Findings,
    ) {
        let masks = found.get("masks").cloned();
        let (logits, expected) = kept_of(golden, "logits").unwrap_or_else(|| panic!("{title}: no logits"));
        let (step, expected) = (step_of(logits), argmax(expected));
        for (name, whole) in found {
            let (tensor, expected_tensor) = match kept_of(golden, &name) {
                Some((tensor, expected)) => (tensor.clone(), Some(expected)),
                None => (name, None),
            };
            let tolerance = limits.tolerance.unwrap_or_else(|| self.case.tolerance(&tensor));
            let found = thinned(&whole, step_of(&tensor));
            findings.close(title, &tensor, &found, expected_tensor, tolerance);
            if tensor == *logits {
                let what = "argmax of the logits";
                findings.same_labels(title, what, &argmax(&found), &expected, limits.labels, |_| true);
            }
        }
        if let Some(masks) = masks {
            let field = window_logits_of(&masks, self.size, self.stretch());
            let fused = thinned_labels(&segment::label(&[field], self.size).map, step);
            findings.same_labels(title, "labels", &fused, &expected, limits.labels, |_| true);
        }
    }

    /// Number of MLA paths, where the golden file counts them from the deepest.
    fn paths_from_deepest(&self) -> Option<usize> {
        let order = self.case.manifest["mla_order"].as_str().unwrap_or_default();
        let HeadSpec::SetrMla(mla) = &self.spec.decoders[0].head else {
            return None;
        };
        order
            .contains("mla.path.0 comes from the DEEPEST")
            .then_some(mla.taps.len())
    }

    /// The size that the logits are resized to.
    fn stretch(&self) -> [usize; 2] {
        match self.spec.inference.rules {
            WindowRules::Enlarge => self.padded,
            WindowRules::Shrink => self.size,
        }
    }

    /// Logits at the size of the input.
    fn upsampled(&self, masks: &HostTensor) -> HostTensor {
        let field = window_logits_of(masks, self.size, self.stretch());
        map_of(self.size, 1, &[1], |x, y| field.at(x, y, self.size))
    }

    /// Taps, tokens, cosines, masks, auxiliary maps and logits, under the golden names.
    fn outputs(
        &self,
        features: &Features,
        last: LastUpsampling,
        probe: &mut dyn Probe,
    ) -> BTreeMap<String, HostTensor> {
        let mut found = BTreeMap::new();
        if self.spec.encoder.has_final_norm() {
            found.insert("tokens".to_owned(), host(features.tokens().last.clone()));
        }
        for (k, tap) in self.spec.taps().into_iter().enumerate() {
            found.insert(format!("tap.{k}"), host(features.tokens().tap(tap)));
        }
        if let InferenceNetwork::Modules(network) = self.model
            && let Decoder::MaskTransformer(decoder) = &network.decoders[0]
        {
            let cosines = decoder.cosines(features, probe).expect("it is not cancelled");
            found.insert("mask_cos".into(), host(cosines));
        }
        for output in self.spec.outputs() {
            let Some(k) = output.auxiliary else {
                let masks = self.decode(features, output, last, probe);
                found.insert("logits".into(), self.upsampled(&masks));
                found.insert("masks".into(), masks);
                continue;
            };
            let masks = self.decode(features, output, LastUpsampling::Here, &mut NoProbe);
            let k = self.paths_from_deepest().map_or(k, |paths| paths - 1 - k);
            // mmsegmentation's auxiliary heads leave resizing to the caller; the official ones resize their output.
            let is_official = self.case.name.starts_with("official");
            let map = if is_official { self.upsampled(&masks) } else { masks };
            found.insert(format!("aux.{k}"), map);
        }
        found
    }

    /// Compares attention computed from recorded queries and keys.
    fn trace_attention(&self, title: &str, image: Tensor<4>, limits: &Limits, findings: &mut Findings) {
        let mut nothing = NoProbe;
        let mut recorder = attention::Recorder::new(&mut nothing);
        let features = self.model.encode(image, &mut recorder).expect("it is not cancelled");
        let output = Output::default();
        self.model
            .decode(&features, output, LastUpsampling::Here, &mut recorder)
            .expect("it is not cancelled");
        let trace = recorder
            .finish(self.spec.encoder.multiple(), self.spec.classes)
            .expect("tensors of the device");
        let trace = attention::AttentionTrace {
            grid: features.tokens().grid,
            extra: features.tokens().extra,
            ..trace
        };
        let tolerance = limits.tolerance.unwrap_or(rows::TOLERANCE);
        rows::compare_rows(self.case, title, &trace, tolerance, findings);
    }

    fn decode(&self, features: &Features, output: Output, last: LastUpsampling, probe: &mut dyn Probe) -> HostTensor {
        masks_of(
            self.model
                .decode(features, output, last, probe)
                .expect("it is not cancelled"),
        )
    }
}
