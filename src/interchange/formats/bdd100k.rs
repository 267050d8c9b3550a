//! `bdd100k`, read only: grey PNG files `sem_seg/masks/SPLIT/NAME.png` of the 19 classes (255: no class), or `bitmasks`
//! of `pan_seg` and `ins_seg`: RGBA files in which red is the category, counted from one, green has flags, and blue and
//! alpha are the number of an object. Such alpha is no transparency.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use png::{BitDepth, ColorType};

use super::cityscapes;
use crate::interchange::id_png_writer::UNLABELLED_BYTE;
use crate::interchange::id_pngs::{PngReader, Values, any_file, listed};
use crate::interchange::{InterchangeError, LabelClass, LabelClasses, LabelReader, ReadChoices, files};
use crate::labels::LabelMap;

/// A kind of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 19 classes of Cityscapes by train id.
    Masks,
    /// 40 categories.
    Panoptic,
    /// 8 categories of objects.
    Objects,
}

/// Folders of the kinds, the preferred first.
const FOLDERS: [(&str, Kind); 3] = [
    ("sem_seg/masks", Kind::Masks),
    ("pan_seg/bitmasks", Kind::Panoptic),
    ("ins_seg/bitmasks", Kind::Objects),
];

/// Categories of `pan_seg` by red, and their colours (bdd100k/label/label.py). Zero is `unlabeled`.
const PANOPTIC: [(&str, [u8; 3]); 40] = [
    ("dynamic", [111, 74, 0]),
    ("ego vehicle", [0, 0, 0]),
    ("ground", [81, 0, 81]),
    ("static", [0, 0, 0]),
    ("parking", [250, 170, 160]),
    ("rail track", [230, 150, 140]),
    ("road", [128, 64, 128]),
    ("sidewalk", [244, 35, 232]),
    ("bridge", [150, 100, 100]),
    ("building", [70, 70, 70]),
    ("fence", [190, 153, 153]),
    ("garage", [180, 100, 180]),
    ("guard rail", [180, 165, 180]),
    ("tunnel", [150, 120, 90]),
    ("wall", [102, 102, 156]),
    ("banner", [250, 170, 100]),
    ("billboard", [220, 220, 250]),
    ("lane divider", [255, 165, 0]),
    ("parking sign", [220, 20, 60]),
    ("pole", [153, 153, 153]),
    ("polegroup", [153, 153, 153]),
    ("street light", [220, 220, 100]),
    ("traffic cone", [255, 70, 0]),
    ("traffic device", [220, 220, 220]),
    ("traffic light", [250, 170, 30]),
    ("traffic sign", [220, 220, 0]),
    ("traffic sign frame", [250, 170, 250]),
    ("terrain", [152, 251, 152]),
    ("vegetation", [107, 142, 35]),
    ("sky", [70, 130, 180]),
    ("person", [220, 20, 60]),
    ("rider", [255, 0, 0]),
    ("bicycle", [119, 11, 32]),
    ("bus", [0, 60, 100]),
    ("car", [0, 0, 142]),
    ("caravan", [0, 0, 90]),
    ("motorcycle", [0, 0, 230]),
    ("trailer", [0, 0, 110]),
    ("train", [0, 80, 100]),
    ("truck", [0, 0, 70]),
];

/// Categories of `ins_seg` by red.
const OBJECTS: [(&str, [u8; 3]); 8] = [
    ("pedestrian", [220, 20, 60]),
    ("rider", [255, 0, 0]),
    ("car", [0, 0, 142]),
    ("truck", [0, 0, 70]),
    ("bus", [0, 60, 100]),
    ("train", [0, 80, 100]),
    ("motorcycle", [0, 0, 230]),
    ("bicycle", [119, 11, 32]),
];

impl Kind {
    /// The classes, whose ids are the values in the files.
    fn classes(self) -> LabelClasses {
        let listed = |categories: &[(&str, [u8; 3])]| {
            let class = |(id, (name, color)): (u16, &(&str, [u8; 3]))| LabelClass {
                id,
                name: (*name).to_owned(),
                color: *color,
            };
            (1..).zip(categories).map(class).collect()
        };
        match self {
            Self::Panoptic => listed(&PANOPTIC),
            Self::Objects => listed(&OBJECTS),
            Self::Masks => {
                let all = cityscapes::classes();
                let class = |(train_id, label_id): (u16, u16)| {
                    all.get(label_id).map(|class| LabelClass {
                        id: train_id,
                        ..class.clone()
                    })
                };
                cityscapes::train_ids().filter_map(class).collect()
            }
        }
    }

    /// The values in a file.
    fn values(self, path: &Path) -> Result<LabelMap, InterchangeError> {
        match self {
            Self::Masks => files::read_ids(path),
            Self::Panoptic | Self::Objects => categories(path),
        }
    }
}

/// The folder of labels that a path names: itself (then its name and that of its parent tell the kind), or one below,
/// also in `labels`.
fn labels_in(path: &Path) -> Option<(PathBuf, Kind)> {
    let below = ["", "labels", "bdd100k/labels"].into_iter().flat_map(|start| {
        let start = path.join(start);
        FOLDERS
            .into_iter()
            .map(move |(folder, kind)| (start.join(folder), kind))
    });
    let itself = FOLDERS
        .into_iter()
        .filter(|(folder, _)| path.ends_with(folder))
        .map(|(_, kind)| (path.to_owned(), kind));
    below.chain(itself).find(|(folder, _)| folder.is_dir())
}

/// Opens the dataset's folder, `labels` in it, or the folder of a kind. Without knowing the kind of labels, categories
/// cannot be named.
///
/// # Errors
/// When there are no labels.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some((folder, kind)) = labels_in(path) else {
        let text =
            "expected a folder sem_seg/masks, pan_seg/bitmasks or ins_seg/bitmasks, found none; choose one above";
        return Err(InterchangeError::content(text, path));
    };
    let (classes, values) = Values::named(&kind.classes(), choices.classes.as_ref());
    let values = match kind {
        Kind::Masks => values.with_unlabelled(UNLABELLED_BYTE),
        Kind::Panoptic | Kind::Objects => values.with_unlabelled(0),
    };
    let found = listed(&folder, ".png", ".jpg")?;
    PngReader::boxed(found, classes, Vec::new(), path, move |file| {
        values.ids(kind.values(file)?, file)
    })
}

/// The reds of an RGBA file.
fn categories(path: &Path) -> Result<LabelMap, InterchangeError> {
    let content = |text: String| InterchangeError::content(text, path);
    let bytes = std::fs::read(path).map_err(InterchangeError::read(path))?;
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder
        .read_info()
        .map_err(|why| content(format!("expected a PNG, found {why}")))?;
    let info = reader.info();
    if (info.color_type, info.bit_depth, info.interlaced) != (ColorType::Rgba, BitDepth::Eight, false) {
        let text = format!(
            "expected an RGBA PNG of 8 bits, found {:?}; use the dataset's own file",
            info.color_type
        );
        return Err(content(text));
    }
    let (width, height) = info.size();
    let [width, height] = [width as usize, height as usize];
    if width as u64 * height as u64 > LabelMap::MAX_PIXELS {
        return Err(content(files::wrong_size([width as u64, height as u64])));
    }
    // Row by row: memory grows with the data in the file, not with the size that the header claims.
    let mut ids = Vec::new();
    while let Some(row) = reader
        .next_row()
        .map_err(|why| content(format!("expected a whole PNG, found {why}")))?
    {
        let pixels: &[[u8; 4]] = row.data().as_chunks().0;
        ids.extend(pixels.iter().map(|[category, ..]| u16::from(*category)));
    }
    match ids.len() == width * height {
        true => Ok(LabelMap { width, height, ids }),
        false => Err(content(format!(
            "expected {} pixels, found {}: the file ends too early",
            width * height,
            ids.len()
        ))),
    }
}

/// Whether a folder has such labels.
pub fn is(path: &Path) -> bool {
    labels_in(path).is_some_and(|(folder, _)| any_file(&folder, |name| name.ends_with(".png")).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::labels::LabelPng;

    fn rgba(pixels: &[[u8; 4]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, pixels.len() as u32, 1);
        encoder.set_color(ColorType::Rgba);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(pixels.as_flattened()).expect("pixels");
        writer.finish().expect("finished");
        bytes
    }

    #[test]
    fn masks_hold_train_ids() {
        let folder = tempfile::tempdir().expect("a folder");
        let grey = LabelPng { bits: 8, palette: None };
        let file = folder.path().join("labels/sem_seg/masks/val/7d06fefd-f7be05a6.png");
        files::replace(&file, &grey.encode([3, 1], &[0, 18, 255]).expect("a file")).expect("written");
        assert!(is(folder.path()) && is(&folder.path().join("labels/sem_seg/masks")));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        let image = reader.read(0).expect("an image");
        assert_eq!(
            (image.name.as_str(), image.labels.ids),
            ("val/7d06fefd-f7be05a6.jpg", vec![0, 18, UNLABELLED])
        );
        assert_eq!(
            (
                reader.classes().len(),
                reader.classes().get(18).map(|class| class.name.as_str())
            ),
            (19, Some("bicycle"))
        );
    }

    #[test]
    fn bitmasks_keep_their_red_whatever_the_alpha() {
        let folder = tempfile::tempdir().expect("a folder");
        let pixels = [[35, 2, 1, 0], [40, 0, 0, 7], [0, 0, 0, 0], [1, 0, 9, 255]];
        files::replace(&folder.path().join("pan_seg/bitmasks/a.png"), &rgba(&pixels)).expect("written");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.read(0).expect("an image").labels.ids, [35, 40, UNLABELLED, 1]);
        assert_eq!(reader.classes().get(35).map(|class| class.name.as_str()), Some("car"));
        let whole = rgba(&pixels);
        for damaged in [&whole[..whole.len() / 2], &rgba(&[[41, 0, 0, 0]])] {
            files::replace(&folder.path().join("pan_seg/bitmasks/a.png"), damaged).expect("written");
            assert!(reader.read(0).is_err());
        }
        let file = folder.path().join("ins_seg/bitmasks/a.png");
        files::replace(&file, &rgba(&[[3, 0, 0, 1], [8, 0, 0, 2]])).expect("written");
        let mut reader = open(&folder.path().join("ins_seg/bitmasks"), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.read(0).expect("an image").labels.ids, [3, 8]);
        assert_eq!(reader.classes().get(3).map(|class| class.name.as_str()), Some("car"));
    }
}
