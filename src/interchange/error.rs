//! Why labels cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// Why labels cannot be read or written. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum InterchangeError {
    /// The system refuses to read.
    #[error("the labels cannot be read ({0}): {path}", path = .1.display())]
    Read(#[source] io::Error, PathBuf),
    /// The system refuses to write.
    #[error("the labels cannot be written ({0}): {path}", path = .1.display())]
    Write(#[source] io::Error, PathBuf),
    /// A file is not what its format says. The text has what was expected, what was found, and what to do.
    #[error("{0}: {path}", path = .1.display())]
    Content(String, PathBuf),
    /// The labels cannot be held by a format. The text has what was expected, what was found, and what to do; it ends
    /// with the name of the image.
    #[error("{0}: {1}")]
    CannotHold(String, String),
}

impl InterchangeError {
    /// A file that is not what its format says: "expected …, found …; what to do".
    pub fn content(text: impl Into<String>, path: &Path) -> Self {
        Self::Content(text.into(), path.to_owned())
    }

    /// For `map_err` of reading.
    pub fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |why| Self::Read(why, path)
    }

    /// For `map_err` of writing.
    pub fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |why| Self::Write(why, path)
    }
}
