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
    #[error("cannot list the folder or read the list ({0}): {path}", path = .1.display())]
    List(io::Error, PathBuf),
    /// There is nothing in it.
    #[error("expected pictures, found none: {path}", path = .0.display())]
    Empty(PathBuf),
    /// A line of a list.
    #[error("line {0}: expected a picture and a label map separated by a comma: {path}", path = .1.display())]
    Line(usize, PathBuf),
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

/// The pairs of a list: a picture and its label map in each line, separated by a comma, as paths from the list's folder
/// on. Empty lines and those that begin with `#` are left out.
///
/// # Errors
/// When the list cannot be read, holds nothing, or a line has no two paths.
pub fn pairs_of_list(list: &Path) -> Result<Vec<Pair>, PairError> {
    let text = std::fs::read_to_string(list).map_err(|why| PairError::List(why, list.into()))?;
    // Spreadsheets begin with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let pair = |(i, line): (usize, &str)| {
        let halves = line.split_once(',').map(|(file, truth)| (file.trim(), truth.trim()));
        let halves = halves.filter(|(file, truth)| !file.is_empty() && !truth.is_empty());
        let (file, truth) = halves.ok_or(PairError::Line(i + 1, list.into()))?;
        Ok(Pair {
            name: Path::new(file).with_extension("").to_string_lossy().replace('\\', "/"),
            file: folder.join(file),
            truth: folder.join(truth),
        })
    };
    let pairs = lines.map(pair).collect::<Result<Vec<Pair>, PairError>>()?;
    let mut files = HashSet::new();
    if let Some(again) = pairs.iter().find(|pair| !files.insert(&pair.file)) {
        return Err(PairError::Twice(again.name.clone()));
    }
    match pairs.is_empty() {
        true => Err(PairError::Empty(list.into())),
        false => Ok(pairs),
    }
}

/// Folders that hold pictures in published data sets, and those beside them that hold their label maps.
const BESIDE: [(&str, &str); 5] = [
    ("images", "labels"),
    ("images", "annotations"),
    ("images", "masks"),
    ("leftImg8bit", "gtFine"),
    ("JPEGImages", "SegmentationClass"),
];

/// The label map of a picture, below a folder of them or, without one, where data sets have it beside their pictures.
pub fn truth_of(picture: &Path, folder: Option<&Path>) -> Option<PathBuf> {
    let name = name_of(picture.parent()?, picture);
    if let Some(folder) = folder {
        // The folder may be divided as the pictures are, so the longest way that leads to a file is the right one.
        let parent = picture.parent()?;
        let ways: Vec<&Path> = parent
            .ancestors()
            .filter_map(|above| parent.strip_prefix(above).ok())
            .collect();
        let found = ways.iter().rev().find_map(|way| truth_in(&folder.join(way), &name));
        return found.filter(|file| file != picture);
    }
    let parents: Vec<&Path> = picture.ancestors().skip(1).collect();
    BESIDE.iter().find_map(|(pictures, truths)| {
        let root = parents.iter().find(|parent| parent.ends_with(pictures))?;
        let below = picture.parent()?.strip_prefix(root).ok()?;
        truth_in(&root.parent()?.join(truths).join(below), &name)
    })
}

/// The label map of this name in a folder.
fn truth_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let endings = ENDINGS
        .iter()
        .filter(|ending| ending.contains("gt") || ending.contains("label"));
    // Train ids before label ids.
    let names = [""]
        .iter()
        .chain(endings)
        .map(|ending| folder.join(format!("{name}{ending}.png")));
    names.into_iter().find(|file| file.is_file())
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
    fn the_label_map_of_a_picture_is_found_beside_it_or_in_a_folder() {
        let set = folder_with(&[
            "images/val/a.jpg",
            "labels/val/a.png",
            "leftImg8bit/x/b_leftImg8bit.png",
            "gtFine/x/b_gtFine_labelIds.png",
            "others/a.png",
        ]);
        let path = |file: &str| set.path().join(file);
        assert_eq!(
            truth_of(&path("images/val/a.jpg"), None),
            Some(path("labels/val/a.png"))
        );
        let of_city = truth_of(&path("leftImg8bit/x/b_leftImg8bit.png"), None);
        assert_eq!(of_city, Some(path("gtFine/x/b_gtFine_labelIds.png")));
        let city = path("gtFine");
        let of_city = truth_of(&path("leftImg8bit/x/b_leftImg8bit.png"), Some(&city));
        assert_eq!(of_city, Some(path("gtFine/x/b_gtFine_labelIds.png")));
        let others = path("others");
        assert_eq!(
            truth_of(&path("others/a.png"), Some(&others)),
            None,
            "a picture is not its own label map"
        );
        assert_eq!(
            truth_of(&path("images/val/a.jpg"), Some(&others)),
            Some(path("others/a.png"))
        );
        assert_eq!(truth_of(&path("others/a.png"), None), None);
    }

    #[test]
    fn a_list_names_pairs_from_its_folder_on() {
        let folder = folder_with(&["x/a.jpg"]);
        let list = folder.path().join("train.csv");
        std::fs::write(&list, "# pictures\n\nx/a.jpg, y/a_labels.png\n").expect("a list");
        let found = pairs_of_list(&list).expect("pairs");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "x/a");
        assert_eq!(found[0].truth, folder.path().join("y/a_labels.png"));
        std::fs::write(&list, "x/a.jpg,y/a.png\nx/b.jpg\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Line(2, _))));
        for half in ["x/a.jpg,\n", ",y/a.png\n"] {
            std::fs::write(&list, half).expect("a list");
            assert!(matches!(pairs_of_list(&list), Err(PairError::Line(1, _))), "{half}");
        }
        std::fs::write(&list, "\u{feff}x/a.jpg,y/a.png\nx/a.jpg,y/b.png\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Twice(name)) if name == "x/a"));
        std::fs::write(&list, "#\n").expect("a list");
        assert!(matches!(pairs_of_list(&list), Err(PairError::Empty(_))));
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
