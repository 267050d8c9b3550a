//! The picture with its errors, and the ground truth beside it.

use std::sync::Arc;

use egui::{Rect, Ui, UiBuilder, vec2};

use super::Shown;
use crate::app::App;
use crate::app::canvas::{self, Drawing, Place, Scene};
use crate::app::central::bare;
use crate::app::command::Command;
use crate::app::gpu::{GpuLabels, Highlight, Look};
use crate::engine::ERROR_KINDS;
use crate::labels::ClassSet;

/// Colours of the kinds of errors; they mean the same in every theme.
const ERROR_COLORS: [[u8; 3]; 2] = [[230, 60, 40], [40, 120, 240]];

/// Height of the titles over both canvases.
const HEADER: f32 = 22.0;

impl App {
    /// The workspace in the middle of the window; there is a picture.
    pub(in crate::app) fn evaluate_view(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        let area = ui.available_rect_before_wrap();
        self.canvas = Some(area);
        let Some(document) = &self.document else { return };
        let (size, name) = (
            [document.photo.photo.width, document.photo.photo.height],
            document.photo.source.name(),
        );
        let shown = self
            .evaluate
            .shown
            .as_ref()
            .filter(|shown| shown.wanted.photo == document.photo.id);
        let classes = self.model.as_ref().map(|model| &model.classes);
        let left = match (self.evaluate.prediction, shown) {
            (false, Some(shown)) => self.layer(ui, &shown.errors.texture, self.error_look()),
            _ => {
                let masks = document.masks.as_ref();
                let (labels, classes) = masks.map(|masks| (&masks.labels, &masks.result.model.classes)).unzip();
                let look = classes.map_or_else(|| self.error_look(), |classes| self.whole_look(classes));
                self.layer(ui, &labels.cloned(), look)
            }
        };
        let right = match (shown, classes) {
            (Some(shown), Some(classes)) => self.layer(ui, &shown.truth.texture, self.whole_look(classes)),
            _ => self.drawing_with(ui, document, None),
        };
        let titles = [self.left_title(shown, classes), self.right_title(&name)];
        let side_by_side = area.width() * size[1] as f32 > area.height() * size[0] as f32 * 0.9;
        let (first, second) = match side_by_side {
            true => area.split_left_right_at_fraction(0.5),
            false => area.split_top_bottom_at_fraction(0.5),
        };
        let halves = [first, second];
        let before = self.cursor.take();
        for (place, (half, drawing)) in halves.into_iter().zip([left, right]).enumerate() {
            self.half(ui, place, half, (&titles[place], size, drawing, before), asked);
        }
        if self.cursor != before {
            ui.ctx().request_repaint();
        }
    }

    /// A canvas with its title.
    fn half(
        &mut self,
        ui: &mut Ui,
        place: usize,
        half: Rect,
        (title, size, drawing, linked): (&str, [usize; 2], Option<Drawing>, Option<[usize; 2]>),
        asked: &mut Vec<Command>,
    ) {
        let (header, area) = half.split_top_bottom_at_y(half.top() + HEADER);
        ui.painter().rect_filled(header, 0.0, ui.visuals().panel_fill);
        let mut row = ui.new_child(UiBuilder::new().max_rect(header.shrink2(vec2(6.0, 2.0))));
        row.add(egui::Label::new(title).truncate());
        let mut child = ui.new_child(UiBuilder::new().max_rect(area).id_salt(("half", place)));
        child.set_clip_rect(area.intersect(ui.clip_rect()));
        let nothing = |_| None::<Highlight>;
        let scene = Scene {
            place: Place::Pane(place),
            name: title,
            size,
            drawing,
            beside: None,
            highlight_at: &nothing,
            patches: None,
            pinned: linked,
            pixel_grid: self.view.pixel_grid,
            minimap: false,
            magnifier: self.view.magnifier,
            overlay: None,
            drag_moves: true,
        };
        let mut camera = self.camera;
        let happened = canvas::show(&mut child, &mut camera, scene);
        self.camera = camera;
        self.cursor = self.cursor.or(happened.cursor);
        if happened.response.double_clicked() {
            asked.push(if self.camera.is_fit() {
                Command::ActualSize
            } else {
                Command::Fit
            });
        }
    }

    fn layer(&self, ui: &Ui, labels: &Option<Arc<GpuLabels>>, look: Look) -> Option<Drawing> {
        let drawing = self.drawing_with(ui, self.document.as_ref()?, None)?;
        // Whether masks are shown elsewhere does not matter here.
        let masks = labels.clone().map(|labels| (labels, look)).filter(|_| !bare(ui));
        Some(Drawing { masks, ..drawing })
    }

    /// All classes in their colours, whatever is hidden elsewhere.
    fn whole_look(&self, classes: &ClassSet) -> Look {
        let colors = self.view.colors(classes).into_iter();
        Look {
            palette: colors.map(|[r, g, b]| [r, g, b, u8::MAX]).collect(),
            ..self.error_look()
        }
    }

    /// Errors are shown whatever classes are hidden.
    fn error_look(&self) -> Look {
        let palette = ERROR_COLORS.map(|[r, g, b]| [r, g, b, u8::MAX]);
        Look {
            palette: palette.to_vec(),
            opacity: self.view.opacity.max(0.5),
            inside: crate::app::view_state::Inside::default(),
            outline: self.view.outline,
            fade: false,
            threshold: 0.0,
            highlight: None,
        }
    }

    fn left_title(&self, shown: Option<&Shown>, classes: Option<&ClassSet>) -> String {
        let output = self.output_title().unwrap_or_default();
        if self.evaluate.prediction || shown.is_none() {
            return format!("Prediction of {output}");
        }
        match self.evaluate.class.zip(classes) {
            Some((class, classes)) => format!(
                "{}: red {}, blue {}",
                classes.label(class),
                ERROR_KINDS[0].to_lowercase(),
                ERROR_KINDS[1].to_lowercase()
            ),
            None => format!("Errors of {output}, in red"),
        }
    }

    fn right_title(&self, name: &str) -> String {
        let source = self.document.as_ref().map(|document| &document.photo.source);
        let truth = source.and_then(|source| self.evaluate.truths.files.get(source));
        match truth {
            Some(truth) => format!("Ground truth: {}", truth.name()),
            None if self.evaluate.truths.asked.is_some() => "Looking for the ground truth".into(),
            None => format!("No ground truth found for {name}"),
        }
    }
}
