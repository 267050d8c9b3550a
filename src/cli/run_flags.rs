//! Flags that say how a model is run and what its classes are called, in place of what its file says.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};

use crate::datasets::{self, SetFile};
use crate::model::{WindowMode, WindowRules};
use crate::photo::OpenOptions;
use crate::runtime::{ModelInfo, NormalisationChoice};
use crate::segment::Settings;

/// How to run the model
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Test settings")]
pub(super) struct RunFlags {
    /// Class names and colours: ade20k, camvid, cityscapes, pascal_context, pascal_context_59, pascal_voc, numbered or a
    /// .toml file of your own; window, stride and short side too where the model's file does not say them
    #[arg(long, value_name = "NAME-or-FILE")]
    set: Option<String>,
    /// Average over these sizes, relative to the picture
    #[arg(long, value_delimiter = ',', value_name = "S,S,…")]
    scales: Option<Vec<f64>>,
    /// Average over the mirrored picture too
    #[arg(long)]
    flip: bool,
    /// Side of the window in pixels; the model's own without it
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// Distance between windows in pixels; the model's own without it
    #[arg(long, value_name = "N")]
    stride: Option<usize>,
    /// Reduce larger pictures to this short side in pixels; the model's own without it
    #[arg(long, value_name = "N", conflicts_with = "full_size")]
    short_side: Option<usize>,
    /// Do not reduce larger pictures
    #[arg(long)]
    full_size: bool,
    /// What happens to pictures smaller than the window; the model's own without it
    #[arg(long, value_enum)]
    rules: Option<Rules>,
    /// What is subtracted from the pixels and divides them; the model's own without it
    #[arg(long, value_enum, value_name = "NAME")]
    normalisation: Option<NormalisationChoice>,
    /// Make pictures of 16 bits that use only the lowest of them as bright as if these were all
    #[arg(long)]
    stretch: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rules {
    /// They are enlarged to the window
    Enlarge,
    /// The window is smaller for them
    Shrink,
}

/// The key of the numbered set, and what the command line calls it.
const NUMBERED: (&str, &str) = ("unnamed", "numbered");

impl RunFlags {
    /// The model under the class names that were asked for, and how to run it.
    pub(super) fn apply(&self, model: &ModelInfo) -> Result<(Arc<ModelInfo>, Settings)> {
        let set = self.fitting_set(model)?;
        let own = Settings::of(&model.inference_with(set));
        let window = self.window.unwrap_or(own.window);
        let settings = Settings {
            window,
            stride: self.stride.unwrap_or(own.stride.min(window)),
            short_side: if self.full_size {
                None
            } else {
                self.short_side.or(own.short_side)
            },
            scales: self.scales.clone().unwrap_or(own.scales),
            flip: self.flip,
            rules: match self.rules {
                Some(Rules::Enlarge) => WindowRules::Enlarge,
                Some(Rules::Shrink) => WindowRules::Shrink,
                None => own.rules,
            },
            // Whoever asks for windows gets them.
            mode: match (self.window, self.stride) {
                (None, None) => own.mode,
                _ => WindowMode::Slide,
            },
            normalisation: self.normalisation.map(NormalisationChoice::values),
        };
        settings.check(model.spec.encoder.multiple())?;
        let mut model = model.with_set(set);
        if let Some(file) = self.set_file()? {
            ensure!(
                file.set.len() == model.classes.len(),
                "set: expected {} classes, as the model has, found {} in the file",
                model.classes.len(),
                file.set.len()
            );
            model.classes = file.set;
        }
        Ok((Arc::new(model), settings))
    }

    /// How pictures are opened.
    pub(super) fn opening(&self) -> OpenOptions {
        OpenOptions { stretch: self.stretch }
    }

    /// The class set that was asked for.
    pub(super) fn set_name(&self) -> Option<&str> {
        self.set.as_deref()
    }

    /// The file of the set that was asked for, where it is one.
    pub(super) fn set_file(&self) -> Result<Option<SetFile>> {
        let path = self.set.as_deref().filter(|name| SetFile::is_one(name));
        Ok(path.map(|path| SetFile::open(path.as_ref())).transpose()?)
    }

    /// The key of the set that was asked for; `None` for the file's own.
    fn fitting_set(&self, model: &ModelInfo) -> Result<Option<&str>> {
        let Some(asked) = self.set.as_deref() else {
            return Ok(None);
        };
        let asked = if asked == NUMBERED.1 { NUMBERED.0 } else { asked };
        if SetFile::is_one(asked) {
            // Its names come later; how the model is run stays as its file says.
            return Ok(None);
        }
        if model.can_have(asked) {
            return Ok(Some(asked));
        }
        let (own, count) = (&model.own_classes.name, model.own_classes.len());
        if asked == own {
            return Ok(None);
        }
        let mut names: Vec<String> = datasets::fitting(count).into_iter().map(|set| set.name).collect();
        if !names.contains(own) {
            names.insert(0, own.clone());
        }
        let names: Vec<&str> = names
            .iter()
            .map(|name| if name == NUMBERED.0 { NUMBERED.1 } else { name })
            .collect();
        bail!(
            "set: expected one of {count} classes, as the model has ({}), found {asked}",
            names.join(", ")
        );
    }
}
