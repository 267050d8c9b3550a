//! Clean-up: specks, which are regions of few pixels, and the class that each of them becomes.

use std::collections::{BTreeMap, HashMap};

use super::super::layer::UNLABELLED;
use super::super::spans::Span;
use crate::labels::{LabelMap, Regions};

/// The specks of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specks {
    /// Number of regions.
    pub count: usize,
    /// Their pixels, by the class that they become.
    pub spans: BTreeMap<u16, Vec<Span>>,
}

impl Specks {
    /// The regions of at most `most` pixels. Islands and holes are the same thing: each becomes the class that it has the
    /// longest border with, of those around it that are no specks. One without such a border stays.
    pub fn of(map: &LabelMap, most: u64) -> Self {
        let regions = Regions::of(map);
        let list = regions.list();
        let small: Vec<bool> = list.iter().map(|region| region.pixels <= most).collect();
        let becomes = neighbours(&regions, map.height, &small);
        let mut specks = Self {
            count: becomes.len(),
            spans: BTreeMap::new(),
        };
        for y in 0..map.height {
            for (x, number) in regions.row(y) {
                if let Some(class) = becomes.get(&number) {
                    specks.spans.entry(*class).or_default().push(Span { y, x });
                }
            }
        }
        specks
    }
}

/// For each small region, the class of the other regions with the longest common border.
fn neighbours(regions: &Regions, height: usize, small: &[bool]) -> HashMap<u32, u16> {
    let list = regions.list();
    let is_small = |number: u32| small.get(number as usize).copied().unwrap_or(false);
    let mut borders: HashMap<u32, BTreeMap<u16, usize>> = HashMap::new();
    let mut meet = |a: u32, b: u32, length: usize| {
        for (speck, other) in [(a, b), (b, a)] {
            if is_small(speck) && !is_small(other) {
                let class = list.get(other as usize).map_or(UNLABELLED, |region| region.class);
                *borders.entry(speck).or_default().entry(class).or_default() += length;
            }
        }
    };
    for y in 0..height {
        let mut left: Option<u32> = None;
        for (_, number) in regions.row(y) {
            if let Some(left) = left {
                meet(left, number, 1);
            }
            left = Some(number);
        }
        // Runs of two rows that lie above each other.
        let mut below = regions.row(y + 1).peekable();
        for (columns, number) in regions.row(y) {
            while let Some((under, other)) = below.peek().cloned() {
                let common = columns
                    .end
                    .min(under.end)
                    .saturating_sub(columns.start.max(under.start));
                if common > 0 && other != number {
                    meet(number, other, common);
                }
                if under.end > columns.end {
                    break;
                }
                below.next();
            }
        }
    }
    // A class comes before none, and of two with equal borders the first one is taken.
    let best = |classes: &BTreeMap<u16, usize>| {
        let rank = |(class, length): &(&u16, &usize)| (**class != UNLABELLED, **length, std::cmp::Reverse(**class));
        classes.iter().max_by_key(rank).map(|(class, _)| *class)
    };
    borders
        .into_iter()
        .filter_map(|(speck, classes)| Some((speck, best(&classes)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&str]) -> LabelMap {
        LabelMap {
            width: rows[0].len(),
            height: rows.len(),
            ids: rows.concat().bytes().map(|b| u16::from(b - b'0')).collect(),
        }
    }

    fn cleaned(mut map: LabelMap, most: u64) -> (usize, LabelMap) {
        let specks = Specks::of(&map, most);
        for (class, spans) in &specks.spans {
            for span in spans {
                map.ids[span.y * map.width..][span.x.clone()].fill(*class);
            }
        }
        (specks.count, map)
    }

    #[test]
    fn islands_and_holes_become_what_surrounds_them() {
        let before = map(&["111111", "112111", "111122", "133122", "133122"]);
        let (count, after) = cleaned(before.clone(), 1);
        assert_eq!(count, 1);
        assert!(after == map(&["111111", "111111", "111122", "133122", "133122"]));
        let (count, after) = cleaned(before.clone(), 4);
        assert_eq!(count, 2);
        assert!(after == map(&["111111", "111111", "111122", "111122", "111122"]));
        assert_eq!(cleaned(before, 0).0, 0);
    }

    #[test]
    fn the_longest_border_decides_and_specks_do_not_count() {
        // The 5 touches 1 with two sides, 2 with one, and the 6, which is a speck as well, with one.
        let (count, after) = cleaned(map(&["11111", "11562", "11222", "22222"]), 1);
        assert_eq!(count, 2);
        assert_eq!(after.get(2, 1), Some(1));
        assert_eq!(after.get(3, 1), Some(2));
        // A map that is one speck stays.
        assert_eq!(cleaned(map(&["7"]), 5).1.ids, [7]);
    }

    #[test]
    fn only_pixels_of_specks_change() {
        let mut state = 3u32;
        for _ in 0..200 {
            let ids: Vec<u16> = (0..20 * 15)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if state >> 29 == 0 { (state >> 26 & 3) as u16 } else { 0 }
                })
                .collect();
            let before = LabelMap {
                width: 20,
                height: 15,
                ids,
            };
            let (_, after) = cleaned(before.clone(), 3);
            let changed = before.ids.iter().zip(&after.ids).filter(|(a, b)| a != b).count();
            let small: u64 = Regions::of(&before)
                .list()
                .iter()
                .filter(|r| r.pixels <= 3)
                .map(|r| r.pixels)
                .sum();
            assert!(changed as u64 <= small);
        }
    }
}
