//! Tests of the dialog without a worker.

use std::path::{Path, PathBuf};

use egui::{Id, Modal, Rect, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::ExportDialog;
use crate::app::settings::ExportDefaults;
use crate::engine::{Asked, ImageSource};
use crate::export::{FigureFormat, Format, PlannedFile};

fn file(path: &str, exists: bool, bytes: u64) -> PlannedFile {
    PlannedFile {
        path: Path::new("/out").join(path),
        exists,
        description: "A file".into(),
        bytes,
    }
}

/// A dialog for which the worker has planned these files.
fn planned(files: Vec<PlannedFile>) -> ExportDialog {
    let mut dialog = ExportDialog::new("/home/me/Photos".into());
    dialog.set_folder("/out".into());
    answer(&mut dialog, files);
    dialog
}

fn answer(dialog: &mut ExportDialog, files: Vec<PlannedFile>) {
    dialog.stale = false;
    let asked = Asked::new();
    let ticket = asked.ticket();
    dialog.asked = Some(asked);
    dialog.set_planned(&ticket, files, None);
}

fn window(dialog: ExportDialog, size: Vec2, scale: f32) -> Harness<'static, ExportDialog> {
    Harness::builder()
        .with_size(size)
        .with_pixels_per_point(scale)
        .with_context_setup(crate::app::testing::looks)
        .build_ui_state(
            |ui, dialog: &mut ExportDialog| {
                let mut choose = false;
                Modal::new(Id::unique("export")).show(ui, |ui| dialog.contents(ui, &mut choose));
            },
            dialog,
        )
}

#[test]
fn agreeing_covers_the_listed_files_and_no_others() {
    let (labels, color) = (file("labels/a.png", true, 1), file("color/a.png", true, 1));
    let mut dialog = planned(vec![labels.clone()]);
    assert!(!dialog.ready() && !dialog.may_overwrite());
    dialog.agree(true);
    assert!(dialog.ready() && dialog.may_overwrite());
    answer(&mut dialog, vec![labels.clone(), color.clone()]);
    assert!(
        !dialog.ready() && !dialog.may_overwrite(),
        "another file must be agreed to"
    );
    dialog.agree(true);
    assert!(dialog.ready());
    answer(&mut dialog, vec![color]);
    assert!(dialog.ready(), "the user has agreed to this file");
    dialog.agree(false);
    answer(&mut dialog, vec![labels]);
    assert!(!dialog.ready(), "the agreement is withdrawn for all files");
}

#[test]
fn another_folder_asks_again() {
    let files = vec![file("labels/a.png", true, 1)];
    let mut dialog = planned(files.clone());
    dialog.agree(true);
    dialog.set_folder("/elsewhere".into());
    answer(&mut dialog, files);
    assert!(!dialog.ready() && !dialog.may_overwrite());
}

#[test]
fn nothing_is_overwritten_if_no_file_existed() {
    let dialog = planned(vec![file("labels/a.png", false, 1)]);
    assert!(dialog.ready() && !dialog.may_overwrite());
}

#[test]
fn a_late_plan_is_dropped_and_the_list_stays_until_the_next() {
    let mut dialog = planned(vec![file("labels/a.png", false, 1)]);
    dialog.asked = Some(Asked::new());
    assert!(!dialog.ready(), "the list belongs to the previous request");
    assert_eq!(dialog.planned.as_ref().map(Vec::len), Some(1));
    dialog.set_planned(&Asked::new().ticket(), Vec::new(), None);
    assert_eq!(dialog.planned.as_ref().map(Vec::len), Some(1));
    assert!(dialog.asked.is_some(), "its own answer is still pending");
    dialog.set_folder("/elsewhere".into());
    assert!(dialog.planned.is_none(), "files of another folder are not shown");
}

fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).expect("a path of this system")
}

#[test]
fn each_image_suggests_its_folder_until_one_is_chosen() {
    let mut dialog = ExportDialog::new("/home/me/Photos".into());
    dialog.suggest_folder(&ImageSource::Sample);
    assert_eq!(dialog.folder, absolute("/home/me/Photos/segscope"));
    let image = ImageSource::Path("/photos/a.jpg".into());
    dialog.suggest_folder(&image);
    assert_eq!(dialog.folder, absolute("/photos/segscope"));
    let formats = vec![Format::Confidence];
    dialog.set_defaults(&ExportDefaults {
        formats: formats.clone(),
        folder: Some("/mine".into()),
        legend: true,
        figures: FigureFormat::Svg,
        naming: "{model}-{name}".into(),
    });
    dialog.suggest_folder(&image);
    let (folder, options) = dialog.defaults();
    assert_eq!(folder, PathBuf::from("/mine"));
    assert_eq!((options.formats, options.legend), (formats, true));
    assert_eq!(options.figures, FigureFormat::Svg);
    assert_eq!(options.naming, "{model}-{name}");
    dialog.set_defaults(&ExportDefaults {
        folder: None,
        ..ExportDefaults::default()
    });
    dialog.suggest_folder(&image);
    assert_eq!(dialog.folder, absolute("/photos/segscope"));
}

#[test]
fn it_fits_small_windows_with_visible_buttons() {
    for (size, scale) in [
        (vec2(760.0, 480.0), 1.0),
        (vec2(900.0, 600.0), 1.0),
        (vec2(900.0, 600.0), 2.0),
        (vec2(450.0, 300.0), 2.0),
    ] {
        for error in [None, Some("expected room, found none; make some: ".repeat(12))] {
            let mut dialog = planned(
                (0..40)
                    .map(|i| file(&format!("classes/a/{i:03}.png"), true, 9))
                    .collect(),
            );
            dialog.options.formats = Format::ALL.to_vec();
            dialog.options.naming = "{model}".into();
            dialog.error = error;
            let mut harness = window(dialog, size, scale);
            harness.run_steps(6);
            let fill = Rect::from_min_size(pos2(0.0, 0.0), size);
            for name in ["Export", "Export 40 files", "Cancel", "Overwrite 40 existing files"] {
                let rect = harness.get_by_label(name).rect();
                assert!(fill.contains_rect(rect), "{name} at {rect} in {size} at {scale}");
            }
        }
    }
}

#[test]
fn sizes_are_right_aligned_with_their_sum_above() {
    let files = vec![
        file("labels/a.png", false, 14_000),
        file("overlay/a.png", false, 2_300_000),
    ];
    let mut harness = window(planned(files), vec2(900.0, 600.0), 1.0);
    harness.run_steps(4);
    assert!(
        harness
            .query_by_label("2 files will be written, about 2.3 MB")
            .is_some()
    );
    let rect = |name: &str| harness.get_by_label(name).rect();
    let (small, large) = (rect("14.0 kB"), rect("2.3 MB"));
    assert!((small.right() - large.right()).abs() < 1.0 && small.bottom() <= large.top() + 1.0);
    assert!(rect("labels/a.png").right() < small.left());
}

#[test]
fn ticking_the_box_allows_overwriting() {
    let mut harness = window(planned(vec![file("labels/a.png", true, 1)]), vec2(900.0, 600.0), 1.0);
    harness.run_steps(4);
    let disabled =
        |harness: &Harness<ExportDialog>| harness.get_by_label("Export 1 file").accesskit_node().is_disabled();
    assert!(disabled(&harness));
    harness.get_by_label("Overwrite 1 existing file").click();
    harness.run_steps(4);
    assert!(!disabled(&harness) && harness.state().may_overwrite());
}

#[test]
fn a_choice_that_changes_sizes_asks_the_worker_again() {
    let mut harness = window(planned(vec![file("labels/a.png", false, 1)]), vec2(900.0, 600.0), 1.0);
    harness.run_steps(4);
    assert!(harness.state().ready());
    harness.get_by_label("Legend beside the overlay").click();
    harness.run_steps(2);
    assert!(harness.state().stale && !harness.state().ready());
    assert!(
        harness.query_by_label("labels/a.png").is_some(),
        "the list stays meanwhile"
    );
}

#[test]
fn a_template_without_the_name_shows_a_warning() {
    let mut dialog = planned(Vec::new());
    dialog.options.naming = "{model}".into();
    let mut harness = window(dialog, vec2(900.0, 600.0), 1.0);
    harness.run_steps(4);
    assert!(harness.query_by_label_contains("Without {name} all photos").is_some());
    harness.state_mut().options.naming = "{model} {name}".into();
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Without {name} all photos").is_none());
    assert!(harness.query_by_label_contains("{model} the model's").is_some());
}
