//! `cityscapes`: `gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png` (grey, label ids) and `…_labelTrainIds.png` (the 19
//! classes of the benchmark, 255 for others). Images are `SPLIT/CITY/NAME_leftImg8bit.png`.
//!
//! Images without split and city get the folder `train/unnamed`, and come back without it. The value 0, `unlabeled`,
//! is what the dataset writes for pixels without a class.

use std::path::{Path, PathBuf};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE};
use crate::interchange::id_pngs::{LabelFile, PngReader, Values, any_file, check_listed, listed};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};

/// The folder of the labels.
const FOLDER: &str = "gtFine";

/// Where images without split and city are put.
const UNNAMED: [&str; 2] = ["train", "unnamed"];

/// End of the images' names.
const IMAGE_END: &str = "_leftImg8bit";

/// Endings of the files of label ids, and of those of train ids.
const ENDINGS: [&str; 2] = ["_labelIds.png", "_labelTrainIds.png"];

/// The label id of pixels without a class.
pub(super) const UNLABELED: u16 = 0;

/// Names and colours by label id, and ids of the benchmark (cityscapesscripts/helpers/labels.py).
const LABELS: [(&str, [u8; 3], Option<u16>); 34] = [
    ("unlabeled", [0, 0, 0], None),
    ("ego vehicle", [0, 0, 0], None),
    ("rectification border", [0, 0, 0], None),
    ("out of roi", [0, 0, 0], None),
    ("static", [0, 0, 0], None),
    ("dynamic", [111, 74, 0], None),
    ("ground", [81, 0, 81], None),
    ("road", [128, 64, 128], Some(0)),
    ("sidewalk", [244, 35, 232], Some(1)),
    ("parking", [250, 170, 160], None),
    ("rail track", [230, 150, 140], None),
    ("building", [70, 70, 70], Some(2)),
    ("wall", [102, 102, 156], Some(3)),
    ("fence", [190, 153, 153], Some(4)),
    ("guard rail", [180, 165, 180], None),
    ("bridge", [150, 100, 100], None),
    ("tunnel", [150, 120, 90], None),
    ("pole", [153, 153, 153], Some(5)),
    ("polegroup", [153, 153, 153], None),
    ("traffic light", [250, 170, 30], Some(6)),
    ("traffic sign", [220, 220, 0], Some(7)),
    ("vegetation", [107, 142, 35], Some(8)),
    ("terrain", [152, 251, 152], Some(9)),
    ("sky", [70, 130, 180], Some(10)),
    ("person", [220, 20, 60], Some(11)),
    ("rider", [255, 0, 0], Some(12)),
    ("car", [0, 0, 142], Some(13)),
    ("truck", [0, 0, 70], Some(14)),
    ("bus", [0, 60, 100], Some(15)),
    ("caravan", [0, 0, 90], None),
    ("trailer", [0, 0, 110], None),
    ("train", [0, 80, 100], Some(16)),
    ("motorcycle", [0, 0, 230], Some(17)),
    ("bicycle", [119, 11, 32], Some(18)),
];

/// All classes of the dataset by label id, also those that the benchmark does not count.
pub fn classes() -> LabelClasses {
    let class = |(id, (name, color, _)): (u16, (&str, [u8; 3], _))| LabelClass {
        id,
        name: name.to_owned(),
        color,
    };
    (0..).zip(LABELS).map(class).collect()
}

/// Pairs of train ids and label ids.
pub(super) fn train_ids() -> impl Iterator<Item = (u16, u16)> {
    (0..)
        .zip(LABELS)
        .filter_map(|(id, (_, _, train_id))| Some((train_id?, id)))
}

/// The name of the file of an image for the benchmark's server, which wants label ids (as in the files
/// `…_labelIds.png`, not train ids) in one PNG for each image: `aachen_000000_000019.png`.
///
/// # Errors
/// When the image's name leaves its folder.
fn submission_name(image: &str) -> Result<String, InterchangeError> {
    let path = files::safe(image)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(format!("{}.png", stem.strip_suffix(IMAGE_END).unwrap_or(&stem)))
}

/// The folder of the labels in one that the user gives, or itself.
fn labels_in(path: &Path) -> PathBuf {
    let folders = [FOLDER, "gtCoarse", "gt"].map(|name| path.join(name));
    folders
        .into_iter()
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| path.to_owned())
}

/// Opens the dataset's folder, `gtFine` (or `gtCoarse`), or a folder below. Files of label ids are preferred to those
/// of train ids.
///
/// # Errors
/// When there are no such files, or several of an image.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let folder = labels_in(path);
    let mut remarks = Vec::new();
    let mut found = listed(&folder, ENDINGS[0], "")?;
    let own = classes();
    let (classes, values) = Values::named(&own, choices.classes.as_ref());
    if !found.is_empty() {
        let values = unlabelled(values);
        return PngReader::boxed(named(found), classes, remarks, path, move |file| values.read(file));
    }
    found = listed(&folder, ENDINGS[1], "")?;
    remarks.push("There are only train ids, so pixels outside of the 19 classes are unlabelled.".to_owned());
    let label_ids = Values::new(train_ids()).with_unlabelled(UNLABELLED_BYTE);
    let values = values.with_unlabelled(UNLABELLED);
    PngReader::boxed(named(found), classes, remarks, path, move |file| {
        values.ids(label_ids.read(file)?, file)
    })
}

/// Values of label ids in which 0 has no class. The scripts store the id -1 of licence plates as 255.
pub(super) fn unlabelled(values: Values) -> Values {
    values.replaced(UNLABELED, UNLABELLED).with_unlabelled(UNLABELLED_BYTE)
}

/// Files with the names of their images instead of their own without endings.
fn named(found: Vec<LabelFile>) -> Vec<LabelFile> {
    let name = |file: LabelFile| {
        let stem = &file.image;
        let stem = ["_gtFine", "_gtCoarse", "_gt"]
            .iter()
            .find_map(|end| stem.strip_suffix(end))
            .unwrap_or(stem);
        let own_folder = format!("{}/", UNNAMED.join("/"));
        let image = match stem.strip_prefix(&own_folder) {
            Some(name) => format!("{name}.png"),
            None => format!("{stem}{IMAGE_END}.png"),
        };
        LabelFile { image, ..file }
    };
    found.into_iter().map(name).collect()
}

/// Writes both kinds of files. Classes must be those of [`classes`].
///
/// # Errors
/// When they are not, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_listed(classes, &self::classes(), out)?;
    let ids = classes
        .iter()
        .map(|class| (class.id, class.id))
        .chain([(UNLABELLED, UNLABELED)]);
    let train_id = |id: u16| {
        train_ids()
            .find(|(_, label_id)| *label_id == id)
            .map_or(UNLABELLED_BYTE, |(id, _)| id)
    };
    let train_ids = classes
        .iter()
        .map(|class| (class.id, train_id(class.id)))
        .chain([(UNLABELLED, UNLABELLED_BYTE)]);
    let [label_ids, train_ids] = [Pixels::grey(ids), Pixels::grey(train_ids)];
    let writer = PngWriter::new(out, |out, name| place(out, name, ENDINGS[0]), label_ids)?
        .and(|out, name| place(out, name, ENDINGS[1]), train_ids)
        .losing([UNLABELED]);
    Ok(Box::new(writer))
}

/// Writes one PNG of label ids for each image, named as the benchmark's server wants them, all in one folder. Classes
/// must be those of [`classes`].
///
/// # Errors
/// When they are not, or the folder cannot be made.
pub fn create_submission(
    out: &Path,
    classes: &LabelClasses,
    _: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_listed(classes, &self::classes(), out)?;
    let own = classes.iter().map(|class| (class.id, class.id));
    let pixels = Pixels::grey(own.chain([(UNLABELLED, UNLABELED)]));
    let writer = PngWriter::new(out, |out, name| Ok(out.join(submission_name(name)?)), pixels)?;
    Ok(Box::new(writer.losing([UNLABELED])))
}

/// `gtFine/SPLIT/CITY/NAME_gtFine` and an ending.
fn place(out: &Path, name: &str, ending: &str) -> Result<PathBuf, InterchangeError> {
    let path = files::visible(name)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.strip_suffix(IMAGE_END).unwrap_or(&stem);
    let folders: Vec<_> = path.parent().map(|folder| folder.iter().collect()).unwrap_or_default();
    let folder: PathBuf = match folders.as_slice() {
        [] => UNNAMED.iter().collect(),
        [city] => [UNNAMED[0].as_ref(), *city].iter().collect(),
        all => all.iter().collect(),
    };
    Ok(out.join(FOLDER).join(folder).join(format!("{stem}_gtFine{ending}")))
}

/// Whether a folder has such files.
pub fn is(path: &Path) -> bool {
    any_file(&labels_in(path), |name| {
        ENDINGS.iter().any(|ending| name.ends_with(ending))
    })
    .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::LabelledImage;
    use crate::interchange::sample;
    use crate::labels::{LabelMap, LabelPng};

    const GREY: LabelPng = LabelPng { bits: 8, palette: None };

    #[test]
    fn maps_come_back_as_announced() {
        sample::there_and_back(create, open, &classes());
    }

    #[test]
    fn names_have_split_and_city() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = create(folder.path(), &classes(), &WriteChoices::default()).expect("a writer");
        let names = ["val/ulm/ulm_1_leftImg8bit.png", "bonn/bonn_2_leftImg8bit.png", "b.jpg"];
        for name in names {
            let labels = LabelMap {
                width: 3,
                height: 1,
                ids: vec![7, 6, UNLABELLED],
            };
            let name = name.to_owned();
            writer.write(&LabelledImage { name, labels }).expect("written");
        }
        writer.finish().expect("finished");
        let file = folder.path().join("gtFine/val/ulm/ulm_1_gtFine_labelTrainIds.png");
        assert_eq!(LabelMap::open(&file).expect("a map").ids, [0, 255, 255]);
        let file = folder.path().join("gtFine/train/unnamed/b_gtFine_labelIds.png");
        assert_eq!(LabelMap::open(&file).expect("a map").ids, [7, 6, 0]);
        assert!(is(folder.path()));
        let reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(
            reader.names(),
            [
                "train/bonn/bonn_2_leftImg8bit.png",
                "b.png",
                "val/ulm/ulm_1_leftImg8bit.png"
            ]
        );
        let name = submission_name(names[0]).expect("a name");
        assert_eq!(name, "ulm_1.png");
    }

    #[test]
    fn train_ids_are_read_when_there_is_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = GREY.encode([3, 1], &[0, 18, 255]).expect("a file");
        std::fs::write(folder.path().join("x_gtFine_labelTrainIds.png"), bytes).expect("written");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.read(0).expect("an image").labels.ids, [7, 33, UNLABELLED]);
        assert_eq!(reader.remarks().len(), 1);
        let bytes = GREY.encode([2, 1], &[0, 19]).expect("a file");
        std::fs::write(folder.path().join("x_gtFine_labelTrainIds.png"), bytes).expect("written");
        assert!(
            reader
                .read(0)
                .is_err_and(|why| why.to_string().contains("found 19 in 1 pixels"))
        );
    }

    #[test]
    fn other_classes_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let why = create(folder.path(), &sample::classes(), &WriteChoices::default()).map(|_| ());
        assert!(why.is_err_and(|why| why.to_string().contains("--map")));
    }
}
