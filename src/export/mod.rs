//! Results as files for other programs: ids, colours, overlays, masks and confidence as PNG, and what the ids mean.
//!
//! Everything follows from the photo and its label map; nothing here knows of models.

mod caption;
mod color_map;
mod error;
mod figure;
mod format;
mod glyphs;
mod heat;
mod label_png;
mod legend;
mod lettering;
mod options;
mod overlay;
mod plan;
mod report;
mod size;

pub use color_map::ColorMap;
pub use error::ExportError;
pub use figure::{Figure, FigureFile, write_figures};
pub use format::Format;
pub use heat::{Curve, Scale};
pub use options::Options;
pub(crate) use report::escaped;
pub use report::{Report, ReportEntry, ReportedRun};

use std::path::{Path, PathBuf};

use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;
use crate::staged_file::{self, StagedFile};
use plan::{Content, Entry, differs, plan};

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

impl<'a> Subject<'a> {
    /// The same with other classes.
    fn with(self, classes: &'a ClassSet) -> Self {
        Self { classes, ..self }
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
    /// About how many bytes it will have: within a factor of 1.5 for ordinary photos, exact up to 0.3 megapixels, 0
    /// where [`write()`] would fail because sizes do not fit.
    pub bytes: u64,
}

/// Exactly the files that [`write()`] would write with these arguments; none where no format is wanted.
///
/// `stem` is the file name without its ending, see [`Options::file_stem`]. The files are `FORMAT/STEM.png`, or
/// `classes/STEM/ID-NAME.png` for masks, and `classes.json` with the names and colours of the ids. This looks at the
/// disk and at every pixel, and encodes samples: call it when something changed, not for every frame.
pub fn files(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Vec<PlannedFile> {
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    let entries = plan(&subject, options, folder, stem);
    let sizes = if check(&subject, &options.formats).is_ok() {
        let contents: Vec<Content> = entries.iter().map(|entry| entry.content).collect();
        size::estimates(&subject, options, &contents)
    } else {
        vec![0; entries.len()]
    };
    let planned = |(entry, bytes): (Entry, u64)| PlannedFile {
        path: entry.path,
        exists: entry.exists,
        description: entry.description,
        bytes,
    };
    entries.into_iter().zip(sizes).map(planned).collect()
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
    check(subject, &options.formats)?;
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    let planned = plan(&subject, options, folder, stem);
    if !options.overwrite
        && let Some(taken) = planned.iter().find(|entry| entry.exists)
    {
        return Err(ExportError::Exists {
            path: taken.path.clone(),
        });
    }
    let mut staged = Vec::new();
    for Entry { path, content, .. } in &planned {
        let bytes = content.bytes(&subject, options).map_err(|source| ExportError::Encode {
            source,
            path: path.clone(),
        })?;
        if matches!(content, Content::ClassList) && !differs(path, &bytes) && path.is_file() {
            continue;
        }
        staged.push(stage(path, &bytes)?);
    }
    for file in staged {
        let path = file.path().to_owned();
        file.commit().map_err(|source| ExportError::Write { source, path })?;
    }
    Ok(planned.into_iter().map(|entry| entry.path).collect())
}

/// One format as a picture, for the clipboard: the overlay with its legend if the options ask for one, or the
/// confidence as 8-bit grey; for label map, colour map and masks the colour of each pixel's class.
///
/// This goes over every pixel, which takes longer than a frame for a large photo: call it on no thread that draws.
///
/// # Errors
/// When sizes do not fit.
pub fn picture(subject: &Subject, options: &Options, format: Format) -> Result<Photo, ExportError> {
    check(subject, &[format])?;
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    Ok(match format {
        Format::Overlay => overlay::picture(&subject, options),
        Format::Confidence => overlay::confidence(&subject),
        Format::Labels | Format::Color | Format::Classes => overlay::colors(subject.map, subject.classes),
    })
}

/// A picture as the bytes of a PNG.
///
/// # Errors
/// When it cannot be one.
pub fn png(picture: &Photo) -> Result<Vec<u8>, ExportError> {
    label_png::picture(picture).map_err(|source| ExportError::Encode {
        source,
        path: PathBuf::new(),
    })
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

/// A file that is there already and would stop [`write()`], as far as that can be said before there is a result: which
/// masks per class there are depends on it.
pub fn taken(options: &Options, classes: &ClassSet, folder: &Path, stem: &str) -> Option<PathBuf> {
    if options.overwrite || options.formats.is_empty() {
        return None;
    }
    let single = options.formats.iter().filter(|format| **format != Format::Classes);
    let mut single = single.map(|format| folder.join(format.folder()).join(format!("{stem}.png")));
    single
        .find(|path| path.exists())
        .or_else(|| other_classes(options, classes, folder))
}

/// The formats of which nothing is in the folder yet under this name; all of them where `options.overwrite` is on.
///
/// Masks per class are taken to be there as soon as their folder holds anything: which ones there are to be depends on
/// the result.
pub fn missing(options: &Options, folder: &Path, stem: &str) -> Vec<Format> {
    let is_missing = |format: Format| {
        let place = folder.join(format.folder());
        match format {
            Format::Classes => !std::fs::read_dir(place.join(stem)).is_ok_and(|mut files| files.next().is_some()),
            _ => place.join(format!("{stem}.png")).symlink_metadata().is_err(),
        }
    };
    let mut formats = options.formats.clone();
    formats.retain(|format| options.overwrite || is_missing(*format));
    formats
}

/// The list of classes in the folder, where it is of other classes and may not be written over.
pub fn other_classes(options: &Options, classes: &ClassSet, folder: &Path) -> Option<PathBuf> {
    if options.overwrite || options.formats.is_empty() {
        return None;
    }
    plan::other_class_list(&classes.recolored(&options.colors), folder)
}

fn check(subject: &Subject, formats: &[Format]) -> Result<(), ExportError> {
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
    if formats.contains(&Format::Confidence) {
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
