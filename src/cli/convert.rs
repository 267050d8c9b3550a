//! `segscope convert`: turns published checkpoints into a bundle.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::calibration::calibrate;
use super::printing::{self, out};
use super::{open_model, stopping};
use crate::checkpoint::{self, Checkpoint};
use crate::model::UsualConfidence;
use crate::photo::images_in;
use crate::staged_file;

/// Turn published checkpoints into a bundle: one file, half the size, with the decoders of all of them
#[derive(Debug, clap::Args)]
pub(super) struct Convert {
    /// Published folders, .pth files or bundles; several must have the same encoder
    #[arg(required = true, value_name = "FILE-or-FOLDER")]
    inputs: Vec<PathBuf>,
    /// Key of the weights in files with several sets, such as model_ema or state_dict.teacher
    #[arg(long, value_name = "KEY")]
    weights: Option<String>,
    /// Bundle to write, ending in .safetensors
    #[arg(short, long)]
    output: PathBuf,
    /// Overwrite an existing bundle
    #[arg(long)]
    overwrite: bool,
    /// Keep only these decoders, in this order; the first one is shown when the model is opened
    #[arg(long, value_delimiter = ',', value_name = "KEY,KEY")]
    decoders: Option<Vec<String>>,
    /// Distance between windows in pixels when the model is run [default: the model's]
    #[arg(long, value_name = "N")]
    stride: Option<usize>,
    /// Measure on the photos of a folder, like those that the model was trained for, how sure its decoders usually are;
    /// the window warns where a model is far less sure. At least 10 photos
    #[arg(long, value_name = "DIR")]
    calibrate: Option<PathBuf>,
    /// Add a note to the provenance, such as "licence=CC BY-NC 4.0", replacing one of the same name; may be repeated
    #[arg(long, value_name = "NAME=TEXT")]
    note: Vec<String>,
}

impl Convert {
    pub(super) fn run(&self) -> Result<()> {
        let is_file = staged_file::is_renamed_to(&self.output);
        if is_file && self.output.extension().is_none_or(|e| e != "safetensors") {
            bail!(
                "expected a bundle name that ends in .safetensors, found: {}",
                self.output.display()
            );
        }
        if staged_file::is_taken(&self.output) && !self.overwrite {
            bail!(
                "the bundle exists already; add --overwrite to replace it: {}",
                self.output.display()
            );
        }
        printing::leave_stdout_to([self.output.as_path()])?;
        stopping::listen()?;
        let mut checkpoint = self.merged()?;
        if let Some(keys) = &self.decoders {
            checkpoint
                .keep_decoders(keys)
                .map_err(|why| anyhow!("decoders: {why}"))?;
        }
        if let Some(stride) = self.stride {
            checkpoint.spec.inference.stride = stride;
            checkpoint.spec.check()?;
        }
        for note in &self.note {
            let Some((name, text)) = note.split_once('=') else {
                bail!("expected a note as NAME=TEXT, found: {note}");
            };
            checkpoint.provenance.add(name, text);
        }
        if let Some(folder) = &self.calibrate {
            let photos = images_in(folder).with_context(|| format!("cannot read {}", folder.display()))?;
            ensure!(
                photos.len() >= UsualConfidence::LEAST_PHOTOS,
                "expected at least {} photos, found {}: {}",
                UsualConfidence::LEAST_PHOTOS,
                photos.len(),
                folder.display()
            );
            calibrate(&mut checkpoint, &photos)?;
        }
        checkpoint::save_bundle(&checkpoint, &self.output)?;
        let title = checkpoint.spec.title();
        match std::fs::metadata(&self.output) {
            Ok(about) if is_file => out!(
                "{}: {title} in {:.1} MB",
                self.output.display(),
                about.len() as f64 / 1e6
            ),
            _ => out!("{}: {title}", self.output.display()),
        }
    }

    /// The first input with the decoders of all others.
    fn merged(&self) -> Result<Checkpoint> {
        let Some((first, others)) = self.inputs.split_first() else {
            bail!("expected a checkpoint to convert, found none");
        };
        let mut checkpoint = self.open(first)?;
        let told = checkpoint.remarks.len();
        for path in others {
            stopping::check()?;
            checkpoint.merge(self.open(path)?).map_err(|why| {
                anyhow!(
                    "{why}; expected the encoder of {}, in {}",
                    first.display(),
                    path.display()
                )
            })?;
        }
        printing::notes(&checkpoint.remarks[told..]);
        Ok(checkpoint)
    }

    /// Opens an input and prints what was assumed or left out.
    fn open(&self, path: &Path) -> Result<Checkpoint> {
        let checkpoint = open_model(path, self.weights.as_deref())?;
        printing::notes(&checkpoint.remarks);
        Ok(checkpoint)
    }
}
