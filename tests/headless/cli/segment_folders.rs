//! `segscope segment` on folders: names, links, templates, and repeated batches.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segscope::engine::Output;

use super::program::*;
use crate::bundles::fixture;

/// Two files with the same name, which do not exist yet, in folders of their own.
fn of_one_name(folder: &Path) -> [PathBuf; 2] {
    ["first", "second"].map(|name| {
        let parent = folder.join(name);
        fs::create_dir(&parent).unwrap();
        parent.join("street.jpg")
    })
}

#[test]
fn the_second_of_two_images_with_the_same_name_is_reported() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let [first, second] = of_one_name(folder.path());
    for path in [&first, &second] {
        fs::copy(sample(), path).unwrap();
    }
    let options = ["--formats", "labels", "--overwrite"];
    let ended = segment(&[&first, &second], &out, &options).expect(1);
    let [one, other] = [&first, &second].map(|path| path.display().to_string());
    ended.complains_of(&[&other, "same name", "--recursive", "--name", &one]);
    assert!(
        out.join("labels/street.png").is_file(),
        "the first image is missing: {ended}"
    );
}

#[test]
fn an_image_may_have_the_name_of_one_that_failed() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let [broken, good] = of_one_name(folder.path());
    fs::write(&broken, "no image at all").unwrap();
    fs::copy(sample(), &good).unwrap();
    let ended = segment(&[&broken, &good], &out, &["--formats", "labels"]).expect(1);
    ended.complains_of(&["1 of 2 images segmented"]);
    ended.complains_of(&[&broken.display().to_string()]);
    assert!(out.join("labels/street.png").is_file(), "{ended}");
}

#[test]
fn outcomes_are_printed_in_the_order_of_the_images() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 5);
    let out = folder.path().join("out");
    let image = |number: usize| images.join(format!("{number}.png"));
    fs::write(image(2), "no image at all").unwrap();
    segment(&[&image(1), &image(3)], &out, &["--formats", "labels"]).expect(0);
    let options = ["--formats", "labels", "--skip-existing", "--json"];
    let ended = segment(&[&images], &out, &options).expect(1);
    let outcomes = ["written", "skipped", "error", "skipped", "written"];
    let objects = ended.objects();
    assert_eq!(objects.len(), outcomes.len(), "{ended}");
    for (i, (object, outcome)) in objects.iter().zip(outcomes).enumerate() {
        assert_eq!(object["picture"], image(i).display().to_string(), "{ended}");
        assert!(!object[outcome].is_null(), "expected {outcome} in {object}");
    }
}

#[test]
fn subfolders_are_mirrored() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 2);
    let other = images.join("night/rain");
    fs::create_dir_all(&other).unwrap();
    fs::copy(images.join("1.png"), other.join("0.png")).unwrap();
    // Results are not segmented, even if they are in the image folder.
    let out = images.join("out");
    let options = ["--recursive", "--formats", "labels"];
    segment(&[&images], &out, &options)
        .expect(0)
        .complains_of(&["3 of 3 images segmented"]);
    let labels = out.join("labels");
    assert_eq!(
        names_in(&labels),
        BTreeSet::from(["0.png", "1.png", "night"].map(str::to_owned))
    );
    assert!(bytes(&labels.join("night/rain/0.png")) == bytes(&labels.join("1.png")));
    let again = [&options[..], &["--skip-existing"]].concat();
    segment(&[&images], &out, &again)
        .expect(0)
        .complains_of(&["3 of 3 images skipped because their files exist"]);
}

#[cfg(unix)]
#[test]
fn linked_folders_are_read_only_once() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 2);
    std::os::unix::fs::symlink(".", images.join("again")).unwrap();
    let out = folder.path().join("out");
    segment(&[&images], &out, &["--recursive", "--formats", "labels"])
        .expect(0)
        .complains_of(&["2 of 2 images segmented"]);
}

#[test]
fn a_template_distinguishes_equal_names() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let images = ["day", "night"].map(|name| {
        let parent = folder.path().join(name);
        fs::create_dir(&parent).unwrap();
        small_images(&parent, 1).join("0.png")
    });
    let moved = images.map(|image| {
        let place = image.ancestors().nth(2).unwrap().join("0.png");
        fs::rename(&image, &place).unwrap();
        place
    });
    let options = ["--formats", "labels", "--name", "{folder}_{name}_{model}"];
    segment(&[&moved[0], &moved[1]], &out, &options).expect(0);
    let model = fixture::spec().output_title(Output::main(0)).replace('/', "-");
    let names = ["day", "night"].map(|folder| format!("{folder}_0_{model}.png"));
    assert_eq!(names_in(&out.join("labels")), BTreeSet::from(names));
}

#[test]
fn a_repeated_batch_says_how_to_continue() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 6);
    let out = folder.path().join("out");
    let formats = ["--formats", "labels,color"];
    segment(&[&images], &out, &formats).expect(0);
    fs::remove_file(out.join("labels/2.png")).unwrap();
    fs::remove_file(out.join("color/2.png")).unwrap();
    fs::remove_file(out.join("color/4.png")).unwrap();
    let kept = bytes(&out.join("labels/4.png"));

    let ended = segment(&[&images], &out, &formats).expect(1);
    ended.complains_of(&["1 of 6 images segmented"]);
    ended.complains_of(&[
        "5 of 6 images refused because files exist",
        "--skip-existing",
        "--overwrite",
    ]);
    ended.complains_of(&["and 2 more"]);
    ended.never_mentions("failed");
    // For the image with half of its files, the other half is written.
    let options = [&formats[..], &["--skip-existing"]].concat();
    let ended = segment(&[&images], &out, &options).expect(0);
    ended.complains_of(&["1 of 6 images segmented"]);
    ended.complains_of(&["5 of 6 images skipped because their files exist"]);
    assert_eq!(bytes(&out.join("labels/4.png")), kept);
    assert_eq!(names_in(&out.join("color")).len(), 6);
    // Files with different class sets are never mixed.
    segment(&[&images], &out, &[&options[..], &["--set", "numbered"]].concat())
        .expect(1)
        .complains_of(&["6 of 6 images failed"]);
}

#[test]
fn predictions_of_a_folder_are_written_for_other_programs() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 3);
    let out = folder.path().join("out");
    segment(&[&images], &out, &["--formats", "labels,coco-rle,cvat"]).expect(0);
    let back = folder.path().join("back");
    for format in ["coco-rle", "cvat"] {
        let [from, to] = [out.join(format), back.join(format)].map(|path| path.display().to_string());
        let arguments = ["labels", "convert", &from, "--to", "index", "--out", &to];
        run(program().args(arguments)).expect(0);
        for number in 0..3 {
            let name = format!("{number}.png");
            let [before, after] = [out.join("labels"), back.join(format)]
                .map(|folder| segscope::labels::LabelMap::open(&folder.join(&name)).expect("a label map"));
            assert_eq!(before, after, "{name} in {format}");
        }
    }
    segment(&[&images], &out, &["--formats", "cvat"])
        .expect(2)
        .complains_of(&["empty or new folder", "cvat"]);
    segment(&[&images], &out, &["--formats", "cityscapes"])
        .expect(2)
        .complains_of(&["Cityscapes", "--map"]);
    segment(&[&images], &out, &["--formats", "tiff"])
        .expect(2)
        .complains_of(&["labels, color", "tiff"]);
}
