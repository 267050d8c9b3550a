//! What the model's tokens say of the photo: how similar each patch is to one, and the directions in which patches
//! differ most. Read from a pass of the encoder that is made when a tool first needs it.

use std::sync::Arc;

use crate::annotate::tools::PatchValues;
use crate::app::action::Request;
use crate::app::workspaces::{Ctx, News};
use crate::engine::{
    Asked, Event, Job, LayerId, NetworkPart, Region, Ticket, Token, TraceAnswer, TraceQuestion, TraceReading,
    TraceRequest, TracedImage,
};

/// What is known of the tokens of the photo on the canvas.
#[derive(Default)]
pub(super) struct Tokens {
    pending: Option<(Asked, TraceRequest)>,
    /// The last request if it failed, and why.
    failed: Option<(TraceRequest, String)>,
    traced: Option<Arc<TracedImage>>,
    /// What the reader was asked last.
    questions: Vec<TraceQuestion>,
    /// Similarity of all patches with one.
    similarity: Option<(usize, PatchValues)>,
    /// Three features of each patch, each 0..=1.
    features: Option<Vec<PatchValues>>,
}

impl Tokens {
    /// Asks for the pass, for the similarities with the patch at a pixel if there is one, and for the features if they
    /// are wanted.
    pub(super) fn want(&mut self, ctx: &Ctx, pixel: Option<[usize; 2]>, features: bool) {
        let Some(request) = wanted_request(ctx) else { return };
        if self
            .traced
            .as_ref()
            .is_some_and(|traced| !is_same(&traced.request, &request))
        {
            self.forget();
        }
        let is_wanted = |known: Option<&TraceRequest>| known.is_some_and(|known| is_same(known, &request));
        let pending = is_wanted(self.pending.as_ref().map(|(_, request)| request));
        let failed = is_wanted(self.failed.as_ref().map(|(request, _)| request));
        let Some(traced) = self.traced.clone() else {
            if !pending && !failed {
                let asked = Asked::new();
                ctx.actions().job(Job::TraceAttention {
                    ticket: asked.ticket(),
                    request: request.clone(),
                });
                self.pending = Some((asked, request));
            }
            return;
        };
        let Some(place) = last_layer(&traced) else { return };
        let mut questions = Vec::new();
        let patch = pixel.and_then(|pixel| patch_at(&traced, pixel));
        if let Some(patch) = patch.filter(|patch| self.similarity.as_ref().is_none_or(|(of, _)| of != patch)) {
            questions.push(TraceQuestion::Similarity(place, Token::Patch(patch)));
        }
        if features && self.features.is_none() {
            questions.push(TraceQuestion::Colours(place));
        }
        if questions != self.questions && !questions.is_empty() {
            self.questions.clone_from(&questions);
            ctx.request(Request::TraceReading {
                traced,
                prediction: None,
                questions,
            });
        }
    }

    /// Forgets the pass, which may take hundreds of megabytes.
    pub(super) fn forget(&mut self) {
        *self = Self {
            failed: self.failed.take(),
            ..Self::default()
        };
    }

    /// The similarities with the patch at a pixel, if they are known.
    pub(super) fn similarity(&self, pixel: [usize; 2]) -> Option<&PatchValues> {
        let patch = patch_at(self.traced.as_ref()?, pixel)?;
        let (_, values) = self.similarity.as_ref().filter(|(of, _)| *of == patch)?;
        Some(values)
    }

    /// Three features of each patch, if they are known.
    pub(super) fn features(&self) -> Option<&[PatchValues]> {
        self.features.as_deref()
    }

    /// Why there are none for the photo and the model in use.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.as_ref().map(|(_, message)| message.as_str())
    }

    /// Takes what has been computed.
    pub(super) fn take_news(&mut self, news: &News) {
        match news {
            News::Engine(Event::Traced { ticket, traced }) => self.take_trace(ticket, traced),
            News::Engine(Event::TraceFailed { ticket, message }) => {
                let failed = self.pending.take_if(|(asked, _)| asked.is(ticket));
                if let (Some((_, request)), Some(message)) = (failed, message) {
                    self.failed = Some((request, message.clone()));
                }
            }
            News::TraceReading(reading) => self.take_reading(reading),
            _ => {}
        }
    }

    fn take_trace(&mut self, ticket: &Ticket, traced: &Arc<TracedImage>) {
        if self.pending.take_if(|(asked, _)| asked.is(ticket)).is_some() {
            self.traced = Some(traced.clone());
            self.questions.clear();
        }
    }

    fn take_reading(&mut self, reading: &TraceReading) {
        let Some(traced) = self.traced.clone().filter(|traced| reading.is_of(traced, None)) else {
            return;
        };
        self.questions.clear();
        match (reading.question, &reading.answer) {
            (TraceQuestion::Similarity(place, Token::Patch(patch)), Some(TraceAnswer::Tokens(values))) => {
                let of_patches = values.get(traced.trace.patch_range(place.part)).map(<[f32]>::to_vec);
                self.similarity = of_patches
                    .and_then(|values| over_photo(&traced, values))
                    .map(|values| (patch, values));
            }
            (TraceQuestion::Colours(_), Some(TraceAnswer::Colours(colors))) => {
                let channel = |i: usize| over_photo(&traced, colors.iter().map(|color| color[i]).collect());
                self.features = (0..3).map(channel).collect();
            }
            _ => {}
        }
    }
}

/// The pass that is needed: of the whole photo, as the model in use sees it.
fn wanted_request(ctx: &Ctx) -> Option<TraceRequest> {
    let (state, models) = (ctx.state, &ctx.state.library.models);
    let settled = state.shows_wanted() && !models.is_loading();
    Some(TraceRequest {
        photo: ctx.document().filter(|_| settled)?.photo.clone(),
        model: models.used()?.id,
        output: models.output(),
        settings: state.run_settings()?.plain(),
        region: Region::Whole,
    })
}

fn is_same(a: &TraceRequest, b: &TraceRequest) -> bool {
    (a.photo.id, a.model, a.output) == (b.photo.id, b.model, b.output) && a.settings == b.settings
}

fn last_layer(traced: &TracedImage) -> Option<LayerId> {
    let part = NetworkPart::Encoder;
    let layer = traced.trace.layers(part).len().checked_sub(1)?;
    Some(LayerId { part, layer })
}

fn patch_at(traced: &TracedImage, [x, y]: [usize; 2]) -> Option<usize> {
    traced
        .frame
        .patch_at([x as f32 + 0.5, y as f32 + 0.5], traced.trace.grid)
}

/// A value of each patch, over the photo.
fn over_photo(traced: &TracedImage, values: Vec<f32>) -> Option<PatchValues> {
    let photo = &traced.request.photo.photo;
    let frame = traced.frame;
    let area = [frame.left, frame.top, frame.right, frame.bottom].map(f64::from);
    PatchValues::new(values, traced.trace.grid, [photo.width, photo.height], area)
}
