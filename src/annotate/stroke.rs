//! An edit in progress: which pixels it has decided on, and what they were before.

use std::collections::BTreeMap;

use super::rules::Rules;
use super::spans::{Bounds, Span};
use super::tiles::{Patch, Runs, SIDE, TileAt};
use crate::labels::LabelMap;

/// What an edit has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Class before, class after, and the number of pixels, most pixels first.
    pub changed: Vec<(u16, u16, u64)>,
    /// Pixels that the rules kept as they were.
    pub protected: u64,
    /// The rectangle around the tiles with a change; `None` if nothing has changed.
    pub bounds: Option<Bounds>,
}

impl Commit {
    /// Number of changed pixels.
    pub fn pixels(&self) -> u64 {
        self.changed.iter().map(|(_, _, count)| count).sum()
    }
}

/// What the edit did in a tile.
struct Touched {
    before: Box<[u16]>,
    /// One bit per pixel: it has been decided on, and the rules kept it.
    decided: [u64; SIDE],
    kept: [u64; SIDE],
}

/// An edit that has begun. Each pixel is decided on once, so that going over it again changes nothing.
pub(super) struct Stroke {
    rules: Rules,
    /// Whether the rules allow everything, so that pixels need not be looked at one by one.
    free: bool,
    tiles: BTreeMap<(u32, u32), Touched>,
}

impl Stroke {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            free: rules.allow_all(),
            rules,
            tiles: BTreeMap::new(),
        }
    }

    /// Gives the pixels of a span a class where the rules allow it. Returns whether a pixel has changed.
    pub(super) fn write(&mut self, map: &mut LabelMap, span: &Span, class: u16) -> bool {
        let size = [map.width, map.height];
        let (start, end) = (span.x.start, span.x.end.min(map.width));
        if span.y >= map.height || start >= end {
            return false;
        }
        let mut changed = false;
        for column in start / SIDE..=(end - 1) / SIDE {
            let at = TileAt {
                row: (span.y / SIDE) as u32,
                column: column as u32,
            };
            let left = column * SIDE;
            let from = start.max(left) - left;
            let to = end.min(left + SIDE) - left;
            let wanted = (u64::MAX >> (SIDE - (to - from))) << from;
            let tile = self
                .tiles
                .entry((at.row, at.column))
                .or_insert_with(|| Touched::of(map, at.bounds(size)));
            let row = span.y % SIDE;
            let mut new = wanted & !tile.decided[row];
            tile.decided[row] |= wanted;
            if self.free && new == wanted {
                let first = span.y * size[0] + left;
                let pixels = &mut map.ids[first + from..first + to];
                changed |= pixels.iter().any(|id| *id != class);
                pixels.fill(class);
                continue;
            }
            while new != 0 {
                let bit = new.trailing_zeros() as usize;
                new &= new - 1;
                let pixel = span.y * size[0] + left + bit;
                let before = map.ids[pixel];
                if before == class {
                    continue;
                }
                if self.rules.allow(before, pixel, size[0]) {
                    map.ids[pixel] = class;
                    changed = true;
                } else {
                    tile.kept[row] |= 1 << bit;
                }
            }
        }
        changed
    }

    /// What was changed, and what the changed tiles held before.
    pub(super) fn end(self, map: &LabelMap) -> (Commit, Patch) {
        let size = [map.width, map.height];
        let mut commit = Commit::default();
        let mut before = Patch::default();
        let mut counts: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for ((row, column), tile) in self.tiles {
            let at = TileAt { row, column };
            let bounds = at.bounds(size);
            commit.protected += tile.kept.iter().map(|bits| u64::from(bits.count_ones())).sum::<u64>();
            let rows = bounds.y.clone().flat_map(|y| &map.ids[y * size[0]..][bounds.x.clone()]);
            let pairs = tile.before.iter().copied().zip(rows.copied());
            if count_changes(pairs, &mut counts) {
                before.insert(at, Runs::of(tile.before.iter().copied()));
                commit.bounds = Some(match commit.bounds {
                    Some(around) => around.around(&bounds),
                    None => bounds,
                });
            }
        }
        commit.changed = counts
            .into_iter()
            .map(|((from, to), count)| (from, to, count))
            .collect();
        commit.changed.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
        (commit, before)
    }
}

/// Counts the pairs of a pixel before and after that differ. Returns whether there are any.
pub(super) fn count_changes(pairs: impl Iterator<Item = (u16, u16)>, counts: &mut BTreeMap<(u16, u16), u64>) -> bool {
    // Neighbours mostly change alike, so whole runs are added at once.
    let (mut run, mut length, mut changed) = ((0, 0), 0, false);
    for pair in pairs.filter(|(before, after)| before != after) {
        if pair != run {
            if length > 0 {
                *counts.entry(run).or_default() += length;
            }
            (run, length) = (pair, 0);
        }
        length += 1;
        changed = true;
    }
    if length > 0 {
        *counts.entry(run).or_default() += length;
    }
    changed
}

impl Touched {
    fn of(map: &LabelMap, bounds: Bounds) -> Self {
        let rows = bounds
            .y
            .flat_map(|y| map.ids[y * map.width..][bounds.x.clone()].iter().copied());
        Self {
            before: rows.collect(),
            decided: [0; SIDE],
            kept: [0; SIDE],
        }
    }
}
