//! `cvat`: "CVAT for images 1.1", one `annotations.xml` with masks as runs inside a box.

mod read;
mod write;

use std::fs;
use std::path::{Path, PathBuf};

pub use read::open;
pub use write::create;

use crate::interchange::files;

/// Usual name of the file.
const FILE: &str = "annotations.xml";

/// The XML file that a path names: itself, or in a folder `annotations.xml` or the only one of its kind, as datumaro names
/// the file by its subset.
fn file_in(path: &Path) -> Option<PathBuf> {
    if !path.is_dir() {
        return begins_as_one(path).then(|| path.to_owned());
    }
    let usual = path.join(FILE);
    if begins_as_one(&usual) {
        return Some(usual);
    }
    let listed = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_one = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "xml") && begins_as_one(file);
    let mut found = listed.filter(is_one);
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// Whether a file begins as CVAT's do.
fn begins_as_one(file: &Path) -> bool {
    files::first_bytes(file, 4 << 10).is_some_and(|begin| String::from_utf8_lossy(&begin).contains("<annotations"))
}

/// Whether a path names such a file.
pub fn is(path: &Path) -> bool {
    file_in(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::{LabelWriter, LabelledImage, ReadChoices, sample};
    use crate::labels::LabelMap;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }

    fn read(text: &str) -> Result<LabelMap, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE);
        fs::write(&file, text).expect("written");
        let mut reader = open(&file, &ReadChoices::default()).map_err(|why| why.to_string())?;
        let image = reader.read(0).map_err(|why| why.to_string())?;
        Ok(image.labels)
    }

    fn file(shapes: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations><version>1.1</version><meta><task><labels>\
             <label><name>road</name><color>#804080</color></label><label><name>a &amp; b</name></label></labels></task></meta>\
             <image id=\"0\" name=\"a.png\" width=\"6\" height=\"5\">{shapes}</image></annotations>"
        )
    }

    #[test]
    fn masks_boxes_and_polygons_are_read_in_their_order() {
        let mask = "<mask label=\"road\" rle=\"0, 4, 1, 4\" left=\"2\" top=\"1\" width=\"3\" height=\"3\" z_order=\"0\"></mask>";
        let map = read(&file(mask)).expect("a map");
        let rows: Vec<String> = map
            .ids
            .chunks(6)
            .map(|row| row.iter().map(|id| if *id == 0 { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(rows, ["......", "..###.", "..#.#.", "..###.", "......"]);
        // The polygon is written later, but lies below.
        let above = "<box label=\"a &amp; b\" xtl=\"0\" ytl=\"0\" xbr=\"2\" ybr=\"1\" z_order=\"1\"/>\
                     <polygon label=\"road\" points=\"0.00,0.00;3.00,0.00;3.00,2.00;0.00,2.00\" z_order=\"0\"/>";
        let map = read(&file(above)).expect("a map");
        assert_eq!(map.ids[..6], [1, 1, 0, u16::MAX, u16::MAX, u16::MAX]);
        assert_eq!(map.ids[6..9], [0, 0, 0]);
    }

    #[test]
    fn damaged_files_are_refused() {
        let mask = |rle: &str, width: u32| {
            file(&format!(
                "<mask label=\"road\" rle=\"{rle}\" left=\"2\" top=\"1\" width=\"{width}\" height=\"3\"></mask>"
            ))
        };
        for text in [
            mask("0, 4, 1", 3),
            mask("0, 4, 1, 400000000000", 3),
            mask("0, -4, 1, 4", 3),
            mask("0, 4, 1, 4", 5),
            file("<mask label=\"sky\" rle=\"9\" left=\"0\" top=\"0\" width=\"3\" height=\"3\"></mask>"),
            file("<polygon label=\"road\" points=\"1,2;nan,3;4,5\"/>"),
            file("<polygon label=\"&big;\" points=\"1,2;2,3;4,5\"/>"),
            file("").replace("width=\"6\"", "width=\"600000000\""),
            file("").replace("a.png", "../a.png"),
            file("").replace("</image>", ""),
        ] {
            read(&text).expect_err(&text);
        }
    }

    #[test]
    fn a_mask_is_written_as_runs_in_its_box() {
        let folder = tempfile::tempdir().expect("a folder");
        let classes = sample::classes();
        let mut writer: Box<dyn LabelWriter> = create(folder.path(), &classes, &Default::default()).expect("a writer");
        let mut labels = LabelMap {
            width: 6,
            height: 5,
            ids: vec![u16::MAX; 30],
        };
        for place in [8, 9, 10, 14, 16, 20, 21, 22] {
            labels.ids[place] = 3;
        }
        let name = "val/ä \"1\".png".to_owned();
        writer.write(&LabelledImage { name, labels }).expect("written");
        writer.finish().expect("finished");
        let text = fs::read_to_string(folder.path().join(FILE)).expect("a file");
        assert!(
            text.contains("rle=\"0, 4, 1, 4\" left=\"2\" top=\"1\" width=\"3\" height=\"3\""),
            "{text}"
        );
        assert!(text.contains("name=\"val/ä &quot;1&quot;.png\""), "{text}");
    }
}
