//! Flags for reading ground truth that override the rules of the data set.

use anyhow::{Result, ensure};

use crate::datasets::{NameRule, PairError, TruthChoices, TruthReader};

/// How ground truth is read
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Ground truth")]
pub(super) struct TruthFlags {
    /// Ignored ids in the ground truth [default: those of the data set: 255, and 11 for CamVid]
    #[arg(long, value_delimiter = ',', value_name = "ID,ID")]
    pub(super) ignore: Option<Vec<u16>>,
    /// Ignore 0 in the ground truth and read other ids as one more than their class, as in ADE20K; =false if the data
    /// set does so but the files do not
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) zero_is_ignored: Option<bool>,
    /// Read an id as this class before any other rule, such as 255=1 in masks of one object
    #[arg(long, value_delimiter = ',', value_name = "ID=CLASS", value_parser = id_and_class)]
    pub(super) read_id: Vec<(u16, u16)>,
    /// Read the ground truth as the data set's label ids (Cityscapes), or with =false as classes [default: detected
    /// from the names and ids of the files]
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) label_ids: Option<bool>,
}

impl TruthFlags {
    /// Checks that the flags fit the reader's data set.
    pub(super) fn check(&self, reader: &TruthReader) -> Result<()> {
        ensure!(
            self.label_ids != Some(true) || reader.has_label_ids(),
            "label-ids: expected a data set with label ids (cityscapes), found another; name it with --set"
        );
        Ok(())
    }

    /// Whether no flag was given.
    pub(super) fn is_empty(&self) -> bool {
        self.choices() == TruthChoices::default()
    }

    /// The choices that the flags make.
    pub(super) fn choices(&self) -> TruthChoices {
        TruthChoices {
            ignored: self.ignore.clone(),
            zero_is_ignored: self.zero_is_ignored,
            label_ids: self.label_ids,
            read_as: self.read_id.clone(),
        }
    }
}

/// The name rule of a pattern such as `{stem}_mask.png`.
pub(super) fn name_rule(text: Option<&str>) -> Result<Option<NameRule>> {
    Ok(text.map(NameRule::parse).transpose().map_err(PairError::Rule)?)
}

fn id_and_class(text: &str) -> Result<(u16, u16), String> {
    let halves = text.split_once('=');
    let read = halves.and_then(|(id, class)| Some((id.trim().parse().ok()?, class.trim().parse().ok()?)));
    read.ok_or_else(|| format!("expected an id and a class, such as 255=1, found {text}"))
}
