//! How far and how sharply each head looks, as points over the layers.

use egui::{ProgressBar, Ui};
use egui_plot::{HLine, Line, Plot, PlotPoints, Points};

use super::{Attention, Shown};
use crate::engine::{Answer, HeadStatistics, Part, Question};

/// Which figure is plotted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Figure {
    #[default]
    Distance,
    Entropy,
}

/// Receptive field in pixels of ResNet-50 after its first stage: 7 from the first convolution, 11 after the pooling,
/// and 8 more for each of three 3x3 convolutions at stride 4 (arXiv 1512.03385, table 1).
const RESNET_FIELD: f64 = 35.0;

/// Clicks this far from a point, as a share of the plot, are none.
const NEAR: f64 = 0.05;

impl Attention {
    /// The figures of the shown picture, and the distance of a head that looks everywhere alike.
    fn of_this_picture(&self) -> Option<(Part, HeadStatistics, f64)> {
        match self.answer(|q| matches!(q, Question::Figures(_)))? {
            (Question::Figures(part), Answer::Figures(figures, uniform)) => Some((*part, figures.clone(), *uniform)),
            _ => None,
        }
    }

    /// The means over all pictures so far, and how far that is.
    fn averaged(&self, ui: &mut Ui) -> Option<(Part, HeadStatistics, f64)> {
        let averaging = self.averaging.as_ref()?;
        let (done, all) = averaging.progress();
        if done < all {
            let bar = ProgressBar::new(done as f32 / all as f32).text(format!("{done} of {all}"));
            ui.add(bar).accessible_name("Progress over all pictures");
        } else {
            ui.weak(format!("Mean over {} pictures", all - averaging.failures().len()));
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

    /// The plot, of one of so many pictures or of all; a click on a point shows its head.
    pub(super) fn figures(&mut self, ui: &mut Ui, pictures: usize) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.figure, Figure::Distance, "Distance")
                .on_hover_text("Mean distance of what patches look at, in pixels of the picture that the network saw");
            ui.selectable_value(&mut self.figure, Figure::Entropy, "Entropy")
                .on_hover_text("1 where a head looks at all tokens alike, 0 where it looks at one");
        });
        if pictures > 1 {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut self.over_all, false, "This picture");
                ui.selectable_value(&mut self.over_all, true, format!("All {pictures} pictures"))
                    .on_hover_text(
                        "The mean over the open pictures; each is looked into once, while nothing else runs",
                    );
            });
        }
        let over_all = self.over_all && pictures > 1;
        let shown = match over_all {
            true => self.averaged(ui),
            false => self.of_this_picture(),
        };
        let Some((part, figures, uniform)) = shown else {
            ui.weak("Reading");
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
            if is_distance && part == Part::Encoder {
                plot.hline(HLine::new("Looking everywhere alike", uniform).color(weak));
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
            self.shown = Shown::Head(head);
        }
        if is_distance && part == Part::Encoder {
            ui.weak(format!(
                "Lines: {uniform:.0} px, looking everywhere alike; {RESNET_FIELD} px, what ResNet-50 sees after its first stage"
            ));
        }
    }
}

/// Layer, head and value of all heads.
fn points_of(values: &[Vec<f64>]) -> impl Iterator<Item = (usize, usize, f64)> {
    values
        .iter()
        .enumerate()
        .flat_map(|(layer, heads)| heads.iter().enumerate().map(move |(head, value)| (layer, head, *value)))
}

/// The head whose point is nearest to `at`, if it is near; `size` is that of the plot.
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
    fn a_click_takes_the_nearest_point_or_none() {
        let values = vec![vec![10.0, 40.0], vec![20.0, 22.0]];
        let size = [3.0, 50.0];
        assert_eq!(nearest(&values, [2.02, 22.3], size), Some((1, 1)));
        assert_eq!(nearest(&values, [1.0, 39.0], size), Some((0, 1)));
        assert_eq!(nearest(&values, [1.5, 30.0], size), None);
    }
}
