//! `color`: a PNG of class colours for each image, with a legend in `classes.json`.
//!
//! It is what the export of colour maps writes: `{ "data_set", "unlabelled": [r, g, b], "classes": [{ "id", "name",
//! "color": [r, g, b] }] }`, where `unlabelled` is the colour of pixels without a class. A class-set file
//! (`legend.toml` or `classes.toml`) is read, too.

mod legend;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use legend::{LEGEND, Legend};
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use crate::annotate::UNLABELLED;
use crate::interchange::colors::{Meanings, Repairs, Resolver, Samples, Survey};
use crate::interchange::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices, files,
};
use crate::photo::files_below;

/// Endings of label images.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];

/// Folder of colour maps inside an export.
const FOLDER: &str = "color";

/// How many images decide what their samples mean, at most.
const SURVEYED: usize = 64;

/// Where a PNG has the kind of its samples, and the two kinds of colours.
const KIND_AT: usize = 25;
const COLOR_KINDS: [u8; 2] = [2, 6];

struct Reader {
    files: Vec<PathBuf>,
    names: Vec<String>,
    classes: LabelClasses,
    resolver: Resolver,
    meanings: Meanings,
    remarks: Vec<String>,
    repairs: BTreeMap<usize, Repairs>,
}

/// Reads the images below a folder, or one image.
///
/// # Errors
/// When there is no image or no legend, the legend is damaged, two images have one name, or grey values can mean
/// several things.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let folder = folder_of(path);
    let files = match path.is_dir() {
        true => files_below(&folder, has_ending).map_err(InterchangeError::read(&folder))?,
        false => vec![path.to_owned()],
    };
    if files.is_empty() {
        let text = "expected label images (PNG, JPEG, WebP or BMP), found none; choose their folder";
        return Err(InterchangeError::content(text, path));
    }
    let names = names_of(&folder, &files)?;
    let mut remarks = Vec::new();
    let (classes, unlabelled) = colors_of(&folder, choices, &mut remarks)?;
    let resolver = Resolver::new(&classes, unlabelled);
    let survey = surveyed(&files, &resolver);
    let meanings = resolver
        .decide(&survey)
        .map_err(|why| InterchangeError::content(why, path))?;
    remarks.extend(resolver.remark());
    remarks.extend(meanings.remarks().iter().cloned());
    Ok(Box::new(Reader {
        files,
        names,
        classes,
        resolver,
        meanings,
        remarks,
        repairs: BTreeMap::new(),
    }))
}

/// The folder of the colour maps: an export has them in a folder of their own.
fn folder_of(path: &Path) -> PathBuf {
    let inner = path.join(FOLDER);
    match (path.is_dir(), path.join(LEGEND).is_file() && inner.is_dir()) {
        (true, true) => inner,
        (true, false) => path.to_owned(),
        (false, _) => path.parent().unwrap_or(Path::new("")).to_owned(),
    }
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// Names of the images. The suffix of the photo is not known.
fn names_of(folder: &Path, files: &[PathBuf]) -> Result<Vec<String>, InterchangeError> {
    let mut taken = BTreeSet::new();
    let name = |file: &PathBuf| {
        let name = files::name_below(folder, &file.with_extension("png"));
        match taken.insert(name.clone()) {
            true => Ok(name),
            false => {
                let text = "expected one label image for each name, found another with this name; move one away";
                Err(InterchangeError::content(text, file))
            }
        }
    };
    files.iter().map(name).collect()
}

/// The classes, and the colour of unlabelled pixels.
fn colors_of(
    folder: &Path,
    choices: &ReadChoices,
    remarks: &mut Vec<String>,
) -> Result<(LabelClasses, Option<[u8; 3]>), InterchangeError> {
    let legend = Legend::file_of(folder).map(|file| Legend::open(&file)).transpose()?;
    match (legend, &choices.classes) {
        (Some(legend), Some(given)) => Ok((given.clone(), legend.unlabelled)),
        (Some(legend), None) => Ok((legend.classes, legend.unlabelled)),
        (None, Some(given)) => {
            let black = [0; 3];
            let is_free = given.colored(black).is_none();
            remarks.extend(is_free.then(|| "Black, which no class has, was read as unlabelled.".to_owned()));
            Ok((given.clone(), is_free.then_some(black)))
        }
        (None, None) => {
            let text = format!(
                "expected a legend ({LEGEND} or legend.toml with name, color and id of the classes), found none; \
                 give one or the classes"
            );
            Err(InterchangeError::content(text, folder))
        }
    }
}

/// What occurs in some images. Damaged ones are skipped; they are an error when they are read.
fn surveyed(files: &[PathBuf], resolver: &Resolver) -> Survey {
    let mut survey = Survey::default();
    let step = files.len().div_ceil(SURVEYED).max(1);
    for file in files.iter().step_by(step) {
        if survey.knows_colors() && has_colors(file) {
            continue;
        }
        let samples = fs::read(file).ok().and_then(|bytes| Samples::of(&bytes).ok());
        if let Some(samples) = samples {
            resolver.survey(&samples, &mut survey);
        }
    }
    survey
}

/// Whether a PNG has colours instead of grey values or a palette.
fn has_colors(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(KIND_AT as u64 + 1).read_to_end(&mut start));
    let kind = start.get(KIND_AT).filter(|kind| COLOR_KINDS.contains(kind));
    read.is_ok() && start.starts_with(b"\x89PNG") && kind.is_some()
}

/// Whether a folder has a legend, and its first PNG holds colours.
pub fn is(path: &Path) -> bool {
    let folder = folder_of(path);
    let is_png = |path: &PathBuf| {
        path.extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
    };
    let listed = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .take(1000)
            .collect::<Vec<_>>()
    };
    let first = if path.is_dir() {
        let here = listed(&folder);
        let below = || {
            here.iter()
                .filter(|path| path.is_dir())
                .take(10)
                .flat_map(|folder| listed(folder))
                .find(is_png)
        };
        here.iter().find(|path| is_png(path)).cloned().or_else(below)
    } else {
        Some(path.to_owned())
    };
    let legend = Legend::file_of(&folder).and_then(|file| fs::metadata(&file).ok());
    legend.is_some() && first.is_some_and(|first| has_colors(&first))
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (Some(file), Some(name)) = (self.files.get(index), self.names.get(index)) else {
            let text = format!("expected one of {} images, found number {index}", self.names.len());
            return Err(InterchangeError::CannotHold(text, index.to_string()));
        };
        let bytes = fs::read(file).map_err(InterchangeError::read(file))?;
        let samples = Samples::of(&bytes);
        let resolved = samples.and_then(|samples| self.resolver.resolve(&samples, &self.meanings));
        let (labels, repairs) = resolved.map_err(|why| InterchangeError::content(why, file))?;
        if !repairs.none() {
            self.repairs.insert(index, repairs);
        }
        Ok(LabelledImage {
            name: name.clone(),
            labels,
        })
    }

    fn remarks(&self) -> Vec<String> {
        let sentence = |(index, repairs): (&usize, &Repairs)| repairs.sentence(self.names.get(*index)?);
        let repaired = self.repairs.iter().filter_map(sentence);
        self.remarks.iter().cloned().chain(repaired).collect()
    }
}

struct Writer {
    out: PathBuf,
    legend: Legend,
    /// Colours by id.
    colors: Vec<Option<[u8; 3]>>,
    written: BTreeSet<PathBuf>,
}

/// Writes into a folder. Unlabelled pixels get black; if a class has that or a colour close to it, white or another
/// colour that no class has. The legend says which.
///
/// # Errors
/// When two classes have one colour.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    let legend = Legend::for_writing(classes).map_err(|why| InterchangeError::content(why, out))?;
    let mut colors = vec![None; usize::from(UNLABELLED) + 1];
    for class in classes.iter() {
        colors[usize::from(class.id)] = Some(class.color);
    }
    colors[usize::from(UNLABELLED)] = legend.unlabelled;
    Ok(Box::new(Writer {
        out: out.to_owned(),
        legend,
        colors,
        written: BTreeSet::new(),
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.colors[usize::from(id)].is_some())?;
        let path = files::place(&self.out, &image.name, ".png")?;
        if !self.written.insert(path.clone()) {
            let text = "expected names that differ without their suffix, found one twice; rename an image";
            return Err(InterchangeError::CannotHold(text.into(), image.name.clone()));
        }
        let color = |id: &u16| self.colors[usize::from(*id)].unwrap_or_default();
        let rgb: Vec<u8> = image.labels.ids.iter().flat_map(color).collect();
        let bytes = encoded([image.labels.width, image.labels.height], &rgb);
        let bytes = bytes.map_err(|why| InterchangeError::CannotHold(why.to_string(), image.name.clone()))?;
        files::replace(&path, &bytes)
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        files::replace(&self.out.join(LEGEND), self.legend.json().as_bytes())
    }
}

/// An RGB PNG.
fn encoded(size: [usize; 2], rgb: &[u8]) -> Result<Vec<u8>, EncodingError> {
    let [across, down] = size.map(|side| u32::try_from(side).map_err(|_| EncodingError::LimitsExceeded));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, across?, down?);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    // Most rows equal the row above.
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}
