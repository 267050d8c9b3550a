//! The images that a command processes, with their folders.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::photo;

/// An image to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageFile {
    /// The file.
    pub(super) path: PathBuf,
    /// Path from the named folder to the folder of the image; empty where they are the same.
    pub(super) below: PathBuf,
}

/// The named images, and those in the named folders.
///
/// # Errors
/// When a folder cannot be listed or has no images.
pub(super) fn gathered(paths: &[PathBuf]) -> Result<Vec<ImageFile>> {
    let here = |path| ImageFile {
        path,
        below: PathBuf::new(),
    };
    let mut images = super::expanded(paths)?;
    // An image that is named twice counts once.
    let mut seen = HashSet::new();
    images.retain(|path| seen.insert(std::path::absolute(path).unwrap_or_else(|_| path.clone())));
    Ok(images.into_iter().map(here).collect())
}

/// As [`gathered`], with subfolders.
///
/// Each real folder is visited once, however many links lead to it. The folders in `except`, which hold results, are
/// left out. Where several folders are named, the path below each starts with its name.
///
/// # Errors
/// As [`gathered`].
pub(super) fn image_files_below(paths: &[PathBuf], except: &[PathBuf]) -> Result<Vec<ImageFile>> {
    let mut walk = FolderWalk::default();
    walk.seen
        .extend(except.iter().filter_map(|folder| folder.canonicalize().ok()));
    let several = paths.iter().filter(|path| path.is_dir()).count() > 1;
    for path in paths {
        if !path.is_dir() {
            walk.found.push(ImageFile {
                path: path.clone(),
                below: PathBuf::new(),
            });
            continue;
        }
        let before = walk.found.len();
        let own = path.file_name().filter(|_| several).map(PathBuf::from);
        walk.ahead.push_back((path.clone(), own.unwrap_or_default()));
        walk.finish()?;
        ensure!(
            walk.found.len() > before,
            "expected images in the folder or below it, found none: {}",
            path.display()
        );
    }
    Ok(walk.found)
}

/// A walk through folders.
#[derive(Default)]
struct FolderWalk {
    /// Real folders that were visited.
    seen: HashSet<PathBuf>,
    /// Folders to visit, with their paths below the named folder.
    ahead: VecDeque<(PathBuf, PathBuf)>,
    /// Links to folders, visited last so that a folder is found at its real path rather than through a link.
    links: VecDeque<(PathBuf, PathBuf)>,
    found: Vec<ImageFile>,
}

impl FolderWalk {
    fn finish(&mut self) -> Result<()> {
        while let Some((folder, below)) = self.ahead.pop_front().or_else(|| self.links.pop_front()) {
            self.enter(&folder, &below)
                .with_context(|| format!("cannot list the folder {}", folder.display()))?;
        }
        Ok(())
    }

    fn enter(&mut self, folder: &Path, below: &Path) -> io::Result<()> {
        if !self.seen.insert(folder.canonicalize()?) {
            return Ok(());
        }
        let images = photo::images_in(folder)?;
        self.found.extend(images.into_iter().map(|path| ImageFile {
            path,
            below: below.to_owned(),
        }));
        let entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut names: Vec<_> = entries.iter().map(std::fs::DirEntry::file_name).collect();
        names.sort_by(|a, b| natord::compare_ignore_case(&a.to_string_lossy(), &b.to_string_lossy()).then(a.cmp(b)));
        for name in names {
            let (path, place) = (folder.join(&name), below.join(&name));
            if !path.is_dir() {
                continue;
            }
            match path.is_symlink() {
                true => self.links.push_back((path, place)),
                false => self.ahead.push_back((path, place)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files of these names.
    fn folder_of(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        folder
    }

    /// Paths of the images found below a folder, relative to it.
    fn below(folder: &Path, except: &str) -> Vec<String> {
        let found = image_files_below(&[folder.to_owned()], &[folder.join(except)]).expect("images");
        let text = |image: &ImageFile| {
            let name = image.path.file_name().expect("a name");
            image.below.join(name).to_string_lossy().replace('\\', "/")
        };
        found.iter().map(text).collect()
    }

    #[test]
    fn subfolders_are_included_except_those_of_results() {
        let folder = folder_of(&["b.png", "x/a.png", "x/y/a.png", "out/labels/b.png", "x/notes.txt"]);
        assert_eq!(below(folder.path(), "out/labels"), ["b.png", "x/a.png", "x/y/a.png"]);
    }

    #[cfg(unix)]
    #[test]
    fn each_real_folder_is_found_once_at_its_real_path() {
        use std::os::unix::fs::symlink;
        let folder = folder_of(&["a.png", "z/b.png"]);
        let other = folder_of(&["c.png"]);
        symlink(".", folder.path().join("itself")).expect("a link");
        symlink("z", folder.path().join("earlier")).expect("a link");
        symlink("..", folder.path().join("z/above")).expect("a link");
        symlink(other.path(), folder.path().join("elsewhere")).expect("a link");
        assert_eq!(below(folder.path(), "out"), ["a.png", "z/b.png", "elsewhere/c.png"]);
    }

    #[test]
    fn several_folders_keep_their_names() {
        let folder = folder_of(&["p/a.png", "q/a.png", "q/r/a.png"]);
        let named = ["p", "q"].map(|name| folder.path().join(name));
        let found = image_files_below(&named, &[]).expect("images");
        let places: Vec<&Path> = found.iter().map(|image| image.below.as_path()).collect();
        assert_eq!(places, [Path::new("p"), Path::new("q"), Path::new("q/r")]);
    }

    #[test]
    fn a_folder_without_images_is_an_error() {
        let folder = folder_of(&["x/notes.txt"]);
        let why = image_files_below(&[folder.path().to_owned()], &[]).expect_err("no images");
        assert!(why.to_string().contains("found none"), "{why}");
    }
}
