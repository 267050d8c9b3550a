//! A simulated user: draws a stroke of the right class in the largest part that is wrong.
//!
//! A stroke is a straight line, 3 pixels wide and 20 to 60 long in images of 480 rows, through a place that is well
//! inside its part, in the first of 12 directions that leaves room to the part's border.

use crate::datasets::NO_CLASS;
use crate::labels::{LabelMap, Regions};
use crate::teach::Stroke;

/// Width of a stroke in pixels.
const WIDTH: f64 = 3.0;

/// Rows of the image for which lengths are given.
const ROWS: f64 = 480.0;

/// Shortest and longest stroke in pixels, in an image of [`ROWS`] rows.
const LENGTHS: [f64; 2] = [20.0, 60.0];

/// Directions that are tried.
const DIRECTIONS: usize = 12;

/// Share of the largest distance to the border that the middle of a stroke has at least.
const INSIDE: f64 = 0.7;

/// Share of an image that a class has at least to get a first stroke.
const LEAST_SHARE: f64 = 0.004;

/// Numbers that depend on image and round only.
struct Draws(u64);

impl Draws {
    fn new(image: usize, round: usize) -> Self {
        let mut draws = Self((image as u64) << 32 | round as u64 | 1 << 63);
        (0..4).for_each(|_| _ = draws.next());
        draws
    }

    /// A number from 0 to 1, exclusive.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// One stroke for each class of the ground truth that is not tiny, in its largest part.
pub(super) fn first_strokes(truth: &LabelMap, classes: usize, image: usize) -> Vec<Stroke> {
    let regions = Regions::of(truth);
    let least = (truth.ids.len() as f64 * LEAST_SHARE) as u64;
    let of_class = |class: u16| {
        let own = regions
            .list()
            .iter()
            .enumerate()
            .filter(|(_, region)| region.class == class);
        let total: u64 = own.clone().map(|(_, region)| region.pixels).sum();
        let (largest, _) = own.max_by_key(|(i, region)| (region.pixels, usize::MAX - i))?;
        let mut draws = Draws::new(image, usize::from(class) << 16);
        (total >= least).then(|| stroke_in(truth, &regions, largest, class, &mut draws))
    };
    (0..classes as u16).filter_map(of_class).collect()
}

/// A stroke of the right class in the largest part of one true class that has wrong labels; `None` if none is wrong.
pub(super) fn correction(truth: &LabelMap, labels: &LabelMap, image: usize, round: usize) -> Option<Stroke> {
    let wrong = LabelMap {
        ids: truth
            .ids
            .iter()
            .zip(&labels.ids)
            .map(|(truth, label)| if truth == label { NO_CLASS } else { *truth })
            .collect(),
        ..*truth
    };
    let regions = Regions::of(&wrong);
    let parts = regions.list().iter().enumerate();
    let parts = parts.filter(|(_, region)| region.class != NO_CLASS);
    let (largest, region) = parts.max_by_key(|(i, region)| (region.pixels, usize::MAX - i))?;
    Some(stroke_in(
        &wrong,
        &regions,
        largest,
        region.class,
        &mut Draws::new(image, round),
    ))
}

fn stroke_in(map: &LabelMap, regions: &Regions, part: usize, class: u16, draws: &mut Draws) -> Stroke {
    let [width, height] = [map.width, map.height];
    let distances = distances(regions, part, [width, height]);
    let most = distances.iter().copied().fold(0.0, f64::max);
    let inside: Vec<usize> = (0..distances.len())
        .filter(|at| distances[*at] > 0.0 && distances[*at] >= INSIDE * most)
        .collect();
    let at = inside[(draws.next() * inside.len() as f64) as usize];
    let middle = [(at % width) as f64, (at / width) as f64];
    let room = WIDTH.min(most / 2.0);
    let mut length = (LENGTHS[0] + draws.next() * (LENGTHS[1] - LENGTHS[0])) * height as f64 / ROWS;
    let turn = draws.next();
    let has_room = |[x, y]: [f64; 2]| {
        let (x, y) = (x.round(), y.round());
        let is_in = x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64;
        is_in && distances[y as usize * width + x as usize] >= room
    };
    while length >= 2.0 {
        for direction in 0..DIRECTIONS {
            let angle = (direction as f64 / DIRECTIONS as f64 + turn) * std::f64::consts::PI;
            let along = |share: f64| {
                let way = length * (share - 0.5);
                [middle[0] + way * angle.cos(), middle[1] + way * angle.sin()]
            };
            let steps = length.ceil();
            if (0..=steps as usize).all(|step| has_room(along(step as f64 / steps))) {
                return Stroke::new(
                    class,
                    WIDTH,
                    vec![along(0.0).map(f64::round), along(1.0).map(f64::round)],
                );
            }
        }
        length /= 2.0;
    }
    // A dot that stays inside the part.
    Stroke::new(class, (2.0 * most - 1.0).clamp(1.0, WIDTH), vec![middle])
}

/// Distance of each pixel of a region to the nearest one outside it or outside the image; 0 for other pixels.
fn distances(regions: &Regions, part: usize, [width, height]: [usize; 2]) -> Vec<f64> {
    let mut inside = vec![false; width * height];
    for y in 0..height {
        for (columns, region) in regions.row(y) {
            if region as usize == part {
                inside[y * width..][columns].fill(true);
            }
        }
    }
    // Distance along the column.
    let mut down = vec![0usize; width * height];
    for x in 0..width {
        let mut since = 0;
        for y in 0..height {
            since = if inside[y * width + x] { since + 1 } else { 0 };
            down[y * width + x] = since;
        }
        since = 0;
        for y in (0..height).rev() {
            since = if inside[y * width + x] { since + 1 } else { 0 };
            let to = &mut down[y * width + x];
            *to = since.min(*to);
        }
    }
    let nearest = |at: usize| {
        let (x, row) = (at % width, &down[at - at % width..][..width]);
        let mut best = row[x] * row[x];
        let mut away = 1;
        while away * away < best {
            for x in [x.checked_sub(away), Some(x + away)] {
                let of_column = x.and_then(|x| row.get(x)).copied().unwrap_or(0);
                best = best.min(away * away + of_column * of_column);
            }
            away += 1;
        }
        (best as f64).sqrt()
    };
    (0..inside.len())
        .map(|at| if inside[at] { nearest(at) } else { 0.0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teach::pixels;

    /// Two halves and a small square of a third class.
    fn map() -> LabelMap {
        let id = |i: usize| match (i % 80, i / 80) {
            (10..22, 30..42) => 2,
            (0..40, _) => 0,
            _ => 1,
        };
        LabelMap {
            width: 80,
            height: 60,
            ids: (0..80 * 60).map(id).collect(),
        }
    }

    #[test]
    fn first_strokes_lie_in_their_classes() {
        let truth = map();
        let strokes = first_strokes(&truth, 3, 5);
        assert_eq!(strokes.iter().map(|stroke| stroke.class).collect::<Vec<_>>(), [0, 1, 2]);
        for stroke in &strokes {
            let under = pixels(stroke, [80, 60]);
            assert!(!under.is_empty());
            assert!(under.iter().all(|at| truth.ids[*at] == stroke.class), "{stroke:?}");
        }
        assert_eq!(first_strokes(&truth, 3, 5), strokes);
    }

    #[test]
    fn corrections_go_into_the_largest_wrong_part() {
        let truth = map();
        let all_zero = LabelMap {
            ids: vec![0; 80 * 60],
            ..truth.clone()
        };
        let stroke = correction(&truth, &all_zero, 5, 1).expect("a stroke");
        assert_eq!(stroke.class, 1);
        assert_eq!(correction(&truth, &truth, 5, 1), None);
    }
}
