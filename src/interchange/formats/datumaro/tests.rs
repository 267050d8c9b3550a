use std::fs;
use std::path::Path;

use super::*;
use crate::annotate::UNLABELLED;
use crate::interchange::{LabelClasses, LabelledImage, ReadChoices, WriteChoices, damage, sample};

/// A file as Datumaro writes it.
const FILE: &str = r#"{"dm_format_version":"1.0","media_type":2,"infos":{},
 "categories":{"label":{"labels":[{"name":"road","parent":"","attributes":[]}],"label_groups":[],"attributes":[]},
 "mask":{"colormap":[{"label_id":0,"r":128,"g":64,"b":128}]}},"items":[{"id":"a","annotations":[{"id":0,"type":"mask",
 "attributes":{},"group":0,"label_id":0,"z_order":0,"rle":{"counts":"326O","size":[3,4]}}],"attr":{"frame":0},
 "image":{"path":"a.jpg","size":[3,4]}}]}"#;

fn images() -> Vec<LabelledImage> {
    let maps = sample::maps(&[1, 3, 4, 9, 200], 30);
    let name = |index: usize| match index % 3 {
        0 => format!("{index}.png"),
        1 => format!("val/x/{index}.jpg"),
        _ => format!("default/{index}.a.png"),
    };
    let pair = |(index, labels)| LabelledImage {
        name: name(index),
        labels,
    };
    maps.into_iter().enumerate().map(pair).collect()
}

fn read(text: &str, choices: &ReadChoices) -> Result<LabelledImage, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("default.json");
    fs::write(&path, text).unwrap();
    let mut reader = open(&path, choices).map_err(|why| why.to_string())?;
    reader.read(0).map_err(|why| why.to_string())
}

#[test]
fn every_map_comes_back() {
    for parts in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let choices = WriteChoices { images: None, parts };
        let mut writer = create(folder.path(), &sample::classes(), &choices).unwrap();
        images().iter().for_each(|image| writer.write(image).unwrap());
        writer.finish().unwrap();
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).unwrap();
        assert_eq!(reader.classes(), &sample::classes());
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
    writer.write(&image).unwrap();
    image.name = "0.jpg".into();
    assert!(writer.write(&image).unwrap_err().to_string().contains("suffix"));
    for name in ["../a.png", "/a.png", ""] {
        image.name = name.into();
        assert!(writer.write(&image).is_err());
    }
    image.name = "b.png".into();
    image.labels.ids[0] = 2;
    assert!(writer.write(&image).unwrap_err().to_string().contains("found 2"));
}

#[test]
fn files_of_the_program_are_read() {
    let image = read(FILE, &ReadChoices::default()).unwrap();
    assert_eq!(image.name, "a.jpg");
    let road: Vec<_> = (0..12).filter(|place| image.labels.ids[*place] == 0).collect();
    assert_eq!(road, [1, 5, 11]);
    let elsewhere = FILE.replace("\"path\":\"a.jpg\"", "\"path\":\"/home/me/x.jpg\"");
    assert_eq!(read(&elsewhere, &ReadChoices::default()).unwrap().name, "a.jpg");
    let without_size = FILE.replace(",\"size\":[3,4]}}]}", "}}]}");
    assert_eq!(read(&without_size, &ReadChoices::default()).unwrap(), image);
}

#[test]
fn higher_orders_lie_on_top() {
    let polygon = |order: i64, label: u16, right: u16| {
        format!(
            r#"{{"id":0,"type":"polygon","group":1,"label_id":{label},"z_order":{order},"points":[0,0,{right},0,{right},3,0,3]}}"#
        )
    };
    let start = FILE.find("[{\"id\":0,\"type\"").unwrap();
    let end = FILE.find(",\"attr\"").unwrap();
    let boxed = r#"{"id":1,"type":"bbox","group":1,"label_id":0,"bbox":[0,0,1,1]}"#;
    let listed = format!("[{},{},{boxed}]", polygon(2, 1, 2), polygon(-1, 0, 4));
    let text = format!("{}{listed}{}", &FILE[..start], &FILE[end..]);
    let text = text.replace("[{\"name\":\"road\"", "[{\"name\":\"sky\"},{\"name\":\"road\"");
    let image = read(&text, &ReadChoices::default()).unwrap();
    assert_eq!(image.labels.ids, [1, 1, 0, 0].repeat(3));
}

#[test]
fn contradictions_are_refused() {
    let cases = [
        (
            "326O\",\"size\":[3,4]",
            "326O\",\"size\":[4,3]",
            "expected a mask of 4 x 3",
        ),
        ("326O", "326", "found 11"),
        ("\"label_id\":0,\"z", "\"label_id\":1,\"z", "place of a label, found 1"),
        ("\"label_id\":0,\"z", "\"label_id\":null,\"z", "found none"),
        (
            "\"path\":\"a.jpg\",\"size\":[3,4]",
            "\"path\":\"a.jpg\",\"size\":[300000000,400000000000]",
            "pixels",
        ),
        (
            "\"path\":\"a.jpg\",\"size\":[3,4]",
            "\"path\":\"a.jpg\",\"size\":[0,4]",
            "pixels",
        ),
        ("\"rle\"", "\"runs\"", "found none"),
        ("\"id\":\"a\"", "\"id\":7", "string"),
        ("]}}]}", "]}}", "end"),
    ];
    for (from, to, said) in cases {
        let damaged = FILE.replace(from, to);
        assert_ne!(damaged, FILE, "{from}");
        let why = read(&damaged, &ReadChoices::default()).expect_err(to);
        assert!(why.contains(said), "{why}");
    }
}

#[test]
fn given_classes_decide_the_ids() {
    let choices = |classes: LabelClasses| ReadChoices {
        classes: Some(classes),
        images: None,
    };
    let image = read(FILE, &choices(sample::classes())).unwrap();
    assert_eq!(image.labels.ids[..3], [UNLABELLED, 1, UNLABELLED]);
    assert!(
        read(FILE, &choices(LabelClasses::default()))
            .unwrap_err()
            .contains("\"road\"")
    );
}

#[test]
fn subsets_with_other_labels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("a.json", FILE);
    put("b.json", &FILE.replace("road", "sky"));
    put("c.json", "{\"images\":[],\"categories\":[]}");
    assert!(open(folder.path(), &ReadChoices::default()).is_err());
    put("b.json", FILE);
    let reader = open(folder.path(), &ReadChoices::default()).unwrap();
    assert_eq!(reader.names(), ["a/a.jpg", "b/a.jpg"]);
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
    let mask = r#""rle":{"counts":"326O","size":[3,4]}"#;
    let polygons = FILE
        .replace(mask, r#""points":[0.5,0,4,0.25,3.5,3]"#)
        .replace("\"mask\",\n", "\"polygon\",\n");
    assert_ne!(polygons, FILE);
    fs::write(folder.path().join("a.json"), polygons).unwrap();
    damage::read_damaged(folder.path(), open, 300);
}
