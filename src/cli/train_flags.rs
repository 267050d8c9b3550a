//! The flags of `segscope train`, and the plan they describe.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::truth_flags::TruthFlags;
use crate::checkpoint;
use crate::model::{DecoderKind, SETR_CHANNELS};
use crate::runtime::NormalisationChoice;
use crate::train::{DataPlan, OptimiserSpec, Preset, TrainPlan, TrainPrecision};

/// Values left out come from `--config`, or from the preset and the model in `--init`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct TrainFlags {
    /// Folders of training images, including subfolders
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    images: Option<Vec<PathBuf>>,
    /// Folders of label maps (PNG with ids), named like the images; one for each folder of images
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    labels: Option<Vec<PathBuf>>,
    /// List of training images: an image and its label map in each line, separated by a comma
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Folders of validation images, including subfolders
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    val_images: Option<Vec<PathBuf>>,
    /// Folders of label maps of the validation images; one for each folder of images
    #[arg(long, value_delimiter = ',', value_name = "DIR,DIR")]
    val_labels: Option<Vec<PathBuf>>,
    /// List of validation images: an image and its label map in each line, separated by a comma
    #[arg(long, value_name = "FILE")]
    val_list: Option<PathBuf>,
    /// Initial weights: a Vision Transformer of timm or AugReg (.safetensors, .pth or .npz), or a model whose encoder,
    /// and decoders of the same kind and size, are trained further
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Class set: ade20k, camvid, cityscapes, pascal_context, pascal_context_59, pascal_voc or a .toml file with names
    /// and colours of your own classes
    #[arg(long, value_name = "NAME-or-FILE")]
    set: Option<String>,
    /// Number of classes, if no known class set fits
    #[arg(long, value_name = "N", conflicts_with = "set")]
    classes: Option<usize>,
    /// Name pattern of the label maps, such as {stem}_mask.png [default: detected]
    #[arg(long, value_name = "NAME")]
    label_name: Option<String>,
    #[command(flatten)]
    truth: TruthFlags,
    /// Decoders, trained together on one encoder: linear, mask, naive, pup, mla [default: those of the model in --init,
    /// else mask]
    #[arg(long, value_delimiter = ',', value_name = "KEY,KEY")]
    decoder: Option<Vec<String>>,
    /// Patch size in pixels [default: that of the model in --init, else 16]
    #[arg(long, value_name = "N")]
    patch: Option<usize>,
    /// Channels of SETR's convolutions [default: those of the model in --init, else the published 256]
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Train SETR's auxiliary heads too [default: as in the preset or the model in --init]
    #[arg(long, value_name = "true|false")]
    auxiliary: Option<bool>,
    /// Crop size in pixels [default: the window of the model in --init, else 384]
    #[arg(long, value_name = "N")]
    crop: Option<usize>,
    /// Short side in pixels to which images are resized before random scaling, and at which the trained model runs
    /// [default: that of the model in --init if --crop is not given, else the crop size]
    #[arg(long, value_name = "N")]
    short_side: Option<usize>,
    /// Smallest and largest random scale [default: 0.5,2]
    #[arg(long, value_delimiter = ',', value_name = "LOW,HIGH")]
    scales: Option<Vec<f64>>,
    /// Mean and standard deviation for normalising pixels, in place of those of the weights file; plain DeiT, DINO and
    /// MAE use imagenet
    #[arg(long, value_enum, value_name = "NAME")]
    normalisation: Option<NormalisationChoice>,
    /// Preset for all values that are not given, without --config [default: adamw]
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "config")]
    preset: Option<PresetChoice>,
    /// Images per batch [default: 8]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Batches per step, whose gradients and batch statistics are averaged [default: 1]
    #[arg(long, value_name = "N")]
    accumulate: Option<usize>,
    /// Number of training steps [default: 1000]
    #[arg(long, value_name = "N")]
    iterations: Option<usize>,
    /// Learning rate of the first iteration [default: 0.0003 for adamw, 0.001 for the others]
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// Minimum learning rate, that of the last iteration [default: 0.000003 for adamw, 0.00001 for segmenter, 0.0001
    /// for setr]
    #[arg(long, value_name = "RATE")]
    min_lr: Option<f64>,
    /// Learning-rate multiplier of the decoders [default: 2 for adamw, 1 for segmenter, 10 for setr]
    #[arg(long, value_name = "FACTOR")]
    decoder_lr_multiplier: Option<f64>,
    /// Layer decay: learning rate of each encoder block relative to the next one [default: 1]
    #[arg(long, value_name = "FACTOR")]
    layer_decay: Option<f64>,
    /// Weight decay [default: 0.01 for adamw, 0 for the others]
    #[arg(long, value_name = "FACTOR")]
    weight_decay: Option<f32>,
    /// Maximum gradient norm; 0 disables clipping [default: 1 for adamw, 0 for the others]
    #[arg(long, value_name = "NORM")]
    clip_norm: Option<f64>,
    /// Decay of the exponential moving average (EMA) of the weights, such as 0.99 [default: no EMA]
    #[arg(long, value_name = "DECAY")]
    ema_decay: Option<f32>,
    /// Drop-path rate of the last encoder block [default: 0.1 for segmenter, 0 for the others]
    #[arg(long, value_name = "PROBABILITY")]
    drop_path: Option<f64>,
    /// Dropout rate in the mask transformer [default: 0.1 for segmenter, 0 for the others]
    #[arg(long, value_name = "PROBABILITY")]
    dropout: Option<f64>,
    /// Precision of the products [default: f32]
    #[arg(long, value_enum, value_name = "NAME")]
    precision: Option<TrainPrecision>,
    /// Steps between validations; 0 disables validation [default: 100]
    #[arg(long, value_name = "N")]
    validate_every: Option<usize>,
    /// Random seed [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PresetChoice {
    /// AdamW with clipped gradients, for few steps on few images
    Adamw,
    /// As rstrudel/segmenter: SGD with Nesterov momentum, drop path
    Segmenter,
    /// As SETR in mmsegmentation: SGD, auxiliary heads, ten times the learning rate for decoders
    Setr,
}

impl PresetChoice {
    fn preset(self) -> Preset {
        match self {
            Self::Adamw => Preset::AdamW,
            Self::Segmenter => Preset::Segmenter,
            Self::Setr => Preset::Setr,
        }
    }
}

impl TrainFlags {
    /// The plan from a configuration file, if any, and these flags.
    pub(super) fn plan(&self, config: Option<&Path>) -> Result<TrainPlan> {
        let mut plan = match config {
            Some(path) => read_plan(path)?,
            None => self.begun()?,
        };
        self.change(&mut plan)?;
        for (name, data) in [("images", &plan.data), ("val-images", &plan.validation)] {
            ensure!(
                data.images.len() == data.labels.len(),
                "--{name}: expected as many folders of labels as of images, found {} and {}",
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

    /// The plan of the preset, with the sizes and decoders of the model in `--init`, if it is one.
    fn begun(&self) -> Result<TrainPlan> {
        let preset = self.preset.map_or(Preset::default(), PresetChoice::preset);
        let init = self.init.clone();
        let init = init.context("expected --init with a backbone or a model, found none")?;
        // A file that is not a model is a backbone, or is refused when its weights are read.
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
            auxiliary: preset.has_auxiliary() || has_auxiliary,
            normalisation: None,
            training: preset.config(1000, crop, short_side),
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
        set(&mut training.batch_size, &self.batch_size);
        set(&mut training.accumulate, &self.accumulate);
        set(&mut training.seed, &self.seed);
        set(&mut training.validate_every, &self.validate_every);
        set(&mut training.decoder_lr_multiplier, &self.decoder_lr_multiplier);
        set(&mut training.layer_decay, &self.layer_decay);
        if let Some(most) = self.clip_norm {
            training.clip_norm = (most > 0.0).then_some(most);
        }
        set_option(&mut training.ema_decay, &self.ema_decay);
        set(&mut training.drop_path, &self.drop_path);
        set(&mut training.dropout, &self.dropout);
        set(&mut training.precision, &self.precision);
        match &mut training.optimiser {
            OptimiserSpec::Sgd { weight_decay, .. } | OptimiserSpec::AdamW { weight_decay, .. } => {
                set(weight_decay, &self.weight_decay);
            }
        }
        let schedule = &mut training.schedule;
        set(&mut schedule.iterations, &self.iterations);
        set(&mut schedule.lr, &self.lr);
        set(&mut schedule.min_lr, &self.min_lr);
        Ok(())
    }
}

fn read_plan(path: &Path) -> Result<TrainPlan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    TrainPlan::read(&text).with_context(|| format!("expected the train.toml of a training: {}", path.display()))
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
