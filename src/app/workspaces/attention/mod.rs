//! The attention workspace: what a patch, a class token or a class looks at, in every layer and head.

mod averaging;
mod caption;
mod class_shares;
mod embedding;
mod exporting;
mod first_query;
mod following;
mod muted_photo;
mod overlay;
mod panel;
mod plot;
#[cfg(test)]
mod tests;
mod tiles;
mod tracing;
mod wall;
mod workspace;

use std::sync::Arc;

use egui::{ColorImage, Context, TextureHandle, TextureOptions};

use super::image_view::ImageView;
use crate::app::theme::data_color;
use crate::engine::{
    Asked, Direction, LayerId, NetworkPart, Prediction, Progress, Region, Rollout, Token, TraceAnswer, TraceQuestion,
    TraceReading, TraceRequest, TracedImage, TracedLayer, Uncertainty,
};
use crate::export::{ColorMap, Curve, Ground};

/// The map on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MapChoice {
    Mean,
    Most,
    Head(usize),
    Rollout,
    /// The first one that is shown: it shows something on every photo.
    #[default]
    Similarity,
    Colours,
    /// Of the class scores, before the argmax.
    Uncertainty(Uncertainty),
}

/// The state of the workspace: the user's choices, and what has been read from the trace.
pub(super) struct Attention {
    /// The last chosen patch.
    patch: Option<usize>,
    /// Whether the user has chosen it.
    patch_is_chosen: bool,
    /// The photo for which a patch was proposed.
    begun_with: Option<u64>,
    /// The query: the token whose attention is read.
    token: Token,
    place: LayerId,
    /// Layer of the stage that is not shown, encoder or decoder.
    other_layer: usize,
    direction: Direction,
    shown: MapChoice,
    rollout: Rollout,
    curve: Curve,
    map: ColorMap,
    /// Whether all heads of a layer have one scale.
    common: bool,
    smooth: bool,
    opacity: f32,
    region: Region,
    /// Share of the values at which the colours of attention end: a few patches get so much attention that beside them
    /// nothing else could be seen.
    clip: f32,
    /// Whether maps leave out patches that most queries attend to.
    without_sinks: bool,
    /// Whether the canvas shows every head of every layer.
    shows_wall: bool,
    /// Wanted width of a map on the wall, in points.
    wall_size: f32,
    show_figures: bool,
    figure: plot::Figure,
    /// Whether the statistics of heads are averaged over all open images.
    over_all: bool,
    /// Side of an exported figure as a multiple of the image's side.
    averaging: Option<averaging::Averaging>,
    /// The requested trace.
    pending: Option<PendingTrace>,
    /// The last request if it failed, and why.
    failed: Option<(TraceRequest, String)>,
    traced: Option<Arc<TracedImage>>,
    /// The prediction that [`Uncertainty`] is read from.
    prediction: Option<Arc<Prediction>>,
    /// Number of predictions so far, which tells textures of different predictions apart.
    predictions: u64,
    /// The last answer of each kind.
    answers: Vec<(TraceQuestion, TraceAnswer)>,
    /// Questions that cannot be answered.
    unanswerable: Vec<TraceQuestion>,
    /// The questions last sent to the reader.
    requested: Vec<TraceQuestion>,
    canvas_heat: Heat,
    head_heat: Heat,
    matrix_heat: Heat,
    /// The photo below tiles.
    muted: Heat,
    image: ImageView,
}

/// A requested trace and its progress.
struct PendingTrace {
    asked: Asked,
    request: TraceRequest,
    progress: Option<Progress>,
}

/// A texture, and a key of what it was drawn from.
#[derive(Default)]
struct Heat {
    key: Option<String>,
    texture: Option<TextureHandle>,
}

impl Heat {
    /// The texture, drawn again if `key` has changed.
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
            // Always made above.
            context.load_texture("attention", ColorImage::example(), options)
        })
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self {
            patch: None,
            patch_is_chosen: false,
            begun_with: None,
            token: Token::Patch(0),
            place: LayerId {
                part: NetworkPart::Encoder,
                // The last layer at first, because the decoder takes its output.
                layer: usize::MAX,
            },
            other_layer: usize::MAX,
            direction: Direction::From,
            shown: MapChoice::Similarity,
            rollout: Rollout::default(),
            curve: Curve::default(),
            map: ColorMap::default(),
            common: true,
            smooth: false,
            opacity: 0.9,
            region: Region::Whole,
            clip: 0.99,
            without_sinks: true,
            shows_wall: false,
            wall_size: 156.0,
            show_figures: false,
            figure: plot::Figure::default(),
            over_all: false,
            averaging: None,
            pending: None,
            failed: None,
            traced: None,
            prediction: None,
            predictions: 0,
            answers: Vec::new(),
            unanswerable: Vec::new(),
            requested: Vec::new(),
            image: ImageView::default(),
            canvas_heat: Heat::default(),
            head_heat: Heat::default(),
            matrix_heat: Heat::default(),
            muted: Heat::default(),
        }
    }
}

/// An image that is clear where `shares`, 0..=1, are low, so that the photo stays visible there.
fn clear_where_low(mut image: ColorImage, shares: impl Iterator<Item = f32>) -> ColorImage {
    for (pixel, share) in image.pixels.iter_mut().zip(shares) {
        *pixel = pixel.gamma_multiply(Ground::clearness(share));
    }
    image
}

/// The image for a texture from its width, height and RGB pixels.
fn image_of((size, pixels): ([usize; 2], Vec<[u8; 3]>)) -> ColorImage {
    ColorImage::new(size, pixels.into_iter().map(data_color).collect())
}

/// Whether two requests are for the same trace.
fn same_request(a: &TraceRequest, b: &TraceRequest) -> bool {
    (a.photo.id, a.model, a.output, a.region) == (b.photo.id, b.model, b.output, b.region) && a.settings == b.settings
}

/// Whether the answer to a question depends on the prediction.
fn is_of_prediction(question: &TraceQuestion) -> bool {
    matches!(question, TraceQuestion::Uncertainty(_))
}

/// Whether two questions are of the same kind, so that the answer to one replaces the answer to the other.
fn same_kind(a: &TraceQuestion, b: &TraceQuestion) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

impl Attention {
    /// The last answer to a question of this kind, with the question.
    fn answer(&self, kind: impl Fn(&TraceQuestion) -> bool) -> Option<&(TraceQuestion, TraceAnswer)> {
        self.answers.iter().find(|(question, _)| kind(question))
    }

    fn question_of_rows(&self) -> TraceQuestion {
        TraceQuestion::Rows(self.place, self.token, self.direction)
    }

    /// The questions that the panel and the canvas need answered, the most important first.
    fn needed(&self) -> Vec<TraceQuestion> {
        let mut needed = vec![self.question_of_rows()];
        let part = self.token.part();
        match self.shown {
            MapChoice::Rollout => needed.push(TraceQuestion::Rollout(part, self.token, self.rollout)),
            MapChoice::Similarity => needed.push(TraceQuestion::Similarity(self.place, self.token)),
            MapChoice::Colours => needed.push(TraceQuestion::Colours(self.place)),
            MapChoice::Uncertainty(what) => needed.push(TraceQuestion::Uncertainty(what)),
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => {}
        }
        if self.without_sinks && self.direction == Direction::From {
            needed.push(TraceQuestion::Sinks(self.place.part));
        }
        if self.shows_wall {
            needed.push(TraceQuestion::Matrix(self.place.part, self.token, self.direction));
        }
        if self.show_figures {
            needed.push(TraceQuestion::Figures(self.place.part));
        }
        needed
    }

    fn take(&mut self, read: TraceReading) {
        let traced = self.traced.as_ref();
        if !traced.is_some_and(|traced| read.is_of(traced, self.prediction.as_ref())) {
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

    /// Switches to a stage, at the layer that was last shown there; at first the last layer.
    fn go_to_stage(&mut self, part: NetworkPart) {
        if part != self.place.part {
            self.place.part = part;
            std::mem::swap(&mut self.place.layer, &mut self.other_layer);
        }
    }

    /// Moves by a number of layers.
    pub(super) fn step_layer(&mut self, by: isize) {
        self.place.layer = self.place.layer.saturating_add_signed(by);
        self.keep_possible();
    }

    /// Moves by a number of heads; from the mean to the first or the last head.
    pub(super) fn step_head(&mut self, by: isize) {
        let heads = self
            .traced
            .as_ref()
            .and_then(|i| i.trace.layer(self.place))
            .map_or(0, TracedLayer::heads);
        let to = match self.shown {
            MapChoice::Head(head) => head.checked_add_signed(by),
            _ if by > 0 => Some(0),
            _ => heads.checked_sub(1),
        };
        self.shown = to.filter(|head| *head < heads).map_or(MapChoice::Mean, MapChoice::Head);
    }

    /// Sets the prediction, and forgets what was read from the previous one.
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
            self.requested.clear();
        }
    }

    /// Forgets everything that was read, which may take hundreds of megabytes. The user's choices stay.
    fn forget(&mut self) {
        (self.traced, self.prediction) = (None, None);
        self.answers.clear();
        self.unanswerable.clear();
        let heats = [
            &mut self.canvas_heat,
            &mut self.head_heat,
            &mut self.matrix_heat,
            &mut self.muted,
        ];
        for heat in heats {
            *heat = Heat::default();
        }
    }

    /// Limits the choices to what the model has.
    fn keep_possible(&mut self) {
        let Some(traced) = self.traced.clone() else {
            return;
        };
        let trace = &traced.trace;
        if trace.layers(self.place.part).is_empty() {
            self.go_to_stage(NetworkPart::Encoder);
        }
        let last = trace.layers(self.place.part).len().saturating_sub(1);
        self.place.layer = self.place.layer.min(last);
        let middle = trace.grid[0] / 2 * trace.grid[1] + trace.grid[1] / 2;
        let patch = self.patch.filter(|patch| *patch < trace.patches()).unwrap_or(middle);
        self.patch = Some(patch);
        let is_rollout_of_class = self.shown == MapChoice::Rollout && matches!(self.token, Token::Class(_));
        let part = if is_rollout_of_class {
            NetworkPart::Decoder
        } else {
            self.place.part
        };
        if matches!(self.token, Token::Patch(_)) || trace.index(part, self.token).is_none() {
            self.token = Token::Patch(patch);
        }
        let heads = trace.layer(self.place).map_or(0, TracedLayer::heads);
        if let MapChoice::Head(head) = self.shown
            && head >= heads
        {
            self.shown = MapChoice::Mean;
        }
    }
}
