//! Everything that a person chooses for a training, and what it becomes.

use std::path::PathBuf;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::run::Training;
use super::start::{StartError, StartPlan, start_from};
use crate::checkpoint::{self, CheckpointError, OnRead};
use crate::datasets::{
    NameRule, Pair, PairError, Pairs, SetFile, SetFileError, TruthChoices, TruthReader, TruthRules, digest, pairs,
    pairs_of_list,
};
use crate::labels::ClassSet;
use crate::model::{DecoderKind, ModelSpec, Normalisation, Weights};

/// A training as it stands in `train.toml`: written beside every result, and read to do the same again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainPlan {
    /// What is learnt from.
    pub data: DataPlan,
    /// What is scored, if anything.
    #[serde(default)]
    pub validation: DataPlan,
    /// The file of the weights to begin with: a backbone, or a model whose encoder and decoders go on.
    pub init: PathBuf,
    /// A known class set, or a file with one ([`SetFile`]); without it classes are numbered.
    #[serde(default)]
    pub set: Option<String>,
    /// Number of classes, where no set is named.
    #[serde(default)]
    pub classes: Option<usize>,
    /// Ids that mean "no class", in place of the set's.
    #[serde(default)]
    pub ignore: Option<Vec<u16>>,
    /// Whether 0 means "no class", in place of what the set says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_is_ignored: Option<bool>,
    /// Whether label maps hold the data set's label ids; without it their names and ids tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_ids: Option<bool>,
    /// Ids that are read as a class, such as 255 as 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_id: Vec<(u16, u16)>,
    /// Keys of the decoders, all trained on one encoder.
    pub decoders: Vec<String>,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Channels of SETR's convolutions.
    pub channels: usize,
    /// Whether SETR's auxiliary heads are trained, too.
    pub auxiliary: bool,
    /// What pixels are normalised with, where the file of the weights does not tell.
    #[serde(default)]
    pub normalisation: Option<Normalisation>,
    /// How it is trained.
    pub training: TrainConfig,
}

/// Pictures with label maps: folders, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DataPlan {
    /// Folders of pictures.
    pub images: Vec<PathBuf>,
    /// For each of them the folder of its label maps.
    pub labels: Vec<PathBuf>,
    /// A file with a picture and a label map in each line, separated by a comma.
    pub list: Option<PathBuf>,
    /// How label maps are named, such as `{stem}_mask.png`; without it that is found by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_name: Option<String>,
}

/// A training that could begin.
#[derive(Debug)]
pub struct Prepared {
    /// What is chosen.
    pub plan: TrainPlan,
    /// The classes.
    pub classes: ClassSet,
    /// What reads label maps.
    pub reader: TruthReader,
    /// What was assumed about pictures and label maps, each a sentence.
    pub remarks: Vec<String>,
    /// The network.
    pub spec: ModelSpec,
    /// Its first weights.
    pub weights: Weights,
    /// Keys of the decoders that begin with nothing learnt, at least in part.
    pub fresh: Vec<String>,
    /// What is learnt from.
    pub pairs: Vec<Pair>,
    /// What is scored; may be empty.
    pub validation: Vec<Pair>,
    /// The plan as text with the number of pictures and a number that changes with their files: what goes on must be the
    /// same.
    pub identity: String,
}

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Pictures and label maps.
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
    /// Something else does not fit; the sentence says what.
    #[error("{0}")]
    Choice(String),
}

impl DataPlan {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.labels.is_empty() && self.list.is_none()
    }

    fn pairs(&self) -> Result<Pairs, PlanError> {
        if self.images.len() != self.labels.len() {
            return Err(PlanError::Choice(format!(
                "expected as many folders of labels as of pictures, found {} and {}",
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
    /// The text of `train.toml`.
    ///
    /// # Errors
    /// A sentence, when a path is no text.
    pub fn text(&self) -> Result<String, PlanError> {
        toml::to_string(self).map_err(|why| PlanError::Choice(format!("the plan cannot be written ({why})")))
    }

    /// The same with the last part of each path alone: what a bundle tells, wherever it goes.
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

    /// Lists pictures, reads the weights to begin with and makes the network.
    ///
    /// # Errors
    /// What does not fit.
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
            "{}# pictures {}, validation {}\n# classes {}, {rules:?}\n",
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
    /// The training itself, on a device; `stops` is asked as in [`Training::stops`].
    pub fn training<'a>(&'a self, device: &'a Device, stops: &'a (dyn Fn() -> bool + Sync)) -> Training<'a> {
        Training {
            config: &self.plan.training,
            spec: &self.spec,
            classes: &self.classes,
            reader: &self.reader,
            pairs: &self.pairs,
            validation: &self.validation,
            device,
            stops,
        }
    }
}
