//! Results as files for other programs: ids, colours, overlays, masks and confidence as PNG, and what the ids mean.
//!
//! Everything follows from the photo and its label map; nothing here knows of models.

mod glyphs;
mod label_png;
mod legend;
mod overlay;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;
use crate::staged_file::{self, StagedFile};

/// What is exported: a photo and what is known of its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The photo.
    pub photo: &'a Photo,
    /// Class id per pixel, as large as the photo.
    pub map: &'a LabelMap,
    /// Probability of the class per pixel, 0..=65535 for 0..=1; may be empty unless [`Format::Confidence`] is wanted.
    pub confidence: &'a [u16],
    /// Names and colours of the classes.
    pub classes: &'a ClassSet,
}

/// A kind of file that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Class ids as an indexed PNG (16-bit grey above 256 classes)
    Labels,
    /// The colour of each pixel's class as an RGB PNG
    Color,
    /// The class colours laid over the photo
    Overlay,
    /// One black and white PNG per class that occurs
    Classes,
    /// How sure the network is, as a 16-bit grey PNG
    Confidence,
}

impl Format {
    /// Every format, in the order in which they are offered and written.
    pub const ALL: [Self; 5] = [
        Self::Labels,
        Self::Color,
        Self::Overlay,
        Self::Classes,
        Self::Confidence,
    ];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Labels => "Label map",
            Self::Color => "Colour map",
            Self::Overlay => "Overlay",
            Self::Classes => "One mask per class",
            Self::Confidence => "Confidence",
        }
    }

    /// One line on what the files hold.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Labels => "Class ids as an indexed PNG; 16-bit grey above 256 classes",
            Self::Color => "The colour of each pixel's class",
            Self::Overlay => "The class colours laid over the photo",
            Self::Classes => "A black and white PNG for each class that occurs",
            Self::Confidence => "16-bit grey PNG; white where the network is certain",
        }
    }

    /// Folder of the files of this format, inside the folder that is exported to.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Color => "color",
            Self::Overlay => "overlay",
            Self::Classes => "classes",
            Self::Confidence => "confidence",
        }
    }
}

/// What to export, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Formats to write; order and repetition do not matter.
    pub formats: Vec<Format>,
    /// How much of the class colours shows in the overlay, 0 to 1; values beyond are taken as the nearest of these.
    pub opacity: f32,
    /// Whether the overlay has a legend at its right.
    pub legend: bool,
    /// Whether files that are there already may be replaced.
    pub overwrite: bool,
    /// By class id, whether the overlay shows the photo instead; classes beyond the end are visible.
    pub hidden: Vec<bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            formats: vec![Format::Labels, Format::Color, Format::Overlay],
            opacity: 0.5,
            legend: false,
            overwrite: false,
            hidden: Vec::new(),
        }
    }
}

impl Options {
    /// Whether the overlay shows the photo where this class is.
    pub fn hides(&self, class: u16) -> bool {
        self.hidden.get(usize::from(class)).copied().unwrap_or(false)
    }
}

/// A file that an export would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Where.
    pub path: PathBuf,
    /// Whether something is there that would be lost.
    pub exists: bool,
    /// What it holds, for people.
    pub description: String,
}

/// Why an export failed. The path comes last.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A folder cannot be made.
    #[error("cannot make the folder ({source}); choose another one: {}", path.display())]
    CreateFolder {
        /// What the system says.
        source: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write the file ({source}); choose another folder or make room in this one: {}", path.display())]
    Write {
        /// What the system says.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A picture cannot be a PNG.
    #[error("cannot make a PNG ({source}); choose another photo: {}", path.display())]
    Encode {
        /// What the encoder says.
        source: png::EncodingError,
        /// The file that it was for.
        path: PathBuf,
    },
    /// A file is there already.
    #[error("expected no such file yet, found one; allow overwriting (--overwrite) or choose another folder: {}", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Photo and label map differ in size.
    #[error(
        "expected a label map as large as the photo ({} x {}), found {} x {}; segment this photo again",
        photo[0], photo[1], map[0], map[1]
    )]
    Mismatch {
        /// Width and height of the photo.
        photo: [usize; 2],
        /// Width and height of the label map.
        map: [usize; 2],
    },
    /// There is not one value per pixel.
    #[error("expected {expected} {what}, found {found}; segment this photo again")]
    Incomplete {
        /// Which values.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

/// Exactly the files that [`write()`] would write with these arguments; none where no format is wanted.
///
/// `stem` is the photo's file name without its ending. The files are `FORMAT/STEM.png`, or `classes/STEM/ID-NAME.png`
/// for masks, and `classes.json` with the names and colours of the ids. This looks at the disk and at every pixel:
/// call it when something changed, not for every frame.
pub fn files(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Vec<PlannedFile> {
    plan(subject, options, folder, stem)
        .into_iter()
        .map(|entry| entry.file)
        .collect()
}

/// Writes the files that [`files`] names and returns their paths.
///
/// All files are first written beside their places and only then moved there, so a full disk leaves everything as it
/// was. A `classes.json` that already says the same is left alone. Masks of an earlier export for classes that no
/// longer occur stay where they are.
///
/// # Errors
/// When a file is there and `options.overwrite` is off, sizes do not fit, or a folder or file cannot be written.
pub fn write(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
    check(subject, options)?;
    let planned = plan(subject, options, folder, stem);
    if !options.overwrite
        && let Some(taken) = planned.iter().find(|entry| entry.file.exists)
    {
        return Err(ExportError::Exists {
            path: taken.file.path.clone(),
        });
    }
    let mut staged = Vec::new();
    for entry in &planned {
        let path = &entry.file.path;
        let bytes = content(subject, options, entry.content).map_err(|source| ExportError::Encode {
            source,
            path: path.clone(),
        })?;
        if matches!(entry.content, Content::ClassList) && !differs(path, &bytes) && path.is_file() {
            continue;
        }
        staged.push(stage(path, &bytes)?);
    }
    for file in staged {
        let path = file.path().to_owned();
        file.commit().map_err(|source| ExportError::Write { source, path })?;
    }
    Ok(planned.into_iter().map(|entry| entry.file.path).collect())
}

/// Writes a file beside its place, whose folder is made if need be.
fn stage(path: &Path, bytes: &[u8]) -> Result<StagedFile, ExportError> {
    let folder = staged_file::folder_of(path);
    std::fs::create_dir_all(folder).map_err(|source| ExportError::CreateFolder {
        source,
        path: folder.into(),
    })?;
    StagedFile::write(path, bytes).map_err(|source| ExportError::Write {
        source,
        path: path.into(),
    })
}

/// A file that is there already and would stop [`write()`], as far as that can be said before there is a result: masks
/// per class and the class list depend on it.
pub fn taken(options: &Options, folder: &Path, stem: &str) -> Option<PathBuf> {
    let single = options.formats.iter().filter(|format| **format != Format::Classes);
    single
        .map(|format| folder.join(format.folder()).join(format!("{stem}.png")))
        .find(|path| !options.overwrite && path.exists())
}

/// What a planned file holds.
#[derive(Clone, Copy)]
enum Content {
    Labels,
    Color,
    Overlay,
    Mask(u16),
    Confidence,
    ClassList,
}

struct Entry {
    file: PlannedFile,
    content: Content,
}

fn plan(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for format in Format::ALL
        .into_iter()
        .filter(|format| options.formats.contains(format))
    {
        let place = folder.join(format.folder());
        let single = |content| entry(place.join(format!("{stem}.png")), format.title().into(), content);
        match format {
            Format::Labels => entries.push(single(Content::Labels)),
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
        let path = folder.join("classes.json");
        let exists = differs(&path, class_list(subject.classes).as_bytes());
        let description = "Names and colours of the classes".into();
        entries.push(Entry {
            file: PlannedFile {
                path,
                exists,
                description,
            },
            content: Content::ClassList,
        });
    }
    entries
}

fn entry(path: PathBuf, description: String, content: Content) -> Entry {
    // Not `exists`: that follows links, and a link to nothing would be replaced all the same.
    let exists = path.symlink_metadata().is_ok();
    Entry {
        file: PlannedFile {
            path,
            exists,
            description,
        },
        content,
    }
}

/// Whether something else than these bytes is at the path.
fn differs(path: &Path, bytes: &[u8]) -> bool {
    match std::fs::read(path) {
        Ok(found) => found != bytes,
        Err(_) => path.symlink_metadata().is_ok(),
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

fn check(subject: &Subject, options: &Options) -> Result<(), ExportError> {
    let Subject {
        photo, map, confidence, ..
    } = subject;
    if [photo.width, photo.height] != [map.width, map.height] {
        return Err(ExportError::Mismatch {
            photo: [photo.width, photo.height],
            map: [map.width, map.height],
        });
    }
    let pixels = map.width * map.height;
    complete("ids", pixels, map.ids.len())?;
    complete("colour values", 3 * pixels, photo.rgb.len())?;
    if options.formats.contains(&Format::Confidence) {
        complete("confidences", pixels, confidence.len())?;
    }
    Ok(())
}

fn complete(what: &'static str, expected: usize, found: usize) -> Result<(), ExportError> {
    if expected == found {
        Ok(())
    } else {
        Err(ExportError::Incomplete { what, expected, found })
    }
}

fn content(subject: &Subject, options: &Options, content: Content) -> Result<Vec<u8>, png::EncodingError> {
    let Subject {
        map,
        confidence,
        classes,
        ..
    } = *subject;
    match content {
        Content::Labels => label_png::labels(map, classes),
        Content::Color => label_png::colors(map, classes),
        Content::Overlay => label_png::picture(&overlay::picture(subject, options)),
        Content::Mask(id) => label_png::mask(map, id),
        Content::Confidence => label_png::grey16([map.width, map.height], confidence),
        Content::ClassList => Ok(class_list(classes).into_bytes()),
    }
}

/// The classes as JSON, one to a line: a hundred and fifty of them stay readable.
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

/// Ids that occur, in order, with how many pixels have each.
fn present(map: &LabelMap) -> Vec<(u16, u64)> {
    let counts = map.counts(usize::from(u16::MAX) + 1);
    (0..=u16::MAX).zip(counts).filter(|(_, count)| *count > 0).collect()
}
