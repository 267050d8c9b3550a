//! The files of an export, and the bytes of each.

use std::path::{Path, PathBuf};

use super::{FigureFormat, Format, Options, Subject, label_png, overlay};
use crate::labels::{ClassSet, LabelMap};
use crate::staged_file;

/// Name of the list of classes.
pub(super) const CLASS_LIST: &str = "classes.json";

/// What a planned file holds.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Labels {
        /// Colours in its palette.
        entries: usize,
    },
    Color,
    Overlay,
    Mask(u16),
    Confidence,
    ClassList,
}

/// A planned file and what goes into it.
pub(super) struct FileEntry {
    pub(super) path: PathBuf,
    /// Whether the path already holds something that would be lost.
    pub(super) exists: bool,
    /// What the file holds, for the user.
    pub(super) description: String,
    pub(super) content: Content,
}

/// The files of an export, in the order in which they are written; none without formats.
pub(super) fn plan(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Vec<FileEntry> {
    let mut entries = Vec::new();
    for format in Format::ALL
        .into_iter()
        .filter(|format| options.formats.contains(format))
    {
        let place = folder.join(format.folder());
        let file = place.join(format!("{stem}.{}", extension(format, options)));
        let single = |content| entry(file.clone(), format.title().into(), content);
        match format {
            Format::Labels => entries.push(single(Content::Labels {
                entries: label_png::palette_entries(subject.map, subject.classes),
            })),
            Format::Color => entries.push(single(Content::Color)),
            Format::Overlay => entries.push(single(Content::Overlay)),
            Format::Confidence => entries.push(single(Content::Confidence)),
            Format::Classes => entries.extend(present(subject.map).into_iter().map(|(id, _)| {
                let name = subject.classes.label(id);
                let path = place.join(stem).join(format!("{id:03}-{}.png", file_name(&name)));
                entry(path, format!("Mask of {name}"), Content::Mask(id))
            })),
        }
    }
    if !entries.is_empty() {
        let path = folder.join(CLASS_LIST);
        entries.push(FileEntry {
            exists: differs(&path, class_list(subject.classes).as_bytes()),
            path,
            description: "Names and colours of the classes".into(),
            content: Content::ClassList,
        });
    }
    entries
}

fn entry(path: PathBuf, description: String, content: Content) -> FileEntry {
    FileEntry {
        exists: staged_file::is_taken(&path),
        path,
        description,
        content,
    }
}

/// The paths of the files of formats with one file per image.
pub(super) fn single_files(options: &Options, folder: &Path, stem: &str) -> impl Iterator<Item = PathBuf> {
    let single = options.formats.iter().filter(|format| **format != Format::Classes);
    single.map(move |format| {
        let name = format!("{stem}.{}", extension(*format, options));
        folder.join(format.folder()).join(name)
    })
}

/// File extension of a format: an overlay with a legend is a figure.
fn extension(format: Format, options: &Options) -> &'static str {
    match format {
        Format::Overlay if options.legend => options.figures.extension(),
        _ => FigureFormat::Png.extension(),
    }
}

/// Whether all files that an export of these formats would write exist, as far as that is known before there is a
/// result.
pub(super) fn is_complete(options: &Options, folder: &Path, stem: &str) -> bool {
    let masks = folder.join(Format::Classes.folder()).join(stem);
    let has_masks = || masks.is_dir() && !staged_file::has_leftovers(&masks);
    let wants_masks = options.formats.contains(&Format::Classes);
    // Masks are moved to their final paths before all other files, so where another file exists, they exist too.
    let is_written = |path: PathBuf| std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() > 0);
    single_files(options, folder, stem).all(is_written)
        && (!wants_masks || has_masks())
        && folder.join(CLASS_LIST).exists()
}

/// The list of classes in a folder, if it differs from that of `classes`.
pub(super) fn other_class_list(classes: &ClassSet, folder: &Path) -> Option<PathBuf> {
    let path = folder.join(CLASS_LIST);
    differs(&path, class_list(classes).as_bytes()).then_some(path)
}

/// Whether the path holds anything other than these bytes.
pub(super) fn differs(path: &Path, bytes: &[u8]) -> bool {
    match std::fs::read(path) {
        Ok(found) => found != bytes,
        Err(_) => staged_file::is_taken(path),
    }
}

/// A class name in characters that are safe in a file name everywhere.
fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for character in name.chars().take(64) {
        if character.is_ascii_alphanumeric() {
            safe.push(character.to_ascii_lowercase());
        } else if !safe.is_empty() && !safe.ends_with('-') {
            safe.push('-');
        }
    }
    let trimmed = safe.trim_end_matches('-');
    if trimmed.is_empty() {
        "class".into()
    } else {
        trimmed.into()
    }
}

impl Content {
    /// The bytes of the file.
    ///
    /// # Errors
    /// When an image cannot be encoded.
    pub(super) fn bytes(self, subject: &Subject, options: &Options) -> Result<Vec<u8>, png::EncodingError> {
        let Subject {
            map,
            confidence,
            classes,
            ..
        } = *subject;
        match self {
            Self::Labels { entries } => label_png::labels(map, classes, entries),
            Self::Color => label_png::image(&overlay::colors(map, classes)),
            Self::Overlay if options.legend => overlay::figure(subject, options).encode(options.figures),
            Self::Overlay => label_png::image(&overlay::image(subject, options)),
            Self::Mask(id) => label_png::mask(map, id),
            Self::Confidence => label_png::grey16([map.width, map.height], confidence),
            Self::ClassList => Ok(class_list(classes).into_bytes()),
        }
    }
}

/// The classes as JSON, one per line, so that a list of 150 classes stays readable.
fn class_list(set: &ClassSet) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let lines: Vec<String> = set
        .classes
        .iter()
        .enumerate()
        .map(|(id, class)| {
            let [red, green, blue] = class.color;
            let name = quoted(&class.name);
            format!("    {{ \"id\": {id}, \"name\": {name}, \"color\": [{red}, {green}, {blue}] }}")
        })
        .collect();
    let name = quoted(&set.name);
    format!(
        "{{\n  \"data_set\": {name},\n  \"classes\": [\n{}\n  ]\n}}\n",
        lines.join(",\n")
    )
}

/// The ids that occur, in order, with the number of pixels of each.
pub(super) fn present(map: &LabelMap) -> Vec<(u16, u64)> {
    let counts = map.counts(usize::from(u16::MAX) + 1);
    (0..=u16::MAX).zip(counts).filter(|(_, count)| *count > 0).collect()
}
