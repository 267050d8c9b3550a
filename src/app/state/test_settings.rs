//! How the model in use is run and what its classes are called: as its file says, or as a person has chosen.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::AppState;
use crate::engine::{ModelInfo, ModelSource, NormalisationChoice, Settings, WindowMode, WindowRules};

/// Sizes of the published multi-scale evaluation (rstrudel segm/data/config).
const MULTI_SCALES: [f64; 6] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75];

/// Largest window, in pixels; its area is what costs.
pub(in crate::app) const MOST_WINDOW: usize = 8192;

/// Largest short side, in pixels.
pub(in crate::app) const MOST_SHORT_SIDE: usize = 16_384;

/// Smallest short side, in pixels.
const LEAST_SHORT_SIDE: usize = 16;

/// What a person has chosen for one model; what is not there is as its file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Choices {
    /// Key of a class set, see [`ModelInfo::can_have`].
    class_set: Option<String>,
    pub(in crate::app) window: Option<usize>,
    pub(in crate::app) stride: Option<usize>,
    pub(in crate::app) short_side: Option<usize>,
    /// Keep the picture's own size, whatever the short side is.
    full_size: Option<bool>,
    several_scales: bool,
    mirrored: bool,
    small_pictures: Option<WindowRules>,
    normalisation: Option<NormalisationChoice>,
}

/// The test settings that hold for a model, all of them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) struct TestSettings {
    /// Key of the class set in place of the file's.
    pub(in crate::app) class_set: Option<String>,
    /// Side of the window in pixels.
    pub(in crate::app) window: usize,
    /// Distance between windows in pixels.
    pub(in crate::app) stride: usize,
    /// The short side of a larger picture is reduced to this, in pixels.
    pub(in crate::app) short_side: usize,
    /// Larger pictures are not reduced.
    pub(in crate::app) full_size: bool,
    /// Average over several sizes.
    pub(in crate::app) several_scales: bool,
    /// Average over the mirrored picture too.
    pub(in crate::app) mirrored: bool,
    /// What happens to pictures that are smaller than the window.
    pub(in crate::app) small_pictures: WindowRules,
    /// `None` for one of the file's own that has no name.
    pub(in crate::app) normalisation: Option<NormalisationChoice>,
}

impl TestSettings {
    /// As the model's authors run it, or would run it on the data set `class_set`.
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
            small_pictures: inference.rules,
            normalisation: NormalisationChoice::of(&model.spec.normalisation),
        }
    }

    /// With what has been chosen, brought to what the model can do: its file may have changed since.
    fn chosen(model: &ModelInfo, choices: &Choices) -> Self {
        let class_set = choices.class_set.as_deref().filter(|set| model.can_have(set));
        let published = Self::published(model, class_set);
        let mut chosen = Self {
            window: choices.window.unwrap_or(published.window),
            stride: choices.stride.unwrap_or(published.stride),
            short_side: choices.short_side.unwrap_or(published.short_side),
            full_size: choices.full_size.unwrap_or(published.full_size),
            several_scales: choices.several_scales,
            mirrored: choices.mirrored,
            small_pictures: choices.small_pictures.unwrap_or(published.small_pictures),
            normalisation: choices.normalisation.or(published.normalisation),
            ..published
        };
        chosen.keep_possible(model);
        chosen
    }

    /// Brings every value to what a run can have: a stride beyond the window would leave pixels out.
    pub(in crate::app) fn keep_possible(&mut self, model: &ModelInfo) {
        let least = model.spec.encoder.multiple();
        self.window = self.window.clamp(least, MOST_WINDOW.max(least));
        self.stride = self.stride.clamp(least_stride(model).min(self.window), self.window);
        self.short_side = self.short_side.clamp(LEAST_SHORT_SIDE, MOST_SHORT_SIDE);
    }

    /// What of it is not as published.
    fn choices(&self, published: &Self) -> Choices {
        let changed = |now: usize, published: usize| (now != published).then_some(now);
        Choices {
            class_set: self.class_set.clone(),
            window: changed(self.window, published.window),
            stride: changed(self.stride, published.stride),
            short_side: changed(self.short_side, published.short_side),
            full_size: (self.full_size != published.full_size).then_some(self.full_size),
            several_scales: self.several_scales,
            mirrored: self.mirrored,
            small_pictures: (self.small_pictures != published.small_pictures).then_some(self.small_pictures),
            normalisation: self
                .normalisation
                .filter(|_| self.normalisation != published.normalisation),
        }
    }

    /// As the worker takes it.
    pub(in crate::app) fn settings(&self, model: &ModelInfo) -> Settings {
        let own = NormalisationChoice::of(&model.spec.normalisation);
        let published = model.inference_with(self.class_set.as_deref());
        Settings {
            window: self.window,
            stride: self.stride,
            short_side: (!self.full_size).then_some(self.short_side),
            scales: if self.several_scales {
                MULTI_SCALES.into()
            } else {
                vec![1.0]
            },
            flip: self.mirrored,
            rules: self.small_pictures,
            // Whoever asks for other windows than the file says wants windows.
            mode: if (self.window, self.stride) == (published.window, published.stride) {
                published.mode
            } else {
                WindowMode::Slide
            },
            normalisation: self
                .normalisation
                .filter(|_| self.normalisation != own)
                .map(NormalisationChoice::values),
        }
    }
}

/// Smallest stride that is offered, in pixels: a patch, for each smaller step multiplies the windows. A file may ask
/// for less.
pub(in crate::app) fn least_stride(model: &ModelInfo) -> usize {
    model.spec.encoder.multiple().min(model.spec.inference.stride)
}

/// Under what the session keeps the choices for a model.
fn key(source: &ModelSource) -> String {
    match source {
        ModelSource::Embedded => "embedded".into(),
        ModelSource::EmbeddedWithPatch(patch) => format!("embedded with patch {patch}"),
        ModelSource::Path(path) => path.to_string_lossy().into(),
        ModelSource::Weights(path, key) => format!("{} {key}", path.to_string_lossy()),
    }
}

impl AppState {
    /// The test settings that hold for a model.
    pub(in crate::app) fn test_settings_of(&self, model: &ModelInfo) -> TestSettings {
        match self.session.test_settings.get(&key(&model.source)) {
            Some(choices) => TestSettings::chosen(model, choices),
            None => TestSettings::published(model, None),
        }
    }

    /// How to run the model in use.
    pub(in crate::app) fn run_settings(&self) -> Option<Settings> {
        let model = self.library.models.used()?;
        Some(self.test_settings_of(model).settings(model))
    }

    /// The same model under the class names that are chosen for it.
    pub(in crate::app) fn named(&self, model: &Arc<ModelInfo>) -> Arc<ModelInfo> {
        let chosen = self.test_settings_of(model).class_set;
        let named = model.with_set(chosen.as_deref());
        if named.classes == model.classes {
            model.clone()
        } else {
            Arc::new(named)
        }
    }

    /// Runs the model in use in another way from now on, and calls its classes what they are to be called.
    pub(in crate::app) fn change_test_settings(&mut self, mut to: TestSettings) {
        let Some(model) = self.library.models.used().cloned() else {
            return;
        };
        let before = self.test_settings_of(&model);
        to.keep_possible(&model);
        // What was as published stays so: another class set may bring another window.
        let choices = to.choices(&TestSettings::published(&model, before.class_set.as_deref()));
        self.choose(&model, choices);
    }

    /// Runs the model in use as its file says.
    pub(in crate::app) fn reset_test_settings(&mut self) {
        if let Some(model) = self.library.models.used().cloned() {
            self.choose(&model, Choices::default());
        }
    }

    /// Several scales and the mirrored picture, or neither.
    pub(in crate::app) fn toggle_multi_scale(&mut self) {
        let Some(model) = self.library.models.used().cloned() else {
            return;
        };
        let on = !self.is_multi_scale();
        self.change_test_settings(TestSettings {
            several_scales: on,
            mirrored: on,
            ..self.test_settings_of(&model)
        });
    }

    /// Whether the model in use runs at several scales and mirrored.
    pub(in crate::app) fn is_multi_scale(&self) -> bool {
        let settings = self.library.models.used().map(|model| self.test_settings_of(model));
        settings.is_some_and(|settings| settings.several_scales && settings.mirrored)
    }

    fn choose(&mut self, model: &Arc<ModelInfo>, choices: Choices) {
        let before = self.run_settings();
        let kept = &mut self.session.test_settings;
        // Only what is not as published is kept, so that an undone change leaves no trace.
        if choices == Choices::default() {
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

    /// Calls the classes what they are to be called, wherever they are shown.
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
        let mut session = Session::new(crate::engine::DeviceChoice::Cpu);
        let model = session
            .load(ModelSource::Embedded, &mut |_| std::ops::ControlFlow::Continue(()))
            .expect("a sound tree");
        (*model).clone()
    }

    #[test]
    fn as_published_is_what_the_worker_does_by_itself() {
        let model = embedded();
        let published = TestSettings::published(&model, None);
        assert_eq!(published.settings(&model), Settings::of(&model.spec.inference));
        assert_eq!(published.choices(&published), Choices::default());
    }

    #[test]
    fn only_what_differs_is_kept_and_comes_back() {
        let model = embedded();
        let published = TestSettings::published(&model, None);
        let changed = TestSettings {
            class_set: Some("unnamed".into()),
            stride: 128,
            full_size: true,
            mirrored: true,
            small_pictures: WindowRules::Shrink,
            normalisation: Some(NormalisationChoice::ImageNet),
            ..published.clone()
        };
        let choices = changed.choices(&published);
        assert_eq!(
            (choices.window, choices.stride, choices.short_side),
            (None, Some(128), None)
        );
        let text = toml::to_string(&choices).expect("TOML");
        let read: Choices = toml::from_str(&text).expect("choices");
        assert_eq!(TestSettings::chosen(&model, &read), changed);
        let settings = changed.settings(&model);
        assert_eq!((settings.short_side, settings.flip), (None, true));
        assert_eq!(settings.normalisation, Some(NormalisationChoice::ImageNet.values()));
    }

    #[test]
    fn what_a_model_cannot_do_is_brought_to_what_it_can() {
        let model = embedded();
        let choices: Choices =
            toml::from_str("class_set = \"ade20k\"\nwindow = 3\nstride = 900\nshort_side = 99999").expect("choices");
        let chosen = TestSettings::chosen(&model, &choices);
        assert_eq!(
            (chosen.window, chosen.stride, chosen.short_side),
            (16, 16, MOST_SHORT_SIDE)
        );
        assert_eq!(chosen.class_set, None, "it has 150 classes");
        assert!(chosen.settings(&model).check(16).is_ok());
    }
}
