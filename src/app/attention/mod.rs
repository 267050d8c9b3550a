//! The attention workspace: what a patch, a class token or a class looks at, in every layer and head.

mod averaging;
mod class_shares;
mod embedding;
mod exporting;
mod following;
mod overlay;
mod panel;
mod plot;
mod tiles;

use std::sync::Arc;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use super::App;
use super::workspace::Workspace;
use crate::engine::{
    Answer, Certainty, Direction, Inspection, Job, Layer, Look, NumberFormat, Numbered, Part, Place, Prediction,
    Progress, Question, Read, Region, Rollout, Token,
};
use crate::export::{ColorMap, Curve};

/// Which of a layer's maps is on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    #[default]
    Mean,
    Most,
    Head(usize),
    Rollout,
    Similarity,
    Colours,
    /// Of the masks, before the best class is taken.
    Certainty(Certainty),
}

/// What a person looks at, and what is known of it.
pub(super) struct Attention {
    /// The patch that was chosen last.
    patch: Option<usize>,
    /// Whose attention is read.
    token: Token,
    place: Place,
    /// Layer of the stage that is not looked at: encoder or decoder.
    other_layer: usize,
    direction: Direction,
    shown: Shown,
    rollout: Rollout,
    curve: Curve,
    map: ColorMap,
    /// One scale for all heads of a layer.
    common: bool,
    smooth: bool,
    opacity: f32,
    region: Region,
    show_matrix: bool,
    show_figures: bool,
    figure: plot::Figure,
    /// The figures are averaged over all open pictures.
    over_all: bool,
    /// Sides of exported pictures over those of the photo.
    export_zoom: usize,
    export_caption: bool,
    export_numbers: NumberFormat,
    averaging: Option<averaging::Averaging>,
    /// On its way: what, and how far.
    looking: Option<(Look, Option<Progress>)>,
    /// Why the last look came to nothing, and which it was.
    failed: Option<(Look, String)>,
    inspection: Option<Arc<Inspection>>,
    /// What [`Certainty`] was read from.
    prediction: Option<Numbered>,
    /// Counts predictions.
    predictions: u64,
    /// The last answer of each kind.
    answers: Vec<(Question, Answer)>,
    /// What cannot be answered.
    unanswerable: Vec<Question>,
    canvas_heat: Heat,
    head_heat: Heat,
    matrix_heat: Heat,
}

/// A texture and what it was drawn from.
#[derive(Default)]
struct Heat {
    key: Option<String>,
    texture: Option<TextureHandle>,
}

impl Heat {
    /// The texture, drawn anew where `key` says so.
    fn texture(
        &mut self,
        context: &Context,
        key: String,
        smooth: bool,
        draw: impl FnOnce() -> ColorImage,
    ) -> &TextureHandle {
        let options = if smooth {
            TextureOptions::LINEAR
        } else {
            TextureOptions::NEAREST
        };
        if self.key.as_ref() != Some(&key) || self.texture.is_none() {
            let image = draw();
            match &mut self.texture {
                Some(texture) => texture.set(image, options),
                None => self.texture = Some(context.load_texture("attention", image, options)),
            }
            self.key = Some(key);
        }
        self.texture.get_or_insert_with(|| {
            // Made above in any case.
            context.load_texture("attention", ColorImage::example(), options)
        })
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self {
            patch: None,
            token: Token::Patch(0),
            place: Place {
                part: Part::Encoder,
                // At first the last one: it is what the decoder takes.
                layer: usize::MAX,
            },
            other_layer: usize::MAX,
            direction: Direction::From,
            shown: Shown::Mean,
            rollout: Rollout::default(),
            curve: Curve::default(),
            map: ColorMap::default(),
            common: true,
            smooth: false,
            opacity: 0.8,
            region: Region::Whole,
            show_matrix: false,
            show_figures: false,
            figure: plot::Figure::default(),
            over_all: false,
            export_zoom: 1,
            export_caption: true,
            export_numbers: NumberFormat::default(),
            averaging: None,
            looking: None,
            failed: None,
            inspection: None,
            prediction: None,
            predictions: 0,
            answers: Vec::new(),
            unanswerable: Vec::new(),
            canvas_heat: Heat::default(),
            head_heat: Heat::default(),
            matrix_heat: Heat::default(),
        }
    }
}

/// Colours as a texture takes them.
fn picture_of((size, pixels): ([usize; 2], Vec<[u8; 3]>)) -> ColorImage {
    ColorImage::new(
        size,
        pixels.into_iter().map(|[r, g, b]| Color32::from_rgb(r, g, b)).collect(),
    )
}

/// Whether two looks are the same but for their number.
fn same_look(a: &Look, b: &Look) -> bool {
    (a.photo.id, a.model, a.output, a.region) == (b.photo.id, b.model, b.output, b.region) && a.settings == b.settings
}

/// Whether the answer depends on the prediction.
fn is_of_prediction(question: &Question) -> bool {
    matches!(question, Question::Certainty(_))
}

/// Whether two questions are of one kind, so that the answer to one takes the place of that to the other.
fn same_kind(a: &Question, b: &Question) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

impl Attention {
    /// The last answer to a question of this kind, with the question.
    fn answer(&self, kind: impl Fn(&Question) -> bool) -> Option<&(Question, Answer)> {
        self.answers.iter().find(|(question, _)| kind(question))
    }

    fn question_of_rows(&self) -> Question {
        Question::Rows(self.place, self.token, self.direction)
    }

    /// What the panels and the canvas need, the most wanted first.
    fn needed(&self) -> Vec<Question> {
        let mut needed = vec![self.question_of_rows()];
        let part = self.token.part();
        match self.shown {
            Shown::Rollout => needed.push(Question::Rollout(part, self.token, self.rollout)),
            Shown::Similarity => needed.push(Question::Similarity(self.place, self.token)),
            Shown::Colours => needed.push(Question::Colours(self.place)),
            Shown::Certainty(what) => needed.push(Question::Certainty(what)),
            Shown::Mean | Shown::Most | Shown::Head(_) => {}
        }
        if self.show_matrix {
            needed.push(Question::Matrix(self.place.part, self.token, self.direction));
        }
        if self.show_figures {
            needed.push(Question::Figures(self.place.part));
        }
        needed
    }

    fn take(&mut self, read: Read) {
        let current = self.inspection.as_ref().is_some_and(|i| i.look.number == read.look);
        let number = self.prediction.as_ref().map_or(0, |(number, _)| *number);
        if !current || is_of_prediction(&read.question) && read.prediction != number {
            return;
        }
        match read.answer {
            Some(answer) => {
                self.answers
                    .retain(|(question, _)| !same_kind(question, &read.question));
                self.answers.push((read.question, answer));
            }
            None => self.unanswerable.push(read.question),
        }
    }

    /// Whether a look is on its way.
    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Whether there are layers and heads to go through.
    pub(super) fn can_step(&self) -> bool {
        self.inspection.is_some()
    }

    /// Goes to a stage, at the layer at which it was left; at first the last one.
    fn go_to_stage(&mut self, part: Part) {
        if part != self.place.part {
            self.place.part = part;
            std::mem::swap(&mut self.place.layer, &mut self.other_layer);
        }
    }

    /// Goes some layers on.
    pub(super) fn step_layer(&mut self, by: isize) {
        self.place.layer = self.place.layer.saturating_add_signed(by);
        self.keep_possible();
    }

    /// Goes some heads on; from the mean to the first or the last.
    pub(super) fn step_head(&mut self, by: isize) {
        let heads = self
            .inspection
            .as_ref()
            .and_then(|i| i.inside.layer(self.place))
            .map_or(0, Layer::heads);
        let to = match self.shown {
            Shown::Head(head) => head.checked_add_signed(by),
            _ if by > 0 => Some(0),
            _ => heads.checked_sub(1),
        };
        self.shown = to.filter(|head| *head < heads).map_or(Shown::Mean, Shown::Head);
    }

    /// Forgets what was read of another prediction.
    fn note_prediction(&mut self, prediction: Option<Arc<Prediction>>) {
        let same = match (&self.prediction, &prediction) {
            (Some((_, old)), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.answers.retain(|(question, _)| !is_of_prediction(question));
            self.unanswerable.retain(|question| !is_of_prediction(question));
            self.predictions += 1;
            self.prediction = prediction.map(|prediction| (self.predictions, prediction));
        }
    }

    /// Forgets everything that was read, which may be hundreds of megabytes; what a person chose stays.
    fn forget(&mut self) {
        (self.inspection, self.prediction) = (None, None);
        self.answers.clear();
        self.unanswerable.clear();
        for heat in [&mut self.canvas_heat, &mut self.head_heat, &mut self.matrix_heat] {
            *heat = Heat::default();
        }
    }

    /// Brings what is chosen to what the model has.
    fn keep_possible(&mut self) {
        let Some(inspection) = self.inspection.clone() else {
            return;
        };
        let inside = &inspection.inside;
        if inside.layers(self.place.part).is_empty() {
            self.go_to_stage(Part::Encoder);
        }
        let last = inside.layers(self.place.part).len().saturating_sub(1);
        self.place.layer = self.place.layer.min(last);
        let middle = inside.grid[0] / 2 * inside.grid[1] + inside.grid[1] / 2;
        let patch = self.patch.filter(|patch| *patch < inside.patches()).unwrap_or(middle);
        self.patch = Some(patch);
        let is_rollout_of_class = self.shown == Shown::Rollout && matches!(self.token, Token::Class(_));
        let part = if is_rollout_of_class {
            Part::Decoder
        } else {
            self.place.part
        };
        if matches!(self.token, Token::Patch(_)) || inside.index(part, self.token).is_none() {
            self.token = Token::Patch(patch);
        }
        let heads = inside.layer(self.place).map_or(0, Layer::heads);
        if let Shown::Head(head) = self.shown
            && head >= heads
        {
            self.shown = Shown::Mean;
        }
    }
}

impl App {
    /// Stops the look that is on its way, and forgets what was read; it is looked again when that is wanted.
    pub(super) fn stop_looking(&mut self) {
        if self.attention.looking.take().is_some() {
            self.engine.next_look();
        }
        if let Some(reader) = &self.inside_reader {
            reader.forget();
        }
        self.attention.failed = None;
        self.attention.forget();
    }

    /// Stops the look on request; it is not looked again by itself.
    pub(super) fn cancel_look(&mut self) {
        if let Some((look, _)) = self.attention.looking.take() {
            self.engine.next_look();
            self.attention.failed = Some((look, "Cancelled".into()));
        }
    }

    /// What the workspace is about now.
    fn wanted_look(&self) -> Option<Look> {
        Some(Look {
            number: 0,
            photo: self.document.as_ref()?.photo.clone(),
            model: self.model.as_ref()?.id,
            output: self.models.output(),
            settings: self.run_settings()?.plain(),
            region: self.attention.region,
        })
    }

    /// Asks for what the workspace needs and has not.
    pub(super) fn update_attention(&mut self) {
        while let Some(read) = self.inside_reader.as_ref().and_then(|reader| reader.poll()) {
            self.attention.take(read);
        }
        if self.workspace != Workspace::Attention {
            return;
        }
        let Some(look) = self.wanted_look() else {
            return self.stop_looking();
        };
        let attention = &self.attention;
        let is_wanted = |other: Option<&Look>| other.is_some_and(|other| same_look(other, &look));
        let has = is_wanted(attention.inspection.as_ref().map(|inspection| &inspection.look));
        let failed = is_wanted(attention.failed.as_ref().map(|(look, _)| look));
        let on_its_way = is_wanted(attention.looking.as_ref().map(|(look, _)| look));
        if !has && attention.inspection.is_some() || !on_its_way && attention.looking.is_some() {
            // Of another picture, model or area: it would be read as if it were of this one.
            let keep = self.attention.failed.take_if(|_| failed);
            self.stop_looking();
            self.attention.failed = keep;
        }
        if !has && !failed && !on_its_way && !self.models.is_loading() {
            self.take_look(look);
        }
        self.attention.keep_possible();
        let prediction = self
            .document
            .as_ref()
            .and_then(|d| Some(d.result.as_ref()?.prediction.clone()));
        self.attention.note_prediction(prediction);
        let attention = &self.attention;
        let (Some(inspection), Some(reader)) = (&attention.inspection, &self.inside_reader) else {
            return;
        };
        let mut missing = attention.needed();
        missing.retain(|question| {
            !attention.unanswerable.contains(question) && !attention.answers.iter().any(|(known, _)| known == question)
        });
        reader.want(inspection, attention.prediction.clone(), missing);
        self.update_averaging();
    }

    /// Has a look taken.
    fn take_look(&mut self, look: Look) {
        let look = Look {
            number: self.engine.next_look(),
            ..look
        };
        if self.send(Job::LookInside(look.clone())) {
            self.attention.looking = Some((look, None));
            self.attention.failed = None;
        }
    }

    /// Has the look that failed taken again.
    fn look_again(&mut self) {
        self.attention.failed = None;
    }

    pub(super) fn take_look_progress(&mut self, number: u64, progress: Progress) {
        if let Some((look, known)) = &mut self.attention.looking
            && look.number == number
        {
            *known = Some(progress);
        }
    }

    pub(super) fn take_inspection(&mut self, inspection: Arc<Inspection>) {
        let attention = &mut self.attention;
        if attention
            .looking
            .take_if(|(look, _)| look.number == inspection.look.number)
            .is_none()
        {
            return;
        }
        attention.inspection = Some(inspection);
        attention.answers.clear();
        attention.unanswerable.clear();
        attention.keep_possible();
    }

    pub(super) fn take_look_failure(&mut self, number: u64, message: Option<String>) {
        if let Some((look, _)) = self.attention.looking.take_if(|(look, _)| look.number == number)
            && let Some(message) = message
        {
            self.attention.failed = Some((look, message));
        }
    }
}
