use std::fs;
use std::path::Path;

use super::*;
use crate::annotate::UNLABELLED;
use crate::interchange::{LabelClasses, LabelledImage, ReadChoices, WriteChoices, damage, sample};

/// A task as Label Studio exports it.
const TASK: &str = r#"[{"id":1,"annotations":[{"id":2,"completed_by":1,"result":[{"id":"r1","type":"brushlabels",
    "from_name":"tag","to_name":"image","original_width":3,"original_height":2,"image_rotation":0,"value":{"format":"rle",
    "brushlabels":["road"],"rle":[0,0,0,24,57,27,252,96,19,255,219,0]}}],"was_cancelled":false}],"predictions":[],
    "data":{"image":"/data/upload/1/0123abcd-a.png"},"meta":{}}]"#;

fn images() -> Vec<LabelledImage> {
    let maps = sample::maps(&[1, 3, 4, 9, 200], 30);
    let name = |index: usize| format!("val {}/{index} &.png", index % 2);
    let pair = |(index, labels)| LabelledImage {
        name: name(index),
        labels,
    };
    maps.into_iter().enumerate().map(pair).collect()
}

fn write(folder: &Path, parts: bool, images: &[LabelledImage]) {
    let choices = WriteChoices { images: None, parts };
    let mut writer = create(folder, &sample::classes(), &choices).unwrap();
    for image in images {
        assert_eq!(*writer.kept(&image.labels), image.labels);
        writer.write(image).unwrap();
    }
    writer.finish().unwrap();
}

/// The only image of a file, read with these classes.
fn read(text: &str) -> Result<LabelledImage, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, text).unwrap();
    let choices = ReadChoices::default();
    let mut reader = open(&path, &choices).map_err(|why| why.to_string())?;
    reader.read(0).map_err(|why| why.to_string())
}

#[test]
fn every_map_comes_back() {
    for parts in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), parts, &images());
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).unwrap();
        assert_eq!(reader.classes(), &sample::classes());
        assert!(reader.remarks().is_empty());
        for (index, wanted) in images().iter().enumerate() {
            assert_eq!(reader.names()[index], wanted.name);
            assert_eq!(reader.read(index).unwrap(), *wanted);
        }
    }
}

#[test]
fn ids_without_class_and_equal_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
    let mut image = images().remove(1);
    image.labels.ids[0] = 2;
    writer.write(&image).unwrap_err();
    let mut twice = LabelClasses::default();
    twice.add_named("a");
    twice.add_named("a");
    assert!(create(folder.path(), &twice, &WriteChoices::default()).is_err());
}

#[test]
fn tasks_of_the_program_are_read() {
    let image = read(TASK).unwrap();
    assert_eq!(image.name, "a.png");
    assert_eq!(image.labels.ids, [UNLABELLED, 0, 0, UNLABELLED, UNLABELLED, UNLABELLED]);
}

#[test]
fn the_first_annotation_counts_or_else_the_first_prediction() {
    let numbers = TASK.replace("\"predictions\":[]", "\"predictions\":[7,8]");
    assert_eq!(read(&numbers).unwrap(), read(TASK).unwrap());
    let predicted = TASK
        .replace("\"predictions\":[],", "")
        .replace("\"annotations\"", "\"annotations\":[],\"predictions\"");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, predicted).unwrap();
    let mut reader = open(&path, &ReadChoices::default()).unwrap();
    assert!(reader.remarks()[0].starts_with("Tasks with predictions only"));
    assert_eq!(reader.read(0).unwrap(), read(TASK).unwrap());
    let skipped = TASK.replace("\"was_cancelled\":false", "\"was_cancelled\":true");
    // A skipped annotation says nothing, not even the size.
    assert!(read(&skipped).unwrap_err().contains("--images"));
}

#[test]
fn polygons_and_boxes_are_in_percent() {
    let region = |value: &str, kind: &str| {
        format!(
            r#"{{"type":"{kind}","original_width":10,"original_height":4,"value":{{{value},"{kind}":["a"]}},"extra":[{{}}]}}"#
        )
    };
    let task =
        |regions: &str| format!(r#"[{{"data":{{"image":"a.png","x":1}},"annotations":[{{"result":[{regions}]}}]}}]"#);
    let row = |image: &LabelledImage, y: usize| -> Vec<bool> {
        image.labels.ids[y * 10..][..10]
            .iter()
            .map(|id| *id != UNLABELLED)
            .collect()
    };
    let triangle = region(
        r#""points":[[0,0],[50,0],[50,50],[0,50]],"closed":true"#,
        "polygonlabels",
    );
    let image = read(&task(&triangle)).unwrap();
    assert_eq!(row(&image, 1), [[true; 5], [false; 5]].concat());
    assert_eq!(row(&image, 2), [false; 10]);
    let turned = region(
        r#""x":50,"y":0,"width":20,"height":20,"rotation":90"#,
        "rectanglelabels",
    );
    let image = read(&task(&turned)).unwrap();
    let wanted = [false, false, false, false, true, false, false, false, false, false];
    assert_eq!([row(&image, 0), row(&image, 1)], [wanted, wanted]);
    assert_eq!(row(&image, 2), [false; 10]);
    for (value, kind) in [
        (r#""points":[[0,0],[50,0]]"#, "polygonlabels"),
        (r#""points":[[0,0],[50,0],[1e300,1]]"#, "polygonlabels"),
        (r#""x":1,"y":2"#, "rectanglelabels"),
        (r#""x":1,"y":2,"radiusX":1,"radiusY":2"#, "ellipselabels"),
    ] {
        assert!(read(&task(&region(value, kind))).is_err(), "{value}");
    }
}

#[test]
fn contradictions_are_refused() {
    let cases = [
        ("[\"road\"]", "[\"road\",\"sky\"]", "one label"),
        ("\"image_rotation\":0", "\"image_rotation\":90", "turned by 90"),
        (
            "\"original_width\":3",
            "\"original_width\":4",
            "expected a mask of 4 x 2",
        ),
        ("\"original_width\":3", "\"original_width\":4000000000000", "pixels"),
        ("219,0]", "219,256]", "256"),
        ("219,0]", "]", ""),
        ("0123abcd-a.png", "..", ".."),
        ("\"image\"", "\"audio\":3,\"x\"", ""),
    ];
    for (from, to, said) in cases {
        let damaged = TASK.replace(from, to);
        assert_ne!(damaged, TASK);
        match read(&damaged) {
            Err(why) => assert!(why.contains(said), "{why}"),
            // The only text is the address.
            Ok(image) => assert_eq!((from, image.name.as_str()), ("\"image\"", "a.png")),
        }
    }
    let twice = format!("{},{}", TASK.trim_end_matches(']'), &TASK[1..]);
    assert!(read(&twice).unwrap_err().contains("found two for a.png"));
    assert!(
        read("[{\"data\":{\"image\":\"a.png\"}}]")
            .unwrap_err()
            .contains("--images")
    );
}

#[test]
fn given_classes_decide_the_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, TASK).unwrap();
    let choices = |classes: LabelClasses| ReadChoices {
        classes: Some(classes),
        images: None,
    };
    let mut reader = open(&path, &choices(sample::classes())).unwrap();
    assert_eq!(reader.read(0).unwrap().labels.ids[1], 1);
    let mut reader = open(&path, &choices(LabelClasses::default())).unwrap();
    assert!(reader.read(0).unwrap_err().to_string().contains("found \"road\""));
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
    images().iter().take(3).for_each(|image| writer.write(image).unwrap());
    writer.finish().unwrap();
    damage::read_damaged(folder.path(), open, 300);

    let folder = tempfile::tempdir().unwrap();
    let text = r#"[{"data":{"image":"a.png"},"annotations":[{"result":[{"id":"r","type":"polygonlabels","original_width":10,
        "original_height":4,"value":{"points":[[0,0],[50.5,0],[50,50]],"polygonlabels":["a"]}},{"type":"rectanglelabels",
        "original_width":10,"original_height":4,"image_rotation":0,"value":{"x":50,"y":0,"width":20,"height":20,"rotation":90,
        "rectanglelabels":["b"]}}]}]}]"#;
    fs::write(folder.path().join("a.json"), text).unwrap();
    damage::read_damaged(folder.path(), open, 300);
}
