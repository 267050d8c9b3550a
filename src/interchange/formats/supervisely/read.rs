//! Reads projects: bitmaps, polygons and rectangles.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ANNOTATIONS, DEFAULT, INNER, META, Meta, Size, bitmap};
use crate::annotate::UNLABELLED;
use crate::interchange::outline::fill;
use crate::interchange::{
    InterchangeError, LabelClass, LabelClasses, LabelReader, LabelledImage, ReadChoices, files, hex, polygons,
};
use crate::labels::{ClassSet, LabelMap};

/// Objects that cover no pixels.
const NO_AREAS: [&str; 5] = ["point", "line", "graph", "multi_point", "closed_surface_mesh"];

#[derive(Deserialize)]
struct Annotation {
    size: Size,
    #[serde(default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    class_title: String,
    geometry_type: String,
    bitmap: Option<Placed>,
    points: Option<Points>,
}

#[derive(Deserialize)]
struct Placed {
    /// Column and row of the left top pixel.
    origin: [u64; 2],
    data: String,
}

/// Rings through the middles of pixels, which are on them. Interior rings are holes.
#[derive(Deserialize)]
struct Points {
    #[serde(default)]
    exterior: Vec<[f64; 2]>,
    #[serde(default)]
    interior: Vec<Vec<[f64; 2]>>,
}

struct Reader {
    classes: LabelClasses,
    files: Vec<PathBuf>,
    names: Vec<String>,
    remarks: Vec<String>,
    /// Number of objects without area, by their kind.
    skipped: BTreeMap<String, u64>,
}

/// Opens a project folder, or the one of a `meta.json`.
///
/// # Errors
/// When the classes are damaged or missing, or there are no annotations.
pub fn open(path: &Path, choices: &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> {
    let folder = if path.is_file() {
        path.parent().unwrap_or(Path::new(""))
    } else {
        path
    };
    let (written, have_ids) = classes_of(&folder.join(META))?;
    let mut remarks = Vec::new();
    if !have_ids && choices.classes.is_none() {
        remarks.push(format!("{META} has no ids, so classes are numbered in its order."));
    }
    let mut listed = files::files_with_ending(folder, ".json")?;
    listed.retain(|file| file.parent().is_some_and(|parent| parent.ends_with(ANNOTATIONS)));
    if listed.is_empty() {
        let text = "expected annotations as DATASET/ann/NAME.json, found none; choose the folder of the project";
        return Err(InterchangeError::content(text, folder));
    }
    let names: Vec<String> = listed
        .iter()
        .map(|file| name_of(&files::name_below(folder, file)))
        .collect();
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        let text = format!("expected one annotation file for each image, found two for {twice}; remove one");
        return Err(InterchangeError::content(text, folder));
    }
    Ok(Box::new(Reader {
        classes: choices.classes.clone().unwrap_or(written),
        names,
        files: listed,
        remarks,
        skipped: BTreeMap::new(),
    }))
}

/// The name of an image by the path of its file below the project.
fn name_of(below: &str) -> String {
    let mut parts: Vec<_> = below.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    let image = file.get(..file.len().saturating_sub(".json".len())).unwrap_or(file);
    if parts.last() == Some(&ANNOTATIONS) {
        parts.pop();
    }
    // Datasets in datasets: each second folder is INNER.
    let is_nested = |place: usize, part: &str| place % 2 == 1 && part == INNER;
    let nested = parts
        .iter()
        .enumerate()
        .all(|(place, part)| place % 2 == 0 || is_nested(place, part));
    let mut names: Vec<_> = if nested {
        parts.into_iter().step_by(2).collect()
    } else {
        parts
    };
    if names.first() == Some(&DEFAULT) {
        names.remove(0);
    }
    let has_suffix = image.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty());
    let image = if has_suffix {
        image.to_owned()
    } else {
        format!("{image}.png")
    };
    names.push(&image);
    names.join("/")
}

/// Classes of a project, and whether it has their ids.
fn classes_of(path: &Path) -> Result<(LabelClasses, bool), InterchangeError> {
    let meta: Meta = parsed(path)?;
    let count = meta.classes.len();
    if count >= usize::from(UNLABELLED) {
        let text = format!("expected fewer than {UNLABELLED} classes, found {count}; delete some");
        return Err(InterchangeError::content(text, path));
    }
    let ids: HashSet<_> = meta.classes.iter().filter_map(|class| class.class_id).collect();
    let have_ids = ids.len() == count && !ids.contains(&UNLABELLED);
    let colors = ClassSet::numbered(count.min(1024));
    let class = |(place, class): (u16, super::MetaClass)| LabelClass {
        id: class.class_id.filter(|_| have_ids).unwrap_or(place),
        name: class.title,
        color: hex::color(&class.color).unwrap_or_else(|| colors.color(place % 1024)),
    };
    Ok(((0..).zip(meta.classes).map(class).collect(), have_ids))
}

fn parsed<T: DeserializeOwned>(path: &Path) -> Result<T, InterchangeError> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text).map_err(|why| {
        InterchangeError::content(
            format!("expected JSON of a Supervisely project, found {why}; export it again"),
            path,
        )
    })
}

impl LabelReader for Reader {
    fn classes(&self) -> &LabelClasses {
        &self.classes
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn read(&mut self, index: usize) -> Result<LabelledImage, InterchangeError> {
        let path = &self.files[index];
        let annotation: Annotation = parsed(path)?;
        let Size { width, height } = annotation.size;
        let mut labels = files::unlabelled([width, height], path)?;
        for object in &annotation.objects {
            if NO_AREAS.contains(&object.geometry_type.as_str()) {
                *self.skipped.entry(object.geometry_type.clone()).or_default() += 1;
                continue;
            }
            let Some(class) = self.classes.named(&object.class_title) else {
                let text = format!(
                    "expected titles of the classes, found {:?}; add the class",
                    object.class_title
                );
                return Err(InterchangeError::content(text, path));
            };
            paint(object, &mut labels, class.id).map_err(|why| InterchangeError::content(why, path))?;
        }
        let name = self.names[index].clone();
        Ok(LabelledImage { name, labels })
    }

    fn remarks(&self) -> Vec<String> {
        let skipped =
            |(kind, count): (&String, &u64)| format!("Objects of the kind {kind:?}, which have no area: {count}.");
        self.remarks
            .iter()
            .cloned()
            .chain(self.skipped.iter().map(skipped))
            .collect()
    }
}

/// Gives the pixels of an object a class.
fn paint(object: &Object, labels: &mut LabelMap, class: u16) -> Result<(), String> {
    match (object.geometry_type.as_str(), &object.bitmap, &object.points) {
        ("bitmap", Some(placed), _) => paint_bitmap(placed, labels, class),
        ("polygon", _, Some(points)) => paint_polygon(points, labels, class),
        ("rectangle", _, Some(points)) => {
            let [[x0, y0], [x1, y1]] = points.exterior.as_slice() else {
                return Err(format!(
                    "expected two corners of a rectangle, found {}; draw it again",
                    points.exterior.len()
                ));
            };
            let exterior = vec![[*x0, *y0], [*x1, *y0], [*x1, *y1], [*x0, *y1]];
            let interior = Vec::new();
            paint_polygon(&Points { exterior, interior }, labels, class)
        }
        (kind @ ("bitmap" | "polygon" | "rectangle"), ..) => Err(format!(
            "expected the pixels or points of a {kind}, found none; export the project again"
        )),
        (kind, ..) => Err(format!(
            "expected bitmaps, polygons and rectangles, found {kind}; convert the object"
        )),
    }
}

fn paint_bitmap(placed: &Placed, labels: &mut LabelMap, class: u16) -> Result<(), String> {
    let [left, top] = placed.origin.map(|at| usize::try_from(at).unwrap_or(usize::MAX));
    let (Some(columns), Some(rows)) = (labels.width.checked_sub(left), labels.height.checked_sub(top)) else {
        let (width, height) = (labels.width, labels.height);
        return Err(format!(
            "expected a bitmap in {width} x {height} pixels, found its corner at {left}, {top}; move it"
        ));
    };
    let bitmap = bitmap::decode(&placed.data, [columns, rows])?;
    let places = labels.ids.chunks_exact_mut(labels.width).skip(top);
    for (row, mask) in places.zip(bitmap.inside.chunks_exact(bitmap.width)) {
        let inside = row.iter_mut().skip(left).zip(mask).filter(|(_, inside)| **inside);
        inside.for_each(|(id, _)| *id = class);
    }
    Ok(())
}

/// Fills the exterior with all its pixels and then empties the interior rings with all theirs, as the reference client
/// does with cv2.
fn paint_polygon(points: &Points, labels: &mut LabelMap, class: u16) -> Result<(), String> {
    let size = [labels.width, labels.height];
    let ring = |corners: &Vec<[f64; 2]>| {
        polygons::check(corners, size)?;
        // Tools with finer coordinates point to the middles of pixels.
        Ok(corners
            .iter()
            .map(|corner| corner.map(|at| at.floor() as i32))
            .collect())
    };
    let exterior = ring(&points.exterior)?;
    let interior = points
        .interior
        .iter()
        .map(ring)
        .collect::<Result<Vec<Vec<[i32; 2]>>, String>>()?;
    if interior.is_empty() {
        fill::cv2(&[exterior], size, |y, columns| {
            if let Some(row) = labels.ids.get_mut(y * size[0]..(y + 1) * size[0]) {
                row[columns].fill(class);
            }
        });
        return Ok(());
    }
    let mut inside = vec![false; labels.ids.len()];
    for (rings, value) in [(&[exterior][..], true), (&interior, false)] {
        fill::cv2(rings, size, |y, columns| {
            if let Some(row) = inside.get_mut(y * size[0]..(y + 1) * size[0]) {
                row[columns].fill(value);
            }
        });
    }
    let ids = labels.ids.iter_mut().zip(inside).filter(|(_, inside)| *inside);
    ids.for_each(|(id, _)| *id = class);
    Ok(())
}
