//! Writing folders of PNG files of ids or colours: what the formats made of such files have in common.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, files};
use crate::annotate::UNLABELLED;
use crate::labels::{LabelMap, LabelPng};

/// The usual value of pixels without a class.
pub(super) const UNLABELLED_BYTE: u16 = 255;

/// The colour of an index in the palette of Pascal VOC: bit 3k + c of the index is a bit of channel c, the first ones
/// are the most significant. Different for all indices below 2^24.
pub(super) fn voc_color(index: u32) -> [u8; 3] {
    let channel = |channel: u32| {
        (0..8).fold(0, |value: u8, k| {
            value | ((index >> (3 * k + channel) & 1) as u8) << (7 - k)
        })
    };
    [channel(0), channel(1), channel(2)]
}

/// A colour of its own for each class, by id, which is also not that of unlabelled pixels, black: the class's, or
/// another where one before has it.
pub(super) fn distinct_colors(classes: &LabelClasses) -> HashMap<u16, [u8; 3]> {
    let mut taken = HashSet::from([[0; 3]]);
    // Colours of later classes stay theirs.
    let own: HashSet<[u8; 3]> = classes.iter().map(|class| class.color).collect();
    let mut others = (1..1 << 24).map(voc_color).filter(|color| !own.contains(color));
    let color = |(id, color): (u16, [u8; 3])| match taken.insert(color) {
        true => Some((id, color)),
        false => others.next().map(|other| (id, other)),
    };
    classes
        .iter()
        .map(|class| (class.id, class.color))
        .filter_map(color)
        .collect()
}

/// What the pixels of a file say.
#[derive(Debug)]
pub(super) enum Pixels {
    /// Values in a grey or indexed PNG, by id.
    Values(LabelPng, HashMap<u16, u16>),
    /// Colours in an RGB PNG, by id.
    Colors(HashMap<u16, [u8; 3]>),
}

impl Pixels {
    /// Grey values of eight bits, the most widely read PNG of ids.
    pub(super) fn grey(values: impl IntoIterator<Item = (u16, u16)>) -> Self {
        let png = LabelPng { bits: 8, palette: None };
        Self::Values(png, values.into_iter().collect())
    }

    /// Values with colours: 256 palette entries, as strict readers refuse values beyond the palette.
    pub(super) fn indexed(values: impl IntoIterator<Item = (u16, u16)>, colors: &[(u16, [u8; 3])]) -> Self {
        let mut palette = vec![0; 256 * 3];
        for (value, color) in colors {
            if let Some(entry) = palette.chunks_exact_mut(3).nth(usize::from(*value)) {
                entry.copy_from_slice(color);
            }
        }
        let png = LabelPng {
            bits: 8,
            palette: Some(palette),
        };
        Self::Values(png, values.into_iter().collect())
    }

    /// Ids as values, and [`UNLABELLED_BYTE`] or 65535 for unlabelled pixels: indexed, or grey of 16 bits where an id
    /// needs them.
    pub(super) fn own_ids(classes: &LabelClasses) -> Self {
        let is_large = classes.largest().is_some_and(|id| id >= UNLABELLED_BYTE);
        let unlabelled = if is_large { UNLABELLED } else { UNLABELLED_BYTE };
        let values = classes
            .iter()
            .map(|class| (class.id, class.id))
            .chain([(UNLABELLED, unlabelled)]);
        if !is_large {
            let colors: Vec<_> = classes.iter().map(|class| (class.id, class.color)).collect();
            return Self::indexed(values, &colors);
        }
        let png = LabelPng {
            bits: 16,
            palette: None,
        };
        Self::Values(png, values.collect())
    }

    /// The file of an image.
    ///
    /// # Errors
    /// When an id has no class, or the sides do not fit into a PNG.
    fn encoded(&self, image: &LabelledImage) -> Result<Vec<u8>, InterchangeError> {
        let LabelMap { width, height, ids } = &image.labels;
        match self {
            Self::Values(png, values) => png
                .encode([*width, *height], &replaced(ids, values, image)?)
                .map_err(|why| InterchangeError::CannotHold(why.to_string(), image.name.clone())),
            Self::Colors(colors) => files::rgb_png([*width, *height], &replaced(ids, colors, image)?, &image.name),
        }
    }
}

/// What stands for each id.
fn replaced<T: Copy>(ids: &[u16], table: &HashMap<u16, T>, image: &LabelledImage) -> Result<Vec<T>, InterchangeError> {
    let mut found = Vec::with_capacity(ids.len());
    let mut last = None;
    for id in ids {
        // Neighbours mostly have the same id.
        let value = match last {
            Some((same, value)) if same == *id => value,
            _ => *table.get(id).ok_or_else(|| {
                let text = format!("expected ids of the classes, found {id}; add a class or map the id");
                InterchangeError::CannotHold(text, image.name.clone())
            })?,
        };
        last = Some((*id, value));
        found.push(value);
    }
    Ok(found)
}

/// Where the file of an image lies below the folder of the labels.
pub(super) type Place = fn(out: &Path, name: &str) -> Result<PathBuf, InterchangeError>;

/// Writes what belongs to all images, whose names are given.
type Finish = Box<dyn FnOnce(&[String]) -> Result<(), InterchangeError> + Send>;

/// A writer of one or more PNG files for each image.
pub(super) struct PngWriter {
    out: PathBuf,
    kinds: Vec<(Place, Pixels)>,
    names: Vec<String>,
    written: HashSet<PathBuf>,
    /// Ids that come back as [`UNLABELLED`].
    lost: Vec<u16>,
    finish: Finish,
}

impl PngWriter {
    /// A writer of a kind of file.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn new(out: &Path, place: Place, pixels: Pixels) -> Result<Self, InterchangeError> {
        std::fs::create_dir_all(out).map_err(InterchangeError::write(out))?;
        Ok(Self {
            out: out.to_owned(),
            kinds: vec![(place, pixels)],
            names: Vec::new(),
            written: HashSet::new(),
            lost: Vec::new(),
            finish: Box::new(|_| Ok(())),
        })
    }

    /// The same, with another kind of file.
    pub(super) fn and(mut self, place: Place, pixels: Pixels) -> Self {
        self.kinds.push((place, pixels));
        self
    }

    /// The same; these ids come back as [`UNLABELLED`].
    pub(super) fn losing(mut self, ids: impl IntoIterator<Item = u16>) -> Self {
        self.lost.extend(ids);
        self
    }

    /// The same, with files of all images.
    pub(super) fn finishing(
        mut self,
        finish: impl FnOnce(&[String]) -> Result<(), InterchangeError> + Send + 'static,
    ) -> Self {
        self.finish = Box::new(finish);
        self
    }
}

impl LabelWriter for PngWriter {
    fn kept<'a>(&self, labels: &'a LabelMap) -> Cow<'a, LabelMap> {
        if !labels.ids.iter().any(|id| self.lost.contains(id)) {
            return Cow::Borrowed(labels);
        }
        let mut kept = labels.clone();
        for id in kept.ids.iter_mut().filter(|id| self.lost.contains(id)) {
            *id = UNLABELLED;
        }
        Cow::Owned(kept)
    }

    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        for (place, pixels) in &self.kinds {
            let path = place(&self.out, &image.name)?;
            let bytes = pixels.encoded(image)?;
            if !self.written.insert(path.clone()) {
                let text = "expected images whose names differ not only by their suffix, found a second one; rename it";
                return Err(InterchangeError::CannotHold(text.into(), image.name.clone()));
            }
            files::replace(&path, &bytes)?;
        }
        self.names.push(image.name.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        (self.finish)(&self.names)
    }
}

/// Checks that all ids are below 255, which stands for unlabelled pixels.
///
/// # Errors
/// When one is not; `out` is where the labels were to be written.
pub(super) fn check_bytes(classes: &LabelClasses, out: &Path) -> Result<(), InterchangeError> {
    match classes.largest() {
        Some(id) if id >= UNLABELLED_BYTE => Err(InterchangeError::content(
            format!("expected class ids below 255 (8 bits), found {id}; choose a mapping (--map) or another format"),
            out,
        )),
        _ => Ok(()),
    }
}

/// Checks that there are at most 255 classes, as values have no gaps and one stands for unlabelled pixels.
///
/// # Errors
/// When there are more; `out` is where the labels were to be written.
pub(super) fn check_count(classes: &LabelClasses, out: &Path) -> Result<(), InterchangeError> {
    match classes.len() {
        count if count > usize::from(UNLABELLED_BYTE) => Err(InterchangeError::content(
            format!("expected at most 255 classes (8 bits), found {count}; choose a mapping (--map) or another format"),
            out,
        )),
        _ => Ok(()),
    }
}
