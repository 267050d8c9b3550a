use super::*;
use crate::interchange::{LabelledImage, sample};

const LINES: &str = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\n\nsky:70,130,180:a,b:c\n";

fn folder_with(lines: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(LABEL_MAP), lines).expect("written");
    fs::create_dir(folder.path().join(MASKS)).expect("a folder");
    folder
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    files::replace(&folder.join(MASKS).join(name), bytes).expect("written");
}

#[test]
fn maps_come_back_as_they_were() {
    assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
}

#[test]
fn equal_colours_and_black_are_told_apart() {
    let mut classes = sample::classes();
    for (id, color) in [(5, [0; 3]), (6, [0, 0, 142]), (7, [0, 0, 142]), (8, [128, 0, 0])] {
        let name = format!("class {id}");
        classes.add(LabelClass { id, name, color });
    }
    assert_eq!(sample::there_and_back(create, open, &classes), 0);
}

#[test]
fn background_is_no_class() {
    let class = |id, name: &str| LabelClass {
        id,
        name: name.into(),
        color: [id as u8, 9, 9],
    };
    let classes: LabelClasses = [class(0, BACKGROUND), class(1, "road")].into_iter().collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = create(folder.path(), &classes, &WriteChoices::default()).expect("a writer");
    let labels = LabelMap {
        width: 3,
        height: 1,
        ids: vec![0, 1, UNLABELLED],
    };
    assert_eq!(writer.kept(&labels).ids, [UNLABELLED, 1, UNLABELLED]);
    let name = "train/a b.jpg".to_owned();
    writer.write(&LabelledImage { name, labels }).expect("written");
    writer.finish().expect("finished");
    let list = fs::read_to_string(folder.path().join("ImageSets/Segmentation/default.txt")).expect("a list");
    assert_eq!(list, "train/a b\n");
    assert!(is(folder.path()));
    let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.classes().len(), 1);
    assert_eq!(
        reader.read(0).expect("an image").labels.ids,
        [UNLABELLED, 1, UNLABELLED]
    );
}

#[test]
fn grey_indexed_and_colour_files_are_read_as_cvat_does() {
    let folder = folder_with(LINES);
    let kind = |palette: Option<Vec<u8>>| LabelPng { bits: 8, palette };
    let grey = kind(None).encode([3, 1], &[0, 1, 2]).expect("a file");
    put(folder.path(), "a.png", &grey);
    // By colour, as all are declared; then by number, as one is not.
    let palette = vec![70, 130, 180, 0, 0, 0, 128, 64, 128];
    put(
        folder.path(),
        "b.png",
        &kind(Some(palette)).encode([3, 1], &[0, 1, 2]).expect("a file"),
    );
    let palette = vec![70, 130, 180, 0, 0, 0, 1, 1, 1];
    put(
        folder.path(),
        "c.png",
        &kind(Some(palette)).encode([3, 1], &[0, 1, 2]).expect("a file"),
    );
    let rgb = |colors: &[[u8; 3]]| files::rgb_png([colors.len(), 1], colors, "x").expect("a file");
    put(folder.path(), "d.png", &rgb(&[[70, 130, 180], [0; 3]]));
    put(folder.path(), "e.png", &rgb(&[[0; 3], [70, 130, 181]]));
    put(
        folder.path(),
        "f.png",
        &kind(None).encode([1, 1], &[3]).expect("a file"),
    );
    fs::create_dir_all(folder.path().join(LISTS)).expect("a folder");
    fs::write(folder.path().join(LISTS).join("train.txt"), "a\nz\n").expect("written");
    let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.remarks(), ["1 listed images have no mask and are left out."]);
    let mut ids = |index| reader.read(index).map(|image| image.labels.ids);
    assert_eq!(ids(0).expect("ids"), [UNLABELLED, 1, 2]);
    assert_eq!(ids(1).expect("ids"), [2, UNLABELLED, 1]);
    assert_eq!(ids(2).expect("ids"), [UNLABELLED, 1, 2]);
    assert_eq!(ids(3).expect("ids"), [2, UNLABELLED]);
    assert!(ids(4).is_err_and(|why| why.to_string().contains("(70, 130, 181) in 1 pixels")));
    assert!(ids(5).is_err());
}

#[test]
fn damaged_lists_are_refused() {
    for lines in [
        "road:1,2,3:\n",
        "a:1,2,3::\nb:1,2,3::\n",
        "a:1,2::\n",
        "a:1,2,300::\n",
        "a:1,2,3::\na:1,2,4::\n",
    ] {
        let folder = folder_with(lines);
        assert!(open(folder.path(), &ReadChoices::default()).is_err(), "{lines}");
    }
    assert!(
        open(folder_with(LINES).path(), &ReadChoices::default()).is_err(),
        "no masks"
    );
}

#[test]
fn names_that_the_list_cannot_hold_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a:b", "a\nb", "", " a", "#a"] {
        let class = LabelClass {
            id: 1,
            name: name.into(),
            color: [1; 3],
        };
        let classes = LabelClasses::from_iter([class]);
        assert!(
            create(folder.path(), &classes, &WriteChoices::default()).is_err(),
            "{name:?}"
        );
    }
}
