//! The panel of the workspace: the panes, their layout, and the classes.

use egui::{Align, Button, CollapsingHeader, Label, Layout, ScrollArea, Ui};

use super::choosing::output_of;
use super::pane::{Content, Pane};
use super::{Arrangement, Compare, MAX_PANES};
use crate::app::command::Command;
use crate::app::inspector::ClassShares;
use crate::app::theme::{Icon, heading};
use crate::app::widgets::{choice, icon_button, list_row, percent_row, section_head, section_line, tick};
use crate::app::workspaces::Ctx;

/// Minimum height of the class list in points; if the rest does not fit, the panel scrolls.
const MIN_LIST: f32 = 160.0;

impl Compare {
    /// Draws the panel.
    pub(super) fn panel(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ScrollArea::vertical().id_salt("compare").show(ui, |ui| {
            ui.add_space(4.0);
            section_head(ui, "View", "");
            self.arrangement(ui, ctx);
            section_line(ui);
            ui.horizontal(|ui| {
                ui.label(heading("Panes"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_enabled_ui(self.has_room(), |ui| {
                        let menu = ui.menu_button("Add", |ui| self.add_menu(ui, ctx));
                        menu.response
                            .accessible_name("Add a pane")
                            .on_disabled_hover_text(format!("Up to {MAX_PANES} panes can be compared"));
                    });
                    let sizes = ui.add(Button::new("Patch sizes"));
                    if sizes.on_hover_text(Command::PatchSizes.explanation()).clicked() {
                        ctx.perform(Command::PatchSizes);
                    }
                });
            });
            self.pane_list(ui, ctx);
            section_line(ui);
            self.compared_classes(ui, ctx);
        });
    }

    fn arrangement(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let arrangements = [
            (
                Arrangement::SideBySide,
                "Side by side",
                "All panes, moved and zoomed together",
            ),
            (
                Arrangement::Wipe,
                "Wipe",
                "Two panes in one place, on either side of a line (W)",
            ),
        ];
        choice(ui, &mut self.arrangement, &arrangements);
        self.pane_choice(ui, "Reference", self.reference, (Self::refer_to, ctx));
        if self.is_wipe() {
            self.pane_choice(ui, "Right side", self.other, (Self::wipe_with, ctx));
        }
        for (command, on) in [
            (Command::ToggleDifferences, self.differences),
            (Command::ToggleTable, self.table),
        ] {
            let mut shown = on;
            let toggle = tick(ui, &mut shown, command.title());
            if toggle.on_hover_text(command.tooltip(ui)).clicked() {
                ctx.perform(command);
            }
        }
        let mut view = (*ctx.state.view).clone();
        percent_row(ui, "Opacity", "Opacity of all masks", &mut view.opacity, 0.0..=1.0);
        ctx.set_view(ui, view);
        ui.weak("Hold V to see the reference in every pane, B for the bare photo.");
    }

    fn pane_choice(&mut self, ui: &mut Ui, title: &str, place: usize, (choose, ctx): (fn(&mut Self, usize), &Ctx)) {
        let titles: Vec<String> = self.panes.iter().map(|pane| self.pane_title(pane, ctx)).collect();
        let Some(shown) = titles.get(place).cloned() else {
            return;
        };
        list_row(ui, title, shown, |ui| {
            for (other, title) in titles.iter().enumerate() {
                if ui.selectable_label(other == place, title).clicked() {
                    choose(self, other);
                }
            }
        });
    }

    fn pane_list(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let mut removed = None;
        for (place, pane) in self.panes.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = format!("Remove from the list: pane {}", place + 1);
                    let remove = icon_button(ui, Icon::X, &name, 24.0, false);
                    if remove.on_hover_text("Remove this pane").clicked() {
                        removed = Some(place);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let title = format!("{}  {}", place + 1, self.pane_title(pane, ctx));
                        ui.add(Label::new(title).truncate());
                    });
                });
            });
        }
        if let Some(place) = removed {
            self.remove(place);
        }
        if self.panes.len() < 2 {
            ui.weak("Add at least two panes: decoders, models, patch sizes or label maps.");
        }
    }

    /// Draws the menu of everything that a pane can show.
    pub(super) fn add_menu(&mut self, ui: &mut Ui, ctx: &Ctx) {
        ui.set_min_width(220.0);
        let mut added = None;
        let mut item = |ui: &mut Ui, title: String, content: Content, panes: &[Pane]| {
            let is_there = panes.iter().any(|pane| pane.content == content);
            if ui.add_enabled(!is_there, Button::new(title)).clicked() {
                added = Some(content);
                ui.close();
            }
        };
        let models = &ctx.state.library.models;
        let outputs: Vec<_> = models
            .main_outputs()
            .map(|(model, output)| (models.output_name(model, output.decoder), model.clone(), output))
            .collect();
        for (name, model, output) in &outputs {
            item(ui, name.clone(), output_of(model, *output, false), &self.panes);
        }
        ui.menu_button("Test-time augmentation", |ui| {
            for (name, model, output) in &outputs {
                item(ui, name.clone(), output_of(model, *output, true), &self.panes);
            }
        });
        item(ui, "Bare photo".into(), Content::Photo, &self.panes);
        ui.separator();
        for command in [
            Command::AddLabelMap,
            Command::AddGroundTruth,
            Command::OpenModelFolder,
            Command::OpenModelFile,
        ] {
            ctx.menu_item(ui, command);
        }
        if let Some(content) = added {
            self.add_or_say(content, ctx);
        }
    }

    /// Draws the classes of the reference, which can be shown and hidden in all panes.
    fn compared_classes(&self, ui: &mut Ui, ctx: &Ctx) {
        let place = self.listed_place();
        let classes = self.panes.get(place).and_then(Pane::classes);
        let Some(classes) = classes.cloned() else {
            ui.weak("Nothing is segmented yet");
            return;
        };
        let mut view = (*ctx.state.view).clone();
        let mut list = ctx.state.class_list.clone();
        ui.horizontal(|ui| {
            ui.label(heading("Classes"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| list.tools(ui, &mut view));
        });
        let under_cursor = ctx.state.canvas.cursor.and_then(|[x, y]| {
            let pane = self.panes.get(self.hovered?)?;
            pane.labelled.as_ref()?.labels.map().get(x, y)
        });
        let labelled = self.panes.get(place).and_then(|pane| pane.labelled.as_ref());
        let found = labelled.map(|labelled| ClassShares {
            pixels: &labelled.labels.counts,
            regions: &labelled.labels.region_counts,
        });
        let rows = classes.len() as f32 * (ui.spacing().interact_size.y + ui.spacing().item_spacing.y);
        let height = ui.available_height().max(MIN_LIST).min(rows.max(MIN_LIST));
        ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            list.rows(ui, &mut view, &classes, found, under_cursor);
        });
        ctx.set_view(ui, view);
        ctx.set_class_list(list);
        CollapsingHeader::new("IoU per class").show(ui, |ui| self.iou_per_class(ui, &classes, ctx));
    }
}
