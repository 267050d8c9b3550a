//! Files that appear whole or not at all: written beside their place, then renamed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::ExportError;

/// A complete file beside the place where it belongs; dropping it removes it.
///
/// Its handle is closed already: one photo can have more masks than a process may have open files.
#[derive(Debug)]
pub(super) struct Staged {
    file: TempPath,
    path: PathBuf,
}

impl Staged {
    /// Moves the file to its place, over what may be there.
    ///
    /// # Errors
    /// When the system refuses; then the place is as it was.
    pub(super) fn commit(self) -> Result<PathBuf, ExportError> {
        match self.file.persist(&self.path) {
            Ok(()) => Ok(self.path),
            Err(e) => Err(ExportError::Write {
                source: e.error,
                path: self.path,
            }),
        }
    }
}

/// Writes and syncs a file beside `path`, whose folder is made if need be.
///
/// # Errors
/// When the folder cannot be made or the file not be written.
pub(super) fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, ExportError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|source| ExportError::CreateFolder {
        source,
        path: folder.into(),
    })?;
    match written(folder, bytes) {
        Ok(file) => Ok(Staged {
            file,
            path: path.into(),
        }),
        Err(source) => Err(ExportError::Write {
            source,
            path: path.into(),
        }),
    }
}

fn written(folder: &Path, bytes: &[u8]) -> io::Result<TempPath> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".segscope-");
    // By default only the owner may read a temporary file; a picture is for whom the umask admits.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}
