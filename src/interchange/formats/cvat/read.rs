//! Reads CVAT's XML, image by image.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use quick_xml::events::{BytesStart, Event};

use super::file_in;
use crate::annotate::UNLABELLED;
use crate::interchange::rle::cvat as runs;
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelledImage, ReadChoices, files, polygons,
};
use crate::labels::{ClassSet, LabelMap};

/// Where the element of an image lies in the file, and what its attributes say.
struct Image {
    offset: u64,
    bytes: u64,
    size: [u64; 2],
}

struct Reader {
    path: PathBuf,
    file: File,
    classes: LabelClasses,
    images: Vec<Image>,
    names: Vec<String>,
    /// Number of shapes without an area.
    left_out: u64,
}

/// Opens an XML file, or the one in a folder. Ids are the places of the labels in the task. Of each image, its
/// place in the file is kept.
///
/// # Errors
/// When the file is damaged, names no labels, or has images outside of a folder.
pub fn open(path: &Path, _: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(path) = file_in(path) else {
        let text = "expected CVAT's annotations.xml, found no such file; export the task as \"CVAT for images 1.1\"";
        return Err(InterchangeError::content(text, path));
    };
    let file = File::open(&path).map_err(InterchangeError::read(&path))?;
    let mut outline = Outline::default();
    outline
        .read(&file)
        .map_err(|why| InterchangeError::content(format!("{why}; export the task again"), &path))?;
    if outline.labels.is_empty() {
        let text = "expected labels in the part <meta>, found none; export the task again";
        return Err(InterchangeError::content(text, &path));
    }
    if outline.labels.len() >= usize::from(UNLABELLED) {
        let text = format!(
            "expected fewer than {UNLABELLED} labels, found {}; delete some",
            outline.labels.len()
        );
        return Err(InterchangeError::content(text, &path));
    }
    let numbered = ClassSet::numbered(outline.labels.len());
    let mut classes = LabelClasses::default();
    for (id, (name, color)) in (0..).zip(outline.labels) {
        let color = color.unwrap_or_else(|| numbered.color(id));
        if classes.named(&name).is_some() {
            let text = format!("expected labels with names of their own, found two named {name:?}; rename one");
            return Err(InterchangeError::content(text, &path));
        }
        classes.add(LabelClass { id, name, color });
    }
    for name in &outline.names {
        files::safe(name)?;
    }
    Ok(Box::new(Reader {
        path,
        file,
        classes,
        images: outline.images,
        names: outline.names,
        left_out: outline.left_out,
    }))
}

/// What is read when the file is opened.
#[derive(Default)]
struct Outline {
    labels: Vec<(String, Option<[u8; 3]>)>,
    images: Vec<Image>,
    names: Vec<String>,
    left_out: u64,
}

impl Outline {
    fn read(&mut self, file: &File) -> Result<(), String> {
        let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(1 << 20, file));
        let mut buffer = Vec::new();
        let mut within: Vec<Vec<u8>> = Vec::new();
        let mut begun = None;
        loop {
            buffer.clear();
            let before = reader.buffer_position();
            let event = reader.read_event_into(&mut buffer).map_err(|why| why.to_string())?;
            match event {
                Event::Start(start) => {
                    if start.name().as_ref() == b"image" {
                        begun = Some((before, self.image(&start)?));
                    }
                    self.count(&start);
                    if is_label(&within, start.name().as_ref()) {
                        self.labels.push((String::new(), None));
                    }
                    within.push(start.name().as_ref().to_owned());
                    if within.len() > 32 {
                        return Err("expected at most 32 nested elements, found more".into());
                    }
                }
                Event::Empty(start) if start.name().as_ref() == b"image" => {
                    let (name, size) = self.image(&start)?;
                    self.push(name, size, before, reader.buffer_position());
                }
                Event::Empty(start) => self.count(&start),
                Event::End(end) => {
                    within.pop();
                    if end.name().as_ref() == b"image"
                        && let Some((from, (name, size))) = begun.take()
                    {
                        self.push(name, size, from, reader.buffer_position());
                    }
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|why| why.to_string())?;
                    self.text(&within, &text);
                }
                // Names with & < > are given in parts.
                Event::GeneralRef(entity) => {
                    let name = entity.decode().map_err(|why| why.to_string())?;
                    let text = resolved(&name).ok_or_else(|| format!("expected a usual entity, found &{name};"))?;
                    self.text(&within, &text);
                }
                Event::Eof if within.is_empty() => return Ok(()),
                Event::Eof => return Err("expected the end of the elements, found the end of the file".into()),
                _ => {}
            }
        }
    }

    fn text(&mut self, within: &[Vec<u8>], text: &str) {
        let Some((last, above)) = within.split_last() else {
            return;
        };
        let in_label = above.split_last().is_some_and(|(label, above)| is_label(above, label));
        if let Some((name, color)) = self.labels.last_mut().filter(|_| in_label) {
            match &**last {
                b"name" => name.push_str(text),
                b"color" => *color = color_of(text.trim()),
                _ => {}
            }
        }
    }

    fn image(&self, start: &BytesStart<'_>) -> Result<(String, [u64; 2]), String> {
        let size = [number(start, "width")?, number(start, "height")?];
        Ok((attribute(start, "name")?, size))
    }

    fn push(&mut self, name: String, size: [u64; 2], offset: u64, end: u64) {
        self.names.push(name);
        let bytes = end - offset;
        self.images.push(Image { offset, bytes, size });
    }

    fn count(&mut self, start: &BytesStart<'_>) {
        let without_area: [&[u8]; 4] = [b"polyline", b"points", b"cuboid", b"skeleton"];
        self.left_out += u64::from(without_area.contains(&start.name().as_ref()));
    }
}

/// Whether an element is a label of the task: `labels/label`.
fn is_label(above: &[Vec<u8>], name: &[u8]) -> bool {
    name == b"label" && above.last().is_some_and(|last| last == b"labels")
}

/// The five entities of XML, and numbers of characters. Others are not replaced, so they cannot grow.
fn resolved(entity: &str) -> Option<String> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(String::from);
    }
    quick_xml::escape::resolve_predefined_entity(entity).map(str::to_owned)
}

fn color_of(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some([r, g, b])
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<String, String> {
    let element = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let found = start.try_get_attribute(name).map_err(|why| why.to_string())?;
    let found = found.ok_or_else(|| format!("expected the attribute {name} of <{element}>, found none"))?;
    let value = found
        .normalized_value(quick_xml::XmlVersion::Implicit1_0)
        .map_err(|why| why.to_string())?;
    Ok(value.into_owned())
}

fn number(start: &BytesStart<'_>, name: &str) -> Result<u64, String> {
    let text = attribute(start, name)?;
    let wanted = || format!("expected a whole number as {name}, found {text:?}");
    text.trim().parse().map_err(|_| wanted())
}

/// An area with its class.
struct Shape {
    class: u16,
    order: i64,
    area: Area,
}

enum Area {
    Runs(Vec<u32>, [usize; 4]),
    Corners(Vec<[f64; 2]>),
}

impl Reader {
    fn shapes(&self, text: &[u8]) -> Result<Vec<Shape>, String> {
        let mut reader = quick_xml::Reader::from_reader(text);
        let mut shapes = Vec::new();
        loop {
            let event = reader.read_event().map_err(|why| why.to_string())?;
            let (Event::Start(start) | Event::Empty(start)) = event else {
                if matches!(event, Event::Eof) {
                    break;
                }
                continue;
            };
            let area = match start.name().as_ref() {
                b"mask" => {
                    let sides = ["left", "top", "width", "height"].map(|name| number(&start, name));
                    let mut placed = [0; 4];
                    for (place, side) in placed.iter_mut().zip(sides) {
                        *place = usize::try_from(side?).map_err(|why| why.to_string())?;
                    }
                    Area::Runs(run_lengths(&attribute(&start, "rle")?)?, placed)
                }
                b"polygon" => Area::Corners(points(&attribute(&start, "points")?)?),
                b"box" => Area::Corners(corners(&start)?),
                b"ellipse" => {
                    return Err("expected masks, polygons and boxes, found an ellipse; convert it in CVAT".into());
                }
                _ => continue,
            };
            let label = attribute(&start, "label")?;
            let class = self
                .classes
                .named(&label)
                .ok_or_else(|| format!("expected a label of the task, found {label:?}"))?;
            let order = attribute(&start, "z_order")
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            let class = class.id;
            shapes.push(Shape { class, order, area });
        }
        // Later shapes lie above earlier ones of the same order.
        shapes.sort_by_key(|shape| shape.order);
        Ok(shapes)
    }
}

fn run_lengths(text: &str) -> Result<Vec<u32>, String> {
    let run = |part: &str| {
        let part = part.trim();
        part.parse()
            .map_err(|_| format!("expected lengths of runs in rle, found {part:?}"))
    };
    text.split(',').map(run).collect()
}

fn points(text: &str) -> Result<Vec<[f64; 2]>, String> {
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        let point = [x.trim().parse().ok()?, y.trim().parse().ok()?];
        point.iter().all(|side: &f64| side.is_finite()).then_some(point)
    };
    let read: Option<Vec<_>> = text.split(';').map(point).collect();
    let enough = read.filter(|points| points.len() > 2);
    enough.ok_or_else(|| "expected three or more points as x,y;x,y, found another text".into())
}

fn corners(start: &BytesStart<'_>) -> Result<Vec<[f64; 2]>, String> {
    let side = |name: &str| attribute(start, name);
    let [left, top, right, bottom] = [side("xtl")?, side("ytl")?, side("xbr")?, side("ybr")?];
    points(&format!("{left},{top};{right},{top};{right},{bottom};{left},{bottom}"))
}

/// Gives the pixels of a shape its class.
fn paint(shape: &Shape, labels: &mut LabelMap) -> Result<(), String> {
    match &shape.area {
        Area::Runs(lengths, placed) => runs::paint(lengths, *placed, labels, shape.class),
        Area::Corners(corners) => polygons::paint(corners, labels, shape.class),
    }
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let image = &self.images[index];
        let mut text = vec![0; usize::try_from(image.bytes).unwrap_or(usize::MAX)];
        let read = self
            .file
            .seek(SeekFrom::Start(image.offset))
            .and_then(|_| self.file.read_exact(&mut text));
        read.map_err(InterchangeError::read(&self.path))?;
        let mut labels = files::unlabelled(image.size, &self.path)?;
        let name = &self.names[index];
        let failed =
            |why: String| InterchangeError::content(format!("{why}, in {name}; export the task again"), &self.path);
        for shape in self.shapes(&text).map_err(failed)? {
            paint(&shape, &mut labels).map_err(failed)?;
        }
        Ok(LabelledImage {
            name: name.clone(),
            labels,
        })
    }

    fn remarks(&self) -> Vec<String> {
        match self.left_out {
            0 => Vec::new(),
            count => vec![format!(
                "{count} shapes without an area (lines, points, skeletons) are left out."
            )],
        }
    }
}
