//! A lesson: images with tokens and strokes, what is learnt from them, and the label maps that follow.

use std::sync::Arc;

use super::decoder::LinearDecoder;
use super::error::TeachError;
use super::guided::Guide;
use super::learner::{Brake, Learned, Samples, Stop, learn};
use super::logits::{Ranking, TokenLogits};
use super::stroke_file::Stroke;
use super::strokes::{paint, pixels, samples};
use super::tokens::{Standard, Tokens};
use crate::labels::LabelMap;
use crate::photo::Photo;

/// Weight of each sample of a stroke that corrects a trained decoder, whose own opinion of all tokens has the weight 1:
/// 0.2 for a stroke of 20 samples.
pub const CORRECTION: f32 = 0.2 / 20.0;

/// Most pixels of a photo whose guide has the photo's own size.
pub const MOST_GUIDED: usize = 1 << 20;

/// An image of a lesson.
#[derive(Clone, Debug)]
pub struct LessonImage {
    /// Its tokens.
    pub tokens: Arc<Tokens>,
    /// Its strokes, first to last, in pixels of the image.
    pub strokes: Vec<Stroke>,
    /// Its finished label map, once a user has accepted it: then all its tokens are learnt from, and its strokes are
    /// not, because they are in the map. Pixels with an id that the lesson does not have are left out.
    pub accepted: Option<LabelMap>,
}

/// What a decoder is learnt from.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    /// Ids of the classes, in the order of the decoder's rows.
    pub classes: Vec<u16>,
    /// The images, all encoded by the same model.
    pub images: Vec<LessonImage>,
    /// A trained decoder with the same classes, which strokes correct; without it learning begins at zero.
    pub trained: Option<LinearDecoder>,
}

impl Lesson {
    /// Learns a decoder, starting from the last one where that has the same classes.
    ///
    /// The strokes' samples count for the same in each class, accepted images with the square root of their classes'
    /// sizes; where there are both, each have half of the weight. To correct a trained decoder, each sample of a stroke
    /// has the weight [`CORRECTION`], accepted images have 1 together, and the trained decoder's opinion of all tokens
    /// of the other images 1.
    ///
    /// # Errors
    /// When no stroke is inside its image, a stroke has a class that the lesson does not have, or tokens, label maps or
    /// the trained decoder do not fit together.
    pub fn learn(&self, last: Option<&LinearDecoder>) -> Result<Learned, TeachError> {
        let images: Vec<&Tokens> = self.images.iter().map(|image| image.tokens.as_ref()).collect();
        let standard = Standard::of(&images)?;
        if let Some(trained) = &self.trained {
            self.check_trained(trained, standard.mean.len())?;
        }
        let (samples, strokes) = self.samples(&standard)?;
        if samples.is_empty() {
            return Err(TeachError::NoStrokes);
        }
        let brake = self.trained.as_ref().map(|trained| self.brake(trained, &standard));
        let samples = weighted(samples, strokes, brake.is_some());
        Ok(learn(
            &samples,
            self.classes.len(),
            &standard,
            last,
            brake.as_ref(),
            Stop::USUAL,
        ))
    }

    fn check_trained(&self, trained: &LinearDecoder, width: usize) -> Result<(), TeachError> {
        let (expected, found) = ([self.classes.len(), width], [trained.classes, trained.width]);
        if expected == found {
            return Ok(());
        }
        let words = |[classes, width]: [usize; 2]| format!("{classes} classes and {width} channels");
        Err(TeachError::Size {
            what: "a trained decoder",
            expected: words(expected),
            found: words(found),
        })
    }

    fn row_of(&self, class: u16) -> Option<usize> {
        self.classes.iter().position(|id| *id == class)
    }

    /// Samples of strokes, then of accepted images, and the number of the former.
    fn samples(&self, standard: &Standard) -> Result<(Samples, usize), TeachError> {
        let mut all = Samples::new(standard.mean.len());
        for image in self.images.iter().filter(|image| image.accepted.is_none()) {
            for pixel in samples(&image.strokes, image.tokens.image) {
                let row = self.row_of(pixel.class).ok_or(TeachError::UnknownClass(pixel.class))?;
                image.tokens.sample(standard, [pixel.x, pixel.y], all.push(row));
            }
        }
        let strokes = all.len();
        for image in &self.images {
            let Some(map) = &image.accepted else { continue };
            let tokens = &image.tokens;
            if [map.width, map.height] != tokens.image || map.ids.len() != map.width * map.height {
                return Err(TeachError::Size {
                    what: "a finished label map",
                    expected: format!("{} x {} pixels", tokens.image[0], tokens.image[1]),
                    found: format!("{} x {}", map.width, map.height),
                });
            }
            for row in 0..tokens.rows {
                for column in 0..tokens.columns {
                    let [x, y] = tokens.pixel_of(row, column);
                    if let Some(class) = map.get(x, y).and_then(|id| self.row_of(id)) {
                        standard.apply(tokens.token(row, column), all.push(class));
                    }
                }
            }
        }
        Ok((all, strokes))
    }

    fn brake(&self, trained: &LinearDecoder, standard: &Standard) -> Brake {
        let width = trained.width;
        let mut values = Vec::new();
        for image in self.images.iter().filter(|image| image.accepted.is_none()) {
            let start = values.len();
            values.resize(start + image.tokens.values.len(), 0.0);
            let tokens = image.tokens.values.chunks_exact(width);
            for (to, token) in values[start..].chunks_exact_mut(width).zip(tokens) {
                standard.apply(token, to);
            }
        }
        Brake::new(trained.clone(), standard, values)
    }
}

/// Gives the samples their weights; the first ones are those of strokes.
fn weighted(mut samples: Samples, strokes: usize, corrects: bool) -> Samples {
    let count = samples.len();
    if corrects {
        samples.weights[..strokes].fill(CORRECTION);
        samples.balance(strokes..count, 0.5, 1.0);
    } else {
        let share = if strokes > 0 && strokes < count { 0.5 } else { 1.0 };
        samples.balance(0..strokes, 1.0, share);
        samples.balance(strokes..count, 0.5, share);
    }
    samples
}

/// What a decoder says of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct TaughtLabels {
    /// The best class's id at each pixel, and the strokes' classes under strokes.
    pub labels: LabelMap,
    /// The best class's probability, 0 to 1; 1 under strokes.
    pub confidence: Vec<f32>,
    /// Its distance to the second one's, 0 to 1; 1 under strokes.
    pub margin: Vec<f32>,
}

/// The guide of a photo whose encoded size is `encoded`: of the photo's own size up to [`MOST_GUIDED`] pixels,
/// otherwise of the encoded size. It is the same for every decoder, so keep it as long as the photo is open.
///
/// # Errors
/// As [`Guide::new`].
pub fn guide_of(photo: &Photo, encoded: [usize; 2]) -> Result<Guide, TeachError> {
    match photo.width.saturating_mul(photo.height) <= MOST_GUIDED {
        true => Guide::new(photo),
        false => Guide::new(&photo.resized(encoded[0].max(1), encoded[1].max(1))),
    }
}

/// The label map of a photo by a decoder whose rows have the ids `classes`. With a guide (see [`guide_of`]) it follows
/// the photo's edges. Strokes, in pixels of the photo, win over the decoder.
///
/// # Errors
/// When photo, tokens, guide, decoder and classes do not fit together.
pub fn label(
    decoder: &LinearDecoder,
    classes: &[u16],
    tokens: &Tokens,
    photo: &Photo,
    guide: Option<&Guide>,
    strokes: &[Stroke],
) -> Result<TaughtLabels, TeachError> {
    let size = [photo.width, photo.height];
    if size != tokens.image {
        return Err(TeachError::Size {
            what: "a photo",
            expected: format!("{} x {} pixels", tokens.image[0], tokens.image[1]),
            found: format!("{} x {}", size[0], size[1]),
        });
    }
    if classes.len() != decoder.classes {
        return Err(TeachError::Size {
            what: "a decoder",
            expected: format!("{} classes", classes.len()),
            found: format!("{}", decoder.classes),
        });
    }
    let logits = TokenLogits::of(tokens, decoder)?;
    let ranking = match guide {
        None => logits.rank(tokens, size),
        Some(guide) if guide.size() == size => guide.rank(&logits.probabilities(tokens, size))?,
        Some(guide) => guide.rank_large(&logits.probabilities(tokens, guide.size()), photo)?,
    };
    Ok(with_strokes(ranking, classes, size, strokes))
}

/// A label map from a ranking of the classes with the ids `classes`, with strokes over it.
pub fn with_strokes(ranking: Ranking, classes: &[u16], size: [usize; 2], strokes: &[Stroke]) -> TaughtLabels {
    let Ranking {
        mut best,
        value: mut confidence,
        second: mut margin,
    } = ranking;
    for ((id, value), second) in best.iter_mut().zip(&mut confidence).zip(&mut margin) {
        *id = classes[usize::from(*id)];
        *second = (*value - second.max(0.0)).clamp(0.0, 1.0);
        *value = value.clamp(0.0, 1.0);
    }
    let mut labels = LabelMap {
        width: size[0],
        height: size[1],
        ids: best,
    };
    paint(strokes, &mut labels);
    for at in strokes.iter().flat_map(|stroke| pixels(stroke, size)) {
        (confidence[at], margin[at]) = (1.0, 1.0);
    }
    TaughtLabels {
        labels,
        confidence,
        margin,
    }
}
