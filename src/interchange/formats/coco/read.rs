//! Reads COCO files: runs, compressed runs and polygons.

use std::collections::HashMap;
use std::fmt::{self, Formatter};
use std::path::{Path, PathBuf};

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Category, Image, begins_as_one};
use crate::annotate::UNLABELLED;
use crate::interchange::json_elements::{JsonFile, Piece, parsed};
use crate::interchange::rle::coco as runs;
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelledImage, ReadChoices, files, polygons,
};
use crate::labels::{ClassSet, LabelMap};

/// Most images of a file.
const MAX_IMAGES: usize = 10_000_000;

/// What is read of an annotation when the file is opened.
#[derive(Deserialize)]
struct Head {
    image_id: u64,
}

#[derive(Deserialize)]
struct Annotation {
    category_id: u64,
    segmentation: Option<Segmentation>,
}

enum Segmentation {
    Runs { size: [u64; 2], counts: Counts },
    Polygons(Vec<Vec<f64>>),
}

enum Counts {
    Text(String),
    Numbers(Vec<u64>),
}

#[derive(Deserialize)]
struct Runs {
    size: [u64; 2],
    counts: Counts,
}

// By hand, as derived code for either of two forms first builds a tree of the text, with many times its size.
impl<'de> Deserialize<'de> for Segmentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Segmentation;

            fn expecting(&self, text: &mut Formatter<'_>) -> fmt::Result {
                text.write_str("polygons or runs as a segmentation")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Segmentation, A::Error> {
                let Runs { size, counts } = Runs::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Segmentation::Runs { size, counts })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Segmentation, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Segmentation::Polygons)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Counts;

            fn expecting(&self, text: &mut Formatter<'_>) -> fmt::Result {
                text.write_str("a text or numbers as runs")
            }

            fn visit_str<E>(self, text: &str) -> Result<Counts, E> {
                Ok(Counts::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Counts, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Counts::Numbers)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

struct Reader {
    file: JsonFile,
    classes: LabelClasses,
    /// The class id of each category.
    ids: HashMap<u64, u16>,
    images: Vec<Image>,
    names: Vec<String>,
    /// Annotations of each image, in their order.
    pieces: Vec<Vec<Piece>>,
    remarks: Vec<String>,
}

/// Opens a JSON file, or the one in a folder or its folder `annotations`. Memory grows with the number of annotations, by
/// some bytes each, not with their size.
///
/// # Errors
/// When the file is damaged, two images or categories have one id, or an annotation belongs to no image.
pub fn open(path: &Path, _: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(path) = file_in(path) else {
        let text =
            "expected one JSON file with images, categories and annotations, found none or several; name the file";
        return Err(InterchangeError::content(text, path));
    };
    let mut file = JsonFile::open(&path)?;
    let mut images: Vec<Image> = Vec::new();
    let mut categories: Vec<Category> = Vec::new();
    let mut heads: Vec<(u64, Piece)> = Vec::new();
    file.elements(|key, piece, text| {
        match key {
            "images" if images.len() < MAX_IMAGES => images.push(parsed(text)?),
            "images" => return Err(format!("expected at most {MAX_IMAGES} images, found more")),
            "categories" => categories.push(parsed(text)?),
            "annotations" => heads.push((parsed::<Head>(text)?.image_id, piece)),
            _ => {}
        }
        Ok(())
    })?;
    let (classes, ids, remarks) = classes_of(&categories, &path)?;
    let mut places = HashMap::new();
    for (place, image) in images.iter().enumerate() {
        files::safe(&image.file_name)?;
        if places.insert(image.id, place).is_some() {
            let text = format!(
                "expected one image with each id, found two with {}; export the file again",
                image.id
            );
            return Err(InterchangeError::content(text, &path));
        }
    }
    let mut pieces = vec![Vec::new(); images.len()];
    for (image, piece) in heads {
        let Some(place) = places.get(&image) else {
            let text =
                format!("expected annotations of listed images, found one of image {image}; export the file again");
            return Err(InterchangeError::content(text, &path));
        };
        pieces[*place].push(piece);
    }
    Ok(Box::new(Reader {
        names: images.iter().map(|image| image.file_name.clone()).collect(),
        file,
        classes,
        ids,
        images,
        pieces,
        remarks,
    }))
}

/// Classes, the class id of each category, and remarks.
type Categories = (LabelClasses, HashMap<u64, u16>, Vec<String>);

/// Classes of the categories, and the id of each. Ids are those of the file where label maps can hold them.
pub(in crate::interchange) fn classes_of(categories: &[Category], path: &Path) -> Result<Categories, InterchangeError> {
    let fits = categories.iter().all(|category| category.id < u64::from(UNLABELLED));
    let mut classes = LabelClasses::default();
    let mut ids = HashMap::new();
    let colors = ClassSet::numbered(categories.len().min(1024));
    for (place, category) in (0..UNLABELLED).zip(categories) {
        let id = if fits { category.id as u16 } else { place };
        let color = category.color.unwrap_or_else(|| colors.color(place % 1024));
        let name = category.name.clone();
        if ids.insert(category.id, id).is_some() || !classes.add(LabelClass { id, name, color }) {
            let text = format!(
                "expected one category with each id, found two with {}; renumber one",
                category.id
            );
            return Err(InterchangeError::content(text, path));
        }
    }
    if categories.len() >= usize::from(UNLABELLED) {
        let text = format!(
            "expected fewer than {UNLABELLED} categories, found {}",
            categories.len()
        );
        return Err(InterchangeError::content(text, path));
    }
    let mut remarks = Vec::new();
    if !fits {
        remarks.push("Category ids are beyond 65534, so classes are numbered in the order of the file.".into());
    }
    Ok((classes, ids, remarks))
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
        let path = self.file.path().to_owned();
        let mut labels = files::unlabelled([image.width, image.height], &path)?;
        for piece in &self.pieces[index] {
            let annotation: Annotation = self.file.read(*piece)?;
            let Some(class) = self.ids.get(&annotation.category_id) else {
                let text = format!(
                    "expected a listed category, found {} in an annotation of {}; add it to the categories",
                    annotation.category_id, image.file_name
                );
                return Err(InterchangeError::content(text, &path));
            };
            paint(annotation, &mut labels, *class).map_err(|why| {
                InterchangeError::content(format!("{why} in an annotation of {}", image.file_name), &path)
            })?;
        }
        Ok(LabelledImage {
            name: image.file_name.clone(),
            labels,
        })
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

/// Gives the pixels of an annotation a class.
fn paint(annotation: Annotation, labels: &mut LabelMap, class: u16) -> Result<(), String> {
    let (width, height) = (labels.width, labels.height);
    match annotation.segmentation {
        None => Err("expected a segmentation, found only a box; export masks or polygons".into()),
        Some(Segmentation::Runs { size, counts }) => {
            if size != [height as u64, width as u64] {
                return Err(format!(
                    "expected runs of {height} x {width} pixels, found {} x {}",
                    size[0], size[1]
                ));
            }
            let pixels = (width * height) as u64;
            let checked = match counts {
                Counts::Text(text) => runs::decode(&text, pixels)?,
                Counts::Numbers(numbers) => runs::check(&numbers, pixels)?,
            };
            runs::paint(&checked, labels, class)
        }
        Some(Segmentation::Polygons(list)) => {
            for polygon in list {
                let (corners, rest) = polygon.as_chunks::<2>();
                if !rest.is_empty() || corners.len() < 3 {
                    return Err(format!(
                        "expected x and y of three or more corners, found {} numbers",
                        polygon.len()
                    ));
                }
                polygons::paint(corners, labels, class)?;
            }
            Ok(())
        }
    }
}

/// The JSON file that a path names: itself, or the only one of its kind in the folder or its folder `annotations`.
pub(super) fn file_in(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return begins_as_one(path).then(|| path.to_owned());
    }
    for folder in [path.to_owned(), path.join("annotations")] {
        let listed = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let is_one = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "json") && begins_as_one(file);
        let mut found: Vec<_> = listed.filter(is_one).collect();
        if found.len() == 1 {
            return found.pop();
        }
    }
    None
}
