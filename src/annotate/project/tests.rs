//! Projects on disk, through what the rest of the program uses.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ClassEdit, ImageRecord, ImageState, LabelFile, OpenedLabels, Origin, SaveError, Store, StoreError};
use crate::annotate::{Layer, Patch, Rules, Span, UNLABELLED};
use crate::datasets::{TruthReader, classes_of};
use crate::labels::{ClassSet, LabelMap, LabelPng};

const SIZE: [usize; 2] = [90, 70];

fn camvid() -> ClassSet {
    classes_of("camvid").expect("a built-in set")
}

/// A folder with an image, which nobody reads, and a file beside its folder.
fn folder_with(labels: Option<(&str, Vec<u8>)>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("images/a.jpg");
    fs::create_dir(folder.path().join("images")).expect("a folder");
    fs::write(&image, "no image").expect("a file");
    if let Some((name, bytes)) = labels {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    (folder, image)
}

fn open_store(image: &Path, set: &ClassSet) -> Store {
    let ignored = TruthReader::new(set).ignored().to_vec();
    Store::open(&Store::root_of(image), set, &ignored).expect("a project")
}

fn open(store: &mut Store, image: &Path, set: &ClassSet) -> OpenedLabels {
    store
        .open_labels(image, SIZE, (set, &TruthReader::new(set)))
        .expect("labels")
}

/// Gives a row of pixels a class.
fn stroke(file: &LabelFile, y: usize, class: u16) -> Patch {
    let mut layer = Layer::new(file.map().clone());
    layer.begin(Rules::default(), None);
    layer.write(&[Span { y, x: 5..40 }], class);
    layer.commit(|_| String::new()).1
}

/// Values of a file in stripes.
fn stripes(values: &[u16]) -> Vec<u16> {
    (0..SIZE[0] * SIZE[1])
        .map(|at| values[at % SIZE[0] % values.len()])
        .collect()
}

fn indexed(values: &[u16], colors: usize) -> (LabelPng, Vec<u8>) {
    let kind = LabelPng {
        bits: 4,
        palette: Some((0..3 * colors).map(|value| value as u8).collect()),
    };
    let bytes = kind.encode(SIZE, &stripes(values)).expect("a PNG");
    (kind, bytes)
}

#[test]
fn new_labels_go_beside_the_images_and_are_found_again() {
    let set = camvid();
    let (folder, image) = folder_with(None);
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    assert_eq!((&opened.origin, opened.record.state), (&Origin::New, ImageState::New));
    assert!(opened.file.map().ids.iter().all(|id| *id == UNLABELLED));
    let patch = stroke(&opened.file, 3, 4);
    opened.file.edit(&patch).expect("in the journal");
    let saved = opened.file.save(&set, false).expect("saved").expect("edits");
    assert_eq!((saved.original, saved.grown), (None, false));
    store.write_classes().expect("written");
    let entries = |folder: &Path| -> Vec<String> {
        let names = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(
        entries(folder.path()),
        [".segscope.lock", "images", "labels", "project.toml"]
    );
    let map = opened.file.map().clone();
    drop(store);
    assert_eq!(entries(folder.path()), ["images", "labels", "project.toml"]);
    let written = LabelMap::open(&folder.path().join("labels/a.png")).expect("a label map");
    assert_eq!((written.ids[0], written.ids[3 * SIZE[0] + 5]), (255, 4));
    let mut store = open_store(&image, &ClassSet::numbered(2));
    let again = open(&mut store, &image, &set);
    assert_eq!((again.origin, again.recovered), (Origin::Own, 0));
    assert!(again.file.map() == &map);
    assert_eq!(
        store.project().set().label(0),
        set.label(0),
        "the project has its own classes"
    );
}

#[test]
fn a_label_file_of_another_program_is_edited_in_place_and_kept() {
    let set = camvid();
    let (kind, bytes) = indexed(&[0, 3, 11], 12);
    let (folder, image) = folder_with(Some(("annotations/a.png", bytes.clone())));
    let path = folder.path().join("annotations/a.png");
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    assert_eq!(opened.origin, Origin::Foreign);
    assert_eq!(opened.file.map().ids[..3], [0, 3, UNLABELLED]);
    let patch = stroke(&opened.file, 0, 7);
    opened.file.edit(&patch).expect("in the journal");
    assert_eq!(
        fs::read(&path).expect("a file"),
        bytes,
        "nothing is written before it is saved"
    );
    let saved = opened.file.save(&set, false).expect("saved").expect("edits");
    let original = saved.original.expect("the original is kept");
    assert_eq!(fs::read(&original).expect("a file"), bytes);
    assert_eq!(original, folder.path().join("annotations/.backup/a.original.png"));
    let now = fs::read(&path).expect("a file");
    assert_eq!(LabelPng::of(&now), Some(kind), "the same kind of PNG");
    let mut expected = stripes(&[0, 3, 11]);
    expected[5..40].fill(7);
    assert_eq!(LabelMap::from_png(&now).expect("a label map").ids, expected);
    // It is ours from now on.
    let mut record = opened.record;
    record.label_crc = Some(saved.crc);
    store.set_record(record).expect("written");
    drop(store);
    let mut store = open_store(&image, &set);
    assert_eq!(open(&mut store, &image, &set).origin, Origin::Own);
    assert!(!folder.path().join("project.toml").exists(), "a plain folder stays one");
}

#[test]
fn values_that_are_not_ids_are_written_back_as_values() {
    let set = classes_of("ade20k").expect("a built-in set");
    let kind = LabelPng { bits: 8, palette: None };
    let bytes = kind.encode(SIZE, &stripes(&[0, 1, 150])).expect("a PNG");
    let (folder, image) = folder_with(Some(("annotations/a.png", bytes)));
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    assert_eq!((&opened.origin, opened.file.is_plain()), (&Origin::Foreign, false));
    let patch = stroke(&opened.file, 1, 20);
    opened.file.edit(&patch).expect("in the journal");
    let patch = stroke(&opened.file, 2, UNLABELLED);
    opened.file.edit(&patch).expect("in the journal");
    opened.file.save(&set, false).expect("saved");
    let written = LabelMap::open(&folder.path().join("annotations/a.png")).expect("a label map");
    let mut expected = stripes(&[0, 1, 150]);
    expected[SIZE[0] + 5..SIZE[0] + 40].fill(21);
    expected[2 * SIZE[0] + 5..2 * SIZE[0] + 40].fill(0);
    assert_eq!(written.ids, expected);
}

#[test]
fn what_cannot_be_written_back_is_imported_and_left_as_it_is() {
    let set = camvid();
    let color = |id: u16| set.color(id);
    let mut colors = Vec::new();
    let mut encoder = png::Encoder::new(&mut colors, SIZE[0] as u32, SIZE[1] as u32);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = stripes(&[0, 1, 2]).iter().flat_map(|id| color(*id)).collect();
    let mut writer = encoder.write_header().expect("a PNG");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("a PNG");
    let two_ignored = LabelPng { bits: 8, palette: None }
        .encode(SIZE, &stripes(&[2, 11, 255]))
        .expect("a PNG");
    let beyond = LabelPng { bits: 8, palette: None }
        .encode(SIZE, &stripes(&[0, 40]))
        .expect("a PNG");
    for (bytes, first, told) in [
        (colors, [0, 1, 2], "stays as it is"),
        (two_ignored, [2, UNLABELLED, UNLABELLED], "stays as it is"),
        (beyond, [UNLABELLED; 3], "found 40"),
    ] {
        let (folder, image) = folder_with(Some(("labels/a.png", bytes.clone())));
        let mut store = open_store(&image, &set);
        let mut opened = open(&mut store, &image, &set);
        let foreign = folder.path().join("labels/a.png");
        assert_eq!(opened.origin, Origin::Imported(foreign.clone()));
        assert_eq!(opened.file.map().ids[..3], first);
        assert!(
            opened.notes.iter().any(|note| note.contains(told)),
            "{:?}",
            opened.notes
        );
        let patch = stroke(&opened.file, 0, 7);
        opened.file.edit(&patch).expect("in the journal");
        opened.file.save(&set, false).expect("saved");
        store.write_classes().expect("written");
        assert_eq!(fs::read(&foreign).expect("a file"), bytes, "never written over");
        let map = opened.file.map().clone();
        drop(store);
        let mut store = open_store(&image, &set);
        let again = open(&mut store, &image, &set);
        assert!(again.file.place().labels.ends_with("labels-edited/a.png"));
        assert!(again.origin == Origin::Own && again.file.map() == &map);
    }
}

#[test]
fn labels_of_another_size_are_refused() {
    let set = camvid();
    let kind = LabelPng { bits: 8, palette: None };
    let bytes = kind.encode([SIZE[1], SIZE[0]], &stripes(&[1])).expect("a PNG");
    let (_folder, image) = folder_with(Some(("labels/a.png", bytes)));
    let mut store = open_store(&image, &set);
    let why = store
        .open_labels(&image, SIZE, (&set, &TruthReader::new(&set)))
        .expect_err("another size");
    let why = why.to_string();
    assert!(
        why.contains("width and height are swapped") && why.ends_with("a.png"),
        "{why}"
    );
}

#[test]
fn unsaved_edits_come_back_and_are_not_made_to_another_file() {
    let set = camvid();
    let (folder, image) = folder_with(Some(("labels/a.png", indexed(&[0, 3], 12).1)));
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    for (y, class) in [(3, 5), (4, 6)] {
        let patch = stroke(&opened.file, y, class);
        opened.file.edit(&patch).expect("in the journal");
    }
    let map = opened.file.map().clone();
    // The program ends here without saving.
    drop((opened, store));
    let mut store = open_store(&image, &set);
    let mut again = open(&mut store, &image, &set);
    assert!((again.recovered, again.file.is_unsaved()) == (2, true) && again.file.map() == &map);
    // Another stroke, and the end again.
    let patch = stroke(&again.file, 9, 1);
    again.file.edit(&patch).expect("in the journal");
    let map = again.file.map().clone();
    drop((again, store));
    let mut store = open_store(&image, &set);
    let again = open(&mut store, &image, &set);
    assert!(again.recovered == 3 && again.file.map() == &map);
    drop((again, store));
    // Another program writes the file meanwhile.
    let other = indexed(&[1, 2], 12).1;
    fs::write(folder.path().join("labels/a.png"), &other).expect("a file");
    let mut store = open_store(&image, &set);
    let again = open(&mut store, &image, &set);
    assert_eq!((again.recovered, &again.file.map().ids[..2]), (0, &[1, 2][..]));
    assert!(again.notes[0].contains("another version"), "{:?}", again.notes);
    assert!(folder.path().join("labels/.journal/a.journal.1").is_file());
}

#[test]
fn a_file_that_another_program_changes_is_never_replaced_silently() {
    let set = camvid();
    let (folder, image) = folder_with(Some(("labels/a.png", indexed(&[0, 3], 12).1)));
    let path = folder.path().join("labels/a.png");
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    let patch = stroke(&opened.file, 3, 5);
    opened.file.edit(&patch).expect("in the journal");
    let other = indexed(&[1, 2, 4], 12).1;
    fs::write(&path, &other).expect("a file");
    assert!(matches!(opened.file.save(&set, false), Err(SaveError::Changed(_))));
    assert_eq!(fs::read(&path).expect("a file"), other);
    opened.file.save(&set, true).expect("saved").expect("edits");
    let backups = folder.path().join("labels/.backup");
    let kept = fs::read_dir(backups).expect("a folder").flatten();
    assert!(
        kept.map(|entry| fs::read(entry.path()))
            .any(|bytes| bytes.is_ok_and(|bytes| bytes == other))
    );
    // The same bytes with another time are no change.
    let bytes = fs::read(&path).expect("a file");
    fs::write(&path, bytes).expect("a file");
    let patch = stroke(&opened.file, 4, 5);
    opened.file.edit(&patch).expect("in the journal");
    assert!(opened.file.save(&set, false).expect("saved").is_some());
}

#[test]
fn a_palette_grows_when_a_class_needs_it() {
    let set = camvid();
    let (folder, image) = folder_with(Some(("labels/a.png", indexed(&[0, 3], 4).1)));
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    let patch = stroke(&opened.file, 3, 2);
    opened.file.edit(&patch).expect("in the journal");
    assert!(!opened.file.save(&set, false).expect("saved").expect("edits").grown);
    let patch = stroke(&opened.file, 3, 9);
    opened.file.edit(&patch).expect("in the journal");
    assert!(opened.file.save(&set, false).expect("saved").expect("edits").grown);
    let kind = LabelPng::of(&fs::read(folder.path().join("labels/a.png")).expect("a file")).expect("a label map");
    let palette = kind.palette.expect("indexed");
    assert_eq!((kind.bits, palette.len()), (4, 30));
    assert_eq!(palette[27..], set.color(9));
    assert_eq!(palette[..12], (0..12).collect::<Vec<u8>>());
}

#[test]
fn only_one_program_writes() {
    let set = camvid();
    let (_folder, image) = folder_with(None);
    let mut first = open_store(&image, &set);
    let mut second = open_store(&image, &set);
    first.set_record(ImageRecord::new("images/a.jpg")).expect("written");
    let why = second.set_record(ImageRecord::new("images/b.jpg")).expect_err("locked");
    assert!(matches!(why, StoreError::Locked(_)), "{why}");
    assert!(matches!(
        Store::open(&Store::root_of(&image), &set, &[]),
        Err(StoreError::Locked(_))
    ));
    drop(first);
    second.set_record(ImageRecord::new("images/b.jpg")).expect("written");
}

#[test]
fn class_edits_that_change_no_pixel_change_no_label_file() {
    let set = camvid();
    let (folder, image) = folder_with(None);
    let mut store = open_store(&image, &set);
    let mut opened = open(&mut store, &image, &set);
    let patch = stroke(&opened.file, 3, 4);
    opened.file.edit(&patch).expect("in the journal");
    opened.file.save(&set, false).expect("saved");
    store.write_classes().expect("written");
    let bytes = fs::read(folder.path().join("labels/a.png")).expect("a file");
    for edit in [
        ClassEdit::Move { id: 4, to: 0 },
        ClassEdit::Rename {
            id: 4,
            name: "kerb".into(),
        },
        ClassEdit::Recolor {
            id: 4,
            color: [1, 2, 3],
        },
        ClassEdit::Lock { id: 4, locked: true },
    ] {
        assert_eq!(store.edit_classes(&edit).expect("edited"), None);
        let mut again = store
            .open_labels(&image, SIZE, (&set, &TruthReader::new(&set)))
            .expect("labels")
            .file;
        assert_eq!(
            again.save(&store.project().set(), false).expect("nothing to save"),
            None
        );
        assert_eq!(
            fs::read(folder.path().join("labels/a.png")).expect("a file"),
            bytes,
            "{edit:?}"
        );
    }
}
