//! labelme, with polygons in painter's order: exact in labelme's own export.

use std::path::Path;

use super::labelme::{Flags, Shape, create_with};
use crate::interchange::outline::painter::painters_order;
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, WriteChoices};
use crate::labels::LabelMap;

/// Writes a file with polygons for each image. Later polygons lie on earlier ones.
///
/// # Errors
/// When classes share a name, or have one that means "no class".
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    create_with(out, classes, choices, polygons)
}

fn polygons(labels: &LabelMap, name: &dyn Fn(u16) -> String, _: bool) -> Result<Vec<Shape>, String> {
    let shapes = painters_order(labels).into_iter().map(|painted| Shape {
        label: name(painted.class),
        points: painted.ring.iter().map(|point| point.map(f64::from)).collect(),
        group_id: None,
        description: String::new(),
        shape_type: Some("polygon".to_owned()),
        flags: Flags::default(),
        mask: None,
    });
    Ok(shapes.collect())
}
