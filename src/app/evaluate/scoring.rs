//! What is asked of the scoring thread, and what becomes of its answers.

use super::{Cell, Evaluate, Layer, Of, Scored, Shown, Wanted};
use crate::app::App;
use crate::app::results::ResultKey;
use crate::app::workspace::Workspace;
use crate::engine::{
    Errors, Labelling, PhotoSource, ScoreAnswer, ScoreJob, ScoreRequest, ScoredPicture, Segmented, Settings,
};
use crate::labels::Confusion;

impl Evaluate {
    fn send(&mut self, request: ScoreRequest) {
        self.waiting.push_back(request);
        self.flush();
    }

    /// Hands over as many requests as the thread takes.
    fn flush(&mut self) {
        let Some(scorer) = &self.scorer else { return };
        while let Some(request) = self.waiting.pop_front() {
            if let Err(request) = scorer.ask(request) {
                self.waiting.push_front(request);
                return;
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Counts a picture's scores.
    fn count(&mut self, number: u64, source: PhotoSource, outcome: Result<&ScoredPicture, String>) {
        if number <= self.forgotten || self.scored.contains_key(&source) {
            return;
        }
        let scored = match outcome {
            Err(why) => Scored {
                mean_iou: None,
                cells: Vec::new(),
                failure: Some(why),
            },
            Ok(picture) => {
                let confusion = &picture.confusion;
                let total = self.total.get_or_insert_with(|| Confusion::new(confusion.classes()));
                total.merge(confusion);
                Scored {
                    mean_iou: confusion.mean_iou(),
                    cells: cells_of(confusion),
                    failure: None,
                }
            }
        };
        self.scored.insert(source, scored);
    }
}

/// The counts that are not 0.
fn cells_of(confusion: &Confusion) -> Vec<(Cell, u64)> {
    let classes = confusion.classes() as u16;
    let all = (0..classes).flat_map(|truth| (0..classes).map(move |predicted| Cell { truth, predicted }));
    all.map(|cell| (cell, confusion.count(cell.truth.into(), cell.predicted.into())))
        .filter(|(_, count)| *count > 0)
        .collect()
}

impl App {
    /// Once a frame: takes answers, and asks for what is missing.
    pub(in crate::app) fn update_evaluate(&mut self) {
        while let Some(answer) = self.evaluate.scorer.as_ref().and_then(|scorer| scorer.poll()) {
            self.take_score(answer);
        }
        self.evaluate.flush();
        if self.workspace != Workspace::Evaluate {
            return;
        }
        self.find_truths();
        self.look_whose();
        self.show_errors();
    }

    /// Asks which pictures have ground truth, when they or the folder have changed.
    fn find_truths(&mut self) {
        let folder = &self.evaluate.folder;
        let (known, known_folder) = &self.evaluate.truths.of;
        let same = known_folder == folder && self.pictures.sources().eq(known.iter());
        if same || self.evaluate.truths.asked.is_some() {
            return;
        }
        let pictures: Vec<PhotoSource> = self.pictures.sources().cloned().collect();
        let folder = folder.clone();
        let number = self.evaluate.number();
        self.evaluate.truths.of = (pictures.clone(), folder.clone());
        self.evaluate.truths.asked = Some(number);
        self.evaluate.send(ScoreRequest::Find {
            number,
            folder,
            pictures,
        });
    }

    /// Scores of another output, or of one that was run in another way, are forgotten.
    fn look_whose(&mut self) {
        let of = self.score_key(&PhotoSource::Sample);
        if of != self.evaluate.of {
            self.evaluate.of = of;
            self.evaluate.forget_scores();
            self.evaluate.class = None;
        }
    }

    fn score_key(&self, source: &PhotoSource) -> Option<Of> {
        let model = self.named(self.model.as_ref()?);
        Some(Of {
            key: self.result_key(source)?,
            class_set: model.classes.name.clone(),
        })
    }

    /// Asks for the errors of the picture on the canvas.
    fn show_errors(&mut self) {
        let wanted = self.wanted_errors();
        let Some((wanted, result)) = wanted else {
            self.evaluate.shown = None;
            return;
        };
        let is_shown = self.evaluate.shown.as_ref().is_some_and(|shown| shown.wanted == wanted);
        let is_asked = self.evaluate.asked.as_ref().is_some_and(|(_, asked)| *asked == wanted);
        if is_shown || is_asked {
            return;
        }
        let number = self.evaluate.number();
        let job = self.score_job(number, &result, wanted.truth.clone(), Some(wanted.errors));
        self.evaluate.asked = Some((number, wanted));
        self.evaluate.send(ScoreRequest::Score(Box::new(job)));
    }

    fn wanted_errors(&self) -> Option<(Wanted, Segmented)> {
        let document = self.document.as_ref()?;
        let source = &document.photo.source;
        let key = self.result_key(source)?;
        let result = document.result.clone().filter(|_| document.has_result_of(&key))?;
        let truth = self.evaluate.truths.files.get(source)?.clone();
        let errors = self.evaluate.class.map_or(Errors::All, Errors::Class);
        Some((Wanted { key, errors, truth }, result))
    }

    fn score_job(&self, number: u64, result: &Segmented, truth: std::path::PathBuf, show: Option<Errors>) -> ScoreJob {
        ScoreJob {
            number,
            source: result.photo.source.clone(),
            labels: Labelling::from(result),
            truth,
            classes: self.named(&result.model).classes.clone(),
            show,
        }
    }

    fn take_score(&mut self, answer: ScoreAnswer) {
        match answer {
            ScoreAnswer::Found { number, truths } => {
                let known = &mut self.evaluate.truths;
                if known.asked == Some(number) {
                    known.asked = None;
                    let found = known.of.0.iter().cloned().zip(truths);
                    known.files = found.filter_map(|(source, file)| Some((source, file?))).collect();
                }
            }
            ScoreAnswer::Scored {
                number,
                source,
                outcome,
            } => {
                let asked = self.evaluate.asked.take_if(|(asked, _)| *asked == number);
                match outcome {
                    Ok(picture) => {
                        self.evaluate.count(number, source, Ok(&picture));
                        if let Some((_, wanted)) = asked {
                            self.present_errors(wanted, *picture);
                        }
                    }
                    Err(why) => {
                        if let Some((_, wanted)) = asked {
                            // Not asked again until something else is wanted.
                            self.evaluate.asked = Some((number, wanted));
                        }
                        self.evaluate.count(number, source, Err(why));
                    }
                }
            }
        }
    }

    fn present_errors(&mut self, wanted: Wanted, picture: ScoredPicture) {
        let Some((shown, photo)) = picture
            .shown
            .zip(self.document.as_ref().map(|document| document.photo.id))
        else {
            return;
        };
        let mut layer = |labels: Labelling| {
            self.versions += 1;
            self.uploader.labels(photo, self.versions, labels);
            Layer {
                version: self.versions,
                texture: None,
            }
        };
        self.evaluate.shown = Some(Shown {
            truth: layer(shown.truth),
            errors: layer(shown.map),
            wanted,
            photo,
            confusion: picture.confusion,
        });
    }

    /// Scores every open picture that has ground truth: kept results at once, the others after a run.
    pub(in crate::app) fn score_all(&mut self) {
        let mut missing = Vec::new();
        let sources: Vec<PhotoSource> = self.pictures.sources().cloned().collect();
        for source in sources {
            let Some(truth) = self.evaluate.truths.files.get(&source).cloned() else {
                continue;
            };
            if self.evaluate.scored.contains_key(&source) {
                continue;
            }
            let kept = self.result_key(&source).and_then(|key| self.results.get(&key).cloned());
            match kept {
                Some(result) => {
                    let number = self.evaluate.number();
                    let job = self.score_job(number, &result, truth, None);
                    self.evaluate.send(ScoreRequest::Score(Box::new(job)));
                }
                None => missing.push(source),
            }
        }
        if !missing.is_empty() {
            self.segment_pictures(missing, None);
        }
    }

    /// A picture of a run over all has been segmented.
    pub(in crate::app) fn score_in_passing(&mut self, result: &Segmented, settings: &Settings) {
        let source = &result.photo.source;
        let key = ResultKey {
            source: source.clone(),
            model: result.model.id,
            output: result.output,
            settings: settings.clone(),
        };
        let is_wanted = self.workspace == Workspace::Evaluate && self.result_key(source).as_ref() == Some(&key);
        if let Some(truth) = self.evaluate.truths.files.get(source).cloned().filter(|_| is_wanted) {
            let number = self.evaluate.number();
            let job = self.score_job(number, result, truth, None);
            self.evaluate.send(ScoreRequest::Score(Box::new(job)));
        }
    }
}
