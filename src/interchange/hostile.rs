//! Damaged and hostile files for every format of the table: an error or a whole map, soon and without much memory.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::damage::read_damaged;
use super::frozen::{Fixture, fixtures};
use super::{Format, LabelledImage, ReadChoices, WriteChoices, files, sample};
use crate::photo::files_below;

/// Damages to the files of each format.
const ROUNDS: usize = 150;

/// A copy of a folder.
fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for file in files_below(folder, |_| true).expect("a folder") {
        let bytes = fs::read(&file).expect("a file");
        files::replace(&copy.path().join(files::name_below(folder, &file)), &bytes).expect("written");
    }
    copy
}

/// Small maps in a format, as its own writer writes them, with images beside.
fn written(format: &Format) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = format.classes().unwrap_or_else(sample::classes);
    let ids: Vec<u16> = classes.iter().map(|class| class.id).take(5).collect();
    let choices = WriteChoices::default();
    let mut writer = format.create(folder.path(), &classes, &choices).expect("a writer");
    for (index, labels) in sample::maps(&ids, 3).into_iter().enumerate() {
        let name = format!("p{index}.png");
        if format.key == "yolo" {
            let black = vec![[0; 3]; labels.ids.len()];
            let bytes = files::rgb_png([labels.width, labels.height], &black, &name).expect("an image");
            files::replace(&folder.path().join("images").join(&name), &bytes).expect("written");
        }
        writer.write(&LabelledImage { name, labels }).expect("written");
    }
    writer.finish().expect("finished");
    folder
}

#[test]
fn damaged_files_of_every_format_give_errors_or_whole_maps() {
    for format in Format::all().iter().filter(|format| format.reads() && format.writes()) {
        let folder = written(format);
        read_damaged(folder.path(), |path, choices| format.open(path, choices), ROUNDS);
    }
    for fixture in fixtures() {
        if let Some(format) = Format::named(&fixture.key) {
            let folder = copied(&fixture.files);
            read_damaged(folder.path(), |path, choices| format.open(path, choices), ROUNDS);
        }
    }
}

/// Files that hold one thing in each line, so that each beginning of them is a file of its own kind.
fn is_list(name: &str) -> bool {
    name.ends_with(".txt") || name.ends_with(".yaml") || name.ends_with(".jsonl")
}

#[test]
fn cut_files_give_errors_or_the_whole_map() {
    let mut failed = Vec::new();
    for fixture in fixtures() {
        let Some(format) = Format::named(&fixture.key) else {
            continue;
        };
        let folder = copied(&fixture.files);
        for file in files_below(folder.path(), |_| true).expect("a folder") {
            let name = files::name_below(folder.path(), &file);
            let whole = fs::read(&file).expect("a file");
            for end in (0..whole.len()).step_by(1 + whole.len() / 200) {
                fs::write(&file, &whole[..end]).expect("written");
                if let Some(why) = wrong(&fixture, format, folder.path())
                    && !is_list(&name)
                {
                    failed.push(format!(
                        "{} {name} of {} bytes cut at {end}: {why}",
                        fixture.key,
                        whole.len()
                    ));
                }
            }
            fs::write(&file, whole).expect("written");
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// How what is read without an error differs from what the client reads.
fn wrong(fixture: &Fixture, format: &Format, folder: &Path) -> Option<String> {
    let choices = ReadChoices {
        classes: Some(fixture.classes.clone()),
        images: None,
    };
    let mut reader = format.open(folder, &choices).ok()?;
    for index in 0..reader.names().len() {
        reader.read(index).ok()?;
    }
    fixture.compare(format, folder, choices.classes).err()
}
