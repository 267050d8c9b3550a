use super::*;
use crate::interchange::sample;

fn folder_with(yaml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(FILE), yaml).expect("written");
    folder
}

fn put(folder: &Path, name: &str, kind: &LabelPng, ids: &[u16]) {
    let bytes = kind.encode([ids.len(), 1], ids).expect("a file");
    files::replace(&folder.join(name), &bytes).expect("written");
}

const GREY: LabelPng = LabelPng { bits: 8, palette: None };

#[test]
fn maps_come_back_as_they_were() {
    assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
}

#[test]
fn the_written_file_names_numbers_without_gaps() {
    let names = ["train/a.jpg".to_owned(), "b.jpg".to_owned()];
    let text = text(&names, &without_gaps(&sample::classes(), 0));
    assert!(
        text.starts_with("path: .\ntrain: images/train\nval: images/train\nmasks_dir: masks\nnames:\n  0: \"road\"\n")
    );
    let names: Vec<_> = classes(&parsed(&text).expect("YAML")["names"])
        .expect("names")
        .iter()
        .cloned()
        .collect();
    assert_eq!(names.len(), 5);
    assert_eq!((names[2].id, names[2].name.as_str()), (2, "tree \"old\""));
}

#[test]
fn mapping_and_grey_palettes_are_read_as_ultralytics_does() {
    let yaml = "path: ../elsewhere\ntrain: images/train\nmasks_dir: masks\nnames:\n  0: road\n  1: no\n  2: car\n\
                label_mapping: {0: ignore_label, 7: 0, -1: 255, 1: 2, 2: 1}\n";
    let folder = folder_with(yaml);
    assert!(is(folder.path()));
    put(folder.path(), "masks/val/a.png", &GREY, &[0, 7, 1, 2, 255]);
    let palette = |scale: u8, tint: u8| LabelPng {
        bits: 8,
        palette: Some(
            (0..=255u8)
                .flat_map(|level| {
                    [
                        level.wrapping_mul(scale),
                        level.wrapping_mul(scale),
                        level.wrapping_mul(scale) ^ tint,
                    ]
                })
                .collect(),
        ),
    };
    // Grey levels 0, 7, 14 of the indices 0, 1, 2.
    put(folder.path(), "masks/val/b.png", &palette(7, 0), &[0, 1]);
    put(folder.path(), "masks/val/c.png", &palette(7, 1), &[0, 1]);
    let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.names(), ["val/a.png", "val/b.png", "val/c.png"]);
    let mut ids = |index| reader.read(index).expect("an image").labels.ids;
    assert_eq!(ids(0), [UNLABELLED, 0, 2, 1, UNLABELLED]);
    assert_eq!(ids(1), [UNLABELLED, 0]);
    assert_eq!(ids(2), [UNLABELLED, 2]);
}

#[test]
fn one_bit_masks_are_zero_and_one_and_others_are_refused() {
    let folder = folder_with("masks_dir: masks\nnames: [road, car]\n");
    for (name, bits) in [("a", 1), ("b", 2), ("c", 16)] {
        let kind = LabelPng { bits, palette: None };
        put(folder.path(), &format!("train/masks/{name}.png"), &kind, &[0, 1]);
    }
    let mut reader = open(&folder.path().join(FILE), &ReadChoices::default()).expect("a reader");
    assert_eq!(
        reader.names(),
        ["train/images/a.png", "train/images/b.png", "train/images/c.png"]
    );
    assert_eq!(reader.read(0).expect("an image").labels.ids, [0, 1]);
    assert!(reader.read(1).is_err() && reader.read(2).is_err());
}

#[test]
fn hostile_files_are_refused() {
    let deep = format!("masks_dir: masks\nnames: {}", "[".repeat(50_000));
    let bomb = "masks_dir: masks\na: &a [x, x]\nb: &b [*a, *a]\nnames: *b\n";
    let twice = "masks_dir: masks\nnames: {0: a, '0': b}\n";
    let leaving = "masks_dir: ../../etc\nnames: [a]\n";
    let large = "masks_dir: masks\nnames: {70000: a}\n";
    for yaml in [
        deep.as_str(),
        bomb,
        twice,
        leaving,
        large,
        "masks_dir: masks\n",
        "masks_dir: masks\nnames: {0: [a]}\n",
    ] {
        let folder = folder_with(yaml);
        put(folder.path(), "masks/a.png", &GREY, &[0]);
        assert!(
            open(folder.path(), &ReadChoices::default()).is_err(),
            "{}",
            yaml.get(..60).unwrap_or(yaml)
        );
    }
}

#[test]
fn too_many_classes_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let many = LabelClasses::from(&ClassSet::numbered(256));
    assert!(create(folder.path(), &many, &WriteChoices::default()).is_err());
}
