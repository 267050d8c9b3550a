//! `segscope teach`: a decoder learnt from strokes, and the label maps of images by it.

mod bundle;
mod classes;
mod labelling;
mod pages;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::checkpoint::{self, Checkpoint};
use crate::runtime::{ModelInfo, ModelSource, Session, TEACHING_SHORT_SIDE, TEACHING_SHORT_SIDES, TaughtModel};
use crate::staged_file;
use crate::teach::{Lesson, LessonImage, LinearDecoder, TeachError};

use super::device_flags::DeviceFlags;
use super::model_flags::ModelFlags;
use super::printing::{self, err};
use super::{described, open_model, stopping, write_text};
use classes::TaughtClasses;
use labelling::Labelling;
use pages::Page;

/// Patch size in pixels of the embedded model that is taught unless another is named.
const PATCH: usize = 8;

/// Learn a decoder from strokes over images, and label images with it
#[derive(Debug, clap::Args)]
#[command(mut_arg("model", |model| {
    model.help("Model with the encoder: a published folder, a .pth file or a bundle [default: the embedded model with patch 8]")
}))]
pub(super) struct Teach {
    /// Images that the strokes were drawn on, in the order of the stroke files [default: those that the files name]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Stroke file of an image (JSON); once for each image
    #[arg(long, required = true, value_name = "JSON")]
    strokes: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelFlags,
    /// Folder to write label maps and confidence to
    #[arg(long, value_name = "DIR", required_unless_present = "save")]
    out: Option<PathBuf>,
    /// Bundle to write the encoder with the taught decoder to, ending in .safetensors
    #[arg(long, value_name = "BUNDLE")]
    save: Option<PathBuf>,
    /// Start with the model's own linear decoder and classes, whose ids the strokes have, and keep what it says elsewhere
    #[arg(long)]
    correct: bool,
    /// Also label the other images of this folder
    #[arg(long, value_name = "DIR", requires = "out")]
    apply: Option<PathBuf>,
    /// Reduce larger images to this short side in pixels for the encoder, 64 to 768
    #[arg(long, value_name = "N", default_value_t = TEACHING_SHORT_SIDE)]
    short_side: usize,
    /// Whether class edges follow those of the image (guided filter)
    #[arg(long, value_enum, default_value = "on")]
    edges: Edges,
    #[command(flatten)]
    device: DeviceFlags,
    /// Overwrite existing files
    #[arg(long)]
    overwrite: bool,
    /// File to write times to, in milliseconds (JSON); - is standard output
    #[arg(long, value_name = "JSON")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Edges {
    /// They do
    On,
    /// They are where the decoder puts them
    Off,
}

/// A decoder that was learnt, and how.
struct Learnt {
    decoder: LinearDecoder,
    time: Duration,
    /// Iterations of the learner; none if there was nothing to correct.
    iterations: usize,
}

impl Teach {
    pub(super) fn run(&self) -> Result<ExitCode> {
        self.check_flags()?;
        printing::leave_stdout_to(self.json.as_deref())?;
        let pages = pages::read(&self.images, &self.strokes)?;
        stopping::listen()?;
        let original = match self.correct || self.save.is_some() {
            true => Some(self.checkpoint()?),
            false => None,
        };
        let classes = match original.as_ref().filter(|_| self.correct) {
            Some(original) => TaughtClasses::of_model(&original.classes, &pages)?,
            None => TaughtClasses::of_strokes(&pages)?,
        };
        pages::check_strokes(&pages, self.correct)?;
        let apply = match &self.apply {
            Some(folder) => pages::others_in(folder, &pages)?,
            None => Vec::new(),
        };
        let by_id = classes.by_id();
        let labelling = self.out.as_deref().map(|out| Labelling {
            out,
            by_id: &by_id,
            options: labelling::options(self.overwrite),
            ids: &classes.ids,
            edges: self.edges == Edges::On,
            short_side: self.short_side,
        });
        if let Some(labelling) = &labelling {
            let taught = pages.iter().map(|page| page.image.as_path());
            labelling.check_names(taught.chain(apply.iter().map(PathBuf::as_path)))?;
        }
        let mut session = self.device.session();
        let model = session.load(self.source(), &mut |_| stopping::keep_going())?;
        printing::notes(&model.remarks);
        self.say_device(&mut session)?;
        let mut encoded = self.encode(&mut session, &model, &pages)?;
        let learnt = self.learn(&pages, &encoded, &classes, original.as_ref())?;
        let strokes: usize = pages.iter().map(|page| page.file.strokes.len()).sum();
        if let (Some(path), Some(original)) = (&self.save, original) {
            let taught = TaughtModel {
                encoder: self.source(),
                decoder: learnt.decoder.clone(),
                classes: classes.set.clone(),
                strokes,
                images: pages.len(),
                short_side: self.short_side,
                corrects: self.correct,
            };
            bundle::save(original, &taught, &classes, path)?;
        }
        let mut failed = 0;
        if let Some(labelling) = &labelling {
            for (page, encoded) in pages.iter().zip(&mut encoded) {
                stopping::check()?;
                labelling.of_page(&learnt.decoder, page, encoded)?;
            }
            failed = self.label_others(labelling, &learnt.decoder, (&mut session, &model), &apply, &mut encoded)?;
        }
        err!(
            "{} taught with {strokes} strokes of {} classes on {} images in {:.0} ms",
            model.spec.encoder.title(),
            classes.ids.len(),
            pages.len(),
            learnt.time.as_secs_f64() * 1e3
        );
        if let Some(path) = &self.json {
            let report = self.report(&session, &model, &learnt, &encoded);
            write_text(path, &format!("{report:#}\n"))?;
        }
        Ok(ExitCode::from(u8::from(failed > 0)))
    }

    fn check_flags(&self) -> Result<()> {
        check_within("short-side", self.short_side, TEACHING_SHORT_SIDES)?;
        let Some(path) = &self.save else { return Ok(()) };
        let is_file = staged_file::is_renamed_to(path);
        if is_file && path.extension().is_none_or(|ending| ending != "safetensors") {
            bail!(
                "expected a bundle name that ends in .safetensors, found: {}",
                path.display()
            );
        }
        if staged_file::is_taken(path) && !self.overwrite {
            bail!(
                "the bundle exists already; add --overwrite to replace it: {}",
                path.display()
            );
        }
        Ok(())
    }

    /// The named model, or else the embedded one with patch 8.
    fn source(&self) -> ModelSource {
        match self.model.source() {
            ModelSource::Embedded => ModelSource::EmbeddedWithPatch(PATCH),
            named => named,
        }
    }

    /// The model's tensors in host memory.
    fn checkpoint(&self) -> Result<Checkpoint> {
        Ok(match self.source() {
            ModelSource::Embedded => checkpoint::open_embedded()?,
            ModelSource::EmbeddedWithPatch(patch) => checkpoint::open_embedded_with_patch(patch)?,
            ModelSource::Path(path) => open_model(&path, None)?,
            ModelSource::Weights(path, key) => open_model(&path, Some(&key))?,
        })
    }

    fn say_device(&self, session: &mut Session) -> Result<()> {
        let device = session.device()?;
        if let Some(note) = device.note.as_ref().filter(|_| device.gpu_failed) {
            err!("segscope: using the CPU: {note}");
        }
        Ok(())
    }

    /// Runs the encoder over the image of each page.
    fn encode(&self, session: &mut Session, model: &ModelInfo, pages: &[Page]) -> Result<Vec<labelling::Encoded>> {
        let encode = |page: &Page| {
            stopping::check()?;
            let photo = page.photo()?;
            labelling::Encoded::of(session, model.id, &page.image, &photo, self.short_side)
        };
        pages.iter().map(encode).collect()
    }

    fn learn(
        &self,
        pages: &[Page],
        encoded: &[labelling::Encoded],
        classes: &TaughtClasses,
        original: Option<&Checkpoint>,
    ) -> Result<Learnt> {
        let trained = match original.filter(|_| self.correct) {
            Some(original) => Some(own_decoder(original)?),
            None => None,
        };
        let images = pages.iter().zip(encoded).map(|(page, encoded)| LessonImage {
            tokens: Arc::clone(&encoded.tokens),
            strokes: page.file.strokes.clone(),
            accepted: None,
        });
        let lesson = Lesson {
            classes: classes.ids.clone(),
            images: images.collect(),
            trained,
        };
        let start = Instant::now();
        let (decoder, iterations) = match (lesson.learn(None), &lesson.trained) {
            // Nothing to correct yet.
            (Err(TeachError::NoStrokes), Some(trained)) => (trained.clone(), 0),
            (learned, _) => learned.map(|learned| (learned.decoder, learned.iterations))?,
        };
        Ok(Learnt {
            // As a bundle stores it, so that the bundle says the same.
            decoder: decoder.in_half_precision(),
            time: start.elapsed(),
            iterations,
        })
    }

    /// Labels the images to which the decoder is applied, and returns how many failed.
    fn label_others(
        &self,
        labelling: &Labelling,
        decoder: &LinearDecoder,
        (session, model): (&mut Session, &ModelInfo),
        images: &[PathBuf],
        encoded: &mut Vec<labelling::Encoded>,
    ) -> Result<usize> {
        let mut failed = 0;
        for (i, image) in images.iter().enumerate() {
            if stopping::is_asked() {
                err!(
                    "segscope: stopped with {} of {} images to go",
                    images.len() - i,
                    images.len()
                );
                break;
            }
            match labelling.of_image(decoder, image, session, model.id) {
                Ok(done) => encoded.push(done),
                Err(why) if stopping::is_why(&why) => break,
                Err(why) => {
                    failed += 1;
                    err!("segscope: {}", described(&why));
                }
            }
        }
        if !images.is_empty() {
            let out = labelling.out.display();
            err!(
                "{} of {} further images labelled into {out}",
                images.len() - failed,
                images.len()
            );
        }
        Ok(failed)
    }

    fn report(&self, session: &Session, model: &ModelInfo, learnt: &Learnt, encoded: &[labelling::Encoded]) -> Value {
        let images: Vec<Value> = encoded.iter().map(labelling::Encoded::json).collect();
        json!({
            "model": model.spec.encoder.title(), "precision": model.precision.key(), "cpu": session.is_on_cpu(),
            "short_side": self.short_side, "learn_ms": ms(learnt.time), "iterations": learnt.iterations,
            "images": images,
        })
    }
}

/// The model's own linear decoder.
pub(in crate::cli) fn own_decoder(original: &Checkpoint) -> Result<LinearDecoder> {
    let (weight, bias) = original.linear_decoder().ok_or_else(|| {
        anyhow!(
            "correct: expected a model with a linear decoder, found {}; choose another model, or leave out --correct",
            original.spec.title()
        )
    })?;
    let width = weight.shape.get(1).copied().unwrap_or_default();
    Ok(LinearDecoder::new(weight.values.clone(), bias.values.clone(), width)?)
}

fn check_within(what: &str, value: usize, range: RangeInclusive<usize>) -> Result<()> {
    ensure!(
        range.contains(&value),
        "{what}: expected {} to {} pixels, found {value}",
        range.start(),
        range.end()
    );
    Ok(())
}

/// Milliseconds with two decimals.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
