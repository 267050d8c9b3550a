//! Class colours from a file of another program.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Largest file that is read, in bytes: a palette has at most a few thousand lines.
const MOST_BYTES: u64 = 1 << 20;

/// Why a palette cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PaletteFileError {
    /// The file cannot be read.
    #[error("cannot read the palette ({0}): {path}", path = .1.display())]
    Read(std::io::Error, PathBuf),
    /// The file holds no colours.
    #[error(
        "expected names with colours (.toml, .json, .csv, or CVAT's labelmap.txt), found {found}: {path}",
        path = .path.display()
    )]
    Content {
        /// What was found.
        found: String,
        /// The file.
        path: PathBuf,
    },
}

/// Names of classes with their sRGB colours, in the order of the file.
///
/// Four formats are read, by the ending of the name:
/// - `.json`: a list of objects with `name` and `color`, at the top or under `classes`, `categories` or `labels`, or an
///   object of names with colours. COCO's categories and Segscope's `classes.json` are of this kind.
/// - `.toml`: the same in TOML, such as a class set of Segscope.
/// - `.csv`: a name with a colour in each line.
/// - `.txt`: CVAT's `labelmap.txt`, `name:r,g,b:parts:actions` in each line.
///
/// A colour is `#rrggbb` or three numbers of 0 to 255.
///
/// # Errors
/// When the file cannot be read, is larger than a mebibyte, or holds no colours.
pub fn palette_of_file(path: &Path) -> Result<Vec<(String, [u8; 3])>, PaletteFileError> {
    let failed = |why| PaletteFileError::Read(why, path.into());
    let content = |found: String| PaletteFileError::Content {
        found,
        path: path.into(),
    };
    if std::fs::metadata(path).map_err(failed)?.len() > MOST_BYTES {
        return Err(content("more than a mebibyte".into()));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let colors = match ending.as_str() {
        "json" => of_value(&serde_json::from_str(&text).map_err(|why| content(format!("no JSON ({why})")))?),
        "toml" => {
            let table: toml::Table = text.parse().map_err(|why| content(format!("no TOML ({why})")))?;
            let value = serde_json::to_value(table).map_err(|why| content(why.to_string()))?;
            of_value(&value)
        }
        "csv" => text.lines().filter_map(|line| of_line(line, ',')).collect(),
        _ => text.lines().filter_map(|line| of_line(line, ':')).collect(),
    };
    match colors.is_empty() {
        true => Err(content("none".into())),
        false => Ok(colors),
    }
}

/// The colours of a JSON document.
fn of_value(value: &Value) -> Vec<(String, [u8; 3])> {
    match value {
        Value::Array(entries) => entries.iter().filter_map(of_entry).collect(),
        Value::Object(object) => {
            let listed = ["classes", "categories", "labels"];
            if let Some(inner) = listed.iter().find_map(|key| object.get(*key)) {
                return of_value(inner);
            }
            let entry = |(name, value): (&String, &Value)| Some((name.clone(), color_of(value)?));
            object.iter().filter_map(entry).collect()
        }
        _ => Vec::new(),
    }
}

/// An object with a name and a colour.
fn of_entry(entry: &Value) -> Option<(String, [u8; 3])> {
    let name = entry.get("name").or_else(|| entry.get("readable"))?.as_str()?;
    Some((name.to_owned(), color_of(entry.get("color")?)?))
}

fn color_of(value: &Value) -> Option<[u8; 3]> {
    match value {
        Value::String(text) => hex(text),
        Value::Array(parts) => {
            let parts: Vec<u8> = parts
                .iter()
                .map(|part| u8::try_from(part.as_u64()?).ok())
                .collect::<Option<_>>()?;
            parts.try_into().ok()
        }
        _ => None,
    }
}

/// A name and a colour in one line; a comment or a heading has none.
fn of_line(line: &str, separator: char) -> Option<(String, [u8; 3])> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, rest) = line.split_once(separator)?;
    let rest = rest.trim().trim_matches('"');
    let color = hex(rest).or_else(|| {
        let color = rest.split(':').next()?;
        let parts: Vec<u8> = color
            .split([',', ' ', ';'])
            .filter(|part| !part.is_empty())
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()?;
        parts.try_into().ok()
    })?;
    Some((name.trim().trim_matches('"').to_owned(), color))
}

/// A colour such as `#804080`, with or without the sign.
fn hex(text: &str) -> Option<[u8; 3]> {
    let digits = text.trim().trim_start_matches('#');
    if digits.len() != 6 || !digits.is_ascii() {
        return None;
    }
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<(String, [u8; 3])>, PaletteFileError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        palette_of_file(&path)
    }

    #[test]
    fn four_formats_give_the_same_colours() {
        let expected = [("road".to_owned(), [128, 64, 128]), ("tree".to_owned(), [0, 130, 7])];
        let files = [
            (
                "classes.json",
                r##"{"data_set": "x", "classes": [{"id": 0, "name": "road", "color": [128, 64, 128]},
                    {"id": 1, "name": "tree", "color": "#008207"}]}"##,
            ),
            ("plain.json", r##"{"road": "#804080", "tree": [0, 130, 7]}"##),
            (
                "set.toml",
                "name = \"x\"\n[[classes]]\nname = \"road\"\ncolor = \"#804080\"\n[[classes]]\nname = \"tree\"\n\
                 color = \"#008207\"\n",
            ),
            ("colors.csv", "name,r,g,b\nroad,128,64,128\n\"tree\",#008207\n"),
            (
                "labelmap.txt",
                "# label:color_rgb:parts:actions\nroad:128,64,128::\ntree:0,130,7::\n",
            ),
        ];
        for (name, text) in files {
            assert_eq!(read(name, text).expect(name), expected, "{name}");
        }
    }

    #[test]
    fn a_file_without_colours_is_refused_with_a_reason() {
        for (name, text) in [
            ("a.json", "[1, 2]"),
            ("a.json", "no json"),
            ("a.toml", "= ="),
            ("a.csv", "name,r,g,b\nroad,300,0,0\n"),
            ("labelmap.txt", ""),
            ("a.csv", "road,#80408ü"),
        ] {
            let why = read(name, text).expect_err(name).to_string();
            assert!(why.starts_with("expected names with colours"), "{why}");
        }
        let why = palette_of_file(Path::new("/none.csv")).expect_err("no file");
        assert!(why.to_string().starts_with("cannot read the palette"));
    }
}
