//! Figures of heads averaged over the open pictures: one picture after another, whenever nothing else is to be done.

use std::collections::VecDeque;

use crate::app::App;
use crate::app::workspace::Workspace;
use crate::engine::{HeadMeans, HeadStatistics, HeadsJob, HeadsOfPicture, Job, Output, Part, PhotoSource, Settings};

/// What figures belong to.
#[derive(Clone, Debug, PartialEq)]
struct Of {
    pictures: Vec<PhotoSource>,
    model: u64,
    output: Output,
    settings: Settings,
}

/// Figures so far.
pub(super) struct Averaging {
    of: Of,
    waiting: VecDeque<PhotoSource>,
    /// The picture that the worker is at, and the number of that request.
    under_way: Option<(u64, PhotoSource)>,
    encoder: HeadMeans,
    decoder: HeadMeans,
    /// Sum over the pictures, in pixels.
    uniform: f64,
    /// Why pictures could not be counted.
    failures: Vec<String>,
}

impl Averaging {
    fn new(of: Of) -> Self {
        Self {
            waiting: of.pictures.iter().cloned().collect(),
            of,
            under_way: None,
            encoder: HeadMeans::default(),
            decoder: HeadMeans::default(),
            uniform: 0.0,
            failures: Vec::new(),
        }
    }

    /// Means so far, and that of the distance of a head that looks everywhere alike; `None` before the first picture.
    pub(super) fn means(&self, part: Part) -> Option<(HeadStatistics, f64)> {
        let means = match part {
            Part::Encoder => &self.encoder,
            Part::Decoder => &self.decoder,
        };
        (means.count() > 0).then(|| (means.mean(), self.uniform / means.count() as f64))
    }

    /// Pictures that are done or have failed, and all of them.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.encoder.count() + self.failures.len(), self.of.pictures.len())
    }

    /// Why pictures are left out.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    fn take(&mut self, number: u64, figures: Option<Result<HeadsOfPicture, String>>) {
        let Some((_, source)) = self.under_way.take_if(|(asked, _)| *asked == number) else {
            return;
        };
        match figures {
            Some(Ok(figures)) => {
                self.encoder.add(&figures.encoder);
                self.decoder.add(&figures.decoder);
                self.uniform += figures.uniform;
            }
            Some(Err(why)) => self.failures.push(why),
            None => self.waiting.push_front(source),
        }
    }
}

impl App {
    /// Asks for the next picture, if figures over all pictures are wanted and nothing else is under way.
    pub(super) fn update_averaging(&mut self) {
        let attention = &self.attention;
        if self.workspace != Workspace::Attention || !attention.show_figures || !attention.over_all {
            return;
        }
        let wanted = self
            .model
            .as_ref()
            .zip(self.run_settings())
            .map(|(model, settings)| Of {
                pictures: self.pictures.sources().cloned().collect(),
                model: model.id,
                output: self.models.output(),
                settings: settings.plain(),
            });
        let Some(of) = wanted else { return };
        if self
            .attention
            .averaging
            .as_ref()
            .is_none_or(|averaging| averaging.of != of)
        {
            self.attention.averaging = Some(Averaging::new(of));
        }
        let busy = self.attention.looking.is_some()
            || self.running.is_some()
            || self.opening.is_some()
            || self.batch.is_some()
            || self.models.is_loading();
        let Some(averaging) = self
            .attention
            .averaging
            .as_ref()
            .filter(|a| !busy && a.under_way.is_none())
        else {
            return;
        };
        let (Some(source), of) = (averaging.waiting.front().cloned(), averaging.of.clone()) else {
            return;
        };
        let number = self.engine.next_measure();
        let job = Job::MeasureHeads(HeadsJob {
            number,
            source: source.clone(),
            model: of.model,
            output: of.output,
            settings: of.settings,
        });
        if self.send(job)
            && let Some(averaging) = &mut self.attention.averaging
        {
            averaging.waiting.pop_front();
            averaging.under_way = Some((number, source));
        }
    }

    /// Lets everything else go first; the picture under way is begun anew later.
    pub(in crate::app) fn interrupt_averaging(&mut self) {
        let averaging = self.attention.averaging.as_ref();
        if averaging.is_some_and(|averaging| averaging.under_way.is_some()) {
            self.engine.next_measure();
        }
    }

    /// Figures of a picture have come.
    pub(in crate::app) fn take_heads(&mut self, number: u64, figures: Option<Result<HeadsOfPicture, String>>) {
        if let Some(averaging) = &mut self.attention.averaging {
            averaging.take(number, figures);
        }
    }
}
