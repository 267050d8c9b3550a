use super::*;
use crate::interchange::formats::{cityscapes, coco_stuff, mmseg};
use crate::interchange::{LabelWriter, ReadChoices, WriteChoices, sample};
use crate::labels::LabelPng;

const GREY: LabelPng = LabelPng { bits: 8, palette: None };

fn image(name: &str, ids: &[u16]) -> LabelledImage {
    LabelledImage {
        name: name.to_owned(),
        labels: LabelMap {
            width: ids.len(),
            height: 1,
            ids: ids.to_vec(),
        },
    }
}

fn writer(out: &Path) -> Box<dyn LabelWriter> {
    mmseg::create(out, &sample::classes(), &WriteChoices::default()).expect("a writer")
}

#[test]
fn hostile_and_equal_names_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(&folder.path().join("out"));
    for name in ["../a.png", "/a.png", "a/../../b.png", "C:\\a.png", "", ".."] {
        assert!(writer.write(&image(name, &[1])).is_err(), "{name:?}");
    }
    writer.write(&image("a/b.png", &[1])).expect("written");
    assert!(
        writer
            .write(&image("a/b.jpg", &[1]))
            .is_err_and(|why| why.to_string().contains("rename"))
    );
    let found = files::files_with_ending(folder.path(), ".png").expect("files");
    assert_eq!(found, [folder.path().join("out/ann_dir/a/b.png")]);
}

#[test]
fn ids_without_a_class_are_refused_and_leave_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(folder.path());
    for id in [0, 2, 255, 256, 65_534] {
        assert!(
            writer
                .write(&image("a.png", &[1, id]))
                .is_err_and(|why| why.to_string().ends_with("a.png")),
            "{id}"
        );
    }
    assert!(
        files::files_with_ending(folder.path(), ".png")
            .expect("files")
            .is_empty()
    );
}

#[test]
fn damaged_files_give_errors_and_no_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.png");
    let ids: Vec<u16> = (0..4000).map(|place| place * 7 % 5).collect();
    let whole = GREY.encode([80, 50], &ids).expect("a file");
    std::fs::write(&file, &whole).expect("written");
    let choices = ReadChoices {
        classes: Some(
            (0..5)
                .map(|id| LabelClass {
                    id,
                    name: format!("{id}"),
                    color: [0; 3],
                })
                .collect(),
        ),
        ..ReadChoices::default()
    };
    let mut reader = coco_stuff::open(folder.path(), &choices).expect("a reader");
    assert_eq!(reader.read(0).expect("an image").labels.ids, ids);
    assert!(reader.read(1).is_err());
    // A header of 4294967295 x 4294967295 pixels, and one of 20000 x 20000 without data.
    for side in [u32::MAX, 20_000] {
        let mut huge = whole.clone();
        huge[16..20].copy_from_slice(&side.to_be_bytes());
        huge[20..24].copy_from_slice(&side.to_be_bytes());
        let sum = crc32fast::hash(&huge[12..29]);
        huge[29..33].copy_from_slice(&sum.to_be_bytes());
        std::fs::write(&file, &huge).expect("written");
        assert!(reader.read(0).is_err(), "{side}");
    }
    for end in (0..whole.len() - 20).step_by(7) {
        std::fs::write(&file, &whole[..end]).expect("written");
        assert!(reader.read(0).is_err(), "{end}");
    }
}

#[test]
fn two_files_of_a_image_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = GREY.encode([1, 1], &[7]).expect("a file");
    for name in ["a_gtFine_labelIds.png", "a_gtCoarse_labelIds.png"] {
        std::fs::write(folder.path().join(name), &bytes).expect("written");
    }
    let why = cityscapes::open(folder.path(), &ReadChoices::default()).map(|_| ());
    assert!(why.is_err_and(|why| why.to_string().contains("one label file for a_leftImg8bit.png")));
}

#[test]
fn given_classes_are_found_by_name_and_missing_ones_are_told() {
    let class = |id: u16, name: &str| LabelClass {
        id,
        name: name.to_owned(),
        color: [0; 3],
    };
    let listed: LabelClasses = [class(0, "road"), class(1, "sky")].into_iter().collect();
    let given: LabelClasses = [class(9, "road")].into_iter().collect();
    let (classes, values) = Values::named(&listed, Some(&given));
    assert_eq!(classes, given);
    let map = |ids: &[u16]| image("a", ids).labels;
    let ids = values.ids(map(&[0, 0]), Path::new("a.png")).expect("ids").ids;
    assert_eq!(ids, [9, 9]);
    let why = values.ids(map(&[0, 1, 1]), Path::new("a.png"));
    assert!(why.is_err_and(|why| why.to_string().contains("found \"sky\" in 2 pixels")));
}
