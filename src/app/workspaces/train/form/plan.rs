//! From the form to the plan of a training, and back.

use std::path::{Path, PathBuf};

use super::{Field, Form};
use crate::engine::{DataPlan, DecoderKind, Preset, SETR_CHANNELS, TrainConfig, TrainPlan};

/// A training that the choices of the form were taken from.
pub(super) struct Loaded {
    plan: TrainPlan,
    out: PathBuf,
    /// The preset that the form showed for it.
    preset: Preset,
}

impl Form {
    /// Takes the choices of a training. Those that the form does not offer stay in its plan, so that it can be resumed.
    pub(in super::super) fn load(&mut self, plan: &TrainPlan, out: &Path) {
        let text = |path: Option<&PathBuf>| path.map_or_else(String::new, |path| path.display().to_string());
        self.paths = Field::ALL.map(|field| {
            let path = match field {
                Field::Images => text(plan.data.images.first()),
                Field::Labels => text(plan.data.labels.first()),
                Field::ValImages => text(plan.validation.images.first()),
                Field::ValLabels => text(plan.validation.labels.first()),
                Field::Init => plan.init.display().to_string(),
                Field::Out => out.display().to_string(),
            };
            (field, path)
        });
        self.guessed.clear();
        self.set = plan.set.clone().unwrap_or_default();
        self.classes = plan.classes.unwrap_or(self.classes);
        let is_trained = |kind: &DecoderKind| plan.decoders.iter().any(|key| key == kind.key());
        self.decoders = DecoderKind::ALL.into_iter().filter(is_trained).collect();
        let training = &plan.training;
        self.patch = plan.patch;
        self.crop = training.augmentation.crop;
        self.iterations = training.schedule.iterations;
        self.validate_every = training.validate_every;
        self.batch = training.batch_size;
        self.precision = training.precision;
        self.rate = Some(training.schedule.lr);
        self.preset = Preset::ALL
            .into_iter()
            .find(|preset| self.made_with(*preset) == *training)
            .unwrap_or(self.preset);
        if self.preset.config(1, 16, 16).schedule.lr == training.schedule.lr {
            self.rate = None;
        }
        self.loaded = Some(Loaded {
            plan: plan.clone(),
            out: out.to_owned(),
            preset: self.preset,
        });
    }

    /// The training configuration of the choices with a preset.
    fn made_with(&self, preset: Preset) -> TrainConfig {
        let mut training = preset.config(self.iterations, self.crop, self.crop);
        training.batch_size = self.batch;
        training.precision = self.precision;
        training.validate_every = self.validate_every;
        if let Some(rate) = self.rate {
            training.schedule.lr = rate;
        }
        training
    }

    /// The plan and its output folder, or a message about what is missing.
    pub(in super::super) fn plan(&self) -> Result<(TrainPlan, PathBuf), String> {
        let needed = |field: Field| {
            let path = self.path(field);
            path.ok_or_else(|| format!("Fill in: {}", field.title()))
        };
        let is_list = |loaded: &&Loaded| {
            let named = self.path(Field::Images).is_some() || self.path(Field::Labels).is_some();
            loaded.plan.data.images.is_empty() && !named
        };
        let data = match self.loaded.as_ref().filter(is_list) {
            Some(loaded) => loaded.plan.data.clone(),
            None => DataPlan {
                images: vec![needed(Field::Images)?],
                labels: vec![needed(Field::Labels)?],
                list: None,
                label_name: None,
            },
        };
        let validation = match self.path(Field::ValImages) {
            Some(images) => DataPlan {
                images: vec![images],
                labels: vec![needed(Field::ValLabels)?],
                list: None,
                label_name: None,
            },
            None => DataPlan::default(),
        };
        let init = needed(Field::Init)?;
        let out = needed(Field::Out)?;
        if self.decoders.is_empty() {
            return Err("Choose a decoder.".into());
        }
        if self.crop == 0 || !self.crop.is_multiple_of(self.patch) {
            return Err(format!(
                "The crop must be a multiple of the patch size, {}.",
                self.patch
            ));
        }
        let training = self.made_with(self.preset);
        let is_set = !self.set.is_empty();
        let plan = TrainPlan {
            data,
            validation,
            init,
            set: is_set.then(|| self.set.clone()),
            classes: (!is_set).then_some(self.classes),
            ignore: None,
            zero_is_ignored: None,
            label_ids: None,
            read_id: Vec::new(),
            decoders: self.decoders.iter().map(|kind| kind.key().to_owned()).collect(),
            patch: self.patch,
            channels: SETR_CHANNELS,
            auxiliary: self.preset.has_auxiliary(),
            normalisation: None,
            training,
        };
        Ok((self.like_loaded(plan, &out), out))
    }

    /// The plan with the choices of the loaded training that the form does not offer, as long as it is for the same data
    /// and folder: a training of other data has its own.
    fn like_loaded(&self, plan: TrainPlan, out: &Path) -> TrainPlan {
        let Some(loaded) = &self.loaded else { return plan };
        let before = &loaded.plan;
        let is_same = |now: &DataPlan, before: &DataPlan| {
            now.images.first() == before.images.first() && now.labels.first() == before.labels.first()
        };
        let same = is_same(&plan.data, &before.data)
            && is_same(&plan.validation, &before.validation)
            && (&plan.set, plan.classes) == (&before.set, before.classes)
            && out == loaded.out;
        if !same {
            return plan;
        }
        let mut resumed = before.clone();
        (resumed.init, resumed.patch) = (plan.init, plan.patch);
        let known = plan.decoders.iter().all(|key| before.decoders.contains(key));
        if !known || plan.decoders.len() != before.decoders.len() {
            resumed.decoders = plan.decoders;
        }
        if self.preset != loaded.preset {
            (resumed.training, resumed.auxiliary) = (plan.training, plan.auxiliary);
            return resumed;
        }
        let (now, training) = (plan.training, &mut resumed.training);
        training.schedule.iterations = now.schedule.iterations;
        training.schedule.lr = now.schedule.lr;
        training.batch_size = now.batch_size;
        training.validate_every = now.validate_every;
        training.precision = now.precision;
        if training.augmentation.crop != now.augmentation.crop {
            training.augmentation.crop = now.augmentation.crop;
            training.augmentation.short_side = now.augmentation.short_side;
        }
        resumed
    }
}
