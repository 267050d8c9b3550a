//! `geojson`: a collection of features for each image, with polygons along the pixel edges of each class. It is only
//! written.
//!
//! Coordinates are pixels from the left top corner of the image, x to the right and y down. Rings are those of
//! RFC 7946: closed, outer ones counter-clockwise where y goes up, and so clockwise on the screen.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::interchange::outline::crack::Part;
use crate::interchange::outline_writer::{OutlineWriter, Shape};
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, LabelledImage, WriteChoices, hex};

/// Corners of a ring; the last is the first.
type Ring = Vec<[u32; 2]>;

#[derive(Serialize)]
struct Collection<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    image: &'a str,
    width: usize,
    height: usize,
    features: Vec<Feature<'a>>,
}

#[derive(Serialize)]
struct Feature<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Properties<'a>,
    geometry: Geometry,
}

#[derive(Serialize)]
struct Properties<'a> {
    class_id: u16,
    class: &'a str,
    color: String,
    pixels: u64,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Polygon(Vec<Ring>),
    MultiPolygon(Vec<Vec<Ring>>),
}

/// Writes `NAME.geojson` for each image: a feature for each class, or for each connected part.
///
/// # Errors
/// When the folder cannot be made.
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    OutlineWriter::create(out, classes, choices, ".geojson", text)
}

fn text(image: &LabelledImage, shapes: &[Shape<'_>]) -> io::Result<String> {
    let collection = Collection {
        kind: "FeatureCollection",
        image: &image.name,
        width: image.labels.width,
        height: image.labels.height,
        features: shapes.iter().map(feature).collect(),
    };
    serde_json::to_string(&collection).map_err(io::Error::from)
}

fn feature<'a>(shape: &Shape<'a>) -> Feature<'a> {
    let class = shape.class;
    Feature {
        kind: "Feature",
        properties: Properties {
            class_id: class.id,
            class: &class.name,
            color: hex::of_color(class.color),
            pixels: shape.parts.iter().map(|part| part.pixels).sum(),
        },
        geometry: match shape.parts.as_slice() {
            [part] => Geometry::Polygon(rings(part)),
            parts => Geometry::MultiPolygon(parts.iter().map(rings).collect()),
        },
    }
}

fn rings(part: &Part) -> Vec<Ring> {
    let closed = |ring: &Ring| ring.iter().chain(ring.first()).copied().collect();
    std::iter::once(&part.outer).chain(&part.holes).map(closed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::sample;
    use crate::labels::LabelMap;

    /// Twice the area of a closed ring, positive where the ring is counter-clockwise with y up.
    fn area(ring: &Ring) -> i64 {
        assert_eq!(ring.first(), ring.last());
        let edges = ring
            .windows(2)
            .map(|edge| [edge[0], edge[1]].map(|corner| corner.map(i64::from)));
        edges.map(|[[x0, y0], [x1, y1]]| x0 * y1 - x1 * y0).sum()
    }

    /// Gives the pixels inside a polygon, by the even-odd rule, a class.
    fn paint(rings: &[Ring], labels: &mut LabelMap, class: u16) {
        for (place, id) in labels.ids.iter_mut().enumerate() {
            let [x, y] = [place % labels.width, place / labels.width].map(|at| at as u32);
            let crosses = |edge: &&[[u32; 2]]| edge[0][0] <= x && (edge[0][1] <= y) != (edge[1][1] <= y);
            let count: usize = rings.iter().map(|ring| ring.windows(2).filter(crosses).count()).sum();
            if count % 2 == 1 {
                assert_eq!(*id, UNLABELLED);
                *id = class;
            }
        }
    }

    fn read(text: &str) -> LabelMap {
        let file: Value = serde_json::from_str(text).unwrap();
        let side = |key: &str| file[key].as_u64().unwrap() as usize;
        let [width, height] = [side("width"), side("height")];
        let ids = vec![UNLABELLED; width * height];
        let mut labels = LabelMap { width, height, ids };
        for feature in file["features"].as_array().unwrap() {
            let class = feature["properties"]["class_id"].as_u64().unwrap() as u16;
            let name = feature["properties"]["class"].as_str().unwrap();
            assert_eq!(sample::classes().get(class).unwrap().name, name);
            let geometry = feature["geometry"]["coordinates"].clone();
            let polygons: Vec<Vec<Ring>> = match feature["geometry"]["type"].as_str().unwrap() {
                "Polygon" => vec![serde_json::from_value(geometry).unwrap()],
                _ => serde_json::from_value(geometry).unwrap(),
            };
            let mut doubled = 0;
            for rings in polygons {
                assert!(area(&rings[0]) > 0);
                assert!(rings[1..].iter().all(|ring| area(ring) < 0));
                doubled += rings.iter().map(area).sum::<i64>();
                paint(&rings, &mut labels, class);
            }
            assert_eq!(doubled as u64, 2 * feature["properties"]["pixels"].as_u64().unwrap());
        }
        labels
    }

    #[test]
    fn every_map_comes_back() {
        for parts in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let choices = WriteChoices { images: None, parts };
            let mut writer = create(folder.path(), &sample::classes(), &choices).unwrap();
            for (index, labels) in sample::maps(&[1, 3, 4, 9, 200], 25).into_iter().enumerate() {
                let name = format!("val/{index}.jpg");
                writer
                    .write(&LabelledImage {
                        name,
                        labels: labels.clone(),
                    })
                    .unwrap();
                let path = folder.path().join(format!("val/{index}.geojson"));
                assert_eq!(read(&std::fs::read_to_string(path).unwrap()), labels);
            }
            writer.finish().unwrap();
        }
    }

    #[test]
    fn ids_without_class_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = create(folder.path(), &sample::classes(), &WriteChoices::default()).unwrap();
        let labels = LabelMap {
            width: 1,
            height: 1,
            ids: vec![2],
        };
        assert!(
            writer
                .write(&LabelledImage {
                    name: "a.png".into(),
                    labels
                })
                .is_err()
        );
        assert!(!folder.path().join("a.geojson").exists());
    }
}
