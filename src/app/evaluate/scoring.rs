//! What is asked of the scoring thread, and what becomes of its answers.

use super::{Evaluate, Layer, Of, Scored, Shown, Wanted};
use crate::app::App;
use crate::app::results::ResultKey;
use crate::app::workspace::Workspace;
use crate::engine::{
    Errors, Labelling, PhotoSource, ScoreAnswer, ScoreJob, ScoreRequest, ScoredPicture, Segmented, Settings, Truth,
};
use crate::labels::Confusion;

/// The class set of the sample picture's label map.
const SAMPLE_SET: &str = "camvid";

impl Evaluate {
    fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Counts a picture's scores; an earlier failure gives way.
    fn count(&mut self, number: u64, source: PhotoSource, outcome: Result<&ScoredPicture, String>) {
        self.pending.remove(&source);
        let known = self.scored.get(&source).is_some_and(|scored| scored.failure.is_none());
        if number <= self.forgotten || known {
            return;
        }
        let scored = match outcome {
            Err(why) => Scored {
                mean_iou: None,
                cells: Vec::new(),
                unlabelled: 0,
                failure: Some(why),
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
        self.scored.insert(source, scored);
        self.told = None;
    }
}

impl App {
    /// Once a frame: takes answers, and asks for what is missing.
    pub(in crate::app) fn update_evaluate(&mut self) {
        while let Some(answer) = self.evaluate.scorer.as_ref().and_then(|scorer| scorer.poll()) {
            self.take_score(answer);
        }
        if self.evaluate.scorer.is_none() {
            return;
        }
        self.look_whose();
        if self.workspace == Workspace::Evaluate {
            self.find_truths();
            self.want_errors();
        }
        self.hand_over();
    }

    /// Asks which pictures have ground truth, when they or the folder have changed.
    fn find_truths(&mut self) {
        let folder = &self.evaluate.folder;
        let known = self.evaluate.truths.of.as_ref();
        let knows_sample = self
            .model
            .as_ref()
            .is_some_and(|model| model.classes.name == SAMPLE_SET);
        let same = known.is_some_and(|(pictures, of, sample)| {
            of == folder && *sample == knows_sample && self.pictures.sources().eq(pictures.iter())
        });
        if same || self.evaluate.truths.asked.is_some() {
            return;
        }
        let pictures: Vec<PhotoSource> = self.pictures.sources().cloned().collect();
        let folder = folder.clone();
        let number = self.evaluate.number();
        self.evaluate.truths.of = Some((pictures.clone(), folder.clone(), knows_sample));
        self.evaluate.truths.asked = Some(number);
        self.evaluate.truths.request = Some(ScoreRequest::Find {
            number,
            folder,
            pictures,
            knows_sample,
        });
    }

    /// Scores of another output, or of one that was run in another way, are forgotten.
    fn look_whose(&mut self) {
        let of = self
            .model
            .as_ref()
            .zip(self.result_key(&PhotoSource::Sample))
            .map(|(model, key)| Of {
                key,
                reader: model.truth_reader(&self.evaluate.choices),
            });
        if of != self.evaluate.of {
            self.evaluate.of = of;
            self.evaluate.forget_scores();
            self.evaluate.total = None;
            self.evaluate.class = None;
            // Drawn and counted by the rules before.
            self.evaluate.shown = None;
            self.evaluate.told = None;
        }
    }

    /// Prepares the request for the errors of the picture on the canvas.
    fn want_errors(&mut self) {
        let photo = self.document.as_ref().map(|document| document.photo.id);
        if self
            .evaluate
            .shown
            .as_ref()
            .is_some_and(|shown| Some(shown.wanted.photo) != photo)
        {
            self.evaluate.shown = None;
            self.evaluate.told = None;
        }
        let Some((wanted, result)) = self.wanted_errors() else {
            return;
        };
        let is_shown = self.evaluate.shown.as_ref().is_some_and(|shown| shown.wanted == wanted);
        let is_asked = self.evaluate.asked.as_ref().is_some_and(|(_, asked)| *asked == wanted);
        if is_shown || is_asked {
            return;
        }
        let number = self.evaluate.number();
        let job = ScoreJob {
            number,
            source: result.photo.source.clone(),
            labels: Labelling::from(&result),
            truth: wanted.truth.clone(),
            reader: wanted.reader.clone(),
            show: Some(wanted.errors),
        };
        self.evaluate.asked = Some((number, wanted));
        self.evaluate.first = Some(Box::new(job));
    }

    fn wanted_errors(&self) -> Option<(Wanted, Segmented)> {
        let document = self.document.as_ref()?;
        let source = &document.photo.source;
        let key = self.result_key(source)?;
        let result = document.result.clone().filter(|_| document.has_result_of(&key))?;
        let truth = self.evaluate.truths.files.get(source)?.clone();
        let wanted = Wanted {
            reader: result.model.truth_reader(&self.evaluate.choices),
            key,
            photo: document.photo.id,
            errors: self.evaluate.class.map_or(Errors::All, Errors::Class),
            truth,
        };
        Some((wanted, result))
    }

    /// Gives the thread as much as it takes, what a person looks at first.
    fn hand_over(&mut self) {
        if let Some(request) = self.evaluate.truths.request.take() {
            self.evaluate.truths.request = self.ask_scorer(request).err();
        }
        if let Some(job) = self.evaluate.first.take() {
            match self.ask_scorer(ScoreRequest::Score(job)) {
                Err(ScoreRequest::Score(job)) => {
                    self.evaluate.first = Some(job);
                    return;
                }
                Ok(()) | Err(ScoreRequest::Find { .. }) => {}
            }
        }
        while let Some((source, labels)) = self.evaluate.waiting.pop_front() {
            let job = self.evaluate.truths.files.get(&source).cloned();
            let Some(job) = job.and_then(|truth| self.score_job(&source, labels.clone(), truth)) else {
                // Its result or its truth has gone meanwhile.
                self.evaluate.pending.remove(&source);
                continue;
            };
            if self.ask_scorer(ScoreRequest::Score(Box::new(job))).is_err() {
                self.evaluate.waiting.push_front((source, labels));
                return;
            }
        }
    }

    fn ask_scorer(&self, request: ScoreRequest) -> Result<(), ScoreRequest> {
        match &self.evaluate.scorer {
            Some(scorer) => scorer.ask(request),
            None => Err(request),
        }
    }

    /// The job for a picture, with the kept result where there are no labels.
    fn score_job(&mut self, source: &PhotoSource, labels: Option<Labelling>, truth: Truth) -> Option<ScoreJob> {
        let kept = |app: &Self| app.results.peek(&app.result_key(source)?).map(Labelling::from);
        Some(ScoreJob {
            source: source.clone(),
            labels: labels.or_else(|| kept(self))?,
            truth,
            reader: self.model.as_ref()?.truth_reader(&self.evaluate.choices),
            show: None,
            number: self.evaluate.number(),
        })
    }

    fn take_score(&mut self, answer: ScoreAnswer) {
        match answer {
            ScoreAnswer::Found { number, truths } => {
                if self.evaluate.truths.asked != Some(number) {
                    return;
                }
                self.evaluate.truths.asked = None;
                let Some((pictures, ..)) = &self.evaluate.truths.of else {
                    return;
                };
                let found = pictures.iter().cloned().zip(truths);
                let files = found.filter_map(|(source, file)| Some((source, file?))).collect();
                self.evaluate.truths.files = files;
                let known = &self.evaluate.truths.files;
                let before = self.evaluate.scored.len();
                self.evaluate.scored.retain(|source, _| known.contains_key(source));
                if self.evaluate.scored.len() < before {
                    self.evaluate.add_up();
                }
            }
            ScoreAnswer::Scored {
                number,
                source,
                outcome,
            } => {
                let asked = self.evaluate.asked.as_ref().filter(|(asked, _)| *asked == number);
                let wanted = asked.map(|(_, wanted)| wanted.clone());
                match outcome {
                    Ok(picture) => {
                        self.evaluate.count(number, source, Ok(&picture));
                        if let Some(wanted) = wanted {
                            self.evaluate.asked = None;
                            self.present_errors(wanted, *picture);
                        }
                    }
                    Err(why) => {
                        // What was asked for stays so: it is not asked again until something else is wanted.
                        self.evaluate.count(number, source, Err(why));
                    }
                }
            }
        }
    }

    fn present_errors(&mut self, wanted: Wanted, picture: ScoredPicture) {
        let photo = self.document.as_ref().map(|document| document.photo.id);
        let Some(shown) = picture.shown.filter(|_| Some(wanted.photo) == photo) else {
            return;
        };
        let before = self.evaluate.shown.take();
        let same_truth =
            before.filter(|before| before.wanted.photo == wanted.photo && before.wanted.truth == wanted.truth);
        let mut layer = |labels: Labelling, texture| {
            self.versions += 1;
            self.uploader.labels(wanted.photo, self.versions, labels);
            Layer {
                version: self.versions,
                texture,
            }
        };
        let (truth, before) = match same_truth {
            // Only the errors are others; those before stay until they are there.
            Some(before) => (before.truth, before.errors.texture),
            None => (layer(shown.truth, None), None),
        };
        self.evaluate.shown = Some(Shown {
            errors: layer(shown.map, before),
            truth,
            wanted,
            is_mask: picture.is_mask,
            confusion: picture.confusion,
        });
        self.evaluate.told = None;
    }

    /// Scores every open picture that has ground truth: kept results at once, the others after a run.
    pub(in crate::app) fn score_all(&mut self) {
        let unscored: Vec<PhotoSource> = {
            let unscored: std::collections::HashSet<&PhotoSource> = self.evaluate.unscored().collect();
            self.pictures
                .sources()
                .filter(|source| unscored.contains(source))
                .cloned()
                .collect()
        };
        let mut missing = Vec::new();
        for source in unscored {
            let is_kept = self
                .result_key(&source)
                .is_some_and(|key| self.results.peek(&key).is_some());
            if is_kept {
                self.evaluate.pending.insert(source.clone());
                self.evaluate.waiting.push_back((source, None));
            } else {
                missing.push(source);
            }
        }
        if !missing.is_empty() {
            self.segment_pictures(missing, None);
            self.evaluate.run = self.batch.as_ref().map(|batch| batch.number);
        }
    }

    /// A picture of a run over all has been segmented.
    pub(in crate::app) fn score_in_passing(&mut self, number: u64, result: &Segmented, settings: &Settings) {
        let source = &result.photo.source;
        let key = ResultKey {
            source: source.clone(),
            model: result.model.id,
            output: result.output,
            settings: settings.clone(),
        };
        let is_wanted = self.evaluate.run == Some(number) && self.result_key(source).as_ref() == Some(&key);
        if is_wanted && self.evaluate.pending.insert(source.clone()) {
            self.evaluate
                .waiting
                .push_back((source.clone(), Some(Labelling::from(result))));
        }
    }
}
