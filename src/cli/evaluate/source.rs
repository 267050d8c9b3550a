//! What is scored: a model, or predictions of another program.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::Evaluate;
use super::inputs::Inputs;
use crate::checkpoint;
use crate::cli::printing::err;
use crate::cli::stopping;
use crate::datasets::{self, Pair, PredictionReader, SetFile, Submission};
use crate::labels::{ClassSet, LabelMap};
use crate::model::{Output, Precision};
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{ModelInfo, ModelSource, Session, SessionError, Task};
use crate::segment::InferenceConfig;

/// The source of the predictions.
pub(super) enum Source {
    Model {
        session: Box<Session>,
        model: std::sync::Arc<ModelInfo>,
        output: Output,
        settings: InferenceConfig,
        opening: OpenOptions,
    },
    /// Files that are predictions.
    Files {
        classes: ClassSet,
        reader: PredictionReader,
    },
}

impl Source {
    pub(super) fn classes(&self) -> &ClassSet {
        match self {
            Self::Model { model, .. } => &model.classes,
            Self::Files { classes, .. } => classes,
        }
    }

    /// A description of what is scored, for the user and for recognising the same evaluation.
    pub(super) fn described(&self) -> Value {
        match self {
            Self::Model {
                model,
                output,
                settings,
                opening,
                ..
            } => {
                let mut described = json!({
                    "model": model.output_title(*output), "file": file_text(&model.source),
                    "parameters": model.parameters, "settings": settings_text(settings), "stretch": opening.stretch,
                });
                // Without it the evaluation is in f32, like those from before there was a choice.
                if model.precision != Precision::F32 {
                    described["precision"] = model.precision.key().into();
                }
                described
            }
            Self::Files { reader, .. } => json!({ "model": null, "ids": format!("{reader:?}") }),
        }
    }

    /// What reads the files that it scores.
    pub(super) fn inputs(&self) -> Inputs {
        match self {
            Self::Model { model, opening, .. } => Inputs::Photos {
                classes: model.classes.len(),
                opening: *opening,
            },
            Self::Files { reader, .. } => Inputs::Predictions(reader.clone()),
        }
    }

    /// The model's label map of an image, and the time that it took.
    ///
    /// # Errors
    /// When the network fails, there is none, or a signal stops it.
    pub(super) fn predicted(&mut self, photo: &Photo, id: u64) -> Result<(LabelMap, Duration)> {
        let Self::Model {
            session,
            model,
            output,
            settings,
            ..
        } = self
        else {
            return Err(SessionError::NoModel.into());
        };
        let task = Task {
            model: model.id,
            output: *output,
            photo,
            photo_id: id,
            settings,
        };
        let prediction = session.segment_uncached(&task, &mut |_| stopping::keep_going())?;
        let time = prediction.timings.total();
        Ok((prediction.labels.map, time))
    }
}

/// The settings as unfinished evaluations contain them: with the former name of their type.
fn settings_text(settings: &InferenceConfig) -> String {
    format!("{settings:?}").replacen("InferenceConfig", "Settings", 1)
}

/// Path, size and modification time of a model's file, because another file makes another evaluation.
fn file_text(source: &ModelSource) -> String {
    let Some(path) = source.path() else {
        return source.name();
    };
    let file = checkpoint::model_file(path).unwrap_or_else(|_| path.into());
    let about = std::fs::metadata(&file).map(|about| (about.len(), about.modified().ok()));
    let key = match source {
        ModelSource::Weights(_, key) => format!(" {key}"),
        _ => String::new(),
    };
    format!("{} {about:?}{key}", file.canonicalize().unwrap_or(file).display())
}

/// Maximum number of numbered classes, as in a user's class sets.
const MAX_NUMBERED: usize = 1024;

impl Evaluate {
    /// The source of the predictions, ready to run.
    pub(super) fn source(&self, pairs: &[Pair]) -> Result<Source> {
        if self.predictions.is_some() {
            let name = self.run_flags.set_name().context(
                "set: expected the class set of the predictions (such as camvid, ade20k or numbered), found none; add --set",
            )?;
            let classes = match name {
                "numbered" => self.numbered(pairs)?,
                name => SetFile::named(name)?.0,
            };
            ensure!(
                !self.predictions_label_ids || datasets::find(&classes.name).is_some_and(|set| set.label_ids.is_some()),
                "predictions-label-ids: expected a data set with label ids (cityscapes), found {name}"
            );
            let ids = match (self.predictions_zero_is_ignored, self.predictions_label_ids) {
                (true, _) => Submission::OneMore,
                (_, true) => Submission::LabelIds,
                _ => Submission::Classes,
            };
            return Ok(Source::Files {
                reader: PredictionReader::new(&classes, ids),
                classes,
            });
        }
        let mut session = self.device.session();
        session.limit_features(0);
        let model = self.model.load(&mut session)?;
        let output = self.output.of(&model.spec)?;
        let (model, settings) = self.run_flags.apply(&model)?;
        err!(
            "{} on {} in {}",
            model.output_title(output),
            session.device()?.name,
            model.precision.key()
        );
        Ok(Source::Model {
            session: Box::new(session),
            model,
            output,
            settings,
            opening: self.run_flags.opening(),
        })
    }

    /// As many numbered classes as there are ids in predictions and ground truth.
    fn numbered(&self, pairs: &[Pair]) -> Result<ClassSet> {
        let choices = self.truth.choices();
        let ignored = choices.ignored.unwrap_or_else(|| vec![255]);
        let truth_from_one = u16::from(choices.zero_is_ignored == Some(true));
        let class = |id: u16| match choices.read_as.iter().find(|(from, _)| *from == id) {
            Some((_, class)) => Some(*class),
            None if ignored.contains(&id) => None,
            None => id.checked_sub(truth_from_one),
        };
        let predicted_from_one = u16::from(self.predictions_zero_is_ignored);
        let largest = |pair: &Pair| -> Result<Option<u16>> {
            let truth = LabelMap::open(&pair.truth)?.ids.into_iter().filter_map(class).max();
            let predicted = LabelMap::open(&pair.file)?.ids.into_iter();
            let predicted = predicted.filter(|id| !ignored.contains(id)).max();
            Ok(truth.max(predicted.and_then(|id| id.checked_sub(predicted_from_one))))
        };
        let left = pairs.par_iter().filter(|_| !stopping::is_asked());
        let largest = left.map(largest).collect::<Result<Vec<_>>>()?;
        stopping::check()?;
        let count = largest.into_iter().flatten().max().map_or(1, |id| usize::from(id) + 1);
        ensure!(
            count <= MAX_NUMBERED,
            "set: expected at most {MAX_NUMBERED} numbered classes, found the id {}; exclude ids that are not \
             classes with --ignore",
            count - 1
        );
        err!("segscope: note: {count} numbered classes, from the ids in the files");
        Ok(ClassSet::numbered(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecoderKind, Variant, published};

    #[test]
    fn settings_are_described_as_in_existing_files() {
        let spec = published(Variant::Tiny, 16, &[DecoderKind::Linear], 3, 64);
        let text = settings_text(&InferenceConfig::of(&spec.inference));
        assert!(text.starts_with("Settings { window: 64, stride: 64,"), "{text}");
    }
}
