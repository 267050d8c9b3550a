//! `svg`: a drawing for each image, with a path along the pixel edges of each class. It shows exactly the labels at
//! the size of the image. It is only written.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use quick_xml::escape::escape;

use crate::interchange::outline_writer::{OutlineWriter, Shape};
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices, hex};

/// Writes `NAME.svg` for each image. Each path has its class as `data-class-id`, and the name as title.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    OutlineWriter::create(out, classes, choices, ".svg", text)
}

fn text(image: &LabelledImage, shapes: &[Shape<'_>]) -> io::Result<String> {
    let (width, height) = (image.labels.width, image.labels.height);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" shape-rendering=\"crispEdges\">\n<title>{}</title>\n",
        escaped(&image.name)
    );
    for Shape { class, parts } in shapes {
        let (color, id, name) = (hex::of_color(class.color), class.id, escaped(&class.name));
        let rings = parts
            .iter()
            .flat_map(|part| std::iter::once(&part.outer).chain(&part.holes));
        let mut path = String::new();
        rings.for_each(|ring| append(ring, &mut path));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "<path fill=\"{color}\" fill-rule=\"evenodd\" data-class-id=\"{id}\" d=\"{path}\"><title>{name}</title></path>"
        );
    }
    text.push_str("</svg>\n");
    Ok(text)
}

/// Appends a ring, whose edges are horizontal and vertical in turn.
fn append(ring: &[[u32; 2]], path: &mut String) {
    let Some([mut x, mut y]) = ring.first().copied() else {
        return;
    };
    let _ = write!(path, "M{x} {y}");
    for corner in ring.iter().skip(1) {
        let _ = match corner {
            [right, down] if *down == y => write!(path, "H{right}"),
            [right, down] if *right == x => write!(path, "V{down}"),
            [right, down] => write!(path, "L{right} {down}"),
        };
        [x, y] = *corner;
    }
    path.push('z');
}

/// Text for XML. Control characters are not allowed there, not even escaped.
fn escaped(text: &str) -> String {
    let allowed = |sign: char| !sign.is_control() && !matches!(sign, '\u{fffe}' | '\u{ffff}');
    let plain: String = text
        .chars()
        .map(|sign| {
            if allowed(sign) {
                sign
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect();
    escape(plain.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::{BytesStart, Event};

    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::sample;
    use crate::labels::LabelMap;

    fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
        let found = tag.try_get_attribute(name).unwrap().unwrap();
        String::from_utf8(found.value.into_owned()).unwrap()
    }

    /// Rings of a path that has only the commands that [`append`] writes.
    fn rings(path: &str) -> Vec<Vec<[i64; 2]>> {
        let ring = |text: &str| {
            let mut corners: Vec<[i64; 2]> = Vec::new();
            let starts: Vec<_> = text.char_indices().filter(|(_, sign)| sign.is_alphabetic()).collect();
            for (place, (start, sign)) in starts.iter().enumerate() {
                let end = starts.get(place + 1).map_or(text.len(), |(end, _)| *end);
                let numbers: Vec<i64> = text[start + 1..end]
                    .split(' ')
                    .map(|number| number.parse().unwrap())
                    .collect();
                let last = corners.last().copied();
                corners.push(match sign {
                    'H' => [numbers[0], last.unwrap()[1]],
                    'V' => [last.unwrap()[0], numbers[0]],
                    _ => [numbers[0], numbers[1]],
                });
            }
            corners
        };
        path.split_terminator('z').map(ring).collect()
    }

    /// Whether the middle of a pixel is inside by the even-odd rule.
    fn inside(rings: &[Vec<[i64; 2]>], x: i64, y: i64) -> bool {
        let crosses = |ring: &Vec<[i64; 2]>| {
            let edges = ring.iter().zip(ring.iter().cycle().skip(1));
            edges
                .filter(|([x0, y0], [_, y1])| *x0 <= x && (*y0 <= y) != (*y1 <= y))
                .count()
        };
        rings.iter().map(crosses).sum::<usize>() % 2 == 1
    }

    fn read(text: &str) -> (LabelMap, Vec<String>) {
        let mut reader = Reader::from_str(text);
        let mut labels = LabelMap {
            width: 0,
            height: 0,
            ids: Vec::new(),
        };
        let mut titles = vec![String::new()];
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) if tag.name().as_ref() == b"svg" => {
                    let side = |name| attribute(&tag, name).parse().unwrap();
                    [labels.width, labels.height] = [side("width"), side("height")];
                    labels.ids = vec![UNLABELLED; labels.width * labels.height];
                }
                Event::Start(tag) if tag.name().as_ref() == b"path" => {
                    let class: u16 = attribute(&tag, "data-class-id").parse().unwrap();
                    let rings = rings(&attribute(&tag, "d"));
                    for place in 0..labels.ids.len() {
                        let [x, y] = [place % labels.width, place / labels.width].map(|at| at as i64);
                        if inside(&rings, x, y) {
                            assert_eq!(labels.ids[place], UNLABELLED);
                            labels.ids[place] = class;
                        }
                    }
                }
                Event::End(tag) if tag.name().as_ref() == b"title" => titles.push(String::new()),
                Event::Text(piece) => titles.last_mut().unwrap().push_str(&String::from_utf8_lossy(&piece)),
                Event::GeneralRef(name) => {
                    titles
                        .last_mut()
                        .unwrap()
                        .push_str(&format!("&{};", String::from_utf8_lossy(&name)));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        (labels, titles)
    }

    #[test]
    fn every_map_comes_back() {
        for parts in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let choices = WriteChoices { images: None, parts };
            let mut writer = create(folder.path(), &sample::classes(), &choices).unwrap();
            for (index, labels) in sample::maps(&[1, 3, 4, 9, 200], 25).into_iter().enumerate() {
                let name = format!("val/<{index}> &.jpg");
                writer
                    .write(&LabelledImage {
                        name,
                        labels: labels.clone(),
                    })
                    .unwrap();
                let path = folder.path().join(format!("val/<{index}> &.svg"));
                let (found, titles) = read(&std::fs::read_to_string(path).unwrap());
                assert_eq!(found, labels);
                assert!(
                    titles[0].ends_with(&format!("val/&lt;{index}&gt; &amp;.jpg")),
                    "{titles:?}"
                );
                if labels.ids.contains(&3) {
                    assert!(
                        titles.iter().any(|title| title.trim() == "\u{8f66} &amp; &lt;sky&gt;"),
                        "{titles:?}"
                    );
                }
            }
            writer.finish().unwrap();
        }
    }

    #[test]
    fn rings_are_short() {
        let labels = LabelMap {
            width: 3,
            height: 3,
            ids: vec![1, 1, 1, 1, 9, 1, 1, 1, 1],
        };
        let name = "a\u{1}.png".to_owned();
        let folder = tempfile::tempdir().unwrap();
        let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
        writer
            .write(&LabelledImage {
                name,
                labels: labels.clone(),
            })
            .unwrap();
        let text = std::fs::read_to_string(folder.path().join("a\u{1}.svg")).unwrap();
        assert!(text.contains("d=\"M0 0H3V3H0z"), "{text}");
        assert!(
            text.contains("data-class-id=\"9\" d=\"M1 1H2V2H1z\"><title>car</title>"),
            "{text}"
        );
        assert!(text.contains("<title>a\u{fffd}.png</title>"), "{text}");
        for name in ["a\u{1}.jpg", "../a.png"] {
            assert!(
                writer
                    .write(&LabelledImage {
                        name: name.into(),
                        labels: labels.clone()
                    })
                    .is_err()
            );
        }
    }
}
