//! Below the class list: the details of the selected class, or the controls of several.

use egui::{Button, Label, Layout, Ui};

use super::class_list::{ClassList, ClassShares, percent};
use crate::app::state::ViewState;
use crate::app::theme::medium;
use crate::app::widgets::percent_row;
use crate::labels::ClassSet;

impl ClassList {
    /// Draws the details of the selected class, and its controls.
    pub(in crate::app) fn details(
        &mut self,
        ui: &mut Ui,
        view: &mut ViewState,
        classes: &ClassSet,
        found: Option<ClassShares>,
    ) {
        let named = classes.classes.iter().enumerate();
        let selected: Vec<usize> = named
            .filter(|(_, class)| self.is_selected(&class.name))
            .map(|(id, _)| id)
            .collect();
        let id = match selected[..] {
            [] => return,
            [id] => id,
            _ => return several(ui, view, (classes, &selected), found),
        };
        let class = &classes.classes[id];
        ui.separator();
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let solo = view.solo.as_deref() == Some(&class.name);
                if ui.add(Button::selectable(solo, "Solo").small()).clicked() {
                    view.toggle_solo(&class.name);
                }
                let own_color = view.class(&class.name).color.is_some();
                if own_color && ui.small_button("Reset colour").clicked() {
                    view.change_class(&class.name, |style| style.color = None);
                }
                ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(Label::new(medium(&class.name)).truncate());
                });
            });
        });
        if let Some(found) = found {
            let regions = found.regions.get(id).copied().unwrap_or(0);
            let regions = if regions == 1 {
                "1 region".to_owned()
            } else {
                format!("{} regions", grouped(u64::from(regions)))
            };
            ui.label(format!(
                "{}, {} pixels, {regions}",
                percent(found.share(id)),
                grouped(found.pixels(id))
            ));
        }
        let mut opacity = view.class(&class.name).opacity * 100.0;
        ui.horizontal(|ui| {
            let label = ui.label("Opacity");
            let slider = egui::Slider::new(&mut opacity, 0.0..=100.0)
                .suffix(" %")
                .fixed_decimals(0);
            if ui.add(slider).labelled_by(label.id).changed() {
                view.change_class(&class.name, |style| style.opacity = opacity / 100.0);
            }
        });
    }
}

/// Draws the controls of several selected classes.
fn several(ui: &mut Ui, view: &mut ViewState, (classes, ids): (&ClassSet, &[usize]), found: Option<ClassShares>) {
    let names: Vec<&str> = ids.iter().map(|id| classes.classes[*id].name.as_str()).collect();
    ui.separator();
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
            for (title, shows) in [("Hide", false), ("Show", true)] {
                let name = format!("{title} the selected classes");
                if ui.small_button(title).accessible_name(name).clicked() {
                    for name in &names {
                        view.change_class(name, |style| style.visible = shows);
                    }
                }
            }
            ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(Label::new(medium(format!("{} classes selected", ids.len()))).truncate())
                    .on_hover_text(names.join(", "));
            });
        });
    });
    if let Some(found) = found {
        let share = ids.iter().map(|id| found.share(*id)).sum();
        let pixels = ids.iter().map(|id| found.pixels(*id)).sum();
        ui.label(format!("{}, {} pixels", percent(share), grouped(pixels)));
    }
    let mut opacity = names.iter().map(|name| view.class(name).opacity).fold(0.0, f32::max);
    let before = opacity;
    percent_row(
        ui,
        "Opacity",
        "Opacity of the selected classes",
        &mut opacity,
        0.0..=1.0,
    );
    if opacity != before {
        for name in &names {
            view.change_class(name, |style| style.opacity = opacity);
        }
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
