//! Statistics of heads averaged over the open images, measured one image after another while nothing else runs.

use std::collections::VecDeque;

use super::Attention;
use crate::app::workspaces::Ctx;
use crate::engine::{
    Asked, HeadMeans, HeadStatistics, HeadsJob, HeadsOfImage, ImageSource, InferenceConfig, Job, NetworkPart, Output,
    Ticket,
};

/// What averaged statistics belong to.
#[derive(Clone, Debug, PartialEq)]
struct AverageKey {
    images: Vec<ImageSource>,
    model: u64,
    output: Output,
    settings: InferenceConfig,
}

/// The averages so far.
pub(super) struct Averaging {
    of: AverageKey,
    waiting: VecDeque<ImageSource>,
    /// The image that is being measured.
    under_way: Option<(Asked, ImageSource)>,
    encoder: HeadMeans,
    decoder: HeadMeans,
    /// Sum over the images of the distance of a head with uniform attention, in pixels.
    uniform: f64,
    /// Why images could not be measured.
    failures: Vec<String>,
}

impl Averaging {
    fn new(of: AverageKey) -> Self {
        Self {
            waiting: of.images.iter().cloned().collect(),
            of,
            under_way: None,
            encoder: HeadMeans::default(),
            decoder: HeadMeans::default(),
            uniform: 0.0,
            failures: Vec::new(),
        }
    }

    /// The means so far, and the mean distance in pixels of a head with uniform attention; `None` before the first
    /// image.
    pub(super) fn means(&self, part: NetworkPart) -> Option<(HeadStatistics, f64)> {
        let means = match part {
            NetworkPart::Encoder => &self.encoder,
            NetworkPart::Decoder => &self.decoder,
        };
        (means.count() > 0).then(|| (means.mean(), self.uniform / means.count() as f64))
    }

    /// Number of images that are done or have failed, and number of all images.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.encoder.count() + self.failures.len(), self.of.images.len())
    }

    /// Why images were left out.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    fn take(&mut self, ticket: &Ticket, figures: Option<Result<HeadsOfImage, String>>) {
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
    /// Requests the next image, if averages over all images are shown and nothing else runs.
    pub(super) fn update_averaging(&mut self, ctx: &Ctx) {
        if !self.show_figures || !self.over_all {
            return;
        }
        let state = ctx.state;
        let models = &state.library.models;
        let Some((model, settings)) = models.used().zip(state.run_settings()) else {
            return;
        };
        let of = AverageKey {
            images: state.library.images.sources().cloned().collect(),
            model: model.id,
            output: models.output(),
            settings: settings.plain(),
        };
        let averaging = self.averaging.take().filter(|averaging| averaging.of == of);
        let averaging = self.averaging.insert(averaging.unwrap_or_else(|| Averaging::new(of)));
        let busy = self.pending.is_some()
            || state.jobs.running.is_some()
            || state.canvas_content.opening.is_some()
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

    /// Withdraws the current request, so that other work goes first; its image is measured again later.
    pub(super) fn interrupt_averaging(&mut self) {
        if let Some(averaging) = &mut self.averaging
            && let Some((_, source)) = averaging.under_way.take()
        {
            averaging.waiting.push_front(source);
        }
    }

    /// Takes the statistics of an image. `None`, if it was stopped or withdrawn, puts the image back into the queue.
    pub(super) fn take_heads(&mut self, ticket: &Ticket, figures: Option<Result<HeadsOfImage, String>>) {
        if let Some(averaging) = &mut self.averaging {
            averaging.take(ticket, figures);
        }
    }
}
