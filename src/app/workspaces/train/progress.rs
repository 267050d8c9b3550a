//! The progress of a training: loss and mean IoU over the steps, and the prediction for a validation image.

use std::time::Duration;

use egui::{ColorImage, ProgressBar, TextureHandle, TextureOptions, Ui};
use egui_plot::{Legend, Line, Plot, PlotPoints, Points};

use crate::app::chrome::time_left;
use crate::app::theme::CURVES;
use crate::engine::{TrainHistory, TrainPlan, TrainingNews};
use crate::photo::Photo;

/// Maximum number of drawn points of a curve; more steps are averaged.
const MAX_POINTS: usize = 400;

/// Maximum number of points of a curve with markers.
const MAX_MARKS: usize = 30;

/// Number of last steps whose mean time gives the time left.
const RECENT: usize = 20;

/// The curves and images of a training.
#[derive(Default)]
pub(super) struct Curves {
    title: String,
    /// Remarks about images and ground truth.
    remarks: Vec<String>,
    decoders: Vec<String>,
    at: usize,
    to: usize,
    /// Step and mean loss over the trained outputs.
    losses: Vec<[f64; 2]>,
    /// Step and mean IoU in percent, by decoder.
    mean_iou: Vec<Vec<[f64; 2]>>,
    times: Vec<(Duration, usize)>,
    best: Option<(usize, f64)>,
    /// The first validation image under each decoder's masks, on the GPU.
    images: Vec<TextureHandle>,
    /// The same images before they are on the GPU.
    photos: Vec<Photo>,
    /// Index of the decoder whose image is shown.
    chosen: usize,
}

impl Curves {
    /// The curves of an earlier training.
    pub(super) fn of_run(name: String, plan: &TrainPlan, history: &TrainHistory) -> Self {
        let mut curves = Self {
            title: name,
            decoders: plan.decoders.clone(),
            mean_iou: vec![Vec::new(); plan.decoders.len()],
            at: history.losses.last().map_or(0, |(step, _)| *step),
            to: plan.training.schedule.iterations,
            losses: history
                .losses
                .iter()
                .map(|(step, loss)| [*step as f64, *loss])
                .collect(),
            ..Self::default()
        };
        for (step, mean_iou) in &history.mean_iou {
            curves.add_scores(*step, mean_iou);
        }
        curves
    }

    /// Whether there is nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.to == 0
    }

    /// What is trained, once that is known.
    pub(super) fn title(&self) -> Option<&str> {
        (!self.title.is_empty()).then_some(self.title.as_str())
    }

    /// Handles news of a training.
    pub(super) fn take(&mut self, news: &TrainingNews) {
        match news {
            TrainingNews::Begun {
                remarks,
                title,
                device,
                images,
                decoders,
                from,
                to,
                history,
                best,
            } => {
                self.title = format!("{title} on {device}, {images} photos");
                self.remarks.clone_from(remarks);
                self.mean_iou = vec![Vec::new(); decoders.len()];
                self.decoders.clone_from(decoders);
                (self.at, self.to) = (*from, *to);
                let loss = |(step, loss): &(usize, f64)| [*step as f64, *loss];
                self.losses = history.losses.iter().map(loss).collect();
                for (step, mean_iou) in &history.mean_iou {
                    self.add_scores(*step, mean_iou);
                }
                self.best = best.map(|(step, iou)| (step, iou * 100.0));
            }
            TrainingNews::Step {
                iteration,
                losses,
                time,
                images,
            } => {
                self.at = *iteration;
                let mean = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
                self.losses.push([*iteration as f64, mean]);
                self.times.push((*time, *images));
                if self.times.len() > RECENT {
                    self.times.remove(0);
                }
            }
            TrainingNews::Validated {
                iteration,
                mean_iou,
                best,
                shown,
            } => {
                let known: Vec<f64> = mean_iou.iter().filter_map(|iou| iou.map(|iou| iou * 100.0)).collect();
                if *best && !known.is_empty() {
                    self.best = Some((*iteration, known.iter().sum::<f64>() / known.len() as f64));
                }
                self.add_scores(*iteration, mean_iou);
                self.photos.clone_from(shown);
            }
            TrainingNews::Ended(_) => {}
        }
    }

    /// Adds the scores of each decoder at a validation.
    fn add_scores(&mut self, step: usize, mean_iou: &[Option<f64>]) {
        for (curve, iou) in self.mean_iou.iter_mut().zip(mean_iou) {
            curve.extend(iou.map(|iou| [step as f64, iou * 100.0]));
        }
    }

    /// The text for the status bar.
    pub(super) fn status(&self) -> String {
        match self.to {
            0 => "Training: checking files".into(),
            to => format!("Training: step {} of {to}", self.at),
        }
    }

    fn left(&self) -> Option<(Duration, f64)> {
        let time: Duration = self.times.iter().map(|(time, _)| *time).sum();
        let images: usize = self.times.iter().map(|(_, images)| images).sum();
        let steps = self.times.len() as u32;
        (steps > 0).then(|| {
            let left = (time / steps).mul_f64(self.to.saturating_sub(self.at) as f64);
            (left, images as f64 / time.as_secs_f64().max(1e-9))
        })
    }

    pub(super) fn show(&mut self, ui: &mut Ui, running: bool) {
        if self.to == 0 {
            if running {
                ui.spinner();
                ui.label("Checking all files before the first step");
            }
            return;
        }
        ui.strong(&self.title);
        for remark in &self.remarks {
            ui.weak(remark);
        }
        let share = self.at as f32 / self.to as f32;
        ui.add(ProgressBar::new(share).text(format!("{} of {}", self.at, self.to)))
            .accessible_name("Progress of the training");
        if let Some((left, speed)) = self.left().filter(|_| running) {
            ui.weak(format!("{speed:.1} photos per second, {}", time_left(left)));
        }
        if let Some((step, iou)) = self.best {
            ui.label(format!("Best mean IoU so far: {iou:.1} % after step {step}"));
        }
        let loss = thinned(&self.losses);
        curve(ui, "Loss", vec![("Loss".to_owned(), loss)], self.at);
        if self.mean_iou.iter().any(|curve| !curve.is_empty()) {
            let curves = self.decoders.iter().cloned().zip(self.mean_iou.iter().cloned());
            curve(ui, "Mean IoU in percent", curves.collect(), self.at);
        }
        self.image(ui);
    }

    /// Uploads new images to the GPU.
    fn load_images(&mut self, ui: &Ui) {
        let texture = |(i, photo): (usize, Photo)| {
            let image = ColorImage::from_rgb([photo.width, photo.height], &photo.rgb);
            ui.load_texture(format!("training {i}"), image, TextureOptions::LINEAR)
        };
        if !self.photos.is_empty() {
            self.images = self.photos.drain(..).enumerate().map(texture).collect();
        }
    }

    fn image(&mut self, ui: &mut Ui) {
        self.load_images(ui);
        if self.images.len() > 1 {
            ui.horizontal_wrapped(|ui| {
                for (place, decoder) in self.decoders.iter().enumerate() {
                    ui.selectable_value(&mut self.chosen, place, decoder);
                }
            });
        }
        let Some(texture) = self.images.get(self.chosen).or(self.images.first()) else {
            return;
        };
        ui.label("First validation photo at the last validation");
        let size = texture.size_vec2();
        let scale = (ui.available_width() / size.x).min(1.0);
        ui.add(egui::Image::new((texture.id(), size * scale)).alt_text("First validation photo with its masks"));
    }
}

/// Draws curves over the steps up to `to`. Curves of few points have markers: a line through one point is invisible.
fn curve(ui: &mut Ui, title: &str, curves: Vec<(String, Vec<[f64; 2]>)>, to: usize) {
    ui.label(heading(title, &curves));
    let many = curves.len() > 1;
    let mut plot = Plot::new(title)
        .height(180.0)
        .show_background(false)
        .show_grid([false, true])
        .show_x(false)
        .show_y(false)
        .include_y(0.0)
        .include_y(top(&curves))
        .include_x(0.0)
        .include_x(to.max(1) as f64)
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_boxed_zoom(false);
    if many {
        plot = plot.legend(Legend::default());
    }
    plot.show(ui, |plot| {
        for ((name, points), color) in curves.into_iter().zip(CURVES.into_iter().cycle()) {
            if points.len() <= MAX_MARKS {
                plot.points(Points::new(name.clone(), points.clone()).color(color).radius(3.0));
            }
            plot.line(Line::new(name, PlotPoints::from(points)).color(color).width(1.5));
        }
    });
}

/// A title with the last value of each curve, for users who cannot see the curves.
fn heading(title: &str, curves: &[(String, Vec<[f64; 2]>)]) -> String {
    let many = curves.len() > 1;
    let ends = curves.iter().filter_map(|(name, points)| {
        let [step, value] = points.last()?;
        Some(match many {
            true => format!("{name} {value:.3} after step {step:.0}"),
            false => format!("{value:.3} after step {step:.0}"),
        })
    });
    let ends: Vec<String> = ends.collect();
    match ends.is_empty() {
        true => format!("{title}: none yet"),
        false => format!("{title}: {}", ends.join(", ")),
    }
}

/// The lowest upper end of the axis, so that the axis has a length even without points.
fn top(curves: &[(String, Vec<[f64; 2]>)]) -> f64 {
    let values = curves
        .iter()
        .flat_map(|(_, points)| points.iter().map(|[_, value]| *value));
    let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

/// Averages neighbouring points, so that at most [`MAX_POINTS`] are left.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let each = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |points: &[[f64; 2]]| {
        let count = points.len() as f64;
        [0, 1].map(|i| points.iter().map(|point| point[i]).sum::<f64>() / count)
    };
    points.chunks(each).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::*;

    fn begun(history: TrainHistory, best: Option<(usize, f64)>) -> TrainingNews {
        TrainingNews::Begun {
            remarks: Vec::new(),
            title: "Seg-T-Mask/16".into(),
            device: "CPU".into(),
            images: 2,
            decoders: vec!["mask".into(), "pup".into()],
            from: 3,
            to: 9,
            history,
            best,
        }
    }

    /// The page after this news.
    fn page(news: Vec<TrainingNews>) -> Harness<'static, Curves> {
        let mut news = Some(news);
        let mut harness = Harness::builder().with_size([500.0, 700.0]).build_ui_state(
            move |ui, curves: &mut Curves| {
                for news in news.take().unwrap_or_default() {
                    curves.take(&news);
                }
                curves.show(ui, true);
            },
            Curves::default(),
        );
        harness.run_steps(2);
        harness
    }

    #[test]
    fn a_resumed_training_shows_all_its_steps() {
        let history = TrainHistory {
            losses: vec![(1, 4.0), (2, 3.0), (3, 2.0)],
            mean_iou: vec![(2, vec![Some(0.25), None])],
        };
        let step = TrainingNews::Step {
            iteration: 4,
            losses: vec![1.0, 2.0],
            time: Duration::from_secs(1),
            images: 2,
        };
        let harness = page(vec![begun(history, Some((2, 0.25))), step]);
        let curves = harness.state();
        assert_eq!(curves.losses, [[1.0, 4.0], [2.0, 3.0], [3.0, 2.0], [4.0, 1.5]]);
        assert_eq!(curves.mean_iou, [vec![[2.0, 25.0]], Vec::new()]);
        harness.get_by_label("Loss: 1.500 after step 4");
        harness.get_by_label("Mean IoU in percent: mask 25.000 after step 2");
        harness.get_by_label("Best mean IoU so far: 25.0 % after step 2");
    }

    #[test]
    fn the_axis_has_a_length_without_points() {
        let harness = page(vec![begun(TrainHistory::default(), None)]);
        harness.get_by_label("Loss: none yet");
        let curve = |points: &[[f64; 2]]| [("Loss".to_owned(), points.to_vec())];
        assert_eq!(top(&curve(&[])), 1.0);
        assert_eq!(top(&curve(&[[1.0, 0.0]])), 1.0);
        assert_eq!(top(&curve(&[[1.0, f64::NAN], [2.0, 0.03]])), 0.03);
    }

    #[test]
    fn long_curves_are_averaged() {
        let points: Vec<[f64; 2]> = (0..1000).map(|i| [f64::from(i), f64::from(i % 2)]).collect();
        let few = thinned(&points);
        assert!(few.len() <= MAX_POINTS && few.len() > MAX_POINTS / 2, "{}", few.len());
        assert_eq!(few[0], [1.0, 1.0 / 3.0]);
        assert_eq!(thinned(&points[..3]), points[..3]);
    }
}
