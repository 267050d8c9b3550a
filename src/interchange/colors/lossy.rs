//! Corrects edges that lossy compression has smeared: there, colours are mixtures that can be nearest to a third class.

use super::repair::{Field, around};
use super::table::{ColorTable, distance};

/// Pixels whose colour is this close to their class's keep it, so that narrow things stay.
const CLOSE: u8 = 16;

/// How far halved chroma smears colours, in pixels.
const SMEAR: usize = 2;

/// Gives each uncertain pixel the nearest colour among the certain classes around it. A pixel is certain when its
/// neighbours have its class.
pub(super) fn settle(field: &mut Field, table: &ColorTable, colors: &[[u8; 3]]) {
    let certain = field.uniform();
    let uncertain = (0..field.places.len()).filter(|at| !certain[*at] && !field.is_open(*at));
    let better = |at: usize| {
        let (own, color) = (field.places[at], colors[at]);
        if distance(table.color(own), color) <= CLOSE {
            return None;
        }
        let far = |place: u16| -> u32 {
            let parts = table.color(place).into_iter().zip(color);
            parts.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
        };
        let mut best: Option<(u32, u16)> = None;
        around(field.size, at, SMEAR, |near, _| {
            let place = field.places[near];
            if certain[near] && best.is_none_or(|(_, best)| best != place) {
                let found = (far(place), place);
                best = Some(best.map_or(found, |best| best.min(found)));
            }
        });
        best.filter(|(_, place)| *place != own).map(|(_, place)| (at, place))
    };
    let changed: Vec<(usize, u16)> = uncertain.filter_map(better).collect();
    for (at, place) in &changed {
        field.places[*at] = *place;
    }
}
