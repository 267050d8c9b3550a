//! The attention workspace: what a patch, a class token or a class looks at, in every layer and head.

mod averaging;
mod class_shares;
mod embedding;
mod exporting;
mod following;
mod overlay;
mod panel;
mod plot;
#[cfg(test)]
mod tests;
mod tiles;
mod tracing;
mod workspace;

use std::sync::Arc;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use super::picture_view::PictureView;
use crate::engine::{
    Answer, Asked, Certainty, Direction, Inspection, Layer, Look, NumberFormat, Part, Place, Prediction, Progress,
    Question, Read, Region, Rollout, Token,
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
    /// On its way.
    looking: Option<Looking>,
    /// Why the last look came to nothing, and which it was.
    failed: Option<(Look, String)>,
    inspection: Option<Arc<Inspection>>,
    /// What [`Certainty`] was read from.
    prediction: Option<Arc<Prediction>>,
    /// Counts predictions.
    predictions: u64,
    /// The last answer of each kind.
    answers: Vec<(Question, Answer)>,
    /// What cannot be answered.
    unanswerable: Vec<Question>,
    /// What the reader was asked for last.
    wished: Vec<Question>,
    canvas_heat: Heat,
    head_heat: Heat,
    matrix_heat: Heat,
    picture: PictureView,
}

/// A look on its way: what, and how far.
struct Looking {
    asked: Asked,
    look: Look,
    progress: Option<Progress>,
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
            wished: Vec::new(),
            picture: PictureView::default(),
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
        let inspection = self.inspection.as_ref();
        if !inspection.is_some_and(|inspection| read.is_of(inspection, self.prediction.as_ref())) {
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
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.answers.retain(|(question, _)| !is_of_prediction(question));
            self.unanswerable.retain(|question| !is_of_prediction(question));
            self.predictions += 1;
            self.prediction = prediction;
            self.wished.clear();
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
