//! Results as files for other programs: ids, colours, overlays, masks and confidence as PNG, and a list of classes.
//!
//! Exports depend on the image and its label map alone, not on models.

mod caption;
mod color_map;
mod error;
mod figure;
mod format;
mod heat;
mod label_png;
mod legend;
mod memory;
mod options;
mod overlay;
mod page;
mod panes;
mod plan;
mod report;
mod size;
mod typeface;

pub use color_map::ColorMap;
pub use error::ExportError;
pub use figure::{Figure, FigureFile, Ground, write_figures};
pub use format::Format;
pub use heat::{Curve, Scale};
pub use memory::writing_bytes;
pub use options::Options;
pub use page::FigureFormat;
pub(crate) use report::escaped;
pub use report::{Report, ReportEntry, ReportedRun};
pub(crate) use typeface::INTER;

use std::path::{Path, PathBuf};

use crate::labels::{ClassSet, LabelMap};
use crate::photo::Photo;
use crate::staged_file::{self, StagedFile};
use plan::{Content, FileEntry, differs, plan};

/// The content of an export: an image and the classes of its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The image.
    pub photo: &'a Photo,
    /// Class id per pixel, as large as the image.
    pub map: &'a LabelMap,
    /// Probability of the class per pixel, 0..=65535 for 0..=1; may be empty unless [`Format::Confidence`] is wanted.
    pub confidence: &'a [u16],
    /// Names and colours of the classes.
    pub classes: &'a ClassSet,
}

impl<'a> Subject<'a> {
    /// The same subject with other classes.
    fn with(self, classes: &'a ClassSet) -> Self {
        Self { classes, ..self }
    }
}

/// A file that an export would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether the path already holds something that would be lost.
    pub exists: bool,
    /// What it holds, for the user.
    pub description: String,
    /// Estimated size in bytes: within a factor of 1.5 for ordinary images, exact up to 0.3 megapixels, and 0 where
    /// [`write()`] would fail because sizes do not match.
    pub bytes: u64,
}

impl PlannedFile {
    /// A file that does not exist yet, or would be replaced.
    pub fn at(path: PathBuf, description: &str, bytes: u64) -> Self {
        Self {
            exists: staged_file::is_taken(&path),
            path,
            description: description.into(),
            bytes,
        }
    }
}

/// Exactly the files that [`write()`] would write with these arguments; none without formats.
///
/// `stem` is the file name without extension, see [`Options::file_stem`]. The files are `FORMAT/STEM.png`, or
/// `classes/STEM/ID-NAME.png` for masks, and `classes.json` with the names and colours of the ids. This reads the disk
/// and every pixel, and encodes samples: call it when something changed, not for every frame.
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
    let planned = |(entry, bytes): (FileEntry, u64)| PlannedFile {
        path: entry.path,
        exists: entry.exists,
        description: entry.description,
        bytes,
    };
    entries.into_iter().zip(sizes).map(planned).collect()
}

/// Writes the files that [`files`] names and returns their paths.
///
/// All files are first written beside their final paths and only then moved there, so a full disk leaves everything
/// unchanged. A `classes.json` with the same content is left alone. Masks of an earlier export for classes that no
/// longer occur are kept.
///
/// # Errors
/// When a file exists and the options neither replace nor keep it, sizes do not match, or a folder or file cannot be
/// written.
pub fn write(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
    check(subject, &options.formats)?;
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    let mut planned = plan(&subject, options, folder, stem);
    if !options.overwrite {
        // The meaning of ids in a folder never changes unless overwriting is requested.
        let is_kept = |entry: &FileEntry| options.keep_existing && !matches!(entry.content, Content::ClassList);
        if let Some(taken) = planned.iter().find(|entry| entry.exists && !is_kept(entry)) {
            return Err(ExportError::Exists {
                path: taken.path.clone(),
            });
        }
        planned.retain(|entry| !entry.exists);
    }
    let mut staged = Vec::new();
    for FileEntry { path, content, .. } in &planned {
        let bytes = content.bytes(&subject, options).map_err(|source| ExportError::Encode {
            source,
            path: path.clone(),
        })?;
        if matches!(content, Content::ClassList) && !differs(path, &bytes) && path.is_file() {
            continue;
        }
        staged.push((content, stage(path, &bytes)?));
    }
    // Masks come first: no name shows how many there are, so the presence of the other files must show that all masks
    // are written.
    staged.sort_by_key(|(content, _)| !matches!(content, Content::Mask(_)));
    for (_, file) in staged {
        let path = file.path().to_owned();
        file.commit().map_err(|source| ExportError::Write { source, path })?;
    }
    Ok(planned.into_iter().map(|entry| entry.path).collect())
}

/// One format as an image, for the clipboard: the overlay with its legend if the options request one, or the
/// confidence as 8-bit grey; for label map, colour map and masks the colour of each pixel's class.
///
/// This visits every pixel, which takes longer than a frame for a large image: do not call it on a thread that draws.
///
/// # Errors
/// When sizes do not match.
pub fn image(subject: &Subject, options: &Options, format: Format) -> Result<Photo, ExportError> {
    check(subject, &[format])?;
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    Ok(match format {
        Format::Overlay => overlay::image(&subject, options),
        Format::Confidence => overlay::confidence(&subject),
        Format::Labels | Format::Color | Format::Classes => overlay::colors(subject.map, subject.classes),
    })
}

/// An image as the bytes of a PNG.
///
/// # Errors
/// When the image cannot be encoded.
pub fn png(image: &Photo) -> Result<Vec<u8>, ExportError> {
    label_png::image(image).map_err(|source| ExportError::Encode {
        source,
        path: PathBuf::new(),
    })
}

/// Writes a file beside its final path, and creates the folder if needed.
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

/// An existing file that would stop [`write()`], as far as that is known before there is a result, which determines the
/// masks.
pub fn taken(options: &Options, classes: &ClassSet, folder: &Path, stem: &str) -> Option<PathBuf> {
    if options.overwrite || options.formats.is_empty() {
        return None;
    }
    let taken = plan::single_files(options, folder, stem).find(|path| staged_file::is_taken(path));
    taken
        .filter(|_| !options.keep_existing)
        .or_else(|| plan::other_class_list(&classes.recolored(&options.colors), folder))
}

/// Whether all files that [`write()`] would write exist, as far as that is known before there is a result; used to
/// resume a batch.
pub fn is_there(options: &Options, folder: &Path, stem: &str) -> bool {
    !options.formats.is_empty() && plan::is_complete(options, folder, stem)
}

/// Whether files were exported to a folder, which then has a list of classes.
pub fn has_class_list(folder: &Path) -> bool {
    folder.join(plan::CLASS_LIST).is_file()
}

/// Whether a file of an export is the list of classes, which all images of a folder share.
pub fn is_class_list(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == plan::CLASS_LIST)
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
