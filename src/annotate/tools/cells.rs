//! Superpixels: small areas of similar colour, and of similar tokens where they are known, which are painted whole.
//!
//! Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods" (2012): k-means over place and
//! colour, where each centre looks at its neighbourhood only.

use super::super::spans::{Bounds, Span};
use super::wand::PatchValues;
use crate::photo::Photo;

/// Most pixels that the search for centres looks at; larger photos are looked at on every second, third, … pixel.
const MOST_PIXELS: usize = 600_000;

/// Rounds of k-means; SLIC's paper finds ten enough, and the borders hardly move after five.
const ROUNDS: usize = 6;

/// How much a distance in place counts against one in colour: the paper's m, for colours of CIELAB.
const COMPACTNESS: f32 = 14.0;

/// How much token features count against colours, whose range is 0..=100 in CIELAB.
const TOKENS: f32 = 30.0;

/// The cells of an image.
#[derive(Clone, Debug)]
pub struct Cells {
    size: [usize; 2],
    /// Distance of two columns or rows of `numbers` in pixels.
    step: usize,
    /// Number of the cell of each looked-at pixel.
    numbers: Vec<u32>,
    columns: usize,
    /// For each cell, the box of its pixels in `numbers`.
    boxes: Vec<Option<Bounds>>,
}

/// Features of a centre: light, two of colour, three of tokens, then column and row.
type Centre = [f32; 8];

impl Cells {
    /// Cells of about `side` pixels across. `tokens` are up to three features of the model's patches, each about 0..=1.
    pub fn of(photo: &Photo, side: usize, tokens: &[PatchValues]) -> Self {
        let step = ((photo.width * photo.height) as f64 / MOST_PIXELS as f64)
            .sqrt()
            .ceil()
            .max(1.0) as usize;
        let [columns, rows] = [photo.width, photo.height].map(|side| side.div_ceil(step));
        let features: Vec<[f32; 6]> = (0..columns * rows)
            .map(|at| {
                let [x, y] = Self::looked_at(at, columns, step, photo);
                features_at(photo, [x, y], tokens)
            })
            .collect();
        let spacing = (side.max(4 * step) as f32 / step as f32).max(3.0);
        let mut centres = centres_on_grid(&features, [columns, rows], spacing);
        let mut numbers = vec![0u32; columns * rows];
        for _ in 0..ROUNDS {
            assign(&features, columns, &centres, spacing, &mut numbers);
            move_centres(&features, columns, &numbers, &mut centres);
        }
        let (numbers, count) = connected_cells(&numbers, columns, (spacing * spacing / 5.0) as usize);
        let mut boxes: Vec<Option<Bounds>> = vec![None; count];
        for (at, number) in numbers.iter().enumerate() {
            let [x, y] = [at % columns, at / columns];
            let pixel = Bounds {
                x: x..x + 1,
                y: y..y + 1,
            };
            if let Some(bounds) = boxes.get_mut(*number as usize) {
                *bounds = Some(
                    bounds
                        .take()
                        .map_or_else(|| pixel.clone(), |bounds| bounds.around(&pixel)),
                );
            }
        }
        Self {
            size: [photo.width, photo.height],
            step,
            numbers,
            columns,
            boxes,
        }
    }

    /// The pixel that stands for a place of the coarse grid.
    fn looked_at(at: usize, columns: usize, step: usize, photo: &Photo) -> [usize; 2] {
        let place = |index: usize, side: usize| (index * step + step / 2).min(side - 1);
        [place(at % columns, photo.width), place(at / columns, photo.height)]
    }

    /// Number of cells.
    pub fn count(&self) -> usize {
        self.boxes.len()
    }

    /// The cell at a pixel.
    pub fn at(&self, [x, y]: [usize; 2]) -> Option<u32> {
        let inside = x < self.size[0] && y < self.size[1];
        let at = y / self.step * self.columns + x / self.step;
        self.numbers.get(at).copied().filter(|_| inside)
    }

    /// The pixels of a cell.
    pub fn spans(&self, cell: u32) -> Vec<Span> {
        let mut spans = Vec::new();
        let Some(Some(bounds)) = self.boxes.get(cell as usize) else {
            return spans;
        };
        for row in bounds.y.clone() {
            let numbers = &self.numbers[row * self.columns..][..self.columns];
            let mut runs = Vec::new();
            let mut x = bounds.x.start;
            while x < bounds.x.end {
                let start = x;
                while x < bounds.x.end && numbers[x] == cell {
                    x += 1;
                }
                if start < x {
                    runs.push(start * self.step..(x * self.step).min(self.size[0]));
                }
                x += 1;
            }
            for y in row * self.step..((row + 1) * self.step).min(self.size[1]) {
                spans.extend(runs.iter().map(|x| Span { y, x: x.clone() }));
            }
        }
        spans
    }
}

/// Colour in CIELAB, and what the tokens say.
fn features_at(photo: &Photo, [x, y]: [usize; 2], tokens: &[PatchValues]) -> [f32; 6] {
    let [l, a, b] = lab(photo.pixel(x, y).unwrap_or_default());
    let mut features = [l, a, b, 0.0, 0.0, 0.0];
    for (feature, values) in features[3..].iter_mut().zip(tokens) {
        *feature = values.at(y * photo.width + x) * TOKENS;
    }
    features
}

/// sRGB as CIELAB under D65.
fn lab(rgb: [u8; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(|value| {
        let value = f32::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let root = |value: f32| {
        if value > 0.008_856 {
            value.cbrt()
        } else {
            7.787 * value + 16.0 / 116.0
        }
    };
    let x = root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    let y = root(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn centres_on_grid(features: &[[f32; 6]], [columns, rows]: [usize; 2], spacing: f32) -> Vec<Centre> {
    let count = |side: usize| ((side as f32 / spacing).round() as usize).max(1);
    let [across, down] = [count(columns), count(rows)];
    let mut centres = Vec::with_capacity(across * down);
    for row in 0..down {
        for column in 0..across {
            let x = ((column as f32 + 0.5) * columns as f32 / across as f32) as usize;
            let y = ((row as f32 + 0.5) * rows as f32 / down as f32) as usize;
            let [x, y] = [x.min(columns - 1), y.min(rows - 1)];
            centres.push(centre_of(&features[y * columns + x], [x as f32, y as f32]));
        }
    }
    centres
}

fn centre_of(features: &[f32; 6], [x, y]: [f32; 2]) -> Centre {
    let [l, a, b, t0, t1, t2] = *features;
    [l, a, b, t0, t1, t2, x, y]
}

/// Gives each pixel the number of the nearest centre, of those whose neighbourhood it lies in.
fn assign(features: &[[f32; 6]], columns: usize, centres: &[Centre], spacing: f32, numbers: &mut [u32]) {
    let rows = features.len() / columns;
    let mut nearest = vec![f32::INFINITY; features.len()];
    let weight = (COMPACTNESS / spacing).powi(2);
    let reach = spacing.ceil() as usize + 1;
    for (number, centre) in (0..).zip(centres) {
        let [cx, cy] = [centre[6] as usize, centre[7] as usize];
        for y in cy.saturating_sub(reach)..=(cy + reach).min(rows - 1) {
            for x in cx.saturating_sub(reach)..=(cx + reach).min(columns - 1) {
                let at = y * columns + x;
                let colour: f32 = features[at].iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum();
                let [dx, dy] = [x as f32 - centre[6], y as f32 - centre[7]];
                let distance = colour + weight * (dx * dx + dy * dy);
                if distance < nearest[at] {
                    nearest[at] = distance;
                    numbers[at] = number;
                }
            }
        }
    }
}

fn move_centres(features: &[[f32; 6]], columns: usize, numbers: &[u32], centres: &mut [Centre]) {
    let mut sums = vec![([0f64; 8], 0u32); centres.len()];
    for (at, number) in numbers.iter().enumerate() {
        let (sum, count) = &mut sums[*number as usize];
        let place = [(at % columns) as f32, (at / columns) as f32];
        for (sum, value) in sum.iter_mut().zip(centre_of(&features[at], place)) {
            *sum += f64::from(value);
        }
        *count += 1;
    }
    for (centre, (sum, count)) in centres.iter_mut().zip(sums) {
        if count > 0 {
            *centre = sum.map(|sum| (sum / f64::from(count)) as f32);
        }
    }
}

/// Numbers connected parts again; parts of fewer than `least` pixels join the part before them, as SLIC's authors do.
fn connected_cells(numbers: &[u32], columns: usize, least: usize) -> (Vec<u32>, usize) {
    const NONE: u32 = u32::MAX;
    let mut parts = vec![NONE; numbers.len()];
    let (mut count, mut part) = (0u32, Vec::new());
    for start in 0..numbers.len() {
        if parts[start] != NONE {
            continue;
        }
        let before = match (start % columns > 0, start >= columns) {
            (true, _) => Some(parts[start - 1]),
            (false, true) => Some(parts[start - columns]),
            (false, false) => None,
        };
        part.clear();
        part.push(start);
        parts[start] = count;
        let mut next = 0;
        while let Some(at) = part.get(next).copied() {
            next += 1;
            let x = at % columns;
            let around = [
                (x > 0).then(|| at - 1),
                (x + 1 < columns).then_some(at + 1),
                at.checked_sub(columns),
                (at + columns < numbers.len()).then_some(at + columns),
            ];
            for other in around.into_iter().flatten() {
                if parts[other] == NONE && numbers[other] == numbers[start] {
                    parts[other] = count;
                    part.push(other);
                }
            }
        }
        match before.filter(|_| part.len() < least) {
            Some(before) => part.iter().for_each(|at| parts[*at] = before),
            None => count += 1,
        }
    }
    (parts, count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A photo with a red and a green half, and a border at column 37.
    fn halves() -> Photo {
        let rgb = (0..80 * 60).flat_map(|at| if at % 80 < 37 { [200, 30, 30] } else { [30, 160, 40] });
        Photo::new(80, 60, rgb.collect())
    }

    #[test]
    fn cells_cover_each_pixel_once_and_end_at_edges() {
        let photo = halves();
        let cells = Cells::of(&photo, 12, &[]);
        assert!(cells.count() > 12, "{}", cells.count());
        let mut times = vec![0; 80 * 60];
        for cell in 0..cells.count() as u32 {
            let spans = cells.spans(cell);
            assert!(!spans.is_empty());
            let left = spans.iter().any(|span| span.x.start < 37);
            let right = spans.iter().any(|span| span.x.end > 37);
            assert!(left != right, "cell {cell} crosses the edge");
            for span in spans {
                for x in span.x {
                    times[span.y * 80 + x] += 1;
                    assert_eq!(cells.at([x, span.y]), Some(cell));
                }
            }
        }
        assert!(times.iter().all(|times| *times == 1));
        assert_eq!(cells.at([80, 0]), None);
    }

    #[test]
    fn tokens_divide_what_colours_do_not() {
        let photo = Photo::new(64, 64, vec![120; 64 * 64 * 3]);
        let tokens = PatchValues::new(vec![0.0, 1.0, 0.0, 1.0], [2, 2], [64, 64], [0.0, 0.0, 64.0, 64.0]);
        let cells = Cells::of(&photo, 16, &tokens.into_iter().collect::<Vec<_>>());
        let with: Vec<_> = (0..64).map(|x| cells.at([x, 30])).collect();
        let without = Cells::of(&photo, 16, &[]);
        let plain: Vec<_> = (0..64).map(|x| without.at([x, 30])).collect();
        assert_ne!(with, plain);
    }

    #[test]
    fn large_photos_are_covered_whole_and_tiny_ones_too() {
        for [width, height] in [[1501, 1003], [3, 2], [1, 1]] {
            let photo = Photo::new(width, height, vec![90; width * height * 3]);
            let cells = Cells::of(&photo, 40, &[]);
            let pixels: usize = (0..cells.count() as u32)
                .flat_map(|cell| cells.spans(cell))
                .map(|span| span.x.len())
                .sum();
            assert_eq!(pixels, width * height);
        }
    }
}
