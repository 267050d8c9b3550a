//! Reads subset files: masks and polygons in the order of their `z_order`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Categories, DEFAULT, Infos, files_in};
use crate::annotate::UNLABELLED;
use crate::interchange::json_elements::{JsonFile, Piece, parsed};
use crate::interchange::rle::coco as runs;
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelledImage, ReadChoices, files, polygons,
};
use crate::labels::{ClassSet, LabelMap};

/// What is read of an item when the file is opened.
#[derive(Deserialize)]
struct Head {
    id: String,
    image: Option<Image>,
    #[serde(default)]
    annotations: Vec<HeadAnnotation>,
}

#[derive(Deserialize)]
struct HeadAnnotation {
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Item {
    image: Option<Image>,
    #[serde(default)]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(default)]
    path: String,
    /// Rows and columns.
    size: Option<[u64; 2]>,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(rename = "type", default)]
    kind: String,
    label_id: Option<u64>,
    #[serde(default)]
    z_order: i64,
    rle: Option<Runs>,
    points: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Runs {
    counts: Counts,
    /// Rows and columns.
    size: [u64; 2],
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Text(String),
    Numbers(Vec<u64>),
}

struct Reader {
    files: Vec<JsonFile>,
    classes: LabelClasses,
    /// Class id of each label, by its place.
    ids: Vec<u16>,
    /// File and place of each image.
    items: Vec<(usize, Piece)>,
    names: Vec<String>,
    images: Option<PathBuf>,
    remarks: Vec<String>,
}

/// Opens a subset file, or those of a folder.
///
/// # Errors
/// When a file is damaged, files disagree about the labels, or an image comes twice.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let listed = files_in(path)?;
    let (mut labels, mut infos): (Option<Categories>, Infos) = (None, Infos::default());
    let (mut files, mut items, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seen, mut others) = (HashSet::new(), BTreeMap::new());
    for (number, listed) in listed.iter().enumerate() {
        let mut file = JsonFile::open(listed)?;
        let subset = listed.file_stem().unwrap_or_default().to_string_lossy();
        let mut categories = Categories::default();
        file.elements(|key, piece, text| {
            match key {
                "categories" => categories = parsed(text)?,
                "infos" => infos = parsed(text)?,
                "items" => {
                    let head: Head = parsed(text)?;
                    for annotation in &head.annotations {
                        if !matches!(annotation.kind.as_str(), "mask" | "polygon") {
                            *others.entry(annotation.kind.clone()).or_insert(0_u64) += 1;
                        }
                    }
                    let name = name_of(&head, &subset)?;
                    if !seen.insert(name.clone()) {
                        return Err(format!("expected each image once, found {name} twice"));
                    }
                    names.push(name);
                    items.push((number, piece));
                }
                _ => {}
            }
            Ok(())
        })?;
        let first = labels.get_or_insert_with(|| categories.clone());
        if first.label != categories.label {
            let text = "expected the labels of the first subset file, found others; export the subsets together";
            return Err(InterchangeError::content(text, listed));
        }
        files.push(file);
    }
    let Some(labels) = labels else {
        let text = "expected annotations/SUBSET.json of Datumaro, found none; choose the folder above";
        return Err(InterchangeError::content(text, path));
    };
    let classes = classes_of(&labels, &infos, path)?;
    let (classes, ids) = with_given(classes, choices.classes.as_ref(), path)?;
    let sentence = |(kind, count): (String, u64)| {
        format!("Annotations of the kind {kind:?}, which are no masks or polygons and are not read: {count}.")
    };
    Ok(Box::new(Reader {
        files,
        classes,
        ids,
        items,
        names,
        images: choices.images.clone(),
        remarks: others.into_iter().map(sentence).collect(),
    }))
}

/// The name of an image: its path in the subset, or else its id.
fn name_of(head: &Head, subset: &str) -> Result<String, String> {
    let path = head
        .image
        .as_ref()
        .map(|image| image.path.as_str())
        .filter(|path| !path.is_empty());
    let ending = path
        .and_then(|path| Path::new(path).extension())
        .map(|ending| ending.to_string_lossy());
    let by_id = format!("{}.{}", head.id, ending.as_deref().unwrap_or("png"));
    // Other programs write where an image was on their machine.
    let inside = path
        .and_then(|path| files::safe(path).ok())
        .map_or_else(|| files::safe(&by_id), Ok);
    let inside = inside.map_err(|why| why.to_string())?;
    let inside = files::name_below(Path::new(""), &inside);
    Ok(if subset == DEFAULT {
        inside
    } else {
        format!("{subset}/{inside}")
    })
}

/// Classes of the labels, in their order.
fn classes_of(labels: &Categories, infos: &Infos, path: &Path) -> Result<Vec<LabelClass>, InterchangeError> {
    let count = labels.label.labels.len();
    if count >= usize::from(UNLABELLED) {
        let text = format!("expected fewer than {UNLABELLED} labels, found {count}; export fewer");
        return Err(InterchangeError::content(text, path));
    }
    let written = infos.class_ids.as_ref().filter(|ids| {
        let different: HashSet<_> = ids.iter().filter(|id| **id != UNLABELLED).collect();
        different.len() == count && ids.len() == count
    });
    let colors = ClassSet::numbered(count.min(1024));
    let mut classes: Vec<LabelClass> = Vec::with_capacity(count);
    for (place, label) in (0..).zip(&labels.label.labels) {
        classes.push(LabelClass {
            id: written
                .and_then(|ids| ids.get(usize::from(place)).copied())
                .unwrap_or(place),
            name: label.name.clone(),
            color: colors.color(place % 1024),
        });
    }
    for color in &labels.mask.colormap {
        if let Some(class) = usize::try_from(color.label_id)
            .ok()
            .and_then(|place| classes.get_mut(place))
        {
            class.color = [color.r, color.g, color.b];
        }
    }
    Ok(classes)
}

/// The classes to use and the id of each label: those that the user gives, by name, or the file's.
fn with_given(
    classes: Vec<LabelClass>,
    given: Option<&LabelClasses>,
    path: &Path,
) -> Result<(LabelClasses, Vec<u16>), InterchangeError> {
    let Some(given) = given else {
        let ids = classes.iter().map(|class| class.id).collect();
        return Ok((classes.into_iter().collect(), ids));
    };
    let id = |class: &LabelClass| given.named(&class.name).map(|found| found.id);
    let ids = classes.iter().map(|class| {
        id(class).ok_or_else(|| {
            let text = format!(
                "expected labels of the given classes, found {:?}; add it to the classes",
                class.name
            );
            InterchangeError::content(text, path)
        })
    });
    Ok((given.clone(), ids.collect::<Result<_, _>>()?))
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let (number, piece) = self.items[index];
        let name = self.names[index].clone();
        let mut item: Item = self.files[number].read(piece)?;
        let path = self.files[number].path();
        let of_runs = || {
            item.annotations
                .iter()
                .find_map(|annotation| Some(annotation.rle.as_ref()?.size))
        };
        let size = match item.image.as_ref().and_then(|image| image.size).or_else(of_runs) {
            Some([height, width]) => [width, height],
            None => files::image_size(self.images.as_deref(), &name)?,
        };
        let mut labels = files::unlabelled(size, path)?;
        // The sort is stable: of equal orders, later annotations lie on top.
        item.annotations.sort_by_key(|annotation| annotation.z_order);
        for annotation in &item.annotations {
            self.paint(annotation, &mut labels)
                .map_err(|why| InterchangeError::content(format!("{why} (annotation of {name})"), path))?;
        }
        Ok(LabelledImage { name, labels })
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

impl Reader {
    /// Gives the pixels of an annotation their class.
    fn paint(&self, annotation: &Annotation, labels: &mut LabelMap) -> Result<(), String> {
        if !matches!(annotation.kind.as_str(), "mask" | "polygon") {
            return Ok(());
        }
        let place = annotation.label_id.and_then(|place| usize::try_from(place).ok());
        let Some(class) = place.and_then(|place| self.ids.get(place)) else {
            let found = annotation.label_id.map_or("none".to_owned(), |place| place.to_string());
            return Err(format!("expected the place of a label, found {found}; add the label"));
        };
        match (&annotation.rle, &annotation.points) {
            (Some(rle), _) if annotation.kind == "mask" => {
                let [height, width] = [labels.height as u64, labels.width as u64];
                if rle.size != [height, width] {
                    let [rows, columns] = rle.size;
                    return Err(format!(
                        "expected a mask of {width} x {height} pixels, found {columns} x {rows}; export it again"
                    ));
                }
                let checked = match &rle.counts {
                    Counts::Text(text) => runs::decode(text, width * height)?,
                    Counts::Numbers(numbers) => runs::check(numbers, width * height)?,
                };
                runs::paint(&checked, labels, *class)
            }
            (_, Some(points)) if annotation.kind == "polygon" => {
                let (corners, rest) = points.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(format!(
                        "expected x and y of corners, found {} numbers; export again",
                        points.len()
                    ));
                }
                polygons::paint(corners, labels, *class)
            }
            _ => Err(format!(
                "expected runs or points of a {}, found none; export again",
                annotation.kind
            )),
        }
    }
}
