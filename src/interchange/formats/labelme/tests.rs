use std::fs;

use super::*;
use crate::interchange::formats::labelme_polygons;
use crate::interchange::{LabelledImage, ReadChoices, sample};

type Create = fn(&Path, &LabelClasses, &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError>;

fn comes_back(create: Create, parts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let classes = sample::classes();
    let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
    let maps = sample::maps(&ids, 60);
    let choices = WriteChoices { images: None, parts };
    let mut writer = create(folder.path(), &classes, &choices).unwrap();
    for (number, labels) in maps.iter().enumerate() {
        assert_eq!(*writer.kept(labels), *labels);
        let name = format!("val/a{number}.jpg");
        let labels = labels.clone();
        writer.write(&LabelledImage { name, labels }).unwrap();
    }
    writer.finish().unwrap();
    assert!(is(folder.path()));
    let choices = ReadChoices {
        classes: Some(classes),
        ..ReadChoices::default()
    };
    let mut reader = open(folder.path(), &choices).unwrap();
    assert_eq!(reader.names().len(), maps.len());
    for (index, labels) in maps.iter().enumerate() {
        let image = reader.read(index).unwrap();
        assert_eq!(image.name, format!("val/a{index}.jpg"));
        assert_eq!(image.labels, *labels, "{index}");
    }
    assert!(reader.remarks().is_empty());
}

#[test]
fn masks_and_polygons_come_back_exactly() {
    comes_back(create, false);
    comes_back(create, true);
    comes_back(labelme_polygons::create, false);
}

fn read(text: &str) -> Result<LabelledImage, InterchangeError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), text).unwrap();
    open(folder.path(), &ReadChoices::default())?.read(0)
}

fn file(shape: &str) -> String {
    format!(
        r#"{{"version":"6.3.1","flags":{{"x":true}},"imagePath":"a.png","imageData":"AAAA","imageHeight":5,"imageWidth":6,
        "shapes":[{{"label":"road","group_id":3,"description":null,"flags":{{"y":[1]}},{shape}}}],"other":[[1]]}}"#
    )
}

const MASK: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAADCAAAAABzQ+pjAAAAFElEQVR4nGNkZGBgYvjPwMTAyAAABjcBBzMGMNwAAAAASUVORK5CYII=";

#[test]
fn a_file_of_labelme() {
    let text = file(&format!(
        r#""points":[[2,1],[4,3]],"shape_type":"mask","mask":"{MASK}""#
    ));
    let image = read(&text).unwrap();
    assert_eq!((image.labels.width, image.labels.height), (6, 5));
    assert_eq!(image.name, "a.png");
    assert!(image.labels.ids.contains(&0));
    let rectangle = read(&file(r#""points":[[4,3],[2.0,1.7]],"shape_type":"rectangle""#)).unwrap();
    assert_eq!(rectangle.labels.ids.iter().filter(|id| **id == 0).count(), 9);
    let circle = read(&file(r#""points":[[2,2],[2,3]],"shape_type":"circle""#)).unwrap();
    assert_eq!(circle.labels.ids.iter().filter(|id| **id == 0).count(), 5);
}

#[test]
fn damaged_files_are_refused() {
    for shape in [
        r#""points":[[2,1],[4,4]],"shape_type":"mask","mask":"AAAA""#.to_owned(),
        format!(r#""points":[[2,1],[5,3]],"shape_type":"mask","mask":"{MASK}""#),
        format!(r#""points":[[4,3],[6,5]],"shape_type":"mask","mask":"{MASK}""#),
        r#""points":[[2,1],[4,4]],"shape_type":"polygon""#.to_owned(),
        r#""points":[[2,1],[4,4]],"shape_type":"cloud""#.to_owned(),
        r#""points":"none","shape_type":"polygon""#.to_owned(),
    ] {
        assert!(read(&file(&shape)).is_err(), "{shape}");
    }
    assert!(read(r#"{"shapes":[],"imagePath":"a.png","imageWidth":4000000000,"imageHeight":4000000000}"#).is_err());
    assert!(read(&format!("{{\"shapes\":{}, \"imagePath\"", "[".repeat(10_000))).is_err());
}
