//! Flags for inference settings and class names that override those of the model's file.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};

use crate::datasets::{self, SetFile};
use crate::model::{WindowMode, WindowRules};
use crate::photo::OpenOptions;
use crate::runtime::{ModelInfo, NormalisationChoice};
use crate::segment::InferenceConfig;

/// How to run the model
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Inference settings")]
pub(super) struct RunFlags {
    /// Class names and colours: ade20k, camvid, cityscapes, pascal_context, pascal_context_59, pascal_voc, numbered or
    /// your own .toml file; also sets window, stride and short side if the model's file does not
    #[arg(long, value_name = "NAME-or-FILE")]
    set: Option<String>,
    /// Average over these scales of the image
    #[arg(long, value_delimiter = ',', value_name = "S,S,…")]
    scales: Option<Vec<f64>>,
    /// Average over the image and its mirror image
    #[arg(long)]
    flip: bool,
    /// Window size in pixels [default: the model's]
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// Distance between windows in pixels [default: the model's]
    #[arg(long, value_name = "N")]
    stride: Option<usize>,
    /// Reduce larger images to this short side in pixels [default: the model's]
    #[arg(long, value_name = "N", conflicts_with = "full_size")]
    short_side: Option<usize>,
    /// Do not reduce larger images
    #[arg(long)]
    full_size: bool,
    /// How to treat images smaller than the window [default: the model's rule]
    #[arg(long, value_enum)]
    rules: Option<Rules>,
    /// Mean and standard deviation for normalising pixels [default: the model's]
    #[arg(long, value_enum, value_name = "NAME")]
    normalisation: Option<NormalisationChoice>,
    /// Make class edges follow those of the image (guided filter)
    #[arg(long)]
    refine_edges: bool,
    /// Brighten 16-bit images that use only their lowest bits
    #[arg(long)]
    stretch: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rules {
    /// Enlarge them to the window
    Enlarge,
    /// Use a smaller window for them
    Shrink,
}

/// The key of the numbered set, and its name on the command line.
const NUMBERED: (&str, &str) = ("unnamed", "numbered");

impl RunFlags {
    /// The model with the chosen class names, and its inference settings.
    pub(super) fn apply(&self, model: &ModelInfo) -> Result<(Arc<ModelInfo>, InferenceConfig)> {
        let set = self.fitting_set(model)?;
        let own = InferenceConfig::of(&model.inference_with(set));
        let window = self.window.unwrap_or(own.window);
        let settings = InferenceConfig {
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
            // A given window or stride implies sliding windows.
            mode: match (self.window, self.stride) {
                (None, None) => own.mode,
                _ => WindowMode::Slide,
            },
            normalisation: self.normalisation.map(NormalisationChoice::values),
            refine_edges: self.refine_edges,
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

    /// How images are opened.
    pub(super) fn opening(&self) -> OpenOptions {
        OpenOptions { stretch: self.stretch }
    }

    /// The chosen class set.
    pub(super) fn set_name(&self) -> Option<&str> {
        self.set.as_deref()
    }

    /// The file of the chosen class set, if it is a file.
    pub(super) fn set_file(&self) -> Result<Option<SetFile>> {
        let path = self.set.as_deref().filter(|name| SetFile::is_one(name));
        Ok(path.map(|path| SetFile::open(path.as_ref())).transpose()?)
    }

    /// The key of the chosen class set; `None` for the model file's own.
    fn fitting_set(&self, model: &ModelInfo) -> Result<Option<&str>> {
        let Some(asked) = self.set.as_deref() else {
            return Ok(None);
        };
        let asked = if asked == NUMBERED.1 { NUMBERED.0 } else { asked };
        if SetFile::is_one(asked) {
            // Its names are applied later; the inference settings stay those of the model's file.
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
