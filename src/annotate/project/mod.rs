//! An annotation project on disk: its classes, the label file of each image, what is known of each image, and what makes
//! sure that nothing is lost.
//!
//! ```text
//! project.toml               classes with their ids, colours, keys and locks; for editing by hand
//! state.jsonl                a line per image: its state, what it was made from, and notes
//! labels/PATH.png            one class id per pixel; beside each label file:
//!   .backup/NAME.*.png       its earlier versions, and the original if another program wrote it
//!   .journal/NAME.journal    edits since it was last written; removed after it has been
//! ```

mod backup;
mod classes;
mod id_table;
mod journal;
mod label_file;
mod place;
mod records;
mod store;
#[cfg(test)]
mod tests;

pub use classes::{ClassEdit, ClassEditError, Project, ProjectClass, ProjectError};
pub use label_file::{LabelFile, LabelFileError, Origin, SaveError, Saved};
pub use place::Place;
pub use records::{ImageRecord, ImageState, Note, Records};
pub use store::{OpenedLabels, Store, StoreError};
