//! The released checkpoints of Segmenter and SETR: which there are, where their projects publish them, and which of
//! them lie in a folder. Nothing is downloaded here.

mod present;
mod recognise;
mod released;

pub use present::{ModelsFolder, PresentModel, Unrecognised, present, usual_folder};
pub use released::{Project, Released, Size, released};
