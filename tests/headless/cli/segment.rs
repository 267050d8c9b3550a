//! `segscope segment`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segscope::labels::LabelMap;
use serde_json::Value;

use super::program::*;

#[test]
fn every_format_of_the_sample_image_is_written() {
    let folder = empty_folder();
    let out = folder.path();
    segment(
        &[&sample()],
        out,
        &["--formats", "labels,color,overlay,classes,confidence"],
    )
    .expect(0);
    let photo = image(&sample());
    let size = [photo.width, photo.height];

    let map = label_map(&out.join("labels/street.png"));
    assert_eq!([map.width, map.height], size, "size of the label map");

    let list: Value = serde_json::from_slice(&bytes(&out.join("classes.json"))).expect("classes.json is JSON");
    let classes = list["classes"].as_array().expect("classes.json has a list of classes");
    assert_eq!(classes.len(), usize::from(CLASSES), "classes in classes.json");
    let colors: Vec<Value> = classes.iter().map(|class| class["color"].clone()).collect();
    let color = image(&out.join("color/street.png"));
    assert_eq!([color.width, color.height], size, "size of the colour map");
    let pixels = map.ids.iter().zip(color.rgb.as_chunks::<3>().0);
    let seen: BTreeSet<(u16, [u8; 3])> = pixels.map(|(id, rgb)| (*id, *rgb)).collect();
    for (id, rgb) in seen {
        let expected = colors.get(usize::from(id));
        assert_eq!(expected, Some(&serde_json::json!(rgb)), "colour of class {id}");
    }

    let overlay = image(&out.join("overlay/street.png"));
    assert_eq!([overlay.width, overlay.height], size, "size of the overlay");

    let confidence = label_map(&out.join("confidence/street.png"));
    assert_eq!(
        [confidence.width, confidence.height],
        size,
        "size of the confidence map"
    );
    // The best of 11 classes has a probability of at least 1/11.
    let least = confidence.ids.iter().min().copied().unwrap_or(0);
    assert!(
        least > u16::MAX / (CLASSES + 1),
        "a best class with the probability {least} of 65535"
    );

    let masks = names_in(&out.join("classes/street"));
    let present: BTreeSet<u16> = map.ids.iter().copied().collect();
    assert_eq!(
        masks.len(),
        present.len(),
        "expected one mask for each of {present:?}, found {masks:?}"
    );
    for id in present {
        let start = format!("{id:03}-");
        let name = masks.iter().find(|name| name.starts_with(&start));
        let name = name.unwrap_or_else(|| panic!("no mask of class {id} in {masks:?}"));
        let mask = label_map(&out.join("classes/street").join(name));
        let same = mask.ids.iter().map(|v| *v != 0).eq(map.ids.iter().map(|i| *i == id));
        assert!(same, "{name} differs from the pixels with {id} in the label map");
    }
}

/// Asserts that labels of the sample are as correct as can be expected after any training.
fn assert_good(map: &LabelMap) {
    let share = agreement_with_the_sample(map);
    println!("agreement with the rendered labels: {share:.4}");
    assert!(
        share >= 0.8,
        "expected the rendered labels in 80 % of the pixels, found {share:.4}"
    );
}

#[test]
fn the_embedded_model_segments_the_sample_correctly() {
    let folder = empty_folder();
    segment_with_embedded_model(&[&sample()], folder.path(), &["--formats", "labels"]).expect(0);
    assert_good(&label_map(&folder.path().join("labels/street.png")));
}

#[test]
fn damaged_images_in_a_folder_are_reported_and_the_others_segmented() {
    let folder = empty_folder();
    let (images, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&images).unwrap();
    fs::copy(sample(), images.join("good.jpg")).unwrap();
    let whole = bytes(&in_repository("assets/samples/street-labels.png"));
    fs::write(images.join("broken.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(images.join("notes.png"), "no image at all\n").unwrap();
    fs::write(images.join("readme.txt"), "not even the name of an image\n").unwrap();

    let ended = segment(&[&images], &out, &["--formats", "labels"]).expect(1);
    ended.complains_of(&["broken.png", "damaged"]);
    ended.complains_of(&["notes.png", "expected a PNG"]);
    ended.complains_of(&["2 of 3 images failed"]);
    ended.never_mentions("good.jpg");
    ended.never_mentions("readme.txt");
    assert_eq!(names_in(&out.join("labels")), BTreeSet::from(["good.png".to_owned()]));
}

#[test]
fn a_missing_image_is_reported_and_the_next_one_segmented() {
    let folder = empty_folder();
    let missing = folder.path().join("missing.jpg");
    let ended = segment(&[&missing, &sample()], folder.path(), &["--formats", "labels"]).expect(1);
    ended.complains_of(&["missing.jpg", "cannot read the image"]);
    assert_eq!(
        names_in(&folder.path().join("labels")),
        BTreeSet::from(["street.png".to_owned()])
    );
}

/// An image as written by a 12-bit camera.
#[test]
fn an_image_with_few_bits_is_reported_and_stretched_on_request() {
    let folder = empty_folder();
    let path = folder.path().join("camera.png");
    let values = (0..64 * 48 * 3).map(|i| (i * 5 % 4096) as u16).collect();
    let camera = image::ImageBuffer::<image::Rgb<u16>, Vec<u16>>::from_raw(64, 48, values).expect("an image");
    image::DynamicImage::ImageRgb16(camera).save(&path).expect("room");
    let [dark, bright] = ["dark", "bright"].map(|name| folder.path().join(name));
    segment(&[&path], &dark, &["--formats", "overlay", "--opacity", "0"])
        .expect(0)
        .complains_of(&["lowest 12 of its 16 bits", "--stretch", "camera.png"]);
    segment(
        &[&path],
        &bright,
        &["--formats", "overlay", "--opacity", "0", "--stretch"],
    )
    .expect(0)
    .complains_of(&["0 to 4095", "camera.png"]);
    let brightest = |out: &Path| image(&out.join("overlay/camera.png")).rgb.into_iter().max();
    assert_eq!((brightest(&dark), brightest(&bright)), (Some(16), Some(255)));
}

#[test]
fn a_folder_without_images_is_a_usage_error() {
    let folder = empty_folder();
    let images = folder.path().join("none");
    fs::create_dir(&images).unwrap();
    let ended = segment(&[&images], &folder.path().join("out"), &[]).expect(2);
    ended.complains_of(&["expected images in the folder", "none"]);
}

#[test]
fn existing_files_are_overwritten_only_on_request() {
    let folder = empty_folder();
    let out = folder.path();
    let (labels, color) = (out.join("labels/street.png"), out.join("color/street.png"));
    fs::create_dir(out.join("labels")).unwrap();
    fs::write(&labels, "existing content").unwrap();

    let ended = segment(&[&sample()], out, &["--formats", "labels,color"]).expect(1);
    ended.complains_of(&["street.jpg", "expected a new file, found an existing one"]);
    assert_eq!(bytes(&labels), b"existing content", "the existing file: {ended}");
    assert!(!color.exists(), "a partial export was written: {ended}");

    segment(&[&sample()], out, &["--formats", "labels,color", "--overwrite"]).expect(0);
    let photo = image(&sample());
    let map = label_map(&labels);
    assert_eq!([map.width, map.height], [photo.width, photo.height]);
    assert!(color.exists(), "the colour map is missing");
}

#[test]
fn json_has_an_object_with_timings_for_each_image() {
    let folder = empty_folder();
    let again = folder.path().join("again.jpg");
    let broken = folder.path().join("broken.jpg");
    fs::copy(sample(), &again).unwrap();
    fs::write(&broken, "no image").unwrap();
    let images = [sample(), broken, again];
    let paths: Vec<&Path> = images.iter().map(PathBuf::as_path).collect();
    let ended = segment(
        &paths,
        &folder.path().join("out"),
        &["--json", "--formats", "labels,color"],
    );
    let ended = ended.expect(1);
    let objects = ended.objects();
    assert_eq!(objects.len(), 3, "objects on stdout of {ended}");
    for (object, path) in objects.iter().zip(&paths) {
        assert_eq!(
            object["picture"].as_str(),
            path.to_str(),
            "order of the images: {ended}"
        );
    }
    assert!(
        objects[1]["error"].is_string(),
        "expected an error for the broken image: {ended}"
    );
    for object in [&objects[0], &objects[2]] {
        let [encode, decode, labels, total] = ["encode_ms", "decode_ms", "labels_ms", "total_ms"].map(|key| {
            let time = object[key].as_f64();
            time.unwrap_or_else(|| panic!("no number {key} in {object}"))
        });
        assert!(
            encode > 0.0 && decode > 0.0 && labels > 0.0,
            "a stage without time: {object}"
        );
        // Each of the four times is rounded to hundredths.
        assert!(
            (encode + decode + labels - total).abs() < 0.025,
            "the total is not the sum: {object}"
        );
        let written: Vec<&str> = object["written"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(
            written.len(),
            3,
            "expected a label map, a colour map and a class list: {object}"
        );
        for path in written {
            assert!(
                Path::new(path).is_file(),
                "{path} is reported as written but does not exist"
            );
        }
    }
}

#[test]
fn a_file_that_is_not_a_model_is_a_usage_error() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let text = folder.path().join("model.pth");
    fs::write(&text, "no model at all").unwrap();
    for model in [folder.path().join("missing.safetensors"), text] {
        let ended = segment(&[&sample()], &out, &["--model", &model.display().to_string()]).expect(2);
        ended.complains_of(&["segscope: ", &model.display().to_string()]);
        assert_eq!(ended.err.lines().count(), 1, "expected one sentence on stderr: {ended}");
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn an_out_of_range_setting_is_named() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let cases = [
        ("--window", "8", "window"),
        ("--stride", "0", "stride"),
        ("--scales", "99", "scales"),
        ("--scales", "1,nan", "scales"),
        ("--short-side", "1", "short side"),
    ];
    for (option, value, named) in cases {
        let ended = segment(&[&sample()], &out, &[option, value]).expect(2);
        ended.complains_of(&[&format!("segscope: {named}: expected")]);
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn scales_and_flips_are_averaged() {
    let folder = empty_folder();
    let (plain, averaged) = (folder.path().join("plain"), folder.path().join("averaged"));
    // Not the fixture model: it predicts by position, so it would not reveal a result that was not flipped back.
    segment_with_embedded_model(&[&sample()], &plain, &["--formats", "labels"]).expect(0);
    segment_with_embedded_model(
        &[&sample()],
        &averaged,
        &["--formats", "labels", "--scales", "0.75,1", "--flip"],
    )
    .expect(0);
    let [plain, averaged] = [plain, averaged].map(|out| label_map(&out.join("labels/street.png")));
    assert_good(&averaged);
    // The additional passes have other input pixels, so some labels at class boundaries must differ.
    assert!(plain != averaged, "scales and flip changed nothing");
}

#[test]
fn another_class_set_names_the_classes_of_the_files() {
    let folder = empty_folder();
    let named = |set: &str, options: &[&str]| {
        let out = folder.path().join(set);
        segment(
            &[&sample()],
            &out,
            &[&["--formats", "labels", "--set", set], options].concat(),
        )
        .expect(0);
        let list: Value = serde_json::from_slice(&bytes(&out.join("classes.json"))).expect("JSON");
        (label_map(&out.join("labels/street.png")), list)
    };
    let (plain, camvid) = named("camvid", &[]);
    let (same, numbered) = named("numbered", &[]);
    assert_eq!(camvid["classes"][3]["name"], "road");
    assert_eq!(numbered["classes"][3]["name"], "class 3");
    assert_ne!(camvid["classes"][3]["color"], numbered["classes"][3]["color"]);
    assert!(plain == same, "other class names change no label");
}

#[test]
fn the_error_for_a_class_set_of_another_size_lists_those_that_fit() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    for set in ["cityscapes", "pascal_context_59", "roads"] {
        let ended = segment(&[&sample()], &out, &["--set", set]).expect(2);
        ended.complains_of(&["segscope: set: expected", "11 classes", "(camvid, numbered)", set]);
        assert!(!out.exists(), "something was written: {ended}");
    }
}

#[test]
fn flags_for_small_images_and_normalisation_are_applied() {
    let folder = empty_folder();
    let small = folder.path().join("small.png");
    let street = image::open(sample()).expect("the sample").thumbnail_exact(160, 120);
    street.save(&small).expect("an image");
    let labels = |name: &str, options: &[&str]| {
        let out = folder.path().join(name);
        segment(&[&small], &out, &[&["--formats", "labels"], options].concat()).expect(0);
        label_map(&out.join("labels/small.png"))
    };
    let plain = labels("plain", &[]);
    assert!(labels("enlarged", &["--rules", "enlarge"]) == plain);
    assert!(labels("half", &["--normalisation", "0.5"]) == plain);
    assert!(
        labels("shrunk", &["--rules", "shrink"]) != plain,
        "a smaller window of 160 x 120 changes labels"
    );
    assert!(labels("imagenet", &["--normalisation", "imagenet"]) != plain);
}
