use std::fs;
use std::path::Path;

use super::*;
use crate::annotate::UNLABELLED;
use crate::interchange::{LabelClasses, LabelledImage, ReadChoices, WriteChoices, damage, sample};

/// Classes as the program writes them.
const CLASSES: &str = r##"{"classes":[{"title":"road","shape":"any","color":"#804080","geometry_config":{},"id":2762315,
    "hotkey":""},{"title":"sky","shape":"bitmap","color":"#4682B4","geometry_config":{},"id":2762316,"hotkey":""}],
    "tags":[],"projectType":"images"}"##;

fn images() -> Vec<LabelledImage> {
    let maps = sample::maps(&[1, 3, 4, 9, 200], 30);
    let name = |index: usize| match index % 4 {
        0 => format!("{index}.png"),
        1 => format!("val/x/datasets/{index}.jpg"),
        2 => format!("val/{index}.a.png"),
        _ => format!("ds0/{index}.png"),
    };
    let pair = |(index, labels)| LabelledImage {
        name: name(index),
        labels,
    };
    maps.into_iter().enumerate().map(pair).collect()
}

/// Image `a.png` of 6 x 5 pixels with these objects.
fn read(objects: &str) -> Result<LabelledImage, String> {
    let text = format!(r#"{{"description":"","tags":[],"size":{{"height":5,"width":6}},"objects":[{objects}]}}"#);
    read_file(&text, &ReadChoices::default())
}

fn read_file(text: &str, choices: &ReadChoices) -> Result<LabelledImage, String> {
    let folder = tempfile::tempdir().unwrap();
    let annotations = folder.path().join("ds0/ann");
    fs::create_dir_all(&annotations).unwrap();
    fs::write(folder.path().join(META), CLASSES).unwrap();
    fs::write(annotations.join("a.png.json"), text).unwrap();
    assert!(is(folder.path()));
    let mut reader = open(folder.path(), choices).map_err(|why| why.to_string())?;
    assert_eq!(reader.names(), ["a.png"]);
    reader.read(0).map_err(|why| why.to_string())
}

fn object(kind: &str, key: &str, value: &str) -> String {
    format!(r#"{{"classTitle":"sky","geometryType":"{kind}","tags":[],"{key}":{value},"labelerLogin":"x"}}"#)
}

fn rows(image: &LabelledImage) -> Vec<String> {
    let sign = |id: &u16| if *id == UNLABELLED { '.' } else { '1' };
    image
        .labels
        .ids
        .chunks(6)
        .map(|row| row.iter().map(sign).collect())
        .collect()
}

#[test]
fn every_map_comes_back() {
    for parts in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let choices = WriteChoices { images: None, parts };
        let mut writer = create(folder.path(), &sample::classes(), &choices).unwrap();
        images().iter().for_each(|image| writer.write(image).unwrap());
        writer.finish().unwrap();
        assert!(folder.path().join("ds0/ann/0.png.json").is_file());
        assert!(
            folder
                .path()
                .join("val/datasets/x/datasets/datasets/ann/1.jpg.json")
                .is_file()
        );
        let mut reader = open(&folder.path().join(META), &ReadChoices::default()).unwrap();
        assert_eq!(reader.classes(), &sample::classes());
        assert!(reader.remarks().is_empty());
        assert_eq!(reader.names().len(), images().len());
        for image in images() {
            let index = reader.names().iter().position(|name| *name == image.name).unwrap();
            assert_eq!(reader.read(index).unwrap(), image);
        }
    }
}

#[test]
fn what_cannot_be_held_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
    let mut image = images().remove(0);
    for name in ["../a.png", "/a.png", "", "C:/a.png"] {
        image.name = name.into();
        assert!(writer.write(&image).is_err());
    }
    image.name = "b.png".into();
    image.labels.ids[0] = 2;
    assert!(writer.write(&image).unwrap_err().to_string().contains("found 2"));
}

#[test]
fn bitmaps_lie_at_their_origin() {
    let mask = bitmap::Bitmap {
        width: 3,
        inside: [true, true, true, true, false, true, true, true, true].to_vec(),
    };
    let data = bitmap::encode(&mask).unwrap();
    let placed = |left: i64, top: i64| {
        object(
            "bitmap",
            "bitmap",
            &format!(r#"{{"origin":[{left},{top}],"data":"{data}"}}"#),
        )
    };
    let image = read(&placed(2, 1)).unwrap();
    assert_eq!(rows(&image), ["......", "..111.", "..1.1.", "..111.", "......"]);
    assert_eq!(image.labels.get(2, 1), Some(1));
    read(&placed(3, 2)).unwrap();
    for [left, top] in [[4, 1], [2, 3], [7, 1], [2, 6], [-1, 0], [i64::MAX, 0]] {
        assert!(read(&placed(left, top)).is_err(), "{left} {top}");
    }
}

#[test]
fn polygons_have_holes() {
    let points = r#"{"exterior":[[0,0],[5,0],[5,4],[0,4]],"interior":[[[2,1],[3,1],[3,3],[2,3]]]}"#;
    let image = read(&object("polygon", "points", points)).unwrap();
    assert_eq!(rows(&image), ["111111", "11..11", "11..11", "11..11", "111111"]);
    let middles = r#"{"exterior":[[1.5,1.5],[3.5,1.5],[3.5,3.5],[1.5,3.5]],"interior":[]}"#;
    let image = read(&object("polygon", "points", middles)).unwrap();
    assert_eq!(rows(&image), ["......", ".111..", ".111..", ".111..", "......"]);
    let corners = r#"{"exterior":[[1,1],[3,2]],"interior":[]}"#;
    let image = read(&object("rectangle", "points", corners)).unwrap();
    assert_eq!(rows(&image), ["......", ".111..", ".111..", "......", "......"]);
}

#[test]
fn contradictions_are_refused() {
    let corners = r#"{"exterior":[[1,1],[3,2]],"interior":[]}"#;
    for (object, said) in [
        (object("polygon", "points", corners), "three or more"),
        (
            object("polygon", "points", r#"{"exterior":[[1,1],[3,2],[1e300,5]]}"#),
            "expected corners",
        ),
        (object("rectangle", "points", r#"{"exterior":[[1,1]]}"#), "two corners"),
        (object("bitmap", "points", corners), "found none"),
        (object("alpha_mask", "points", corners), "alpha_mask"),
        (object("polygon", "points", corners).replace("sky", "tree"), "\"tree\""),
        (object("polygon", "points", "{"), "JSON"),
    ] {
        let why = read(&object).expect_err(said);
        assert!(why.contains(said), "{why}");
    }
    for size in [
        "\"height\":0,\"width\":6",
        "\"height\":3000000000,\"width\":6000000000000",
        "\"height\":-1,\"width\":1",
    ] {
        assert!(
            read_file(
                &format!("{{\"size\":{{{size}}},\"objects\":[]}}"),
                &ReadChoices::default()
            )
            .is_err()
        );
    }
    let point = object("point", "points", corners);
    assert!(read(&point).unwrap().labels.ids.iter().all(|id| *id == UNLABELLED));
}

#[test]
fn given_classes_decide_the_ids() {
    let points = r#"{"exterior":[[0,0],[5,0],[5,4],[0,4]]}"#;
    let text = format!(
        r#"{{"size":{{"height":5,"width":6}},"objects":[{}]}}"#,
        object("polygon", "points", points)
    );
    let mut given = LabelClasses::default();
    assert!(
        read_file(
            &text,
            &ReadChoices {
                classes: Some(given.clone()),
                images: None
            }
        )
        .is_err()
    );
    given.add_named("a");
    given.add_named("sky");
    let image = read_file(
        &text,
        &ReadChoices {
            classes: Some(given),
            images: None,
        },
    )
    .unwrap();
    assert!(image.labels.ids.iter().all(|id| *id == 1));
    assert!(open(Path::new("missing"), &ReadChoices::default()).is_err());
}

#[test]
fn damaged_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
    images().iter().take(3).for_each(|image| writer.write(image).unwrap());
    writer.finish().unwrap();
    damage::read_damaged(folder.path(), open, 300);

    let folder = tempfile::tempdir().unwrap();
    let points = r#"{"exterior":[[0,0],[5,0],[4.5,4],[0,4]],"interior":[[[2,1],[3,1],[3,3]]]}"#;
    let objects = [
        object("polygon", "points", points),
        object("rectangle", "points", r#"{"exterior":[[1,1],[3,2]]}"#),
    ];
    let text = format!(
        r#"{{"size":{{"height":5,"width":6}},"objects":[{}]}}"#,
        objects.join(",")
    );
    fs::create_dir_all(folder.path().join("a/ann")).unwrap();
    fs::write(folder.path().join(META), CLASSES).unwrap();
    fs::write(folder.path().join("a/ann/b.png.json"), text).unwrap();
    damage::read_damaged(folder.path(), open, 300);
}
