//! `segscope evaluate`.

use segscope::engine::Output;
use serde_json::Value;

use super::program::*;
use crate::bundles::fixture;

/// A folder with images and label maps, which are copies of the sample with these names.
fn data(names: &[&str]) -> tempfile::TempDir {
    let folder = empty_folder();
    for (below, file, ending) in [
        ("images", sample(), "jpg"),
        ("labels", in_repository("assets/samples/street-labels.png"), "png"),
    ] {
        let below = folder.path().join(below);
        std::fs::create_dir(&below).expect("a folder");
        for name in names {
            std::fs::copy(&file, below.join(format!("{name}.{ending}"))).expect("a copy");
        }
    }
    folder
}

fn evaluate(folder: &std::path::Path, options: &[&str]) -> Ended {
    let mut call = program();
    match options.contains(&"--images") {
        true => with_small_model(&mut call, "evaluate"),
        false => call.arg("evaluate"),
    };
    call.arg("--labels").arg(folder.join("labels"));
    run(call.current_dir(folder).args(["--device", "cpu"]).args(options))
}

#[test]
fn scores_of_a_model_are_written_in_every_format() {
    let folder = data(&["a", "b"]);
    let options = [
        "--images", "images", "--json", "s.json", "--csv", "s.csv", "--html", "s.html",
    ];
    evaluate(folder.path(), &options).expect(0);
    let scores: Value = serde_json::from_slice(&bytes(&folder.path().join("s.json"))).expect("JSON");
    let summary = &scores["summary"];
    let accuracy = summary["aAcc"].as_f64().expect("a number");
    assert!((0.1..0.9).contains(&accuracy), "{accuracy}");
    assert_eq!(summary["pictures"], 2);
    assert_eq!(summary["complete"], true);
    let csv = String::from_utf8(bytes(&folder.path().join("s.csv"))).expect("text");
    assert_eq!(csv.lines().count(), 12);
    assert!(csv.contains("\nroad,0."), "{csv}");
    let page = String::from_utf8(bytes(&folder.path().join("s.html"))).expect("text");
    let model = fixture::spec().output_title(Output::main(0));
    assert!(page.contains(&model) && page.contains("<td>bicyclist</td>"));
    // The same call does not overwrite the file.
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["--overwrite"]);
}

#[test]
fn an_unfinished_evaluation_is_resumed() {
    let folder = data(&["a", "b", "c"]);
    let options = ["--images", "images", "--json", "s.json"];
    evaluate(folder.path(), &options).expect(0);
    let file = folder.path().join("s.json");
    let whole: Value = serde_json::from_slice(&bytes(&file)).expect("JSON");
    // The state after one of the three images, which are all equal.
    let mut part = whole.clone();
    let images = part["scores"]["pictures"].as_array_mut().expect("a list of images");
    images.truncate(1);
    for count in part["scores"]["confusion"]["counts"].as_array_mut().expect("counts") {
        *count = (count.as_u64().expect("a count") / 3).into();
    }
    let unlabelled = &mut part["scores"]["confusion"]["unlabelled"];
    *unlabelled = (unlabelled.as_u64().expect("a count") / 3).into();
    part["scores"]["labelled"] = 1.into();
    for sum in part["scores"]["boundary"].as_array_mut().expect("sums") {
        *sum = (sum.as_f64().expect("a sum") / 3.0).into();
    }
    std::fs::write(&file, part.to_string()).expect("a file");
    evaluate(folder.path(), &options)
        .expect(0)
        .complains_of(&["resuming after 1 images"]);
    let again: Value = serde_json::from_slice(&bytes(&file)).expect("JSON");
    assert_eq!(again["scores"]["confusion"], whole["scores"]["confusion"]);
    assert_eq!(again["summary"]["mIoU"], whole["summary"]["mIoU"]);
    assert_eq!(again["summary"]["boundary"], whole["summary"]["boundary"]);
    // An evaluation of other images is not resumed.
    part["scores"]["pictures"][0]["name"] = "z".into();
    std::fs::write(&file, part.to_string()).expect("a file");
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["unfinished evaluation of the same model"]);
    part["scores"]["pictures"][0]["name"] = "a".into();
    // One of another model is not resumed either.
    std::fs::write(&file, part.to_string()).expect("a file");
    evaluate(folder.path(), &[&options[..], &["--flip"]].concat())
        .expect(2)
        .complains_of(&["unfinished evaluation of the same model"]);
}

#[test]
fn predictions_are_scored_without_a_model() {
    let folder = data(&["a"]);
    let options = ["--predictions", "labels", "--set", "camvid"];
    let said = evaluate(folder.path(), &options).expect(0);
    assert!(
        said.out
            .contains("mIoU 100.00 over 11 of 11 classes  mean accuracy 100.00"),
        "{said}"
    );
    evaluate(folder.path(), &options[..2])
        .expect(2)
        .complains_of(&["--set"]);
}

#[test]
fn mismatched_inputs_are_refused() {
    let folder = data(&["a", "b"]);
    let labels = folder.path().join("labels");
    let images = ["--images", "images"];
    std::fs::remove_file(labels.join("b.png")).expect("a file");
    evaluate(folder.path(), &images)
        .expect(2)
        .complains_of(&["label map (.png) of the same name", "b"]);
    std::fs::copy(in_repository("assets/screenshots/main.png"), labels.join("b.png")).expect("a copy");
    evaluate(folder.path(), &images).expect(2).complains_of(&["b.png"]);
    std::fs::copy(labels.join("a.png"), labels.join("b.png")).expect("a copy");
    // The void id is invalid unless it is ignored.
    evaluate(folder.path(), &[&images[..], &["--ignore", "99"]].concat())
        .expect(2)
        .complains_of(&["expected ids of 11 classes", "found 11", "--ignore"]);
}

#[test]
fn a_custom_class_set_defines_classes_and_ignored_ids() {
    let folder = data(&["a"]);
    let set = |ignored: u16, count: usize| {
        let classes = (0..count).map(|i| format!("[[classes]]\nname = \"kind {i}\"\n"));
        format!("name = \"mine\"\nignore = [{ignored}]\n{}", classes.collect::<String>())
    };
    let write = |text: String| std::fs::write(folder.path().join("mine.toml"), text).expect("a file");
    let options = [
        "--images",
        "images",
        "--set",
        "mine.toml",
        "--csv",
        "s.csv",
        "--overwrite",
    ];
    write(set(11, 11));
    evaluate(folder.path(), &options).expect(0);
    let csv = String::from_utf8(bytes(&folder.path().join("s.csv"))).expect("text");
    assert!(csv.contains("\nkind 3,0."), "{csv}");
    // The label map has the void id, which this set does not ignore.
    write(set(200, 11));
    evaluate(folder.path(), &options).expect(2).complains_of(&["found 11"]);
    write(set(11, 5));
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["expected 11 classes, as the model has, found 5 in the file"]);
    write("nothing".into());
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["expected a class set", "mine.toml"]);
}

/// Writes an 8-bit grey PNG of one row.
fn grey(path: &std::path::Path, ids: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    image::save_buffer(path, ids, ids.len() as u32, 1, image::ExtendedColorType::L8).expect("a label map");
}

/// Scores predictions in `p` with the ground truth in `labels`.
fn scored(prediction: &[u8], (name, truth): (&str, &[u8]), options: &[&str]) -> Ended {
    let folder = empty_folder();
    grey(&folder.path().join("p/x_leftImg8bit.png"), prediction);
    grey(&folder.path().join("labels").join(name), truth);
    evaluate(folder.path(), &[&["--predictions", "p"], options].concat())
}

#[test]
fn findings_about_the_ground_truth_are_reported() {
    let truth = ("x.png", &[0, 0, 0, 255][..]);
    let said = scored(&[0, 0, 0, 1], truth, &["--set", "camvid"]).expect(0);
    said.complains_of(&["1 of 11 classes occur", "25.0 % of the pixels are ignored"]);
    said.complains_of(&["only the ids 0 and 255 occur", "--read-id 255=1"]);
    assert!(said.out.contains("mIoU 100.00 over 1 of 11 classes"), "{said}");
    let said = scored(&[0, 0, 1, 1], truth, &["--set", "camvid", "--read-id", "255=1"]).expect(0);
    // IoU of class 0: two of three; of class 1: one of two.
    assert!(said.out.contains("mIoU 58.33 over 2 of 11 classes"), "{said}");
    scored(&[0; 4], ("x.png", &[255; 4]), &["--set", "camvid"])
        .expect(2)
        .complains_of(&["expected labelled pixels in the ground truth, found none", "--ignore"]);
}

#[test]
fn predictions_with_other_ids_are_reported_with_advice() {
    let truth = ("x_gtFine_labelIds.png", &[7, 26, 23, 0][..]);
    let city = ["--set", "cityscapes"];
    let said = scored(&[7, 26, 23, 7], truth, &city).expect(0);
    said.complains_of(&["2 pixels of 1 prediction", "19 classes", "--predictions-label-ids"]);
    let by_label_id = scored(
        &[7, 26, 23, 7],
        truth,
        &[&city[..], &["--predictions-label-ids"]].concat(),
    );
    assert!(by_label_id.expect(0).out.contains("mIoU 100.00 over 3 of 19"));
    // The name does not indicate the kind of ids, so the ids decide.
    let said = scored(&[0, 13, 10, 0], ("x.png", &[7, 26, 23, 0]), &city).expect(0);
    said.complains_of(&["1 of 1 label maps are read as label ids"]);
    assert!(said.out.contains("mIoU 100.00 over 3 of 19"), "{said}");
    // Predictions that count from 1, as ADE20K's server accepts them.
    let ade = ["--set", "ade20k"];
    let said = scored(&[1, 2, 150, 7], ("x.png", &[1, 2, 150, 0]), &ade).expect(0);
    said.complains_of(&["ids of the predictions were one more", "--predictions-zero-is-ignored"]);
    let shifted = scored(
        &[1, 2, 150, 7],
        ("x.png", &[1, 2, 150, 0]),
        &[&ade[..], &["--predictions-zero-is-ignored"]].concat(),
    );
    assert!(shifted.expect(0).out.contains("mIoU 100.00 over 3 of 150"));
    let numbered = scored(&[0, 1, 2, 2], ("x.png", &[0, 1, 2, 255]), &["--set", "numbered"]);
    assert!(numbered.expect(0).out.contains("mIoU 100.00 over 3 of 3"));
}

#[test]
fn an_evaluation_is_not_resumed_with_other_label_maps() {
    let folder = data(&["a", "b"]);
    let options = ["--images", "images", "--json", "s.json"];
    evaluate(folder.path(), &options).expect(0);
    let file = folder.path().join("s.json");
    let mut part: Value = serde_json::from_slice(&bytes(&file)).expect("JSON");
    part["scores"]["pictures"]
        .as_array_mut()
        .expect("a list of images")
        .truncate(1);
    std::fs::write(&file, part.to_string()).expect("a file");
    let label = folder.path().join("labels/b.png");
    let map = label_map(&label);
    let ids = vec![3u8; map.width * map.height];
    let (width, height) = (map.width as u32, map.height as u32);
    image::save_buffer(&label, &ids, width, height, image::ExtendedColorType::L8).expect("a label map");
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["unfinished evaluation of the same model"]);
}

#[test]
fn pairs_are_read_from_lists_and_given_name_rules() {
    let folder = empty_folder();
    let path = |name: &str| folder.path().join(name);
    grey(&path("p/a.png"), &[0, 1]);
    grey(&path("labels/a_first.png"), &[0, 0]);
    grey(&path("labels/a_second.png"), &[0, 1]);
    let camvid = ["--predictions", "p", "--set", "camvid"];
    evaluate(folder.path(), &camvid)
        .expect(2)
        .complains_of(&["two that fit 1", "--label-name"]);
    let said = evaluate(
        folder.path(),
        &[&camvid[..], &["--label-name", "{stem}_second.png"]].concat(),
    );
    assert!(said.expect(0).out.contains("mIoU 100.00 over 2 of 11"));
    std::fs::write(path("list.csv"), "p/a.png,labels/a_second.png\n").expect("a list");
    let mut call = program();
    call.args([
        "evaluate",
        "--list",
        "list.csv",
        "--predictions",
        "-",
        "--set",
        "camvid",
    ]);
    let said = run(call.current_dir(folder.path()));
    assert!(said.expect(0).out.contains("mIoU 100.00 over 2 of 11"));
}
