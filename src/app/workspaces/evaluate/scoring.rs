//! Requests to the scoring thread, and the handling of its answers.

use super::{Evaluate, OverlayLabels, ScoreKey, Scored, ShownTruth, Wanted};
use crate::app::action::{Action, Request};
use crate::app::gpu::Upload;
use crate::app::state::ResultKey;
use crate::app::workspaces::{Ctx, Workspace as _};
use crate::engine::{
    Asked, Errors, ImageSource, LabelLayer, ScoreAnswer, ScoreJob, ScoreRequest, ScoredImage, Segmented, Ticket,
};
use crate::labels::Confusion;

/// The class set of the sample image's label map.
const SAMPLE_SET: &str = "camvid";

/// Number of small images of errors that are kept when there are many, at 45 KiB each.
const MAX_THUMBNAILS: usize = 100;

/// Images sent to the thread at once: few, so that a request for the image on the canvas is answered soon.
const MAX_PENDING: usize = 2;

impl Evaluate {
    /// Requests what is missing; called once per frame.
    pub(super) fn ask(&mut self, ctx: &Ctx) {
        self.update_score_key(ctx);
        if ctx.is_open(self.id()) {
            self.find_truths(ctx);
            self.want_errors(ctx);
        }
        self.hand_over(ctx);
    }

    /// Searches for ground truth when the images or the folder have changed.
    fn find_truths(&mut self, ctx: &Ctx) {
        let library = &ctx.state.library;
        let folder = &self.folder;
        let used = library.models.used();
        let knows_sample = used.is_some_and(|model| model.classes.name == SAMPLE_SET);
        let same = self.truths.of.as_ref().is_some_and(|(images, of, sample)| {
            of == folder && *sample == knows_sample && library.images.sources().eq(images.iter())
        });
        if same || self.truths.asked.is_some() {
            return;
        }
        let images: Vec<ImageSource> = library.images.sources().cloned().collect();
        let asked = Asked::new();
        self.truths.of = Some((images.clone(), folder.clone(), knows_sample));
        ctx.request(Request::Score(ScoreRequest::Find {
            ticket: asked.ticket(),
            folder: folder.clone(),
            images,
            knows_sample,
        }));
        self.truths.asked = Some(asked);
    }

    /// Forgets the scores if the output, the way it is run or the rules for ground truth have changed.
    fn update_score_key(&mut self, ctx: &Ctx) {
        let used = ctx.state.library.models.used();
        let of = used
            .zip(ctx.state.result_key(&ImageSource::Sample))
            .map(|(model, key)| ScoreKey {
                key,
                reader: model.truth_reader(&ctx.state.truth),
            });
        if of != self.of {
            self.of = of;
            self.forget_scores();
            ctx.send(Action::ForgetScores);
            self.total = None;
            self.class = None;
            // Drawn and counted by the previous rules.
            self.shown = None;
            self.summary = None;
        }
    }

    /// Requests the errors of the image on the canvas.
    fn want_errors(&mut self, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        if self
            .shown
            .as_ref()
            .is_some_and(|shown| Some(shown.wanted.photo) != photo)
        {
            self.shown = None;
            self.summary = None;
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
                labels: LabelLayer::from(&result),
                truth: wanted.truth.clone(),
                reader: wanted.reader.clone(),
                show: Some(wanted.errors),
                photo: Some(result.photo.photo.clone()),
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

    /// Sends waiting images to the thread, up to [`MAX_PENDING`] at once.
    fn hand_over(&mut self, ctx: &Ctx) {
        while self.pending.len() < MAX_PENDING
            && let Some((source, result)) = self.waiting.pop_front()
        {
            // Otherwise its result or its ground truth is gone by now.
            if let Some(job) = self.score_job(&source, result, ctx) {
                let asked = Asked::new();
                ctx.request(Request::Score(ScoreRequest::Score {
                    ticket: asked.ticket(),
                    job: Box::new(job),
                }));
                self.pending.insert(source, asked);
            }
        }
    }

    /// The job for an image; without a result, it scores the cached one.
    fn score_job(&self, source: &ImageSource, result: Option<Segmented>, ctx: &Ctx) -> Option<ScoreJob> {
        let state = ctx.state;
        let kept = || {
            let key = state.result_key(source)?;
            state.library.results.peek(&key).cloned()
        };
        let result = result.or_else(kept)?;
        Some(ScoreJob {
            source: source.clone(),
            labels: LabelLayer::from(&result),
            photo: Some(result.photo.photo.clone()),
            truth: self.truths.files.get(source)?.clone(),
            reader: state.library.models.used()?.truth_reader(&state.truth),
            show: None,
        })
    }

    /// Handles an answer of the thread.
    pub(super) fn take_answer(&mut self, answer: &ScoreAnswer, ctx: &Ctx) {
        match answer {
            ScoreAnswer::Found { ticket, truths } => {
                if self.truths.asked.take_if(|asked| asked.is(ticket)).is_none() {
                    return;
                }
                let Some((images, ..)) = &self.truths.of else { return };
                let found = images.iter().cloned().zip(truths.iter().cloned());
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

    fn take_score(&mut self, ticket: &Ticket, source: &ImageSource, outcome: Result<&ScoredImage, &String>, ctx: &Ctx) {
        let is_pending = self.pending.get(source).is_some_and(|asked| asked.is(ticket));
        let wanted = self.asked.as_ref().filter(|(asked, _)| asked.is(ticket));
        let wanted = wanted.map(|(_, wanted)| wanted.clone());
        if is_pending {
            self.pending.remove(source);
        } else if wanted.is_none() {
            // For another output, by other rules, or for a file that has changed since.
            return;
        }
        self.count(source, outcome);
        ctx.send(Action::NoteScore(
            source.clone(),
            outcome.ok().and_then(|image| image.mean_iou),
        ));
        // After a failure the request stays in `asked`, so that it is not repeated until something else is requested.
        if let (Some(wanted), Ok(image)) = (wanted, outcome) {
            self.asked = None;
            self.present_errors(wanted, image, ctx);
        }
    }

    /// Adds the scores of an image; they replace an earlier failure.
    fn count(&mut self, source: &ImageSource, outcome: Result<&ScoredImage, &String>) {
        if self.scored.get(source).is_some_and(|scored| scored.failure.is_none()) {
            // Each image counts once.
            return;
        }
        let scored = match outcome {
            Err(why) => Scored {
                mean_iou: None,
                cells: Vec::new(),
                unlabelled: 0,
                errors: None,
                failure: Some(why.clone()),
            },
            Ok(image) => {
                let confusion = &image.confusion;
                let total = self.total.get_or_insert_with(|| Confusion::new(confusion.classes()));
                total.merge(confusion);
                Scored {
                    mean_iou: image.mean_iou,
                    cells: confusion.cells().collect(),
                    unlabelled: confusion.unlabelled(),
                    errors: image.thumbnail.clone(),
                    failure: None,
                }
            }
        };
        self.scored.insert(source.clone(), scored);
        self.keep_worst_thumbnails();
        self.summary = None;
    }

    /// Drops small images of errors beyond those that are shown, when there are many.
    fn keep_worst_thumbnails(&mut self) {
        let kept = self.scored.values().filter(|scored| scored.errors.is_some()).count();
        if kept <= 2 * MAX_THUMBNAILS {
            return;
        }
        let by_score = |scored: &Scored| scored.mean_iou.unwrap_or(f64::INFINITY);
        let mut scores: Vec<f64> = self.scored.values().map(by_score).collect();
        scores.sort_by(f64::total_cmp);
        let limit = scores.get(MAX_THUMBNAILS).copied().unwrap_or(f64::INFINITY);
        for scored in self.scored.values_mut().filter(|scored| by_score(scored) > limit) {
            scored.errors = None;
        }
    }

    fn present_errors(&mut self, wanted: Wanted, image: &ScoredImage, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        let Some(shown) = image.shown.as_ref().filter(|_| Some(wanted.photo) == photo) else {
            return;
        };
        let before = self.shown.take();
        let same_truth =
            before.filter(|before| before.wanted.photo == wanted.photo && before.wanted.truth == wanted.truth);
        let layer = |labels: &LabelLayer, texture| {
            let upload = Asked::new();
            ctx.request(Request::Upload(Upload::Labels {
                id: wanted.photo,
                ticket: upload.ticket(),
                labels: labels.clone(),
            }));
            OverlayLabels { upload, texture }
        };
        let (truth, before) = match same_truth {
            // Only the errors have changed; the previous ones stay visible until the new ones are uploaded.
            Some(before) => (before.truth, before.errors.texture),
            None => (layer(&shown.truth, None), None),
        };
        self.shown = Some(ShownTruth {
            errors: layer(&shown.map, before),
            truth,
            is_mask: image.is_mask,
            confusion: image.confusion.clone(),
            wanted,
        });
        self.summary = None;
    }

    /// Scores every open image that has ground truth: cached results at once, the others after a run.
    pub(super) fn score_all(&mut self, ctx: &Ctx) {
        let library = &ctx.state.library;
        let unscored: std::collections::HashSet<&ImageSource> = self.unscored().collect();
        let unscored = library.images.sources().filter(|source| unscored.contains(source));
        let is_kept = |source: &&ImageSource| {
            let key = ctx.state.result_key(source);
            key.is_some_and(|key| library.results.peek(&key).is_some())
        };
        let (kept, missing): (Vec<_>, Vec<_>) = unscored.partition(is_kept);
        let missing: Vec<ImageSource> = missing.into_iter().cloned().collect();
        let kept: Vec<ImageSource> = kept.into_iter().cloned().collect();
        self.waiting.extend(kept.into_iter().map(|source| (source, None)));
        if !missing.is_empty() {
            self.run = true;
            ctx.send(Action::SegmentImages {
                images: missing,
                write: None,
                for_scores: true,
            });
        }
    }

    /// Queues an image for scoring that the run for scores has segmented.
    pub(super) fn score_in_passing(&mut self, result: &Segmented, key: &ResultKey, ctx: &Ctx) {
        let source = &result.photo.source;
        let is_wanted = self.run && ctx.state.result_key(source).as_ref() == Some(key);
        if is_wanted && !self.pending.contains_key(source) {
            self.waiting.push_back((source.clone(), Some(result.clone())));
        }
    }
}
