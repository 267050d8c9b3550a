//! `segscope teach`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segscope::labels::{LabelMap, LabelPng};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::*;

/// Sizes that are no multiples of a patch.
const SIZE: [u32; 2] = [190, 141];

/// Class 0 to 2 at a pixel of the rendered image: sky above, ground below, and a disc.
fn class_at(x: u32, y: u32) -> u16 {
    let [dx, dy] = [f64::from(x) - 60.0, f64::from(y) - 85.0];
    match (dx.hypot(dy) < 32.0, y < 60) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    }
}

/// Renders an image with three classes; `shift` moves it to the left.
fn render(path: &Path, shift: u32) {
    let mut state = 7u32;
    let photo = image::RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 27) as u8;
        let stripes = if (x + y) % 6 < 3 { 30 } else { 0 };
        image::Rgb(match class_at(x + shift, y) {
            0 => [120 + noise, 170 + noise, 220],
            1 => [60 + stripes, 110 + noise + stripes, 40],
            _ => [200, 60 + noise, 50 + noise],
        })
    });
    photo.save(path).expect("an image");
}

/// Strokes for each class with these ids.
fn strokes(ids: [u16; 3]) -> Value {
    let stroke = |class: u16, points: Value| json!({ "class": class, "width": 3, "points": points });
    json!({
        "picture": "photo.png", "width": SIZE[0], "height": SIZE[1], "by": "hand",
        "classes": [
            { "id": ids[0], "name": "sky", "color": "#87ceeb" },
            { "id": ids[1], "name": "ground", "color": [60, 110, 40] },
            { "id": ids[2], "name": "disc" },
        ],
        "strokes": [
            stroke(ids[0], json!([[20, 12], [170, 20]])),
            stroke(ids[1], json!([[120, 90], [170, 130]])),
            stroke(ids[1], json!([[10, 125], [60, 132]])),
            stroke(ids[2], json!([[45, 80], [70, 95]])),
            stroke(ids[0], json!([[150, 45]])),
        ],
    })
}

/// A folder with the image and its stroke file.
fn lesson(strokes: &Value) -> TempDir {
    let folder = empty_folder();
    render(&folder.path().join("photo.png"), 0);
    fs::write(folder.path().join("photo.json"), strokes.to_string()).expect("a stroke file");
    folder
}

fn teach(folder: &Path, options: &[&str]) -> Ended {
    let mut command = program();
    command.current_dir(folder).args(["teach", "--device", "cpu"]);
    run(command.args(options))
}

const USUAL: [&str; 5] = ["photo.png", "--strokes", "photo.json", "--out", "out"];

/// Runs `segscope segment` with a bundle.
fn segment_with(folder: &Path, bundle: &str, images: &[&str], out: &str) -> Ended {
    let mut command = program();
    command.current_dir(folder).arg("segment").args(images);
    run(command.args([
        "--device",
        "cpu",
        "--model",
        bundle,
        "--out",
        out,
        "--formats",
        "labels,confidence",
    ]))
}

fn is_stroked(strokes: &Value, x: u32, y: u32) -> bool {
    let points =
        |stroke: &Value| -> Vec<[f64; 2]> { serde_json::from_value(stroke["points"].clone()).expect("points") };
    let all = strokes["strokes"].as_array().expect("strokes");
    all.iter().any(|stroke| {
        let points = points(stroke);
        let ([ax, ay], [bx, by]) = (points[0], points[points.len() - 1]);
        let (dx, dy) = (bx - ax, by - ay);
        let (px, py) = (f64::from(x) - ax, f64::from(y) - ay);
        let along = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
        (px - along * dx).hypot(py - along * dy) <= 1.5
    })
}

fn rendered() -> LabelMap {
    let at = |i: u32| class_at(i % SIZE[0], i / SIZE[0]);
    LabelMap {
        width: SIZE[0] as usize,
        height: SIZE[1] as usize,
        ids: (0..SIZE[0] * SIZE[1]).map(at).collect(),
    }
}

#[test]
fn three_classes_are_taught() {
    let strokes = strokes([0, 1, 2]);
    let folder = lesson(&strokes);
    let ended = teach(folder.path(), &[&USUAL[..], &["--json", "times.json"]].concat()).expect(0);
    ended.complains_of(&["taught with 5 strokes of 3 classes on 1 images"]);
    let path = folder.path().join("out/labels/photo.png");
    let map = label_map(&path);
    let share = agreement(&map, &rendered(), 3);
    assert!(share >= 0.95, "expected the rendered classes, found {share:.4} of them");
    let confidence = label_map(&folder.path().join("out/confidence/photo.png"));
    assert_eq!([confidence.width, confidence.height], [map.width, map.height]);
    for (i, (id, confidence)) in map.ids.iter().zip(&confidence.ids).enumerate() {
        let (x, y) = (i as u32 % SIZE[0], i as u32 / SIZE[0]);
        if is_stroked(&strokes, x, y) {
            assert_eq!((*id, *confidence), (class_at(x, y), u16::MAX), "at {x}, {y}");
        }
        assert!(
            *confidence > u16::MAX / 4,
            "the best of 3 classes with {confidence} of 65535"
        );
    }
    let kind = LabelPng::of(&bytes(&path)).expect("ids");
    let palette = kind.palette.expect("a palette");
    assert_eq!(palette[..6], [0x87, 0xce, 0xeb, 60, 110, 40]);
    let times: Value = serde_json::from_slice(&bytes(&folder.path().join("times.json"))).expect("JSON");
    let of_image = &times["images"][0];
    for time in [&times["learn_ms"], &of_image["encode_ms"], &of_image["labels_ms"]] {
        assert!(time.as_f64().expect("a time") > 0.0, "{times}");
    }
    assert_eq!(of_image["size"], json!(SIZE));
}

#[test]
fn the_image_that_a_stroke_file_names_is_used_without_another() {
    let folder = lesson(&strokes([0, 1, 2]));
    let ended = teach(
        folder.path(),
        &["--strokes", "photo.json", "--out", "out", "--json", "-"],
    )
    .expect(0);
    let times: Value = serde_json::from_str(&ended.out).expect("JSON on standard output");
    assert!(
        times["images"][0]["picture"]
            .as_str()
            .expect("a path")
            .ends_with("photo.png")
    );
    teach(folder.path(), &USUAL)
        .expect(2)
        .complains_of(&["exist", "out/labels/photo.png"]);
    teach(folder.path(), &[&USUAL[..], &["--overwrite"]].concat()).expect(0);
}

#[test]
fn a_saved_bundle_says_the_same_pixel_by_pixel() {
    let folder = lesson(&strokes([0, 1, 2]));
    let path = folder.path();
    fs::create_dir(path.join("more")).expect("a folder");
    render(&path.join("more/shifted.png"), 17);
    for precision in ["auto", "f32", "bf16"] {
        // Smaller than the image and no multiple of a patch, so that it is reduced and padded.
        let how = [
            "--short-side",
            "99",
            "--edges",
            "off",
            "--apply",
            "more",
            "--save",
            "taught.safetensors",
        ];
        let where_to = ["--precision", precision, "--overwrite"];
        teach(path, &[&USUAL[..], &how, &where_to].concat()).expect(0);
        let mut command = program();
        command.current_dir(path).args([
            "segment",
            "more/shifted.png",
            "photo.png",
            "--device",
            "cpu",
            "--overwrite",
        ]);
        command.args([
            "--precision",
            precision,
            "--formats",
            "labels,confidence",
            "--out",
            "again",
        ]);
        run(command.args(["--model", "taught.safetensors"])).expect(0);
        for kind in ["labels", "confidence"] {
            let of = |out: &str, name: &str| label_map(&path.join(out).join(kind).join(name));
            let (taught, again) = (of("out", "shifted.png"), of("again", "shifted.png"));
            assert!(taught == again, "{kind} in {precision}");
            let (taught, again) = (of("out", "photo.png"), of("again", "photo.png"));
            for (i, (taught, again)) in taught.ids.iter().zip(&again.ids).enumerate() {
                let (x, y) = (i as u32 % SIZE[0], i as u32 / SIZE[0]);
                let is_stroked = is_stroked(&strokes([0, 1, 2]), x, y);
                assert!(taught == again || is_stroked, "{kind} in {precision} at {x}, {y}");
            }
        }
    }
    let about = info(&path.join("taught.safetensors"));
    for text in ["linear decoder learnt by Segscope", "short side of 99", "sky", "disc"] {
        assert!(about.out.contains(text), "expected {text} in {about}");
    }
}

#[test]
fn ids_need_not_be_contiguous() {
    let folder = lesson(&strokes([200, 3, 7]));
    let ended = teach(folder.path(), &[&USUAL[..], &["--save", "taught.safetensors"]].concat()).expect(0);
    ended.complains_of(&["the classes of the bundle", "3, 7, 200"]);
    let path = folder.path().join("out/labels/photo.png");
    let map = label_map(&path);
    let place = |id: &u16| [200, 3, 7].iter().position(|own| own == id).expect("an id of a class") as u16;
    let places = LabelMap {
        ids: map.ids.iter().map(place).collect(),
        ..map
    };
    let share = agreement(&places, &rendered(), 3);
    assert!(share >= 0.95, "expected the rendered classes, found {share:.4} of them");
    let palette = LabelPng::of(&bytes(&path))
        .and_then(|kind| kind.palette)
        .expect("a palette");
    assert_eq!(palette[600..603], [0x87, 0xce, 0xeb]);
    segment_with(folder.path(), "taught.safetensors", &["photo.png"], "again").expect(0);
    let again = label_map(&folder.path().join("again/labels/photo.png"));
    assert_eq!(again.ids.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&0, &1, &2]));
}

#[test]
fn several_images_teach_one_decoder_for_a_folder() {
    let folder = lesson(&strokes([0, 1, 2]));
    let path = folder.path();
    render(&path.join("shifted.png"), 17);
    render(&path.join("other.png"), 30);
    let mut second = strokes([0, 1, 2]);
    second["strokes"] = json!([{ "class": 2, "width": 3, "points": [[40, 90]] }]);
    fs::write(path.join("shifted.json"), second.to_string()).expect("a stroke file");
    let two = [
        "photo.png",
        "shifted.png",
        "--strokes",
        "photo.json",
        "--strokes",
        "shifted.json",
        "--out",
        "out",
    ];
    let ended = teach(path, &[&two[..], &["--apply", "."]].concat()).expect(0);
    ended.complains_of(&["taught with 6 strokes of 3 classes on 2 images"]);
    ended.complains_of(&["1 of 1 further images"]);
    let names = ["other.png", "photo.png", "shifted.png"].map(str::to_owned);
    assert_eq!(names_in(&path.join("out/labels")), BTreeSet::from(names));
    fs::write(path.join("broken.png"), "no image").expect("a file");
    let ended = teach(path, &[&two[..], &["--apply", ".", "--overwrite"]].concat()).expect(1);
    ended.complains_of(&["broken.png", "expected a PNG"]);
}

#[test]
fn the_models_own_decoder_is_corrected() {
    let mut own = strokes([0, 3, 10]);
    own["classes"] = json!([{ "id": 0 }, { "id": 3, "name": "road" }, { "id": 10 }]);
    let folder = lesson(&own);
    let path = folder.path();
    let wrong = teach(path, &[&USUAL[..], &["--correct"]].concat());
    match wrong.code {
        Some(0) => {}
        _ => wrong.complains_of(&["expected the name", "class 3", "found road"]),
    }
    own["classes"][1] = json!({ "id": 3 });
    fs::write(path.join("photo.json"), own.to_string()).expect("a stroke file");
    let with = ["--correct", "--overwrite", "--save", "corrected.safetensors"];
    teach(path, &[&USUAL[..], &with].concat()).expect(0);
    assert_eq!(
        info(&path.join("corrected.safetensors")).class_lines().len(),
        info_of_own().len()
    );
    // Without strokes it is the model's own decoder.
    own["strokes"] = json!([]);
    fs::write(path.join("photo.json"), own.to_string()).expect("a stroke file");
    teach(path, &[&USUAL[..], &with].concat()).expect(0);
    own["classes"] = json!([{ "id": 11 }]);
    fs::write(path.join("photo.json"), own.to_string()).expect("a stroke file");
    teach(path, &[&USUAL[..], &with].concat())
        .expect(2)
        .complains_of(&["expected class ids of the model, 0 to 10, found 11"]);
}

/// The lines about classes of the embedded model.
fn info_of_own() -> Vec<String> {
    let own = run(program().arg("info")).expect(0);
    own.class_lines().iter().map(|line| (*line).to_owned()).collect()
}

/// Changes the strokes, and asserts that teaching fails with these texts.
fn refuses(change: impl FnOnce(&mut Value), texts: &[&str]) {
    let mut strokes = strokes([0, 1, 2]);
    change(&mut strokes);
    let folder = lesson(&strokes);
    teach(folder.path(), &USUAL).expect(2).complains_of(texts);
    assert!(!folder.path().join("out").exists(), "nothing is written");
}

#[test]
fn strokes_that_teach_nothing_are_refused() {
    let far = |strokes: &mut Value| {
        for stroke in strokes["strokes"].as_array_mut().expect("strokes") {
            stroke["points"] = json!([[500, 500]]);
        }
    };
    refuses(far, &["at least one stroke inside", "photo.json"]);
    refuses(
        |strokes| strokes["strokes"] = json!([]),
        &["at least one stroke", "photo.json"],
    );
    let one_class = |strokes: &mut Value| {
        for stroke in strokes["strokes"].as_array_mut().expect("strokes") {
            stroke["class"] = json!(1);
        }
    };
    refuses(one_class, &["at least two classes", "photo.json"]);
    let unknown = |strokes: &mut Value| strokes["strokes"][1]["class"] = json!(5);
    refuses(unknown, &["a listed class for stroke 2, found class 5", "photo.json"]);
    refuses(
        |strokes| strokes["width"] = json!(191),
        &["191 x 141", "found 190 x 141", "photo.png"],
    );
    refuses(
        |strokes| *strokes = json!([1]),
        &["expected a stroke file", "photo.json"],
    );
}

#[test]
fn a_stroke_outside_is_left_out() {
    let mut strokes = strokes([0, 1, 2]);
    strokes["strokes"][1]["points"] = json!([[500, 500], [600, 600]]);
    let folder = lesson(&strokes);
    let ended = teach(folder.path(), &USUAL).expect(0);
    ended.complains_of(&["found 1 of 5 outside", "photo.json"]);
}

#[test]
fn files_that_are_missing_or_in_the_way_are_named() {
    let folder = lesson(&strokes([0, 1, 2]));
    let path = folder.path();
    let fails = |options: &[&str], texts: &[&str]| teach(path, options).expect(2).complains_of(texts);
    fails(&["photo.png", "--strokes", "no.json", "--out", "out"], &["no.json"]);
    fails(&["no.png", "--strokes", "photo.json", "--out", "out"], &["no.png"]);
    fails(
        &["photo.png", "photo.png", "--strokes", "photo.json", "--out", "out"],
        &["expected a stroke file for each image, found 1 for 2"],
    );
    fails(
        &[&USUAL[..], &["--save", "taught.pth"]].concat(),
        &["ends in .safetensors", "taught.pth"],
    );
    fails(
        &[&USUAL[..], &["--short-side", "32"]].concat(),
        &["short-side: expected 64 to 768"],
    );
    fails(&[&USUAL[..], &["--apply", "none"]].concat(), &["none"]);
    let mut moved = strokes([0, 1, 2]);
    moved["picture"] = json!("elsewhere/photo.png");
    fs::write(path.join("moved.json"), moved.to_string()).expect("a stroke file");
    fails(
        &["--strokes", "moved.json", "--out", "out"],
        &["elsewhere/photo.png", "moved.json"],
    );
    let missing: PathBuf = path.join("out");
    assert!(!missing.exists(), "nothing is written");
}
