//! Files that appear whole or not at all: written beside their place, then renamed.
//!
//! A link is followed, so that the file it names is the one replaced. What is no regular file (a pipe, a terminal) and
//! `-`, which names standard output, are written to when the whole content is there.

mod leftovers;
mod target;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir, TempPath};

pub(crate) use leftovers::has_leftovers;
use target::Target;
pub(crate) use target::{is_renamed_to, is_stdout, is_taken};

/// A complete file beside the place where it belongs; dropping it removes it.
///
/// Its handle is closed already: one photo can have more masks than a process may have open files.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: TempPath,
    /// What the file lies in, where whoever filled it may have had temporary files of his own; dropped after it.
    _folder: Option<TempDir>,
    target: Target,
    path: PathBuf,
}

impl StagedFile {
    /// Writes and syncs a file beside `path`.
    ///
    /// # Errors
    /// When the folder is missing, read-only or full; nothing is left behind then.
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
        let target = Target::of(path)?;
        // In a folder of its own, so that temporary files of whoever fills it go with it after a kill.
        let folder = Builder::new()
            .prefix(leftovers::prefix())
            .tempdir_in(swept(target.staging_folder()))?;
        let file = empty_in(folder.path())?.into_temp_path();
        let permissions = fs::metadata(&file)?.permissions();
        fill(&file)?;
        // Such a temporary file may be one that only the owner may read.
        fs::set_permissions(&file, permissions)?;
        fs::File::open(&file)?.sync_all()?;
        Ok(Self {
            file,
            _folder: Some(folder),
            target,
            path: path.into(),
        })
    }

    /// The place where it belongs.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to its place, over what may be there, whose permissions it takes.
    ///
    /// # Errors
    /// When the system refuses; then the place is as it was, unless it is one that is written to.
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
    // By default only the owner may read a temporary file; a picture is for whom the umask admits.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// The folder, without what dead runs have left in it.
fn swept(folder: PathBuf) -> PathBuf {
    leftovers::sweep(&folder);
    folder
}

/// The folder that a path lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
