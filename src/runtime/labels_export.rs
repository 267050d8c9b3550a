//! Exports of labels that were edited: images, or files of other programs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::image::OpenImage;
use crate::annotate::UNLABELLED;
use crate::export::{self, ExportError, Format, PlannedFile, Subject};
use crate::interchange::{
    self, InterchangeError, LabelClasses, LabelReader, LabelledImage, Mapping, ReadChoices, Source, Stop, WriteChoices,
};
use crate::labels::{ClassSet, LabelMap};

/// An export of labels that were edited.
#[derive(Clone, Debug)]
pub struct LabelsExport {
    /// The image.
    pub photo: OpenImage,
    /// What should be looked at before the labels are used.
    pub findings: Vec<String>,
    /// A class id per pixel; unlabelled pixels have a value of their own.
    pub map: Arc<LabelMap>,
    /// Names and colours of the classes, by id.
    pub classes: ClassSet,
    /// Formats and appearance. There is no confidence to write.
    pub options: export::Options,
    /// Target folder.
    pub folder: PathBuf,
    /// What the project knows of the labels.
    pub origin: LabelsOrigin,
    /// What is written for another program instead of images.
    pub exchange: Option<Exchange>,
}

/// What a project knows of the labels that are exported.
#[derive(Clone, Debug, Default)]
pub struct LabelsOrigin {
    /// The classes; ids need not be contiguous.
    pub classes: LabelClasses,
    /// Name of the open image below the images of the project.
    pub image: String,
    /// The folder of the project, if it has a class list on disk.
    pub root: Option<PathBuf>,
    /// Names of the images that are marked as done.
    pub done: Vec<String>,
    /// Number of images with labels.
    pub labelled: usize,
}

/// Labels for another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The form of the files.
    pub format: &'static interchange::Format,
    /// Which labels are written.
    pub which: Which,
    /// One annotation for each connected part of a class.
    pub parts: bool,
    /// What each class becomes where the format has classes of its own, by id; [`UNLABELLED`] for none. Others become the
    /// class with their name.
    pub becomes: BTreeMap<u16, u16>,
}

/// Which labels of a project are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those of the open image.
    #[default]
    Open,
    /// Those of images that are marked as done, as they are on disk.
    Done,
    /// All that are on disk.
    All,
}

impl LabelsExport {
    /// What `{model}` stands for in file names.
    const TITLE: &str = "labels";

    /// The same without a format that labels do not have.
    fn options(&self) -> export::Options {
        let mut options = self.options.clone();
        options.formats.retain(|format| *format != Format::Confidence);
        options
    }

    /// The files that [`LabelsExport::write`] would write.
    pub(super) fn plan(&self) -> Vec<PlannedFile> {
        if let Some(exchange) = &self.exchange {
            return vec![self.planned(exchange)];
        }
        let options = self.options();
        let stem = options.file_stem(&self.photo.source.stem(), Self::TITLE);
        export::files(&self.subject(), &options, &self.folder, &stem)
    }

    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// As [`export::write`].
    pub(super) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        if let Some(exchange) = &self.exchange {
            self.write_exchange(exchange)
                .map_err(|why| ExportError::Labels(why.to_string()))?;
            return Ok(vec![self.folder_of(exchange)]);
        }
        let options = self.options();
        let stem = options.file_stem(&self.photo.source.stem(), Self::TITLE);
        export::write(&self.subject(), &options, &self.folder, &stem)
    }

    /// What the format does not hold.
    pub(super) fn warning(&self) -> Option<String> {
        let exchange = self.exchange.as_ref()?;
        self.loss(exchange).unwrap_or_else(|why| Some(why.to_string()))
    }

    /// The parts that an export needs.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            photo: &self.photo.photo,
            map: &self.map,
            confidence: &[],
            classes: &self.classes,
        }
    }
}

/// Files of other programs.
impl LabelsExport {
    /// The folder that is written: one of its own in the folder that the user chose.
    fn folder_of(&self, exchange: &Exchange) -> PathBuf {
        self.folder.join(exchange.format.key)
    }

    fn planned(&self, exchange: &Exchange) -> PlannedFile {
        let path = self.folder_of(exchange);
        let is_used = std::fs::read_dir(&path).is_ok_and(|mut listed| listed.next().is_some());
        let images = match exchange.which {
            Which::Open => 1,
            Which::Done => self.origin.done.len(),
            Which::All => self.origin.labelled,
        };
        // Formats hold borders, so their number tells how large the files become.
        let borders = self.map.ids.windows(2).filter(|pair| pair[0] != pair[1]).count();
        PlannedFile {
            path,
            exists: is_used,
            description: exchange.format.about.to_owned(),
            bytes: ((borders * 3 + 1000) * images) as u64,
        }
    }

    /// The labels that are written, with the classes of the format.
    fn source(&self, exchange: &Exchange) -> Result<Source, Stop> {
        let reader: Box<dyn LabelReader> = match (&self.origin.root, exchange.which) {
            (Some(root), Which::Done | Which::All) => {
                let project = interchange::Format::named("segscope").ok_or("the format of projects is missing")?;
                project.open(root, &ReadChoices::default())?
            }
            _ => Box::new(OneImage {
                names: vec![self.origin.image.clone()],
                map: self.map.clone(),
                classes: self.origin.classes.clone(),
            }),
        };
        let classes = reader.classes();
        let mapping = match exchange.format.classes() {
            None => Mapping::identity(classes),
            Some(own) => Mapping::chosen(classes, &own, &exchange.becomes).map_err(|missing| {
                let (title, missing) = (exchange.format.title, missing.join(", "));
                format!("Choose what these classes become in {title}: {missing}")
            })?,
        };
        let mut source = Source::new(reader, mapping);
        if exchange.which == Which::Done {
            source.keep(|name| self.origin.done.iter().any(|done| done == name));
        }
        Ok(source)
    }

    /// What a format does not hold, in pixels, or why it cannot be written.
    fn loss(&self, exchange: &Exchange) -> Result<Option<String>, Stop> {
        let mut source = self.source(exchange)?;
        if exchange.format.exact {
            return Ok(None);
        }
        // Nothing is written yet: the writer only makes its folder, which is a temporary one here.
        let folder = tempfile::tempdir()?;
        let classes = source.mapping().classes().clone();
        let writer = exchange
            .format
            .create(folder.path(), &classes, &WriteChoices::default())?;
        let loss = source.loss(writer.as_ref(), |_| Ok(()))?;
        let title = exchange.format.title;
        Ok(Some(match loss.images.len() {
            0 => format!("{title} holds every pixel of these labels"),
            1 => format!("{} px would change in {title}", loss.changed),
            count => format!("{} px in {count} photos would change in {title}", loss.changed),
        }))
    }

    fn write_exchange(&self, exchange: &Exchange) -> Result<(), Stop> {
        let mut source = self.source(exchange)?;
        let choices = WriteChoices {
            images: None,
            parts: exchange.parts,
        };
        let classes = source.mapping().classes().clone();
        let writer = exchange.format.create(&self.folder_of(exchange), &classes, &choices)?;
        source.write(writer, |_| Ok(()))
    }
}

/// The labels of the open image.
struct OneImage {
    names: Vec<String>,
    map: Arc<LabelMap>,
    classes: LabelClasses,
}

impl LabelReader for OneImage {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let mut labels = self.map.as_ref().clone();
        for id in labels.ids.iter_mut().filter(|id| self.classes.get(**id).is_none()) {
            *id = UNLABELLED;
        }
        Ok(LabelledImage {
            name: self.names[index].clone(),
            labels,
        })
    }
}
