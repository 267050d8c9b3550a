//! The class embeddings of a mask transformer as points in a plane.

use egui::Ui;
use egui_plot::{MarkerShape, Plot, PlotPoint, Points, Text};

use super::Attention;
use crate::app::theme::data_color;
use crate::engine::{ModelInfo, Token};

/// Maximum number of classes with names beside their points; more names would overlap.
const MAX_NAMES: usize = 30;

/// Largest distance of a click from the point that it selects, as a share of the plot.
const NEAR: f64 = 0.06;

impl Attention {
    /// Draws the plot. A click on a class makes it the query.
    pub(super) fn embedding(&mut self, ui: &mut Ui, model: &ModelInfo) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        if traced.class_plane.is_empty() {
            ui.weak("Only a mask transformer has class embeddings");
            return;
        }
        let points: Vec<[f64; 2]> = traced.class_plane.iter().map(|point| point.map(f64::from)).collect();
        let text = ui.visuals().text_color();
        let plot = Plot::new("class embeddings")
            .height(220.0)
            .show_axes(false)
            .data_aspect(1.0)
            .set_margin_fraction(egui::vec2(0.25, 0.15))
            .allow_scroll(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_boxed_zoom(false);
        let clicked = plot.show(ui, |plot| {
            for (class, (point, about)) in points.iter().zip(&model.classes.classes).enumerate() {
                let [r, g, b] = about.color;
                let chosen = self.token == Token::Class(class);
                let marker = Points::new(about.name.clone(), *point)
                    .shape(MarkerShape::Circle)
                    .radius(if chosen { 7.0 } else { 4.5 })
                    .color(data_color([r, g, b]));
                plot.points(marker);
                if points.len() <= MAX_NAMES {
                    let at = PlotPoint::new(point[0], point[1]);
                    let name = Text::new(about.name.clone(), at, about.name.clone());
                    plot.text(name.color(text).anchor(egui::Align2::CENTER_BOTTOM));
                }
            }
            let bounds = plot.plot_bounds();
            let at = plot.response().clicked().then(|| plot.pointer_coordinate()).flatten();
            at.map(|at| (at, [bounds.width(), bounds.height()]))
        });
        let Some((at, [width, height])) = clicked.inner else {
            return;
        };
        let off = |point: &[f64; 2]| ((point[0] - at.x) / width).hypot((point[1] - at.y) / height);
        let nearest = points
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| off(a).total_cmp(&off(b)));
        if let Some((class, _)) = nearest.filter(|(_, point)| off(point) <= NEAR) {
            self.token = Token::Class(class);
            self.go_to_stage(crate::engine::NetworkPart::Decoder);
            self.keep_possible();
        }
    }
}
