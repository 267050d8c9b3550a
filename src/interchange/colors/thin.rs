//! Finds narrow parts of a class between two others whose blend has the class's colour.

use std::collections::BTreeMap;

use super::repair::{Field, around};
use super::table::{ColorTable, blend};

/// Share of a part's pixels that lie between the two others, at least: in corners, they do in no direction.
const SHARE: f32 = 0.75;

/// Widest part in pixels.
const WIDEST: usize = 2;

/// Pixels of such parts of each class, by id.
pub(super) fn strips(field: &Field, table: &ColorTable) -> Vec<(u16, u64)> {
    let between = between(field, table);
    let mut seen = vec![false; between.len()];
    let mut found = BTreeMap::<u16, u64>::new();
    let mut waiting = Vec::new();
    for first in (0..between.len()).filter(|at| between[*at]) {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        waiting.push(first);
        let (mut pixels, mut narrow) = (0u64, 0u64);
        while let Some(at) = waiting.pop() {
            pixels += 1;
            narrow += u64::from(between[at]);
            around(field.size, at, 1, |near, _| {
                if !seen[near] && field.places[near] == field.places[first] {
                    seen[near] = true;
                    waiting.push(near);
                }
            });
        }
        if narrow as f32 >= SHARE * pixels as f32 {
            *found.entry(table.id(field.places[first])).or_default() += pixels;
        }
    }
    found.into_iter().collect()
}

/// Whether a pixel lies in a row or column of at most [`WIDEST`] pixels of its class between two others.
fn between(field: &Field, table: &ColorTable) -> Vec<bool> {
    let [width, height] = field.size;
    let places = &field.places;
    let mut between = vec![false; places.len()];
    // In rows, then in columns: `step` is to the next pixel, `room` the number of pixels before the end.
    for (step, down) in [(1, false), (width, true)] {
        for at in 0..places.len() {
            let (before, room) = match down {
                true => (at / width, height - at / width),
                false => (at % width, width - at % width),
            };
            if before == 0 || places[at - step] == places[at] || field.is_open(at) {
                continue;
            }
            let same = (1..room.min(WIDEST + 1))
                .take_while(|far| places[at + far * step] == places[at])
                .count();
            let wide = same + 1;
            if wide > WIDEST || wide >= room {
                continue;
            }
            let [a, b] = [places[at - step], places[at + wide * step]];
            let is_edge = a != b && table.get(a).is_some() && table.get(b).is_some();
            if is_edge && blend(table.color(places[at]), table.color(a), table.color(b)).is_some() {
                (0..wide).for_each(|far| between[at + far * step] = true);
            }
        }
    }
    between
}
