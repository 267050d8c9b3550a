//! Writes exports and reads the files back.

mod plans;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segscope::export::{ExportError, Format, Options, Subject, files, image, write};
use segscope::labels::{ClassSet, LabelMap};
use segscope::photo::Photo;

/// An image with its labels.
struct Scene {
    photo: Photo,
    map: LabelMap,
    confidence: Vec<u16>,
    classes: ClassSet,
}

impl Scene {
    /// An image whose pixels cycle through the ids `0..used`.
    fn new(width: usize, height: usize, used: usize, classes: ClassSet) -> Self {
        let pixels = width * height;
        Self {
            photo: Photo::new(width, height, (0..3 * pixels).map(|i| (i * 7 % 256) as u8).collect()),
            map: LabelMap {
                width,
                height,
                ids: (0..pixels).map(|i| (i % used) as u16).collect(),
            },
            confidence: (0..pixels).map(|i| (i * 31 % 65_536) as u16).collect(),
            classes,
        }
    }

    fn camvid() -> Self {
        Self::new(30, 20, 11, segscope::datasets::classes_of("camvid").unwrap())
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            photo: &self.photo,
            map: &self.map,
            confidence: &self.confidence,
            classes: &self.classes,
        }
    }
}

fn only(formats: &[Format]) -> Options {
    Options {
        formats: formats.to_vec(),
        ..Options::default()
    }
}

/// All files below a folder.
fn tree(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

fn color_type(path: &Path) -> (png::ColorType, png::BitDepth) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let reader = decoder.read_info().unwrap();
    (reader.info().color_type, reader.info().bit_depth)
}

fn read_map(path: &Path) -> LabelMap {
    LabelMap::from_png(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn an_indexed_png_holds_256_ids() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(32, 16, 256, ClassSet::numbered(256));
    write(&scene.subject(), &only(&[Format::Labels]), folder.path(), "a").unwrap();
    let path = folder.path().join("labels/a.png");
    assert_eq!(color_type(&path), (png::ColorType::Indexed, png::BitDepth::Eight));
    assert_eq!(read_map(&path), scene.map);
    let shown = Photo::open(&path).unwrap();
    assert_eq!(shown.pixel(7, 1), Some(scene.classes.color(39)));
}

#[test]
fn more_than_256_classes_are_written_as_16_bit_grey() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(40, 30, 300, ClassSet::numbered(300));
    write(&scene.subject(), &only(&[Format::Labels]), folder.path(), "a").unwrap();
    let path = folder.path().join("labels/a.png");
    assert_eq!(color_type(&path), (png::ColorType::Grayscale, png::BitDepth::Sixteen));
    assert_eq!(read_map(&path), scene.map);
}

#[test]
fn ids_without_a_class_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (used, stem) in [(20, "few"), (260, "many")] {
        let scene = Scene::new(20, 15, used, ClassSet::numbered(3));
        write(&scene.subject(), &only(&Format::ALL), folder.path(), stem).unwrap();
        assert_eq!(read_map(&folder.path().join(format!("labels/{stem}.png"))), scene.map);
    }
    assert!(folder.path().join("classes/many/259-unknown-259.png").is_file());
}

#[test]
fn confidence_is_written_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    write(&scene.subject(), &only(&[Format::Confidence]), folder.path(), "a").unwrap();
    assert_eq!(read_map(&folder.path().join("confidence/a.png")).ids, scene.confidence);
}

#[test]
fn an_existing_file_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let taken = folder.path().join("overlay/a.png");
    fs::create_dir(folder.path().join("overlay")).unwrap();
    fs::write(&taken, b"mine").unwrap();
    let mut options = Options::default();
    match write(&scene.subject(), &options, folder.path(), "a") {
        Err(ExportError::Exists { path }) => assert_eq!(path, taken),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert_eq!(tree(folder.path()), BTreeSet::from([taken.clone()]));
    options.overwrite = true;
    write(&scene.subject(), &options, folder.path(), "a").unwrap();
    assert_eq!(Photo::open(&taken).unwrap().width, 30);
}

#[test]
fn a_failed_export_changes_no_file() {
    let outer = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let file = outer.path().join("file");
    fs::write(&file, b"mine").unwrap();
    let failed = write(&scene.subject(), &Options::default(), &file, "a");
    assert!(matches!(failed, Err(ExportError::CreateFolder { .. })), "{failed:?}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");

    // The second of two folders cannot be created, so the first file must not change either.
    let folder = outer.path().join("out");
    fs::create_dir_all(folder.join("labels")).unwrap();
    fs::write(folder.join("labels/a.png"), b"old").unwrap();
    fs::write(folder.join("color"), b"in the way").unwrap();
    let options = Options {
        overwrite: true,
        ..Options::default()
    };
    write(&scene.subject(), &options, &folder, "a").unwrap_err();
    assert_eq!(fs::read(folder.join("labels/a.png")).unwrap(), b"old");
    assert_eq!(tree(&folder).len(), 2, "no temporary file remains");
}

#[test]
fn masks_partition_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(30, 20, 9, segscope::datasets::classes_of("camvid").unwrap());
    let written = write(&scene.subject(), &only(&[Format::Classes]), folder.path(), "a").unwrap();
    assert!(written.contains(&folder.path().join("classes/a/008-car.png")));
    let mut white = vec![0; 600];
    for path in written
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "png"))
    {
        let name = path.file_name().unwrap().to_str().unwrap();
        let id: u16 = name[..3].parse().unwrap();
        for ((count, grey), own) in white.iter_mut().zip(read_map(path).ids).zip(&scene.map.ids) {
            assert_eq!(grey, if *own == id { 255 } else { 0 });
            *count += u32::from(grey == 255);
        }
    }
    assert_eq!(written.len(), 9 + 1);
    assert!(white.iter().all(|count| *count == 1));
}

#[test]
fn class_names_become_safe_file_names() {
    let mut scene = Scene::new(4, 4, 3, ClassSet::numbered(3));
    scene.classes.classes[0].name = "../Traffic  Light!".into();
    scene.classes.classes[1].name = "木".into();
    scene.classes.classes[2].name = "x".repeat(5000);
    let folder = tempfile::tempdir().unwrap();
    let written = write(&scene.subject(), &only(&[Format::Classes]), folder.path(), "a").unwrap();
    let place = folder.path().join("classes/a");
    assert_eq!(written[0], place.join("000-traffic-light.png"));
    assert_eq!(written[1], place.join("001-class.png"));
    assert_eq!(tree(&place).len(), 3);
}

#[test]
fn a_tiny_image_has_a_complete_legend() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let options = Options {
        legend: true,
        opacity: 0.0,
        ..only(&[Format::Overlay])
    };
    write(&scene.subject(), &options, folder.path(), "a").unwrap();
    let shown = Photo::open(&folder.path().join("overlay/a.png")).unwrap();
    assert!(
        shown.width >= 30 + 140 && shown.height >= 20,
        "{} x {}",
        shown.width,
        shown.height
    );
    for (x, y) in [(0, 0), (29, 0), (0, 19), (29, 19)] {
        assert_eq!(shown.pixel(x, y), scene.photo.pixel(x, y));
    }
    assert_eq!(shown.pixel(0, shown.height - 1), Some([255; 3]));
    let strip: BTreeSet<_> = (0..shown.height)
        .flat_map(|y| (30..shown.width).map(move |x| (x, y)))
        .filter_map(|(x, y)| shown.pixel(x, y))
        .collect();
    for class in &scene.classes.classes {
        assert!(strip.contains(&class.color), "{}", class.name);
    }
}

#[test]
fn a_hidden_class_shows_the_image_and_is_not_in_the_legend() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let mut options = Options {
        opacity: 1.0,
        hidden: vec![false, false, true],
        ..only(&[Format::Overlay])
    };
    write(&scene.subject(), &options, folder.path(), "plain").unwrap();
    let shown = Photo::open(&folder.path().join("overlay/plain.png")).unwrap();
    for y in 0..20 {
        for x in 0..30 {
            let id = scene.map.get(x, y).unwrap();
            let expected = if id == 2 {
                scene.photo.pixel(x, y)
            } else {
                Some(scene.classes.color(id))
            };
            assert_eq!(shown.pixel(x, y), expected, "{x} {y}");
        }
    }
    options.legend = true;
    options.hidden = vec![true; 11];
    write(&scene.subject(), &options, folder.path(), "none").unwrap();
    assert_eq!(
        Photo::open(&folder.path().join("overlay/none.png")).unwrap(),
        scene.photo
    );
}

#[test]
fn a_different_class_list_is_a_conflict_and_an_equal_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let options = only(&[Format::Labels]);
    let scene = Scene::camvid();
    write(&scene.subject(), &options, folder.path(), "a").unwrap();
    write(&scene.subject(), &options, folder.path(), "b").unwrap();
    let list = folder.path().join("classes.json");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    assert_eq!(json["data_set"], "camvid");
    assert_eq!(
        json["classes"][8],
        serde_json::json!({ "id": 8, "name": "car", "color": [64, 0, 128] })
    );
    let other = Scene {
        classes: ClassSet::numbered(11),
        ..Scene::camvid()
    };
    match write(&other.subject(), &options, folder.path(), "c") {
        Err(ExportError::Exists { path }) => assert_eq!(path, list),
        outcome => panic!("{outcome:?}"),
    }
    assert!(!folder.path().join("labels/c.png").exists());
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::camvid();
    scene.confidence.clear();
    let failed = write(&scene.subject(), &only(&[Format::Confidence]), folder.path(), "a");
    assert!(
        matches!(failed, Err(ExportError::Incomplete { found: 0, .. })),
        "{failed:?}"
    );
    scene.map.width = 20;
    scene.map.height = 30;
    let failed = write(&scene.subject(), &Options::default(), folder.path(), "a");
    assert!(
        matches!(failed, Err(ExportError::Mismatch { map: [20, 30], .. })),
        "{failed:?}"
    );
    let empty = Scene::new(0, 0, 1, ClassSet::numbered(1));
    let options = Options {
        legend: true,
        ..Options::default()
    };
    let failed = write(&empty.subject(), &options, folder.path(), "a");
    assert!(matches!(failed, Err(ExportError::Encode { .. })), "{failed:?}");
    assert!(tree(folder.path()).is_empty());
}

#[test]
fn chosen_colours_apply_to_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let options = Options {
        opacity: 1.0,
        legend: true,
        colors: vec![[1, 2, 3], [250, 251, 252]],
        ..Options::default()
    };
    write(&scene.subject(), &options, folder.path(), "a").unwrap();
    let color = |id: u16| match id {
        0 => [1, 2, 3],
        1 => [250, 251, 252],
        _ => scene.classes.color(id),
    };
    for place in ["labels", "color", "overlay"] {
        let shown = Photo::open(&folder.path().join(place).join("a.png")).unwrap();
        for (x, id) in scene.map.ids[..11].iter().enumerate() {
            assert_eq!(shown.pixel(x, 0), Some(color(*id)), "{place} {id}");
        }
    }
    let overlay = Photo::open(&folder.path().join("overlay/a.png")).unwrap();
    let swatches = overlay.rgb.as_chunks::<3>().0.iter().filter(|p| **p == [250, 251, 252]);
    let pixels = scene.map.ids.iter().filter(|id| **id == 1).count();
    assert!(swatches.count() > pixels, "the legend has the chosen colour too");
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("classes.json")).unwrap()).unwrap();
    assert_eq!(json["classes"][1]["color"], serde_json::json!([250, 251, 252]));
    assert_eq!(json["classes"][2]["color"], serde_json::json!(scene.classes.color(2)));
    // A class list with other colours is a conflict, because it would be overwritten.
    let list = |options: &Options| {
        let planned = files(&scene.subject(), options, folder.path(), "b");
        planned.iter().any(|file| file.exists)
    };
    assert!(!list(&options) && list(&Options::default()));
}

#[test]
fn clipboard_images_equal_those_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let options = Options {
        opacity: 0.7,
        legend: true,
        hidden: vec![false, true],
        colors: vec![[9, 8, 7]],
        ..only(&Format::ALL)
    };
    write(&scene.subject(), &options, folder.path(), "a").unwrap();
    let copied = |format| image(&scene.subject(), &options, format).unwrap();
    for (format, file) in [
        (Format::Overlay, "overlay/a.png"),
        (Format::Color, "color/a.png"),
        (Format::Labels, "labels/a.png"),
        (Format::Classes, "color/a.png"),
    ] {
        let written = Photo::open(&folder.path().join(file)).unwrap();
        assert_eq!(copied(format), written, "{format:?}");
    }
    let grey = copied(Format::Confidence);
    assert_eq!(grey.pixel(4, 3), Some([(scene.confidence[94] >> 8) as u8; 3]));

    let mut broken = Scene::camvid();
    broken.confidence.clear();
    let failed = image(&broken.subject(), &options, Format::Confidence);
    assert!(matches!(failed, Err(ExportError::Incomplete { .. })), "{failed:?}");
    broken.map.width = 20;
    let failed = image(&broken.subject(), &options, Format::Color);
    assert!(matches!(failed, Err(ExportError::Mismatch { .. })), "{failed:?}");
}

#[test]
fn a_template_names_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    let options = Options {
        naming: "{name} by {model}".into(),
        ..only(&[Format::Labels, Format::Classes])
    };
    let stem = options.file_stem("..", "Seg-T-Mask/16");
    write(&scene.subject(), &options, folder.path(), &stem).unwrap();
    assert!(folder.path().join("labels/.. by Seg-T-Mask-16.png").is_file());
    // A name of only dots must not refer to the parent folder.
    let stem = Options::default().file_stem("..", "Seg-T-Mask/16");
    write(&scene.subject(), &options, folder.path(), &stem).unwrap();
    assert!(folder.path().join("classes/picture/000-sky.png").is_file());
}
