//! The export dialog, and the message after an export.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::labels::LabelMap;

use crate::harness::{street, wait_for, window_with};

#[test]
fn export_lists_its_files_and_asks_before_overwriting() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = street(folder.path(), "street.jpg");
    let mut harness = window_with(vec![image]);

    harness.get_by_label("Export…").click();
    wait_for(&mut harness, "the list of files", |h| {
        h.query_by_label_contains("4 files will be written").map(drop)
    });
    harness.get_by_label("Export 4 files").click();
    let labels = folder.path().join("segscope/labels/street.png");
    wait_for(&mut harness, "the files", |_| labels.is_file().then_some(()));
    wait_for(&mut harness, "the message", |h| {
        h.query_by_label_contains("4 files saved to").map(drop)
    });
    assert!(harness.query_by_label("Show in folder").is_some());
    let map = LabelMap::from_png(&std::fs::read(&labels).expect("a file")).expect("a label map");
    assert_eq!((map.width, map.height), (1280, 960));

    std::fs::write(&labels, "precious").expect("a changed file");
    harness.get_by_label("Export…").click();
    wait_for(&mut harness, "the warning", |h| {
        h.query_by_label("Overwrite 3 existing files").map(drop)
    });
    assert!(
        harness.get_by_label("Export 4 files").accesskit_node().is_disabled(),
        "it must ask first"
    );
    assert_eq!(std::fs::read(&labels).expect("a file"), b"precious");
    harness.get_by_label("Overwrite 3 existing files").click();
    wait_for(&mut harness, "the button", |h| {
        (!h.get_by_label("Export 4 files").accesskit_node().is_disabled()).then_some(())
    });
    harness.get_by_label("Export 4 files").click();
    wait_for(&mut harness, "the new file", |_| {
        (std::fs::read(&labels).expect("a file") != b"precious").then_some(())
    });
}
