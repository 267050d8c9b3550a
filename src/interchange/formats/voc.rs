//! `voc`: indexed PNG files `SegmentationClass/NAME.png` in Pascal VOC's palette, 255 for pixels without a class, and
//! the names in `ImageSets/Segmentation`. Images lie in `JPEGImages`.
//!
//! The 21 classes are fixed, and the background is one of them. Folders with a `labelmap.txt` (of CVAT and datumaro)
//! have its classes.

use std::path::{Path, PathBuf};

use super::cvat_masks::{self, LABEL_MAP, LISTS, MASKS};
use crate::annotate::UNLABELLED;
use crate::datasets::classes_of;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE, voc_color};
use crate::interchange::id_pngs::{ColorValues, PngReader, Values, check_listed, listed};
use crate::interchange::{InterchangeError, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices};
use crate::labels::LabelPng;

/// Where the masks may lie below the folder that the user gives, as in the published archives.
const ROOTS: [&str; 5] = ["", "VOC2012", "VOC2007", "VOCdevkit/VOC2012", "VOCdevkit/VOC2007"];

/// Folders that lie beside the masks.
const BESIDE: [&str; 3] = ["JPEGImages", "Annotations", LISTS];

/// The background and 20 classes.
pub fn classes() -> LabelClasses {
    classes_of("pascal_voc")
        .as_ref()
        .map(LabelClasses::from)
        .unwrap_or_default()
}

/// The folder with the masks below one that the user gives.
fn root(path: &Path) -> Option<PathBuf> {
    ROOTS
        .iter()
        .map(|root| path.join(root))
        .find(|root| root.join(MASKS).is_dir())
}

/// Opens the folder with `SegmentationClass`, or one above as published. Files are indexed, grey or in VOC's colours.
///
/// # Errors
/// When there are no masks.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(root) = root(path) else {
        let text = format!("expected a folder {MASKS}, found none; choose the folder that has it");
        return Err(InterchangeError::content(text, path));
    };
    if root.join(LABEL_MAP).is_file() {
        return cvat_masks::open(&root, choices);
    }
    let own = classes();
    let mut colors = ColorValues::default();
    for class in own.iter() {
        colors.add(voc_color(u32::from(class.id)), class.id);
    }
    colors.add(voc_color(u32::from(UNLABELLED_BYTE)), UNLABELLED_BYTE);
    let (classes, values) = Values::named(&own, choices.classes.as_ref());
    let values = values.with_unlabelled(UNLABELLED_BYTE);
    let found = listed(&root.join(MASKS), ".png", ".png")?;
    let remarks = vec![format!(
        "No {LABEL_MAP} lies beside the masks, so classes are those of Pascal VOC."
    )];
    PngReader::boxed(found, classes, remarks, path, move |file| {
        let bytes = std::fs::read(file).map_err(InterchangeError::read(file))?;
        match LabelPng::of(&bytes) {
            Some(_) => values.read(file),
            None => values.ids(colors.read(file)?, file),
        }
    })
}

/// Writes masks and the lists `train`, `val` (images in a folder `val` or `validation`) and `trainval`. Classes must be
/// those of [`classes`].
///
/// # Errors
/// When they are not, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_listed(classes, &self::classes(), out)?;
    let values = classes
        .iter()
        .map(|class| (class.id, class.id))
        .chain([(UNLABELLED, UNLABELLED_BYTE)]);
    let palette: Vec<_> = (0..=UNLABELLED_BYTE)
        .map(|value| (value, voc_color(u32::from(value))))
        .collect();
    let folder = out.to_owned();
    let writer = PngWriter::new(out, cvat_masks::place, Pixels::indexed(values, &palette))?;
    Ok(Box::new(writer.finishing(move |names| {
        let is_val = |name: &&String| name.starts_with("val/") || name.starts_with("validation/");
        cvat_masks::write_list(&folder, "train", names.iter().filter(|name| !is_val(name)))?;
        cvat_masks::write_list(&folder, "val", names.iter().filter(is_val))?;
        cvat_masks::write_list(&folder, "trainval", names.iter())
    })))
}

/// Whether a folder has masks as VOC arranges them.
pub fn is(path: &Path) -> bool {
    root(path).is_some_and(|root| BESIDE.iter().any(|folder| root.join(folder).is_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::{files, sample};
    use crate::labels::LabelMap;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &classes()), 0);
    }

    #[test]
    fn the_palette_is_that_of_voc() {
        let known = [
            (0, [0, 0, 0]),
            (1, [128, 0, 0]),
            (8, [64, 0, 0]),
            (15, [192, 128, 128]),
            (255, [224, 224, 192]),
        ];
        for (index, color) in known {
            assert_eq!(voc_color(index), color);
        }
        for class in classes().iter() {
            assert_eq!(voc_color(u32::from(class.id)), class.color, "{}", class.name);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = create(folder.path(), &classes(), &WriteChoices::default()).expect("a writer");
        let labels = LabelMap {
            width: 2,
            height: 1,
            ids: vec![15, UNLABELLED],
        };
        let name = "val/2007_000001.jpg".to_owned();
        writer
            .write(&crate::interchange::LabelledImage { name, labels })
            .expect("written");
        writer.finish().expect("finished");
        let bytes = std::fs::read(folder.path().join("SegmentationClass/val/2007_000001.png")).expect("a file");
        let kind = LabelPng::of(&bytes).expect("indexed");
        assert_eq!((kind.bits, kind.palette.map(|palette| palette.len())), (8, Some(768)));
        assert!(is(folder.path()));
        let list = |name: &str| std::fs::read_to_string(folder.path().join(LISTS).join(name)).expect("a list");
        assert_eq!(
            [list("val.txt"), list("train.txt")],
            ["val/2007_000001\n".to_owned(), String::new()]
        );
    }

    #[test]
    fn short_palettes_and_colours_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let masks = folder.path().join("VOCdevkit/VOC2012").join(MASKS);
        let short = LabelPng {
            bits: 8,
            palette: Some((0..21).flat_map(voc_color).collect()),
        };
        files::replace(&masks.join("a.png"), &short.encode([2, 1], &[20, 255]).expect("a file")).expect("written");
        let colors = [[224, 224, 192], [0, 64, 128], [0; 3]];
        files::replace(
            &masks.join("b.png"),
            &files::rgb_png([3, 1], &colors, "b").expect("a file"),
        )
        .expect("written");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.read(0).expect("an image").labels.ids, [20, UNLABELLED]);
        assert_eq!(reader.read(1).expect("an image").labels.ids, [UNLABELLED, 20, 0]);
    }
}
