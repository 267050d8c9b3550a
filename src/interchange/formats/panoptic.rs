//! `coco-panoptic`: a JSON file with the segments of each image, and an RGB PNG with the segment of each pixel.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::coco::{Category, Image, classes_of};
use crate::annotate::UNLABELLED;
use crate::interchange::json_elements::{JsonFile, Piece, parsed};
use crate::interchange::{
    InterchangeError, LabelClasses, LabelReader, LabelWriter, LabelledImage, ReadChoices, WriteChoices, files,
};
use crate::labels::LabelMap;

#[derive(Serialize, Deserialize)]
struct Annotation {
    image_id: u64,
    file_name: String,
    segments_info: Vec<Segment>,
}

#[derive(Serialize, Deserialize)]
struct Segment {
    id: u32,
    category_id: u64,
    // Readers know these from the PNG; some tools write them with fractions.
    #[serde(skip_deserializing)]
    area: u64,
    #[serde(skip_deserializing)]
    bbox: [u64; 4],
    #[serde(skip_deserializing)]
    iscrowd: u8,
}

struct Reader {
    file: JsonFile,
    /// The folder of the PNG files.
    masks: PathBuf,
    classes: LabelClasses,
    ids: HashMap<u64, u16>,
    names: Vec<String>,
    /// Sizes, for images without an annotation.
    sizes: Vec<[u64; 2]>,
    pieces: Vec<Option<Piece>>,
    remarks: Vec<String>,
}

/// Opens a JSON file, or the one in a folder or its folder `annotations`. The PNG files lie in the folder with its name.
///
/// # Errors
/// When the file or the folder is missing or damaged.
pub fn open(path: &Path, _: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(path) = file_in(path) else {
        let text = "expected one JSON file with segments_info, found none or several; name the file";
        return Err(InterchangeError::content(text, path));
    };
    let masks = masks_beside(&path)?;
    let mut file = JsonFile::open(&path)?;
    let mut images: Vec<Image> = Vec::new();
    let mut categories: Vec<Category> = Vec::new();
    let mut found: HashMap<u64, Piece> = HashMap::new();
    file.elements(|key, piece, text| {
        match key {
            "images" => images.push(parsed(text)?),
            "categories" => categories.push(parsed(text)?),
            "annotations" => {
                let id = parsed::<Annotation>(text)?.image_id;
                if found.insert(id, piece).is_some() {
                    return Err(format!(
                        "expected one annotation for each image, found two for image {id}"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let (classes, ids, mut remarks) = classes_of(&categories, &path)?;
    let pieces: Vec<Option<Piece>> = images.iter().map(|image| found.remove(&image.id)).collect();
    let empty = pieces.iter().filter(|piece| piece.is_none()).count();
    if empty > 0 {
        // Datumaro writes neither an annotation nor a PNG for such images.
        remarks.push(format!("{empty} images without an annotation are taken as unlabelled."));
    }
    if let Some(id) = found.keys().next() {
        let text = format!("expected annotations of listed images, found one of image {id}; export the file again");
        return Err(InterchangeError::content(text, &path));
    }
    Ok(Box::new(Reader {
        file,
        masks,
        classes,
        ids,
        sizes: images.iter().map(|image| [image.width, image.height]).collect(),
        names: images.into_iter().map(|image| image.file_name).collect(),
        pieces,
        remarks,
    }))
}

/// The folder with the PNG files of a JSON file.
fn masks_beside(path: &Path) -> Result<PathBuf, InterchangeError> {
    let folder = path.with_extension("");
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(InterchangeError::content(
            "expected a folder of PNG files with the name of the JSON file, found none; put it beside the file",
            path,
        )),
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
        let Some(piece) = self.pieces[index] else {
            let name = self.names[index].clone();
            let labels = files::unlabelled(self.sizes[index], self.file.path())?;
            return Ok(LabelledImage { name, labels });
        };
        let annotation: Annotation = self.file.read(piece)?;
        let path = self.masks.join(files::safe(&annotation.file_name)?);
        let content = |text: String| InterchangeError::content(text, &path);
        let mut classes = HashMap::from([(0, UNLABELLED)]);
        for segment in &annotation.segments_info {
            let Some(class) = self.ids.get(&segment.category_id) else {
                let text = format!(
                    "expected a listed category, found {}; add it to the categories",
                    segment.category_id
                );
                return Err(content(text));
            };
            if segment.id == 0 || classes.insert(segment.id, *class).is_some() {
                let text = format!(
                    "expected segments with ids of their own and above 0, found {}",
                    segment.id
                );
                return Err(content(text));
            }
        }
        let (size, colors) = files::read_colors(&path)?;
        let mut ids = Vec::with_capacity(colors.len());
        let mut last = (0, UNLABELLED);
        for [r, g, b] in colors {
            let segment = u32::from_le_bytes([r, g, b, 0]);
            if segment == last.0 {
                ids.push(last.1);
                continue;
            }
            let Some(class) = classes.get(&segment) else {
                return Err(content(format!(
                    "expected pixels of listed segments, found segment {segment}; export again"
                )));
            };
            last = (segment, *class);
            ids.push(*class);
        }
        let [width, height] = size;
        Ok(LabelledImage {
            name: self.names[index].clone(),
            labels: LabelMap { width, height, ids },
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

struct Writer {
    file: PathBuf,
    classes: LabelClasses,
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    written: HashSet<PathBuf>,
}

/// Writes `annotations/panoptic_default.json` and a PNG for each image in `annotations/panoptic_default`. Each class of an
/// image is one segment; a segment's id is one more than that of its class.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(out: &Path, classes: &LabelClasses, _: &WriteChoices) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    let file = out.join("annotations").join("panoptic_default.json");
    let folder = file.with_extension("");
    fs::create_dir_all(&folder).map_err(InterchangeError::write(&folder))?;
    Ok(Box::new(Writer {
        file,
        classes: classes.clone(),
        images: Vec::new(),
        annotations: Vec::new(),
        written: HashSet::new(),
    }))
}

impl LabelWriter for Writer {
    fn write(&mut self, image: &LabelledImage) -> Result<(), InterchangeError> {
        files::check_ids(image, |id| self.classes.get(id).is_some())?;
        let labels = &image.labels;
        let folder = self.file.with_extension("");
        let path = files::place(&folder, &image.name, ".png")?;
        files::check_new(&mut self.written, &path, &image.name)?;
        // 0 is for pixels of no segment.
        let segment = |id: u16| if id == UNLABELLED { 0 } else { u32::from(id) + 1 };
        let color = |id: &u16| {
            let [r, g, b, _] = segment(*id).to_le_bytes();
            [r, g, b]
        };
        let colors: Vec<[u8; 3]> = labels.ids.iter().map(color).collect();
        let bytes = files::rgb_png([labels.width, labels.height], &colors, &image.name)?;
        files::replace(&path, &bytes)?;
        let image_id = self.images.len() as u64 + 1;
        self.images.push(Image {
            id: image_id,
            file_name: image.name.clone(),
            width: labels.width as u64,
            height: labels.height as u64,
        });
        self.annotations.push(Annotation {
            image_id,
            file_name: files::name_below(&folder, &path),
            segments_info: segments(labels, segment),
        });
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), InterchangeError> {
        let categories = self.classes.iter().map(Category::from).map(|category| Category {
            isthing: Some(0),
            ..category
        });
        let file = serde_json::json!({
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories.collect::<Vec<_>>(),
        });
        files::replace(&self.file, file.to_string().as_bytes())
    }
}

/// A segment for each class of a map.
fn segments(labels: &LabelMap, segment: impl Fn(u16) -> u32) -> Vec<Segment> {
    let mut found: HashMap<u16, (u64, [usize; 4])> = HashMap::new();
    for (y, row) in labels.ids.chunks(labels.width.max(1)).enumerate() {
        for (x, id) in row.iter().enumerate().filter(|(_, id)| **id != UNLABELLED) {
            let (area, [left, top, right, bottom]) = found.entry(*id).or_insert((0, [x, y, x, y]));
            *area += 1;
            (*left, *top) = ((*left).min(x), (*top).min(y));
            (*right, *bottom) = ((*right).max(x), (*bottom).max(y));
        }
    }
    let mut segments: Vec<_> = found
        .into_iter()
        .map(|(class, (area, [left, top, right, bottom]))| Segment {
            id: segment(class),
            category_id: class.into(),
            area,
            bbox: [left, top, right - left + 1, bottom - top + 1].map(|side| side as u64),
            iscrowd: 0,
        })
        .collect();
    segments.sort_by_key(|segment| segment.id);
    segments
}

/// The JSON file that a path names: itself, or the only one with segments in the folder or its folder `annotations`.
fn file_in(path: &Path) -> Option<PathBuf> {
    let is_one = |file: &PathBuf| {
        file.extension().is_some_and(|ending| ending == "json")
            && file.with_extension("").is_dir()
            && files::contains(file, "\"segments_info\"")
    };
    if path.is_file() {
        return Some(path.to_owned()).filter(is_one);
    }
    for folder in [path.to_owned(), path.join("annotations")] {
        let listed = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let mut found: Vec<_> = listed.filter(is_one).collect();
        if found.len() == 1 {
            return found.pop();
        }
    }
    None
}

/// Whether a path names such a file.
pub fn is(path: &Path) -> bool {
    file_in(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::sample;

    #[test]
    fn maps_come_back_as_they_were() {
        assert_eq!(sample::there_and_back(create, open, &sample::classes()), 0);
    }
}
