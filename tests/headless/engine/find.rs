//! Finds images and models in dropped or chosen paths, and models in the models folder.

use std::fs;
use std::path::{Path, PathBuf};

use segscope::engine::{Event, FoundFiles, Job};

use super::harness::{Harness, empty_folder};

fn find(paths: Vec<PathBuf>) -> FoundFiles {
    let mut harness = Harness::new();
    harness.send(Job::Find(paths));
    harness.wait_for("what was found", |event| match event {
        Event::FoundFiles(found) => Some(found),
        _ => None,
    })
}

fn file(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
    fs::write(&path, "").expect("a file that can be written");
    path
}

#[test]
fn mixed_paths_are_classified() {
    let at = empty_folder();
    let at = at.path();
    let single = file(at, "single.JPG");
    let inside = ["img1.png", "img2.png", "img10.png"].map(|name| file(&at.join("shots"), name));
    let notes = file(at, "notes.txt");
    let model = file(&at.join("seg_tiny"), "variant.yml");
    let other_model = file(at, "other.safetensors");
    fs::create_dir(at.join("empty")).expect("a folder that can be made");
    let found = find(vec![
        single.clone(),
        at.join("shots"),
        notes.clone(),
        at.join("seg_tiny"),
        at.join("empty"),
        at.join("missing.png"),
        other_model.clone(),
        // The same file, written differently.
        at.join(".").join("single.JPG"),
        inside[1].clone(),
        at.join("shots/."),
    ]);
    let mut expected = vec![single];
    expected.extend(inside);
    assert_eq!(found.images, expected);
    assert_eq!(found.folder, Some(at.join("shots")));
    assert_eq!(found.model, model.parent().map(Path::to_owned));
    let about = [notes, at.join("empty"), at.join("missing.png"), other_model];
    assert_eq!(found.problems.len(), about.len(), "{:?}", found.problems);
    for (problem, path) in found.problems.iter().zip(about) {
        let path = path.display().to_string();
        assert!(problem.ends_with(&path), "expected an error about {path}: {problem}");
    }
}

#[test]
fn a_path_written_in_two_ways_is_found_once() {
    let [first, again] = ["assets/samples/street.jpg", "./assets/samples/street.jpg"].map(PathBuf::from);
    let absolute = Path::new(env!("CARGO_MANIFEST_DIR")).join(&first);
    assert_eq!(find(vec![first.clone(), again, absolute]).images, [first]);
}

#[test]
fn a_thousand_images_are_in_natural_order() {
    let at = empty_folder();
    for i in 0..1000 {
        file(at.path(), &format!("{i}.jpg"));
    }
    let found = find(vec![at.path().to_owned()]);
    let expected: Vec<PathBuf> = (0..1000).map(|i| at.path().join(format!("{i}.jpg"))).collect();
    assert_eq!(found.images, expected);
    assert_eq!((found.model, found.problems), (None, Vec::new()));
}

#[test]
fn images_in_subfolders_are_found() {
    let at = empty_folder();
    let at = at.path();
    let names = ["2.png", "10.png", "a/2.png", "a/10.png", "a/deep/er/1.png", "b/1.jpg"];
    let files = names.map(|name| file(at, name));
    file(at, "a/notes.txt");
    let found = find(vec![at.to_owned()]);
    let mut images = found.images.clone();
    images.sort();
    let mut expected = files.to_vec();
    expected.sort();
    assert_eq!(images, expected);
    let in_a: Vec<&PathBuf> = found
        .images
        .iter()
        .filter(|path| path.parent() == Some(at.join("a").as_path()))
        .collect();
    assert_eq!(in_a, [&files[2], &files[3]], "in natural order");
    assert_eq!((found.folder, found.problems), (Some(at.to_owned()), Vec::new()));
}

#[test]
#[cfg(unix)]
fn a_folder_that_links_to_itself_is_opened_once() {
    let at = empty_folder();
    let at = at.path();
    let image = file(at, "inside/1.png");
    for link in ["inside/here", "inside/above"] {
        std::os::unix::fs::symlink(at, at.join(link)).expect("a link");
    }
    std::os::unix::fs::symlink(at.join("inside"), at.join("again")).expect("a link");
    let found = find(vec![at.to_owned()]);
    let names: Vec<_> = found.images.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, [image.file_name().expect("a name")]);
}

#[test]
fn models_in_the_models_folder_are_found() {
    let at = empty_folder();
    let broken = file(at.path(), "broken.pth");
    file(at.path(), "notes.txt");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-linear-p16/checkpoint.pth");
    fs::copy(golden, at.path().join("linear.pth")).expect("a copy");
    let mut harness = Harness::new();
    harness.send(Job::ScanModels(at.path().to_owned()));
    let found = harness.wait_for("the models in the folder", |event| match event {
        Event::ModelsFound(found) => Some(found),
        _ => None,
    });
    assert_eq!((found.path.as_path(), &found.problem), (at.path(), &None));
    let names: Vec<&str> = found.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["linear.pth"]);
    let paths: Vec<&Path> = found.unrecognised.iter().map(|file| file.path.as_path()).collect();
    assert_eq!(paths, [broken]);
}
