//! Inference settings and class names of a model: those of its file, or those that the user has chosen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::AppState;
use crate::engine::{InferenceConfig, ModelInfo, ModelSource, NormalisationChoice, WindowMode, WindowRules};

/// Scales of the published multi-scale evaluation (rstrudel segm/data/config).
const MULTI_SCALES: [f64; 6] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75];

/// Largest window, in pixels. The cost grows with its area.
pub(in crate::app) const MAX_WINDOW: usize = 8192;

/// Largest short side, in pixels.
pub(in crate::app) const MAX_SHORT_SIDE: usize = 16_384;

/// Smallest short side, in pixels.
const MIN_SHORT_SIDE: usize = 16;

/// What the user has chosen for one model. Where a value is absent, that of the model's file applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct SettingOverrides {
    /// Key of a class set; see [`ModelInfo::can_have`].
    class_set: Option<String>,
    pub(in crate::app) window: Option<usize>,
    pub(in crate::app) stride: Option<usize>,
    pub(in crate::app) short_side: Option<usize>,
    /// Whether the image keeps its size, whatever the short side is.
    full_size: Option<bool>,
    several_scales: bool,
    mirrored: bool,
    refined_edges: bool,
    #[serde(rename = "small_pictures")]
    small_images: Option<WindowRules>,
    normalisation: Option<NormalisationChoice>,
}

/// All inference settings of a model.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct InferenceSettings {
    /// Key of the class set that replaces the file's.
    pub(in crate::app) class_set: Option<String>,
    /// Side of the window in pixels.
    pub(in crate::app) window: usize,
    /// Distance between windows in pixels.
    pub(in crate::app) stride: usize,
    /// Length that the short side of a larger image is reduced to, in pixels.
    pub(in crate::app) short_side: usize,
    /// Whether larger images are not reduced.
    pub(in crate::app) full_size: bool,
    /// Whether results are averaged over several scales.
    pub(in crate::app) several_scales: bool,
    /// Whether results are averaged with those of the mirrored image.
    pub(in crate::app) mirrored: bool,
    /// Whether the edges of classes follow those of the image.
    pub(in crate::app) refined_edges: bool,
    /// How images that are smaller than the window are treated.
    pub(in crate::app) small_images: WindowRules,
    /// `None` for an unnamed normalisation of the file.
    pub(in crate::app) normalisation: Option<NormalisationChoice>,
}

impl InferenceSettings {
    /// The settings with which the model's authors run it, or would run it on the data set `class_set`.
    pub(in crate::app) fn published(model: &ModelInfo, class_set: Option<&str>) -> Self {
        let inference = model.inference_with(class_set);
        Self {
            class_set: class_set.map(str::to_owned),
            window: inference.window,
            stride: inference.stride,
            short_side: inference.short_side.unwrap_or(inference.window),
            full_size: inference.short_side.is_none(),
            several_scales: false,
            mirrored: false,
            refined_edges: false,
            small_images: inference.rules,
            normalisation: NormalisationChoice::of(&model.spec.normalisation),
        }
    }

    /// The settings with the user's choices, clamped to what the model supports: its file may have changed since.
    fn chosen(model: &ModelInfo, choices: &SettingOverrides) -> Self {
        let class_set = choices.class_set.as_deref().filter(|set| model.can_have(set));
        let published = Self::published(model, class_set);
        let mut chosen = Self {
            window: choices.window.unwrap_or(published.window),
            stride: choices.stride.unwrap_or(published.stride),
            short_side: choices.short_side.unwrap_or(published.short_side),
            full_size: choices.full_size.unwrap_or(published.full_size),
            several_scales: choices.several_scales,
            mirrored: choices.mirrored,
            refined_edges: choices.refined_edges,
            small_images: choices.small_images.unwrap_or(published.small_images),
            normalisation: choices.normalisation.or(published.normalisation),
            ..published
        };
        chosen.keep_possible(model);
        chosen
    }

    /// Brings every value into the range that a run supports: a stride larger than the window would leave pixels out.
    pub(in crate::app) fn keep_possible(&mut self, model: &ModelInfo) {
        let least = model.spec.encoder.multiple();
        self.window = self.window.clamp(least, MAX_WINDOW.max(least));
        self.stride = self.stride.clamp(least_stride(model).min(self.window), self.window);
        self.short_side = self.short_side.clamp(MIN_SHORT_SIDE, MAX_SHORT_SIDE);
    }

    /// The values that differ from the published ones.
    fn choices(&self, published: &Self) -> SettingOverrides {
        let changed = |now: usize, published: usize| (now != published).then_some(now);
        SettingOverrides {
            class_set: self.class_set.clone(),
            window: changed(self.window, published.window),
            stride: changed(self.stride, published.stride),
            short_side: changed(self.short_side, published.short_side),
            full_size: (self.full_size != published.full_size).then_some(self.full_size),
            several_scales: self.several_scales,
            mirrored: self.mirrored,
            refined_edges: self.refined_edges,
            small_images: (self.small_images != published.small_images).then_some(self.small_images),
            normalisation: self
                .normalisation
                .filter(|_| self.normalisation != published.normalisation),
        }
    }

    /// The configuration that the engine takes.
    pub(in crate::app) fn settings(&self, model: &ModelInfo) -> InferenceConfig {
        let own = NormalisationChoice::of(&model.spec.normalisation);
        let published = model.inference_with(self.class_set.as_deref());
        InferenceConfig {
            window: self.window,
            stride: self.stride,
            short_side: (!self.full_size).then_some(self.short_side),
            scales: if self.several_scales {
                MULTI_SCALES.into()
            } else {
                vec![1.0]
            },
            flip: self.mirrored,
            rules: self.small_images,
            // Another window or stride than the file's implies sliding windows.
            mode: if (self.window, self.stride) == (published.window, published.stride) {
                published.mode
            } else {
                WindowMode::Slide
            },
            normalisation: self
                .normalisation
                .filter(|_| self.normalisation != own)
                .map(NormalisationChoice::values),
            refine_edges: self.refined_edges,
        }
    }
}

/// Smallest stride that is offered, in pixels: a patch, because smaller strides multiply the windows. A file may have a
/// smaller one.
pub(in crate::app) fn least_stride(model: &ModelInfo) -> usize {
    model.spec.encoder.multiple().min(model.spec.inference.stride)
}

/// The key of a model's choices in the session.
fn key(source: &ModelSource) -> String {
    match source {
        ModelSource::Embedded => "embedded".into(),
        ModelSource::EmbeddedWithPatch(patch) => format!("embedded with patch {patch}"),
        ModelSource::Path(path) => path.to_string_lossy().into(),
        ModelSource::Weights(path, key) => format!("{} {key}", path.to_string_lossy()),
    }
}

impl AppState {
    /// The inference settings of a model.
    pub(in crate::app) fn inference_settings_of(&self, model: &ModelInfo) -> InferenceSettings {
        match self.session.inference_settings.get(&key(&model.source)) {
            Some(choices) => InferenceSettings::chosen(model, choices),
            None => InferenceSettings::published(model, None),
        }
    }

    /// The configuration with which the model in use runs.
    pub(in crate::app) fn run_settings(&self) -> Option<InferenceConfig> {
        let model = self.library.models.used()?;
        Some(self.inference_settings_of(model).settings(model))
    }

    /// The same model with the class names that the user has chosen for it.
    pub(in crate::app) fn named(&self, model: &Arc<ModelInfo>) -> Arc<ModelInfo> {
        let chosen = self.inference_settings_of(model).class_set;
        let named = model.with_set(chosen.as_deref());
        if named.classes == model.classes {
            model.clone()
        } else {
            Arc::new(named)
        }
    }

    /// Changes the inference settings and class names of the model in use.
    pub(in crate::app) fn change_inference_settings(&mut self, mut to: InferenceSettings) {
        let Some(model) = self.library.models.used().cloned() else {
            return;
        };
        let before = self.inference_settings_of(&model);
        to.keep_possible(&model);
        // Published values follow the class set: another one may have another window.
        let choices = to.choices(&InferenceSettings::published(&model, before.class_set.as_deref()));
        self.choose(&model, choices);
    }

    /// Resets the inference settings and class names of the model in use to those of its file.
    pub(in crate::app) fn reset_inference_settings(&mut self) {
        if let Some(model) = self.library.models.used().cloned() {
            self.choose(&model, SettingOverrides::default());
        }
    }

    /// Switches several scales and the mirrored image on or off together.
    pub(in crate::app) fn toggle_multi_scale(&mut self) {
        let Some(model) = self.library.models.used().cloned() else {
            return;
        };
        let on = !self.is_multi_scale();
        self.change_inference_settings(InferenceSettings {
            several_scales: on,
            mirrored: on,
            ..self.inference_settings_of(&model)
        });
    }

    /// Whether the model in use runs at several scales and mirrored.
    pub(in crate::app) fn is_multi_scale(&self) -> bool {
        let settings = self
            .library
            .models
            .used()
            .map(|model| self.inference_settings_of(model));
        settings.is_some_and(|settings| settings.several_scales && settings.mirrored)
    }

    fn choose(&mut self, model: &Arc<ModelInfo>, choices: SettingOverrides) {
        let before = self.run_settings();
        let kept = &mut self.session.inference_settings;
        // Only differences from the published values are stored, so that an undone change leaves no trace.
        if choices == SettingOverrides::default() {
            kept.remove(&key(&model.source));
        } else {
            kept.insert(key(&model.source), choices);
        }
        self.rename_classes();
        if self.run_settings() != before {
            self.settle_states();
            self.recall_or_segment();
        }
    }

    /// Applies the chosen class names wherever they are shown.
    fn rename_classes(&mut self) {
        let Some(model) = self.library.models.used().map(|model| self.named(model)) else {
            return;
        };
        self.library.models.rename(model.clone());
        for document in self.documents() {
            document.rename_classes(&model);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Session;

    fn embedded() -> ModelInfo {
        let mut session = Session::new(crate::engine::DeviceChoice::Cpu, crate::engine::PrecisionChoice::F32);
        let model = session
            .load(ModelSource::Embedded, &mut |_| std::ops::ControlFlow::Continue(()))
            .expect("the embedded model");
        (*model).clone()
    }

    #[test]
    fn published_settings_are_the_engines_defaults() {
        let model = embedded();
        let published = InferenceSettings::published(&model, None);
        assert_eq!(published.settings(&model), InferenceConfig::of(&model.spec.inference));
        assert_eq!(published.choices(&published), SettingOverrides::default());
    }

    #[test]
    fn only_differences_are_stored_and_restored() {
        let model = embedded();
        let published = InferenceSettings::published(&model, None);
        let changed = InferenceSettings {
            class_set: Some("unnamed".into()),
            stride: 128,
            full_size: true,
            mirrored: true,
            small_images: WindowRules::Shrink,
            normalisation: Some(NormalisationChoice::ImageNet),
            ..published.clone()
        };
        let choices = changed.choices(&published);
        assert_eq!(
            (choices.window, choices.stride, choices.short_side),
            (None, Some(128), None)
        );
        let text = toml::to_string(&choices).expect("TOML");
        let read: SettingOverrides = toml::from_str(&text).expect("choices");
        assert_eq!(InferenceSettings::chosen(&model, &read), changed);
        let settings = changed.settings(&model);
        assert_eq!((settings.short_side, settings.flip), (None, true));
        assert_eq!(settings.normalisation, Some(NormalisationChoice::ImageNet.values()));
    }

    #[test]
    fn unsupported_values_are_clamped() {
        let model = embedded();
        let choices: SettingOverrides =
            toml::from_str("class_set = \"ade20k\"\nwindow = 3\nstride = 900\nshort_side = 99999").expect("choices");
        let chosen = InferenceSettings::chosen(&model, &choices);
        assert_eq!(
            (chosen.window, chosen.stride, chosen.short_side),
            (16, 16, MAX_SHORT_SIDE)
        );
        assert_eq!(chosen.class_set, None, "ADE20K has 150 classes, the model 11");
        assert!(chosen.settings(&model).check(16).is_ok());
    }
}
