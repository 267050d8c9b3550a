//! Reads a folder of labelme files, or one.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::super::named;
use super::shapes::{File, Painted, paint};
use super::{BACKGROUND, IGNORED, LIST};
use crate::annotate::UNLABELLED;
use crate::interchange::files::{files_with_ending, image_size, name_below, read_text, unlabelled};
use crate::interchange::{InterchangeError, LabelClasses, LabelReader, LabelledImage, ReadChoices};

/// Bytes at the beginning of a file that show its format.
const SHOWN: u64 = 64 << 10;

struct Reader {
    classes: LabelClasses,
    names: Vec<String>,
    paths: Vec<PathBuf>,
    images: Option<PathBuf>,
    /// JSON files in the folder that are not labelme's.
    others: usize,
    /// Shapes that were painted nearly, and not at all.
    nearly: usize,
    skipped: usize,
}

/// Opens labelme files: a folder, or one file.
///
/// Without a list of classes, `labels.txt` numbers them, else their names in natural order do.
///
/// # Errors
/// When a file is damaged or there is none.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let is_folder = path.is_dir();
    let mut paths = if is_folder {
        files_with_ending(path, ".json")?
    } else {
        vec![path.to_owned()]
    };
    let listed = paths.len();
    if is_folder {
        paths = labelme_files(paths)?;
    }
    let others = listed - paths.len();
    let folder = if is_folder {
        path
    } else {
        path.parent().unwrap_or(Path::new(""))
    };
    if paths.is_empty() {
        let text = "expected JSON files of labelme, found none; choose another folder";
        return Err(InterchangeError::content(text, path));
    }
    let mut used = BTreeSet::new();
    let mut names = Vec::with_capacity(paths.len());
    for path in &paths {
        let file = parse(path)?;
        let suffix = file
            .image_path
            .as_deref()
            .and_then(|image| image.rsplit_once('.'))
            .map(|(_, suffix)| suffix);
        let suffix = suffix
            .filter(|suffix| suffix.chars().all(char::is_alphanumeric))
            .unwrap_or("png");
        names.push(name_below(folder, &path.with_extension(suffix)));
        used.extend(file.shapes.into_iter().map(|shape| shape.label));
    }
    let list = folder.join(LIST);
    let classes = match &choices.classes {
        Some(classes) => classes.clone(),
        None => {
            let mark = |name: &str| name == IGNORED || name == BACKGROUND;
            used.retain(|name| !mark(name));
            if list.is_file() {
                let text = read_text(&list)?;
                let lines = text
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty() && !mark(line));
                named::listed(lines.map(str::to_owned).collect(), &list)?
            } else {
                named::numbered(used, path)?
            }
        }
    };
    Ok(Box::new(Reader {
        classes,
        names,
        paths,
        images: choices.images.clone(),
        others,
        nearly: 0,
        skipped: 0,
    }))
}

/// Those of JSON files that are labelme's.
///
/// # Errors
/// When one is damaged: what it was cannot be known, so it is not left out.
fn labelme_files(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, InterchangeError> {
    let mut kept = Vec::with_capacity(paths.len());
    for path in paths {
        if shows(&path) || has_shapes(&path)? {
            kept.push(path);
        }
    }
    Ok(kept)
}

/// Whether a whole JSON file has the list of labelme.
fn has_shapes(path: &Path) -> Result<bool, InterchangeError> {
    let text = read_text(path)?;
    let damaged = |why: serde_json::Error| {
        let text = format!("expected JSON files, found a damaged one ({why}); save it again or remove it");
        InterchangeError::content(text, path)
    };
    // One pass that keeps nothing; lists and texts have no keys.
    serde_json::from_str::<IgnoredAny>(&text).map_err(damaged)?;
    let keys = serde_json::from_str::<HashMap<String, IgnoredAny>>(&text);
    Ok(keys.is_ok_and(|keys| keys.contains_key("shapes") && keys.contains_key("imagePath")))
}

/// Whether a path is a labelme file, or a folder with one.
pub fn is(path: &Path) -> bool {
    if !path.is_dir() {
        return shows(path);
    }
    files_with_ending(path, ".json").is_ok_and(|found| found.first().is_some_and(|first| shows(first)))
}

/// Whether a file begins like one of labelme.
fn shows(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(SHOWN).read_to_end(&mut start));
    let text = String::from_utf8_lossy(&start);
    read.is_ok() && text.contains("\"shapes\"") && (text.contains("\"shape_type\"") || text.contains("\"imagePath\""))
}

fn parse(path: &Path) -> Result<File, InterchangeError> {
    let damaged =
        |why| InterchangeError::content(format!("expected a file of labelme, found {why}; save it again"), path);
    serde_json::from_str(&read_text(path)?).map_err(damaged)
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (Some(path), Some(name)) = (self.paths.get(index), self.names.get(index)) else {
            let text = format!("expected an image below number {}, found {index}", self.paths.len());
            return Err(InterchangeError::content(text, Path::new("")));
        };
        let file = parse(path)?;
        let size = match (file.image_width, file.image_height) {
            (Some(width), Some(height)) => [width, height],
            _ => image_size(self.images.as_deref(), name)?,
        };
        let mut labels = unlabelled(size, path)?;
        for shape in &file.shapes {
            let id = match self.classes.named(&shape.label) {
                Some(class) => class.id,
                None if shape.label == BACKGROUND || shape.label == IGNORED => UNLABELLED,
                None => return Err(InterchangeError::content(named::unknown(&shape.label), path)),
            };
            match paint(shape, &mut labels, id).map_err(|why| InterchangeError::content(why, path))? {
                Painted::Exactly => {}
                Painted::Nearly => self.nearly += 1,
                Painted::Not => self.skipped += 1,
            }
        }
        let name = name.clone();
        Ok(LabelledImage { name, labels })
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.others > 0 {
            remarks.push(format!(
                "{} JSON files that are not labelme's were left out.",
                self.others
            ));
        }
        if self.skipped > 0 {
            remarks.push(format!(
                "{} points and lines were left out: they have no area.",
                self.skipped
            ));
        }
        if self.nearly > 0 {
            remarks.push(format!(
                "The border pixels of {} circles can differ from labelme's export.",
                self.nearly
            ));
        }
        remarks
    }
}
