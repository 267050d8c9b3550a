//! What every format reads and writes.

use std::borrow::Cow;
use std::path::PathBuf;

use super::{InterchangeError, LabelClasses};
use crate::labels::LabelMap;

/// An image with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// The image's path below the image folder, with `/` and its suffix, such as `val/a.jpg`. Formats that name no
    /// suffix give `.png`.
    pub name: String,
    /// One class id for each pixel.
    pub labels: LabelMap,
}

/// What a reader is told besides the files.
#[derive(Clone, Debug, Default)]
pub struct ReadChoices {
    /// The folder of the images, for formats that do not say how large they are.
    pub images: Option<PathBuf>,
    /// The classes, for formats that do not name them, or to give names other ids than the file's order.
    pub classes: Option<LabelClasses>,
}

/// What a writer is told besides the labels.
#[derive(Clone, Debug, Default)]
pub struct WriteChoices {
    /// The folder of the images, for formats that name them or need their size.
    pub images: Option<PathBuf>,
    /// One annotation for each connected part of a class instead of one for each class. Such parts are no instances.
    pub parts: bool,
}

/// Reads the labels of a folder or file, image by image. Opening it reads what belongs to all images and checks it;
/// memory does not grow with the label maps.
pub trait LabelReader: Send {
    /// The classes that the files name, or those of [`ReadChoices::classes`].
    fn classes(&self) -> &LabelClasses;

    /// Names of the images, in the order of reading.
    fn names(&self) -> &[String];

    /// Reads the labels of the image with this index.
    ///
    /// # Errors
    /// When something is missing, damaged or contradicts itself. Never a part of a map.
    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError>;

    /// What the user should know: assumptions, and what was repaired. Sentences.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Writes labels, image by image. Files appear whole or not at all; those of all images appear in `finish`.
pub trait LabelWriter: Send {
    /// What a reader of the format gets back of a map: the map itself where the format is exact.
    fn kept<'a>(&self, labels: &'a LabelMap) -> Cow<'a, LabelMap> {
        Cow::Borrowed(labels)
    }

    /// Writes the labels of an image.
    ///
    /// # Errors
    /// When an id has no class, the format cannot hold the size or an id, or the file cannot be written.
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError>;

    /// Writes what belongs to all images.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn finish(self: Box<Self>) -> Result<(), InterchangeError>;
}
