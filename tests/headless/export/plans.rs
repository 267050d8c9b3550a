//! Plans of exports: files and their sizes before they are written.

use std::fs;
use std::path::PathBuf;

use segscope::export::{Format, Options, files, write};
use segscope::labels::{ClassSet, LabelMap};
use segscope::photo::Photo;

use super::{Scene, only, read_map, tree};
use crate::repository::in_repository;

#[test]
fn planned_files_equal_written_files() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::camvid();
    // Repeated and out of order, as on a command line.
    let mut options = only(&Format::ALL);
    options.formats.reverse();
    options.formats.push(Format::Color);
    let planned = files(&scene.subject(), &options, folder.path(), "a.b");
    assert!(planned.iter().all(|file| !file.exists && !file.description.is_empty()));
    let planned: Vec<_> = planned.into_iter().map(|file| file.path).collect();
    let written = write(&scene.subject(), &options, folder.path(), "a.b").unwrap();
    assert_eq!(planned, written);
    assert_eq!(written.len(), 4 + 11 + 1);
    assert_eq!(tree(folder.path()), written.into_iter().collect());
    assert!(folder.path().join("labels/a.b.png").is_file());
    let again = files(&scene.subject(), &options, folder.path(), "a.b");
    assert!(
        again
            .iter()
            .all(|file| file.exists != file.path.ends_with("classes.json"))
    );
    assert!(files(&scene.subject(), &only(&[]), folder.path(), "a").is_empty());
}

/// The sample image with its labels, enlarged `times` in width and height.
fn street(times: usize) -> Scene {
    let root = in_repository("assets/samples");
    let photo = Photo::open(&root.join("street.jpg")).unwrap();
    let map = read_map(&root.join("street-labels.png"));
    assert_eq!([map.width, map.height], [photo.width, photo.height]);
    let (width, height) = (times * map.width, times * map.height);
    let photo = photo.resized(width, height);
    let ids: Vec<u16> = (0..width * height)
        .map(|i| map.ids[i / width / times * map.width + i % width / times])
        .collect();
    // Like that of a network: low at the edges of a class, high inside, and with some noise.
    let confidence = (0..width * height)
        .map(|i| {
            let edge = ids[i] != ids[i.saturating_sub(8)] || ids[i] != ids[i.saturating_sub(8 * width)];
            let noise = (i.wrapping_mul(2_654_435_761) >> 7) % 300;
            (if edge { 30_000 } else { 64_000 }) + noise as u16
        })
        .collect();
    Scene {
        photo,
        map: LabelMap { width, height, ids },
        confidence,
        classes: segscope::datasets::classes_of("camvid").unwrap(),
    }
}

/// Each planned file with its planned and its written size in bytes.
fn planned_and_written(scene: &Scene, options: &Options) -> Vec<(PathBuf, u64, u64)> {
    let folder = tempfile::tempdir().unwrap();
    let planned = files(&scene.subject(), options, folder.path(), "a");
    write(&scene.subject(), options, folder.path(), "a").unwrap();
    planned
        .into_iter()
        .map(|file| {
            let length = fs::metadata(&file.path).unwrap().len();
            let name = file.path.strip_prefix(folder.path()).unwrap().to_owned();
            (name, file.bytes, length)
        })
        .collect()
}

#[test]
fn planned_sizes_are_close_to_written_sizes() {
    for (times, legend) in [(1, false), (1, true), (3, true)] {
        let options = Options {
            legend,
            ..only(&Format::ALL)
        };
        for (path, planned, written) in planned_and_written(&street(times), &options) {
            let off = planned as f64 / written as f64;
            assert!(
                (1.0 / 1.5..1.5).contains(&off),
                "{}: {planned} of {written}",
                path.display()
            );
        }
    }
}

#[test]
fn planned_sizes_of_small_images_are_exact() {
    for scene in [
        Scene::camvid(),
        Scene::new(500, 400, 9, segscope::datasets::classes_of("camvid").unwrap()),
        Scene::new(40, 30, 300, ClassSet::numbered(300)),
    ] {
        let options = Options {
            legend: true,
            ..only(&Format::ALL)
        };
        for (path, planned, written) in planned_and_written(&scene, &options) {
            assert_eq!(planned, written, "{}", path.display());
        }
    }
}

#[test]
fn a_plan_that_cannot_be_written_has_no_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::camvid();
    scene.confidence.truncate(7);
    let planned = files(&scene.subject(), &only(&Format::ALL), folder.path(), "a");
    assert!(planned.len() == 16 && planned.iter().all(|file| file.bytes == 0));
    scene.photo.rgb.clear();
    assert_eq!(
        files(&scene.subject(), &Options::default(), folder.path(), "a").len(),
        4
    );
}
