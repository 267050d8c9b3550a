//! Segments images one after another, reads and writes files meanwhile, and counts the outcomes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::ScopedJoinHandle;

use anyhow::{Result, anyhow};

use super::printing::err;
use super::reading_ahead::{ReadAhead, joined};
use super::segment_exchange::Exchange;
use super::{described, memory_need, open_needing, open_photo, stopping};
use crate::export::{self, ExportError, Subject};
use crate::labels::ClassSet;
use crate::model::Output;
use crate::photo::{OpenOptions, Photo};
use crate::runtime::{ModelInfo, Session, Task};
use crate::segment::{InferenceConfig, Prediction, Timings};

/// Maximum number of images to name that were refused because their files exist.
const NAMED: usize = 3;

/// What segments an image: session, model and settings.
pub(super) struct Running<'a> {
    pub(super) session: &'a mut Session,
    pub(super) model: &'a ModelInfo,
    pub(super) output: Output,
    pub(super) settings: &'a InferenceConfig,
}

/// An image, and the path of its files below the folders of the formats, without extension.
pub(super) struct Place<'a> {
    pub(super) image: &'a Path,
    pub(super) place: String,
}

/// The outcome of an image.
pub(super) enum Done {
    /// These files were written.
    Written(Timings, Vec<PathBuf>),
    /// Its files already existed.
    Skipped,
    /// Files exist that must not be replaced.
    Refused(anyhow::Error),
    /// It cannot be segmented or written.
    Failed(anyhow::Error),
    /// It was dropped after a signal because it would have taken too long.
    Dropped,
}

/// Reads images and writes files, also on other threads.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) options: &'a export::Options,
    pub(super) out: &'a Path,
    pub(super) classes: &'a ClassSet,
    pub(super) opening: OpenOptions,
    /// Files of other programs.
    pub(super) exchange: &'a Exchange,
    /// Prints a line on standard error without disturbing the progress bar.
    pub(super) say: &'a (dyn Fn(&str) + Sync),
}

impl Files<'_> {
    /// The image ahead of its use; `None` if its files exist already.
    fn read_ahead(self, place: &Place) -> ReadAhead<Option<Photo>> {
        if let Some(path) = export::taken(self.options, self.classes, self.out, &place.place) {
            // Checked before the network runs in vain.
            return ReadAhead::Here(Err(ExportError::Exists { path }.into()));
        }
        if self.options.keep_existing && export::is_there(self.options, self.out, &place.place) {
            return ReadAhead::Here(Ok(None));
        }
        ReadAhead::of(place.image, memory_need(place.image, self.what_for()), |need| {
            open_needing(place.image, need, self.opening, self.say).map(Some)
        })
    }

    fn read(self, place: &Place) -> Result<Option<Photo>> {
        open_photo(place.image, self.opening, self.what_for(), self.say).map(Some)
    }

    fn what_for(&self) -> (usize, Option<&export::Options>) {
        (self.classes.len(), Some(self.options))
    }

    fn write(self, place: &Place, photo: &Photo, prediction: &Prediction) -> Done {
        let subject = Subject {
            photo,
            map: &prediction.labels.map,
            confidence: &prediction.labels.confidence,
            classes: self.classes,
        };
        // The name as the image has it, with its suffix, below the folder that it was found in.
        let suffix = place.image.extension().unwrap_or_default().to_string_lossy();
        let written = export::write(&subject, self.options, self.out, &place.place).map_err(anyhow::Error::from);
        let added = written.and_then(|written| {
            self.exchange
                .add(&format!("{}.{suffix}", place.place), &prediction.labels.map)?;
            Ok(written)
        });
        match added {
            Ok(written) => Done::Written(prediction.timings, written),
            Err(why) => refused_or_failed(why),
        }
    }
}

/// The index of an image, and the thread that writes its files.
type Writing<'scope> = (usize, ScopedJoinHandle<'scope, Done>);

/// A batch of images, with the outcomes so far.
pub(super) struct Batch<'a> {
    running: Running<'a>,
    files: Files<'a>,
    /// The image whose files have each output path.
    places: HashMap<&'a str, &'a Path>,
    /// Number of images that were started.
    begun: u64,
    written: usize,
    skipped: usize,
    refused: Vec<(PathBuf, anyhow::Error)>,
    failed: Vec<(PathBuf, anyhow::Error)>,
}

impl<'a> Batch<'a> {
    /// A batch without outcomes.
    pub(super) fn new(running: Running<'a>, files: Files<'a>) -> Self {
        Self {
            running,
            files,
            places: HashMap::new(),
            begun: 0,
            written: 0,
            skipped: 0,
            refused: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Segments images one after another, until a signal stops it. While the network runs, the next image is read and
    /// the files of the previous one are written, except those that need much memory.
    ///
    /// `on_share` receives the index of the current image and its progress, from 0 to 1; `tell` gets the outcome of each
    /// image, in their order.
    pub(super) fn run(
        &mut self,
        places: &'a [Place<'a>],
        mut on_share: impl FnMut(usize, f32),
        mut tell: impl FnMut(usize, &Done),
    ) {
        let files = self.files;
        std::thread::scope(|scope| {
            let mut reading: Option<ScopedJoinHandle<ReadAhead<_>>> = None;
            let mut writing: Option<Writing> = None;
            for (i, place) in places.iter().enumerate() {
                if stopping::is_asked() {
                    break;
                }
                on_share(i, 0.0);
                let read = reading.take().map_or_else(|| files.read_ahead(place), joined);
                if matches!(&writing, Some((before, _)) if places[*before].place == place.place) {
                    // Whether this image may have its place depends on whether that one gets it.
                    self.finish(places, writing.take(), &mut tell);
                }
                let other = self.places.get(&*place.place);
                let (photo, is_alone) = match (read, other) {
                    (_, Some(other)) => (Err(same_place(other)), false),
                    (ReadAhead::Here(photo), None) => (photo, false),
                    (ReadAhead::Alone, None) => {
                        self.finish(places, writing.take(), &mut tell);
                        (files.read(place), true)
                    }
                };
                if let Some(next) = places.get(i + 1).filter(|_| !is_alone) {
                    reading = Some(scope.spawn(move || files.read_ahead(next)));
                }
                let predicted = match photo {
                    Ok(Some(photo)) => {
                        let prediction = self.predicted(&photo, |share| on_share(i, share));
                        prediction.map(|prediction| (photo, prediction))
                    }
                    Ok(None) => Err(Done::Skipped),
                    Err(why) => Err(refused_or_failed(why)),
                };
                self.finish(places, writing.take(), &mut tell);
                match predicted {
                    Ok((photo, prediction)) => {
                        let thread = scope.spawn(move || files.write(place, &photo, &prediction));
                        writing = Some((i, thread));
                    }
                    Err(done) => self.count(i, place, done, &mut tell),
                }
                if is_alone {
                    self.finish(places, writing.take(), &mut tell);
                }
            }
            self.finish(places, writing.take(), &mut tell);
        });
    }

    /// Waits until the files of an image are written, if there is one.
    fn finish(&mut self, places: &'a [Place<'a>], writing: Option<Writing>, tell: &mut impl FnMut(usize, &Done)) {
        if let Some((i, thread)) = writing {
            self.count(i, &places[i], joined(thread), tell);
        }
    }

    fn predicted(&mut self, photo: &Photo, mut on_share: impl FnMut(f32)) -> Result<Prediction, Done> {
        let Running {
            model,
            output,
            settings,
            ..
        } = self.running;
        self.begun += 1;
        let task = Task {
            model: model.id,
            output,
            photo,
            photo_id: self.begun,
            settings,
        };
        let predicted = self.running.session.segment(&task, &mut |progress| {
            on_share(progress.fraction);
            stopping::keep_going()
        });
        predicted.map_err(|why| match anyhow::Error::from(why) {
            why if stopping::is_why(&why) => Done::Dropped,
            why => refused_or_failed(why),
        })
    }

    /// Tells and counts the outcome of an image.
    fn count(&mut self, i: usize, place: &'a Place<'a>, done: Done, tell: &mut impl FnMut(usize, &Done)) {
        tell(i, &done);
        let image = place.image;
        if matches!(done, Done::Written(..) | Done::Skipped) {
            self.places.insert(&place.place, image);
        }
        match done {
            Done::Written(..) => self.written += 1,
            Done::Skipped => self.skipped += 1,
            Done::Refused(why) => self.refused.push((image.to_owned(), why)),
            Done::Failed(why) => self.failed.push((image.to_owned(), why)),
            Done::Dropped => {}
        }
    }

    /// Prints a summary of `all` images; with `only_trouble`, for JSON output, only what went wrong.
    pub(super) fn tell(&self, all: usize, only_trouble: bool) {
        if !only_trouble {
            let out = self.files.out.display();
            err!("{} of {all} images segmented into {out}", self.written);
            if self.skipped > 0 {
                err!("{} of {all} images skipped because their files exist", self.skipped);
            }
        }
        let left = all - self.written - self.skipped - self.refused.len() - self.failed.len();
        if left > 0 {
            err!("segscope: stopped with {left} of {all} images to go; add --skip-existing to resume");
        }
        if !self.refused.is_empty() {
            err!(
                "segscope: {} of {all} images refused because files exist; add --skip-existing or --overwrite:",
                self.refused.len()
            );
            list(&self.refused[..self.refused.len().min(NAMED)]);
            if self.refused.len() > NAMED {
                err!("  and {} more", self.refused.len() - NAMED);
            }
        }
        if !self.failed.is_empty() {
            err!("segscope: {} of {all} images failed:", self.failed.len());
            list(&self.failed);
        }
    }

    /// 1 if an image was refused or failed, otherwise 0.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.failed.is_empty() || !self.refused.is_empty()))
    }
}

fn same_place(other: &Path) -> anyhow::Error {
    anyhow!(
        "another image of this run has the same name; add --recursive or --name '{{folder}}-{{name}}' if they are in \
         different folders, or write this one to another --out: {}",
        other.display()
    )
}

/// `Refused` where an image's files exist; a list of other classes is a failure because it concerns the whole folder.
fn refused_or_failed(why: anyhow::Error) -> Done {
    let is_of_image =
        matches!(why.downcast_ref::<ExportError>(), Some(ExportError::Exists { path }) if !export::is_class_list(path));
    match is_of_image {
        true => Done::Refused(why),
        false => Done::Failed(why),
    }
}

/// Prints a line for each image.
fn list(images: &[(PathBuf, anyhow::Error)]) {
    for (image, why) in images {
        let (name, why) = (image.display().to_string(), described(why));
        // Most messages already end with the path.
        match why.contains(&name) {
            true => err!("  {why}"),
            false => err!("  {name}: {why}"),
        }
    }
}
