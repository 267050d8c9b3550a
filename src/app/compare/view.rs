//! The panes in the middle of the window.

use std::sync::Arc;

use egui::{Align, Button, Layout, Rect, Ui, UiBuilder, vec2};

use super::pane::{Content, Pane};
use super::{Compare, grid};
use crate::app::App;
use crate::app::canvas::{self, Drawing, Happened, Place, Scene};
use crate::app::command::Command;
use crate::app::gpu::Highlight;
use crate::app::models::about;
use crate::engine::{ModelSource, OpenPhoto};
use crate::labels::Regions;

/// Height of a pane's title in points.
pub(super) const HEADER: f32 = 24.0;

/// What a person asked of a pane.
pub(super) enum Wish {
    Refer(usize),
    Remove(usize),
    Open(ModelSource),
    TryAgain,
}

impl App {
    /// The workspace in the middle of the window; there is a picture.
    pub(in crate::app) fn compare_view(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let Some(photo) = self.document.as_ref().map(|document| document.photo.clone()) else {
            return;
        };
        if self.compare.table && !self.compare.panes.is_empty() {
            egui::Panel::bottom("comparison table")
                .exact_size(self.table_height(ui))
                .show(ui, |ui| self.comparison_table(ui, &photo));
        }
        let area = ui.available_rect_before_wrap();
        self.canvas = Some(area);
        let before = std::mem::take(&mut self.cursor);
        let mut wish = None;
        match self.compare.panes.len() {
            0 => self.no_panes(ui, asked),
            1.. if self.compare.is_wipe() && self.compare.has_two() => self.wipe(ui, area, &photo, (asked, &mut wish)),
            count => {
                let size = vec2(photo.photo.width as f32, photo.photo.height as f32);
                let hovered_before = self.compare.hovered.take();
                for (place, cell) in grid::cells(area, count, size, HEADER).into_iter().enumerate() {
                    let linked = before.filter(|_| hovered_before.is_some_and(|hovered| hovered != place));
                    self.pane(ui, place, cell, &photo, linked, (asked, &mut wish));
                }
            }
        }
        if self.cursor != before {
            // Rings in the other panes, and the class list.
            ui.ctx().request_repaint();
        }
        self.grant(wish);
    }

    fn grant(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::Refer(place)) => self.compare.refer_to(place),
            Some(Wish::Remove(place)) => self.compare.remove(place),
            Some(Wish::Open(source)) => self.open_models_in_turn([source]),
            Some(Wish::TryAgain) => self.compare.go_on(),
            None => {}
        }
    }

    fn no_panes(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.vertical_centered(|ui| {
            ui.add_space((ui.available_height() * 0.3).min(200.0));
            ui.heading("Nothing to compare yet");
            ui.label("Add panes on the right, or begin with one of these.");
            ui.add_space(10.0);
            for command in [
                Command::PatchSizes,
                Command::OpenModelFile,
                Command::AddLabelMap,
                Command::AddGroundTruth,
            ] {
                let button = ui.add_sized(vec2(220.0, 28.0), Button::new(command.title()));
                if button.on_hover_text(command.tooltip(ui)).clicked() {
                    asked.push(command);
                }
            }
        });
    }

    /// One pane with its title; `linked` is the pixel under the cursor in another pane.
    fn pane(
        &mut self,
        ui: &mut Ui,
        place: usize,
        cell: Rect,
        photo: &OpenPhoto,
        linked: Option<[usize; 2]>,
        (asked, wish): (&mut Vec<Command>, &mut Option<Wish>),
    ) {
        let (header, canvas) = cell.split_top_bottom_at_y(cell.top() + HEADER);
        self.pane_header(ui, place, header, wish);
        let Some(pane) = self.compare.panes.get(place) else {
            return;
        };
        let state = self.pane_state(pane, photo);
        let name = format!("Pane {}: {}", place + 1, self.pane_title(pane));
        let (drawing, regions) = self.pane_drawing(ui, pane);
        let mut child = ui.new_child(UiBuilder::new().max_rect(canvas).id_salt(("pane", pane.id)));
        child.set_clip_rect(canvas.intersect(ui.clip_rect()));
        let shown = Shown {
            place: Place::Pane(place),
            name: &name,
            photo,
            drawing,
            regions,
            beside: None,
            linked,
        };
        let happened = self.show_pane(&mut child, place, shown, asked);
        self.pane_message(&mut child, place, canvas, state, wish);
        happened.response.context_menu(|ui| {
            ui.set_min_width(180.0);
            if ui.button("Compare with this").clicked() {
                *wish = Some(Wish::Refer(place));
            }
            if ui.button("Remove").clicked() {
                *wish = Some(Wish::Remove(place));
            }
            ui.separator();
            for command in [Command::Fit, Command::ActualSize, Command::CopyView] {
                self.menu_item(ui, command, asked);
            }
        });
    }

    /// Draws the photo and masks of a pane, lets a person move them, and says what is under the cursor.
    pub(super) fn show_pane(&mut self, ui: &mut Ui, place: usize, shown: Shown, asked: &mut Vec<Command>) -> Happened {
        let area = ui.max_rect();
        let regions = shown.regions;
        let highlight_at = |pixel| Highlight::at(regions.as_deref()?, pixel);
        let alone = shown.beside.is_some();
        let scene = Scene {
            place: shown.place,
            name: shown.name,
            size: [shown.photo.photo.width, shown.photo.photo.height],
            drawing: shown.drawing,
            beside: shown.beside,
            highlight_at: &highlight_at,
            patches: None,
            pinned: shown.linked,
            pixel_grid: self.view.pixel_grid,
            minimap: self.view.minimap && alone,
            magnifier: self.view.magnifier,
            overlay: None,
            drag_moves: true,
        };
        let mut camera = self.camera;
        let happened = canvas::show(ui, &mut camera, scene);
        self.camera = camera;
        if happened.cursor.is_some() {
            self.cursor = happened.cursor;
            self.compare.hovered = Some(place);
        }
        if let Some(pixel) = happened.cursor.or(shown.linked)
            && !alone
        {
            self.class_chip(ui, area, place, pixel);
        }
        if happened.response.double_clicked() {
            asked.push(if self.camera.is_fit() {
                Command::ActualSize
            } else {
                Command::Fit
            });
        }
        happened
    }

    fn pane_header(&mut self, ui: &mut Ui, place: usize, header: Rect, wish: &mut Option<Wish>) {
        let Some(pane) = self.compare.panes.get(place) else {
            return;
        };
        ui.painter().rect_filled(header, 0.0, ui.visuals().panel_fill);
        let title = self.pane_title(pane);
        let is_reference = place == self.compare.reference;
        let mut row = ui.new_child(
            UiBuilder::new()
                .max_rect(header.shrink2(vec2(4.0, 0.0)))
                .layout(Layout::right_to_left(Align::Center))
                .id_salt(("pane title", pane.id)),
        );
        row.set_clip_rect(header.intersect(ui.clip_rect()));
        let close = row.add(Button::new("×").small().frame(false));
        if close
            .accessible_name(format!("Remove pane {}", place + 1))
            .on_hover_text("Remove this pane")
            .clicked()
        {
            *wish = Some(Wish::Remove(place));
        }
        if let Some(text) = self.pane_note(pane).filter(|_| header.width() > 240.0) {
            row.weak(text);
        }
        row.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let button = ui.add(Button::selectable(is_reference, title.as_str()).truncate());
            let hint = self.pane_hint(pane, is_reference);
            if button
                .accessible_name(format!("Compare with pane {}: {title}", place + 1))
                .on_hover_text(hint)
                .clicked()
            {
                *wish = Some(Wish::Refer(place));
            }
        });
    }

    /// How far a pane agrees with the reference, or how long it took.
    fn pane_note(&self, pane: &Pane) -> Option<String> {
        if let Some(comparison) = self.compare.with_reference(pane) {
            return Some(format!("{:.1} % agree", comparison.agreement.same * 100.0));
        }
        let result = pane.labelled.as_ref()?.result.as_ref()?;
        Some(format!("{:.2} s", result.prediction.timings.total().as_secs_f64()))
    }

    fn pane_hint(&self, pane: &Pane, is_reference: bool) -> String {
        let first = match is_reference {
            true => "The others are compared with this one.",
            false => "Click to compare the others with this one.",
        };
        let model = pane.labelled.as_ref().and_then(|labelled| labelled.model());
        match (model, &pane.content) {
            (Some(model), _) => format!("{first}\n{}", about(model)),
            (None, Content::Labels(file)) => format!("{first}\n{}", file.path.display()),
            _ => first.into(),
        }
    }

    /// What a pane is called.
    pub(super) fn pane_title(&self, pane: &Pane) -> String {
        match &pane.content {
            Content::Photo => "Photo".into(),
            Content::Labels(file) => {
                let photo = self.document.as_ref().map(|document| &document.photo.source);
                let path = photo.and_then(|photo| file.path_for(photo));
                let path = path.as_deref().unwrap_or(&file.path);
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                match file.truth.is_some() {
                    true => format!("Ground truth ({name})"),
                    false => name.into(),
                }
            }
            Content::Model {
                source,
                decoder,
                multi_scale,
            } => {
                let name = match self.model_from(source) {
                    Some(model) => self.output_name(model, *decoder),
                    None => source.name(),
                };
                let scales = if *multi_scale { ", multi-scale" } else { "" };
                name + scales
            }
        }
    }

    /// What to draw of a pane, with the regions of the masks that are drawn; while the key is held, the masks of the
    /// reference in its place.
    pub(super) fn pane_drawing(&self, ui: &Ui, pane: &Pane) -> (Option<Drawing>, Option<Arc<Regions>>) {
        let Some(document) = &self.document else {
            return (None, None);
        };
        let reference = self.compare.panes.get(self.compare.reference);
        let blinks = Compare::blinks(ui);
        let pane = if blinks { reference.unwrap_or(pane) } else { pane };
        let is_reference = reference.is_some_and(|reference| reference.id == pane.id);
        let drawn = match self.compare.differences && !is_reference && !blinks {
            true => self.compare.differing(pane),
            false => pane.labelled.as_ref().and_then(|labelled| {
                let texture = labelled.texture.as_ref()?;
                Some((texture, &labelled.labels.regions))
            }),
        };
        let is_of_photo = pane.labelled.as_ref().is_some_and(|l| l.photo == document.photo.id);
        let Some((texture, regions)) = drawn.filter(|_| is_of_photo) else {
            return (self.drawing_with(ui, document, None), None);
        };
        let masks = pane.classes().map(|classes| (texture.clone(), self.look(classes)));
        (self.drawing_with(ui, document, masks), Some(regions.clone()))
    }
}

/// What one canvas of the workspace shows.
pub(super) struct Shown<'a> {
    pub(super) place: Place,
    /// For screen readers.
    pub(super) name: &'a str,
    pub(super) photo: &'a OpenPhoto,
    pub(super) drawing: Option<Drawing>,
    /// Regions of the masks under the cursor.
    pub(super) regions: Option<Arc<Regions>>,
    /// What is drawn right of a line, at this fraction of the width.
    pub(super) beside: Option<(Drawing, f32)>,
    /// The pixel under the cursor in another pane.
    pub(super) linked: Option<[usize; 2]>,
}
