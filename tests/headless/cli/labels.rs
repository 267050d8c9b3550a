//! `segscope labels`: label files of other programs.

use std::fs;
use std::path::Path;

use segscope::labels::{LabelMap, LabelPng};

use super::program::*;

/// Three small maps of three classes with gaps in their ids, and unlabelled pixels.
fn maps(folder: &Path) {
    let palette: Vec<u8> = (0..=255).flat_map(|id: u8| [id, 255 - id, id / 2]).collect();
    let png = LabelPng {
        bits: 8,
        palette: Some(palette),
    };
    fs::create_dir_all(folder.join("val")).expect("folders");
    for (name, seed) in [("a.png", 1_u16), ("b.png", 5), ("val/c.png", 11)] {
        let ids: Vec<u16> = (0..12 * 9)
            .map(|place: u16| [2, 2, 7, 7, 40, 255][usize::from(place / 5 * seed % 6)])
            .collect();
        fs::write(folder.join(name), png.encode([12, 9], &ids).expect("a PNG")).expect("written");
    }
    let class = |(id, name): (u16, &str)| format!("[[classes]]\nid = {id}\nname = \"{name}\"\ncolor = \"#{id:06x}\"\n");
    let classes: String = [(2, "road"), (7, "a & b"), (40, "sky")].map(class).concat();
    fs::write(
        folder.join("classes.toml"),
        format!("name = \"three\"\nunlabelled = 255\n{classes}"),
    )
    .expect("written");
}

fn labels(arguments: &[&str]) -> Ended {
    run(program().arg("labels").args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a usual name")
}

#[test]
fn labels_go_to_other_programs_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = folder.path().join("index");
    maps(&index);
    for format in [
        "coco-rle",
        "coco-polygons",
        "cvat",
        "labelme",
        "labelme-polygons",
        "ultralytics",
        "color",
        "segscope",
    ] {
        let [there, back] = ["there", "back"].map(|name| folder.path().join(format!("{name}-{format}")));
        labels(&[
            "convert",
            text(&index),
            "--to",
            format,
            "--out",
            text(&there),
            "--check",
        ])
        .expect(0);
        let classes = index.join("classes.toml");
        let classes = text(&classes);
        labels(&[
            "convert",
            text(&there),
            "--to",
            "index",
            "--out",
            text(&back),
            "--classes",
            classes,
        ])
        .expect(0);
        for name in ["a.png", "b.png", "val/c.png"] {
            let [before, after] = [&index, &back].map(|folder| LabelMap::open(&folder.join(name)).expect("a map"));
            assert_eq!(before, after, "{name} in {format}");
        }
    }
}

#[test]
fn a_folder_with_files_is_not_written_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = folder.path().join("index");
    maps(&index);
    let call = ["convert", text(&index), "--to", "coco-rle", "--out", text(&index)];
    labels(&call)
        .expect(2)
        .complains_of(&["empty or new folder", "--overwrite"]);
}

#[test]
fn classes_of_a_fixed_list_are_chosen_and_never_guessed() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = folder.path().join("index");
    maps(&index);
    let out = folder.path().join("out");
    let call = ["convert", text(&index), "--to", "cityscapes", "--out", text(&out)];
    labels(&call).expect(2).complains_of(&["a & b", "--map"]);
    let map = folder.path().join("map.toml");
    fs::write(&map, "[[map]]\nfrom = \"a & b\"\nto = \"car\"\n").expect("written");
    let ended = labels(&[&call[..], &["--map", text(&map)]].concat()).expect(0);
    assert!(ended.out.contains("a & b -> car"), "{ended}");
    assert!(out.join("mapping.toml").is_file());
}

#[test]
fn what_a_format_loses_is_said_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = folder.path().join("index");
    maps(&index);
    let out = folder.path().join("out");
    let ended = labels(&["convert", text(&index), "--to", "yolo", "--out", text(&out)]).expect(0);
    assert!(ended.out.contains("of 324 px would change in YOLO segments"), "{ended}");
}

#[test]
fn labels_are_described_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    maps(folder.path());
    let ended = labels(&["inspect", text(folder.path())]).expect(0);
    for line in ["format: index", "images: 3", "7 a & b #000007:", "unlabelled:"] {
        assert!(ended.out.contains(line), "{line} in {ended}");
    }
    let ended = labels(&["check", text(folder.path())]).expect(1);
    assert!(ended.out.contains("px have no class"), "{ended}");
    fs::write(folder.path().join("b.png"), "no PNG").expect("written");
    labels(&["check", text(folder.path())])
        .expect(2)
        .complains_of(&["b.png"]);
    labels(&["inspect", "nowhere"])
        .expect(2)
        .complains_of(&["found nothing", "nowhere"]);
}
