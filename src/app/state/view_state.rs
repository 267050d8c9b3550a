//! What a person has chosen to see: undone and redone, kept from picture to picture, restored at the next start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::labels::{ClassSet, color_blind_safe};

/// How the inside of a mask is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum Inside {
    /// One even colour.
    #[default]
    Fill,
    /// Stripes whose direction differs from class to class, for telling classes apart without their colours.
    Hatching,
    /// Nothing: only the outline shows the mask.
    Empty,
}

/// Where the colours of the classes come from, as long as a class has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum Palette {
    /// The data set's published colours.
    #[default]
    DataSet,
    /// Colours that stay apart for people who see fewer of them.
    ColorBlindSafe,
}

/// What comes first in the class list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum ClassOrder {
    /// The largest share of the picture.
    #[default]
    Share,
    /// The first name.
    Name,
}

/// How one class is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct ClassLook {
    pub(in crate::app) visible: bool,
    /// 0..=1, multiplied with the opacity of all masks.
    pub(in crate::app) opacity: f32,
    /// A colour of its own, sRGB.
    pub(in crate::app) color: Option<[u8; 3]>,
}

impl Default for ClassLook {
    fn default() -> Self {
        Self {
            visible: true,
            opacity: 1.0,
            color: None,
        }
    }
}

/// The whole of it. Small, cloned and compared once a frame by the undoer. Where the canvas looks is not part of it:
/// every turn of the wheel would be a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct ViewState {
    pub(in crate::app) masks: bool,
    /// Opacity of all masks, 0..=1.
    pub(in crate::app) opacity: f32,
    pub(in crate::app) inside: Inside,
    /// Width of the masks' outlines in points; 0 for none.
    pub(in crate::app) outline: f32,
    /// Whether unsure pixels are fainter than sure ones.
    pub(in crate::app) fade: bool,
    /// Pixels whose best class has a probability below this are not drawn, 0..=1.
    pub(in crate::app) threshold: f32,
    /// -1..=1, added to the photo.
    pub(in crate::app) brightness: f32,
    /// -1..=1; 0 leaves the photo as it is.
    pub(in crate::app) contrast: f32,
    pub(in crate::app) palette: Palette,
    pub(in crate::app) class_order: ClassOrder,
    /// Only classes that are in the picture are listed.
    pub(in crate::app) present_only: bool,
    pub(in crate::app) pixel_grid: bool,
    pub(in crate::app) patch_grid: bool,
    pub(in crate::app) minimap: bool,
    pub(in crate::app) magnifier: bool,
    /// The one class that is drawn, by name.
    pub(in crate::app) solo: Option<String>,
    /// By class name, so that they also hold for another model that knows the class; others are as the default.
    pub(in crate::app) classes: BTreeMap<String, ClassLook>,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            masks: true,
            opacity: 0.55,
            inside: Inside::Fill,
            outline: 0.0,
            fade: false,
            threshold: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            palette: Palette::DataSet,
            class_order: ClassOrder::Share,
            present_only: false,
            pixel_grid: true,
            patch_grid: false,
            minimap: true,
            magnifier: false,
            solo: None,
            classes: BTreeMap::new(),
        }
    }
}

impl ViewState {
    /// How a class is looked at.
    pub(in crate::app) fn class(&self, name: &str) -> ClassLook {
        self.classes.get(name).cloned().unwrap_or_default()
    }

    /// Changes how a class is looked at.
    pub(in crate::app) fn change_class(&mut self, name: &str, change: impl FnOnce(&mut ClassLook)) {
        let mut look = self.class(name);
        change(&mut look);
        // Only what differs from the default is kept, so that an undone change leaves no trace.
        if look == ClassLook::default() {
            self.classes.remove(name);
        } else {
            self.classes.insert(name.to_owned(), look);
        }
    }

    /// Whether a class is drawn.
    pub(in crate::app) fn draws(&self, name: &str) -> bool {
        match &self.solo {
            Some(solo) => solo == name,
            None => self.classes.get(name).is_none_or(|look| look.visible),
        }
    }

    /// Hides a class that is drawn, or draws one that is not. Ends solo: afterwards one sees what the boxes say.
    pub(in crate::app) fn toggle_class(&mut self, name: &str) {
        let drawn = self.draws(name);
        self.solo = None;
        self.change_class(name, |look| look.visible = !drawn);
    }

    /// Draws one class alone, or all again when it already was alone.
    pub(in crate::app) fn toggle_solo(&mut self, name: &str) {
        self.solo = match &self.solo {
            Some(solo) if solo == name => None,
            _ => Some(name.to_owned()),
        };
    }

    /// Shows or hides every class of `classes`.
    pub(in crate::app) fn set_all(&mut self, classes: &ClassSet, visible: impl Fn(usize) -> bool) {
        self.solo = None;
        for (id, class) in classes.classes.iter().enumerate() {
            self.change_class(&class.name, |look| look.visible = visible(id));
        }
    }

    /// sRGB colour of each class.
    pub(in crate::app) fn colors(&self, classes: &ClassSet) -> Vec<[u8; 3]> {
        let mut colors = match self.palette {
            Palette::DataSet => classes.classes.iter().map(|c| c.color).collect(),
            Palette::ColorBlindSafe => color_blind_safe(classes.len()),
        };
        for (color, class) in colors.iter_mut().zip(&classes.classes) {
            if let Some(own) = self.classes.get(&class.name).and_then(|look| look.color) {
                *color = own;
            }
        }
        colors
    }

    /// Opacity of each class, 0..=255; 0 where it is not drawn.
    pub(in crate::app) fn opacities(&self, classes: &ClassSet) -> Vec<u8> {
        let opacity = |name: &str| {
            let own = self.classes.get(name).map_or(1.0, |look| look.opacity);
            if self.draws(name) {
                (own.clamp(0.0, 1.0) * 255.0).round() as u8
            } else {
                0
            }
        };
        classes.classes.iter().map(|class| opacity(&class.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camvid() -> ClassSet {
        crate::datasets::classes_of("camvid").expect("a built-in set")
    }

    #[test]
    fn solo_wins_over_hidden_and_gives_back_what_was() {
        let mut view = ViewState::default();
        view.toggle_class("car");
        assert!(!view.draws("car") && view.draws("road"));
        view.toggle_solo("car");
        assert!(view.draws("car") && !view.draws("road"));
        assert_eq!(view.opacities(&camvid()).iter().filter(|o| **o > 0).count(), 1);
        view.toggle_solo("car");
        assert!(!view.draws("car") && view.draws("road"));
    }

    #[test]
    fn a_change_and_its_opposite_leave_no_trace() {
        let mut view = ViewState::default();
        view.set_all(&camvid(), |_| false);
        assert!(!view.draws("sky"));
        view.set_all(&camvid(), |_| true);
        assert_eq!(view, ViewState::default());
    }

    #[test]
    fn a_class_keeps_its_own_colour_in_every_palette() {
        let mut view = ViewState::default();
        view.change_class("sky", |look| look.color = Some([1, 2, 3]));
        for palette in [Palette::DataSet, Palette::ColorBlindSafe] {
            view.palette = palette;
            assert_eq!(view.colors(&camvid())[0], [1, 2, 3]);
        }
        assert_eq!(ViewState::default().colors(&camvid())[3], [128, 64, 128]);
    }

    #[test]
    fn unknown_and_missing_keys_do_no_harm() {
        let view: ViewState =
            toml::from_str("opacity = 0.25\nsomething = 1\n[classes.sky]\nvisible = false").expect("a view");
        assert!(!view.draws("sky") && view.opacity == 0.25 && view.masks);
    }
}
