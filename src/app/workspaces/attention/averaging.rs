//! Figures of heads averaged over the open pictures: one picture after another, whenever nothing else is to be done.

use std::collections::VecDeque;

use super::Attention;
use crate::app::workspaces::Ctx;
use crate::engine::{
    Asked, HeadMeans, HeadStatistics, HeadsJob, HeadsOfPicture, Job, Output, Part, PhotoSource, Settings, Ticket,
};

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
    /// The picture that the worker is at.
    under_way: Option<(Asked, PhotoSource)>,
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

    fn take(&mut self, ticket: &Ticket, figures: Option<Result<HeadsOfPicture, String>>) {
        let Some((_, source)) = self.under_way.take_if(|(asked, _)| asked.is(ticket)) else {
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

impl Attention {
    /// Asks for the next picture, if figures over all pictures are wanted and nothing else is under way.
    pub(super) fn update_averaging(&mut self, ctx: &Ctx) {
        if !self.show_figures || !self.over_all {
            return;
        }
        let state = ctx.state;
        let models = &state.library.models;
        let Some((model, settings)) = models.used().zip(state.run_settings()) else {
            return;
        };
        let of = Of {
            pictures: state.library.pictures.sources().cloned().collect(),
            model: model.id,
            output: models.output(),
            settings: settings.plain(),
        };
        let averaging = self.averaging.take().filter(|averaging| averaging.of == of);
        let averaging = self.averaging.insert(averaging.unwrap_or_else(|| Averaging::new(of)));
        let busy = self.looking.is_some()
            || state.jobs.running.is_some()
            || state.desk.opening.is_some()
            || state.jobs.batch.is_some()
            || models.is_loading();
        if busy || averaging.under_way.is_some() {
            return;
        }
        let Some(source) = averaging.waiting.pop_front() else {
            return;
        };
        let asked = Asked::new();
        ctx.actions().job(Job::MeasureHeads {
            ticket: asked.ticket(),
            job: HeadsJob {
                source: source.clone(),
                model: averaging.of.model,
                output: averaging.of.output,
                settings: averaging.of.settings.clone(),
            },
        });
        averaging.under_way = Some((asked, source));
    }

    /// Lets everything else go first; the picture under way is begun anew later.
    pub(super) fn interrupt_averaging(&mut self) {
        if let Some(averaging) = &mut self.averaging
            && let Some((_, source)) = averaging.under_way.take()
        {
            averaging.waiting.push_front(source);
        }
    }

    /// Figures of a picture have come.
    pub(super) fn take_heads(&mut self, ticket: &Ticket, figures: Option<Result<HeadsOfPicture, String>>) {
        if let Some(averaging) = &mut self.averaging {
            averaging.take(ticket, figures);
        }
    }
}
