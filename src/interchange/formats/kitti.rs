//! `kitti`: grey PNG files `training/semantic/NAME.png` with the label ids of Cityscapes. Images lie in
//! `training/image_2`.

use std::path::{Path, PathBuf};

use super::cityscapes::{self, UNLABELED};
use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter};
use crate::interchange::id_pngs::{PngReader, Values, check_listed, listed};
use crate::interchange::{InterchangeError, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files};

/// The folder of the files.
const MAPS: [&str; 2] = ["training", "semantic"];

/// The classes of Cityscapes by label id.
pub fn classes() -> LabelClasses {
    cityscapes::classes()
}

fn maps_in(path: &Path) -> Option<PathBuf> {
    let [split, maps] = MAPS;
    let folders = [path.join(split).join(maps), path.join(maps)];
    folders.into_iter().find(|folder| folder.is_dir())
}

/// Opens the folder with `training/semantic`, or a folder of the files.
///
/// # Errors
/// When there are no files.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let found = listed(maps_in(path).as_deref().unwrap_or(path), ".png", ".png")?;
    let (classes, values) = Values::named(&classes(), choices.classes.as_ref());
    let values = cityscapes::unlabelled(values);
    PngReader::boxed(found, classes, Vec::new(), path, move |file| values.read(file))
}

/// Writes `training/semantic/NAME.png`. Classes must be those of [`classes`]; `unlabeled` comes back as no class.
///
/// # Errors
/// When they are not, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_listed(classes, &self::classes(), out)?;
    let values = classes
        .iter()
        .map(|class| (class.id, class.id))
        .chain([(UNLABELLED, UNLABELED)]);
    let place = |out: &Path, name: &str| files::place(&out.join(MAPS[0]).join(MAPS[1]), name, ".png");
    Ok(Box::new(
        PngWriter::new(out, place, Pixels::grey(values))?.losing([UNLABELED]),
    ))
}

/// Whether a folder has the files, beside images or colours as KITTI arranges them, or in `training/semantic`.
pub fn is(path: &Path) -> bool {
    let beside = |folder: PathBuf| {
        let parent = folder.parent().unwrap_or(path);
        parent.ends_with(MAPS[0])
            || ["image_2", "semantic_rgb", "instance"]
                .iter()
                .any(|other| parent.join(other).is_dir())
    };
    maps_in(path).is_some_and(beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn maps_come_back_as_announced() {
        sample::there_and_back(create, open, &classes());
    }

    #[test]
    fn files_lie_in_training() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = create(folder.path(), &classes(), &WriteChoices::default()).expect("a writer");
        let labels = crate::labels::LabelMap {
            width: 2,
            height: 1,
            ids: vec![33, UNLABELLED],
        };
        let name = "000000_10.png".to_owned();
        writer
            .write(&crate::interchange::LabelledImage { name, labels })
            .expect("written");
        let file = folder.path().join("training/semantic/000000_10.png");
        assert_eq!(crate::labels::LabelMap::open(&file).expect("a map").ids, [33, 0]);
        assert!(is(folder.path()) && !is(&folder.path().join("training/semantic")));
    }
}
