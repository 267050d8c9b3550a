//! `cvat-masks`: CVAT's "Segmentation mask 1.1": RGB PNG files `SegmentationClass/NAME.png` in the colours of
//! `labelmap.txt`, and the names in `ImageSets/Segmentation/default.txt`.
//!
//! Black, `background`, is written for pixels without a class. Where classes share a colour or have black, the later
//! ones get another colour, as CVAT finds them by their names.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, distinct_colors};
use crate::interchange::id_pngs::{ColorValues, PngReader, Values, listed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};
use crate::labels::{ClassSet, LabelMap, LabelPng};

/// The file of names and colours.
pub(super) const LABEL_MAP: &str = "labelmap.txt";

/// The folder of the class masks.
pub(super) const MASKS: &str = "SegmentationClass";

/// The folder of the lists of names.
pub(super) const LISTS: &str = "ImageSets/Segmentation";

/// Names of lines without a class: CVAT's, and Pascal VOC's in files of datumaro.
const WITHOUT_CLASS: [&str; 2] = [BACKGROUND, "ignored"];

const BACKGROUND: &str = "background";

/// Names and colours of a `labelmap.txt`; the value of a class in a grey PNG is the number of its line.
struct Lines {
    classes: LabelClasses,
    colors: ColorValues,
}

impl Lines {
    fn read(path: &Path) -> Result<Self, InterchangeError> {
        let text = files::read_text(path)?;
        let content = |text: String| InterchangeError::content(text, path);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        if lines.len() >= usize::from(UNLABELLED) {
            return Err(content(format!(
                "expected less than {UNLABELLED} classes, found {}; shorten the list",
                lines.len()
            )));
        }
        let named = ClassSet::numbered(lines.len());
        let (mut classes, mut colors) = (LabelClasses::default(), ColorValues::default());
        for (value, line) in (0..).zip(lines) {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, color, _, _] = fields.as_slice() else {
                return Err(content(format!(
                    "expected lines of label:color_rgb:parts:actions, found {line:?}; correct it"
                )));
            };
            let shown = match color.trim() {
                "" => named.color(value),
                color => {
                    let color = parse_color(color).ok_or_else(|| {
                        content(format!(
                            "expected a colour such as 128,64,128, found {line:?}; correct it"
                        ))
                    })?;
                    if !colors.add(color, value) {
                        return Err(content(format!(
                            "expected a colour for each class, found {color:?} twice; change one"
                        )));
                    }
                    color
                }
            };
            if classes.named(name).is_some() {
                return Err(content(format!(
                    "expected a name for each class, found {name:?} twice; change one"
                )));
            }
            classes.add(LabelClass {
                id: value,
                name: (*name).to_owned(),
                color: shown,
            });
        }
        // Tools add this line where it is missing.
        if classes.named(BACKGROUND).is_none() {
            colors.add([0; 3], UNLABELLED);
        }
        Ok(Self { classes, colors })
    }

    /// The values in a mask, as CVAT reads them: numbers of lines in grey files, else colours. Indexed files whose
    /// colours are not those of the classes hold numbers of lines, too.
    fn values(&self, path: &Path) -> Result<LabelMap, InterchangeError> {
        let bytes = fs::read(path).map_err(InterchangeError::read(path))?;
        let Some(kind) = LabelPng::of(&bytes) else {
            return self.colors.read(path);
        };
        let mut labels = files::read_ids(path)?;
        let Some(palette) = kind.palette else {
            return Ok(labels);
        };
        let palette: &[[u8; 3]] = palette.as_chunks().0;
        let used = files::used(&labels);
        let color = |index: &u16| {
            palette
                .get(usize::from(*index))
                .and_then(|color| self.colors.get(*color))
        };
        let by_index: HashMap<u16, u16> = used.iter().filter_map(|index| Some((*index, color(index)?))).collect();
        if by_index.len() == used.len() {
            for value in &mut labels.ids {
                *value = by_index.get(value).copied().unwrap_or(*value);
            }
        }
        Ok(labels)
    }
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let channels: Option<Vec<u8>> = text.split(',').map(|channel| channel.trim().parse().ok()).collect();
    channels?.try_into().ok()
}

/// Opens the folder with `labelmap.txt`. Lines named `background` or `ignored` mean no class, unless the given classes
/// have one of that name.
///
/// # Errors
/// When the list is damaged, or there are no masks.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let lines = Lines::read(&path.join(LABEL_MAP))?;
    let masks = path.join(MASKS);
    let found = listed(&masks, ".png", ".png")?;
    let given = choices.classes.as_ref();
    let is_class = |class: &&LabelClass| {
        let name = class.name.as_str();
        !WITHOUT_CLASS.contains(&name) || given.is_some_and(|given| given.named(name).is_some())
    };
    let classes: LabelClasses = lines.classes.iter().filter(is_class).cloned().collect();
    let (named, mut values) = Values::named(&classes, given);
    let without = lines.classes.iter().filter(|class| classes.get(class.id).is_none());
    for class in without {
        values = values.with_unlabelled(class.id);
    }
    values = values.with_unlabelled(UNLABELLED);
    let mut remarks = Vec::new();
    let missing = names_in_lists(path)?
        .into_iter()
        .filter(|name| !masks.join(format!("{name}.png")).is_file());
    match missing.count() {
        0 => {}
        count => remarks.push(format!("{count} listed images have no mask and are left out.")),
    }
    PngReader::boxed(found, named, remarks, path, move |file| {
        values.ids(lines.values(file)?, file)
    })
}

/// Names in the lists, each once.
fn names_in_lists(path: &Path) -> Result<Vec<String>, InterchangeError> {
    let folder = path.join(LISTS);
    let lists = if folder.is_dir() {
        files::files_with_ending(&folder, ".txt")?
    } else {
        Vec::new()
    };
    let mut names = Vec::new();
    for list in lists {
        let text = files::read_text(&list)?;
        names.extend(
            text.lines()
                .map(str::trim)
                .filter(|name| !name.is_empty() && !name.starts_with('#'))
                .map(str::to_owned),
        );
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Writes masks in colours, `labelmap.txt` and the list. A class named `background` or `ignored` comes back
/// as no class.
///
/// # Errors
/// When a name cannot be in the list, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    files::check_names(classes)?;
    let is_plain = |name: &str| {
        !name.is_empty() && name.trim() == name && !name.starts_with('#') && !name.contains([':', '\n', '\r'])
    };
    if let Some(class) = classes.iter().find(|class| !is_plain(&class.name)) {
        let text = format!(
            "expected class names without colons and line breaks, found {:?}; rename the class",
            class.name
        );
        return Err(InterchangeError::content(text, out));
    }
    let lost: Vec<u16> = classes
        .iter()
        .filter(|class| WITHOUT_CLASS.contains(&class.name.as_str()))
        .map(|class| class.id)
        .collect();
    let written: LabelClasses = classes
        .iter()
        .filter(|class| !lost.contains(&class.id))
        .cloned()
        .collect();
    let mut colors = distinct_colors(&written);
    let mut lines = format!("# label:color_rgb:parts:actions\n{BACKGROUND}:0,0,0::\n");
    for class in written.iter() {
        if let Some([red, green, blue]) = colors.get(&class.id) {
            lines.push_str(&format!("{}:{red},{green},{blue}::\n", class.name));
        }
    }
    colors.extend(lost.iter().chain([&UNLABELLED]).map(|id| (*id, [0; 3])));
    let folder = out.to_owned();
    let writer = PngWriter::new(out, place, Pixels::Colors(colors))?
        .losing(lost)
        .finishing(move |names| {
            files::replace(&folder.join(LABEL_MAP), lines.as_bytes())?;
            write_list(&folder, "default", names.iter())
        });
    Ok(Box::new(writer))
}

/// Where the mask of an image lies.
pub(super) fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    files::place(&out.join(MASKS), name, ".png")
}

/// Writes the names of images, without suffixes, as a list.
pub(super) fn write_list<'a>(
    out: &Path,
    list: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), InterchangeError> {
    let mut text = String::new();
    for name in names {
        let stem = files::place(Path::new(""), name, "")?;
        text.push_str(&files::name_below(Path::new(""), &stem));
        text.push('\n');
    }
    files::replace(&out.join(LISTS).join(format!("{list}.txt")), text.as_bytes())
}

/// Whether a folder has masks and a `labelmap.txt`.
pub fn is(path: &Path) -> bool {
    path.join(LABEL_MAP).is_file() && path.join(MASKS).is_dir()
}

#[cfg(test)]
mod tests;
