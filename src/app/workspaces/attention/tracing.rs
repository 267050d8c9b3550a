//! Requesting, receiving and forgetting traces.

use std::sync::Arc;

use super::{Attention, PendingTrace, same_request};
use crate::app::action::Request;
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Event, Job, Ticket, TraceRequest, TracedImage};

impl Attention {
    /// Withdraws the request and forgets what was read. A trace is requested again when it is needed.
    pub(super) fn stop_trace(&mut self, ctx: &Ctx) {
        self.pending = None;
        self.failed = None;
        self.requested.clear();
        if self.traced.is_some() {
            ctx.request(Request::ForgetReading);
        }
        self.forget();
    }

    /// Cancels the requested trace for the user; it is not requested again automatically.
    ///
    /// Returns whether there was one.
    pub(super) fn cancel_trace(&mut self) -> bool {
        let pending = self.pending.take();
        let was_tracing = pending.is_some();
        if let Some(pending) = pending {
            self.failed = Some((pending.request, "Cancelled".into()));
        }
        was_tracing
    }

    /// The trace that is needed now; `None` while another image or model is being opened, which goes first.
    fn wanted_request(&self, ctx: &Ctx) -> Option<TraceRequest> {
        let (state, models) = (ctx.state, &ctx.state.library.models);
        let settled = state.shows_wanted() && !models.is_loading();
        Some(TraceRequest {
            photo: ctx.document().filter(|_| settled)?.photo.clone(),
            model: models.used()?.id,
            output: models.output(),
            settings: state.run_settings()?.plain(),
            region: self.region,
        })
    }

    /// Requests the trace and the answers that are needed and missing.
    pub(super) fn update_trace(&mut self, ctx: &Ctx) {
        let Some(request) = self.wanted_request(ctx) else {
            return self.stop_trace(ctx);
        };
        let is_wanted = |other: Option<&TraceRequest>| other.is_some_and(|other| same_request(other, &request));
        let has = is_wanted(self.traced.as_ref().map(|traced| &traced.request));
        let failed = is_wanted(self.failed.as_ref().map(|(request, _)| request));
        let on_its_way = is_wanted(self.pending.as_ref().map(|pending| &pending.request));
        if !has && self.traced.is_some() || !on_its_way && self.pending.is_some() {
            // For another image, model or area; it would be read as if it were for this one.
            let keep = self.failed.take_if(|_| failed);
            self.stop_trace(ctx);
            self.failed = keep;
        }
        if !has && !failed && !on_its_way {
            let asked = Asked::new();
            ctx.actions().job(Job::TraceAttention {
                ticket: asked.ticket(),
                request: request.clone(),
            });
            self.pending = Some(PendingTrace {
                asked,
                request,
                progress: None,
            });
            self.failed = None;
        }
        self.keep_possible();
        let prediction = ctx.document().and_then(|d| Some(d.result.as_ref()?.prediction.clone()));
        self.note_prediction(prediction);
        self.read_missing(ctx);
    }

    /// Sends the reader the questions that are not answered yet.
    fn read_missing(&mut self, ctx: &Ctx) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let mut missing = self.needed();
        missing.retain(|question| {
            !self.unanswerable.contains(question) && !self.answers.iter().any(|(known, _)| known == question)
        });
        if missing != self.requested {
            self.requested.clone_from(&missing);
            ctx.request(Request::TraceReading {
                traced,
                prediction: self.prediction.clone(),
                questions: missing,
            });
        }
    }

    /// Requests the failed trace again.
    pub(super) fn trace_again(&mut self) {
        self.failed = None;
    }

    /// Handles an event of the engine.
    pub(super) fn take_event(&mut self, event: &Event) {
        match event {
            Event::TraceProgress { ticket, progress } => {
                if let Some(pending) = self.pending.as_mut().filter(|pending| pending.asked.is(ticket)) {
                    pending.progress = Some(*progress);
                }
            }
            Event::Traced { ticket, traced } => self.take_trace(ticket, traced.clone()),
            Event::TraceFailed { ticket, message } => {
                let failed = self.pending.take_if(|pending| pending.asked.is(ticket));
                if let (Some(pending), Some(message)) = (failed, message) {
                    self.failed = Some((pending.request, message.clone()));
                }
            }
            Event::HeadsMeasured { ticket, figures } => self.take_heads(ticket, figures.clone()),
            _ => {}
        }
    }

    fn take_trace(&mut self, ticket: &Ticket, traced: Arc<TracedImage>) {
        if self.pending.take_if(|pending| pending.asked.is(ticket)).is_none() {
            return;
        }
        self.traced = Some(traced);
        self.answers.clear();
        self.unanswerable.clear();
        self.requested.clear();
        self.keep_possible();
    }
}
