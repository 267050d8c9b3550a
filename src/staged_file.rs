//! Writes files atomically: to a temporary file in the same folder, which is then renamed.
//!
//! Links are followed, so the file that a link points to is replaced. A path that is not a regular file (a pipe, a
//! terminal) or is `-`, which means standard output, is written to when the content is complete.

mod leftovers;
mod target;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir, TempPath};

pub(crate) use leftovers::has_leftovers;
use target::Target;
pub(crate) use target::{is_renamed_to, is_stdout, is_taken};

/// A complete temporary file in the folder of its target path; dropping it removes it.
///
/// It is not held open, because one image can have more masks than a process may have open files.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: TempPath,
    /// The temporary folder of the file, where its writer may have left other temporary files; dropped after the file.
    _folder: Option<TempDir>,
    target: Target,
    path: PathBuf,
}

impl StagedFile {
    /// Writes and syncs a temporary file in the folder of `path`.
    ///
    /// # Errors
    /// When the folder is missing, read-only or full; then no file is left behind.
    pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let target = Target::of(path)?;
        let mut file = empty_in(&swept(target.staging_folder()))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(Self {
            file: file.into_temp_path(),
            _folder: None,
            target,
            path: path.into(),
        })
    }

    /// Writes a file to `path`, replacing an existing one.
    ///
    /// # Errors
    /// As [`StagedFile::write`]; then an existing file is unchanged.
    pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        Self::write(path, bytes)?.commit()
    }

    /// Calls `fill` with the name of a temporary file in the folder of `path` to write to, and syncs it.
    ///
    /// # Errors
    /// As [`StagedFile::write`].
    pub(crate) fn fill(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let target = Target::of(path)?;
        // In a separate folder, so that temporary files made by `fill` are removed with it after a kill.
        let folder = Builder::new()
            .prefix(leftovers::prefix())
            .tempdir_in(swept(target.staging_folder()))?;
        let file = empty_in(folder.path())?.into_temp_path();
        let permissions = fs::metadata(&file)?.permissions();
        fill(&file)?;
        // `fill` may have replaced the file with one that only the owner may read.
        fs::set_permissions(&file, permissions)?;
        fs::File::open(&file)?.sync_all()?;
        Ok(Self {
            file,
            _folder: Some(folder),
            target,
            path: path.into(),
        })
    }

    /// The target path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to its target path. It replaces an existing file and keeps that file's permissions.
    ///
    /// # Errors
    /// When the system refuses; then the target is unchanged, unless it is a stream.
    pub(crate) fn commit(self) -> io::Result<()> {
        match &self.target {
            Target::File(place) => {
                if let Ok(found) = fs::metadata(place) {
                    fs::set_permissions(&self.file, found.permissions())?;
                }
                self.file.persist(place).map_err(|e| e.error)
            }
            stream => stream.write(&mut fs::File::open(&self.file)?),
        }
    }
}

fn empty_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(leftovers::prefix());
    // By default, only the owner may read a temporary file; here the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes the leftovers of dead runs from a folder and returns it.
fn swept(folder: PathBuf) -> PathBuf {
    leftovers::sweep(&folder);
    folder
}

/// The folder of a path.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
