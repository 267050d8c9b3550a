//! Files that appear whole or not at all: written beside their place, then renamed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

/// A complete file beside the place where it belongs; dropping it removes it.
///
/// Its handle is closed already: one photo can have more masks than a process may have open files.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: TempPath,
    path: PathBuf,
}

impl StagedFile {
    /// Writes and syncs a file beside `path`.
    ///
    /// # Errors
    /// When the folder is missing, read-only or full; nothing is left behind then.
    pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut file = Self::empty(path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(Self {
            file: file.into_temp_path(),
            path: path.into(),
        })
    }

    /// Writes a file beside `path` and puts it there, in place of what may be there.
    ///
    /// # Errors
    /// As [`StagedFile::write`]; what was there stays then.
    pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        Self::write(path, bytes)?.commit()
    }

    /// Lets `fill` write a file beside `path` under the name that it is given, and syncs it.
    ///
    /// # Errors
    /// As [`StagedFile::write`].
    pub(crate) fn fill(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let file = Self::empty(path)?.into_temp_path();
        let permissions = std::fs::metadata(&file)?.permissions();
        fill(&file)?;
        // Whoever fills it may do so by way of a temporary file of his own, which only the owner may read.
        std::fs::set_permissions(&file, permissions)?;
        std::fs::File::open(&file)?.sync_all()?;
        Ok(Self {
            file,
            path: path.into(),
        })
    }

    fn empty(path: &Path) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".segscope-");
        // By default only the owner may read a temporary file; a picture is for whom the umask admits.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder_of(path))
    }

    /// The place where it belongs.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to its place, over what may be there.
    ///
    /// # Errors
    /// When the system refuses; then the place is as it was.
    pub(crate) fn commit(self) -> io::Result<()> {
        self.file.persist(&self.path).map_err(|e| e.error)
    }
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
