//! The legend of colour maps: `classes.json`, as the exports of colour maps have it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::annotate::UNLABELLED;
use crate::interchange::colors::TOLERANCE;
use crate::interchange::{InterchangeError, LabelClass, LabelClasses, files};
use crate::labels::ClassSet;

/// The file that is written.
pub(super) const LEGEND: &str = "classes.json";

/// Names of files that are read, the first one that is there.
const LEGENDS: [&str; 3] = [LEGEND, "legend.toml", "classes.toml"];

/// Colours offered for unlabelled pixels: black, white, and others that catch the eye.
const FREE: [[u8; 3]; 6] = [[0; 3], [255; 3], [255, 0, 255], [0, 255, 255], [255, 255, 0], [32; 3]];

/// Classes, and the colour of unlabelled pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Legend {
    pub(super) classes: LabelClasses,
    pub(super) unlabelled: Option<[u8; 3]>,
}

#[derive(Deserialize)]
struct Written {
    classes: Vec<WrittenClass>,
    #[serde(default)]
    unlabelled: Option<Unlabelled>,
}

#[derive(Deserialize)]
struct WrittenClass {
    name: String,
    #[serde(default)]
    id: Option<u16>,
    #[serde(default)]
    color: Option<Color>,
    /// Of projects.
    #[serde(default)]
    deleted: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Color {
    Parts([u8; 3]),
    Hex(String),
}

/// The colour of unlabelled pixels; class-set files have a value of index files there.
#[derive(Deserialize)]
#[serde(untagged)]
enum Unlabelled {
    Color(Color),
    Value(#[expect(dead_code, reason = "read to be left aside")] u16),
}

impl Legend {
    /// The legend of a folder: in it or in the one above, where exports have theirs.
    pub(super) fn file_of(folder: &Path) -> Option<PathBuf> {
        let folders = [Some(folder), folder.parent()];
        let all = folders
            .into_iter()
            .flatten()
            .flat_map(|folder| LEGENDS.map(|name| folder.join(name)));
        all.into_iter().find(|file| file.is_file())
    }

    /// Reads a legend in JSON or in the form of a class-set file.
    ///
    /// # Errors
    /// When it has no classes, or two with one id.
    pub(super) fn open(path: &Path) -> Result<Self, InterchangeError> {
        let text = files::read_text(path)?;
        let is_json = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let written: Result<Written, String> = match is_json {
            true => serde_json::from_str(&text).map_err(|why| why.to_string()),
            false => toml::from_str(&text).map_err(|why| why.message().to_owned()),
        };
        written.and_then(Self::of).map_err(|why| {
            let text = format!("expected a legend (classes with name, color and id), found {why}; correct it");
            InterchangeError::content(text, path)
        })
    }

    fn of(written: Written) -> Result<Self, String> {
        let count = written.classes.len();
        if !(1..usize::from(UNLABELLED)).contains(&count) {
            return Err(format!("{count} classes"));
        }
        let usual = ClassSet::numbered(count);
        let mut classes = LabelClasses::default();
        for (place, class) in (0..).zip(written.classes) {
            let id = class.id.unwrap_or(place);
            let color = match class.color {
                Some(color) => color.parts()?,
                None => usual.color(place),
            };
            let name = class.name;
            let listed = class.deleted || (id != UNLABELLED && classes.add(LabelClass { id, name, color }));
            if !listed {
                return Err(format!("the id {id} twice, or one that is too large"));
            }
        }
        let unlabelled = match written.unlabelled {
            Some(Unlabelled::Color(color)) => Some(color.parts()?),
            _ => None,
        };
        Ok(Self { classes, unlabelled })
    }

    /// For writing: classes, and a colour for unlabelled pixels that is far from theirs.
    ///
    /// # Errors
    /// When two classes have one colour; the text says which.
    pub(super) fn for_writing(classes: &LabelClasses) -> Result<Self, String> {
        for class in classes.iter() {
            let [r, g, b] = class.color;
            let first = classes.colored(class.color).filter(|first| first.id != class.id);
            if let Some(first) = first {
                let (first, second) = (&first.name, &class.name);
                return Err(format!(
                    "expected a colour for each class, found #{r:02x}{g:02x}{b:02x} for {first} and {second}; change one"
                ));
            }
        }
        let unlabelled = free_color(classes).ok_or("expected a colour that no class has, found none; use ids")?;
        Ok(Self {
            classes: classes.clone(),
            unlabelled: Some(unlabelled),
        })
    }

    /// The file, one class per line.
    pub(super) fn json(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let line = |class: &LabelClass| {
            let [red, green, blue] = class.color;
            let (id, name) = (class.id, quoted(&class.name));
            format!("    {{ \"id\": {id}, \"name\": {name}, \"color\": [{red}, {green}, {blue}] }}")
        };
        let lines: Vec<String> = self.classes.iter().map(line).collect();
        let [red, green, blue] = self.unlabelled.unwrap_or_default();
        format!(
            "{{\n  \"data_set\": \"labels\",\n  \"unlabelled\": [{red}, {green}, {blue}],\n  \"classes\": [\n{}\n  ]\n}}\n",
            lines.join(",\n")
        )
    }
}

impl Color {
    fn parts(self) -> Result<[u8; 3], String> {
        let text = match self {
            Self::Parts(parts) => return Ok(parts),
            Self::Hex(text) => text,
        };
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let plain = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = plain.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| format!("the color {text:?} instead of one like #804080"))?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok([red, green, blue])
    }
}

/// A colour that no class has, black if that is far from all.
fn free_color(classes: &LabelClasses) -> Option<[u8; 3]> {
    let nearest = |color: [u8; 3]| {
        let far = |class: &LabelClass| {
            (0..3)
                .map(|i: usize| class.color[i].abs_diff(color[i]))
                .max()
                .unwrap_or(0)
        };
        classes.iter().map(far).min().unwrap_or(u8::MAX)
    };
    let usual = FREE.into_iter().find(|color| nearest(*color) > 2 * TOLERANCE);
    usual.or_else(|| {
        // A grid of colours, of which the farthest one is taken.
        let grid = (0..16u32.pow(3)).map(|at| [at / 256, at / 16 % 16, at % 16].map(|part| (part * 17) as u8));
        let farthest = grid.max_by_key(|color| nearest(*color));
        farthest.filter(|color| nearest(*color) > 0)
    })
}
