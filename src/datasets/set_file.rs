//! Custom class sets, read from a file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::reader::{data_set_of, usual_rules};
use super::{TruthRules, table};
use crate::labels::{Class, ClassSet};

/// A custom class set, and how the ids in its label maps are read.
///
/// ```toml
/// name = "my streets"
/// ignore = [255]           # ids of pixels without a class
/// zero-is-ignored = false  # whether 0 is one of them, and other ids are one more than their class
///
/// [[classes]]              # by id, from 0
/// name = "road"
/// color = "#804080"
/// ```
///
/// The `project.toml` of an annotation project is such a file, too: its classes have an `id` each, which is their place
/// where there is none, and may have a `key` and be `locked` or `deleted`; `unlabelled` is one of the ignored ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFile {
    /// Names and colours of the classes.
    pub set: ClassSet,
    /// How label maps are read.
    pub rules: TruthRules,
}

/// Why a class set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SetFileError {
    /// The file cannot be read.
    #[error("cannot read the class set ({0}): {path}", path = .1.display())]
    Read(std::io::Error, PathBuf),
    /// There is no class set with this name.
    #[error("set: expected one of {known} or a .toml file, found {0}", known = table::keys())]
    Unknown(String),
    /// The file has other content.
    #[error("expected a class set (name, and [[classes]] with name and color), found: {why}: {path}", path = .path.display())]
    Content {
        /// What is wrong.
        why: String,
        /// The file.
        path: PathBuf,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    ignore: Option<Vec<u16>>,
    #[serde(default)]
    zero_is_ignored: Option<bool>,
    /// The value of unlabelled pixels in a project.
    #[serde(default)]
    unlabelled: Option<u16>,
    classes: Vec<WrittenClass>,
    /// What else a project has.
    #[serde(default, rename = "schema")]
    _schema: Option<u32>,
    #[serde(default, rename = "labels")]
    _labels: Option<String>,
    #[serde(default, rename = "rewriting")]
    _rewriting: Option<Vec<u16>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClass {
    name: String,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    id: Option<u16>,
    #[serde(default)]
    deleted: bool,
    #[serde(default, rename = "key")]
    _key: Option<String>,
    #[serde(default, rename = "locked")]
    _locked: bool,
}

impl SetFile {
    /// Whether the name of a set is a file name.
    pub fn is_one(name: &str) -> bool {
        name.ends_with(".toml")
    }

    /// The built-in set with this name, or the set in this file with its rules.
    ///
    /// # Errors
    /// When there is no such set, or the file cannot be read or is not a class set.
    pub fn named(name: &str) -> Result<(ClassSet, Option<TruthRules>), SetFileError> {
        if Self::is_one(name) {
            let file = Self::open(name.as_ref())?;
            return Ok((file.set, Some(file.rules)));
        }
        let known = table::classes_of(name).ok_or_else(|| SetFileError::Unknown(name.to_owned()))?;
        Ok((known, None))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a class set.
    pub fn open(path: &Path) -> Result<Self, SetFileError> {
        let text = std::fs::read_to_string(path).map_err(|why| SetFileError::Read(why, path.into()))?;
        Self::parse(&text).map_err(|why| SetFileError::Content { why, path: path.into() })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut written: Written = toml::from_str(text).map_err(|why| why.message().to_owned())?;
        let count = written.classes.len();
        if !(1..=1024).contains(&count) {
            return Err(format!("{count} classes instead of 1 to 1024"));
        }
        written.classes = by_id(written.classes)?;
        if let Some(unlabelled) = written.unlabelled {
            written.ignore.get_or_insert_default().push(unlabelled);
        }
        // Classes without a colour get that of numbered classes.
        let usual = ClassSet::numbered(count);
        let class = |(id, class): (usize, WrittenClass)| {
            let color = match class.color {
                Some(text) => color_of(&text).ok_or_else(|| format!("the color {text} instead of one like #804080"))?,
                None => usual.classes.get(id).map_or([0; 3], |class| class.color),
            };
            let deleted = if class.deleted { " (deleted)" } else { "" };
            Ok(Class {
                name: class.name + deleted,
                color,
            })
        };
        let classes = written.classes.into_iter().enumerate().map(class);
        let set = ClassSet {
            classes: classes.collect::<Result<_, String>>()?,
            name: written.name,
            guessed: false,
        };
        let usual = usual_rules(data_set_of(&set), count);
        let rules = TruthRules {
            ignored: written.ignore.unwrap_or(usual.ignored.clone()),
            zero_is_ignored: written.zero_is_ignored.unwrap_or(usual.zero_is_ignored),
            ..usual
        };
        Ok(Self { set, rules })
    }
}

/// Classes in the order of their ids, which must be those from 0 on.
fn by_id(classes: Vec<WrittenClass>) -> Result<Vec<WrittenClass>, String> {
    let mut numbered: Vec<(usize, WrittenClass)> = classes
        .into_iter()
        .enumerate()
        .map(|(place, class)| (class.id.map_or(place, usize::from), class))
        .collect();
    numbered.sort_by_key(|(id, _)| *id);
    for (expected, (id, class)) in numbered.iter().enumerate() {
        if *id != expected {
            return Err(format!("id {id} of {} instead of {expected}", class.name));
        }
    }
    Ok(numbered.into_iter().map(|(_, class)| class).collect())
}

/// Parses a colour such as `#804080`.
fn color_of(text: &str) -> Option<[u8; 3]> {
    let digits = text
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let channel = |i: usize| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok();
    Some([channel(0)?, channel(1)?, channel(2)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_colours_and_rules_are_read() {
        let text = "name = \"mine\"\nignore = [9]\nzero-is-ignored = true\n[[classes]]\nname = \"road\"\ncolor = \"#804080\"\n\
                    [[classes]]\nname = \"rest\"\n";
        let file = SetFile::parse(text).expect("a set");
        assert_eq!((file.set.name.as_str(), file.set.len()), ("mine", 2));
        assert_eq!(file.set.classes[0].color, [0x80, 0x40, 0x80]);
        assert_eq!(file.set.label(1), "rest");
        assert_eq!((file.rules.ignored, file.rules.zero_is_ignored), (vec![9], true));
        let wrong = |text: &str| SetFile::parse(text).expect_err("no set");
        assert!(wrong("name = \"mine\"\nclasses = []").contains("0 classes"));
        assert!(wrong("name = \"mine\"\n[[classes]]\nname = \"a\"\ncolor = \"red\"").contains("the color red"));
        assert!(wrong("[[classes]]\nname = \"a\"").contains("name"));
        let project = "schema = 1\nname = \"mine\"\nunlabelled = 255\n[[classes]]\nid = 1\nname = \"car\"\nkey = \"2\"\n\
                       [[classes]]\nid = 0\nname = \"road\"\nlocked = true\n[[classes]]\nid = 2\nname = \"a\"\ndeleted = true\n";
        let file = SetFile::parse(project).expect("a project");
        assert_eq!([0, 1, 2].map(|id| file.set.label(id)), ["road", "car", "a (deleted)"]);
        assert_eq!(file.rules.ignored, [255]);
        assert!(wrong("name = \"m\"\n[[classes]]\nid = 3\nname = \"a\"").contains("id 3 of a instead of 0"));
    }
}
