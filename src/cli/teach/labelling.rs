//! Encodes images, labels them with a taught decoder, and writes the files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::ms;
use super::pages::{self, Page};
use crate::cli::stopping;
use crate::export::{self, ExportError, Format, Options, Subject};
use crate::labels::ClassSet;
use crate::photo::Photo;
use crate::runtime::{ImageSource, Session, taught_labels};
use crate::teach::{LinearDecoder, Stroke, Tokens, guide_of};

/// An encoded image, and how long its parts took.
pub(super) struct Encoded {
    image: PathBuf,
    pub(super) tokens: Arc<Tokens>,
    encode: Duration,
    /// Preparing the photo's edges.
    guide: Duration,
    labels: Duration,
    write: Duration,
    written: Vec<PathBuf>,
}

impl Encoded {
    /// Runs the encoder of a model over an image.
    pub(super) fn of(
        session: &mut Session,
        model: u64,
        image: &Path,
        photo: &Photo,
        short_side: usize,
    ) -> Result<Self> {
        let start = Instant::now();
        let tokens = session.teaching_tokens(model, photo, short_side, &mut |_| stopping::keep_going())?;
        Ok(Self {
            image: image.to_owned(),
            tokens: Arc::new(tokens),
            encode: start.elapsed(),
            guide: Duration::ZERO,
            labels: Duration::ZERO,
            write: Duration::ZERO,
            written: Vec::new(),
        })
    }

    /// Sizes, times and files.
    pub(super) fn json(&self) -> Value {
        let Tokens { image, encoded, .. } = &*self.tokens;
        let written: Vec<String> = self.written.iter().map(|path| path.display().to_string()).collect();
        json!({
            "picture": self.image.display().to_string(), "size": image, "encoded_size": encoded,
            "encode_ms": ms(self.encode), "guide_ms": ms(self.guide), "labels_ms": ms(self.labels),
            "write_ms": ms(self.write), "written": written,
        })
    }
}

/// Where and how label maps are written.
pub(super) struct Labelling<'a> {
    pub(super) out: &'a Path,
    /// Classes by id.
    pub(super) by_id: &'a ClassSet,
    /// Ids of the decoder's rows.
    pub(super) ids: &'a [u16],
    pub(super) options: Options,
    pub(super) edges: bool,
    pub(super) short_side: usize,
}

/// The files that are written for each image.
pub(super) fn options(overwrite: bool) -> Options {
    Options {
        formats: vec![Format::Labels, Format::Confidence],
        overwrite,
        ..Options::default()
    }
}

impl Labelling<'_> {
    /// Refuses images whose files would have the same names, or exist.
    pub(super) fn check_names<'a>(&self, images: impl Iterator<Item = &'a Path>) -> Result<()> {
        let mut seen: HashMap<String, &Path> = HashMap::new();
        for image in images {
            let stem = stem_of(image);
            if let Some(path) = export::taken(&self.options, self.by_id, self.out, &stem) {
                return Err(ExportError::Exists { path }.into());
            }
            if let Some(other) = seen.insert(stem, image) {
                ensure!(
                    false,
                    "expected images with different names, found the name of {} twice; rename one of them: {}",
                    other.display(),
                    image.display()
                );
            }
        }
        Ok(())
    }

    /// Labels an image with strokes.
    pub(super) fn of_page(&self, decoder: &LinearDecoder, page: &Page, encoded: &mut Encoded) -> Result<()> {
        let photo = page.photo()?;
        self.label(decoder, &photo, &page.file.strokes, encoded)
    }

    /// Encodes and labels an image without strokes.
    pub(super) fn of_image(
        &self,
        decoder: &LinearDecoder,
        image: &Path,
        session: &mut Session,
        model: u64,
    ) -> Result<Encoded> {
        let photo = pages::open(image)?;
        let mut encoded = Encoded::of(session, model, image, &photo, self.short_side)?;
        self.label(decoder, &photo, &[], &mut encoded)?;
        Ok(encoded)
    }

    fn label(&self, decoder: &LinearDecoder, photo: &Photo, strokes: &[Stroke], encoded: &mut Encoded) -> Result<()> {
        let start = Instant::now();
        let guide = self
            .edges
            .then(|| guide_of(photo, encoded.tokens.encoded))
            .transpose()?;
        encoded.guide = start.elapsed();
        let start = Instant::now();
        let labels = taught_labels(decoder, self.ids, &encoded.tokens, photo, guide.as_ref(), strokes)?;
        encoded.labels = start.elapsed();
        let start = Instant::now();
        let confidence = labels.confidence.iter().map(|share| (share * 65_535.0 + 0.5) as u16);
        let subject = Subject {
            photo,
            map: &labels.labels,
            confidence: &confidence.collect::<Vec<u16>>(),
            classes: self.by_id,
        };
        encoded.written = export::write(&subject, &self.options, self.out, &stem_of(&encoded.image))?;
        encoded.write = start.elapsed();
        Ok(())
    }
}

/// Name of an image's files without extension.
fn stem_of(image: &Path) -> String {
    ImageSource::Path(image.to_owned()).stem()
}
