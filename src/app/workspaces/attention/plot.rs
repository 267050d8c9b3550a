//! Plot of how far and how sharply each head looks, over the layers.

use egui::{ProgressBar, Ui};
use egui_plot::{HLine, Line, Plot, PlotPoints, Points};

use super::{Attention, MapChoice};
use crate::engine::{HeadStatistics, NetworkPart, TraceAnswer, TraceQuestion};

/// The plotted statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Figure {
    #[default]
    Distance,
    Entropy,
}

/// Receptive field in pixels of ResNet-50 after its first stage: 7 from the first convolution, 11 after the pooling,
/// and 8 more for each of three 3x3 convolutions at stride 4 (arXiv 1512.03385, table 1).
const RESNET_FIELD: f64 = 35.0;

/// Largest distance of a click from the point that it selects, as a share of the plot.
const NEAR: f64 = 0.05;

impl Attention {
    /// The statistics of the shown image, and the distance in pixels of a head with uniform attention.
    fn of_this_image(&self) -> Option<(NetworkPart, HeadStatistics, f64)> {
        match self.answer(|q| matches!(q, TraceQuestion::Figures(_)))? {
            (TraceQuestion::Figures(part), TraceAnswer::Figures(figures, uniform)) => {
                Some((*part, figures.clone(), *uniform))
            }
            _ => None,
        }
    }

    /// The means over all images so far, with their progress drawn above.
    fn averaged(&self, ui: &mut Ui) -> Option<(NetworkPart, HeadStatistics, f64)> {
        let averaging = self.averaging.as_ref()?;
        let (done, all) = averaging.progress();
        if done < all {
            let bar = ProgressBar::new(done as f32 / all as f32).text(format!("{done} of {all}"));
            ui.add(bar).accessible_name("Progress over all photos");
        } else {
            ui.weak(format!("Mean over {} photos", all - averaging.failures().len()));
        }
        let failures = averaging.failures();
        if !failures.is_empty() {
            let text = format!("Left out: {}", failures.len());
            ui.colored_label(ui.visuals().warn_fg_color, text)
                .on_hover_text(failures.join("\n"));
        }
        let part = self.place.part;
        let (figures, uniform) = averaging.means(part)?;
        Some((part, figures, uniform))
    }

    /// Draws the plot for the shown image or for all `images`. A click on a point shows its head.
    pub(super) fn figures(&mut self, ui: &mut Ui, images: usize) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.figure, Figure::Distance, "Distance")
                .on_hover_text(
                    "Mean distance between a patch and what it looks at, in pixels of the photo as the network sees it",
                );
            ui.selectable_value(&mut self.figure, Figure::Entropy, "Entropy")
                .on_hover_text("1 if a head looks at all tokens equally, 0 if it looks at a single one");
        });
        if images > 1 {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut self.over_all, false, "This photo");
                ui.selectable_value(&mut self.over_all, true, format!("All {images} photos"))
                    .on_hover_text("Mean over the open photos; each is measured once, while nothing else runs");
            });
        }
        let over_all = self.over_all && images > 1;
        let shown = match over_all {
            true => self.averaged(ui),
            false => self.of_this_image(),
        };
        let Some((part, figures, uniform)) = shown else {
            ui.weak("Calculating");
            return;
        };
        let values = match self.figure {
            Figure::Distance => figures.distance,
            Figure::Entropy => figures.entropy,
        };
        let is_distance = self.figure == Figure::Distance;
        let color = ui.visuals().hyperlink_color;
        let weak = ui.visuals().weak_text_color();
        let plot = Plot::new("figures of heads")
            .height(190.0)
            .x_axis_label("Layer")
            .show_axes(true)
            .include_y(0.0)
            .include_x(0.5)
            .include_x(values.len() as f64 + 0.5)
            .allow_scroll(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_boxed_zoom(false);
        let clicked = plot.show(ui, |plot| {
            let points: Vec<[f64; 2]> = points_of(&values)
                .map(|(layer, _, value)| [layer as f64 + 1.0, value])
                .collect();
            plot.points(Points::new("Head", PlotPoints::from(points)).radius(2.5).color(color));
            let means = values.iter().enumerate().map(|(layer, heads)| {
                [
                    layer as f64 + 1.0,
                    heads.iter().sum::<f64>() / heads.len().max(1) as f64,
                ]
            });
            plot.line(Line::new("Mean of the heads", PlotPoints::from(means.collect::<Vec<_>>())).color(color));
            if is_distance && part == NetworkPart::Encoder {
                plot.hline(HLine::new("Uniform attention", uniform).color(weak));
                plot.hline(HLine::new("Receptive field of ResNet-50 after its first stage", RESNET_FIELD).color(weak));
            }
            let bounds = plot.plot_bounds();
            plot.response()
                .clicked()
                .then(|| plot.pointer_coordinate())
                .flatten()
                .map(|at| ([at.x, at.y], [bounds.width(), bounds.height()]))
        });
        if let Some((at, size)) = clicked.inner
            && let Some((layer, head)) = nearest(&values, at, size)
        {
            self.go_to_stage(part);
            self.place.layer = layer;
            self.shown = MapChoice::Head(head);
        }
        if is_distance && part == NetworkPart::Encoder {
            ui.weak(format!(
                "Lines: {uniform:.0} px, uniform attention; {RESNET_FIELD} px, receptive field of ResNet-50 after its \
                 first stage"
            ));
        }
    }
}

/// Layer, head and value of every head.
fn points_of(values: &[Vec<f64>]) -> impl Iterator<Item = (usize, usize, f64)> {
    values
        .iter()
        .enumerate()
        .flat_map(|(layer, heads)| heads.iter().enumerate().map(move |(head, value)| (layer, head, *value)))
}

/// The head whose point is nearest to `at`, if it is within [`NEAR`]; `size` is the size of the plot.
fn nearest(values: &[Vec<f64>], at: [f64; 2], size: [f64; 2]) -> Option<(usize, usize)> {
    let distance = |layer: usize, value: f64| {
        let (x, y) = ((layer as f64 + 1.0 - at[0]) / size[0], (value - at[1]) / size[1]);
        x.hypot(y)
    };
    let all = points_of(values).map(|(layer, head, value)| (distance(layer, value), layer, head));
    let (off, layer, head) = all.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (off <= NEAR).then_some((layer, head))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_click_chooses_the_nearest_point_within_reach() {
        let values = vec![vec![10.0, 40.0], vec![20.0, 22.0]];
        let size = [3.0, 50.0];
        assert_eq!(nearest(&values, [2.02, 22.3], size), Some((1, 1)));
        assert_eq!(nearest(&values, [1.0, 39.0], size), Some((0, 1)));
        assert_eq!(nearest(&values, [1.5, 30.0], size), None);
    }
}
