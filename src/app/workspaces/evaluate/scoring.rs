//! What is asked of the scoring thread, and what becomes of its answers.

use super::{Evaluate, Layer, Of, Scored, Shown, Wanted};
use crate::app::action::{Action, Request};
use crate::app::gpu::Upload;
use crate::app::state::ResultKey;
use crate::app::workspaces::{Ctx, Workspace as _};
use crate::engine::{
    Asked, Errors, Labelling, PhotoSource, ScoreAnswer, ScoreJob, ScoreRequest, ScoredPicture, Segmented, Ticket,
};
use crate::labels::Confusion;

/// The class set of the sample picture's label map.
const SAMPLE_SET: &str = "camvid";

/// Pictures that the thread has at once: few, so that what a person looks at is soon served.
const MOST_PENDING: usize = 2;

impl Evaluate {
    /// Once a frame: asks for what is missing.
    pub(super) fn ask(&mut self, ctx: &Ctx) {
        self.look_whose(ctx);
        if ctx.is_open(self.id()) {
            self.find_truths(ctx);
            self.want_errors(ctx);
        }
        self.hand_over(ctx);
    }

    /// Asks which pictures have ground truth, when they or the folder have changed.
    fn find_truths(&mut self, ctx: &Ctx) {
        let library = &ctx.state.library;
        let folder = &self.folder;
        let used = library.models.used();
        let knows_sample = used.is_some_and(|model| model.classes.name == SAMPLE_SET);
        let same = self.truths.of.as_ref().is_some_and(|(pictures, of, sample)| {
            of == folder && *sample == knows_sample && library.pictures.sources().eq(pictures.iter())
        });
        if same || self.truths.asked.is_some() {
            return;
        }
        let pictures: Vec<PhotoSource> = library.pictures.sources().cloned().collect();
        let asked = Asked::new();
        self.truths.of = Some((pictures.clone(), folder.clone(), knows_sample));
        ctx.request(Request::Score(ScoreRequest::Find {
            ticket: asked.ticket(),
            folder: folder.clone(),
            pictures,
            knows_sample,
        }));
        self.truths.asked = Some(asked);
    }

    /// Scores of another output, or of one that was run in another way, are forgotten.
    fn look_whose(&mut self, ctx: &Ctx) {
        let used = ctx.state.library.models.used();
        let of = used
            .zip(ctx.state.result_key(&PhotoSource::Sample))
            .map(|(model, key)| Of {
                key,
                reader: model.truth_reader(&ctx.state.truth),
            });
        if of != self.of {
            self.of = of;
            self.forget_scores();
            self.total = None;
            self.class = None;
            // Drawn and counted by the rules before.
            self.shown = None;
            self.told = None;
        }
    }

    /// Asks for the errors of the picture on the canvas.
    fn want_errors(&mut self, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        if self
            .shown
            .as_ref()
            .is_some_and(|shown| Some(shown.wanted.photo) != photo)
        {
            self.shown = None;
            self.told = None;
        }
        let Some((wanted, result)) = self.wanted_errors(ctx) else {
            return;
        };
        let is_shown = self.shown.as_ref().is_some_and(|shown| shown.wanted == wanted);
        let is_asked = self.asked.as_ref().is_some_and(|(_, asked)| *asked == wanted);
        if is_shown || is_asked {
            return;
        }
        let asked = Asked::new();
        ctx.request(Request::Score(ScoreRequest::Score {
            ticket: asked.ticket(),
            job: Box::new(ScoreJob {
                source: result.photo.source.clone(),
                labels: Labelling::from(&result),
                truth: wanted.truth.clone(),
                reader: wanted.reader.clone(),
                show: Some(wanted.errors),
            }),
        }));
        self.asked = Some((asked, wanted));
    }

    fn wanted_errors(&self, ctx: &Ctx) -> Option<(Wanted, Segmented)> {
        let document = ctx.document()?;
        let source = &document.photo.source;
        let key = ctx.state.result_key(source)?;
        let result = document.result.clone().filter(|_| document.has_result_of(&key))?;
        let truth = self.truths.files.get(source)?.clone();
        let wanted = Wanted {
            reader: result.model.truth_reader(&ctx.state.truth),
            key,
            photo: document.photo.id,
            errors: self.class.map_or(Errors::All, Errors::Class),
            truth,
        };
        Some((wanted, result))
    }

    /// Gives the thread as much as it is to have at once.
    fn hand_over(&mut self, ctx: &Ctx) {
        while self.pending.len() < MOST_PENDING
            && let Some((source, labels)) = self.waiting.pop_front()
        {
            // Else its result or its truth has gone meanwhile.
            if let Some(job) = self.score_job(&source, labels, ctx) {
                let asked = Asked::new();
                ctx.request(Request::Score(ScoreRequest::Score {
                    ticket: asked.ticket(),
                    job: Box::new(job),
                }));
                self.pending.insert(source, asked);
            }
        }
    }

    /// The job for a picture, with the kept result where there are no labels.
    fn score_job(&self, source: &PhotoSource, labels: Option<Labelling>, ctx: &Ctx) -> Option<ScoreJob> {
        let state = ctx.state;
        let kept = || {
            let key = state.result_key(source)?;
            state.library.results.peek(&key).map(Labelling::from)
        };
        Some(ScoreJob {
            source: source.clone(),
            labels: labels.or_else(kept)?,
            truth: self.truths.files.get(source)?.clone(),
            reader: state.library.models.used()?.truth_reader(&state.truth),
            show: None,
        })
    }

    /// Takes what the thread says.
    pub(super) fn take_answer(&mut self, answer: &ScoreAnswer, ctx: &Ctx) {
        match answer {
            ScoreAnswer::Found { ticket, truths } => {
                if self.truths.asked.take_if(|asked| asked.is(ticket)).is_none() {
                    return;
                }
                let Some((pictures, ..)) = &self.truths.of else { return };
                let found = pictures.iter().cloned().zip(truths.iter().cloned());
                self.truths.files = found.filter_map(|(source, file)| Some((source, file?))).collect();
                let known = &self.truths.files;
                let before = self.scored.len();
                self.scored.retain(|source, _| known.contains_key(source));
                if self.scored.len() < before {
                    self.add_up();
                }
            }
            ScoreAnswer::Scored {
                ticket,
                source,
                outcome,
            } => self.take_score(ticket, source, outcome.as_deref(), ctx),
        }
    }

    fn take_score(
        &mut self,
        ticket: &Ticket,
        source: &PhotoSource,
        outcome: Result<&ScoredPicture, &String>,
        ctx: &Ctx,
    ) {
        let is_pending = self.pending.get(source).is_some_and(|asked| asked.is(ticket));
        let wanted = self.asked.as_ref().filter(|(asked, _)| asked.is(ticket));
        let wanted = wanted.map(|(_, wanted)| wanted.clone());
        if is_pending {
            self.pending.remove(source);
        } else if wanted.is_none() {
            // Of another output, by other rules, or of a file that has changed since.
            return;
        }
        self.count(source, outcome);
        // After a failure what was asked for stays so: it is not asked again until something else is wanted.
        if let (Some(wanted), Ok(picture)) = (wanted, outcome) {
            self.asked = None;
            self.present_errors(wanted, picture, ctx);
        }
    }

    /// Counts a picture's scores; an earlier failure gives way.
    fn count(&mut self, source: &PhotoSource, outcome: Result<&ScoredPicture, &String>) {
        if self.scored.get(source).is_some_and(|scored| scored.failure.is_none()) {
            // Each picture counts once.
            return;
        }
        let scored = match outcome {
            Err(why) => Scored {
                mean_iou: None,
                cells: Vec::new(),
                unlabelled: 0,
                failure: Some(why.clone()),
            },
            Ok(picture) => {
                let confusion = &picture.confusion;
                let total = self.total.get_or_insert_with(|| Confusion::new(confusion.classes()));
                total.merge(confusion);
                Scored {
                    mean_iou: picture.mean_iou,
                    cells: confusion.cells().collect(),
                    unlabelled: confusion.unlabelled(),
                    failure: None,
                }
            }
        };
        self.scored.insert(source.clone(), scored);
        self.told = None;
    }

    fn present_errors(&mut self, wanted: Wanted, picture: &ScoredPicture, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        let Some(shown) = picture.shown.as_ref().filter(|_| Some(wanted.photo) == photo) else {
            return;
        };
        let before = self.shown.take();
        let same_truth =
            before.filter(|before| before.wanted.photo == wanted.photo && before.wanted.truth == wanted.truth);
        let layer = |labels: &Labelling, texture| {
            let upload = Asked::new();
            ctx.request(Request::Upload(Upload::Labels {
                id: wanted.photo,
                ticket: upload.ticket(),
                labels: labels.clone(),
            }));
            Layer { upload, texture }
        };
        let (truth, before) = match same_truth {
            // Only the errors are others; those before stay until they are there.
            Some(before) => (before.truth, before.errors.texture),
            None => (layer(&shown.truth, None), None),
        };
        self.shown = Some(Shown {
            errors: layer(&shown.map, before),
            truth,
            is_mask: picture.is_mask,
            confusion: picture.confusion.clone(),
            wanted,
        });
        self.told = None;
    }

    /// Scores every open picture that has ground truth: kept results at once, the others after a run.
    pub(super) fn score_all(&mut self, ctx: &Ctx) {
        let library = &ctx.state.library;
        let unscored: std::collections::HashSet<&PhotoSource> = self.unscored().collect();
        let unscored = library.pictures.sources().filter(|source| unscored.contains(source));
        let is_kept = |source: &&PhotoSource| {
            let key = ctx.state.result_key(source);
            key.is_some_and(|key| library.results.peek(&key).is_some())
        };
        let (kept, missing): (Vec<_>, Vec<_>) = unscored.partition(is_kept);
        let missing: Vec<PhotoSource> = missing.into_iter().cloned().collect();
        let kept: Vec<PhotoSource> = kept.into_iter().cloned().collect();
        self.waiting.extend(kept.into_iter().map(|source| (source, None)));
        if !missing.is_empty() {
            self.run = true;
            ctx.send(Action::SegmentPictures {
                pictures: missing,
                write: None,
                for_scores: true,
            });
        }
    }

    /// A picture of a run for scores has been segmented.
    pub(super) fn score_in_passing(&mut self, result: &Segmented, key: &ResultKey, ctx: &Ctx) {
        let source = &result.photo.source;
        let is_wanted = self.run && ctx.state.result_key(source).as_ref() == Some(key);
        if is_wanted && !self.pending.contains_key(source) {
            self.waiting.push_back((source.clone(), Some(Labelling::from(result))));
        }
    }
}
