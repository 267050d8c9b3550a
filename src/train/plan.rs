//! The plan of a training, with all of the user's choices, and its preparation.

use std::path::PathBuf;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::old_keys::rename_keys;
use super::precision::TrainPrecisionError;
use super::run::Training;
use super::start::{StartError, StartPlan, start_from};
use crate::checkpoint::{self, CheckpointError, OnRead};
use crate::datasets::{
    NameRule, Pair, PairError, Pairs, SetFile, SetFileError, TruthChoices, TruthReader, TruthRules, digest, pairs,
    pairs_of_list,
};
use crate::labels::ClassSet;
use crate::model::{DecoderKind, Kernels, ModelSpec, Normalisation, Weights};

/// A training as described in `train.toml`, which is written beside every result and read to repeat the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainPlan {
    /// Training images.
    pub data: DataPlan,
    /// Validation images, if any.
    #[serde(default)]
    pub validation: DataPlan,
    /// The file with the initial weights: a backbone, or a model whose encoder and decoders are trained further.
    pub init: PathBuf,
    /// A known class set, or a file with one ([`SetFile`]); classes are numbered without it.
    #[serde(default)]
    pub set: Option<String>,
    /// Number of classes, where no set is named.
    #[serde(default)]
    pub classes: Option<usize>,
    /// Ignored ids, in place of the class set's.
    #[serde(default)]
    pub ignore: Option<Vec<u16>>,
    /// Whether 0 is ignored, in place of the class set's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_is_ignored: Option<bool>,
    /// Whether label maps hold the data set's label ids; detected from their names and ids without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_ids: Option<bool>,
    /// Ids that are read as a class, such as 255 as 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_id: Vec<(u16, u16)>,
    /// Keys of the decoders, all trained on one encoder.
    pub decoders: Vec<String>,
    /// Patch size in pixels.
    pub patch: usize,
    /// Channels of SETR's convolutions.
    pub channels: usize,
    /// Whether SETR's auxiliary heads are trained too.
    pub auxiliary: bool,
    /// Normalisation of the pixels, in place of that of the weights file.
    #[serde(default)]
    pub normalisation: Option<Normalisation>,
    /// The training configuration.
    pub training: TrainConfig,
}

/// The name of the images in [`Prepared::identity`], which saved trainings contain.
const IMAGES_KEY: &str = "pictures";

/// Images with label maps: folders, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DataPlan {
    /// Folders of images.
    pub images: Vec<PathBuf>,
    /// The folder of label maps for each folder of images.
    pub labels: Vec<PathBuf>,
    /// A file with an image and a label map in each line, separated by a comma.
    pub list: Option<PathBuf>,
    /// Name pattern of the label maps, such as `{stem}_mask.png`; detected without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_name: Option<String>,
}

/// A training that is ready to start.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: TrainPlan,
    /// The classes.
    pub classes: ClassSet,
    /// The reader of label maps.
    pub reader: TruthReader,
    /// What was assumed about images and label maps, each a sentence.
    pub remarks: Vec<String>,
    /// The network.
    pub spec: ModelSpec,
    /// Its initial weights.
    pub weights: Weights,
    /// Keys of the decoders that start at least partly untrained.
    pub fresh: Vec<String>,
    /// Training images with their label maps.
    pub pairs: Vec<Pair>,
    /// Validation images with their label maps; may be empty.
    pub validation: Vec<Pair>,
    /// The plan as text with the number of images and a number that changes with their files. Only a training with the
    /// same identity resumes.
    pub identity: String,
}

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Images and label maps.
    #[error(transparent)]
    Pairs(#[from] PairError),
    /// The file of the weights.
    #[error(transparent)]
    Backbone(#[from] CheckpointError),
    /// Patch, crop or sizes.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file of the class set.
    #[error(transparent)]
    Set(#[from] SetFileError),
    /// Another choice does not fit; the sentence says which.
    #[error("{0}")]
    Choice(String),
}

impl DataPlan {
    /// Whether no images are named.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.labels.is_empty() && self.list.is_none()
    }

    fn pairs(&self) -> Result<Pairs, PlanError> {
        if self.images.len() != self.labels.len() {
            return Err(PlanError::Choice(format!(
                "expected as many folders of labels as of images, found {} and {}",
                self.labels.len(),
                self.images.len()
            )));
        }
        let rule = self.label_name.as_deref().map(NameRule::parse).transpose();
        let rule = rule.map_err(PairError::Rule)?;
        let mut all = Pairs::default();
        let mut add = |found: Pairs| {
            all.pairs.extend(found.pairs);
            all.remarks.extend(found.remarks);
        };
        for (images, labels) in self.images.iter().zip(&self.labels) {
            add(pairs(images, labels, rule.as_ref())?);
        }
        if let Some(list) = &self.list {
            add(pairs_of_list(list)?);
        }
        Ok(all)
    }
}

impl TrainPlan {
    /// Reads the text of a `train.toml`, also with former keys.
    ///
    /// # Errors
    /// When the text is not TOML, or a key is missing or unknown.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut plan: toml::Table = text.parse()?;
        if rename_keys(&mut plan) {
            return plan.try_into();
        }
        // Errors in the text itself have line and column.
        toml::from_str(text)
    }

    /// The text of `train.toml`.
    ///
    /// # Errors
    /// A sentence, when a path is not valid Unicode.
    pub fn text(&self) -> Result<String, PlanError> {
        toml::to_string(self).map_err(|why| PlanError::Choice(format!("the plan cannot be written ({why})")))
    }

    /// The same plan with only the last part of each path, for bundles, which may be passed on.
    pub fn without_folders(&self) -> Self {
        let last = |path: &PathBuf| path.file_name().map_or_else(PathBuf::new, PathBuf::from);
        let data = |data: &DataPlan| DataPlan {
            images: data.images.iter().map(last).collect(),
            labels: data.labels.iter().map(last).collect(),
            list: data.list.as_ref().map(last),
            label_name: data.label_name.clone(),
        };
        Self {
            data: data(&self.data),
            validation: data(&self.validation),
            init: last(&self.init),
            ..self.clone()
        }
    }

    /// Lists the images, reads the initial weights and lays out the network.
    ///
    /// # Errors
    /// When a file cannot be read or a choice does not fit.
    pub fn prepare(self, on_read: OnRead) -> Result<Prepared, PlanError> {
        self.training.check().map_err(PlanError::Choice)?;
        let (classes, rules) = self.class_set()?;
        let Pairs { pairs, mut remarks } = self.data.pairs()?;
        let Pairs {
            pairs: validation,
            remarks: of_validation,
        } = self.validation.pairs()?;
        remarks.extend(of_validation);
        let mut backbone = checkpoint::open_backbone(&self.init, on_read)?;
        if let Some(normalisation) = self.normalisation {
            backbone.normalisation = normalisation;
        }
        let start = StartPlan {
            decoders: self.kinds()?,
            channels: self.channels,
            auxiliary: self.auxiliary,
            patch: self.patch,
            crop: self.training.augmentation.crop,
            short_side: self.training.augmentation.short_side,
            classes: classes.len(),
            seed: self.training.seed,
        };
        let (spec, weights, fresh) = start_from(backbone, &start)?;
        let classes_text = classes
            .classes
            .iter()
            .map(|class| class.name.as_str())
            .collect::<Vec<_>>();
        let identity = format!(
            "{}# {IMAGES_KEY} {}, validation {}\n# classes {}, {rules:?}\n",
            self.text()?,
            digest(&pairs),
            digest(&validation),
            classes_text.join(", "),
        );
        let choices = TruthChoices {
            ignored: self.ignore.clone(),
            zero_is_ignored: self.zero_is_ignored,
            label_ids: self.label_ids,
            read_as: self.read_id.clone(),
        };
        let reader = TruthReader::with(&classes, rules.as_ref(), None, &choices);
        Ok(Prepared {
            plan: self,
            classes,
            reader,
            remarks,
            spec,
            weights,
            fresh,
            pairs,
            validation,
            identity,
        })
    }

    fn class_set(&self) -> Result<(ClassSet, Option<TruthRules>), PlanError> {
        match (&self.set, self.classes) {
            (Some(name), _) => Ok(SetFile::named(name)?),
            (None, Some(count @ 1..=1024)) => Ok((ClassSet::numbered(count), None)),
            (None, Some(count)) => Err(PlanError::Choice(format!("classes: expected 1 to 1024, found {count}"))),
            (None, None) => Err(PlanError::Choice(
                "expected the name of a class set or the number of classes, found neither; add --set or --classes"
                    .into(),
            )),
        }
    }

    fn kinds(&self) -> Result<Vec<DecoderKind>, PlanError> {
        let find = |key: &String| {
            DecoderKind::with_key(key).ok_or_else(|| {
                let known = DecoderKind::ALL.map(DecoderKind::key).join(", ");
                PlanError::Choice(format!("decoder: expected some of {known}, found {key}"))
            })
        };
        self.decoders.iter().map(find).collect()
    }
}

impl Prepared {
    /// The training on a device, validated with `kernels` on the CPU; `stops` is called as described at [`Training::stops`].
    ///
    /// # Errors
    /// When it cannot compute in the plan's precision there.
    pub fn training<'a>(
        &'a self,
        device: &'a Device,
        kernels: Kernels,
        stops: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<Training<'a>, TrainPrecisionError> {
        let config = &self.plan.training;
        Ok(Training {
            config,
            spec: &self.spec,
            classes: &self.classes,
            reader: &self.reader,
            pairs: &self.pairs,
            validation: &self.validation,
            device,
            kernels,
            products: config.precision.products(&self.spec, device, kernels)?,
            stops,
        })
    }
}
