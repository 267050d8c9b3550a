//! Reads tasks with brush masks, polygons and rectangles.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{config, file_in, image_name};
use crate::interchange::json_elements::{JsonFile, Piece, parsed};
use crate::interchange::rle::label_studio as code;
use crate::interchange::{InterchangeError, LabelClasses, LabelReader, LabelledImage, ReadChoices, files, polygons};
use crate::labels::LabelMap;

/// Regions that are areas with labels.
const AREAS: [&str; 4] = ["brushlabels", "polygonlabels", "rectanglelabels", "labels"];

/// Areas whose label is in another region with the same id.
const BARE_AREAS: [&str; 3] = ["brush", "polygon", "rectangle"];

/// Regions that are areas of a form that is not read.
const OTHER_AREAS: [&str; 6] = [
    "ellipse",
    "ellipselabels",
    "bitmask",
    "bitmasklabels",
    "vector",
    "vectorlabels",
];

/// What is read of a task when the file is opened.
#[derive(Deserialize)]
struct Head {
    data: HashMap<String, Value>,
    #[serde(default)]
    annotations: Vec<Annotation<HeadRegion>>,
    #[serde(default)]
    predictions: Vec<Predicted<HeadRegion>>,
}

#[derive(Deserialize)]
struct HeadRegion {
    value: Option<HeadShape>,
}

#[derive(Deserialize)]
struct Task {
    data: HashMap<String, Value>,
    #[serde(default)]
    annotations: Vec<Annotation<Region>>,
    #[serde(default)]
    predictions: Vec<Predicted<Region>>,
}

#[derive(Deserialize)]
struct Annotation<R> {
    #[serde(default)]
    was_cancelled: bool,
    #[serde(default = "Vec::new")]
    result: Vec<R>,
}

/// A prediction, or nothing where a file has only its number.
struct Predicted<R>(Option<Annotation<R>>);

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Predicted<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeOrNumber<R>(PhantomData<R>);

        impl<'de, R: Deserialize<'de>> Visitor<'de> for WholeOrNumber<R> {
            type Value = Predicted<R>;

            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("a prediction or its number")
            }

            fn visit_u64<E>(self, _: u64) -> Result<Predicted<R>, E> {
                Ok(Predicted(None))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Predicted<R>, M::Error> {
                Annotation::deserialize(MapAccessDeserializer::new(map)).map(|whole| Predicted(Some(whole)))
            }
        }

        // An untagged enum would hold the masks as generic values, each number in 32 bytes.
        deserializer.deserialize_any(WholeOrNumber(PhantomData))
    }
}

#[derive(Deserialize)]
struct Region {
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "type", default)]
    kind: String,
    original_width: Option<u64>,
    original_height: Option<u64>,
    #[serde(default)]
    image_rotation: f64,
    value: Option<Shape>,
}

/// Labels of a region, in the key of its kind.
#[derive(Deserialize)]
struct HeadShape {
    #[serde(alias = "polygonlabels", alias = "rectanglelabels", alias = "labels", default)]
    brushlabels: Vec<String>,
}

/// A region's place: runs, corners or a box, lengths in percent of the sides.
#[derive(Deserialize)]
struct Shape {
    #[serde(alias = "polygonlabels", alias = "rectanglelabels", alias = "labels", default)]
    brushlabels: Vec<String>,
    rle: Option<Vec<u8>>,
    points: Option<Vec<[f64; 2]>>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    #[serde(default)]
    rotation: f64,
}

struct Reader {
    file: JsonFile,
    classes: LabelClasses,
    tasks: Vec<Piece>,
    names: Vec<String>,
    images: Option<PathBuf>,
    remarks: Vec<String>,
}

/// What [`open()`] learns of all tasks.
#[derive(Default)]
struct Found {
    tasks: Vec<Piece>,
    names: Vec<String>,
    seen: HashSet<String>,
    /// Labels in the order of their first regions.
    labels: LabelClasses,
    /// Tasks with more than one annotation that counts.
    several: u64,
    /// Tasks with predictions only.
    predicted: u64,
}

/// Opens a JSON file of tasks, or the one in a folder. Classes are those that were given, or those of the configuration
/// in the same folder, or else the labels in their order.
///
/// # Errors
/// When the file is damaged, a task has no image, or two have the same.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let Some(path) = file_in(path) else {
        let text = "expected one JSON file with a list of tasks, found none or several; name the file";
        return Err(InterchangeError::content(text, path));
    };
    let mut file = JsonFile::open(&path)?;
    let mut found = Found::default();
    file.list_elements(|piece, text| found.add(piece, parsed(text)?))?;
    let mut remarks = found.remarks();
    let written = path.parent().and_then(config::in_folder);
    let classes = match (&choices.classes, written) {
        (Some(given), _) => given.clone(),
        (None, Some(written)) => {
            let (classes, have_ids) = config::read(&written)?;
            if !have_ids {
                let text =
                    "The configuration has no category numbers, so classes are numbered in the order of its labels.";
                remarks.push(text.into());
            }
            classes
        }
        (None, None) => {
            let text =
                "No configuration (.xml) lies beside the tasks, so classes are numbered in the order of the regions.";
            remarks.push(text.into());
            found.labels
        }
    };
    Ok(Box::new(Reader {
        file,
        classes,
        tasks: found.tasks,
        names: found.names,
        images: choices.images.clone(),
        remarks,
    }))
}

impl Found {
    fn add(&mut self, piece: Piece, head: Head) -> Result<(), String> {
        let name = name_of(&head.data)?;
        files::safe(&name).map_err(|why| why.to_string())?;
        if !self.seen.insert(name.clone()) {
            return Err(format!(
                "expected one task for each image, found two for {name}; remove one"
            ));
        }
        self.tasks.push(piece);
        self.names.push(name);
        let valid = head
            .annotations
            .iter()
            .filter(|annotation| !annotation.was_cancelled)
            .count();
        self.several += u64::from(valid > 1);
        self.predicted += u64::from(valid == 0 && head.predictions.iter().any(|predicted| predicted.0.is_some()));
        let regions = counting(head.annotations, head.predictions);
        for label in regions
            .into_iter()
            .filter_map(|region| region.value)
            .flat_map(|value| value.brushlabels)
        {
            if self.labels.named(&label).is_none() && self.labels.add_named(&label).is_none() {
                return Err("expected fewer than 65535 labels, found more".into());
            }
        }
        Ok(())
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.several > 0 {
            remarks.push(format!(
                "Tasks with several annotations, of which the first is read: {}.",
                self.several
            ));
        }
        if self.predicted > 0 {
            remarks.push(format!(
                "Tasks with predictions only, of which the first is read: {}.",
                self.predicted
            ));
        }
        remarks
    }
}

/// Regions of the annotation that counts: the first that was not skipped, or else the first prediction.
fn counting<R>(annotations: Vec<Annotation<R>>, predictions: Vec<Predicted<R>>) -> Vec<R> {
    let valid = annotations.into_iter().find(|annotation| !annotation.was_cancelled);
    let first = valid.or_else(|| predictions.into_iter().find_map(|predicted| predicted.0));
    first.map(|annotation| annotation.result).unwrap_or_default()
}

/// The name of a task's image: that of `image`, or of the only text.
fn name_of(data: &HashMap<String, Value>) -> Result<String, String> {
    let mut texts = data.values().filter_map(Value::as_str);
    let only = texts.next().filter(|_| texts.next().is_none());
    let address = data.get("image").map_or(only, Value::as_str);
    address
        .map(image_name::name)
        .ok_or_else(|| "expected a task with data.image, found none; name the image so".into())
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let task: Task = self.file.read(self.tasks[index])?;
        let name = self.names[index].clone();
        let regions = counting(task.annotations, task.predictions);
        let size = match size_of(&task.data, &regions) {
            Ok(Some(size)) => size,
            Ok(None) => files::image_size(self.images.as_deref(), &name)?,
            Err(why) => return Err(self.refusal(&why, &name)),
        };
        let mut labels = files::unlabelled(size, self.file.path())?;
        self.paint(regions, &mut labels)
            .map_err(|why| self.refusal(&why, &name))?;
        Ok(LabelledImage { name, labels })
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

impl Reader {
    fn refusal(&self, why: &str, name: &str) -> InterchangeError {
        InterchangeError::content(format!("{why} (task of {name})"), self.file.path())
    }

    /// Gives the pixels of regions their classes; later regions lie on top.
    fn paint(&self, regions: Vec<Region>, labels: &mut LabelMap) -> Result<(), String> {
        let labelled: HashSet<String> = regions
            .iter()
            .filter(|region| is_area(region))
            .filter_map(|region| region.id.clone())
            .collect();
        for region in regions {
            let kind = region.kind.as_str();
            let elsewhere = region.id.as_ref().is_some_and(|id| labelled.contains(id));
            if OTHER_AREAS.contains(&kind) || BARE_AREAS.contains(&kind) && !elsewhere {
                return Err(format!(
                    "expected brush masks, polygons and rectangles with labels, found {kind}; change the region"
                ));
            }
            let is_area = is_area(&region);
            let Some(shape) = region.value.filter(|_| is_area) else {
                continue;
            };
            if region.image_rotation != 0.0 {
                return Err(format!(
                    "expected regions of the upright image, found one turned by {} degrees; turn the image back",
                    region.image_rotation
                ));
            }
            let [label] = shape.brushlabels.as_slice() else {
                return Err(format!(
                    "expected one label for each region, found {}; choose one",
                    shape.brushlabels.len()
                ));
            };
            let Some(class) = self.classes.named(label) else {
                return Err(format!(
                    "expected labels of the classes, found {label:?}; add it to the classes"
                ));
            };
            paint_shape(&shape, labels, class.id)?;
        }
        Ok(())
    }
}

/// Whether a region covers pixels and has labels. Regions of [`BARE_AREAS`] come again with their labels.
fn is_area(region: &Region) -> bool {
    AREAS.contains(&region.kind.as_str())
}

/// Gives the pixels of a shape a class.
fn paint_shape(shape: &Shape, labels: &mut LabelMap, class: u16) -> Result<(), String> {
    if let Some(rle) = &shape.rle {
        let mask = code::decode(rle, [labels.width, labels.height])?;
        let inside = labels.ids.iter_mut().zip(mask).filter(|(_, inside)| *inside);
        inside.for_each(|(id, _)| *id = class);
        return Ok(());
    }
    let sides = [labels.width as f64 / 100.0, labels.height as f64 / 100.0];
    let corners: Vec<_> = match (&shape.points, shape.x, shape.y, shape.width, shape.height) {
        (Some(points), ..) => points.iter().map(|[x, y]| [x * sides[0], y * sides[1]]).collect(),
        (None, Some(x), Some(y), Some(width), Some(height)) => {
            // Turned clockwise around its left top corner.
            let (sine, cosine) = shape.rotation.to_radians().sin_cos();
            let [x, y] = [x * sides[0], y * sides[1]];
            let [right, down] = [width * sides[0], height * sides[1]];
            let corners = [[0.0, 0.0], [right, 0.0], [right, down], [0.0, down]];
            corners
                .map(|[right, down]| [x + right * cosine - down * sine, y + right * sine + down * cosine])
                .to_vec()
        }
        _ => return Err("expected a mask, corners or a box in a region, found none; export the tasks again".into()),
    };
    polygons::paint(&corners, labels, class)
}

/// Width and height of an image, which all regions must agree on.
fn size_of(data: &HashMap<String, Value>, regions: &[Region]) -> Result<Option<[u64; 2]>, String> {
    let listed = regions
        .iter()
        .filter_map(|region| Some([region.original_width?, region.original_height?]));
    let sizes: HashSet<[u64; 2]> = listed.collect();
    if sizes.len() > 1 {
        return Err(format!(
            "expected regions of one image size, found {sizes:?}; export the tasks again"
        ));
    }
    let side = |key: &str| data.get(key).and_then(Value::as_u64);
    let written = side("width").and_then(|width| Some([width, side("height")?]));
    Ok(sizes.into_iter().next().or(written))
}
