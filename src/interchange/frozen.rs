//! Files as the reference clients write them (`tests/files/labels`), read and compared with what those clients read.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ClassFile, Format, LabelClasses, ReadChoices};
use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// Folders whose format is not in the table.
const NOT_IN_TABLE: &[&str] = &[];

/// Formats that are recognised as another one: of those with one reader, the first stands for all, and VOC in the
/// arrangement of datumaro has the files of CVAT's masks.
const TAKEN_FOR: &[(&str, &str)] = &[
    ("coco-polygons", "coco-rle"),
    ("labelme-polygons", "labelme"),
    ("voc", "cvat-masks"),
    (TO_BE_NAMED, "index"),
];

/// Formats whose files do not name classes.
const WITHOUT_NAMES: &[&str] = &["index", "mmseg", "coco-stuff"];

/// Grey files without names of the dataset: they could be ids, and are refused as such.
const TO_BE_NAMED: &str = "ade20k";

/// Files of a client.
pub(super) struct Fixture {
    /// The key of the format.
    pub(super) key: String,
    /// What the client wrote.
    pub(super) files: PathBuf,
    /// The classes.
    pub(super) classes: LabelClasses,
    /// What the client reads of each image, by the image's stem.
    pub(super) maps: Vec<(String, LabelMap)>,
}

/// All fixtures, by the name of their folder.
pub(super) fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/labels");
    let folders = fs::read_dir(root)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> = folders
        .filter(|path| path.is_dir())
        .map(|path| fixture(&path))
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn fixture(folder: &Path) -> Fixture {
    let expected = folder.join("expected");
    let class_file = ClassFile::open(&expected.join("classes.toml")).expect("classes");
    let map = |path: PathBuf| {
        let mut map = LabelMap::open(&path).expect("a map");
        map.ids.iter_mut().for_each(|id| *id = class_file.id_of(*id));
        (path.file_stem().expect("a stem").to_string_lossy().into_owned(), map)
    };
    let listed = fs::read_dir(&expected)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let pngs = listed.filter(|path| path.extension().is_some_and(|ending| ending == "png"));
    Fixture {
        key: folder.file_name().expect("a name").to_string_lossy().into_owned(),
        files: folder.join("files"),
        maps: pngs.map(map).collect(),
        classes: class_file.classes,
    }
}

impl Fixture {
    /// Compares everything that a format reads of `files` with what the client reads.
    ///
    /// # Errors
    /// What the reader refuses, or the first difference.
    pub(super) fn compare(&self, format: &Format, files: &Path, classes: Option<LabelClasses>) -> Result<(), String> {
        let choices = ReadChoices { classes, images: None };
        let mut reader = format.open(files, &choices).map_err(|why| why.to_string())?;
        if reader.names().len() != self.maps.len() {
            return Err(format!("found the images {:?}", reader.names()));
        }
        for index in 0..self.maps.len() {
            let found = reader.read(index).map_err(|why| why.to_string())?;
            let (_, file) = found.name.rsplit_once('/').unwrap_or(("", &found.name));
            // Cityscapes has the number of the image behind the name of the city.
            let stem = file.split(['_', '.']).next().unwrap_or_default();
            let named = self.maps.iter().find(|(name, _)| name == stem);
            let (_, expected) = named.ok_or_else(|| format!("found the image {}", found.name))?;
            let id_of = |id: u16| match id {
                UNLABELLED => Some(UNLABELLED),
                id => Some(self.classes.named(&reader.classes().get(id)?.name)?.id),
            };
            let ids: Option<Vec<u16>> = found.labels.ids.iter().map(|id| id_of(*id)).collect();
            let ids = ids.ok_or_else(|| format!("found other classes in {}", found.name))?;
            let labels = LabelMap { ids, ..found.labels };
            if labels != *expected {
                return Err(format!("found another map of {}", found.name));
            }
        }
        Ok(())
    }
}

#[test]
fn files_of_clients_are_read_as_the_clients_read_them() {
    let mut failed = Vec::new();
    let mut keys = Vec::new();
    for fixture in fixtures() {
        assert_eq!(fixture.maps.len(), 2, "{}", fixture.key);
        keys.push(fixture.key.clone());
        let Some(format) = Format::named(&fixture.key) else {
            assert!(NOT_IN_TABLE.contains(&fixture.key.as_str()), "{}", fixture.key);
            continue;
        };
        let given = [Some(fixture.classes.clone()), None];
        let given = given
            .into_iter()
            .filter(|given| given.is_some() || !WITHOUT_NAMES.contains(&format.key));
        for classes in given {
            let how = if classes.is_some() { "with classes" } else { "alone" };
            if let Err(why) = fixture.compare(format, &fixture.files, classes) {
                failed.push(format!("{} {how}: {why}", fixture.key));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(keys.len() >= 21, "{keys:?}");
    assert!(NOT_IN_TABLE.is_empty());
}

#[test]
fn files_of_clients_are_recognised() {
    let mut failed = Vec::new();
    for fixture in fixtures() {
        let taken_for = TAKEN_FOR.iter().find(|(key, _)| *key == fixture.key);
        let wanted = taken_for.map_or(fixture.key.as_str(), |(_, other)| other);
        let found = Format::of(&fixture.files).map(|format| format.key);
        if found != Some(wanted) {
            failed.push(format!("{}: {found:?}", fixture.key));
        }
        if fixture.key == TO_BE_NAMED {
            continue;
        }
        let equal = found.and_then(Format::named).map(|format| {
            let classes = Some(fixture.classes.clone());
            fixture.compare(format, &fixture.files, classes)
        });
        if let Some(Err(why)) = equal {
            failed.push(format!("{} as {found:?}: {why}", fixture.key));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
