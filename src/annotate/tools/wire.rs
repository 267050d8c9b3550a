//! The live wire: the path between two places that follows edges of the image.
//!
//! Mortensen and Barrett, "Intelligent Scissors for Image Composition" (1995): the cheapest path over pixels, where a
//! step costs less the stronger the edge is that it lies on.

use crate::photo::Photo;

/// Most points that a search looks at; longer paths are found on every second, third, … pixel.
const MOST_NODES: usize = 30_000;

/// Cost of a straight step over a pixel without an edge; one along the strongest edge costs 1.
const FLAT: u32 = 24;

/// The path from one place to another, without the first and with the last, in pixels from the left and top edge of the
/// image. It has corners at middles of pixels. Places outside are moved to the edge.
pub fn edge_path(photo: &Photo, from: [f64; 2], to: [f64; 2]) -> Vec<[f64; 2]> {
    let size = [photo.width, photo.height];
    let Some(search) = Search::between(size, from, to) else {
        return vec![to];
    };
    let costs = search.costs(photo);
    let mut path = search.cheapest(&costs);
    if let Some(last) = path.last_mut() {
        *last = to;
    }
    simplified(path)
}

/// A grid of pixels around two places.
struct Search {
    /// Its upper left pixel.
    origin: [usize; 2],
    /// Columns and rows.
    size: [usize; 2],
    /// Distance of two columns or rows in pixels.
    step: usize,
    start: usize,
    end: usize,
}

impl Search {
    fn between([width, height]: [usize; 2], from: [f64; 2], to: [f64; 2]) -> Option<Self> {
        if width < 3 || height < 3 {
            return None;
        }
        let pixel = |place: [f64; 2]| {
            [(place[0], width), (place[1], height)].map(|(at, side)| at.clamp(0.0, side as f64 - 1.0) as usize)
        };
        let [a, b] = [pixel(from), pixel(to)];
        // Edges may lead around the straight line by a quarter of its length.
        let margin = 12 + a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])) / 4;
        let low = [0, 1].map(|i| a[i].min(b[i]).saturating_sub(margin));
        let high = [(0, width), (1, height)].map(|(i, side)| (a[i].max(b[i]) + margin).min(side - 1));
        let sides = [0, 1].map(|i| high[i] - low[i] + 1);
        let step = (((sides[0] * sides[1]) as f64 / MOST_NODES as f64).sqrt().ceil() as usize).max(1);
        let size = sides.map(|side| side.div_ceil(step));
        let node = |at: [usize; 2]| {
            let [column, row] = [0, 1].map(|i| ((at[i] - low[i]) / step).min(size[i] - 1));
            row * size[0] + column
        };
        Some(Self {
            origin: low,
            size,
            step,
            start: node(a),
            end: node(b),
        })
    }

    /// The pixel of a node.
    fn pixel(&self, node: usize) -> [usize; 2] {
        let half = self.step / 2;
        [
            self.origin[0] + node % self.size[0] * self.step + half,
            self.origin[1] + node / self.size[0] * self.step + half,
        ]
    }

    /// What a step onto each node costs, 1..=[`FLAT`].
    fn costs(&self, photo: &Photo) -> Vec<u32> {
        let reach = self.step;
        let light = |x: usize, y: usize| {
            let [x, y] = [x.min(photo.width - 1), y.min(photo.height - 1)];
            photo.pixel(x, y).map_or([0; 3], |pixel| pixel.map(i32::from))
        };
        let strength: Vec<u32> = (0..self.size[0] * self.size[1])
            .map(|node| {
                let [x, y] = self.pixel(node);
                let across = (light(x.saturating_sub(reach), y), light(x + reach, y));
                let down = (light(x, y.saturating_sub(reach)), light(x, y + reach));
                // The channel that changes most shows edges between colours of equal brightness, too.
                (0..3)
                    .map(|c| {
                        let (dx, dy) = (across.1[c] - across.0[c], down.1[c] - down.0[c]);
                        (dx * dx + dy * dy) as u32
                    })
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let strongest = strength.iter().copied().max().unwrap_or(0).max(1) as f32;
        let cost = |strength: u32| {
            let share = (strength as f32 / strongest).sqrt();
            1 + ((1.0 - share) * (1.0 - share) * (FLAT - 1) as f32).round() as u32
        };
        strength.into_iter().map(cost).collect()
    }

    /// The cheapest path from start to end, by Dijkstra's search with a bucket for each cost (Dial 1969).
    fn cheapest(&self, costs: &[u32]) -> Vec<[f64; 2]> {
        let [columns, rows] = self.size;
        // A straight step counts 5 and a diagonal one 7, about the ratio of their lengths.
        let largest = (FLAT * 7) as usize;
        let mut buckets = vec![Vec::new(); largest + 1];
        let mut reached = vec![u32::MAX; costs.len()];
        let mut before = vec![usize::MAX; costs.len()];
        reached[self.end] = 0;
        buckets[0].push(self.end);
        let (mut cost, mut empty) = (0usize, 0);
        // Searched from the end, so that the way back leads from the start to it.
        while empty <= largest && reached[self.start] as usize >= cost {
            let Some(node) = buckets[cost % (largest + 1)].pop() else {
                (cost, empty) = (cost + 1, empty + 1);
                continue;
            };
            empty = 0;
            if reached[node] as usize != cost {
                continue;
            }
            let [x, y] = [node % columns, node / columns];
            for ny in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(columns - 1) {
                    let next = ny * columns + nx;
                    let length = if nx != x && ny != y { 7 } else { 5 };
                    let wanted = cost as u32 + costs[next] * length;
                    if wanted < reached[next] {
                        reached[next] = wanted;
                        before[next] = node;
                        buckets[wanted as usize % (largest + 1)].push(next);
                    }
                }
            }
        }
        let mut path = Vec::new();
        let mut node = self.start;
        while let Some(next) = before.get(node).copied().filter(|_| node != self.end) {
            node = next;
            path.push(self.pixel(node).map(|side| side as f64 + 0.5));
        }
        path
    }
}

/// The path without points on straight lines between others.
fn simplified(path: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::new();
    for point in path {
        if let [.., a, b] = kept.as_slice() {
            let cross = (b[0] - a[0]) * (point[1] - b[1]) - (b[1] - a[1]) * (point[0] - b[0]);
            if cross == 0.0 {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark disc on a light ground.
    fn disc(size: usize, radius: f64) -> Photo {
        let middle = size as f64 / 2.0;
        let rgb = (0..size * size).flat_map(|at| {
            let [x, y] = [(at % size) as f64 + 0.5 - middle, (at / size) as f64 + 0.5 - middle];
            if x.hypot(y) < radius {
                [40, 60, 50]
            } else {
                [200, 190, 180]
            }
        });
        Photo::new(size, size, rgb.collect())
    }

    #[test]
    fn the_path_follows_the_edge_and_not_the_straight_line() {
        let photo = disc(160, 50.0);
        let on_edge = |angle: f64| [80.0 + 50.0 * angle.cos(), 80.0 + 50.0 * angle.sin()];
        let path = edge_path(&photo, on_edge(0.0), on_edge(1.5));
        assert_eq!(path.last(), Some(&on_edge(1.5)));
        assert!(path.len() > 5, "it bends");
        for [x, y] in &path {
            let away = ((x - 80.0).hypot(y - 80.0) - 50.0).abs();
            assert!(away < 2.0, "{away} px from the edge");
        }
    }

    #[test]
    fn long_paths_are_found_on_a_coarser_grid() {
        let photo = disc(900, 400.0);
        let path = edge_path(&photo, [850.0, 450.0], [450.0, 850.0]);
        for [x, y] in &path {
            let away = ((x - 450.0).hypot(y - 450.0) - 400.0).abs();
            assert!(away < 8.0, "{away} px from the edge");
        }
    }

    #[test]
    fn places_outside_and_tiny_images_have_a_path() {
        let photo = disc(40, 10.0);
        let path = edge_path(&photo, [-20.0, 5.0], [90.0, 70.0]);
        assert_eq!(path.last(), Some(&[90.0, 70.0]));
        assert_eq!(edge_path(&photo, [5.0, 5.0], [5.0, 5.0]).len(), 0);
        let tiny = Photo::new(2, 2, vec![0; 12]);
        assert_eq!(edge_path(&tiny, [0.0, 0.0], [2.0, 2.0]), [[2.0, 2.0]]);
    }
}
