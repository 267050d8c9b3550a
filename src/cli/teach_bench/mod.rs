//! `segscope teach-bench`: a simulated user teaches or corrects a decoder, and the result is scored.

mod user;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail, ensure};

use super::device_flags::DeviceFlags;
use super::printing::{err, out};
use super::teach::own_decoder;
use super::{open_photo, stopping};
use crate::checkpoint;
use crate::datasets::{self, Pair, TruthReader};
use crate::labels::{Confusion, LabelMap};
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{ModelSource, Session, TEACHING_SHORT_SIDE, taught_labels};
use crate::teach::{Guide, Lesson, LessonImage, LinearDecoder, Stroke, Tokens, guide_of};

/// Score a decoder that a simulated user teaches or corrects, for measurements
#[derive(Debug, clap::Args)]
pub(super) struct TeachBench {
    /// Images to draw strokes on
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Their ground truth
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// Number of these images, evenly spaced in their order
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: usize,
    /// Corrections of each image after the first strokes
    #[arg(long, default_value_t = 10, value_name = "N")]
    corrections: usize,
    /// Correct the embedded linear decoder on each image by itself, and print the scores after each correction
    #[arg(long)]
    correct: bool,
    /// Images to score the taught decoder on
    #[arg(long, value_name = "DIR", requires = "apply_labels", conflicts_with = "correct")]
    apply_images: Option<PathBuf>,
    /// Their ground truth
    #[arg(long, value_name = "DIR")]
    apply_labels: Option<PathBuf>,
    /// Number of these images, evenly spaced
    #[arg(long, default_value_t = 20, value_name = "N")]
    apply_count: usize,
    /// Patch size of the embedded model: 8, 16 or 32
    #[arg(long, default_value_t = 8)]
    patch: usize,
    /// Let labels follow the image's edges
    #[arg(long)]
    refine_edges: bool,
    #[command(flatten)]
    device: DeviceFlags,
}

/// An image with ground truth.
struct Sheet {
    photo: Photo,
    truth: LabelMap,
    tokens: Arc<Tokens>,
    guide: Option<Guide>,
    strokes: Vec<Stroke>,
    /// Place in the folder.
    number: usize,
}

/// What encodes images.
struct Encoder<'a> {
    session: Session,
    model: u64,
    reader: &'a TruthReader,
    refines: bool,
}

impl TeachBench {
    pub(super) fn run(&self) -> Result<()> {
        stopping::listen()?;
        let mut session = self.device.session();
        let source = ModelSource::EmbeddedWithPatch(self.patch);
        let model = session.load(source, &mut |_| stopping::keep_going())?;
        let reader = TruthReader::new(&model.classes);
        let mut encoder = Encoder {
            model: model.id,
            session,
            reader: &reader,
            refines: self.refine_edges,
        };
        let ids: Vec<u16> = (0..model.classes.len()).map(|id| id as u16).collect();
        let pairs = chosen(&self.images, &self.labels, self.count)?;
        match self.correct {
            true => self.corrected(&mut encoder, &pairs, &ids),
            false => self.taught(&mut encoder, &pairs, &ids),
        }
    }

    /// Teaches one decoder on all images, and scores it on others.
    fn taught(&self, encoder: &mut Encoder, pairs: &[(usize, Pair)], ids: &[u16]) -> Result<()> {
        let mut sheets = Vec::new();
        for (number, pair) in pairs {
            let mut sheet = encoder.sheet(pair, *number)?;
            sheet.strokes = user::first_strokes(&sheet.truth, ids.len(), *number);
            sheets.push(sheet);
        }
        let mut decoder = learnt(&sheets, ids, None, None)?;
        for round in 1..=self.corrections {
            stopping::check()?;
            for sheet in &mut sheets {
                let labels = sheet.labels(&decoder, ids)?;
                sheet
                    .strokes
                    .extend(user::correction(&sheet.truth, &labels, sheet.number, round));
            }
            decoder = learnt(&sheets, ids, None, Some(&decoder))?;
        }
        let strokes: usize = sheets.iter().map(|sheet| sheet.strokes.len()).sum();
        let mut own = Confusion::new(ids.len());
        for sheet in &sheets {
            sheet.score(&sheet.labels(&decoder, ids)?, &mut own)?;
        }
        out!("{} images, {strokes} strokes: {}", sheets.len(), scores(&own))?;
        let (Some(images), Some(labels)) = (&self.apply_images, &self.apply_labels) else {
            return Ok(());
        };
        let mut others = Confusion::new(ids.len());
        let pairs = chosen(images, labels, self.apply_count)?;
        for (number, pair) in &pairs {
            stopping::check()?;
            let sheet = encoder.sheet(pair, *number)?;
            sheet.score(&sheet.labels(&decoder, ids)?, &mut others)?;
        }
        out!("{} others: {}", pairs.len(), scores(&others))
    }

    /// Corrects the model's own decoder on each image, and prints the means after each number of corrections.
    fn corrected(&self, encoder: &mut Encoder, pairs: &[(usize, Pair)], ids: &[u16]) -> Result<()> {
        let own = own_decoder(&checkpoint::open_embedded_with_patch(self.patch)?)?;
        let mut sums = vec![[0.0; 2]; self.corrections + 1];
        for (number, pair) in pairs {
            let mut sheet = encoder.sheet(pair, *number)?;
            let mut decoder = own.clone();
            for (round, sums) in sums.iter_mut().enumerate() {
                stopping::check()?;
                let labels = sheet.labels(&decoder, ids)?;
                let mut confusion = Confusion::new(ids.len());
                sheet.score(&labels, &mut confusion)?;
                let found = [confusion.pixel_accuracy(), confusion.mean_iou()];
                for (sum, score) in sums.iter_mut().zip(found) {
                    *sum += score.unwrap_or_default();
                }
                if let Some(stroke) = user::correction(&sheet.truth, &labels, *number, round + 1) {
                    sheet.strokes.push(stroke);
                    decoder = learnt(std::slice::from_ref(&sheet), ids, Some(&own), Some(&decoder))?;
                }
            }
            err!("{}: {} strokes", pair.name, sheet.strokes.len());
        }
        for (round, sums) in sums.iter().enumerate() {
            let [accuracy, iou] = sums.map(|sum| 100.0 * sum / pairs.len() as f64);
            out!("+{round}: pixel accuracy {accuracy:.2}, mIoU {iou:.2}")?;
        }
        Ok(())
    }
}

impl Encoder<'_> {
    fn sheet(&mut self, pair: &Pair, number: usize) -> Result<Sheet> {
        let photo = open_photo(&pair.file, OpenOptions::default(), (0, None), &|line| {
            err!("segscope: {line}")
        })?;
        let truth = self.reader.read(&pair.truth, Some([photo.width, photo.height]))?.map;
        let keep_going = &mut |_| stopping::keep_going();
        let tokens = self
            .session
            .teaching_tokens(self.model, &photo, TEACHING_SHORT_SIDE, keep_going)?;
        Ok(Sheet {
            guide: self.refines.then(|| guide_of(&photo, tokens.encoded)).transpose()?,
            tokens: Arc::new(tokens),
            strokes: Vec::new(),
            photo,
            truth,
            number,
        })
    }
}

impl Sheet {
    /// Counts labels of this image.
    fn score(&self, labels: &LabelMap, confusion: &mut Confusion) -> Result<()> {
        ensure!(
            confusion.add(labels, &self.truth),
            "expected ground truth of the image's size, found another"
        );
        Ok(())
    }

    fn labels(&self, decoder: &LinearDecoder, ids: &[u16]) -> Result<LabelMap> {
        let guide = self.guide.as_ref();
        Ok(taught_labels(decoder, ids, &self.tokens, &self.photo, guide, &self.strokes)?.labels)
    }
}

fn learnt(
    sheets: &[Sheet],
    ids: &[u16],
    trained: Option<&LinearDecoder>,
    last: Option<&LinearDecoder>,
) -> Result<LinearDecoder> {
    let images = sheets.iter().map(|sheet| LessonImage {
        tokens: Arc::clone(&sheet.tokens),
        strokes: sheet.strokes.clone(),
        accepted: None,
    });
    let lesson = Lesson {
        classes: ids.to_vec(),
        images: images.collect(),
        trained: trained.cloned(),
    };
    Ok(lesson.learn(last)?.decoder)
}

/// So many pairs, evenly spaced, with their places.
fn chosen(images: &Path, labels: &Path, count: usize) -> Result<Vec<(usize, Pair)>> {
    let all = datasets::pairs(images, labels, None)?.pairs;
    ensure!(count > 0, "count: expected 1 or more, found 0");
    if all.len() < count {
        bail!(
            "expected at least {count} images, found {}: {}",
            all.len(),
            images.display()
        );
    }
    let places: Vec<usize> = (0..count).map(|i| (2 * i + 1) * all.len() / (2 * count)).collect();
    Ok(all
        .into_iter()
        .enumerate()
        .filter(|(place, _)| places.contains(place))
        .collect())
}

fn scores(confusion: &Confusion) -> String {
    let percent = |score: Option<f64>| 100.0 * score.unwrap_or_default();
    format!(
        "mIoU {:.2}, pixel accuracy {:.2}",
        percent(confusion.mean_iou()),
        percent(confusion.pixel_accuracy())
    )
}
