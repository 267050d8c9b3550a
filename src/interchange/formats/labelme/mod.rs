//! labelme, with one mask for each class or each connected part.

mod reader;
mod shapes;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{self, Cursor};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::annotate::UNLABELLED;
use crate::interchange::{InterchangeError, LabelClasses, LabelWriter, WriteChoices};
use crate::labels::{LabelMap, Regions};

pub use reader::{is, open};
pub(super) use shapes::{Flags, Shape};
pub(super) use writer::create as create_with;

/// Names of labelme's own export for pixels without a class: the first stays out of training, the second is what no shape
/// covers.
const IGNORED: &str = "__ignore__";
const BACKGROUND: &str = "_background_";

/// The list of classes, as labelme's export takes it with `--labels`.
const LIST: &str = "labels.txt";

/// Writes a file with masks for each image.
///
/// # Errors
/// When classes share a name, or have one that means "no class".
pub fn create(
    out: &Path,
    classes: &LabelClasses,
    choices: &WriteChoices,
) -> Result<Box<dyn LabelWriter>, InterchangeError> {
    create_with(out, classes, choices, masks)
}

/// A run of pixels of one mask.
#[derive(Clone, Copy, Debug)]
struct Run {
    mask: u32,
    y: u32,
    start: u32,
    end: u32,
}

/// One mask for each class, or for each connected part.
fn masks(labels: &LabelMap, name: &dyn Fn(u16) -> String, parts: bool) -> Result<Vec<Shape>, String> {
    let regions = Regions::of(labels);
    let mut runs: Vec<Run> = Vec::new();
    for y in 0..labels.height {
        for (columns, number) in regions.row(y) {
            let class = regions
                .list()
                .get(number as usize)
                .map_or(UNLABELLED, |region| region.class);
            if class != UNLABELLED {
                runs.push(Run {
                    mask: if parts { number } else { u32::from(class) },
                    y: y as u32,
                    start: columns.start as u32,
                    end: columns.end as u32,
                });
            }
        }
    }
    // Stable: rows stay in their order.
    runs.sort_by_key(|run| run.mask);
    let class_of = |mask: u32| match parts {
        true => regions
            .list()
            .get(mask as usize)
            .map_or(UNLABELLED, |region| region.class),
        false => mask as u16,
    };
    let groups = runs.chunk_by(|a, b| a.mask == b.mask);
    let shape = |group: &[Run]| shape(group, name(class_of(group.first()?.mask))).transpose();
    groups.filter_map(shape).collect()
}

/// A mask of runs in the order of rows; `None` without runs.
fn shape(runs: &[Run], label: String) -> Result<Option<Shape>, String> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return Ok(None);
    };
    let left = runs.iter().map(|run| run.start).min().unwrap_or(0);
    let right = runs.iter().map(|run| run.end).max().unwrap_or(0);
    let [width, height] = [right - left, last.y - first.y + 1];
    let mut crop = vec![0_u8; width as usize * height as usize];
    for run in runs {
        let row = (run.y - first.y) as usize * width as usize;
        crop[row + (run.start - left) as usize..row + (run.end - left) as usize].fill(255);
    }
    let png = grey_png(&crop, [width, height]).map_err(|why| format!("a mask cannot be written as PNG ({why})"))?;
    Ok(Some(Shape {
        label,
        points: vec![
            [f64::from(left), f64::from(first.y)],
            [f64::from(right - 1), f64::from(last.y)],
        ],
        group_id: None,
        description: String::new(),
        shape_type: Some("mask".to_owned()),
        flags: Flags::default(),
        mask: Some(STANDARD.encode(png)),
    }))
}

fn grey_png(pixels: &[u8], [width, height]: [u32; 2]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(Cursor::new(&mut bytes), width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
