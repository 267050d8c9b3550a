//! Every format of the table, from maps to files and back, with the same maps and the same demands.

use std::mem;
use std::path::Path;

use super::id_pngs::counterpart;
use super::{
    Format, InterchangeError, LabelClass, LabelClasses, LabelledImage, ReadChoices, WriteChoices, files, sample,
};
use crate::annotate::UNLABELLED;
use crate::labels::{ClassSet, LabelMap};

/// Formats that are read and written.
fn both() -> impl Iterator<Item = &'static Format> {
    Format::all().iter().filter(|format| format.reads() && format.writes())
}

/// Classes with these ids and names.
fn classes(listed: &[(u16, &str)]) -> LabelClasses {
    let set = ClassSet::numbered(listed.len());
    let class = |((id, name), place): (&(u16, &str), u16)| LabelClass {
        id: *id,
        name: (*name).to_owned(),
        color: set.color(place),
    };
    listed.iter().zip(0..).map(class).collect()
}

/// An image for each map, for formats that do not have its size.
fn write_images(folder: &Path, names: &[String], maps: &[LabelMap]) {
    for (name, labels) in names.iter().zip(maps) {
        let black = vec![[0; 3]; labels.ids.len()];
        let bytes = files::rgb_png([labels.width, labels.height], &black, name).expect("an image");
        files::replace(&folder.join(name), &bytes).expect("written");
    }
}

/// Sends maps through a format. Returns the number of pixels that were lost; nothing where the writer refuses.
///
/// # Errors
/// When something else comes back than the writer has announced, or the reader refuses it.
fn sent(
    format: &Format,
    classes: &LabelClasses,
    names: &[String],
    maps: &[LabelMap],
    parts: bool,
) -> Result<Option<u64>, String> {
    let place = tempfile::tempdir().expect("a folder");
    let [images, out] = ["images", "out"].map(|name| place.path().join(name));
    write_images(&images, names, maps);
    let choices = WriteChoices {
        images: Some(images.clone()),
        parts,
    };
    let Ok(kept) = written(format, &out, classes, names, maps, &choices) else {
        return Ok(None);
    };
    // Formats that lose classes name the others, and a given class can have the name that means none.
    let given = format.exact.then(|| classes.clone());
    let given = ReadChoices {
        images: Some(images),
        classes: given,
    };
    let mut reader = format.open(&out, &given).map_err(|why| why.to_string())?;
    if reader.names().len() != names.len() {
        return Err(format!("found the images {:?}", reader.names()));
    }
    let mut lost = 0;
    let mut seen = vec![false; names.len()];
    for index in 0..names.len() {
        let found = reader.read(index).map_err(|why| why.to_string())?;
        let place = place_of(&found.name, names).filter(|place| !mem::replace(&mut seen[*place], true));
        let place = place.ok_or_else(|| format!("found the image {}", found.name))?;
        let id_of = |id: u16| match id {
            UNLABELLED => Some(UNLABELLED),
            id => counterpart(classes, reader.classes().get(id)?),
        };
        let ids: Option<Vec<u16>> = found.labels.ids.iter().map(|id| id_of(*id)).collect();
        let ids = ids.ok_or_else(|| format!("found the classes {:?}", reader.classes()))?;
        let labels = LabelMap { ids, ..found.labels };
        if labels != kept[place] {
            return Err(format!("found another map of {}", found.name));
        }
        lost += labels.ids.iter().zip(&maps[place].ids).filter(|(a, b)| a != b).count() as u64;
    }
    Ok(Some(lost))
}

/// Writes maps. Returns what the writer says that it keeps of each.
fn written(
    format: &Format,
    out: &Path,
    classes: &LabelClasses,
    names: &[String],
    maps: &[LabelMap],
    choices: &WriteChoices,
) -> Result<Vec<LabelMap>, InterchangeError> {
    let mut writer = format.create(out, classes, choices)?;
    let kept = maps.iter().map(|labels| writer.kept(labels).into_owned()).collect();
    for (name, labels) in names.iter().zip(maps) {
        writer.write(&LabelledImage {
            name: name.clone(),
            labels: labels.clone(),
        })?;
    }
    writer.finish()?;
    Ok(kept)
}

/// The place of an image by its name, whose suffix may be another one. Cityscapes puts `train` and the name before it, and
/// the kind of the image behind it.
fn place_of(found: &str, names: &[String]) -> Option<usize> {
    let stem = |name: &str| {
        name.rsplit_once('.')
            .map_or(name.to_owned(), |(stem, _)| stem.to_owned())
    };
    let place = |wanted: &dyn Fn(&str) -> bool| names.iter().position(|name| wanted(name));
    let found_stem = stem(found);
    let exact = place(&|name| name == found).or_else(|| place(&|name| stem(name) == found_stem));
    let plain = found_stem.strip_suffix("_leftImg8bit").unwrap_or(&found_stem);
    let below = plain.strip_prefix("train/").unwrap_or(plain);
    exact.or_else(|| place(&|name| stem(name) == plain || stem(name) == below))
}

fn plain_names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("p{index}.png")).collect()
}

#[test]
fn two_hundred_maps_come_back_from_every_format() {
    let mut failed = Vec::new();
    for format in both() {
        let classes = format.classes().unwrap_or_else(sample::classes);
        let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
        let maps = sample::maps(&ids, 200);
        for parts in [false, true] {
            match sent(format, &classes, &plain_names(maps.len()), &maps, parts) {
                Ok(Some(lost)) if lost == 0 || !format.exact => {}
                other => failed.push(format!("{}, parts {parts}: {other:?}", format.key)),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Any classes: a format holds them exactly, or its writer refuses them.
#[test]
fn strange_classes_come_back_or_are_refused() {
    let lists: &[&[(u16, &str)]] = &[
        &[(0, "road"), (254, "sky"), (255, "car")],
        &[(0, "road"), (1, "sky"), (256, "car"), (65_534, "wall")],
        &[(65_534, "road")],
        &[(255, "road")],
        &[(4, "road"), (2, "sky"), (0, "car")],
        &[(0, "background"), (1, "road")],
        &[
            (1, "background"),
            (7, "void"),
            (9, "Void"),
            (11, "unlabeled"),
            (12, "out of roi"),
        ],
        &[(0, "_background_"), (1, "__ignore__"), (2, "ignored")],
        &[(0, "other"), (1, "unlabelled"), (2, "ignore")],
        &[(0, "true"), (1, "null"), (2, "1"), (3, "~"), (4, "1e3"), (5, "no")],
        &[(0, " road "), (1, "road"), (2, "road car"), (3, "Road")],
        &[
            (0, "a:b"),
            (1, "a#b"),
            (2, "a,b"),
            (3, "#a"),
            (4, "- a"),
            (5, "a\\b"),
            (6, "'a'"),
            (7, "a/b"),
        ],
        &[(0, "line\nbreak"), (1, "tab\tbed"), (2, "bell\u{7}"), (3, "return\r")],
        &[(0, ""), (1, "road")],
        &[(0, "road"), (1, "road")],
        &[
            (0, "&lt;road&gt;"),
            (1, "]]>"),
            (2, "\"quoted\""),
            (3, "{{a}}"),
            (4, "e\u{301}"),
            (5, "\u{e9}"),
        ],
        &[(0, "\u{feff}road"), (1, "\u{202e}sky"), (2, "\u{1f6b2}")],
    ];
    let mut failed = Vec::new();
    for format in both() {
        for listed in lists {
            let classes = classes(listed);
            let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
            let maps = sample::maps(&ids, 12);
            match sent(format, &classes, &plain_names(maps.len()), &maps, false) {
                Ok(None) => {}
                Ok(Some(lost)) if lost == 0 || !format.exact => {}
                other => failed.push(format!("{} {listed:?}: {other:?}", format.key)),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Any names of images: a format holds them, or its writer refuses them.
#[test]
fn strange_names_come_back_or_are_refused() {
    let lists: &[&[&str]] = &[
        &["a b.png", "ä.png", "车.jpg", "a.b.c.png", "quote\"'.png", "a&b<c>.png"],
        &["train/a.png", "val/a.png", "val/deep/a.png", "b.png"],
        &["a.png", "A.png", "a_L.png", "a_labelIds.png", "a_seg.png", "a.json.png"],
        &["a.png", "a.jpg"],
        &["a/b.png", "a_b.png"],
        &["no suffix", ".hidden.png"],
        &["100%.png", "a?b#c.png", "{a}.png", "a,b;c.png"],
        &["classes.png", "data.png", "meta.png", "labels/a.png"],
        &["labels.png", "masks/a.png", "annotations/a.png", "project.png"],
        &["new\nline.png", "a.png"],
        &[" a.png", "a .png"],
    ];
    let mut failed = Vec::new();
    for format in both() {
        let classes = format.classes().unwrap_or_else(sample::classes);
        let ids: Vec<u16> = classes.iter().map(|class| class.id).collect();
        for listed in lists {
            let names: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
            let maps = sample::maps(&ids, names.len());
            if let Err(why) = sent(format, &classes, &names, &maps, false) {
                failed.push(format!("{} {listed:?}: {why}", format.key));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
