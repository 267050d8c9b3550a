//! The options of `segscope train`, and the plan that they make.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::truth_flags::TruthFlags;
use crate::checkpoint;
use crate::model::{DecoderKind, SETR_CHANNELS};
use crate::runtime::NormalisationChoice;
use crate::train::{DataPlan, OptimiserSpec, Recipe, TrainPlan};

/// What is left out comes from `--config`, or from the recipe and the model in `--init`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct TrainFlags {
    /// Folder of pictures, with folders below it; several are possible
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    images: Option<Vec<PathBuf>>,
    /// Folder of label maps (PNG with ids), named as the pictures are; one for each folder of pictures
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    labels: Option<Vec<PathBuf>>,
    /// A list with a picture and its label map in each line, separated by a comma
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Folder of pictures to validate with
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    val_images: Option<Vec<PathBuf>>,
    /// Folder of their label maps
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    val_labels: Option<Vec<PathBuf>>,
    /// A list of pictures and label maps to validate with
    #[arg(long, value_name = "FILE")]
    val_list: Option<PathBuf>,
    /// Weights to begin with: a Vision Transformer of timm or AugReg (.safetensors, .pth or .npz), or a model whose
    /// encoder, and decoders of the same kind and size, learn further
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Class set: ade20k, camvid, cityscapes, pascal_context, pascal_context_59, pascal_voc or a .toml file with names and
    /// colours of your own classes
    #[arg(long, value_name = "NAME-or-FILE")]
    set: Option<String>,
    /// Number of classes, where none of the known sets fits
    #[arg(long, value_name = "N", conflicts_with = "set")]
    classes: Option<usize>,
    /// How label maps are named, such as {stem}_mask.png; found by itself without it
    #[arg(long, value_name = "NAME")]
    label_name: Option<String>,
    #[command(flatten)]
    truth: TruthFlags,
    /// Decoders, trained together on one encoder: linear, mask, naive, pup, mla [default: those of the model in --init,
    /// else mask]
    #[arg(long, value_delimiter = ',', value_name = "KEY,KEY")]
    decoder: Option<Vec<String>>,
    /// Side of a patch in pixels [default: that of the model in --init, else 16]
    #[arg(long, value_name = "N")]
    patch: Option<usize>,
    /// Channels of SETR's convolutions [default: those of the model in --init, else the published 256]
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Train SETR's auxiliary heads, too [default: as the recipe or the model in --init]
    #[arg(long, value_name = "true|false")]
    auxiliary: Option<bool>,
    /// Side of the crops in pixels [default: the window of the model in --init, else 384]
    #[arg(long, value_name = "N")]
    crop: Option<usize>,
    /// Short side in pixels that pictures are brought to before they are scaled at random, and at which the trained model
    /// sees them [default: that of the model in --init where --crop is not given, else the crop]
    #[arg(long, value_name = "N")]
    short_side: Option<usize>,
    /// Smallest and largest random scale [default: 0.5,2]
    #[arg(long, value_delimiter = ',', value_name = "LOW,HIGH")]
    scales: Option<Vec<f64>>,
    /// What is subtracted from pixels and divides them, in place of what the file of the weights says: plain DeiT, DINO
    /// and MAE have imagenet
    #[arg(long, value_enum, value_name = "NAME")]
    normalisation: Option<NormalisationChoice>,
    /// Where all other numbers begin, without --config [default: adamw]
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "config")]
    recipe: Option<RecipeChoice>,
    /// Pictures that go through the network at once [default: 8]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Batches per step, whose gradients and batch statistics are averaged [default: 1]
    #[arg(long, value_name = "N")]
    accumulate: Option<usize>,
    /// Number of steps [default: 1000]
    #[arg(long, value_name = "N")]
    iterations: Option<usize>,
    /// First learning rate [default: 0.0003 for adamw, 0.001 for the others]
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Last learning rate [default: 0.000003 for adamw, 0.00001 for segmenter, 0.0001 for setr]
    #[arg(long, value_name = "RATE")]
    last_rate: Option<f64>,
    /// Learning rate of decoders over that of the encoder [default: 2 for adamw, 1 for segmenter, 10 for setr]
    #[arg(long, value_name = "FACTOR")]
    decoder_rate: Option<f64>,
    /// Learning rate of each encoder block over that of the next one [default: 1]
    #[arg(long, value_name = "FACTOR")]
    layer_decay: Option<f64>,
    /// Weight decay [default: 0.01 for adamw, 0 for the others]
    #[arg(long, value_name = "FACTOR")]
    weight_decay: Option<f32>,
    /// Scale gradients to at most this norm, 0 for never [default: 1 for adamw, 0 for the others]
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// Keep a running mean of the weights, of which this share remains with each step, such as 0.99
    #[arg(long, value_name = "SHARE")]
    average: Option<f32>,
    /// Chance that the encoder's last block is left out [default: 0.1 for segmenter, 0 for the others]
    #[arg(long, value_name = "CHANCE")]
    drop_path: Option<f64>,
    /// Chance that a value in the mask transformer is left out [default: 0.1 for segmenter, 0 for the others]
    #[arg(long, value_name = "CHANCE")]
    dropout: Option<f64>,
    /// Steps from one validation to the next [default: 100]
    #[arg(long, value_name = "N")]
    validate_every: Option<usize>,
    /// Where random numbers begin [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RecipeChoice {
    /// Few steps on few pictures
    Adamw,
    /// As rstrudel/segmenter: SGD with Nesterov momentum, drop path
    Segmenter,
    /// As SETR in mmsegmentation: SGD, auxiliary heads, ten times the rate for decoders
    Setr,
}

impl RecipeChoice {
    fn recipe(self) -> Recipe {
        match self {
            Self::Adamw => Recipe::AdamW,
            Self::Segmenter => Recipe::Segmenter,
            Self::Setr => Recipe::Setr,
        }
    }
}

impl TrainFlags {
    /// What a file and these options say.
    pub(super) fn plan(&self, config: Option<&Path>) -> Result<TrainPlan> {
        let mut plan = match config {
            Some(path) => read_plan(path)?,
            None => self.begun()?,
        };
        self.change(&mut plan)?;
        for (name, data) in [("images", &plan.data), ("val-images", &plan.validation)] {
            ensure!(
                data.images.len() == data.labels.len(),
                "--{name}: expected as many folders of labels as of pictures, found {} and {}",
                data.labels.len(),
                data.images.len()
            );
        }
        ensure!(
            !plan.data.is_empty(),
            "expected --images and --labels or --list, found none of them"
        );
        Ok(plan)
    }

    /// What the recipe says, and the sizes and decoders of a model that learns further.
    fn begun(&self) -> Result<TrainPlan> {
        let recipe = self.recipe.map_or(Recipe::default(), RecipeChoice::recipe);
        let init = self.init.clone();
        let init = init.context("expected --init with a backbone to begin with, found none")?;
        // Whatever is no model is a backbone, or is refused when its weights are read.
        let model = checkpoint::peek(&init).ok().map(|peek| peek.spec);
        let window = model.as_ref().map(|spec| spec.inference.window);
        let crop = self.crop.or(window).unwrap_or(384);
        let short_side = model.as_ref().and_then(|spec| spec.inference.short_side);
        let short_side = short_side.filter(|_| self.crop.is_none()).unwrap_or(crop);
        let vit = model.as_ref().and_then(|spec| spec.encoder.vit());
        let learnt = model.as_ref().map(|spec| spec.decoders.as_slice()).unwrap_or_default();
        let channels = learnt.iter().find_map(|decoder| decoder.head.channels());
        let has_auxiliary = learnt.iter().any(|decoder| !decoder.head.auxiliary_layers().is_empty());
        let is_kind = |key: &str| DecoderKind::with_key(key).is_some();
        let keys = learnt.iter().map(|decoder| decoder.key.clone());
        let mut decoders: Vec<String> = keys.filter(|key| is_kind(key)).collect();
        if decoders.is_empty() {
            decoders.push(DecoderKind::Mask.key().into());
        }
        Ok(TrainPlan {
            data: DataPlan::default(),
            validation: DataPlan::default(),
            init,
            set: None,
            classes: None,
            ignore: None,
            zero_is_ignored: None,
            label_ids: None,
            read_id: Vec::new(),
            decoders,
            patch: vit.map_or(16, |vit| vit.patch),
            channels: channels.unwrap_or(SETR_CHANNELS),
            auxiliary: recipe.has_auxiliary() || has_auxiliary,
            normalisation: None,
            training: recipe.config(1000, crop, short_side),
        })
    }

    fn change(&self, plan: &mut TrainPlan) -> Result<()> {
        set(&mut plan.data.images, &self.images);
        set(&mut plan.data.labels, &self.labels);
        set_option(&mut plan.data.list, &self.list);
        set(&mut plan.validation.images, &self.val_images);
        set(&mut plan.validation.labels, &self.val_labels);
        set_option(&mut plan.validation.list, &self.val_list);
        set(&mut plan.init, &self.init);
        if self.set.is_some() || self.classes.is_some() {
            (plan.set, plan.classes) = (self.set.clone(), self.classes);
        }
        for data in [&mut plan.data, &mut plan.validation] {
            set_option(&mut data.label_name, &self.label_name);
        }
        set_option(&mut plan.ignore, &self.truth.ignore);
        set_option(&mut plan.zero_is_ignored, &self.truth.zero_is_ignored);
        set_option(&mut plan.label_ids, &self.truth.label_ids);
        if !self.truth.read_id.is_empty() {
            plan.read_id.clone_from(&self.truth.read_id);
        }
        set(&mut plan.decoders, &self.decoder);
        set(&mut plan.patch, &self.patch);
        set(&mut plan.channels, &self.channels);
        set(&mut plan.auxiliary, &self.auxiliary);
        set_option(
            &mut plan.normalisation,
            &self.normalisation.map(|choice| choice.values()),
        );
        let training = &mut plan.training;
        set(&mut training.augmentation.crop, &self.crop);
        set(&mut training.augmentation.short_side, &self.short_side);
        if let Some(scales) = &self.scales {
            let [low, high] = scales[..] else {
                bail!("--scales: expected two numbers, found {}", scales.len());
            };
            training.augmentation.scales = [low, high];
        }
        set(&mut training.batch, &self.batch);
        set(&mut training.accumulate, &self.accumulate);
        set(&mut training.seed, &self.seed);
        set(&mut training.validate_every, &self.validate_every);
        set(&mut training.decoder_rate, &self.decoder_rate);
        set(&mut training.layer_decay, &self.layer_decay);
        if let Some(most) = self.clip {
            training.clip = (most > 0.0).then_some(most);
        }
        set_option(&mut training.average, &self.average);
        set(&mut training.dropping.path, &self.drop_path);
        set(&mut training.dropping.decoder, &self.dropout);
        match &mut training.optimiser {
            OptimiserSpec::Sgd { weight_decay, .. } | OptimiserSpec::AdamW { weight_decay, .. } => {
                set(weight_decay, &self.weight_decay);
            }
        }
        let schedule = &mut training.schedule;
        set(&mut schedule.iterations, &self.iterations);
        set(&mut schedule.base, &self.rate);
        set(&mut schedule.floor, &self.last_rate);
        Ok(())
    }
}

fn read_plan(path: &Path) -> Result<TrainPlan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("expected the train.toml of a training: {}", path.display()))
}

fn set<T: Clone>(value: &mut T, chosen: &Option<T>) {
    if let Some(chosen) = chosen {
        value.clone_from(chosen);
    }
}

fn set_option<T: Clone>(value: &mut Option<T>, chosen: &Option<T>) {
    if chosen.is_some() {
        value.clone_from(chosen);
    }
}
