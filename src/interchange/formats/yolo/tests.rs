use super::*;
use crate::interchange::sample;

/// A grey image of a size.
fn image(path: &Path, labels: &LabelMap) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::new(labels.width as u32, labels.height as u32)
        .save(path)
        .unwrap();
}

#[test]
fn maps_come_back_exactly_and_as_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let classes = sample::classes();
    let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
    let maps = sample::maps(&ids, 100);
    let mut writer = create(folder.path(), &classes, &WriteChoices::default()).unwrap();
    for (index, labels) in maps.iter().enumerate() {
        assert_eq!(*writer.kept(labels), *labels);
        let name = format!("val/a{index}.png");
        image(&folder.path().join("images").join(&name), labels);
        let labels = labels.clone();
        writer.write(&LabelledImage { name, labels }).unwrap();
    }
    writer.finish().unwrap();
    assert!(is(folder.path()));
    let choices = ReadChoices {
        classes: Some(classes),
        images: None,
    };
    let mut reader = open(folder.path(), &choices).unwrap();
    assert_eq!(reader.names().len(), maps.len());
    for (index, labels) in maps.iter().enumerate() {
        let image = reader.read(index).unwrap();
        assert_eq!(image.name, format!("val/a{index}.png"));
        assert_eq!(image.labels, *labels, "{index}");
    }
}

fn read(rows: &str) -> Result<LabelledImage, InterchangeError> {
    let folder = tempfile::tempdir().unwrap();
    let labels = unlabelled([10, 8], folder.path()).unwrap();
    image(&folder.path().join("images/a.png"), &labels);
    fs::create_dir_all(folder.path().join("labels")).unwrap();
    fs::write(folder.path().join("labels/a.txt"), rows).unwrap();
    fs::write(folder.path().join(DATA), "names: [road, car]").unwrap();
    open(folder.path(), &ReadChoices::default())?.read(0)
}

#[test]
fn the_smaller_polygon_lies_on_top() {
    let image = read("1 0.2 0.25 0.4 0.25 0.4 0.5 0.2 0.5\n\n0 0 0 1 0 1 1 0 1\n").unwrap();
    let count = |id: u16| image.labels.ids.iter().filter(|found| **found == id).count();
    assert_eq!((count(0), count(1)), (71, 9));
}

#[test]
fn boxes_and_damaged_rows_are_refused() {
    for rows in [
        "0 0.5 0.5 0.2 0.2",
        "0 0.1 0.1 0.2 0.2 0.3",
        "2 0 0 1 0 1 1",
        "0 0 0 10 0 10 8",
        "0 0 0 NaN 0 1 1",
        "road 0 0 1 0 1 1",
        "-1 0 0 1 0 1 1",
        "0 0 0 1 0 1 x",
    ] {
        assert!(read(rows).is_err(), "{rows}");
    }
}
