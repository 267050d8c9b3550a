//! The panel of the workspace: which panes there are, how they are laid out, and the classes.

use egui::{Button, CollapsingHeader, ComboBox, Label, Layout, ScrollArea, Slider, Ui};

use super::pane::{Content, Pane};
use super::{Arrangement, MOST_PANES, output_of};
use crate::app::App;
use crate::app::command::Command;
use crate::app::inspector::Found;

/// Height in points that the class list gets at least; what does not fit then scrolls.
const LEAST_LIST: f32 = 160.0;

impl App {
    /// The inspector of the workspace.
    pub(in crate::app) fn compare_panel(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("compare").show(ui, |ui| {
            ui.add_space(4.0);
            ui.strong("Compare");
            self.arrangement(ui, asked);
            ui.separator();
            ui.horizontal(|ui| {
                ui.strong("Panes");
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.add_enabled_ui(self.compare.has_room(), |ui| {
                        let menu = ui.menu_button("Add", |ui| self.add_menu(ui, asked));
                        menu.response
                            .accessible_name("Add a pane")
                            .on_disabled_hover_text(format!("There are {MOST_PANES} panes already"));
                    });
                    let sizes = ui.add(Button::new("Patch sizes"));
                    if sizes.on_hover_text(Command::PatchSizes.explanation()).clicked() {
                        asked.push(Command::PatchSizes);
                    }
                });
            });
            self.pane_list(ui);
            ui.separator();
            ui.strong("Classes");
            self.compared_classes(ui);
        });
    }

    fn arrangement(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.horizontal(|ui| {
            let arrangements = [
                (
                    Arrangement::SideBySide,
                    "Side by side",
                    "All panes, moved and zoomed together",
                ),
                (
                    Arrangement::Wipe,
                    "Wipe",
                    "Two panes in one place, on both sides of a line (W)",
                ),
            ];
            for (arrangement, title, hint) in arrangements {
                ui.selectable_value(&mut self.compare.arrangement, arrangement, title)
                    .on_hover_text(hint);
            }
        });
        self.pane_choice(ui, "Reference", self.compare.reference, Self::refer_to_pane);
        if self.compare.is_wipe() {
            self.pane_choice(ui, "Right of the line", self.compare.other, Self::wipe_with_pane);
        }
        for (command, on) in [
            (Command::ToggleDifferences, self.compare.differences),
            (Command::ToggleTable, self.compare.table),
        ] {
            let mut shown = on;
            let toggle = ui.checkbox(&mut shown, command.title());
            if toggle.on_hover_text(command.tooltip(ui)).clicked() {
                asked.push(command);
            }
        }
        ui.horizontal(|ui| {
            let label = ui.label("Opacity");
            ui.spacing_mut().slider_width = (ui.available_width() - 20.0).max(60.0);
            ui.add(Slider::new(&mut self.view.opacity, 0.0..=1.0).show_value(false))
                .labelled_by(label.id);
        });
        ui.weak("Hold V to see the reference in every pane, B for the bare photo.");
    }

    fn refer_to_pane(&mut self, place: usize) {
        self.compare.refer_to(place);
    }

    fn wipe_with_pane(&mut self, place: usize) {
        self.compare.wipe_with(place);
    }

    fn pane_choice(&mut self, ui: &mut Ui, title: &str, place: usize, choose: fn(&mut Self, usize)) {
        let titles: Vec<String> = self.compare.panes.iter().map(|pane| self.pane_title(pane)).collect();
        let Some(shown) = titles.get(place).cloned() else {
            return;
        };
        ui.horizontal(|ui| {
            let label = ui.label(title);
            let list = ComboBox::from_id_salt(title)
                .selected_text(shown)
                .width((ui.available_width() - 8.0).max(80.0))
                .truncate();
            let list = list.show_ui(ui, |ui| {
                for (other, title) in titles.iter().enumerate() {
                    if ui.selectable_label(other == place, title).clicked() {
                        choose(self, other);
                    }
                }
            });
            list.response.labelled_by(label.id);
        });
    }

    fn pane_list(&mut self, ui: &mut Ui) {
        let mut removed = None;
        for (place, pane) in self.compare.panes.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                    let remove = ui.add(Button::new("Remove").small());
                    if remove
                        .accessible_name(format!("Remove from the list: pane {}", place + 1))
                        .clicked()
                    {
                        removed = Some(place);
                    }
                    ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| {
                        let title = format!("{}  {}", place + 1, self.pane_title(pane));
                        ui.add(Label::new(title).truncate());
                    });
                });
            });
        }
        if let Some(place) = removed {
            self.compare.remove(place);
        }
        if self.compare.panes.len() < 2 {
            ui.weak("Two or more can be compared: decoders, models, patch sizes, label maps.");
        }
    }

    /// Everything that a pane can be.
    fn add_menu(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.set_min_width(220.0);
        let mut added = None;
        let mut item = |ui: &mut Ui, title: String, content: Content, panes: &[Pane]| {
            let is_there = panes.iter().any(|pane| pane.content == content);
            if ui.add_enabled(!is_there, Button::new(title)).clicked() {
                added = Some(content);
                ui.close();
            }
        };
        let outputs: Vec<_> = self
            .main_outputs()
            .map(|(model, output)| (self.output_name(model, output.decoder), model.clone(), output))
            .collect();
        for (name, model, output) in &outputs {
            item(ui, name.clone(), output_of(model, *output, false), &self.compare.panes);
        }
        ui.menu_button("Multi-scale and flip", |ui| {
            for (name, model, output) in &outputs {
                item(ui, name.clone(), output_of(model, *output, true), &self.compare.panes);
            }
        });
        item(ui, "Photo".into(), Content::Photo, &self.compare.panes);
        ui.separator();
        for command in [
            Command::AddLabelMap,
            Command::AddGroundTruth,
            Command::OpenModelFolder,
            Command::OpenModelFile,
        ] {
            self.menu_item(ui, command, asked);
        }
        if let Some(content) = added {
            self.add_pane(content);
        }
    }

    /// The classes of the reference, which are shown and hidden in all panes.
    fn compared_classes(&mut self, ui: &mut Ui) {
        let place = self.compare.told_place();
        let classes = self.compare.panes.get(place).and_then(Pane::classes);
        let Some(classes) = classes.cloned() else {
            ui.weak("Nothing is segmented yet");
            return;
        };
        self.class_list.tools(ui, &mut self.view);
        let under_cursor = self.cursor.and_then(|[x, y]| {
            let pane = self.compare.panes.get(self.compare.hovered?)?;
            pane.labelled.as_ref()?.labels.map().get(x, y)
        });
        let labelled = self.compare.panes.get(place).and_then(|pane| pane.labelled.as_ref());
        let found = labelled.map(|labelled| Found {
            pixels: &labelled.labels.counts,
            regions: &labelled.labels.region_counts,
        });
        let rows = classes.len() as f32 * (ui.spacing().interact_size.y + ui.spacing().item_spacing.y);
        let height = ui.available_height().max(LEAST_LIST).min(rows.max(LEAST_LIST));
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            self.class_list.rows(ui, &mut self.view, &classes, found, under_cursor);
        });
        CollapsingHeader::new("IoU per class").show(ui, |ui| self.iou_per_class(ui, &classes));
    }
}
