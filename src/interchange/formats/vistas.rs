//! `vistas`: Mapillary Vistas: indexed PNG files `labels/NAME.png` whose values are places in the list of
//! `config.json`. Images lie in `images`. Colours are never used, as version 2.0 repeats some.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::annotate::UNLABELLED;
use crate::interchange::id_png_writer::{Pixels, PngWriter, UNLABELLED_BYTE, check_count};
use crate::interchange::id_pngs::{LabelFile, PngReader, Values, listed, without_gaps};
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelWriter, ReadChoices, WriteChoices, files,
};

/// Files of classes and the folders of their labels, the newest version first.
const VERSIONS: [(&str, &str); 3] = [
    ("config_v2.0.json", "v2.0/labels"),
    ("config_v1.2.json", "v1.2/labels"),
    (CONFIG, LABELS),
];

/// The file of classes that is written.
const CONFIG: &str = "config.json";

/// The folder of labels that is written.
const LABELS: &str = "labels";

/// The folder of images.
const IMAGES: &str = "images";

/// Name and readable name of pixels without a class.
const UNLABELED: [&str; 2] = ["void--unlabeled", "Unlabeled"];

/// Most labels that a file may list; values have at most 16 bits.
const MOST: usize = u16::MAX as usize;

#[derive(Serialize, Deserialize)]
struct Config {
    labels: Vec<Label>,
}

#[derive(Serialize, Deserialize)]
struct Label {
    name: String,
    #[serde(default)]
    readable: String,
    color: [u8; 3],
    #[serde(default)]
    instances: bool,
    #[serde(default)]
    evaluate: bool,
}

impl Label {
    fn is_unlabelled(&self) -> bool {
        self.name == UNLABELED[0] || self.readable == UNLABELED[1]
    }
}

/// Opens the folder with `config.json`. Classes have their readable names, or their full names where those repeat.
///
/// # Errors
/// When the file is damaged, or there are no labels.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some((file, found)) = version(path)? else {
        let text =
            format!("expected {CONFIG} and label files in {LABELS}, found none; choose the folder of the dataset");
        return Err(InterchangeError::content(text, path));
    };
    let text = files::read_text(&file)?;
    let config: Config = serde_json::from_str(&text).map_err(|why| {
        InterchangeError::content(format!("expected a list of labels, found {why}; correct it"), &file)
    })?;
    if config.labels.len() > MOST {
        let text = format!(
            "expected at most {MOST} labels, found {}; shorten the list",
            config.labels.len()
        );
        return Err(InterchangeError::content(text, &file));
    }
    let mut readable: Vec<&str> = config.labels.iter().map(|label| label.readable.as_str()).collect();
    readable.sort_unstable();
    let is_clear =
        readable.first().is_some_and(|name| !name.is_empty()) && readable.windows(2).all(|pair| pair[0] != pair[1]);
    let numbered = (0..=u16::MAX).zip(&config.labels);
    let class = |(id, label): (u16, &Label)| LabelClass {
        id,
        name: if is_clear {
            label.readable.clone()
        } else {
            label.name.clone()
        },
        color: label.color,
    };
    let without: Vec<u16> = numbered
        .clone()
        .filter(|(_, label)| label.is_unlabelled())
        .map(|(value, _)| value)
        .collect();
    let own: LabelClasses = numbered
        .filter(|(_, label)| !label.is_unlabelled())
        .map(class)
        .collect();
    let (classes, mut values) = Values::named(&own, choices.classes.as_ref());
    for value in without {
        values = values.with_unlabelled(value);
    }
    PngReader::boxed(found, classes, Vec::new(), path, move |file| values.read(file))
}

/// The newest version in a folder that has labels: its file of classes, and the labels.
fn version(path: &Path) -> Result<Option<(PathBuf, Vec<LabelFile>)>, InterchangeError> {
    for (config, folder) in VERSIONS {
        let file = path.join(config);
        if !file.is_file() {
            continue;
        }
        let named = listed(path, ".png", ".png")?.into_iter().filter_map(|label| {
            let image = image_of(&label.image, folder)?;
            Some(LabelFile { image, ..label })
        });
        let found: Vec<LabelFile> = named.collect();
        if !found.is_empty() {
            return Ok(Some((file, found)));
        }
    }
    Ok(None)
}

/// The image of a file in a folder of labels: `training/images/a.png` of `training/labels/a.png`, and `a.png` of
/// `labels/a.png`.
fn image_of(below: &str, labels: &str) -> Option<String> {
    if let Some(name) = below.strip_prefix(&format!("{labels}/")) {
        return Some(name.to_owned());
    }
    let (split, name) = below.split_once(&format!("/{labels}/"))?;
    // The labels of other versions have folders of their own.
    let is_other = VERSIONS
        .iter()
        .any(|(_, other)| split.ends_with(&format!("/{}", other.trim_end_matches("/labels"))));
    (!is_other).then(|| format!("{split}/{IMAGES}/{name}"))
}

/// Writes `labels/NAME.png` (`SPLIT/labels/NAME.png` for images `SPLIT/images/NAME`) and `config.json`. A value is the
/// place of the class in the order of ids; the last one is for pixels without a class.
///
/// # Errors
/// When there are more than 255 classes, or the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    check_count(classes, out)?;
    let numbered = without_gaps(classes, 0);
    let unlabelled = numbered.len().min(usize::from(UNLABELLED_BYTE)) as u16;
    let label = |name: &str, readable: &str, color| Label {
        name: name.to_owned(),
        readable: readable.to_owned(),
        color,
        instances: false,
        evaluate: true,
    };
    let labels = numbered
        .iter()
        .map(|(_, class)| label(&class.name, &class.name, class.color));
    let none = Label {
        evaluate: false,
        ..label(UNLABELED[0], UNLABELED[1], [0; 3])
    };
    let config = Config {
        labels: labels.chain([none]).collect(),
    };
    let lost: Vec<u16> = numbered
        .iter()
        .filter(|(_, class)| UNLABELED.contains(&class.name.as_str()))
        .map(|(_, class)| class.id)
        .collect();
    let file = out.join(CONFIG);
    let text =
        serde_json::to_string_pretty(&config).map_err(|why| InterchangeError::content(why.to_string(), &file))?;
    let colors: Vec<_> = numbered.iter().map(|(value, class)| (*value, class.color)).collect();
    let values = numbered
        .iter()
        .map(|(value, class)| (class.id, *value))
        .chain([(UNLABELLED, unlabelled)]);
    let writer = PngWriter::new(out, place, Pixels::indexed(values, &colors))?.losing(lost);
    Ok(Box::new(
        writer.finishing(move |_| files::replace(&file, text.as_bytes())),
    ))
}

fn place(out: &Path, name: &str) -> Result<PathBuf, InterchangeError> {
    let path = files::name_below(Path::new(""), &files::safe(name)?);
    let folder = format!("/{IMAGES}/");
    match path.split_once(&folder) {
        Some((split, name)) => files::place(out, &format!("{split}/{LABELS}/{name}"), ".png"),
        None => files::place(&out.join(LABELS), &path, ".png"),
    }
}

/// Whether a folder has a file of classes as the dataset has.
pub fn is(path: &Path) -> bool {
    let files = VERSIONS
        .iter()
        .map(|(config, _)| path.join(config))
        .filter(|file| file.is_file());
    let has = |bytes: &[u8], key: &[u8]| bytes.windows(key.len()).any(|window| window == key);
    let begins = |file: PathBuf| {
        let bytes = files::first_bytes(&file, 16 << 10).unwrap_or_default();
        has(&bytes, b"\"labels\"") && has(&bytes, b"\"readable\"")
    };
    files.into_iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;
    use crate::labels::LabelPng;

    fn put(folder: &Path, name: &str, ids: &[u16]) {
        let indexed = LabelPng {
            bits: 8,
            palette: Some(vec![7; 768]),
        };
        files::replace(
            &folder.join(name),
            &indexed.encode([ids.len(), 1], ids).expect("a file"),
        )
        .expect("written");
    }

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }

    #[test]
    fn the_newest_version_is_read_and_repeated_colours_are_fine() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = |names: [&str; 3]| {
            let label = |name: &str| {
                format!(r#"{{"color":[255,255,255],"readable":"{name}","name":"x--{name}","evaluate":true}}"#)
            };
            format!(
                r#"{{"mapping":"x","version":1,"labels":[{}]}}"#,
                names.map(label).join(",")
            )
        };
        std::fs::write(
            folder.path().join("config_v1.2.json"),
            config(["Bird", "Curb", "Unlabeled"]),
        )
        .expect("written");
        std::fs::write(
            folder.path().join("config_v2.0.json"),
            config(["Bird", "Unlabeled", "Wall"]),
        )
        .expect("written");
        put(folder.path(), "training/v1.2/labels/a.png", &[0, 1, 2]);
        put(folder.path(), "training/v2.0/labels/a.png", &[0, 1, 2]);
        put(folder.path(), "training/images/a.png", &[9]);
        assert!(is(folder.path()));
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.names(), ["training/images/a.png"]);
        assert_eq!(reader.read(0).expect("an image").labels.ids, [0, UNLABELLED, 2]);
        assert_eq!(reader.classes().get(2).map(|class| class.name.as_str()), Some("Wall"));
        std::fs::remove_file(folder.path().join("config_v2.0.json")).expect("removed");
        let mut reader = open(folder.path(), &ReadChoices::default()).expect("a reader");
        assert_eq!(reader.read(0).expect("an image").labels.ids, [0, 1, UNLABELLED]);
        put(folder.path(), "training/v1.2/labels/a.png", &[3]);
        assert!(reader.read(0).is_err());
        std::fs::write(folder.path().join("config_v1.2.json"), "{\"labels\": [1]}").expect("written");
        assert!(open(folder.path(), &ReadChoices::default()).is_err());
    }

    #[test]
    fn labels_lie_beside_images() {
        let place = |name| place(Path::new("o"), name).expect("a place");
        assert_eq!(place("training/images/a.jpg"), Path::new("o/training/labels/a.png"));
        assert_eq!(place("val/a.jpg"), Path::new("o/labels/val/a.png"));
        assert_eq!(image_of("labels/val/a.png", LABELS).as_deref(), Some("val/a.png"));
        assert_eq!(image_of("training/v1.2/labels/a.png", LABELS), None);
    }
}
