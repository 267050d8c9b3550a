//! The released checkpoints of Segmenter and SETR: a table of them with links, and which of them are in a folder.
//! Nothing is downloaded here.

mod present;
mod recognise;
mod released;

pub use present::{ModelsFolder, PresentModel, Unrecognised, present, usual_folder};
pub use released::{Project, Released, Size, released};
