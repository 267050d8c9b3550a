//! The panes in the middle of the window.

use std::sync::Arc;

use egui::{Align, Button, CornerRadius, Label, Layout, Rect, RichText, Shape, Stroke, Ui, UiBuilder, vec2};

use super::comparing::common_classes;
use super::pane::{Content, Pane};
use super::{Compare, grid};
use crate::app::action::Action;
use crate::app::canvas::{self, Camera, CanvasResponse, DrawSlot, Drawing, Scene};
use crate::app::chrome::about;
use crate::app::command::Command;
use crate::app::gpu::Highlight;
use crate::app::theme::{Icon, Tokens, heading, medium, radius, size};
use crate::app::widgets::icon_button;
use crate::app::workspaces::Ctx;
use crate::app::workspaces::image_view::double_click;
use crate::engine::{ModelSource, OpenImage};
use crate::labels::Regions;

/// Height of a pane's title in points.
pub(super) const HEADER: f32 = 32.0;

/// Distance from the edges of the canvas, and length of the dashes of a free place, in points.
const MARGIN: f32 = 12.0;
const DASH: f32 = 4.0;

/// What the user asks of a pane.
pub(super) enum PaneAction {
    Refer(usize),
    Remove(usize),
    Open(ModelSource),
    TryAgain,
}

impl Compare {
    /// Draws the panes and the table.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.clone()) else {
            return;
        };
        if self.table && !self.panes.is_empty() {
            egui::Panel::bottom("comparison table")
                .exact_size(self.table_height(ui))
                .show(ui, |ui| self.comparison_table(ui, &photo, ctx));
        }
        let area = ui.available_rect_before_wrap();
        ctx.set_canvas_area(Some(area));
        ui.painter().rect_filled(area, 0.0, Tokens::of(ui).canvas);
        let before = ctx.state.canvas.cursor;
        let mut camera = ctx.state.canvas.camera;
        let mut cursor = None;
        let mut action = None;
        match self.panes.len() {
            0 => no_panes(ui, ctx),
            1.. if self.is_wipe() && self.has_two() => {
                cursor = self.wipe(ui, area, &photo, (&mut camera, &mut action), ctx);
            }
            count => {
                let size = vec2(photo.photo.width as f32, photo.photo.height as f32);
                let hovered_before = self.hovered.take();
                let cells = grid::cells(area.shrink(MARGIN), count, size, HEADER);
                if let Some(hole) = cells.hole {
                    self.invitation(ui, hole, ctx);
                }
                for (place, cell) in cells.panes.into_iter().enumerate() {
                    let linked = before.filter(|_| hovered_before.is_some_and(|hovered| hovered != place));
                    let under = self.pane(ui, (place, cell), (&photo, linked), (&mut camera, &mut action), ctx);
                    cursor = cursor.or(under);
                }
            }
        }
        ctx.set_camera(camera);
        // For the rings in the other panes, and for the class list.
        ctx.set_cursor(cursor);
        self.grant(action, ctx);
    }

    /// Draws a free place, which invites to add a pane.
    fn invitation(&mut self, ui: &mut Ui, place: Rect, ctx: &Ctx) {
        let tokens = Tokens::of(ui);
        let edge = Stroke::new(1.0, tokens.control);
        let corners = [
            place.left_top(),
            place.right_top(),
            place.right_bottom(),
            place.left_bottom(),
            place.left_top(),
        ];
        ui.painter().extend(Shape::dashed_line(&corners, edge, DASH, DASH));
        if place.height() < 110.0 || place.width() < 130.0 {
            return;
        }
        let height = 84.0;
        let middle = Rect::from_center_size(place.center(), vec2(place.width() - 24.0, height));
        let mut ui = ui.new_child(
            UiBuilder::new()
                .max_rect(middle)
                .layout(Layout::top_down(Align::Center)),
        );
        ui.label(heading("Compare with more"));
        ui.add(
            Label::new(
                RichText::new("Drop a file here, or choose")
                    .size(size::SMALL)
                    .color(tokens.second),
            )
            .truncate(),
        );
        ui.add_space(4.0);
        let width = ui.available_width().min(240.0);
        ui.allocate_ui(vec2(width, 28.0), |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let menu = ui.menu_button("Model", |ui| self.add_menu(ui, ctx));
                menu.response.accessible_name("Add a model as a pane");
                ctx.titled_button(ui, "Truth", Command::AddGroundTruth);
                let sizes = ui.button("Patch sizes").accessible_name("Add the patch sizes as panes");
                if sizes.on_hover_text(Command::PatchSizes.explanation()).clicked() {
                    ctx.perform(Command::PatchSizes);
                }
            });
        });
    }

    fn grant(&mut self, action: Option<PaneAction>, ctx: &Ctx) {
        match action {
            Some(PaneAction::Refer(place)) => self.refer_to(place),
            Some(PaneAction::Remove(place)) => self.remove(place),
            Some(PaneAction::Open(source)) => ctx.send(Action::OpenModels(vec![source])),
            Some(PaneAction::TryAgain) => self.keep_going(),
            None => {}
        }
    }

    /// Draws a pane with its title; `linked` is the pixel under the cursor in another pane. Returns the pixel under the
    /// cursor in this one.
    fn pane(
        &mut self,
        ui: &mut Ui,
        (place, cell): (usize, Rect),
        (photo, linked): (&OpenImage, Option<[usize; 2]>),
        (camera, action): (&mut Camera, &mut Option<PaneAction>),
        ctx: &Ctx,
    ) -> Option<[usize; 2]> {
        let (header, canvas) = cell.split_top_bottom_at_y(cell.top() + HEADER);
        self.pane_header(ui, place, header, action, ctx);
        let pane = self.panes.get(place)?;
        let state = self.pane_state(pane, photo, ctx);
        let name = format!("Pane {}: {}", place + 1, self.pane_title(pane, ctx));
        let (drawing, regions) = self.pane_drawing(ui, pane, ctx);
        let mut child = ui.new_child(UiBuilder::new().max_rect(canvas).id_salt(("pane", pane.id)));
        child.set_clip_rect(canvas.intersect(ui.clip_rect()));
        let shown = PaneContent {
            place: DrawSlot::Pane(place),
            name: &name,
            photo,
            drawing,
            regions,
            beside: None,
            linked,
        };
        let happened = self.show_pane(&mut child, place, shown, camera, ctx);
        self.pane_message(&mut child, place, canvas, state, action);
        happened.response.context_menu(|ui| {
            ui.set_min_width(180.0);
            if ui.button("Compare with this").clicked() {
                *action = Some(PaneAction::Refer(place));
            }
            if ui.button("Remove").clicked() {
                *action = Some(PaneAction::Remove(place));
            }
            ui.separator();
            for command in [Command::Fit, Command::ActualSize, Command::CopyView] {
                ctx.menu_item(ui, command);
            }
        });
        happened.cursor
    }

    /// Draws the image and masks of a pane, lets the user move them, and shows the class under the cursor.
    pub(super) fn show_pane(
        &mut self,
        ui: &mut Ui,
        place: usize,
        shown: PaneContent,
        camera: &mut Camera,
        ctx: &Ctx,
    ) -> CanvasResponse {
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
            pixel_grid: ctx.state.view.pixel_grid,
            minimap: ctx.state.view.minimap && alone,
            magnifier: ctx.state.view.magnifier,
            overlay: None,
            drag_moves: true,
            alt_is_taken: false,
        };
        let happened = canvas::show(ui, camera, scene);
        if happened.cursor.is_some() {
            self.hovered = Some(place);
        }
        if let Some(pixel) = happened.cursor.or(shown.linked)
            && !alone
        {
            self.class_chip(ui, area, place, pixel, ctx);
        }
        double_click(ctx, &happened);
        happened
    }

    fn pane_header(&self, ui: &mut Ui, place: usize, header: Rect, action: &mut Option<PaneAction>, ctx: &Ctx) {
        let Some(pane) = self.panes.get(place) else {
            return;
        };
        let tokens = Tokens::of(ui);
        let is_reference = place == self.reference;
        let corners = CornerRadius {
            nw: radius::CARD,
            ne: radius::CARD,
            sw: 0,
            se: 0,
        };
        let fill = if is_reference { tokens.selection } else { tokens.panel };
        ui.painter().rect_filled(header, corners, fill);
        let title = self.pane_title(pane, ctx);
        let mut row = ui.new_child(
            UiBuilder::new()
                .max_rect(header.shrink2(vec2(6.0, 0.0)))
                .layout(Layout::right_to_left(Align::Center))
                .id_salt(("pane title", pane.id)),
        );
        row.set_clip_rect(header.intersect(ui.clip_rect()));
        let name = format!("Remove pane {}", place + 1);
        let close = icon_button(&mut row, Icon::X, &name, 24.0, false);
        if close.on_hover_text("Remove this pane").clicked() {
            *action = Some(PaneAction::Remove(place));
        }
        if let Some(text) = self.pane_note(pane).filter(|_| header.width() > 180.0) {
            row.weak(text);
        }
        row.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let button = ui.add(Button::new(medium(&title)).frame(false).truncate());
            let hint = self.pane_hint(pane, is_reference);
            if button
                .accessible_name(format!("Compare with pane {}: {title}", place + 1))
                .on_hover_text(hint)
                .clicked()
            {
                *action = Some(PaneAction::Refer(place));
            }
        });
    }

    /// The note in a pane's title: how far it agrees with the reference, or else how long it took.
    fn pane_note(&self, pane: &Pane) -> Option<String> {
        if self
            .panes
            .get(self.reference)
            .is_some_and(|reference| reference.id == pane.id)
            && self.has_two()
        {
            return Some("Reference".into());
        }
        if let Some(comparison) = self.with_reference(pane) {
            return Some(format!("{:.1} % agree", comparison.agreement.same * 100.0));
        }
        let both = |reference: &&Pane| reference.labelled.is_some() && pane.labelled.is_some();
        if let Some(reference) = self.panes.get(self.reference).filter(both)
            && common_classes(pane, reference).is_none()
        {
            return Some("Other classes".into());
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

    /// The title of a pane.
    pub(super) fn pane_title(&self, pane: &Pane, ctx: &Ctx) -> String {
        match &pane.content {
            Content::Photo => "Bare photo".into(),
            Content::Labels(file) => {
                let photo = ctx.document().map(|document| &document.photo.source);
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
                let models = &ctx.state.library.models;
                let name = match models.of_source(source) {
                    Some(model) => models.output_name(model, *decoder),
                    None => source.name(),
                };
                let scales = if *multi_scale { ", multi-scale" } else { "" };
                name + scales
            }
        }
    }

    /// The drawing of a pane, with the regions of the drawn masks. While V is held down, it is the drawing of the
    /// reference.
    pub(super) fn pane_drawing(&self, ui: &Ui, pane: &Pane, ctx: &Ctx) -> (Option<Drawing>, Option<Arc<Regions>>) {
        let Some(document) = ctx.document() else {
            return (None, None);
        };
        let reference = self.panes.get(self.reference);
        let blinks = Compare::blinks(ui);
        let pane = if blinks { reference.unwrap_or(pane) } else { pane };
        let is_reference = reference.is_some_and(|reference| reference.id == pane.id);
        let only_differences = self.differences && !is_reference && !blinks;
        let drawn = match only_differences {
            true => self.differing(pane),
            false => pane.labelled.as_ref().and_then(|labelled| {
                let texture = labelled.texture.as_ref()?;
                Some((texture, &labelled.labels.regions))
            }),
        };
        let is_of_photo = pane.labelled.as_ref().is_some_and(|l| l.photo == document.photo.id);
        let Some((texture, regions)) = drawn.filter(|_| is_of_photo) else {
            return (ctx.drawing(ui, document, None), None);
        };
        let masks = pane.classes().map(|classes| (texture.clone(), ctx.style(classes)));
        let mut drawing = ctx.drawing(ui, document, masks);
        if only_differences && let Some(drawing) = &mut drawing {
            // Differences are often a few pixels wide: over a colourful photo they would go unseen.
            drawing.tone = drawing.tone.under_errors();
        }
        (drawing, Some(regions.clone()))
    }
}

fn no_panes(ui: &mut Ui, ctx: &Ctx) {
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.3).min(200.0));
        ui.heading("Nothing to compare yet");
        ui.label("Add panes on the right, or start with one of these.");
        ui.add_space(10.0);
        for command in [
            Command::PatchSizes,
            Command::OpenModelFile,
            Command::AddLabelMap,
            Command::AddGroundTruth,
        ] {
            let button = ui.add_sized(vec2(220.0, 28.0), Button::new(command.title()));
            if button.on_hover_text(command.tooltip(ui)).clicked() {
                ctx.perform(command);
            }
        }
    });
}

/// What one canvas of the workspace shows.
pub(super) struct PaneContent<'a> {
    pub(super) place: DrawSlot,
    /// Its accessible name.
    pub(super) name: &'a str,
    pub(super) photo: &'a OpenImage,
    pub(super) drawing: Option<Drawing>,
    /// Regions of the masks under the cursor.
    pub(super) regions: Option<Arc<Regions>>,
    /// What is drawn to the right of a line at this fraction of the width.
    pub(super) beside: Option<(Drawing, f32)>,
    /// The pixel under the cursor in another pane.
    pub(super) linked: Option<[usize; 2]>,
}
