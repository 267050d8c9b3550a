//! Which pass is looked into: asked for, taken and forgotten.

use std::sync::Arc;

use super::{Attention, Looking, same_look};
use crate::app::action::Request;
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Event, Inspection, Job, Look, Ticket};

impl Attention {
    /// Stops the look that is on its way, and forgets what was read; it is looked again when that is wanted.
    pub(super) fn stop_looking(&mut self, ctx: &Ctx) {
        self.looking = None;
        self.failed = None;
        self.wished.clear();
        if self.inspection.is_some() {
            ctx.request(Request::ForgetReading);
        }
        self.forget();
    }

    /// Stops the look on request; it is not looked again by itself.
    pub(super) fn cancel_look(&mut self) -> bool {
        let looking = self.looking.take();
        let was_looking = looking.is_some();
        if let Some(looking) = looking {
            self.failed = Some((looking.look, "Cancelled".into()));
        }
        was_looking
    }

    /// What the workspace is about now: nothing while another picture or model is on its way, whose turn it is.
    fn wanted_look(&self, ctx: &Ctx) -> Option<Look> {
        let (state, models) = (ctx.state, &ctx.state.library.models);
        let settled = state.shows_wanted() && !models.is_loading();
        Some(Look {
            photo: ctx.document().filter(|_| settled)?.photo.clone(),
            model: models.used()?.id,
            output: models.output(),
            settings: state.run_settings()?.plain(),
            region: self.region,
        })
    }

    /// Asks for what the workspace needs and has not.
    pub(super) fn update_look(&mut self, ctx: &Ctx) {
        let Some(look) = self.wanted_look(ctx) else {
            return self.stop_looking(ctx);
        };
        let is_wanted = |other: Option<&Look>| other.is_some_and(|other| same_look(other, &look));
        let has = is_wanted(self.inspection.as_ref().map(|inspection| &inspection.look));
        let failed = is_wanted(self.failed.as_ref().map(|(look, _)| look));
        let on_its_way = is_wanted(self.looking.as_ref().map(|looking| &looking.look));
        if !has && self.inspection.is_some() || !on_its_way && self.looking.is_some() {
            // Of another picture, model or area: it would be read as if it were of this one.
            let keep = self.failed.take_if(|_| failed);
            self.stop_looking(ctx);
            self.failed = keep;
        }
        if !has && !failed && !on_its_way {
            let asked = Asked::new();
            ctx.actions().job(Job::LookInside {
                ticket: asked.ticket(),
                look: look.clone(),
            });
            self.looking = Some(Looking {
                asked,
                look,
                progress: None,
            });
            self.failed = None;
        }
        self.keep_possible();
        let prediction = ctx.document().and_then(|d| Some(d.result.as_ref()?.prediction.clone()));
        self.note_prediction(prediction);
        self.read_missing(ctx);
    }

    /// Has the reader answer what is missing.
    fn read_missing(&mut self, ctx: &Ctx) {
        let Some(inspection) = self.inspection.clone() else {
            return;
        };
        let mut missing = self.needed();
        missing.retain(|question| {
            !self.unanswerable.contains(question) && !self.answers.iter().any(|(known, _)| known == question)
        });
        if missing != self.wished {
            self.wished.clone_from(&missing);
            ctx.request(Request::Read {
                inspection,
                prediction: self.prediction.clone(),
                questions: missing,
            });
        }
    }

    /// Has the look that failed taken again.
    pub(super) fn look_again(&mut self) {
        self.failed = None;
    }

    /// Takes what the engine says of a look.
    pub(super) fn take_event(&mut self, event: &Event) {
        match event {
            Event::LookProgress { ticket, progress } => {
                if let Some(looking) = self.looking.as_mut().filter(|looking| looking.asked.is(ticket)) {
                    looking.progress = Some(*progress);
                }
            }
            Event::Inside { ticket, inspection } => self.take_inspection(ticket, inspection.clone()),
            Event::LookFailed { ticket, message } => {
                let failed = self.looking.take_if(|looking| looking.asked.is(ticket));
                if let (Some(looking), Some(message)) = (failed, message) {
                    self.failed = Some((looking.look, message.clone()));
                }
            }
            Event::HeadsMeasured { ticket, figures } => self.take_heads(ticket, figures.clone()),
            _ => {}
        }
    }

    fn take_inspection(&mut self, ticket: &Ticket, inspection: Arc<Inspection>) {
        if self.looking.take_if(|looking| looking.asked.is(ticket)).is_none() {
            return;
        }
        self.inspection = Some(inspection);
        self.answers.clear();
        self.unanswerable.clear();
        self.wished.clear();
        self.keep_possible();
    }
}
