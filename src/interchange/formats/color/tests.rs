//! Colour maps through writer and reader, and as other programs write them.

use super::*;
use crate::interchange::{LabelClass, sample};
use crate::labels::LabelMap;

fn class(id: u16, name: &str, color: [u8; 3]) -> LabelClass {
    LabelClass {
        id,
        name: name.into(),
        color,
    }
}

/// Writes images into a folder.
fn written(folder: &Path, classes: &LabelClasses, images: &[LabelledImage]) {
    let mut writer = create(folder, classes, &WriteChoices::default()).expect("a writer");
    for image in images {
        writer.write(image).expect("a file");
    }
    writer.finish().expect("a legend");
}

fn paint(path: &Path, rgb: &[[u8; 3]], width: usize) {
    let bytes = encoded([width, rgb.len() / width], &rgb.concat()).expect("a PNG");
    fs::write(path, bytes).expect("a file");
}

#[test]
fn maps_come_back_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = sample::classes();
    let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
    let image = |(index, labels): (usize, LabelMap)| LabelledImage {
        name: format!("val/{index:03}.jpg"),
        labels,
    };
    let images: Vec<LabelledImage> = sample::maps(&ids, 200).into_iter().enumerate().map(image).collect();
    written(folder.path(), &classes, &images);
    assert!(is(folder.path()));
    let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.classes(), &classes);
    assert_eq!(reader.names().len(), images.len());
    for (index, image) in images.iter().enumerate() {
        let read = reader.read(index).expect("an image");
        assert_eq!(read.name, image.name.replace("jpg", "png"));
        assert_eq!(read.labels, image.labels, "{index}");
    }
    let close = reader.remarks();
    assert!(close.is_empty(), "{close:?}");
    assert!(reader.read(images.len()).is_err());
}

#[test]
fn unlabelled_pixels_get_a_colour_that_no_class_has() {
    let color = |colors: &[[u8; 3]]| {
        let classes = (0..).zip(colors).map(|(id, color)| class(id, "a", *color)).collect();
        Legend::for_writing(&classes).map(|legend| legend.unlabelled)
    };
    assert_eq!(color(&[[128, 0, 0]]), Ok(Some([0; 3])));
    assert_eq!(color(&[[0, 0, 16]]), Ok(Some([255; 3])));
    assert_eq!(color(&[[0; 3], [250; 3]]), Ok(Some([255, 0, 255])));
    let why = color(&[[9; 3], [9; 3]]).expect_err("one colour");
    assert!(why.contains("#090909 for a and a"), "{why}");
    let folder = tempfile::tempdir().expect("a folder");
    let twice = [class(0, "road", [1; 3]), class(4, "sky", [1; 3])]
        .into_iter()
        .collect();
    let why = create(folder.path(), &twice, &WriteChoices::default())
        .err()
        .expect("refused")
        .to_string();
    assert!(why.contains("road and sky"), "{why}");
}

#[test]
fn an_export_and_a_class_set_file_are_legends() {
    let folder = tempfile::tempdir().expect("a folder");
    let colors = folder.path().join(FOLDER);
    fs::create_dir(&colors).expect("a folder");
    paint(
        &colors.join("a.png"),
        &[[128, 64, 128], [0, 0, 142], [0; 3], [1, 0, 0]],
        2,
    );
    let listed = "{\n  \"data_set\": \"x\",\n  \"classes\": [\n    { \"id\": 0, \"name\": \"road\", \"color\": [128, 64, 128] },\n    \
                  { \"id\": 1, \"name\": \"car\", \"color\": [0, 0, 142] }\n  ]\n}\n";
    fs::write(folder.path().join(LEGEND), listed).expect("a file");
    // An index map beside it is none of the colour maps.
    fs::create_dir(folder.path().join("labels")).expect("a folder");
    fs::write(folder.path().join("labels/a.png"), b"ids").expect("a file");
    for path in [folder.path(), &colors, &colors.join("a.png")] {
        assert!(is(path), "{}", path.display());
        let mut reader = open(path, &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["a.png"]);
        assert_eq!(
            reader.read(0).expect("an image").labels.ids,
            [0, 1, UNLABELLED, UNLABELLED]
        );
        let remarks = reader.remarks();
        assert!(
            remarks[0].contains("2 pixels have no class and are unlabelled, such as #000000 (1)"),
            "{remarks:?}"
        );
    }
    fs::remove_file(folder.path().join(LEGEND)).expect("removed");
    let set = "name = \"x\"\nunlabelled = 255\n[[classes]]\nname = \"road\"\ncolor = \"#804080\"\nid = 7\n\
               [[classes]]\nname = \"old\"\nid = 7\ndeleted = true\n[[classes]]\nname = \"car\"\ncolor = \"#00008e\"\nid = 3\n";
    fs::write(colors.join("legend.toml"), set).expect("a file");
    let mut reader = open(&colors, &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.read(0).expect("an image").labels.ids[..2], [7, 3]);
    // Given classes come before the legend, and black is unlabelled without one.
    fs::remove_file(colors.join("legend.toml")).expect("removed");
    assert!(open(&colors, &ReadChoices::default()).is_err_and(|why| why.to_string().contains("a legend")));
    let choices = ReadChoices {
        classes: Some(
            [class(2, "car", [0, 0, 142]), class(5, "road", [128, 64, 128])]
                .into_iter()
                .collect(),
        ),
        ..ReadChoices::default()
    };
    let mut reader = open(&colors, &choices).expect("a reader");
    assert_eq!(
        reader.read(0).expect("an image").labels.ids,
        [5, 2, UNLABELLED, UNLABELLED]
    );
    let remarks = reader.remarks();
    assert_eq!(remarks[0], "Black, which no class has, was read as unlabelled.");
    assert_eq!(remarks[1], "a.png: 1 pixels got the class of the nearest colour.");
}

#[test]
fn damage_is_an_error_of_one_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = sample::classes();
    let labels = LabelMap {
        width: 30,
        height: 20,
        ids: vec![3; 600],
    };
    let image = |name: &str| LabelledImage {
        name: name.into(),
        labels: labels.clone(),
    };
    written(folder.path(), &classes, &[image("a.jpg"), image("b.jpg")]);
    let path = folder.path().join("b.png");
    let bytes = fs::read(&path).expect("a file");
    fs::write(&path, &bytes[..bytes.len() - 20]).expect("a file");
    let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
    assert_eq!(reader.read(0).expect("whole"), image("a.png"));
    let why = reader.read(1).expect_err("damaged").to_string();
    assert!(why.contains("found damage") && why.ends_with("b.png"), "{why}");
    for text in [
        "{",
        "{\"classes\": []}",
        "[1]",
        "{\"classes\": [{\"name\": \"a\", \"color\": [1, 2, 300]}]}",
    ] {
        fs::write(folder.path().join(LEGEND), text).expect("a file");
        let why = open(folder.path(), &ReadChoices::default())
            .err()
            .expect("no legend")
            .to_string();
        assert!(why.starts_with("expected a legend"), "{why}");
    }
}

#[test]
fn names_and_ids_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).expect("a writer");
    let image = |name: &str, id| LabelledImage {
        name: name.into(),
        labels: LabelMap {
            width: 1,
            height: 1,
            ids: vec![id],
        },
    };
    assert!(writer.write(&image("../a.png", 1)).is_err());
    assert!(writer.write(&image("a.png", 2)).is_err());
    assert!(writer.write(&image("a.png", UNLABELLED)).is_ok());
    let why = writer.write(&image("a.jpg", 1)).expect_err("one name").to_string();
    assert!(why.contains("rename an image"), "{why}");
}
