//! Resolves the path that a file is written to.

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::folder_of;

/// Maximum length of a chain of links, as on Linux; a longer one is taken for a loop.
const MAX_LINKS: usize = 40;

/// The target that a path stands for.
#[derive(Debug)]
pub(super) enum Target {
    /// A regular file, which may not exist yet; a temporary file is renamed to it.
    File(PathBuf),
    /// A pipe, a terminal or another device, which is written to.
    Stream(PathBuf),
    /// Standard output.
    Stdout,
}

impl Target {
    /// Resolves a path, following links.
    ///
    /// # Errors
    /// When the links form a loop.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut place = path.to_owned();
        for _ in 0..MAX_LINKS {
            if is_stdout(&place) {
                return Ok(Self::Stdout);
            }
            if is_descriptor(&place) {
                return Ok(Self::Stream(place));
            }
            match fs::read_link(&place) {
                Ok(next) => place = folder_of(&place).join(next),
                Err(_) => {
                    let is_stream = |found: fs::Metadata| !found.is_file() && !found.is_dir();
                    return Ok(match fs::metadata(&place).is_ok_and(is_stream) {
                        true => Self::Stream(place),
                        false => Self::File(place),
                    });
                }
            }
        }
        Err(io::Error::other("the links form a loop"))
    }

    /// The folder for the temporary file.
    pub(super) fn staging_folder(&self) -> PathBuf {
        match self {
            Self::File(place) => folder_of(place).to_owned(),
            Self::Stream(_) | Self::Stdout => std::env::temp_dir(),
        }
    }

    /// Appends the content of `from` to a stream or file.
    ///
    /// # Errors
    /// When the system refuses. A closed standard output is not an error, because its reader needs no more output.
    pub(super) fn write(&self, from: &mut dyn Read) -> io::Result<()> {
        match self {
            Self::File(place) | Self::Stream(place) => {
                let mut to = fs::OpenOptions::new().append(true).open(place)?;
                io::copy(from, &mut to)?;
                to.flush()
            }
            Self::Stdout => {
                let mut to = io::stdout().lock();
                let written = io::copy(from, &mut to).and_then(|_| to.flush());
                match written {
                    Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    written => written,
                }
            }
        }
    }
}

/// Whether a path means standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    // Compared as text: as paths, `./-` and `-` would differ, but `-/` and `-` would not.
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// Whether writing to this path would overwrite an existing file.
pub(crate) fn is_taken(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(place)) if place.symlink_metadata().is_ok())
}

/// Whether a file at this path is replaced as a whole and can be read back, instead of being a stream.
pub(crate) fn is_renamed_to(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(_)))
}

/// Whether a path means an open file of this process. It may be a regular file, but a new file in its place would not
/// reach the process that opened it.
fn is_descriptor(path: &Path) -> bool {
    cfg!(unix) && (path.starts_with("/dev/fd") || path.starts_with("/proc") || path.as_os_str() == "/dev/stderr")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::staged_file::StagedFile;

    #[test]
    fn links_are_kept_and_their_targets_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::create_dir(place("below")).expect("a folder");
        fs::write(place("below/kept.csv"), "old").expect("a file");
        // A chain of links, one of them relative to its own folder.
        symlink("kept.csv", place("below/inner")).expect("a link");
        symlink(place("below/inner"), place("outer")).expect("a link");
        assert!(is_taken(&place("outer")));
        StagedFile::replace(&place("outer"), b"new").expect("it can be written");
        assert!(place("outer").is_symlink() && place("below/inner").is_symlink());
        assert_eq!(fs::read(place("below/kept.csv")).expect("a file"), b"new");
        // Writing to a dangling link creates its target, and overwrites nothing.
        symlink("missing.csv", place("dangling")).expect("a link");
        assert!(!is_taken(&place("dangling")));
        StagedFile::replace(&place("dangling"), b"new").expect("it can be written");
        assert!(place("dangling").is_symlink());
        assert_eq!(fs::read(place("missing.csv")).expect("a file"), b"new");
    }

    #[test]
    fn link_loops_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("b", folder.path().join("a")).expect("a link");
        symlink("a", folder.path().join("b")).expect("a link");
        StagedFile::replace(&folder.path().join("a"), b"new").expect_err("there is no such place");
    }

    #[test]
    fn permissions_of_the_replaced_file_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a");
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
        StagedFile::replace(&file, b"new").expect("it can be written");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn devices_are_written_to() {
        let null = Path::new("/dev/null");
        assert!(!is_taken(null) && !is_renamed_to(null));
        StagedFile::replace(null, b"new").expect("it can be written");
        assert!(
            !fs::metadata(null).expect("a device").is_file(),
            "it is still not a file"
        );
    }

    #[test]
    fn a_hyphen_is_standard_output_unless_a_folder_is_named() {
        assert!(is_stdout(Path::new("-")) && is_stdout(Path::new("/dev/stdout")));
        assert!(!is_stdout(Path::new("./-")) && !is_stdout(Path::new("out/-")));
    }
}
