//! Squares of 64 x 64 pixels, in which edits are recorded: what an edit costs depends on what it touches, not on the
//! size of the map.

use std::collections::BTreeMap;

use super::spans::Bounds;
use crate::labels::LabelMap;

/// Side of a tile in pixels: the bits of a word.
pub(super) const SIDE: usize = 64;

/// Column and row of a tile, in tiles. Ordered row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TileAt {
    pub(super) row: u32,
    pub(super) column: u32,
}

impl TileAt {
    /// Its pixels within a map of this size.
    pub(super) fn bounds(self, [width, height]: [usize; 2]) -> Bounds {
        let side = |index: u32, most: usize| {
            let start = (index as usize * SIDE).min(most);
            start..(start + SIDE).min(most)
        };
        Bounds {
            x: side(self.column, width),
            y: side(self.row, height),
        }
    }
}

/// The ids of a tile as runs of equal ones, row by row within the tile's pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs(pub(super) Vec<(u16, u16)>);

impl Runs {
    pub(super) fn of(ids: impl Iterator<Item = u16>) -> Self {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for id in ids {
            match runs.last_mut() {
                Some((last, length)) if *last == id => *length += 1,
                _ => runs.push((id, 1)),
            }
        }
        runs.shrink_to_fit();
        Self(runs)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u16> {
        self.0
            .iter()
            .flat_map(|(id, length)| std::iter::repeat_n(*id, usize::from(*length)))
    }

    /// The same with another class in place of one.
    pub(super) fn replaced(&self, from: u16, to: u16) -> Self {
        let mut runs = self.clone();
        for (id, _) in runs.0.iter_mut().filter(|(id, _)| *id == from) {
            *id = to;
        }
        runs
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.0.as_slice()) + size_of::<Self>()
    }
}

/// The content of some tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch(pub(super) BTreeMap<(u32, u32), Runs>);

impl Patch {
    pub(super) fn insert(&mut self, at: TileAt, runs: Runs) {
        self.0.insert((at.row, at.column), runs);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Memory in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.values().map(Runs::bytes).sum()
    }

    /// The tiles.
    pub(super) fn tiles(&self) -> impl Iterator<Item = (TileAt, &Runs)> {
        self.0.iter().map(|((row, column), runs)| {
            (
                TileAt {
                    row: *row,
                    column: *column,
                },
                runs,
            )
        })
    }

    /// The rectangle around its tiles, in a map of this size.
    pub fn bounds(&self, size: [usize; 2]) -> Option<Bounds> {
        Bounds::around_all(self.tiles().map(|(at, _)| at.bounds(size)))
    }

    /// The same with another class in place of one.
    pub(super) fn replaced(&self, from: u16, to: u16) -> Self {
        let tiles = self.0.iter().map(|(at, runs)| (*at, runs.replaced(from, to)));
        Self(tiles.collect())
    }

    /// The rectangles of its tiles, with those that lie beside each other as one, in a map of this size.
    pub fn boxes(&self, size: [usize; 2]) -> Vec<Bounds> {
        let mut boxes: Vec<Bounds> = Vec::new();
        for (at, _) in self.tiles() {
            let tile = at.bounds(size);
            match boxes.last_mut() {
                Some(last) if last.y == tile.y && last.x.end == tile.x.start => last.x.end = tile.x.end,
                _ => boxes.push(tile),
            }
        }
        boxes
    }

    /// The content of the same tiles in a map.
    pub(super) fn now(&self, map: &LabelMap) -> Self {
        let mut now = Self::default();
        for (at, _) in self.tiles() {
            now.insert(at, runs_of(map, at));
        }
        now
    }

    /// What two maps of one size hold where they differ, and the number of pixels that do.
    pub fn difference(before: &LabelMap, after: &LabelMap) -> (Self, Self, u64) {
        let (mut old, mut new, mut pixels) = (Self::default(), Self::default(), 0);
        for row in 0..before.height.div_ceil(SIDE) {
            for column in 0..before.width.div_ceil(SIDE) {
                let at = TileAt {
                    row: row as u32,
                    column: column as u32,
                };
                let Bounds { x, y } = at.bounds([before.width, before.height]);
                let differ = |y: usize| {
                    let [a, b] = [before, after].map(|map| &map.ids[y * map.width..][x.clone()]);
                    a.iter().zip(b).filter(|(a, b)| a != b).count()
                };
                let count: usize = y.map(differ).sum();
                if count > 0 {
                    old.insert(at, runs_of(before, at));
                    new.insert(at, runs_of(after, at));
                    pixels += count as u64;
                }
            }
        }
        (old, new, pixels)
    }

    /// Writes the tiles into a map. Tiles that do not fit are left out.
    pub fn write(&self, map: &mut LabelMap) {
        let size = [map.width, map.height];
        for (at, runs) in self.tiles() {
            let mut ids = runs.ids();
            let Bounds { x, y } = at.bounds(size);
            for row in y {
                let pixels = &mut map.ids[row * size[0]..][x.clone()];
                for (pixel, id) in pixels.iter_mut().zip(&mut ids) {
                    *pixel = id;
                }
            }
        }
    }
}

/// What a map holds where it has a class, and what it holds once that class is another one.
pub(super) fn replaced(map: &LabelMap, from: u16, to: u16) -> (Patch, Patch, u64) {
    let (mut before, mut after, mut pixels) = (Patch::default(), Patch::default(), 0);
    for row in 0..map.height.div_ceil(SIDE) {
        for column in 0..map.width.div_ceil(SIDE) {
            let at = TileAt {
                row: row as u32,
                column: column as u32,
            };
            let Bounds { x, y } = at.bounds([map.width, map.height]);
            let count: usize = y
                .map(|y| {
                    map.ids[y * map.width..][x.clone()]
                        .iter()
                        .filter(|id| **id == from)
                        .count()
                })
                .sum();
            if count > 0 {
                let runs = runs_of(map, at);
                after.insert(at, runs.replaced(from, to));
                before.insert(at, runs);
                pixels += count as u64;
            }
        }
    }
    (before, after, pixels)
}

/// The content of a tile of a map.
pub(super) fn runs_of(map: &LabelMap, at: TileAt) -> Runs {
    let Bounds { x, y } = at.bounds([map.width, map.height]);
    let rows = y.flat_map(|row| map.ids[row * map.width..][x.clone()].iter().copied());
    Runs::of(rows)
}
