//! Moving the borders between classes: growing, shrinking and smoothing. Each pixel still has one class, so no gap opens.

use std::collections::BTreeMap;

use super::super::spans::Span;
use crate::labels::LabelMap;

/// Pixels, by the class that they become.
pub type Changes = BTreeMap<u16, Vec<Span>>;

/// Largest distance and reach, in pixels.
pub const MOST: usize = 100;

/// The pixels at most `by` pixels away from a class, which it takes by growing.
pub fn grown(map: &LabelMap, class: u16, by: usize) -> Changes {
    let near = distances(map, by, |id| id == class);
    let limit = square(by);
    changes(map, |at| {
        let away = near[at].0;
        (away > 0 && away <= limit).then_some(class)
    })
}

/// The pixels of a class at most `by` pixels away from others: each becomes the class that is nearest to it.
pub fn shrunk(map: &LabelMap, class: u16, by: usize) -> Changes {
    let near = distances(map, by, |id| id != class);
    let limit = square(by);
    changes(map, |at| {
        let (away, nearest) = near[at];
        (away > 0 && away <= limit).then(|| map.ids[nearest as usize])
    })
}

/// The pixels that change when each becomes the most frequent class around it, in a square with `reach` pixels on each
/// side (a mode filter). Between classes that are equally frequent a pixel keeps its own, or takes the one with the
/// smallest id.
pub fn smoothed(map: &LabelMap, reach: usize) -> Changes {
    let reach = reach.min(MOST);
    let mut counts = Counts::default();
    let mut becomes = vec![None; map.ids.len()];
    for y in 0..map.height {
        let rows = y.saturating_sub(reach)..(y + reach + 1).min(map.height);
        let column = |x: usize| rows.clone().map(move |row| map.ids[row * map.width + x]);
        counts.clear();
        (0..reach.min(map.width)).for_each(|x| counts.add(column(x)));
        for x in 0..map.width {
            if x + reach < map.width {
                counts.add(column(x + reach));
            }
            if x > reach {
                counts.remove(column(x - reach - 1));
            }
            let at = y * map.width + x;
            let most = counts.most(map.ids[at]);
            becomes[at] = (most != map.ids[at]).then_some(most);
        }
    }
    changes(map, |at| becomes[at])
}

fn square(by: usize) -> u32 {
    let by = by.min(MOST) as u32;
    by * by
}

/// How often each class occurs in a window.
#[derive(Default)]
struct Counts(Vec<(u16, u32)>);

impl Counts {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, ids: impl Iterator<Item = u16>) {
        for id in ids {
            match self.0.iter_mut().find(|(of, _)| *of == id) {
                Some((_, count)) => *count += 1,
                None => self.0.push((id, 1)),
            }
        }
    }

    fn remove(&mut self, ids: impl Iterator<Item = u16>) {
        for id in ids {
            if let Some((_, count)) = self.0.iter_mut().find(|(of, _)| *of == id) {
                *count -= 1;
            }
        }
        self.0.retain(|(_, count)| *count > 0);
    }

    fn most(&self, own: u16) -> u16 {
        let rank = |(id, count): &&(u16, u32)| (*count, *id == own, std::cmp::Reverse(*id));
        self.0.iter().max_by_key(rank).map_or(own, |(id, _)| *id)
    }
}

/// For each pixel the square of its distance to the nearest one that is wanted, and that one's index; no farther than
/// `by` columns and rows away.
///
/// Columns first, then rows over their results, which is exact: Saito and Toriwaki (1994).
fn distances(map: &LabelMap, by: usize, wanted: impl Fn(u16) -> bool) -> Vec<(u32, u32)> {
    const FAR: (u32, u32) = (u32::MAX, 0);
    let by = by.min(MOST);
    let (width, height) = (map.width, map.height);
    // The distance to the nearest wanted pixel above, then to the nearer one of above and below.
    let mut column = vec![FAR; map.ids.len()];
    for y in 0..height {
        for x in 0..width {
            let at = y * width + x;
            column[at] = match wanted(map.ids[at]) {
                true => (0, at as u32),
                false if y > 0 && column[at - width].0 < by as u32 => (column[at - width].0 + 1, column[at - width].1),
                false => FAR,
            };
        }
    }
    for y in (0..height.saturating_sub(1)).rev() {
        for x in 0..width {
            let (at, below) = (y * width + x, column[(y + 1) * width + x]);
            if below.0 < by as u32 && below.0 + 1 < column[at].0 {
                column[at] = (below.0 + 1, below.1);
            }
        }
    }
    let mut nearest = vec![FAR; map.ids.len()];
    for y in 0..height {
        let row = &column[y * width..][..width];
        for x in 0..width {
            let around = x.saturating_sub(by)..(x + by + 1).min(width);
            let best = row[around.clone()]
                .iter()
                .zip(around)
                .filter(|((away, _), _)| *away != u32::MAX);
            let squares = best.map(|((away, of), at)| (away * away + (at.abs_diff(x) as u32).pow(2), *of));
            nearest[y * width + x] = squares.min().unwrap_or(FAR);
        }
    }
    nearest
}

/// The pixels that become another class.
fn changes(map: &LabelMap, becomes: impl Fn(usize) -> Option<u16>) -> Changes {
    let mut changes = Changes::new();
    for y in 0..map.height {
        let row = y * map.width;
        let mut x = 0;
        while x < map.width {
            let (start, class) = (x, becomes(row + x));
            while x < map.width && becomes(row + x) == class {
                x += 1;
            }
            if let Some(class) = class {
                changes.entry(class).or_default().push(Span { y, x: start..x });
            }
        }
    }
    changes
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

    fn applied(mut map: LabelMap, changes: &Changes) -> LabelMap {
        for (class, spans) in changes {
            for span in spans {
                map.ids[span.y * map.width..][span.x.clone()].fill(*class);
            }
        }
        map
    }

    #[test]
    fn a_class_grows_by_round_distances() {
        let before = map(&[
            "0000000", "0000000", "0000000", "0001000", "0000000", "0000000", "0000000",
        ]);
        let grown = |by| applied(before.clone(), &grown(&before, 1, by));
        assert!(
            grown(1)
                == map(&[
                    "0000000", "0000000", "0001000", "0011100", "0001000", "0000000", "0000000"
                ])
        );
        assert!(
            grown(2)
                == map(&[
                    "0000000", "0001000", "0011100", "0111110", "0011100", "0001000", "0000000"
                ])
        );
        assert!(grown(0) == before);
    }

    #[test]
    fn a_class_shrinks_to_what_is_nearest() {
        let before = map(&["2111113", "2111113", "2111113"]);
        assert!(applied(before.clone(), &shrunk(&before, 1, 2)) == map(&["2221333", "2221333", "2221333"]));
        // Nothing else is there.
        let whole = map(&["11", "11"]);
        assert!(shrunk(&whole, 1, 5).is_empty());
    }

    #[test]
    fn distances_equal_those_of_a_plain_search() {
        let mut state = 5u32;
        for by in [1, 3, 6] {
            let ids: Vec<u16> = (0..21 * 17)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    u16::from(state >> 27 == 0)
                })
                .collect();
            let map = LabelMap {
                width: 21,
                height: 17,
                ids,
            };
            let found = applied(map.clone(), &grown(&map, 1, by));
            for at in 0..map.ids.len() {
                let [x, y] = [at % 21, at / 21];
                let near = (0..map.ids.len()).any(|other| {
                    let [ox, oy] = [other % 21, other / 21];
                    map.ids[other] == 1 && ox.abs_diff(x).pow(2) + oy.abs_diff(y).pow(2) <= by * by
                });
                assert_eq!(found.ids[at] == 1, near, "{x} {y} by {by}");
            }
        }
    }

    #[test]
    fn smoothing_takes_the_most_frequent_class_around() {
        let before = map(&["11111", "11211", "11122", "11222", "12222"]);
        let after = applied(before.clone(), &smoothed(&before, 1));
        let plain = |x: usize, y: usize| {
            let mut counts = BTreeMap::new();
            for oy in y.saturating_sub(1)..(y + 2).min(5) {
                for ox in x.saturating_sub(1)..(x + 2).min(5) {
                    *counts.entry(before.ids[oy * 5 + ox]).or_insert(0) += 1;
                }
            }
            let most = counts.values().copied().max();
            let own = before.ids[y * 5 + x];
            match counts.get(&own).copied() == most {
                true => own,
                false => counts
                    .into_iter()
                    .find(|(_, n)| Some(*n) == most)
                    .map_or(own, |(id, _)| id),
            }
        };
        for y in 0..5 {
            for x in 0..5 {
                assert_eq!(after.get(x, y), Some(plain(x, y)), "{x} {y}");
            }
        }
        assert!(smoothed(&before, 0).is_empty());
    }
}
