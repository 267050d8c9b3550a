//! The image with its errors, and the ground truth beside it.

use std::sync::Arc;

use egui::{Align, Layout, Rect, RichText, Ui, UiBuilder, pos2, vec2};

use super::{Evaluate, ShownTruth};
use crate::app::canvas::{self, Camera, DrawSlot, Drawing, Scene};
use crate::app::gpu::{GpuLabels, Highlight, MaskStyle};
use crate::app::state::MaskFill;
use crate::app::theme::{Tokens, medium, radius, size};
use crate::app::workspaces::image_view::double_click;
use crate::app::workspaces::{Ctx, bare};
use crate::engine::ERROR_KINDS;
use crate::labels::ClassSet;

/// Colours of the kinds of errors; they mean the same in every theme.
const ERROR_COLORS: [[u8; 3]; 2] = [[255, 104, 92], [90, 150, 255]];

/// Opacity of errors.
const ERROR_OPACITY: f32 = 0.92;

/// Height of the titles over both canvases, and the distances around them, in points.
const HEADER: f32 = 32.0;
const MARGIN: f32 = 16.0;
const GAP: f32 = 8.0;

/// Height of the canvas from which there is room for cards and for the worst images, in points.
const ROOM_FOR_FACTS: f32 = 420.0;
const ROOM_FOR_WORST: f32 = 380.0;

impl Evaluate {
    /// Draws both canvases, and below them facts and the worst images; nothing without an image.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let area = ui.available_rect_before_wrap();
        ctx.set_canvas_area(Some(area));
        ui.painter().rect_filled(area, 0.0, Tokens::of(ui).canvas);
        let Some(document) = ctx.document() else { return };
        let photo = document.photo.id;
        let size = [document.photo.photo.width, document.photo.photo.height];
        let area = area.shrink(if area.width() < 600.0 { GAP } else { MARGIN });
        let shown = self.shown.as_ref().filter(|shown| shown.wanted.photo == photo);
        let classes = ctx.state.library.models.used().map(|model| &model.classes);
        let facts = shown.zip(classes).filter(|_| area.height() >= ROOM_FOR_FACTS);
        let below = if facts.is_some() {
            super::facts::HEIGHT + GAP
        } else {
            0.0
        };
        let has_worst = self.counted() > 1 && area.height() >= ROOM_FOR_WORST;
        let worst = if has_worst {
            super::worst::LEAST_HEIGHT + MARGIN
        } else {
            0.0
        };
        let room = Rect::from_min_size(area.min, area.size() - vec2(0.0, below + worst));
        let halves = halves(room, size, has_worst);
        let bottom = halves[1].bottom();
        if let Some((shown, classes)) = facts {
            let place = Rect::from_min_max(pos2(area.left(), bottom + GAP), area.max);
            super::facts::show(ui, place, &shown.confusion, classes);
        }
        self.both(ui, ctx, halves);
        if has_worst {
            let top = bottom + below + MARGIN;
            self.worst_strip(ui, Rect::from_min_max(pos2(area.left(), top), area.max), ctx);
        }
    }

    /// Draws errors or prediction, and the ground truth.
    fn both(&self, ui: &mut Ui, ctx: &Ctx, halves: [Rect; 2]) {
        let Some(document) = ctx.document() else { return };
        let (size, name) = (
            [document.photo.photo.width, document.photo.photo.height],
            document.photo.source.name(),
        );
        let shown = self
            .shown
            .as_ref()
            .filter(|shown| shown.wanted.photo == document.photo.id);
        let classes = ctx.state.library.models.used().map(|model| &model.classes);
        let left = match (self.prediction, shown) {
            (false, Some(shown)) => layer(ui, &shown.errors.texture, error_style(), ctx).map(|drawing| Drawing {
                tone: drawing.tone.under_errors(),
                ..drawing
            }),
            _ => {
                let masks = document.masks.as_ref();
                let (labels, classes) = masks.map(|masks| (&masks.labels, &masks.result.model.classes)).unzip();
                let style = classes.map_or_else(error_style, |classes| whole_style(classes, ctx));
                layer(ui, &labels.cloned(), style, ctx)
            }
        };
        let right = match (shown, classes) {
            (Some(shown), Some(classes)) => layer(ui, &shown.truth.texture, whole_style(classes, ctx), ctx),
            _ => ctx.drawing(ui, document, None),
        };
        let wrong = shown.filter(|_| !self.prediction && self.class.is_none());
        let wrong = wrong.and_then(|shown| shown.confusion.pixel_accuracy());
        let notes = [
            wrong.map_or_else(String::new, |right| format!("{:.1} % wrong", (1.0 - right) * 100.0)),
            String::new(),
        ];
        let titles = [self.left_title(shown, classes, ctx), self.right_title(&name, ctx)];
        let before = ctx.state.canvas.cursor;
        let mut camera = ctx.state.canvas.camera;
        let mut cursor = None;
        for (place, (area, drawing)) in halves.into_iter().zip([left, right]).enumerate() {
            let half = Half {
                place,
                area,
                title: &titles[place],
                note: &notes[place],
                size,
                drawing,
                linked: before,
            };
            let under = half.show(ui, &mut camera, ctx);
            cursor = cursor.or(under);
        }
        ctx.set_camera(camera);
        ctx.set_cursor(cursor);
    }

    fn left_title(&self, shown: Option<&ShownTruth>, classes: Option<&ClassSet>, ctx: &Ctx) -> String {
        let output = ctx.state.library.models.output_title().unwrap_or_default();
        if self.prediction || shown.is_none() {
            return format!("Prediction of {output}");
        }
        match self.class.zip(classes) {
            Some((class, classes)) => format!(
                "{}: red {}, blue {}",
                classes.label(class),
                ERROR_KINDS[0].to_lowercase(),
                ERROR_KINDS[1].to_lowercase()
            ),
            None => format!("Errors of {output}, in red"),
        }
    }

    fn right_title(&self, name: &str, ctx: &Ctx) -> String {
        let source = ctx.document().map(|document| &document.photo.source);
        let truth = source.and_then(|source| self.truths.files.get(source));
        match truth {
            Some(truth) => format!("Ground truth: {}", truth.name()),
            None if self.truths.asked.is_some() => "Looking for the ground truth".into(),
            None => format!("No ground truth found for {name}"),
        }
    }
}

/// The places of both canvases: side by side, or one below the other if they become larger so. With `low` they are no
/// higher than the image needs.
fn halves(area: Rect, [width, height]: [usize; 2], low: bool) -> [Rect; 2] {
    let (width, height) = (width as f32, height as f32);
    let side_by_side = low || area.width() * height > area.height() * width * 0.9;
    let (mut first, mut second) = match side_by_side {
        true => area.split_left_right_at_fraction(0.5),
        false => area.split_top_bottom_at_fraction(0.5),
    };
    match side_by_side {
        true => {
            first.max.x -= 0.5 * GAP;
            second.min.x += 0.5 * GAP;
        }
        false => {
            first.max.y -= 0.5 * GAP;
            second.min.y += 0.5 * GAP;
        }
    }
    if low {
        let needed = first.width() * height / width.max(1.0) + HEADER;
        let bottom = (area.top() + needed.max(120.0)).min(area.bottom());
        (first.max.y, second.max.y) = (bottom, bottom);
    }
    [first, second]
}

/// A canvas with its title.
struct Half<'a> {
    place: usize,
    area: Rect,
    title: &'a str,
    /// At the right end of the title.
    note: &'a str,
    /// Width and height of the image in pixels.
    size: [usize; 2],
    drawing: Option<Drawing>,
    /// The pixel under the cursor in either half.
    linked: Option<[usize; 2]>,
}

impl Half<'_> {
    /// Draws the canvas and its title. Returns the pixel under the cursor.
    fn show(self, ui: &mut Ui, camera: &mut Camera, ctx: &Ctx) -> Option<[usize; 2]> {
        let (header, area) = self.area.split_top_bottom_at_y(self.area.top() + HEADER);
        let corners = egui::CornerRadius {
            nw: radius::CARD,
            ne: radius::CARD,
            sw: 0,
            se: 0,
        };
        let tokens = Tokens::of(ui);
        ui.painter().rect_filled(header, corners, tokens.panel);
        let mut row = ui.new_child(UiBuilder::new().max_rect(header.shrink2(vec2(12.0, 2.0))));
        row.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !self.note.is_empty() {
                ui.label(RichText::new(self.note).size(size::SMALL).color(tokens.second));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(medium(self.title)).truncate())
                    .on_hover_text(self.title);
            });
        });
        let mut child = ui.new_child(UiBuilder::new().max_rect(area).id_salt(("half", self.place)));
        child.set_clip_rect(area.intersect(ui.clip_rect()));
        let nothing = |_| None::<Highlight>;
        let scene = Scene {
            place: DrawSlot::Pane(self.place),
            name: self.title,
            size: self.size,
            drawing: self.drawing,
            beside: None,
            highlight_at: &nothing,
            patches: None,
            pinned: self.linked,
            pixel_grid: ctx.state.view.pixel_grid,
            minimap: false,
            magnifier: ctx.state.view.magnifier,
            overlay: None,
            drag_moves: true,
            alt_is_taken: false,
        };
        let happened = canvas::show(&mut child, camera, scene);
        double_click(ctx, &happened);
        happened.cursor
    }
}

fn layer(ui: &Ui, labels: &Option<Arc<GpuLabels>>, style: MaskStyle, ctx: &Ctx) -> Option<Drawing> {
    let drawing = ctx.drawing(ui, ctx.document()?, None)?;
    // Drawn here even if masks are hidden in the other workspaces.
    let masks = labels.clone().map(|labels| (labels, style)).filter(|_| !bare(ui));
    Some(Drawing { masks, ..drawing })
}

/// The style for all classes in their colours, including those hidden in other workspaces.
fn whole_style(classes: &ClassSet, ctx: &Ctx) -> MaskStyle {
    let colors = ctx.state.view.colors(classes).into_iter();
    MaskStyle {
        palette: colors.map(|[r, g, b]| [r, g, b, u8::MAX]).collect(),
        opacity: ctx.state.view.opacity.max(0.5),
        outline: ctx.state.view.outline,
        repeats_after: ctx.state.view.palette.repeats_after(classes),
        ..error_style()
    }
}

/// The style for errors, which are shown even if classes are hidden.
fn error_style() -> MaskStyle {
    let palette = ERROR_COLORS.map(|[r, g, b]| [r, g, b, u8::MAX]);
    MaskStyle {
        palette: palette.to_vec(),
        opacity: ERROR_OPACITY,
        fill: MaskFill::default(),
        outline: 0.0,
        fade: false,
        threshold: 0.0,
        highlight: None,
        repeats_after: None,
    }
}
