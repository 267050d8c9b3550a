//! What was dropped or chosen: pictures, folders and models; and what lies in the models folder.

use std::fs;
use std::path::{Path, PathBuf};

use segscope::engine::{Event, Found, Job};

use super::desk::{Desk, empty_folder};

fn find(paths: Vec<PathBuf>) -> Found {
    let mut desk = Desk::new();
    desk.send(Job::Find(paths));
    desk.wait_for("what was found", |event| match event {
        Event::Found(found) => Some(found),
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
fn mixed_paths_are_sorted_out() {
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
        // Again, in other words.
        at.join(".").join("single.JPG"),
        inside[1].clone(),
        at.join("shots/."),
    ]);
    let mut expected = vec![single];
    expected.extend(inside);
    assert_eq!(found.pictures, expected);
    assert_eq!(found.folder, Some(at.join("shots")));
    assert_eq!(found.model, model.parent().map(Path::to_owned));
    let about = [notes, at.join("empty"), at.join("missing.png"), other_model];
    assert_eq!(found.problems.len(), about.len(), "{:?}", found.problems);
    for (problem, path) in found.problems.iter().zip(about) {
        let path = path.display().to_string();
        assert!(problem.ends_with(&path), "expected a sentence on {path}: {problem}");
    }
}

#[test]
fn a_path_that_is_written_in_two_ways_comes_once() {
    let [first, again] = ["assets/samples/street.jpg", "./assets/samples/street.jpg"].map(PathBuf::from);
    let absolute = Path::new(env!("CARGO_MANIFEST_DIR")).join(&first);
    assert_eq!(find(vec![first.clone(), again, absolute]).pictures, [first]);
}

#[test]
fn a_thousand_pictures_come_in_natural_order() {
    let at = empty_folder();
    for i in 0..1000 {
        file(at.path(), &format!("{i}.jpg"));
    }
    let found = find(vec![at.path().to_owned()]);
    let expected: Vec<PathBuf> = (0..1000).map(|i| at.path().join(format!("{i}.jpg"))).collect();
    assert_eq!(found.pictures, expected);
    assert_eq!((found.model, found.problems), (None, Vec::new()));
}

#[test]
fn pictures_of_sub_folders_come_too() {
    let at = empty_folder();
    let at = at.path();
    let names = ["2.png", "10.png", "a/2.png", "a/10.png", "a/deep/er/1.png", "b/1.jpg"];
    let files = names.map(|name| file(at, name));
    file(at, "a/notes.txt");
    let found = find(vec![at.to_owned()]);
    let mut pictures = found.pictures.clone();
    pictures.sort();
    let mut expected = files.to_vec();
    expected.sort();
    assert_eq!(pictures, expected);
    let in_a: Vec<&PathBuf> = found
        .pictures
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
    let picture = file(at, "inside/1.png");
    for link in ["inside/here", "inside/above"] {
        std::os::unix::fs::symlink(at, at.join(link)).expect("a link");
    }
    std::os::unix::fs::symlink(at.join("inside"), at.join("again")).expect("a link");
    let found = find(vec![at.to_owned()]);
    let names: Vec<_> = found.pictures.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, [picture.file_name().expect("a name")]);
}

#[test]
fn the_models_folder_is_looked_into() {
    let at = empty_folder();
    let broken = file(at.path(), "broken.pth");
    file(at.path(), "notes.txt");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-linear-p16/checkpoint.pth");
    fs::copy(golden, at.path().join("linear.pth")).expect("a copy");
    let mut desk = Desk::new();
    desk.send(Job::ScanModels(at.path().to_owned()));
    let found = desk.wait_for("what lies in the folder", |event| match event {
        Event::ModelsFound(found) => Some(found),
        _ => None,
    });
    assert_eq!((found.path.as_path(), &found.problem), (at.path(), &None));
    let names: Vec<&str> = found.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["linear.pth"]);
    let paths: Vec<&Path> = found.unrecognised.iter().map(|file| file.path.as_path()).collect();
    assert_eq!(paths, [broken]);
}
