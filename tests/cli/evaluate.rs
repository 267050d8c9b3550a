//! `segscope evaluate`.

use serde_json::Value;

use crate::program::*;

/// A folder of pictures and one of label maps: the sample under some names.
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
    call.arg("evaluate").arg("--labels").arg(folder.join("labels"));
    run(call.current_dir(folder).args(["--device", "cpu"]).args(options))
}

#[test]
fn a_model_is_scored_and_told_in_every_format() {
    let folder = data(&["a", "b"]);
    let options = [
        "--images", "images", "--json", "s.json", "--csv", "s.csv", "--html", "s.html",
    ];
    evaluate(folder.path(), &options).expect(0);
    let scores: Value = serde_json::from_slice(&bytes(&folder.path().join("s.json"))).expect("JSON");
    let summary = &scores["summary"];
    let accuracy = summary["aAcc"].as_f64().expect("a number");
    assert!((0.85..0.97).contains(&accuracy), "{accuracy}");
    assert_eq!(summary["pictures"], 2);
    assert_eq!(summary["complete"], true);
    let csv = String::from_utf8(bytes(&folder.path().join("s.csv"))).expect("text");
    assert_eq!(csv.lines().count(), 12);
    assert!(csv.contains("\nroad,0."), "{csv}");
    let page = String::from_utf8(bytes(&folder.path().join("s.html"))).expect("text");
    assert!(page.contains("Seg-T-Mask/16") && page.contains("<td>bicyclist</td>"));
    // Nothing is lost by the same call again.
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["--overwrite"]);
}

#[test]
fn an_unfinished_evaluation_is_gone_on_from() {
    let folder = data(&["a", "b", "c"]);
    let options = ["--images", "images", "--json", "s.json"];
    evaluate(folder.path(), &options).expect(0);
    let file = folder.path().join("s.json");
    let whole: Value = serde_json::from_slice(&bytes(&file)).expect("JSON");
    // As it would be after one of the three pictures, which are all alike.
    let mut part = whole.clone();
    let pictures = part["scores"]["pictures"].as_array_mut().expect("pictures");
    pictures.truncate(1);
    for count in part["scores"]["confusion"]["counts"].as_array_mut().expect("counts") {
        *count = (count.as_u64().expect("a count") / 3).into();
    }
    part["scores"]["labelled"] = 1.into();
    for sum in part["scores"]["boundary"].as_array_mut().expect("sums") {
        *sum = (sum.as_f64().expect("a sum") / 3.0).into();
    }
    std::fs::write(&file, part.to_string()).expect("a file");
    evaluate(folder.path(), &options)
        .expect(0)
        .complains_of(&["going on after 1 pictures"]);
    let again: Value = serde_json::from_slice(&bytes(&file)).expect("JSON");
    assert_eq!(again["scores"]["confusion"], whole["scores"]["confusion"]);
    assert_eq!(again["summary"]["mIoU"], whole["summary"]["mIoU"]);
    assert_eq!(again["summary"]["boundary"], whole["summary"]["boundary"]);
    // Of other pictures it is not.
    part["scores"]["pictures"][0]["name"] = "z".into();
    std::fs::write(&file, part.to_string()).expect("a file");
    evaluate(folder.path(), &options)
        .expect(2)
        .complains_of(&["unfinished evaluation of the same model"]);
    part["scores"]["pictures"][0]["name"] = "a".into();
    // Nor of another model.
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
fn what_does_not_fit_is_refused() {
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
    // With no id ignored, void is a wrong one.
    evaluate(folder.path(), &[&images[..], &["--ignore", "99"]].concat())
        .expect(2)
        .complains_of(&["expected ids of 11 classes", "found 11", "--ignore"]);
}

#[test]
fn a_class_set_of_ones_own_names_classes_and_ignored_ids() {
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
    assert!(csv.contains("\nkind 3,0.9"), "{csv}");
    // The label map has void, which this set does not ignore.
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
