//! Polygons from files, painted as pycocotools fills them.

use super::outline::fill;
use crate::labels::LabelMap;

/// How far a corner may lie outside, in sides of the image: drawing tools let go of the mouse there.
const MOST_OUTSIDE: f64 = 2.0;

/// Gives the pixels whose centres are inside a polygon a class. Corners are in pixels, (0, 0) is the corner of the first
/// pixel.
///
/// # Errors
/// When there are fewer than three corners, or one lies far outside; then the map is as before. The sentence says what
/// was expected and found.
pub(super) fn paint(corners: &[[f64; 2]], labels: &mut LabelMap, class: u16) -> Result<(), String> {
    check(corners, [labels.width, labels.height])?;
    let width = labels.width;
    fill::coco(corners, [labels.width, labels.height], |y, columns| {
        if let Some(row) = labels.ids.get_mut(y * width..(y + 1) * width) {
            row[columns].fill(class);
        }
    });
    Ok(())
}

/// Checks the number of corners and where they lie.
///
/// # Errors
/// As [`paint`].
pub(super) fn check(corners: &[[f64; 2]], [width, height]: [usize; 2]) -> Result<(), String> {
    if corners.len() < 3 {
        return Err(format!(
            "expected three or more corners, found {}; delete the polygon",
            corners.len()
        ));
    }
    let sides = [width as f64, height as f64];
    // Not finite numbers are in no range.
    let near = |[x, y]: &[f64; 2]| {
        [(x, sides[0]), (y, sides[1])]
            .iter()
            .all(|(at, side)| at.abs() <= MOST_OUTSIDE * side)
    };
    match corners.iter().find(|corner| !near(corner)) {
        None => Ok(()),
        Some([x, y]) => Err(format!(
            "expected corners in {width} x {height} pixels, found {x}, {y}; correct the polygon"
        )),
    }
}
