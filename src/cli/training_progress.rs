//! The progress output of `segscope train`.

use std::collections::VecDeque;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printing::err;
use crate::train::{Prepared, TrainEvent};

/// Number of recent steps whose mean loss and time are shown.
const MEAN_OVER: usize = 20;

/// Steps between lines where there is no terminal for a progress bar.
const LINE_EVERY: usize = 10;

/// A progress bar on a terminal, a line every few steps elsewhere.
pub(super) struct TrainingProgress {
    bar: ProgressBar,
    keys: Vec<String>,
    images_per_step: usize,
    total: usize,
    recent: VecDeque<(f64, Duration)>,
    best: String,
}

impl TrainingProgress {
    /// The progress after this number of steps.
    pub(super) fn new(prepared: &Prepared, steps: usize) -> Self {
        let training = &prepared.plan.training;
        let total = training.schedule.iterations;
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos} of {len}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_position(steps as u64);
        Self {
            bar,
            keys: prepared
                .spec
                .decoders
                .iter()
                .map(|decoder| decoder.key.clone())
                .collect(),
            images_per_step: training.batch_size * training.accumulate.max(1),
            total,
            recent: VecDeque::new(),
            best: String::new(),
        }
    }

    pub(super) fn tell(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::Step {
                iteration,
                losses,
                time,
                ..
            } => {
                let loss = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
                self.recent.push_back((loss, *time));
                if self.recent.len() > MEAN_OVER {
                    self.recent.pop_front();
                }
                let message = self.message(*iteration);
                self.bar.set_position(*iteration as u64);
                self.bar.set_message(message.clone());
                if self.bar.is_hidden() && iteration.is_multiple_of(LINE_EVERY) {
                    err!("step {iteration}: {message}");
                }
            }
            TrainEvent::Validated {
                iteration,
                scores,
                best,
                ..
            } => {
                let percent = |value: Option<f64>| value.map_or(0.0, |value| value * 100.0);
                let mut printing = Vec::new();
                for (key, scores) in self.keys.iter().zip(scores) {
                    let (iou, accuracy) = (scores.confusion.mean_iou(), scores.confusion.pixel_accuracy());
                    printing.push(format!("{key} {:.1}", percent(iou)));
                    self.say(&format!(
                        "step {iteration}: {key} mIoU {:.2}, pixel accuracy {:.2}{}",
                        percent(iou),
                        percent(accuracy),
                        if *best { ", the best so far" } else { "" }
                    ));
                }
                self.best = format!(", mIoU {}", printing.join(" "));
            }
        }
    }

    /// Loss, scores, speed and remaining time.
    fn message(&self, iteration: usize) -> String {
        let count = self.recent.len().max(1) as f64;
        let loss = self.recent.iter().map(|(loss, _)| loss).sum::<f64>() / count;
        let seconds = self.recent.iter().map(|(_, time)| time.as_secs_f64()).sum::<f64>() / count;
        let left = Duration::from_secs_f64(seconds * self.total.saturating_sub(iteration) as f64);
        format!(
            "loss {loss:.4}{}, {:.1} images per second, {} left",
            self.best,
            self.images_per_step as f64 / seconds.max(1e-9),
            indicatif::HumanDuration(left)
        )
    }

    fn say(&self, line: &str) {
        match self.bar.is_hidden() {
            true => err!("{line}"),
            false => self.bar.println(line),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
