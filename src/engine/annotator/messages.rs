//! What is asked of the thread that writes label files, and what it reports.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::finding::{Find, Found};
use super::importing::Import;
use crate::annotate::Patch;
use crate::annotate::project::{ClassEdit, ImageRecord, Origin, Project};
use crate::datasets::TruthReader;
use crate::engine::ticket::Ticket;
use crate::labels::{ClassSet, LabelMap};

/// What is asked of the thread, in the order in which it is done. Images are named by their paths.
pub enum AnnotationRequest {
    /// Open the labels of an image.
    Open {
        /// Returned with the answer.
        ticket: Ticket,
        /// The image.
        image: PathBuf,
        /// Width and height in pixels.
        size: [usize; 2],
        /// The classes of a folder without a class list of its own, as its label files have them.
        classes: ClassSet,
        /// The colours that a new class list gets, by id.
        colors: Vec<[u8; 3]>,
        /// Reads label files of other programs.
        reader: Box<TruthReader>,
    },
    /// An edit has been made.
    Edit {
        /// The image.
        image: PathBuf,
        /// What its tiles hold now.
        edit: Patch,
        /// What is known of the image now.
        record: ImageRecord,
        /// Number of the edit, which comes back when it is saved.
        number: u64,
    },
    /// What is known of an image has changed.
    Record {
        /// The image.
        image: PathBuf,
        /// What is known now.
        record: ImageRecord,
    },
    /// Try again to write what could not be written of an image.
    Save {
        /// The image.
        image: PathBuf,
        /// Whether to replace a label file that another program has changed.
        over: bool,
    },
    /// Forget the labels of an image once all edits are saved. If they cannot be, the labels stay.
    Close {
        /// The image.
        image: PathBuf,
    },
    /// Forget the labels of an image with the edits that are not saved, because another program has changed the file.
    Discard {
        /// The image.
        image: PathBuf,
    },
    /// Change the class list of the project that an image belongs to, with all its label files.
    EditClasses {
        /// The image.
        image: PathBuf,
        /// The change.
        edit: ClassEdit,
    },
    /// Take the last change of the class list back.
    UndoClasses {
        /// The image.
        image: PathBuf,
    },
    /// Find something, once no edit and no label file waits.
    Find(Find),
    /// Take labels of another program into the project, image by image, while no edit and no label file waits.
    Import(Box<Import>),
    /// Count the pixels of a class in all label files.
    Count {
        /// The image.
        image: PathBuf,
        /// The class.
        id: u16,
    },
}

/// The labels of an image, as they were opened.
#[derive(Clone, Debug)]
pub struct OpenedAnnotation {
    /// The folder of the project.
    pub root: PathBuf,
    /// The label file.
    pub labels: PathBuf,
    /// Where the labels come from.
    pub origin: Origin,
    /// The labels.
    pub map: Arc<LabelMap>,
    /// Pixels of each class that occurs, and of none.
    pub counts: Vec<(u16, u64)>,
    /// The class list.
    pub project: Project,
    /// Whether the folder has a class list of its own. Otherwise it follows the model in use.
    pub has_class_list: bool,
    /// What is known of the image.
    pub record: ImageRecord,
    /// What is known of all images of the project.
    pub records: Vec<ImageRecord>,
    /// Number of edits that had not been saved, and were made again.
    pub recovered: usize,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// What the thread reports.
#[derive(Debug)]
pub enum AnnotationNews {
    /// Labels have been opened.
    Opened {
        /// That of the request.
        ticket: Ticket,
        /// The labels.
        labels: Box<OpenedAnnotation>,
    },
    /// Labels cannot be opened.
    OpenFailed {
        /// That of the request.
        ticket: Ticket,
        /// The error message for the user.
        message: String,
    },
    /// A label file has been written.
    Saved {
        /// The image.
        image: PathBuf,
        /// Number of the last edit in it.
        number: u64,
        /// How long writing took.
        took: Duration,
        /// Where the original of another program is kept, when this was the first time.
        original: Option<PathBuf>,
        /// Whether the file has more colours or bits than before.
        grown: bool,
    },
    /// A label file or what belongs to it cannot be written; the edits are kept.
    SaveFailed {
        /// The image.
        image: PathBuf,
        /// The error message for the user.
        message: String,
        /// Whether another program has changed the file.
        changed: bool,
    },
    /// A class list has changed.
    Classes {
        /// The folder of the project.
        root: PathBuf,
        /// The class list now.
        project: Project,
        /// The ids before and after of pixels that changed with it; `None` where it was undone.
        replaced: Option<[u16; 2]>,
        /// What the tiles of open images hold now.
        edits: Vec<(PathBuf, Patch)>,
        /// How many pixels changed, in how many label files.
        changed: [u64; 2],
        /// Whether it can be undone.
        undo: bool,
    },
    /// A class list cannot be changed so.
    ClassesFailed {
        /// The error message for the user.
        message: String,
    },
    /// Labels of another program are being imported.
    Importing {
        /// Number of images that have been looked at.
        done: usize,
        /// Number of all.
        count: usize,
    },
    /// Labels of another program have been imported, as one change that can be undone.
    Imported {
        /// The folder of the project.
        root: PathBuf,
        /// What is known of all its images.
        records: Vec<ImageRecord>,
        /// What was imported, for the user.
        message: String,
        /// Whether all labels were taken.
        complete: bool,
    },
    /// Labels cannot be imported.
    ImportFailed {
        /// The error message for the user.
        message: String,
    },
    /// Something has been found.
    Found(Found),
    /// The pixels of a class in all label files.
    Counted {
        /// The class.
        id: u16,
        /// Pixels, and label files with at least one.
        pixels: [u64; 2],
    },
}
