//! The annotate workspace: from the prediction to label files, by pointer and by keys.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use segscope::app::{App, Start};
use segscope::labels::LabelMap;
use segscope::photo::Photo;

use crate::harness::{start, street, wait_for, wait_for_label, wait_for_masks, wait_for_text, window_of_size};

const SIZE: [f32; 2] = [1500.0, 900.0];

/// A folder with photos of these names in `images`.
fn photos(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    fs::create_dir(&images).expect("a folder");
    let paths = names.iter().map(|name| street(&images, name)).collect();
    (folder, paths)
}

/// The window with the labels of the first photo open.
fn annotating(images: Vec<PathBuf>) -> Harness<'static, App> {
    let mut harness = window_of_size(Start { images, ..start() }, SIZE);
    wait_for_masks(&mut harness);
    harness.key_press(Key::F8);
    wait_for_label(&mut harness, "Mark done");
    harness
}

/// The values in a label file, once it holds what is wanted.
fn wait_for_labels(harness: &mut Harness<App>, path: &Path, wanted: impl Fn(&LabelMap) -> bool) -> LabelMap {
    wait_for(harness, &path.display().to_string(), |_| {
        LabelMap::open(path).ok().filter(|map| wanted(map))
    })
}

/// Drags the pointer over the canvas with the button pressed.
fn drag(harness: &mut Harness<App>, way: &[Pos2]) {
    harness.hover_at(way[0]);
    harness.run_steps(2);
    harness.drag_at(way[0]);
    harness.run_steps(2);
    for at in &way[1..] {
        harness.hover_at(*at);
        harness.run_steps(2);
    }
    harness.drop_at(way[way.len() - 1]);
    harness.run_steps(2);
}

#[test]
fn a_photo_is_labelled_from_the_prediction_and_corrected() {
    let (folder, images) = photos(&["a.jpg", "b.jpg"]);
    let mut harness = annotating(images);
    let file = folder.path().join("labels/a.png");
    wait_for_label(&mut harness, "Start from the prediction");
    assert!(!file.exists());
    harness.get_by_label("Start from the prediction").click();
    let predicted = wait_for_labels(&mut harness, &file, |_| true);
    wait_for_text(&mut harness, "Saved");
    // A stroke of the class with the digit 7, which is not at the middle.
    harness.key_press(Key::Num7);
    harness.run_steps(3);
    let middle = harness.get_by_label("Photo canvas").rect().center();
    drag(
        &mut harness,
        &[middle, middle + vec2(40.0, 30.0), middle + vec2(-50.0, 60.0)],
    );
    let at = [predicted.width / 2 + 3, predicted.height / 2 + 3];
    let painted = wait_for_labels(&mut harness, &file, |map| map.get(at[0], at[1]) == Some(6));
    assert_ne!(predicted.get(at[0], at[1]), Some(6));
    wait_for_text(&mut harness, " px");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    wait_for_labels(&mut harness, &file, |map| *map == predicted);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    wait_for_labels(&mut harness, &file, |map| *map == painted);
    // Done, and the next photo has no labels yet.
    harness.get_by_label("Mark done").click();
    wait_for_label(&mut harness, "No labels yet");
    let records = fs::read_to_string(folder.path().join("state.jsonl")).expect("records");
    assert!(records.contains("\"state\":\"done\""), "{records}");
    harness.key_press(Key::A);
    wait_for_label(&mut harness, "Done");
}

#[test]
fn a_label_file_of_another_program_is_opened_and_its_changes_are_told() {
    let (folder, images) = photos(&["a.jpg"]);
    let file = folder.path().join("labels/a.png");
    fs::create_dir(folder.path().join("labels")).expect("a folder");
    let truth = crate::repository::in_repository("assets/samples/street-labels.png");
    fs::copy(&truth, &file).expect("a copy");
    let theirs = fs::read(&file).expect("a file");
    let mut harness = annotating(images);
    wait_for_text(&mut harness, "Saved");
    harness.key_press(Key::Num1);
    let middle = harness.get_by_label("Photo canvas").rect().center();
    drag(&mut harness, &[middle, middle + vec2(0.0, 40.0)]);
    let first = wait_for_labels(&mut harness, &file, |_| {
        fs::read(&file).is_ok_and(|bytes| bytes != theirs)
    });
    assert_eq!(
        fs::read(folder.path().join("labels/.backup/a.original.png")).expect("the original"),
        theirs
    );
    wait_for_text(&mut harness, "The original label file is kept");
    // Another program writes the original back, and the window does not replace it.
    fs::write(&file, &theirs).expect("a file");
    drag(&mut harness, &[middle + vec2(30.0, 0.0), middle + vec2(60.0, 40.0)]);
    wait_for_label(&mut harness, "Another program has changed the label file");
    assert_eq!(fs::read(&file).expect("a file"), theirs);
    harness.get_by_label("Keep mine").click();
    let both = wait_for_labels(&mut harness, &file, |_| {
        fs::read(&file).is_ok_and(|bytes| bytes != theirs)
    });
    assert_ne!(both, first, "both strokes are there");
}

#[test]
fn classes_are_added_locked_and_merged() {
    let (folder, images) = photos(&["a.jpg"]);
    let mut harness = annotating(images);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
    let file = folder.path().join("labels/a.png");
    let before = wait_for_labels(&mut harness, &file, |_| true);
    harness.get_by_label("Add a class").click();
    wait_for_label(&mut harness, "Name of the class");
    harness.run_steps(3);
    harness.get_by_label("Name of the class").type_text("kerb");
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    wait_for(&mut harness, "the new class", |h| {
        h.query_by_role_and_label(Role::RadioButton, "kerb").map(drop)
    });
    // Locked by the mouse, and so not merged.
    harness.get_by_role_and_label(Role::RadioButton, "road").click();
    wait_for_label(&mut harness, "Lock road");
    harness.get_by_label("Lock road").click();
    wait_for_label(&mut harness, "Unlock road");
    harness.get_by_label("Unlock road").click();
    wait_for_label(&mut harness, "Lock road");
    // The class that is chosen goes into the one with the digit 1.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("merge the class");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_text(&mut harness, "px in 1 label file");
    harness.event(egui::Event::Text("1".into()));
    harness.run_steps(3);
    harness.get_by_label("Merge").click();
    let road = 3;
    let merged = wait_for_labels(&mut harness, &file, |map| !map.ids.contains(&road));
    let expected = before.ids.iter().map(|id| if *id == road { 0 } else { *id });
    assert!(merged.ids.iter().copied().eq(expected));
    harness.get_by_label("Undo change of classes").click();
    wait_for_labels(&mut harness, &file, |map| *map == before);
    wait_for(&mut harness, "the class", |harness| {
        let node = harness.query_by_role_and_label(Role::RadioButton, "road")?;
        (!node.accesskit_node().is_disabled()).then_some(())
    });
}

/// A JPEG of 96 x 64 stored pixels that is to be turned by this EXIF orientation.
fn turned(orientation: u8) -> Vec<u8> {
    // A TIFF header and one entry: tag 0x112, a SHORT.
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let pixels: Vec<u8> = (0..96 * 64)
        .flat_map(|at| [(at % 96 * 2) as u8, (at / 96 * 3) as u8, 90])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif).expect("metadata");
    encoder
        .write_image(&pixels, 96, 64, ExtendedColorType::Rgb8)
        .expect("a JPEG");
    bytes
}

#[test]
fn labels_belong_to_the_upright_photo_whatever_its_orientation() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = folder.path().join("images");
    fs::create_dir(&images).expect("a folder");
    let paths: Vec<PathBuf> = (1..=8).map(|k| images.join(format!("{k}.jpg"))).collect();
    for (k, path) in (1..).zip(&paths) {
        fs::write(path, turned(k)).expect("a file");
    }
    let mut harness = annotating(paths.clone());
    for (k, path) in (1..).zip(&paths) {
        let upright = Photo::open(path).expect("a photo");
        let expected = if k < 5 { [96, 64] } else { [64, 96] };
        assert_eq!([upright.width, upright.height], expected, "orientation {k}");
        wait_for_label(&mut harness, "No labels yet");
        harness.key_press(Key::Num3);
        harness.run_steps(3);
        let middle = harness.get_by_label("Photo canvas").rect().center();
        drag(&mut harness, &[middle, middle + vec2(4.0, 0.0)]);
        let file = folder.path().join(format!("labels/{k}.png"));
        let at = [upright.width / 2, upright.height / 2];
        let map = wait_for_labels(&mut harness, &file, |map| map.get(at[0], at[1]) == Some(2));
        assert_eq!([map.width, map.height], expected, "orientation {k}");
        if k < 8 {
            harness.key_press(Key::D);
            wait_for_text(&mut harness, &format!("Photo {}.jpg, New", k + 1));
            harness.run_steps(3);
        }
    }
}

#[test]
fn areas_are_found_by_colour_selected_and_limit_the_brush() {
    let (folder, images) = photos(&["a.jpg"]);
    let mut harness = annotating(images);
    let file = folder.path().join("labels/a.png");
    harness.key_press(Key::Num3);
    harness.key_press(Key::W);
    harness.run_steps(3);
    let canvas = harness.get_by_label("Photo canvas").rect();
    let at = canvas.center() - vec2(0.0, 0.25 * canvas.height());
    harness.hover_at(at);
    harness.run_steps(4);
    drag(&mut harness, &[at, at + vec2(30.0, 0.0)]);
    let found = wait_for_labels(&mut harness, &file, |map| map.ids.contains(&2));
    let pixels = found.ids.iter().filter(|id| **id == 2).count();
    assert!(
        (50..found.ids.len() - 50).contains(&pixels),
        "{pixels} of {}",
        found.ids.len()
    );
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    wait_for_labels(&mut harness, &file, |map| !map.ids.contains(&2));
    // The same area is selected, and a large stroke changes nothing else.
    harness.get_by_label("Select instead of fill").click();
    harness.run_steps(3);
    drag(&mut harness, &[at, at + vec2(1.0, 0.0)]);
    wait_for_text(&mut harness, " px selected");
    harness.key_press(Key::B);
    harness.run_steps(2);
    (0..30).for_each(|_| harness.key_press(Key::CloseBracket));
    harness.run_steps(3);
    drag(
        &mut harness,
        &[at, canvas.center(), canvas.left_center(), canvas.right_center()],
    );
    let painted = wait_for_labels(&mut harness, &file, |map| map.ids.contains(&2));
    assert!(painted.ids.iter().any(|id| *id != 2), "the selection limits the brush");
    wait_for_text(&mut harness, "px protected");
    harness.get_by_label("Select nothing").click();
    harness.run_steps(3);
    drag(
        &mut harness,
        &[
            canvas.left_center() + vec2(60.0, 90.0),
            canvas.right_center() + vec2(-60.0, 90.0),
        ],
    );
    wait_for_labels(&mut harness, &file, |map| {
        map.ids.iter().filter(|id| **id == 2).count() > painted.ids.iter().filter(|id| **id == 2).count()
    });
}

#[test]
fn superpixels_live_wire_and_moved_borders_change_labels() {
    let (folder, images) = photos(&["a.jpg"]);
    let mut harness = annotating(images);
    let file = folder.path().join("labels/a.png");
    harness.key_press(Key::Num2);
    harness.key_press(Key::C);
    harness.run_steps(2);
    let canvas = harness.get_by_label("Photo canvas").rect();
    let middle = canvas.center();
    harness.hover_at(middle);
    // The cells come from another thread.
    let mut cells = None;
    for _ in 0..200 {
        drag(&mut harness, &[middle, middle + vec2(60.0, 20.0)]);
        cells = LabelMap::open(&file).ok().filter(|map| map.ids.contains(&1));
        if cells.is_some() {
            break;
        }
    }
    let cells = cells.expect("cells");
    let of = |map: &LabelMap| map.ids.iter().filter(|id| **id == 1).count();
    wait_for_text(&mut harness, "Saved");
    harness.get_by_label("Grow the class").click();
    let grown = wait_for_labels(&mut harness, &file, |map| of(map) > of(&cells));
    harness.get_by_label("Shrink the class").click();
    wait_for_labels(&mut harness, &file, |map| of(map) < of(&grown));
    // A triangle whose sides follow edges.
    harness.key_press(Key::Num5);
    harness.key_press(Key::T);
    harness.run_steps(2);
    for corner in [vec2(-120.0, -80.0), vec2(-20.0, -90.0), vec2(-70.0, 40.0)] {
        drag(&mut harness, &[middle + corner, middle + corner + vec2(1.0, 0.0)]);
    }
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    let wired = wait_for_labels(&mut harness, &file, |map| map.ids.contains(&4));
    assert!(wired.ids.iter().filter(|id| **id == 4).count() > 200);
}

#[test]
fn a_note_is_kept_and_an_export_says_what_to_look_at() {
    let (folder, images) = photos(&["a.jpg"]);
    let mut harness = annotating(images);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::N);
    harness.run_steps(2);
    let middle = harness.get_by_label("Photo canvas").rect().center();
    drag(&mut harness, &[middle, middle]);
    wait_for_label(&mut harness, "Text of the note");
    harness.run_steps(3);
    harness.get_by_label("Text of the note").type_text("which kerb?");
    harness.run_steps(3);
    harness.get_by_label("Save note").click();
    let state = folder.path().join("state.jsonl");
    let text = wait_for(&mut harness, "the record", |_| {
        fs::read_to_string(&state)
            .ok()
            .filter(|text| text.contains("which kerb?"))
    });
    assert!(text.contains("\"note\":{\"at\":["), "{text}");
    wait_for_label(&mut harness, "which kerb?");
    harness.key_press(Key::Num1);
    harness.key_press(Key::B);
    harness.run_steps(2);
    drag(&mut harness, &[middle, middle + vec2(80.0, 0.0)]);
    wait_for_text(&mut harness, "Saved");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    wait_for_text(&mut harness, "px have no class");
}

#[test]
fn labels_of_cvat_are_corrected_and_go_to_coco_and_yolo() {
    let (folder, images) = photos(&["a.jpg"]);
    let size = Photo::open(&images[0])
        .map(|photo| [photo.width, photo.height])
        .expect("a photo");
    let [width, height] = size;
    let file = folder.path().join("annotations.xml");
    fs::write(&file, cvat(width, height)).expect("written");
    let mut harness = annotating(images);
    wait_for_label(&mut harness, "Import labels…");
    harness.get_by_label("Import labels…").click();
    wait_for_label(&mut harness, "Path of the labels");
    harness.run_steps(2);
    harness
        .get_by_label("Path of the labels")
        .type_text(&file.display().to_string());
    harness.run_steps(3);
    harness.get_by_label("Import").click();
    let labels = folder.path().join("labels/a.png");
    let imported = wait_for_labels(&mut harness, &labels, |_| true);
    wait_for_text(&mut harness, "1 class added");
    let [road, kerb] = [imported.get(0, 0), imported.get(40, 0)].map(|id| id.expect("a pixel"));
    assert_ne!(road, kerb);
    assert_eq!(imported.ids.iter().filter(|id| **id == kerb).count(), height);
    // A stroke of another class, and the files of other programs.
    harness.key_press(Key::B);
    harness.key_press(Key::Num7);
    harness.run_steps(3);
    let middle = harness.get_by_label("Photo canvas").rect().center();
    drag(&mut harness, &[middle, middle + vec2(80.0, 0.0)]);
    let painted = wait_for_labels(&mut harness, &labels, |map| *map != imported);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    wait_for_label(&mut harness, "For another program");
    harness.get_by_label("For another program").click();
    harness.run_steps(3);
    let out = folder.path().join("images/segscope");
    for (format, title) in [
        ("coco-rle", "COCO, RLE"),
        ("labelme", "labelme, masks"),
        ("yolo", "YOLO segments"),
    ] {
        choose_format(&mut harness, title);
        if format == "yolo" {
            // It says what it loses before it writes.
            wait_for(&mut harness, "the loss", |harness| {
                let said = ["would change in YOLO segments", "YOLO segments holds every pixel"];
                said.iter()
                    .find(|text| harness.query_all_by_label_contains(text).next().is_some())
                    .map(|_| ())
            });
            assert!(!out.join("yolo").exists());
        }
        wait_until_enabled(&mut harness, "Export 1 file");
        harness.get_by_label("Export 1 file").click();
        wait_for(&mut harness, "the files", |_| out.join(format).is_dir().then_some(()));
        wait_for(&mut harness, "the sheet to close", |harness| {
            harness.query_by_label("For another program").is_none().then_some(())
        });
        let read = segscope::interchange::Format::named(format).expect("a format");
        if format != "yolo" {
            let mut reader = read.open(&out.join(format), &Default::default()).expect("a reader");
            let found = reader.read(0).expect("labels");
            assert_eq!(found.name, "a.jpg");
            let same = found.labels.ids.iter().zip(&painted.ids).filter(|(a, b)| {
                let name = reader.classes().get(**a).map(|class| class.name.clone());
                let at = segscope::datasets::classes_of("camvid").map(|set| set.label(**b));
                name == at || (name.as_deref() == Some("kerb") && **b == kerb)
            });
            assert_eq!(same.count(), painted.ids.len(), "{format}");
        }
        harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
        wait_for_label(&mut harness, "For another program");
    }
}

#[test]
fn strokes_teach_classes_that_become_labels_and_a_model() {
    let (folder, images) = photos(&["a.jpg"]);
    let mut harness = annotating(images);
    harness.key_press(Key::S);
    wait_for_label(&mut harness, "Paint a short stroke of each class");
    let canvas = harness.get_by_label("Photo canvas").rect();
    let at = |x: f32, y: f32| canvas.min + vec2(x * canvas.width(), y * canvas.height());
    harness.key_press(Key::Num1);
    harness.run_steps(2);
    drag(&mut harness, &[at(0.4, 0.2), at(0.5, 0.22)]);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag(&mut harness, &[at(0.5, 0.8), at(0.55, 0.82)]);
    wait_for_text(&mut harness, "Taught by 2 strokes");
    let strokes = folder.path().join("scribbles/images/a.jpg.json");
    let saved = segscope::teach::StrokeFile::open(&strokes).expect("a stroke file");
    assert_eq!(
        saved.strokes.iter().map(|stroke| stroke.class).collect::<Vec<_>>(),
        [0, 3]
    );
    // A stroke is taken back and made again.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    wait_for_text(&mut harness, "Taught by 1 stroke");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    wait_for_text(&mut harness, "Taught by 2 strokes");
    let labels = folder.path().join("labels/a.png");
    assert!(!labels.exists(), "strokes are no labels");
    wait_until_enabled(&mut harness, "Make labels of it");
    harness.get_by_label("Make labels of it").click();
    let map = wait_for_labels(&mut harness, &labels, |_| true);
    assert_eq!(map.counts(5)[0] + map.counts(5)[3], map.ids.len() as u64);
    assert!(map.counts(5)[0] > 0 && map.counts(5)[3] > 0);
    harness.key_press(Key::S);
    wait_until_enabled(&mut harness, "Save as a model");
    harness.get_by_label("Save as a model").click();
    wait_for_text(&mut harness, "Saved and opened as a model");
    assert!(folder.path().join("taught.safetensors").is_file());
}

/// Draws frames until a button can be clicked and stays where it is.
fn wait_until_enabled(harness: &mut Harness<App>, label: &str) {
    let before = Cell::new(None);
    wait_for(harness, label, |harness| {
        let button = harness.query_by_label(label)?;
        let place = (!button.accesskit_node().is_disabled()).then(|| button.rect());
        let settled = place.is_some() && place == before.get();
        before.set(place);
        settled.then_some(())
    });
}

/// Chooses a format in the export sheet.
fn choose_format(harness: &mut Harness<App>, title: &str) {
    harness.get_by_role_and_label(Role::ComboBox, "Format").click();
    wait_for_label(harness, title);
    harness.run_steps(2);
    let choices: Vec<_> = harness.query_all_by_label(title).collect();
    choices.last().expect("a choice").click();
    harness.run_steps(4);
}

/// Labels of CVAT for a photo of this size.
fn cvat(width: usize, height: usize) -> String {
    // The whole photo is of one class but for a column.
    let runs = format!("0, {}", width * height);
    let column: Vec<String> = (0..height).flat_map(|_| [40.to_string(), 1.to_string()]).collect();
    let thin = format!("{}, 0", column.join(", "));
    format!(
        "<annotations><meta><task><labels><label><name>road</name></label><label><name>kerb</name></label></labels></task>\
         </meta><image id=\"0\" name=\"a.jpg\" width=\"{width}\" height=\"{height}\">\
         <mask label=\"road\" rle=\"{runs}\" left=\"0\" top=\"0\" width=\"{width}\" height=\"{height}\"></mask>\
         <mask label=\"kerb\" rle=\"{thin}\" left=\"0\" top=\"0\" width=\"41\" height=\"{height}\"></mask>\
         </image></annotations>"
    )
}
