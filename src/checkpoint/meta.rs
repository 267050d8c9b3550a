//! The metadata that mmsegmentation and official SETR write beside the weights: class names, colours, configuration.

use super::mmseg::config::Value;
use super::side_file::{SideFileValues, Sizes};
use super::source::torch::TorchFile;
use super::{Provenance, not_followed, sigmoid};
use crate::datasets;
use crate::labels::{Class, ClassSet};
use crate::model::{InferenceSpec, Normalisation, WindowMode};

/// Paths of keys to the class names; `dataset_meta` is mmengine's.
const NAMES: [&[&str]; 3] = [
    &["meta", "CLASSES"],
    &["meta", "dataset_meta", "classes"],
    &["meta", "dataset_meta", "CLASSES"],
];

/// Paths of keys to the class colours.
const COLORS: [&[&str]; 3] = [
    &["meta", "PALETTE"],
    &["meta", "dataset_meta", "palette"],
    &["meta", "dataset_meta", "PALETTE"],
];

/// Key of the flag that 0 in ground truth means "no class" and other ids are one more than their class.
const REDUCE_ZERO: &str = "reduce_zero_label";

/// Parts of a configuration that define how ground truth is read, in the order in which they are searched.
const READING: [&str; 8] = [
    "data",
    "test_dataloader",
    "val_dataloader",
    "train_dataloader",
    "test_pipeline",
    "val_pipeline",
    "train_pipeline",
    "dataset",
];

/// The contents of a checkpoint's `meta`; parts that it lacks are empty.
#[derive(Clone)]
pub(super) struct Meta {
    classes: Vec<String>,
    colors: Vec<[u8; 3]>,
    pub(super) config: Value,
    version: Option<String>,
    reduces_zero: Option<bool>,
}

impl Meta {
    /// Empty metadata.
    pub(super) fn none() -> Self {
        Self {
            classes: Vec::new(),
            colors: Vec::new(),
            config: Value::Other,
            version: None,
            reduces_zero: None,
        }
    }

    /// Reads the metadata of a file; the newer layout (mmengine) has `dataset_meta` and `cfg`.
    pub(super) fn of(file: &TorchFile) -> Self {
        let names = NAMES.iter().find_map(|place| file.texts(place));
        let colors = COLORS.iter().find_map(|place| file.colors(place));
        let config = file.text(&["meta", "config"]).or_else(|| file.text(&["meta", "cfg"]));
        Self {
            classes: names.unwrap_or_default().into_iter().map(str::to_owned).collect(),
            colors: colors.unwrap_or_default(),
            config: Value::parse(config.unwrap_or_default()),
            version: file.text(&["meta", "mmseg_version"]).map(str::to_owned),
            reduces_zero: file.flag(&["meta", "dataset_meta", REDUCE_ZERO]),
        }
    }

    /// The metadata without the parts that contradict these tensors, and a remark on each of those parts.
    pub(super) fn of_tensors(&self, tensors: &Sizes) -> (Self, Vec<String>) {
        let mut own = self.clone();
        let mut remarks = Vec::new();
        let is_sigmoid = tensors.classes == 1;
        let said = SideFileValues {
            // One channel may stand for two classes.
            classes: self.said().classes.filter(|_| !is_sigmoid),
            ..self.said()
        };
        if let Some(why) = said.contradiction(tensors) {
            own.config = Value::Other;
            remarks.push(format!(
                "the configuration inside the file is of another model ({why}) and was set aside; published values are \
                 used for what the shapes do not determine"
            ));
        }
        let named = self.classes.len();
        if named != 0 && named != tensors.classes && !(is_sigmoid && named == 2) {
            own.classes.clear();
            remarks.push(format!(
                "the file names {named} classes, its decoder has {}; the names were set aside",
                tensors.classes
            ));
        }
        remarks.extend(not_followed::remarks(&own.config));
        (own, remarks)
    }

    /// The sizes in the configuration, under mmsegmentation's names or those of official SETR.
    pub(super) fn said(&self) -> SideFileValues {
        let model = self.config.get("model");
        let backbone = model.get("backbone");
        let number = |keys: &[&str]| keys.iter().find_map(|key| backbone.get(key).size());
        SideFileValues {
            width: number(&["embed_dims", "embed_dim"]),
            patch: number(&["patch_size"]),
            depth: number(&["num_layers", "depth"]),
            classes: model.get("decode_head").get("num_classes").size(),
            heads: number(&["num_heads"]),
            image: backbone.get("img_size").height_and_width(),
        }
    }

    /// Whether 0 in ground truth means "no class", if the file records it.
    pub(super) fn zero_is_ignored(&self) -> Option<bool> {
        let in_config = || {
            READING
                .iter()
                .find_map(|part| self.config.get(part).find_flag(REDUCE_ZERO))
        };
        self.reduces_zero.or_else(in_config)
    }

    /// The probability above which a pixel is of class 1, for a head with one output channel, if the file has it.
    pub(super) fn threshold(&self) -> Option<f32> {
        let head = self.config.get("model").get("decode_head");
        head.get("threshold").number().map(|threshold| threshold as f32)
    }

    /// The classes of a head with one output channel.
    pub(super) fn two_classes(&self) -> ClassSet {
        sigmoid::two_classes(&self.classes, &self.colors)
    }

    /// The classes: those of a known data set if the file has its class names or its name, else the file's own names
    /// and colours; without names, a guess.
    pub(super) fn class_set(&self, count: usize) -> ClassSet {
        let by_count = datasets::by_count(count);
        if self.classes.len() != count {
            let named = self.data_set().and_then(datasets::classes_of);
            return named.filter(|set| set.len() == count).unwrap_or(by_count);
        }
        let known = by_count.name != "unnamed";
        let same = |(class, name): (&Class, &String)| class.name.eq_ignore_ascii_case(name);
        if known && by_count.classes.iter().zip(&self.classes).all(same) {
            return ClassSet {
                guessed: false,
                ..by_count
            };
        }
        let numbered = ClassSet::numbered(count);
        let has_colors = self.colors.len() == count;
        let classes = self.classes.iter().enumerate().map(|(id, name)| Class {
            name: name.chars().take(80).collect(),
            color: match has_colors {
                true => self.colors[id],
                false => numbered.color(id as u16),
            },
        });
        ClassSet {
            name: self.data_set().unwrap_or("from the checkpoint").into(),
            classes: classes.collect(),
            guessed: false,
        }
    }

    /// The key of the data set that the configuration names.
    fn data_set(&self) -> Option<&'static str> {
        let name = self.config.get("dataset_type").text()?;
        datasets::find_by_mmseg_name(name).map(|set| set.key)
    }

    /// Window, stride and short side from the configuration, else as proposed.
    pub(super) fn inference(&self, proposed: InferenceSpec) -> InferenceSpec {
        let model = self.config.get("model").get("test_cfg");
        let test = match model {
            Value::Dict(_) => model,
            _ => self.config.get("test_cfg"),
        };
        let window = test.get("crop_size").side().unwrap_or(proposed.window);
        let stride = test.get("stride").side().unwrap_or(proposed.stride);
        InferenceSpec {
            window,
            stride: stride.min(window),
            short_side: self.short_side().or(proposed.short_side),
            mode: match test.get("mode").text() {
                Some("whole") => WindowMode::Whole,
                _ => proposed.mode,
            },
            ..proposed
        }
    }

    /// The shorter side of `img_scale` (`scale` since version 1) in the test pipeline.
    fn short_side(&self) -> Option<usize> {
        let scaled = |step: &Value| {
            let sizes = step.get("img_scale").sizes().or_else(|| step.get("scale").sizes())?;
            sizes.into_iter().min()
        };
        self.config.get("test_pipeline").items().iter().find_map(scaled)
    }

    /// The normalisation from the configuration, else `usual`.
    pub(super) fn normalisation(&self, usual: Normalisation) -> Normalisation {
        // Since version 1 it is part of the model.
        let config = match self.config.get("img_norm_cfg") {
            old @ Value::Dict(_) => old,
            _ => self.config.get("model").get("data_preprocessor"),
        };
        let three = |key: &str| -> Option<[f32; 3]> {
            let [r, g, b] = config.get(key).items() else {
                return None;
            };
            // The values are for 0..255.
            let share = |value: &Value| Some((value.number()? / 255.0) as f32);
            Some([share(r)?, share(g)?, share(b)?])
        };
        match (three("mean"), three("std")) {
            (Some(mean), Some(std)) => Normalisation { mean, std },
            _ => usual,
        }
    }

    /// Adds notes for the user.
    pub(super) fn describe(&self, provenance: &mut Provenance) {
        if let Some(version) = &self.version {
            provenance.add(
                "written by",
                format!("mmsegmentation {}", version.chars().take(40).collect::<String>()),
            );
        }
        if let Some(data_set) = self.config.get("dataset_type").text() {
            provenance.add("data set", data_set.chars().take(80).collect::<String>());
        }
        if !matches!(self.config.get("model"), Value::Dict(_)) {
            provenance.add(
                "note",
                "no configuration inside: published values are used for what the shapes do not determine",
            );
        }
    }
}
