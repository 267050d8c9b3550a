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
mod memory;
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
pub use memory::writing_bytes;
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
/// When a file is there and the options do not say what then, sizes do not fit, or a folder or file cannot be written.
pub fn write(subject: &Subject, options: &Options, folder: &Path, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
    check(subject, &options.formats)?;
    let classes = subject.classes.recolored(&options.colors);
    let subject = subject.with(&classes);
    let mut planned = plan(&subject, options, folder, stem);
    if !options.overwrite {
        // What ids mean in a folder never changes without being told so.
        let is_kept = |entry: &Entry| options.keep_existing && !matches!(entry.content, Content::ClassList);
        if let Some(taken) = planned.iter().find(|entry| entry.exists && !is_kept(entry)) {
            return Err(ExportError::Exists {
                path: taken.path.clone(),
            });
        }
        planned.retain(|entry| !entry.exists);
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
        staged.push((content, stage(path, &bytes)?));
    }
    // How many masks there are is known from no name, so that they are complete must follow from the other files.
    staged.sort_by_key(|(content, _)| !matches!(content, Content::Mask(_)));
    for (_, file) in staged {
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
    let taken = plan::single_files(options, folder, stem).find(|path| staged_file::is_taken(path));
    taken
        .filter(|_| !options.keep_existing)
        .or_else(|| plan::other_class_list(&classes.recolored(&options.colors), folder))
}

/// Whether everything that [`write()`] would write is there already, as far as that can be said before there is a result:
/// to go on with a batch where it ended.
pub fn is_there(options: &Options, folder: &Path, stem: &str) -> bool {
    !options.formats.is_empty() && plan::is_complete(options, folder, stem)
}

/// Whether files were exported to a folder: its list of classes is there.
pub fn has_class_list(folder: &Path) -> bool {
    folder.join(plan::CLASS_LIST).is_file()
}

/// Whether a file of an export is the list of classes, which is one for all pictures of a folder.
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
