//! What differs between two view states, in words: the name of an undo step.

use std::collections::BTreeSet;

use super::{MaskFill, ViewState};

impl ViewState {
    /// What has changed since `before`, such as "hide road"; `None` if nothing has.
    pub(in crate::app) fn change_since(&self, before: &Self) -> Option<String> {
        if self == before {
            return None;
        }
        let plain = [
            (
                self.palette != before.palette || self.own_palette != before.own_palette,
                "change of palette",
            ),
            (self.opacity != before.opacity, "change of opacity"),
            (self.outline != before.outline, "change of outlines"),
            (self.threshold != before.threshold, "change of least confidence"),
            (self.fade != before.fade, "fade of unsure pixels"),
            (self.brightness != before.brightness, "change of brightness"),
            (self.contrast != before.contrast, "change of contrast"),
            (self.class_order != before.class_order, "order of classes"),
            (self.present_only != before.present_only, "choice of listed classes"),
            (self.pixel_grid != before.pixel_grid, "pixel grid"),
            (self.patch_grid != before.patch_grid, "patch grid"),
            (self.minimap != before.minimap, "minimap"),
            (self.magnifier != before.magnifier, "magnifier"),
        ];
        let plain = plain.into_iter().filter(|(changed, _)| *changed);
        let mut changes: Vec<String> = plain.map(|(_, name)| name.to_owned()).collect();
        if self.masks != before.masks {
            changes.push(if self.masks { "show masks" } else { "hide masks" }.into());
        }
        if self.fill != before.fill {
            changes.push(
                match self.fill {
                    MaskFill::Fill => "filled masks",
                    MaskFill::Hatching => "hatched masks",
                    MaskFill::Empty => "outlines alone",
                }
                .into(),
            );
        }
        changes.extend(self.solo_change(before));
        changes.extend(self.class_change(before));
        match &changes[..] {
            [one] => Some(one.clone()),
            [] => Some("change of the view".into()),
            many => Some(format!("{} changes of the view", many.len())),
        }
    }

    fn solo_change(&self, before: &Self) -> Option<String> {
        if self.solo == before.solo {
            return None;
        }
        Some(match &self.solo {
            Some(class) => format!("solo {class}"),
            None => "end of solo".into(),
        })
    }

    fn class_change(&self, before: &Self) -> Option<String> {
        let names: BTreeSet<&String> = self.classes.keys().chain(before.classes.keys()).collect();
        let changed = names.into_iter().filter(|name| self.class(name) != before.class(name));
        let changed: Vec<&String> = changed.collect();
        match changed[..] {
            [] => None,
            [name] => {
                let (old, new) = (before.class(name), self.class(name));
                Some(match (old.visible, new.visible) {
                    (true, false) => format!("hide {name}"),
                    (false, true) => format!("show {name}"),
                    _ if old.color != new.color => format!("colour of {name}"),
                    _ => format!("opacity of {name}"),
                })
            }
            _ => {
                let hidden = changed.iter().all(|name| !self.class(name).visible);
                let shown = changed.iter().all(|name| self.class(name).visible);
                let count = changed.len();
                Some(match (hidden, shown) {
                    (true, _) => format!("hide {count} classes"),
                    (_, true) => format!("show {count} classes"),
                    _ => format!("change of {count} classes"),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Palette;

    #[test]
    fn changes_have_names() {
        let before = ViewState::default();
        let after = |change: fn(&mut ViewState)| {
            let mut view = before.clone();
            change(&mut view);
            view.change_since(&before)
        };
        let named = |text: &str| Some(text.to_owned());
        assert_eq!(after(|_| {}), None);
        assert_eq!(after(|view| view.toggle_class("road")), named("hide road"));
        assert_eq!(after(|view| view.toggle_solo("car")), named("solo car"));
        assert_eq!(
            after(|view| view.palette = Palette::DataSet),
            named("change of palette")
        );
        assert_eq!(after(|view| view.masks = false), named("hide masks"));
        let two = after(|view| {
            view.toggle_class("road");
            view.toggle_class("sky");
        });
        assert_eq!(two, named("hide 2 classes"));
        let colored = after(|view| view.change_class("sky", |style| style.color = Some([0; 3])));
        assert_eq!(colored, named("colour of sky"));
        let mixed = after(|view| {
            view.opacity = 0.1;
            view.toggle_solo("sky");
        });
        assert_eq!(mixed, named("2 changes of the view"));
    }
}
