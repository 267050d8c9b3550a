//! What can go wrong while a decoder is taught.

use std::io;
use std::path::PathBuf;

/// Why strokes, tokens or a decoder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TeachError {
    /// A stroke file cannot be read or written.
    #[error("the stroke file cannot be {0} ({1}); check the folder and its permissions: {path}", path = .2.display())]
    File(&'static str, io::Error, PathBuf),
    /// A file is not a stroke file, or one of its values is out of bounds.
    #[error("{0}: {path}", path = .1.display())]
    In(Box<TeachError>, PathBuf),
    /// The text is not JSON of this form.
    #[error(
        "expected a stroke file (JSON with image, width, height, classes and strokes), found something else ({0}); \
         write it again or choose another file"
    )]
    Json(serde_json::Error),
    /// A value of a stroke file is out of bounds.
    #[error("expected {expected}, found {found}; {remedy}")]
    Value {
        /// What the file should hold, and where.
        expected: String,
        /// What it holds.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Tokens or weights do not have the number of values that their sizes ask for.
    #[error("expected {expected} values for {what}, found {found}; encode the photo again")]
    Count {
        /// What the values are of.
        what: &'static str,
        /// How many belong there.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Sizes of two things differ that belong together.
    #[error("expected {what} of {expected}, found {found}; encode the photo again with the same model")]
    Size {
        /// What has the size.
        what: &'static str,
        /// The size that belongs there.
        expected: String,
        /// The size that was found.
        found: String,
    },
    /// A token or a weight is infinite or not a number.
    #[error("expected finite numbers in {0}, found one that is not; encode the photo again, or choose another model")]
    NotFinite(&'static str),
    /// Nothing to learn from.
    #[error("expected at least one stroke inside a photo, found none; draw a stroke for each class")]
    NoStrokes,
    /// A stroke or a finished label map has a class that the lesson does not have.
    #[error("expected classes of the lesson, found class {0}; add the class or draw the stroke with another one")]
    UnknownClass(u16),
}
