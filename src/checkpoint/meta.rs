//! What mmsegmentation and official SETR write beside the weights: class names, colours, the configuration.

use super::Provenance;
use super::mmseg::config::Value;
use super::source::torch::TorchFile;
use crate::datasets;
use crate::labels::{Class, ClassSet};
use crate::model::{InferenceSpec, Normalisation};

/// What a checkpoint's `meta` says, as far as it is there.
pub(super) struct Meta {
    classes: Vec<String>,
    colors: Vec<[u8; 3]>,
    pub(super) config: Value,
    version: Option<String>,
}

impl Meta {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self {
            classes: Vec::new(),
            colors: Vec::new(),
            config: Value::Other,
            version: None,
        }
    }

    /// Reads it out of a file; the newer layout (mmengine) has `dataset_meta` and `cfg`.
    pub(super) fn of(file: &TorchFile) -> Self {
        let names = file
            .texts(&["meta", "CLASSES"])
            .or_else(|| file.texts(&["meta", "dataset_meta", "classes"]));
        let colors = file
            .colors(&["meta", "PALETTE"])
            .or_else(|| file.colors(&["meta", "dataset_meta", "palette"]));
        let config = file.text(&["meta", "config"]).or_else(|| file.text(&["meta", "cfg"]));
        Self {
            classes: names.unwrap_or_default().into_iter().map(str::to_owned).collect(),
            colors: colors.unwrap_or_default(),
            config: Value::parse(config.unwrap_or_default()),
            version: file.text(&["meta", "mmseg_version"]).map(str::to_owned),
        }
    }

    /// The classes: a known data set's where names or number are its, else the file's own names and colours.
    pub(super) fn class_set(&self, count: usize) -> ClassSet {
        let by_count = datasets::by_count(count);
        if self.classes.len() != count {
            return by_count;
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

    /// Window, stride and short side as the configuration has them, else as proposed.
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
            rules: proposed.rules,
        }
    }

    /// The shorter side of `img_scale`, from version 1 on `scale`, in the test pipeline.
    fn short_side(&self) -> Option<usize> {
        let scaled = |step: &Value| {
            let sizes = step.get("img_scale").sizes().or_else(|| step.get("scale").sizes())?;
            sizes.into_iter().min()
        };
        self.config.get("test_pipeline").items().iter().find_map(scaled)
    }

    /// How pixels are normalised: as the configuration has it, else ImageNet's statistics for SETR and 0.5 for
    /// Segmenter.
    pub(super) fn normalisation(&self, is_setr: bool) -> Normalisation {
        // From version 1 on it is a part of the model.
        let config = match self.config.get("img_norm_cfg") {
            old @ Value::Dict(_) => old,
            _ => self.config.get("model").get("data_preprocessor"),
        };
        let three = |key: &str| -> Option<[f32; 3]> {
            let [r, g, b] = config.get(key).items() else {
                return None;
            };
            // They count in 0..255.
            let share = |value: &Value| Some((value.number()? / 255.0) as f32);
            Some([share(r)?, share(g)?, share(b)?])
        };
        match (three("mean"), three("std")) {
            (Some(mean), Some(std)) => Normalisation { mean, std },
            _ if is_setr => Normalisation::IMAGENET,
            _ => Normalisation::VIT,
        }
    }

    /// Adds what people may want to know.
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
                "no configuration inside: what shapes do not tell is as published",
            );
        }
    }
}
