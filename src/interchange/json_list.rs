//! Writes a JSON file with one long list, element by element.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::InterchangeError;
use crate::staged_file::StagedFile;

/// Elements of a list that will stand in a file. Until then they are in a temporary file.
pub(super) struct JsonList {
    path: PathBuf,
    elements: BufWriter<File>,
    is_empty: bool,
}

impl JsonList {
    /// An empty list for the file `path`.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub(super) fn for_file(path: &Path) -> Result<Self, InterchangeError> {
        let elements = tempfile::tempfile().map_err(InterchangeError::write(path))?;
        Ok(Self {
            path: path.to_owned(),
            elements: BufWriter::new(elements),
            is_empty: true,
        })
    }

    /// Appends an element.
    ///
    /// # Errors
    /// When the disk is full.
    pub(super) fn push(&mut self, element: &impl Serialize) -> Result<(), InterchangeError> {
        let separator: &[u8] = if self.is_empty { b"\n" } else { b",\n" };
        self.is_empty = false;
        let written = self.elements.write_all(separator);
        let written =
            written.and_then(|()| serde_json::to_writer(&mut self.elements, element).map_err(io::Error::from));
        written.map_err(InterchangeError::write(&self.path))
    }

    /// Writes the file: `head`, which ends with `[`, the elements, and `tail`.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn finish(self, head: &str, tail: &str) -> Result<(), InterchangeError> {
        let Self { path, elements, .. } = self;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(InterchangeError::write(folder))?;
        }
        let fill = |temporary: &Path| {
            let mut elements = elements.into_inner().map_err(io::IntoInnerError::into_error)?;
            elements.seek(SeekFrom::Start(0))?;
            let mut file = BufWriter::new(File::create(temporary)?);
            file.write_all(head.as_bytes())?;
            io::copy(&mut BufReader::new(elements), &mut file)?;
            file.write_all(b"\n")?;
            file.write_all(tail.as_bytes())?;
            file.flush()
        };
        let staged = StagedFile::fill(&path, fill).map_err(InterchangeError::write(&path))?;
        staged.commit().map_err(InterchangeError::write(&path))
    }
}
