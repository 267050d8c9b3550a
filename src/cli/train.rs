//! `segscope train`: a backbone and labelled pictures to a bundle.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;

use super::training_report::Report;
use super::{known_set, write_text};
use crate::checkpoint;
use crate::engine::{DeviceChoice, NormalisationChoice, open_device};
use crate::evaluate::{Pair, pairs};
use crate::labels::ClassSet;
use crate::model::DecoderKind;
use crate::train::{
    Augmentation, Averaging, Optimiser, OptimiserSpec, PolySchedule, StartPlan, TrainConfig, TrainFolder, TrainState,
    Training, start_from,
};

/// Fine-tune Segmenter from an ImageNet backbone on labelled pictures; an interrupted training goes on where it was
#[derive(Debug, clap::Args)]
pub(super) struct Train {
    /// Folder of pictures, with folders below it
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Folder of label maps (PNG with ids), named as the pictures are
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// Folder of pictures to validate with
    #[arg(long, value_name = "DIR", requires = "val_labels")]
    val_images: Option<PathBuf>,
    /// Folder of their label maps
    #[arg(long, value_name = "DIR", requires = "val_images")]
    val_labels: Option<PathBuf>,
    /// Vision Transformer to begin with: timm or AugReg, .safetensors, .pth or .npz
    #[arg(long, value_name = "FILE")]
    init: PathBuf,
    /// Class set: ade20k, camvid, cityscapes, pascal_context, pascal_context_59 or pascal_voc
    #[arg(long, value_name = "NAME", required_unless_present = "classes")]
    set: Option<String>,
    /// Number of classes, where none of the known sets fits
    #[arg(long, value_name = "N", conflicts_with = "set")]
    classes: Option<usize>,
    /// Ids of pixels without a class, in place of the data set's
    #[arg(long, value_delimiter = ',', value_name = "ID,ID")]
    ignore: Option<Vec<u16>>,
    /// Decoders, trained together on one encoder: linear, mask
    #[arg(long, value_delimiter = ',', default_value = "mask", value_name = "KEY,KEY")]
    decoder: Vec<String>,
    /// Side of a patch in pixels
    #[arg(long, default_value_t = 16)]
    patch: usize,
    /// Side of the crops in pixels
    #[arg(long, default_value_t = 384)]
    crop: usize,
    /// Short side in pixels that pictures are brought to before they are scaled at random, and at which the trained model
    /// sees them [default: the crop]
    #[arg(long, value_name = "N")]
    short_side: Option<usize>,
    /// What is subtracted from pixels and divides them, where the backbone's file does not tell: plain DeiT, DINO and
    /// MAE have imagenet
    #[arg(long, value_enum, value_name = "NAME")]
    normalisation: Option<NormalisationChoice>,
    /// Pictures per step
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Number of steps
    #[arg(long, default_value_t = 1000)]
    iterations: usize,
    /// The optimiser
    #[arg(long, value_enum, default_value = "sgd")]
    optimiser: OptimiserKind,
    /// First learning rate [default: 0.001 for sgd, 0.0001 for adamw]
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Learning rate of decoders over that of the encoder
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    decoder_rate: f64,
    /// Scale gradients to at most this norm
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// Steps from one validation to the next
    #[arg(long, default_value_t = 100, value_name = "N")]
    validate_every: usize,
    /// Where random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the bundles, the log and what going on needs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write over what another training has left in the folder
    #[arg(long)]
    overwrite: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceChoice,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OptimiserKind {
    /// With Nesterov momentum 0.9, as rstrudel/segmenter
    Sgd,
    /// With weight decay 0.01
    Adamw,
}

/// What `train.toml` holds.
#[derive(Serialize)]
struct Written<'a> {
    images: &'a Path,
    labels: &'a Path,
    init: &'a Path,
    decoders: &'a [String],
    patch: usize,
    normalisation: Option<String>,
    classes: &'a str,
    class_count: usize,
    ignored: Option<&'a [u16]>,
    val_images: Option<&'a Path>,
    val_labels: Option<&'a Path>,
    /// How many pictures there are, and a number that changes with their names: the order of steps follows from both.
    pictures: [String; 2],
    training: &'a TrainConfig,
}

impl Train {
    pub(super) fn run(&self) -> Result<()> {
        let_the_allocator_keep_memory();
        let classes = self.class_set()?;
        let train_pairs = pairs(&self.images, &self.labels)?;
        let validation = match (&self.val_images, &self.val_labels) {
            (Some(images), Some(labels)) => pairs(images, labels)?,
            _ => Vec::new(),
        };
        let config = self.config();
        let written = toml::to_string(&Written {
            images: &self.images,
            labels: &self.labels,
            init: &self.init,
            decoders: &self.decoder,
            patch: self.patch,
            normalisation: self.normalisation.map(|choice| format!("{choice:?}")),
            classes: &classes.name,
            class_count: classes.len(),
            ignored: self.ignore.as_deref(),
            val_images: self.val_images.as_deref(),
            val_labels: self.val_labels.as_deref(),
            pictures: [&train_pairs, &validation].map(|pairs| digest(pairs)),
            training: &config,
        })?;
        let mut on_read = |_| ControlFlow::Continue(());
        let mut backbone = checkpoint::open_backbone(&self.init, &mut on_read)?;
        if let Some(choice) = self.normalisation {
            backbone.normalisation = choice.values();
        }
        let plan = StartPlan {
            decoders: self.decoders()?,
            patch: self.patch,
            crop: self.crop,
            short_side: self.short_side(),
            classes: classes.len(),
            seed: self.seed,
        };
        let (spec, weights) = start_from(backbone, &plan)?;
        let device = open_device(self.device)?;
        let training = Training {
            config: &config,
            spec: &spec,
            classes: &classes,
            ignored: self.ignore.clone(),
            pairs: &train_pairs,
            validation: &validation,
            device: &device.device,
        };
        let offenders = training.offenders();
        if !offenders.is_empty() {
            bail!(
                "{} of {} pictures or label maps cannot be used:\n  {}",
                offenders.len(),
                train_pairs.len() + validation.len(),
                offenders.join("\n  ")
            );
        }
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        let folder = TrainFolder::new(&self.out);
        let is_new = !folder.state().is_file() || self.overwrite;
        self.check_folder(&folder, is_new)?;
        let mut state = match !is_new {
            true => TrainState::load(&folder.state(), &written)?,
            false => TrainState {
                iteration: 0,
                weights,
                optimiser: Optimiser::new(config.optimiser),
                best: None,
                validated: None,
            },
        };
        write_text(&folder.config(), &written)?;
        eprintln!(
            "{} on {}, {} pictures, from step {} to {}",
            spec.title(),
            device.name,
            train_pairs.len(),
            state.iteration,
            self.iterations
        );
        let mut report = Report::new(&folder, &written, &spec, &classes, state.iteration)?;
        let done = training.run(&mut state, &mut |state, event| report.take(state, event));
        if let Err(why) = done {
            // The steps before are good.
            state.save(&folder.state(), &written)?;
            return Err(why.into());
        }
        report.finish(&state)?;
        println!("{}", folder.last().display());
        Ok(())
    }

    fn short_side(&self) -> usize {
        self.short_side.unwrap_or(self.crop)
    }

    /// Refuses to begin where results of another training lie.
    fn check_folder(&self, folder: &TrainFolder, is_new: bool) -> Result<()> {
        let results = [folder.best(), folder.last(), folder.log()];
        let found = results
            .into_iter()
            .find(|file| is_new && file.exists() && !self.overwrite);
        match found {
            Some(file) => bail!(
                "expected a folder without a training, found results of one; choose another folder or add --overwrite: {}",
                file.display()
            ),
            None => Ok(()),
        }
    }

    fn class_set(&self) -> Result<ClassSet> {
        let Some(name) = &self.set else {
            let count = self.classes.context("expected --set or --classes, found neither")?;
            ensure!(
                (1..=1024).contains(&count),
                "classes: expected 1 to 1024, found {count}"
            );
            return Ok(ClassSet::numbered(count));
        };
        known_set(name)
    }

    fn decoders(&self) -> Result<Vec<DecoderKind>> {
        // The others have batch norms, whose statistics are not kept yet.
        let known = [DecoderKind::Linear, DecoderKind::Mask];
        let find = |key: &String| {
            let found = known.into_iter().find(|kind| kind.key() == key);
            found.with_context(|| format!("decoder: expected linear or mask, found {key}"))
        };
        self.decoder.iter().map(find).collect()
    }

    fn config(&self) -> TrainConfig {
        let (optimiser, rate) = match self.optimiser {
            OptimiserKind::Sgd => {
                let sgd = OptimiserSpec::Sgd {
                    momentum: 0.9,
                    nesterov: true,
                    weight_decay: 0.0,
                };
                (sgd, 1e-3)
            }
            OptimiserKind::Adamw => {
                let adamw = OptimiserSpec::AdamW {
                    beta1: 0.9,
                    beta2: 0.999,
                    epsilon: 1e-8,
                    weight_decay: 0.01,
                };
                (adamw, 1e-4)
            }
        };
        let base = self.rate.unwrap_or(rate);
        TrainConfig {
            batch: self.batch.max(1),
            seed: self.seed,
            validate_every: self.validate_every,
            decoder_rate: self.decoder_rate,
            clip: self.clip,
            averaging: Averaging::Labelled,
            optimiser,
            schedule: PolySchedule {
                base,
                floor: base / 100.0,
                power: 0.9,
                iterations: self.iterations,
            },
            augmentation: Augmentation::published(self.crop, self.short_side()),
        }
    }
}

/// Begins the program anew with the allocator told not to give memory back to the system between two steps, each of
/// which takes and leaves some gigabytes: a step takes a third less time. The allocator reads its settings from the
/// environment before the program begins, so there is no other way that is safe.
fn let_the_allocator_keep_memory() {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        const SETTING: &str = "MIMALLOC_PURGE_DELAY";
        if std::env::var_os(SETTING).is_some() {
            return;
        }
        if let Ok(program) = std::env::current_exe() {
            let arguments = std::env::args_os().skip(1);
            // Comes back only when it fails; then training is slower and no worse.
            let why = std::process::Command::new(program)
                .args(arguments)
                .env(SETTING, "-1")
                .exec();
            log::warn!("the allocator cannot be told to keep memory: {why}");
        }
    }
}

/// How many pairs there are, and a number that changes with their names.
fn digest(pairs: &[Pair]) -> String {
    let mut hasher = DefaultHasher::new();
    for pair in pairs {
        pair.name.hash(&mut hasher);
    }
    format!("{} {:016x}", pairs.len(), hasher.finish())
}
