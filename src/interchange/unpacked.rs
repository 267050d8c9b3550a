//! ZIP archives of labels, as annotation programs export them, unpacked to a temporary folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::ZipArchive;

use super::InterchangeError;

/// Most bytes that an archive may unpack to, for each of its own; label files compress well, but not without end.
const MOST_GROWTH: u64 = 400;

/// What every archive may unpack to, in bytes.
const ALWAYS: u64 = 64 << 20;

/// Most files of an archive.
const MAX_FILES: usize = 2_000_000;

/// Most folders within each other; walking through deeper ones takes long.
const MAX_DEPTH: usize = 32;

/// A folder or file of labels; the content of a ZIP archive is in a temporary folder while this lives.
#[derive(Debug)]
pub struct Unpacked {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Unpacked {
    /// Unpacks an archive; other files and folders stay where they are.
    ///
    /// # Errors
    /// When an archive is damaged, has names outside of its folder, or would grow beyond measure.
    pub fn open(path: &Path) -> Result<Self, InterchangeError> {
        let is_archive = path.is_file()
            && path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        if !is_archive {
            return Ok(Self {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let folder = tempfile::tempdir().map_err(InterchangeError::read(path))?;
        unpack(path, folder.path())?;
        Ok(Self {
            path: single_folder(folder.path()),
            _folder: Some(folder),
        })
    }

    /// Where the labels lie.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn unpack(path: &Path, folder: &Path) -> Result<(), InterchangeError> {
    let content = |why: String| InterchangeError::content(why, path);
    let file = File::open(path).map_err(InterchangeError::read(path))?;
    let bytes = file.metadata().map_err(InterchangeError::read(path))?.len();
    let most = ALWAYS.max(bytes.saturating_mul(MOST_GROWTH));
    let mut archive = ZipArchive::new(file).map_err(|why| content(format!("expected a ZIP archive, found: {why}")))?;
    if archive.len() > MAX_FILES {
        return Err(content(format!(
            "expected at most {MAX_FILES} files, found {}; split the archive",
            archive.len()
        )));
    }
    let mut left = most;
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|why| content(format!("expected a whole archive, found: {why}")))?;
        let shown = String::from_utf8_lossy(entry.name_raw())
            .chars()
            .take(200)
            .collect::<String>();
        let Some(name) = entry.enclosed_name() else {
            return Err(content(format!(
                "expected names inside of the archive, found {shown:?}; pack it again"
            )));
        };
        if name.components().count() > MAX_DEPTH {
            return Err(content(format!(
                "expected at most {MAX_DEPTH} folders within each other, found {shown:?}; pack it again"
            )));
        }
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            return Err(content(format!(
                "expected files, found the link {shown:?}; pack the files themselves"
            )));
        }
        let target = folder.join(name);
        let made = target.parent().map_or(Ok(()), fs::create_dir_all);
        let mut out = made
            .and_then(|()| File::create_new(&target))
            .map_err(|why| match why.kind() {
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => content(format!(
                    "expected names that occur once, found {shown:?} again; pack the archive again"
                )),
                _ => InterchangeError::Read(why, path.to_owned()),
            })?;
        // The header may lie about the size, so what comes out is counted.
        let read = io::copy(&mut (&mut entry).take(left + 1), &mut out).map_err(|why| content(why.to_string()))?;
        if read > left {
            return Err(content(format!(
                "expected at most {most} bytes unpacked, found more; unpack the archive yourself"
            )));
        }
        left -= read;
    }
    Ok(())
}

/// The only folder in a folder without files, as archives of one folder have it; else the folder itself.
fn single_folder(folder: &Path) -> PathBuf {
    let listed: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    match &*listed {
        // Its name tells what it is.
        [only] if only.is_dir() && !only.ends_with("annotations") => only.clone(),
        _ => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labels.zip");
        let mut writer = ZipWriter::new(File::create(&path).expect("a file"));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).expect("begun");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("finished");
        (folder, path)
    }

    #[test]
    fn archives_are_unpacked_and_their_only_folder_is_taken() {
        let (_folder, path) = archive(&[("set/a.txt", b"a"), ("set/deep/b.txt", b"b")]);
        let unpacked = Unpacked::open(&path).expect("unpacked");
        assert_eq!(fs::read(unpacked.path().join("deep/b.txt")).expect("a file"), b"b");
        let kept = unpacked.path().to_owned();
        drop(unpacked);
        assert!(!kept.exists());
    }

    #[test]
    fn bombs_and_names_outside_are_refused() {
        let (_folder, path) = archive(&[("a", &vec![0; 65 << 20])]);
        let refused = Unpacked::open(&path).expect_err("it grows too much").to_string();
        assert!(refused.contains("at most"), "{refused}");
        let deep = format!("{}a", "d/".repeat(40));
        for names in [&["../a"][..], &[&deep], &["a", "a/b"]] {
            let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, b"a".as_slice())).collect();
            let (_folder, path) = archive(&files);
            let refused = Unpacked::open(&path).expect_err("such names").to_string();
            assert!(
                refused.contains("expected") && refused.contains(names[names.len() - 1]),
                "{refused}"
            );
        }
        let (_folder, path) = archive(&[("a", b"a")]);
        let mut bytes = fs::read(&path).expect("a file");
        bytes.truncate(30);
        fs::write(&path, bytes).expect("cut");
        Unpacked::open(&path).expect_err("half an archive");
    }
}
