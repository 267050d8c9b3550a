//! The image with its errors, and the ground truth beside it.

use std::sync::Arc;

use egui::{Rect, Ui, UiBuilder, vec2};

use super::{Evaluate, ShownTruth};
use crate::app::canvas::{self, Camera, DrawSlot, Drawing, Scene};
use crate::app::gpu::{GpuLabels, Highlight, MaskStyle};
use crate::app::state::MaskFill;
use crate::app::workspaces::image_view::double_click;
use crate::app::workspaces::{Ctx, bare};
use crate::engine::ERROR_KINDS;
use crate::labels::ClassSet;

/// Colours of the kinds of errors; they mean the same in every theme.
const ERROR_COLORS: [[u8; 3]; 2] = [[230, 60, 40], [40, 120, 240]];

/// Height of the titles over both canvases in points.
const HEADER: f32 = 22.0;

impl Evaluate {
    /// Draws both canvases; nothing without an image.
    pub(super) fn show(&self, ui: &mut Ui, ctx: &Ctx) {
        let area = ui.available_rect_before_wrap();
        ctx.set_canvas_area(Some(area));
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
            (false, Some(shown)) => layer(ui, &shown.errors.texture, error_style(ctx), ctx),
            _ => {
                let masks = document.masks.as_ref();
                let (labels, classes) = masks.map(|masks| (&masks.labels, &masks.result.model.classes)).unzip();
                let style = classes.map_or_else(|| error_style(ctx), |classes| whole_style(classes, ctx));
                layer(ui, &labels.cloned(), style, ctx)
            }
        };
        let right = match (shown, classes) {
            (Some(shown), Some(classes)) => layer(ui, &shown.truth.texture, whole_style(classes, ctx), ctx),
            _ => ctx.drawing(ui, document, None),
        };
        let titles = [self.left_title(shown, classes, ctx), self.right_title(&name, ctx)];
        let side_by_side = area.width() * size[1] as f32 > area.height() * size[0] as f32 * 0.9;
        let (first, second) = match side_by_side {
            true => area.split_left_right_at_fraction(0.5),
            false => area.split_top_bottom_at_fraction(0.5),
        };
        let halves = [first, second];
        let before = ctx.state.canvas.cursor;
        let mut camera = ctx.state.canvas.camera;
        let mut cursor = None;
        for (place, (area, drawing)) in halves.into_iter().zip([left, right]).enumerate() {
            let half = Half {
                place,
                area,
                title: &titles[place],
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

/// A canvas with its title.
struct Half<'a> {
    place: usize,
    area: Rect,
    title: &'a str,
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
        ui.painter().rect_filled(header, 0.0, ui.visuals().panel_fill);
        let mut row = ui.new_child(UiBuilder::new().max_rect(header.shrink2(vec2(6.0, 2.0))));
        row.add(egui::Label::new(self.title).truncate());
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
        ..error_style(ctx)
    }
}

/// The style for errors, which are shown even if classes are hidden.
fn error_style(ctx: &Ctx) -> MaskStyle {
    let palette = ERROR_COLORS.map(|[r, g, b]| [r, g, b, u8::MAX]);
    MaskStyle {
        palette: palette.to_vec(),
        opacity: ctx.state.view.opacity.max(0.5),
        fill: MaskFill::default(),
        outline: ctx.state.view.outline,
        fade: false,
        threshold: 0.0,
        highlight: None,
    }
}
