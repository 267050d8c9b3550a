//! `ultralytics`: `masks/NAME.png` (grey, 255 ignored) and `data.yaml` with `names` and `masks_dir`, for semantic
//! segmentation with YOLO. Images lie in `images/NAME.jpg`.
//!
//! Class numbers of the format have no gaps, so a written number is the place of the class in the order of ids.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE, check_count};
use crate::interchange::id_pngs::{LabelFile, PngReader, Values, listed, without_gaps};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};
use crate::labels::{ClassSet, LabelMap, LabelPng};

const FILE: &str = "data.yaml";

/// Folder of the masks that is written.
const MASKS: &str = "masks";

/// Folder of the images, whose name `masks_dir` replaces.
const IMAGES: &str = "images";

/// What `label_mapping` says for pixels without a class.
const IGNORED: &str = "ignore_label";

/// Largest file that is read, in bytes, and how deep it may be nested.
const MOST: [u64; 2] = [4 << 20, 32];

/// What a `data.yaml` says.
struct Data {
    /// Where the images and masks lie.
    root: PathBuf,
    masks: String,
    classes: LabelClasses,
    mapping: HashMap<u16, u16>,
}

/// Opens a folder with one YAML file that has `masks_dir`, or that file.
///
/// # Errors
/// When the file is damaged or there are no masks.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(file) = file_in(path) else {
        let text = "expected data.yaml with masks_dir, found none; choose its folder";
        return Err(InterchangeError::content(text, path));
    };
    let data = Data::read(&file)?;
    let found = masks(&data)?;
    let (classes, values) = Values::named(&data.classes, choices.classes.as_ref());
    let values = values.with_unlabelled(UNLABELLED_BYTE);
    let mapping = data.mapping;
    PngReader::boxed(found, classes, Vec::new(), &file, move |file| {
        let mut labels = numbers(file)?;
        for value in &mut labels.ids {
            *value = mapping.get(value).copied().unwrap_or(*value);
        }
        values.ids(labels, file)
    })
}

/// The masks, with the names of their images: below the folder `images` where that lies at the root, else below the
/// root.
fn masks(data: &Data) -> Result<Vec<LabelFile>, InterchangeError> {
    let at_root = data.root.join(&data.masks);
    if at_root.is_dir() {
        return listed(&at_root, ".png", ".png");
    }
    let folder = format!("/{}/", data.masks);
    let found = listed(&data.root, ".png", ".png")?.into_iter();
    let named = found.filter_map(|file| {
        let (before, after) = file.image.rsplit_once(&folder)?;
        let image = format!("{before}/{IMAGES}/{after}");
        Some(LabelFile { image, ..file })
    });
    Ok(named.collect())
}

/// The class numbers in a mask, as ultralytics reads them: grey values, or palette indices unless all colours of the
/// palette are grey. Then these are the numbers.
fn numbers(path: &Path) -> Result<LabelMap, InterchangeError> {
    let mut labels = files::read_ids(path)?;
    let bytes = std::fs::read(path).map_err(InterchangeError::read(path))?;
    let kind = LabelPng::of(&bytes);
    if let Some(LabelPng {
        palette: Some(palette), ..
    }) = &kind
    {
        let colors: &[[u8; 3]] = palette.as_chunks().0;
        if colors.iter().all(|[red, green, blue]| red == green && green == blue) {
            for value in &mut labels.ids {
                let Some([level, ..]) = colors.get(usize::from(*value)) else {
                    let text = format!("expected values in the palette, found {value}; save the mask again");
                    return Err(InterchangeError::content(text, path));
                };
                *value = u16::from(*level);
            }
        }
        return Ok(labels);
    }
    match kind.map_or(0, |kind| kind.bits) {
        1 | 8 => Ok(labels),
        bits => {
            let text =
                format!("expected a grey mask with 8 bits, found {bits}, which programs scale; save it with 8 bits");
            Err(InterchangeError::content(text, path))
        }
    }
}

impl Data {
    fn read(path: &Path) -> Result<Self, InterchangeError> {
        let content = |text: String| InterchangeError::content(text, path);
        let size = std::fs::metadata(path).map_err(InterchangeError::read(path))?.len();
        if size > MOST[0] {
            return Err(content(format!(
                "expected at most {} bytes, found {size}; shorten the file",
                MOST[0]
            )));
        }
        let document = parsed(&files::read_text(path)?).map_err(content)?;
        let masks = document["masks_dir"].as_str().unwrap_or_default();
        let masks = files::name_below(Path::new(""), &files::safe(masks)?);
        let folder = path.parent().unwrap_or(Path::new(""));
        // The path may be of another machine.
        let named = document["path"].as_str().map(|root| folder.join(root));
        let root = named.filter(|root| root.join(&masks).is_dir());
        Ok(Self {
            root: root.unwrap_or_else(|| folder.to_owned()),
            masks,
            classes: classes(&document["names"]).map_err(content)?,
            mapping: mapping(&document["label_mapping"]).map_err(content)?,
        })
    }
}

/// The first document of a text, which is short and neither deep nor has aliases (they can expand without limit).
fn parsed(text: &str) -> Result<Yaml, String> {
    let mut parser = Parser::new_from_str(text);
    let mut depth = 0;
    loop {
        match parser
            .next_token()
            .map_err(|why| format!("expected YAML, found {why}; correct the file"))?
            .0
        {
            Event::StreamEnd => break,
            Event::Alias(_) => return Err("expected YAML without aliases, found one; write it out".to_owned()),
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            _ => {}
        }
        if depth > MOST[1] {
            return Err(format!(
                "expected at most {} levels of YAML, found more; correct the file",
                MOST[1]
            ));
        }
    }
    let documents = YamlLoader::load_from_str(text).map_err(|why| why.to_string())?;
    documents
        .into_iter()
        .next()
        .ok_or_else(|| "expected YAML with names, found nothing".to_owned())
}

/// A number of a class.
fn number(value: &Yaml) -> Option<u16> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|number| *number <= UNLABELLED_BYTE)
}

/// Classes of `names`, which is a list, or has numbers as keys.
fn classes(names: &Yaml) -> Result<LabelClasses, String> {
    let listed: Vec<(Option<u16>, &Yaml)> = match (names.as_vec(), names.as_hash()) {
        (Some(list), _) => (0..=UNLABELLED_BYTE)
            .map(Some)
            .chain(std::iter::repeat(None))
            .zip(list)
            .collect(),
        (_, Some(table)) => table.iter().map(|(key, name)| (number(key), name)).collect(),
        _ => return Err("expected a list or table of names, found none; add names".to_owned()),
    };
    let colors = ClassSet::numbered(listed.len());
    let mut classes = LabelClasses::default();
    for (place, (id, name)) in (0..).zip(listed) {
        let name = match name {
            Yaml::String(name) | Yaml::Real(name) => name.clone(),
            Yaml::Integer(number) => number.to_string(),
            Yaml::Boolean(value) => value.to_string(),
            other => return Err(format!("expected names of classes, found {other:?}; correct names")),
        };
        let Some(id) = id.filter(|id| *id < UNLABELLED_BYTE) else {
            return Err(format!(
                "expected numbers of classes from 0 to 254, found another for {name:?}; correct names"
            ));
        };
        let color = colors.color(place);
        if !classes.add(LabelClass { id, name, color }) {
            return Err(format!("expected one name for class {id}, found two; correct names"));
        }
    }
    Ok(classes)
}

/// Values of masks and the numbers that they stand for.
fn mapping(table: &Yaml) -> Result<HashMap<u16, u16>, String> {
    let pair = |(value, meaning): (&Yaml, &Yaml)| {
        let to = if meaning.as_str() == Some(IGNORED) {
            Some(UNLABELLED_BYTE)
        } else {
            number(meaning)
        };
        match (number(value), to) {
            (Some(value), Some(to)) => Ok((value, to)),
            // Values below zero cannot be in a mask.
            (None, Some(to)) if value.as_i64().is_some_and(|value| value < 0) => Ok((UNLABELLED, to)),
            _ => Err(format!(
                "expected numbers or {IGNORED} in label_mapping, found {value:?}: {meaning:?}; correct it"
            )),
        }
    };
    match (table.as_hash(), table.is_badvalue() || table.is_null()) {
        (Some(table), _) => table.iter().map(pair).collect(),
        (None, true) => Ok(HashMap::new()),
        (None, false) => Err("expected a table in label_mapping, found something else; correct it".to_owned()),
    }
}

/// Writes `masks/NAME.png` and `data.yaml`; the images belong in `images`.
///
/// # Errors
/// When there are more than 255 classes, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_count(classes, out)?;
    let numbered = without_gaps(classes, 0);
    let values = numbered
        .iter()
        .map(|(value, class)| (class.id, *value))
        .chain([(UNLABELLED, UNLABELLED_BYTE)]);
    let pixels = Pixels::grey(values);
    let file = out.join(FILE);
    let writer = PngWriter::new(out, |out, name| files::place(&out.join(MASKS), name, ".png"), pixels)?;
    Ok(Box::new(writer.finishing(move |names| {
        files::replace(&file, text(names, &numbered).as_bytes())
    })))
}

/// The text of `data.yaml`.
fn text(names: &[String], classes: &[(u16, LabelClass)]) -> String {
    let folders: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| name.split_once('/'))
        .map(|(first, _)| first)
        .collect();
    let of_split = |split: &[&str]| {
        let found = split.iter().find(|split| folders.contains(**split));
        found.map_or_else(|| IMAGES.to_owned(), |split| format!("{IMAGES}/{split}"))
    };
    let [train, val] = [
        of_split(&["train", "training"]),
        of_split(&["val", "validation", "train", "training"]),
    ];
    let mut text = format!("path: .\ntrain: {train}\nval: {val}\nmasks_dir: {MASKS}\nnames:\n");
    for (value, class) in classes {
        // Strings of JSON are strings of YAML.
        let name = serde_json::Value::from(class.name.as_str());
        text.push_str(&format!("  {value}: {name}\n"));
    }
    text
}

/// The YAML file with `masks_dir` that a path names: itself, or the only one in the folder.
fn file_in(path: &Path) -> Option<PathBuf> {
    let is_one = |file: &PathBuf| {
        let ending = file.extension().map(|ending| ending.to_ascii_lowercase());
        ending.is_some_and(|ending| ending == "yaml" || ending == "yml")
            && files::first_bytes(file, MOST[0]).is_some_and(|bytes| {
                bytes
                    .split(|byte| *byte == b'\n')
                    .any(|line| line.starts_with(b"masks_dir:"))
            })
    };
    if path.is_file() {
        return Some(path.to_owned()).filter(is_one);
    }
    let entries = std::fs::read_dir(path).ok()?.flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(is_one).collect();
    if found.len() == 1 { found.pop() } else { None }
}

/// Whether a path names such a file or its folder.
pub fn is(path: &Path) -> bool {
    file_in(path).is_some()
}

#[cfg(test)]
mod tests;
