//! Which label map belongs to which picture.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::photo;

/// What the names of pictures and label maps end with in published data sets, beside the name that both share: Cityscapes
/// calls them `*_leftImg8bit.png` and `*_gtFine_labelTrainIds.png` or `*_gtFine_labelIds.png`.
const ENDINGS: [&str; 6] = [
    "_leftImg8bit",
    "_gtFine_labelTrainIds",
    "_gtFine_labelIds",
    "_gtCoarse_labelTrainIds",
    "_gtCoarse_labelIds",
    "_labelTrainIds",
];

/// Of two label maps of one picture, the one with this in its name is taken.
const PREFERRED: &str = "labelTrainIds";

/// Two files of one picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// What both are called, with the folders below those that were named.
    pub name: String,
    /// The picture, or a predicted label map.
    pub file: PathBuf,
    /// The true label map.
    pub truth: PathBuf,
}

/// Why two folders cannot be paired.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A folder cannot be listed.
    #[error("cannot list the folder ({0}): {path}", path = .1.display())]
    List(io::Error, PathBuf),
    /// There is nothing in it.
    #[error("expected pictures in the folder, found none: {path}", path = .0.display())]
    Empty(PathBuf),
    /// Two pictures of one name.
    #[error(
        "expected one picture for each label map, found two called {0}; keep label maps in a folder of their own, and one picture of a name"
    )]
    Twice(String),
    /// Files without a partner.
    #[error(
        "expected a label map (.png) of the same name for each picture, found none for {count}: {names}",
        count = .0.len(), names = shortened(.0)
    )]
    Missing(Vec<String>),
}

/// Names in a sentence.
fn shortened(names: &[String]) -> String {
    const LISTED: usize = 10;
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED).filter(|more| *more > 0) {
        Some(more) => format!("{listed} and {more} more"),
        None => listed,
    }
}

/// The pictures below a folder with their label maps below another, in the order of their names.
///
/// # Errors
/// When a folder cannot be listed or holds nothing, or a picture has no label map.
pub fn pairs(pictures: &Path, truths: &Path) -> Result<Vec<Pair>, PairError> {
    let mut maps: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in all_in(truths)? {
        if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
        {
            let name = name_of(truths, &path);
            let is_preferred = path.to_string_lossy().contains(PREFERRED);
            if is_preferred || !maps.contains_key(&name) {
                maps.insert(name, path);
            }
        }
    }
    let files = all_in(pictures)?;
    if files.is_empty() {
        return Err(PairError::Empty(pictures.into()));
    }
    let mut missing = Vec::new();
    let mut pairs: Vec<Pair> = Vec::new();
    let mut names = HashSet::new();
    for file in files {
        let name = name_of(pictures, &file);
        if !names.insert(name.clone()) {
            return Err(PairError::Twice(name));
        }
        match maps.get(&name) {
            Some(truth) => pairs.push(Pair {
                truth: truth.clone(),
                name,
                file,
            }),
            None => missing.push(name),
        }
    }
    match missing.is_empty() {
        true => Ok(pairs),
        false => Err(PairError::Missing(missing)),
    }
}

/// The pictures in a folder and in those below it, in natural order.
fn all_in(folder: &Path) -> Result<Vec<PathBuf>, PairError> {
    let failed = |why: io::Error| PairError::List(why, folder.into());
    let mut found = photo::pictures_in(folder).map_err(failed)?;
    let entries = std::fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut folders: Vec<PathBuf> = entries
        .map_err(failed)?
        .iter()
        .map(std::fs::DirEntry::path)
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for below in folders {
        found.extend(all_in(&below)?);
    }
    Ok(found)
}

/// What a picture and its label map have in common.
fn name_of(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let name = below.to_string_lossy().replace('\\', "/");
    let ending = ENDINGS.iter().find(|ending| name.ends_with(**ending));
    match ending {
        Some(ending) => name[..name.len() - ending.len()].to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        folder
    }

    #[test]
    fn names_are_matched_through_folders_and_endings() {
        let pictures = folder_with(&["a.jpg", "b.png", "city/x_1_leftImg8bit.png"]);
        let truths = folder_with(&[
            "a.png",
            "b.png",
            "city/x_1_gtFine_labelIds.png",
            "city/x_1_gtFine_labelTrainIds.png",
            "unused.png",
        ]);
        let found = pairs(pictures.path(), truths.path()).expect("pairs");
        let names: Vec<&str> = found.iter().map(|pair| pair.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "city/x_1"]);
        assert!(found[2].truth.ends_with("x_1_gtFine_labelTrainIds.png"));
    }

    #[test]
    fn pictures_without_labels_are_listed() {
        let pictures = folder_with(&["a.jpg", "b.jpg", "c.jpg"]);
        let truths = folder_with(&["b.png", "c.jpg"]);
        let why = pairs(pictures.path(), truths.path())
            .expect_err("two are missing")
            .to_string();
        assert!(why.contains("found none for 2: a, c"), "{why}");
        let twice = folder_with(&["b.jpg", "b.webp"]);
        assert!(matches!(pairs(twice.path(), truths.path()), Err(PairError::Twice(_))));
        let nothing = folder_with(&[]);
        assert!(matches!(pairs(nothing.path(), truths.path()), Err(PairError::Empty(_))));
        let nowhere = nothing.path().join("nowhere");
        assert!(matches!(pairs(&nowhere, truths.path()), Err(PairError::List(..))));
    }
}
