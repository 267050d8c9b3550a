//! Where a file goes that is written under a name.

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::folder_of;

/// A chain of more links is a loop, as on Linux.
const MOST_LINKS: usize = 40;

/// Where a file goes that is written under a name.
#[derive(Debug)]
pub(super) enum Target {
    /// A regular file, or one that is not there yet: another is renamed to it.
    File(PathBuf),
    /// A pipe, a terminal or another device: it is written to.
    Stream(PathBuf),
    /// Standard output.
    Stdout,
}

impl Target {
    /// What the name means, links followed.
    ///
    /// # Errors
    /// When the links go in a circle.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut place = path.to_owned();
        for _ in 0..MOST_LINKS {
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
        Err(io::Error::other("the links go in a circle"))
    }

    /// The folder in which a file is made before it goes there.
    pub(super) fn staging_folder(&self) -> PathBuf {
        match self {
            Self::File(place) => folder_of(place).to_owned(),
            Self::Stream(_) | Self::Stdout => std::env::temp_dir(),
        }
    }

    /// Writes what `from` holds to the end of a stream or file.
    ///
    /// # Errors
    /// When the system refuses. That nobody reads standard output any more is no error: what goes there is not wanted.
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

/// Whether the name means standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    // As text: as paths, `./-` and `-` would be told apart, but `-/` and `-` would not.
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path.as_os_str() == *name)
}

/// Whether something is there that would be lost if a file were written under this name.
pub(crate) fn is_taken(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(place)) if place.symlink_metadata().is_ok())
}

/// Whether a file of this name is replaced as a whole, and can be read again, rather than written to.
pub(crate) fn is_renamed_to(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::File(_)))
}

/// Whether the name means something that this process holds open: it may be a regular file, but a new one in its place
/// would go past whoever opened it.
fn is_descriptor(path: &Path) -> bool {
    cfg!(unix) && (path.starts_with("/dev/fd") || path.starts_with("/proc") || path.as_os_str() == "/dev/stderr")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::staged_file::StagedFile;

    #[test]
    fn a_link_stays_one_and_its_file_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        fs::create_dir(place("below")).expect("a folder");
        fs::write(place("below/kept.csv"), "old").expect("a file");
        // From one link to the next, one of them relative to its own folder.
        symlink("kept.csv", place("below/inner")).expect("a link");
        symlink(place("below/inner"), place("outer")).expect("a link");
        assert!(is_taken(&place("outer")));
        StagedFile::replace(&place("outer"), b"new").expect("it can be written");
        assert!(place("outer").is_symlink() && place("below/inner").is_symlink());
        assert_eq!(fs::read(place("below/kept.csv")).expect("a file"), b"new");
        // A link to nothing makes its file, and nothing is lost.
        symlink("missing.csv", place("dangling")).expect("a link");
        assert!(!is_taken(&place("dangling")));
        StagedFile::replace(&place("dangling"), b"new").expect("it can be written");
        assert!(place("dangling").is_symlink());
        assert_eq!(fs::read(place("missing.csv")).expect("a file"), b"new");
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("b", folder.path().join("a")).expect("a link");
        symlink("a", folder.path().join("b")).expect("a link");
        StagedFile::replace(&folder.path().join("a"), b"new").expect_err("there is no such place");
    }

    #[test]
    fn what_was_there_keeps_its_permissions() {
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
        assert!(!fs::metadata(null).expect("a device").is_file(), "it is still no file");
    }

    #[test]
    fn a_minus_is_standard_output_unless_a_folder_is_named() {
        assert!(is_stdout(Path::new("-")) && is_stdout(Path::new("/dev/stdout")));
        assert!(!is_stdout(Path::new("./-")) && !is_stdout(Path::new("out/-")));
    }
}
