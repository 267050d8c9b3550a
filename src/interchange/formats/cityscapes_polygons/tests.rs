use std::fs;

use super::*;
use crate::interchange::sample;

#[test]
fn maps_come_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let classes = sample::classes();
    let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
    let maps = sample::maps(&ids, 60);
    let mut writer = create(folder.path(), &classes, &WriteChoices::default()).unwrap();
    let name = |index: usize| match index % 2 {
        0 => format!("val/ulm/ulm_{index:06}_000019_leftImg8bit.png"),
        _ => format!("val/a{index}.png"),
    };
    for (index, labels) in maps.iter().enumerate() {
        let image = LabelledImage {
            name: name(index),
            labels: labels.clone(),
        };
        writer.write(&image).unwrap();
    }
    writer.finish().unwrap();
    assert!(
        folder
            .path()
            .join("gtFine/val/ulm/ulm_000000_000019_gtFine_polygons.json")
            .is_file()
    );
    assert!(is(folder.path()));
    let choices = ReadChoices {
        classes: Some(classes),
        images: None,
    };
    let mut reader = open(folder.path(), &choices).unwrap();
    assert_eq!(reader.names().len(), maps.len());
    for place in 0..maps.len() {
        let image = reader.read(place).unwrap();
        let index = (0..maps.len()).find(|index| name(*index) == image.name).unwrap();
        assert_eq!(image.labels, maps[index]);
    }
}

fn read(text: &str) -> Result<(LabelledImage, Vec<String>), InterchangeError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a_gtFine_polygons.json"), text).unwrap();
    let mut reader = open(folder.path(), &ReadChoices::default())?;
    let names = reader.classes().iter().map(|class| class.name.clone()).collect();
    Ok((reader.read(0)?, names))
}

#[test]
fn a_file_of_the_labelling_tool() {
    let text = r#"{"imgHeight":5,"imgWidth":6,"objects":[
        {"date":"x","deleted":0,"draw":true,"id":1,"label":"road","polygon":[[0,0],[5,0],[5,4],[0,4]],"user":"a","verified":0},
        {"label":"cargroup","polygon":[[2,1],[4,1],[4,3],[2,3]]},
        {"deleted":1,"label":"sky","polygon":[[0,0],[5,0],[5,4]]},
        {"label":"unlabeled","polygon":[[0,0],[0,0],[0,0]]}]}"#;
    let (image, names) = read(text).unwrap();
    assert_eq!(
        (image.name.as_str(), names),
        ("a.png", vec!["car".to_owned(), "road".to_owned()])
    );
    let rows: Vec<&[u16]> = image.labels.ids.chunks(6).collect();
    assert_eq!(rows[0], [UNLABELLED, 1, 1, 1, 1, 1]);
    assert_eq!(rows[1], [1, 1, 0, 0, 0, 1]);
    assert_eq!(rows[4], [1; 6]);
}

#[test]
fn damaged_files_are_refused() {
    for text in [
        "",
        r#"{"imgHeight":5,"objects":[]}"#,
        r#"{"imgHeight":99999999,"imgWidth":99999999,"objects":[]}"#,
        r#"{"imgHeight":-5,"imgWidth":6,"objects":[]}"#,
        r#"{"imgHeight":5,"imgWidth":6,"objects":[{"label":"car","polygon":[[0]]}]}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    let classes = |name: &str| {
        [name].into_iter().fold(LabelClasses::default(), |mut classes, name| {
            classes.add_named(name);
            classes
        })
    };
    assert!(create(Path::new("x"), &classes("unlabeled"), &WriteChoices::default()).is_err());
}
