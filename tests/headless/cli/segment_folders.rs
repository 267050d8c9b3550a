//! `segscope segment` over folders: names, links, templates, and a batch again.

use std::collections::BTreeSet;
use std::fs;

use segscope::engine::Output;

use super::program::*;
use crate::bundles::fixture;

#[test]
fn of_two_pictures_with_one_name_the_second_is_reported() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let [first, second] = ["first", "second"].map(|name| {
        let parent = folder.path().join(name);
        fs::create_dir(&parent).unwrap();
        fs::copy(sample(), parent.join("street.jpg")).unwrap();
        parent.join("street.jpg")
    });
    let options = ["--formats", "labels", "--overwrite"];
    let ended = segment(&[&first, &second], &out, &options).expect(1);
    let [one, other] = [&first, &second].map(|path| path.display().to_string());
    ended.complains_of(&[&other, "same name", "--recursive", "--name", &one]);
    assert!(
        out.join("labels/street.png").is_file(),
        "the first picture is missing: {ended}"
    );
}

#[test]
fn folders_below_are_mirrored() {
    let folder = empty_folder();
    let pictures = small_pictures(folder.path(), 2);
    let other = pictures.join("night/rain");
    fs::create_dir_all(&other).unwrap();
    fs::copy(pictures.join("1.png"), other.join("0.png")).unwrap();
    // Results are no pictures, also where they lie among them.
    let out = pictures.join("out");
    let options = ["--recursive", "--formats", "labels"];
    segment(&[&pictures], &out, &options)
        .expect(0)
        .complains_of(&["3 of 3 pictures segmented"]);
    let labels = out.join("labels");
    assert_eq!(
        names_in(&labels),
        BTreeSet::from(["0.png", "1.png", "night"].map(str::to_owned))
    );
    assert!(bytes(&labels.join("night/rain/0.png")) == bytes(&labels.join("1.png")));
    let again = [&options[..], &["--skip-existing"]].concat();
    segment(&[&pictures], &out, &again)
        .expect(0)
        .complains_of(&["3 of 3 were there already"]);
}

#[cfg(unix)]
#[test]
fn links_to_folders_lead_nowhere_twice() {
    let folder = empty_folder();
    let pictures = small_pictures(folder.path(), 2);
    std::os::unix::fs::symlink(".", pictures.join("again")).unwrap();
    let out = folder.path().join("out");
    segment(&[&pictures], &out, &["--recursive", "--formats", "labels"])
        .expect(0)
        .complains_of(&["2 of 2 pictures segmented"]);
}

#[test]
fn a_template_tells_equal_names_apart() {
    let folder = empty_folder();
    let out = folder.path().join("out");
    let pictures = ["day", "night"].map(|name| {
        let parent = folder.path().join(name);
        fs::create_dir(&parent).unwrap();
        small_pictures(&parent, 1).join("0.png")
    });
    let moved = pictures.map(|picture| {
        let place = picture.ancestors().nth(2).unwrap().join("0.png");
        fs::rename(&picture, &place).unwrap();
        place
    });
    let options = ["--formats", "labels", "--name", "{folder}_{name}_{model}"];
    segment(&[&moved[0], &moved[1]], &out, &options).expect(0);
    let model = fixture::spec().output_title(Output::main(0)).replace('/', "-");
    let names = ["day", "night"].map(|folder| format!("{folder}_0_{model}.png"));
    assert_eq!(names_in(&out.join("labels")), BTreeSet::from(names));
}

#[test]
fn a_batch_again_says_how_it_goes_on() {
    let folder = empty_folder();
    let pictures = small_pictures(folder.path(), 6);
    let out = folder.path().join("out");
    let formats = ["--formats", "labels,color"];
    segment(&[&pictures], &out, &formats).expect(0);
    fs::remove_file(out.join("labels/2.png")).unwrap();
    fs::remove_file(out.join("color/2.png")).unwrap();
    fs::remove_file(out.join("color/4.png")).unwrap();
    let kept = bytes(&out.join("labels/4.png"));

    let ended = segment(&[&pictures], &out, &formats).expect(1);
    ended.complains_of(&["1 of 6 pictures segmented"]);
    ended.complains_of(&[
        "5 of 6 pictures refused since files exist",
        "--skip-existing",
        "--overwrite",
    ]);
    ended.complains_of(&["and 2 more"]);
    ended.never_mentions("failed");
    // Of the picture with half its files the other half is made.
    let options = [&formats[..], &["--skip-existing"]].concat();
    let ended = segment(&[&pictures], &out, &options).expect(0);
    ended.complains_of(&["1 of 6 pictures segmented"]);
    ended.complains_of(&["5 of 6 were there already"]);
    assert_eq!(bytes(&out.join("labels/4.png")), kept);
    assert_eq!(names_in(&out.join("color")).len(), 6);
    // What ids mean is never mixed.
    segment(&[&pictures], &out, &[&options[..], &["--set", "numbered"]].concat())
        .expect(1)
        .complains_of(&["6 of 6 pictures failed"]);
}
