//! `segscope models`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::repository::in_repository;

fn models(folder: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segscope"));
    command.arg("models").arg("--folder").arg(folder).args(options);
    command.output().expect("the program runs")
}

/// The output of a successful call.
fn printed(folder: &Path, options: &[&str]) -> String {
    let output = models(folder, options);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn golden(case: &str) -> PathBuf {
    in_repository("tests/golden").join(case)
}

#[test]
fn the_table_lists_released_models_and_their_links() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("not yet there");
    let text = printed(&at, &[]);
    let line = |start: &str| {
        let found = text.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("no line {start:?} in {text}"))
    };
    let tiny: Vec<&str> = line("1  Seg-T-Mask/16")
        .split("  ")
        .filter(|cell| !cell.is_empty())
        .map(str::trim)
        .collect();
    assert_eq!(
        tiny,
        [
            "1",
            "Seg-T-Mask/16",
            "ADE20K",
            "38.1 / 38.8",
            "6.9 M",
            "27.7 MB",
            "512",
            "-"
        ]
    );
    assert!(
        text.contains("SETR-PUP-L/16") && text.contains("Pascal Context"),
        "{text}"
    );
    let links = text.lines().filter(|line| line.contains("  https://")).count();
    assert_eq!(links, 37);
    assert!(line("Segscope downloads nothing").ends_with(&at.display().to_string()));
    assert!(!at.exists(), "listing must not create the folder");
}

#[test]
fn columns_are_aligned_with_their_headings() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = printed(folder.path(), &[]);
    let table: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    let heading = table[0];
    let (data_set, size) = (
        heading.find("data set").expect("a column"),
        heading.find("size").expect("a column") + 4,
    );
    let mut rows = 0;
    for row in table
        .iter()
        .skip(1)
        .filter(|row| row.contains("/16") || row.contains("/8"))
    {
        let cell = &row[data_set..];
        assert!(
            ["ADE20K", "Cityscapes", "Pascal Context"]
                .iter()
                .any(|name| cell.starts_with(name)),
            "{row}"
        );
        assert!(row[..size].ends_with("MB") || row[..size].ends_with('-'), "{row}");
        rows += 1;
    }
    assert_eq!(rows, 37);
}

#[test]
fn models_in_the_folder_are_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    for name in ["checkpoint.pth", "variant.yml"] {
        fs::copy(golden("rstrudel-mask-p16").join(name), own.join(name)).expect("a copy");
    }
    fs::write(folder.path().join("broken.pth"), "no model").expect("a file");
    let text = printed(folder.path(), &[]);
    assert!(text.contains("own  Seg-64x3-Mask/16"), "{text}");
    assert!(
        text.contains("Not recognised as models:") && text.contains("broken.pth"),
        "{text}"
    );

    let object: Value = serde_json::from_str(&printed(folder.path(), &["--json"])).expect("one object");
    assert_eq!(object["folder"].as_str(), folder.path().to_str());
    let released = object["released"].as_array().expect("a list");
    assert_eq!(released.len(), 37);
    let tiny = &released[0];
    assert_eq!(tiny["name"], "Seg-T-Mask/16");
    assert_eq!(tiny["miou"], 38.1);
    assert_eq!(tiny["parameters"], 6_906_388);
    assert_eq!(
        (&tiny["megabytes"], &tiny["megabytes_estimated"]),
        (&27.7.into(), &false.into())
    );
    assert_eq!(tiny["present"], Value::Array(Vec::new()));
    assert_eq!(object["others"][0]["path"].as_str(), own.to_str());
    let broken = folder.path().join("broken.pth");
    assert_eq!(object["unrecognised"][0]["path"].as_str(), broken.to_str());
}

#[test]
fn a_file_in_place_of_the_folder_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("models");
    fs::write(&file, "").expect("a file");
    let output = models(&file, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        complaint.trim_end().ends_with(&file.display().to_string()),
        "{complaint}"
    );
}
