//! The interface of a project: labels with colours and, as `category`, ids.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};

use crate::annotate::UNLABELLED;
use crate::interchange::{InterchangeError, LabelClass, LabelClasses, files, hex};
use crate::labels::ClassSet;

/// Largest configuration in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Text of a configuration with a brush for each class.
pub(super) fn text(classes: &LabelClasses) -> String {
    let mut text = String::from("<View>\n  <Image name=\"image\" value=\"$image\" zoom=\"true\"/>\n");
    text.push_str("  <BrushLabels name=\"tag\" toName=\"image\">\n");
    for class in classes.iter() {
        let (name, color) = (escape(class.name.as_str()), hex::of_color(class.color));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "    <Label value=\"{name}\" background=\"{color}\" category=\"{}\"/>",
            class.id
        );
    }
    text.push_str("  </BrushLabels>\n</View>\n");
    text
}

/// The configuration in a folder: the only XML file with labels.
pub(super) fn in_folder(folder: &Path) -> Option<PathBuf> {
    let listed = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_one = |file: &PathBuf| {
        let begins = || files::first_bytes(file, 64 << 10).unwrap_or_default();
        file.extension().is_some_and(|ending| ending == "xml") && String::from_utf8_lossy(&begins()).contains("<View")
    };
    let mut found: Vec<_> = listed.filter(is_one).collect();
    if found.len() == 1 { found.pop() } else { None }
}

/// Classes of a configuration, and whether ids are those of `category` instead of places in the list.
///
/// # Errors
/// When the file is no XML.
pub(super) fn read(path: &Path) -> Result<(LabelClasses, bool), InterchangeError> {
    let size = std::fs::metadata(path).map_err(InterchangeError::read(path))?.len();
    if size > MAX_BYTES {
        let text = format!("expected a configuration of at most {MAX_BYTES} bytes, found {size}; choose another file");
        return Err(InterchangeError::content(text, path));
    }
    let text = files::read_text(path)?;
    let labels = labels_of(&text).map_err(|why| {
        let text = format!("expected the interface of a project in XML, found {why}; copy it again from the project");
        InterchangeError::content(text, path)
    })?;
    Ok(classes_of(&labels))
}

struct Label {
    name: String,
    color: Option<[u8; 3]>,
    id: Option<u16>,
}

/// Labels of all controls; of those with the same name the first.
fn labels_of(text: &str) -> Result<Vec<Label>, String> {
    let mut reader = Reader::from_str(text);
    let mut labels: Vec<Label> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    loop {
        match reader.read_event().map_err(|why| why.to_string())? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == b"Label" => {
                let label = label_of(&tag)?;
                if seen.insert(label.name.clone()) {
                    labels.push(label);
                }
            }
            Event::Eof => return Ok(labels),
            _ => {}
        }
    }
}

fn label_of(tag: &BytesStart<'_>) -> Result<Label, String> {
    let (mut name, mut alias, mut color, mut id) = (None, None, None, None);
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|why| why.to_string())?;
        let bytes = std::str::from_utf8(&attribute.value).map_err(|why| why.to_string())?;
        let value = quick_xml::escape::unescape(bytes).map_err(|why| why.to_string())?;
        match attribute.key.as_ref() {
            b"value" => name = Some(value.into_owned()),
            b"alias" => alias = Some(value.into_owned()),
            b"background" => color = hex::color(&value),
            b"category" => id = value.trim().parse().ok().filter(|id| *id < UNLABELLED),
            _ => {}
        }
    }
    // Where a label has an alias, regions have the alias.
    let name = alias.or(name).ok_or("a label without value")?;
    Ok(Label { name, color, id })
}

fn classes_of(labels: &[Label]) -> (LabelClasses, bool) {
    let ids: std::collections::HashSet<_> = labels.iter().filter_map(|label| label.id).collect();
    let have_ids = ids.len() == labels.len();
    let colors = ClassSet::numbered(labels.len().min(1024));
    let numbered = (0..UNLABELLED).zip(labels);
    let class = |(place, label): (u16, &Label)| LabelClass {
        id: label.id.filter(|_| have_ids).unwrap_or(place),
        name: label.name.clone(),
        color: label.color.unwrap_or_else(|| colors.color(place % 1024)),
    };
    (numbered.map(class).collect(), have_ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn classes_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.xml");
        std::fs::write(&path, text(&sample::classes())).unwrap();
        assert_eq!(in_folder(folder.path()), Some(path.clone()));
        assert_eq!(read(&path).unwrap(), (sample::classes(), true));
    }

    #[test]
    fn ids_are_places_where_categories_are_missing_or_repeat() {
        let text = r#"<View><Image name="i" value="$image"/><PolygonLabels name="p" toName="i">
            <Label value="road" category="4"/><Label value="x" alias="sky" background="red">?</Label></PolygonLabels>
            <BrushLabels name="b" toName="i"><Label value="road" category="5"/></BrushLabels></View>"#;
        let (classes, have_ids) = classes_of(&labels_of(text).unwrap());
        let found: Vec<_> = classes.iter().map(|class| (class.id, class.name.as_str())).collect();
        assert_eq!(found, [(0, "road"), (1, "sky")]);
        assert!(!have_ids);
        for text in [
            "<View><Label/></View>",
            "<View><Label value='&x;'/></View>",
            "<View></Viw>",
            "<View><Label value=",
        ] {
            assert!(labels_of(text).is_err(), "{text}");
        }
    }
}
