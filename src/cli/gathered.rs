//! The pictures that a command goes through, with the folders that they lie in.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::photo;

/// A picture to go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gathered {
    /// The file.
    pub(super) path: PathBuf,
    /// From the folder that was named to the one that the picture lies in; empty where these are the same.
    pub(super) below: PathBuf,
}

/// The pictures that were named, and those in folders that were named.
///
/// # Errors
/// When a folder cannot be listed or has no pictures.
pub(super) fn gathered(paths: &[PathBuf]) -> Result<Vec<Gathered>> {
    let here = |path| Gathered {
        path,
        below: PathBuf::new(),
    };
    let mut pictures = super::expanded(paths)?;
    // A picture that was named twice is one.
    let mut seen = HashSet::new();
    pictures.retain(|path| seen.insert(std::path::absolute(path).unwrap_or_else(|_| path.clone())));
    Ok(pictures.into_iter().map(here).collect())
}

/// As [`gathered`], with the folders below folders: each real one once, however links lead there, and without those in
/// `except`, where results go. Of several folders that were named, each has its own name as the first of the folders below.
///
/// # Errors
/// As [`gathered`].
pub(super) fn gathered_below(paths: &[PathBuf], except: &[PathBuf]) -> Result<Vec<Gathered>> {
    let mut walk = Walk::default();
    walk.seen
        .extend(except.iter().filter_map(|folder| folder.canonicalize().ok()));
    let several = paths.iter().filter(|path| path.is_dir()).count() > 1;
    for path in paths {
        if !path.is_dir() {
            walk.found.push(Gathered {
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
            "expected pictures in the folder or below it, found none: {}",
            path.display()
        );
    }
    Ok(walk.found)
}

/// A way through folders.
#[derive(Default)]
struct Walk {
    /// Real folders that are done with.
    seen: HashSet<PathBuf>,
    /// Folders to go into, with their places.
    ahead: VecDeque<(PathBuf, PathBuf)>,
    /// Links to folders, which come last: a folder is found at its own place rather than through a link.
    links: VecDeque<(PathBuf, PathBuf)>,
    found: Vec<Gathered>,
}

impl Walk {
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
        let pictures = photo::pictures_in(folder)?;
        self.found.extend(pictures.into_iter().map(|path| Gathered {
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

    /// What is found below a folder: names and places.
    fn below(folder: &Path, except: &str) -> Vec<String> {
        let found = gathered_below(&[folder.to_owned()], &[folder.join(except)]).expect("pictures");
        let text = |picture: &Gathered| {
            let name = picture.path.file_name().expect("a name");
            picture.below.join(name).to_string_lossy().replace('\\', "/")
        };
        found.iter().map(text).collect()
    }

    #[test]
    fn folders_below_are_gone_into_but_not_that_of_the_results() {
        let folder = folder_of(&["b.png", "x/a.png", "x/y/a.png", "out/labels/b.png", "x/notes.txt"]);
        assert_eq!(below(folder.path(), "out/labels"), ["b.png", "x/a.png", "x/y/a.png"]);
    }

    #[cfg(unix)]
    #[test]
    fn each_real_folder_is_found_once_at_its_own_place() {
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
    fn of_several_folders_each_keeps_its_name() {
        let folder = folder_of(&["p/a.png", "q/a.png", "q/r/a.png"]);
        let named = ["p", "q"].map(|name| folder.path().join(name));
        let found = gathered_below(&named, &[]).expect("pictures");
        let places: Vec<&Path> = found.iter().map(|picture| picture.below.as_path()).collect();
        assert_eq!(places, [Path::new("p"), Path::new("q"), Path::new("q/r")]);
    }

    #[test]
    fn a_folder_without_pictures_is_an_error() {
        let folder = folder_of(&["x/notes.txt"]);
        let why = gathered_below(&[folder.path().to_owned()], &[]).expect_err("no pictures");
        assert!(why.to_string().contains("found none"), "{why}");
    }
}
