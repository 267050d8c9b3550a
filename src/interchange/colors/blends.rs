//! Gives blends of two regions, as resizing and soft brushes make them, to one of the two.

use super::repair::{Field, around};
use super::table::{ByColor, ColorTable, blend};

/// Most classes around a pixel that are looked at, the most frequent first.
const MOST_AROUND: usize = 5;

/// A share this close to a half decides nothing.
const UNDECIDED: f32 = 0.02;

/// Most colours that are remembered: an image of noise has millions.
const REMEMBERED: usize = 1 << 18;

/// The pixels whose colours may be blends.
pub(super) struct Blends<'a> {
    table: &'a ColorTable,
    colors: &'a [[u8; 3]],
    /// Colours that are no blends: they fill areas, or are close to several classes.
    excluded: ByColor<()>,
    /// Whether a colour is a blend of the class at a place with any other.
    known: ByColor<Vec<(u16, bool)>>,
}

impl<'a> Blends<'a> {
    pub(super) fn new(table: &'a ColorTable, colors: &'a [[u8; 3]], excluded: ByColor<()>) -> Self {
        Self {
            table,
            colors,
            excluded,
            known: ByColor::default(),
        }
    }

    /// Gives classes to blends, from their neighbours inwards. Returns their number.
    ///
    /// First those between two classes around them, then those of one class around them with any other. Each pixel is
    /// looked at when a neighbour gets a class, so time grows with the number of pixels.
    pub(super) fn fill(&mut self, field: &mut Field) -> u64 {
        let mut filled = 0;
        for strict in [true, false] {
            let open = (0..field.places.len()).filter(|at| field.is_open(*at) && field.touches(*at));
            let mut front: Vec<usize> = open.filter(|at| !self.is_excluded(*at)).collect();
            let mut waiting = vec![false; if front.is_empty() { 0 } else { field.places.len() }];
            while !front.is_empty() {
                let decided: Vec<(usize, u16)> = front
                    .iter()
                    .filter_map(|at| Some((*at, self.decide(field, *at, strict)?)))
                    .collect();
                for (at, place) in &decided {
                    field.places[*at] = *place;
                }
                filled += decided.len() as u64;
                front.clear();
                for (at, _) in &decided {
                    around(field.size, *at, 1, |near, _| {
                        if field.is_open(near) && !waiting[near] && !self.is_excluded(near) {
                            waiting[near] = true;
                            front.push(near);
                        }
                    });
                }
                for at in &front {
                    waiting[*at] = false;
                }
            }
        }
        filled
    }

    /// Number of pixels without a class whose colours may be blends.
    pub(super) fn open(&self, field: &Field) -> usize {
        let open = (0..field.places.len()).filter(|at| field.is_open(*at));
        open.filter(|at| !self.is_excluded(*at)).count()
    }

    fn is_excluded(&self, at: usize) -> bool {
        self.excluded.contains_key(&self.colors[at])
    }

    /// The place of the class that a pixel gets.
    fn decide(&mut self, field: &Field, at: usize, strict: bool) -> Option<u16> {
        let votes = votes(field, at);
        let color = self.colors[at];
        if !strict {
            let beside = votes.iter().filter(|vote| vote.beside > 0);
            let mut fits = beside.filter(|vote| self.is_blend_with_any(color, vote.place));
            return fits.next().map(|vote| vote.place);
        }
        let mut best: Option<(f32, u16)> = None;
        for (first, a) in votes.iter().enumerate() {
            for b in &votes[first + 1..] {
                let Some((share, off)) = blend(color, self.table.color(a.place), self.table.color(b.place)) else {
                    continue;
                };
                // Votes are sorted, so the first of an undecided pair is the more frequent one.
                let nearer = if share > 0.5 + UNDECIDED { b } else { a };
                if best.is_none_or(|(least, _)| off < least) {
                    best = Some((off, nearer.place));
                }
            }
        }
        let meeting = || {
            self.meets(color, &votes)
                .then(|| votes.first().map(|vote| vote.place))
                .flatten()
        };
        best.map(|(_, place)| place).or_else(meeting)
    }

    /// Whether a colour can be a blend of three or more classes around it.
    fn meets(&self, color: [u8; 3], votes: &[Vote]) -> bool {
        let inside = |channel: usize| {
            let values = votes.iter().map(|vote| self.table.color(vote.place)[channel]);
            let [least, most] = [values.clone().min(), values.max()].map(Option::unwrap_or_default);
            (least..=most).contains(&color[channel])
        };
        votes.len() > 2 && (0..3).all(inside)
    }

    fn is_blend_with_any(&mut self, color: [u8; 3], place: u16) -> bool {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let known = self.known.entry(color).or_default();
        if let Some((_, fits)) = known.iter().find(|(known, _)| *known == place) {
            return *fits;
        }
        let own = self.table.color(place);
        let fits = self
            .table
            .entries()
            .any(|(_, entry)| blend(color, own, entry.color).is_some());
        known.push((place, fits));
        fits
    }
}

/// A class around a pixel.
struct Vote {
    place: u16,
    /// Its pixels among the eight neighbours.
    beside: u32,
    /// Its pixels in the square of five pixels.
    around: u32,
}

/// The classes around a pixel, the most frequent among its neighbours first.
fn votes(field: &Field, at: usize) -> Vec<Vote> {
    let mut votes: Vec<Vote> = Vec::with_capacity(4);
    around(field.size, at, 2, |near, steps| {
        let place = field.places[near];
        if field.is_open(near) {
            return;
        }
        let beside = u32::from(steps == 1);
        match votes.iter_mut().find(|vote| vote.place == place) {
            Some(vote) => {
                vote.beside += beside;
                vote.around += 1;
            }
            None => votes.push(Vote {
                place,
                beside,
                around: 1,
            }),
        }
    });
    votes.sort_by_key(|vote| (u32::MAX - vote.beside, u32::MAX - vote.around, vote.place));
    votes.truncate(MOST_AROUND);
    votes
}
