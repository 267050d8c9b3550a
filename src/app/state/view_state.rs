//! How masks and photos are shown: can be undone and redone, applies to all images, restored at the next start.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::palette::{OwnPalette, Palette, shared};
use crate::labels::ClassSet;

/// How the inside of a mask is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum MaskFill {
    /// A uniform colour.
    #[default]
    Fill,
    /// Stripes whose direction differs from class to class, which distinguishes classes without colour.
    Hatching,
    /// Nothing: only the outline shows the mask.
    Empty,
}

/// Order of the class list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::app) enum ClassOrder {
    /// By share of the image, largest first.
    #[default]
    Share,
    /// By name.
    Name,
}

/// How one class is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct ClassStyle {
    pub(in crate::app) visible: bool,
    /// 0..=1, multiplied with the opacity of all masks.
    pub(in crate::app) opacity: f32,
    /// sRGB colour in place of the palette's.
    pub(in crate::app) color: Option<[u8; 3]>,
}

impl Default for ClassStyle {
    fn default() -> Self {
        Self {
            visible: true,
            opacity: 1.0,
            color: None,
        }
    }
}

/// How masks and photos are shown. Small, because the undoer clones and compares it once a frame. The camera is not
/// part of it, because every turn of the wheel would be an undo step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct ViewState {
    pub(in crate::app) masks: bool,
    /// Opacity of all masks, 0..=1.
    pub(in crate::app) opacity: f32,
    #[serde(rename = "inside")]
    pub(in crate::app) fill: MaskFill,
    /// Width of the masks' outlines in points; 0 for none.
    pub(in crate::app) outline: f32,
    /// Whether pixels are fainter the lower their confidence is.
    pub(in crate::app) fade: bool,
    /// Pixels whose best class has a probability below this are not drawn, 0..=1.
    pub(in crate::app) threshold: f32,
    /// -1..=1, added to the photo.
    pub(in crate::app) brightness: f32,
    /// -1..=1; 0 leaves the photo unchanged.
    pub(in crate::app) contrast: f32,
    pub(in crate::app) palette: Palette,
    /// The palette that was read from a file, in use or not.
    #[serde(with = "shared", skip_serializing_if = "Option::is_none")]
    pub(in crate::app) own_palette: Option<Arc<OwnPalette>>,
    pub(in crate::app) class_order: ClassOrder,
    /// Whether only classes that are in the image are listed.
    pub(in crate::app) present_only: bool,
    pub(in crate::app) pixel_grid: bool,
    pub(in crate::app) patch_grid: bool,
    pub(in crate::app) minimap: bool,
    pub(in crate::app) magnifier: bool,
    /// Name of the only class that is drawn.
    pub(in crate::app) solo: Option<String>,
    /// Styles by class name, so that they also apply to other models with the class. Other classes have the default.
    pub(in crate::app) classes: BTreeMap<String, ClassStyle>,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            masks: true,
            opacity: 0.45,
            fill: MaskFill::Fill,
            outline: 1.5,
            fade: false,
            threshold: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            palette: Palette::Photo,
            own_palette: None,
            class_order: ClassOrder::Share,
            present_only: true,
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
    /// How a class is shown.
    pub(in crate::app) fn class(&self, name: &str) -> ClassStyle {
        self.classes.get(name).cloned().unwrap_or_default()
    }

    /// Changes how a class is shown.
    pub(in crate::app) fn change_class(&mut self, name: &str, change: impl FnOnce(&mut ClassStyle)) {
        let mut style = self.class(name);
        change(&mut style);
        // Only differences from the default are stored, so that an undone change leaves no trace.
        if style == ClassStyle::default() {
            self.classes.remove(name);
        } else {
            self.classes.insert(name.to_owned(), style);
        }
    }

    /// Whether a class is drawn.
    pub(in crate::app) fn draws(&self, name: &str) -> bool {
        match &self.solo {
            Some(solo) => solo == name,
            None => self.classes.get(name).is_none_or(|style| style.visible),
        }
    }

    /// Hides a class that is drawn, or draws one that is not. Ends solo, so that the check boxes match what is drawn.
    pub(in crate::app) fn toggle_class(&mut self, name: &str) {
        let drawn = self.draws(name);
        self.solo = None;
        self.change_class(name, |style| style.visible = !drawn);
    }

    /// Draws only one class, or all again if only this one was drawn.
    pub(in crate::app) fn toggle_solo(&mut self, name: &str) {
        self.solo = match &self.solo {
            Some(solo) if solo == name => None,
            _ => Some(name.to_owned()),
        };
    }

    /// Shows or hides every class of `classes`, by its id.
    pub(in crate::app) fn set_all(&mut self, classes: &ClassSet, visible: impl Fn(usize) -> bool) {
        self.solo = None;
        for (id, class) in classes.classes.iter().enumerate() {
            self.change_class(&class.name, |style| style.visible = visible(id));
        }
    }

    /// sRGB colour of each class in a palette. Classes that a palette from a file does not name have Segscope's.
    pub(in crate::app) fn palette_colors(&self, palette: Palette, classes: &ClassSet) -> Vec<[u8; 3]> {
        let mut colors = palette.colors(classes);
        if let (Palette::File, Some(own)) = (palette, &self.own_palette) {
            for (color, class) in colors.iter_mut().zip(&classes.classes) {
                *color = own.color_of(&class.name).unwrap_or(*color);
            }
        }
        colors
    }

    /// sRGB colour of each class: the user's own, or the palette's.
    pub(in crate::app) fn colors(&self, classes: &ClassSet) -> Vec<[u8; 3]> {
        let mut colors = self.palette_colors(self.palette, classes);
        for (color, class) in colors.iter_mut().zip(&classes.classes) {
            if let Some(own) = self.classes.get(&class.name).and_then(|style| style.color) {
                *color = own;
            }
        }
        colors
    }

    /// Opacity of each class, 0..=255; 0 where it is not drawn.
    pub(in crate::app) fn opacities(&self, classes: &ClassSet) -> Vec<u8> {
        let opacity = |name: &str| {
            let own = self.classes.get(name).map_or(1.0, |style| style.opacity);
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
    fn solo_overrides_hidden_and_restores_it() {
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
    fn undoing_a_change_leaves_no_trace() {
        let mut view = ViewState::default();
        view.set_all(&camvid(), |_| false);
        assert!(!view.draws("sky"));
        view.set_all(&camvid(), |_| true);
        assert_eq!(view, ViewState::default());
    }

    #[test]
    fn a_chosen_class_colour_applies_in_every_palette() {
        let mut view = ViewState::default();
        view.change_class("sky", |style| style.color = Some([1, 2, 3]));
        for palette in Palette::BUILT_IN {
            view.palette = palette;
            assert_eq!(view.colors(&camvid())[0], [1, 2, 3]);
        }
        let view = ViewState {
            palette: Palette::DataSet,
            ..ViewState::default()
        };
        assert_eq!(view.colors(&camvid())[3], [128, 64, 128]);
    }

    #[test]
    fn unknown_and_missing_keys_are_accepted() {
        let view: ViewState =
            toml::from_str("opacity = 0.25\nsomething = 1\n[classes.sky]\nvisible = false").expect("a view");
        assert!(!view.draws("sky") && view.opacity == 0.25 && view.masks);
    }
}
