//! The colours of classes, and which class a colour means.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::annotate::UNLABELLED;
use crate::interchange::LabelClasses;

/// Largest difference in a channel at which a colour still means a class: JPEG files and rounding change colours less.
pub const TOLERANCE: u8 = 8;

/// A colour is a blend of two classes up to this share beyond one of them: sharp resampling overshoots.
const OVERSHOOT: f32 = 0.15;

/// A map whose keys are colours.
pub(super) type ByColor<T> = HashMap<[u8; 3], T, BuildHasherDefault<ColorHasher>>;

/// Hashes three bytes with one multiplication; the usual hasher takes longer than everything else for an image.
#[derive(Default)]
pub(super) struct ColorHasher(u64);

impl Hasher for ColorHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        let mixed = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

/// What a colour means. Numbers are places in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// It is the colour of one class.
    Exact(u16),
    /// It is within [`TOLERANCE`] of one class.
    Near(u16),
    /// Several classes have this colour.
    Shared(u16),
    /// It is within [`TOLERANCE`] of a class whose colour is too close to another's.
    Unclear,
    /// It is no colour of a class.
    Unknown,
}

/// A colour in the table, and its id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its sRGB colour.
    pub(super) color: [u8; 3],
    /// Id of its class, or [`UNLABELLED`].
    pub(super) id: u16,
    /// Whether another class is closer than twice the tolerance. Then only the exact colour counts.
    crowded: bool,
    /// Whether another class has the same colour.
    shared: bool,
}

/// The colours of classes, and the one of unlabelled pixels if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct ColorTable {
    entries: Vec<Entry>,
    exact: ByColor<u16>,
}

impl ColorTable {
    /// The colours of classes, and that of unlabelled pixels.
    ///
    /// A class comes before unlabelled pixels of the same colour.
    pub(super) fn new(classes: &LabelClasses, unlabelled: Option<[u8; 3]>) -> Self {
        let listed = classes.iter().map(|class| (class.color, class.id));
        let unlabelled = unlabelled.filter(|color| classes.colored(*color).is_none());
        let entry = |(color, id)| Entry {
            color,
            id,
            crowded: false,
            shared: false,
        };
        let all = listed.chain(unlabelled.map(|color| (color, UNLABELLED)));
        // The last place stands for pixels without a colour of the table.
        let mut entries: Vec<Entry> = all.take(usize::from(u16::MAX)).map(entry).collect();
        let colors: Vec<[u8; 3]> = entries.iter().map(|entry| entry.color).collect();
        for (place, entry) in entries.iter_mut().enumerate() {
            for (_, color) in colors.iter().enumerate().filter(|(other, _)| *other != place) {
                let far = distance(entry.color, *color);
                entry.shared |= far == 0;
                entry.crowded |= far <= 2 * TOLERANCE;
            }
        }
        let mut exact = ByColor::default();
        for (place, color) in (0..).zip(colors) {
            exact.entry(color).or_insert(place);
        }
        Self { entries, exact }
    }

    /// The entry at a place.
    pub(super) fn get(&self, place: u16) -> Option<&Entry> {
        self.entries.get(usize::from(place))
    }

    /// The colour at a place; black for none.
    pub(super) fn color(&self, place: u16) -> [u8; 3] {
        self.get(place).map_or([0; 3], |entry| entry.color)
    }

    /// The id at a place; [`UNLABELLED`] for none.
    pub(super) fn id(&self, place: u16) -> u16 {
        self.get(place).map_or(UNLABELLED, |entry| entry.id)
    }

    /// All entries by place.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u16, &Entry)> {
        (0..).zip(&self.entries)
    }

    /// Ids of classes whose colours are too close to each other for anything but exact matches.
    pub(super) fn crowded(&self) -> impl Iterator<Item = u16> {
        let crowded = self.entries.iter().filter(|entry| entry.crowded);
        crowded.map(|entry| entry.id)
    }

    /// Ids of the classes that have a colour.
    pub(super) fn having(&self, color: [u8; 3]) -> impl Iterator<Item = u16> {
        let having = self.entries.iter().filter(move |entry| entry.color == color);
        having.map(|entry| entry.id)
    }

    /// Whether exactly one class has a colour.
    pub(super) fn has_one(&self, color: [u8; 3]) -> bool {
        matches!(self.exactly(color), Some(Meant::Exact(_)))
    }

    fn exactly(&self, color: [u8; 3]) -> Option<Meant> {
        let place = *self.exact.get(&color)?;
        let shared = self.get(place)?.shared;
        Some(if shared {
            Meant::Shared(place)
        } else {
            Meant::Exact(place)
        })
    }

    /// What a colour means in a file that keeps colours.
    pub(super) fn meant(&self, color: [u8; 3]) -> Meant {
        if let Some(meant) = self.exactly(color) {
            return meant;
        }
        let mut near = self
            .entries()
            .filter(|(_, entry)| distance(entry.color, color) <= TOLERANCE);
        match (near.next(), near.next()) {
            (None, _) => Meant::Unknown,
            (Some((place, entry)), None) if !entry.crowded => Meant::Near(place),
            _ => Meant::Unclear,
        }
    }

    /// What a colour means in a file that changes colours: the nearest one, however far it is.
    pub(super) fn nearest(&self, color: [u8; 3]) -> Meant {
        let squared = |entry: &Entry| -> u32 {
            let parts = entry.color.iter().zip(color);
            parts.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
        };
        match self.entries().min_by_key(|(_, entry)| squared(entry)) {
            None => Meant::Unknown,
            Some((place, entry)) if entry.shared && entry.color == color => Meant::Shared(place),
            Some((_, entry)) if entry.crowded => Meant::Unclear,
            Some((place, entry)) if entry.color == color => Meant::Exact(place),
            Some((place, _)) => Meant::Near(place),
        }
    }
}

/// Largest difference in a channel.
pub(super) fn distance(a: [u8; 3], b: [u8; 3]) -> u8 {
    let [red, green, blue] = [0, 1, 2].map(|channel: usize| a[channel].abs_diff(b[channel]));
    red.max(green).max(blue)
}

/// The share of `b` in a colour that is a blend of `a` and `b`, and how far it is from the exact blend in its worst
/// channel.
pub(super) fn blend(color: [u8; 3], a: [u8; 3], b: [u8; 3]) -> Option<(f32, f32)> {
    let [color, a, b] = [color, a, b].map(|color| color.map(f32::from));
    let (mut along, mut length) = (0.0, 0.0);
    for channel in 0..3 {
        let step = b[channel] - a[channel];
        along += (color[channel] - a[channel]) * step;
        length += step * step;
    }
    let share = along / length;
    // Also false for two classes of one colour.
    let inside = (-OVERSHOOT..=1.0 + OVERSHOOT).contains(&share);
    let off = |channel: usize| {
        let exact = a[channel] + share * (b[channel] - a[channel]);
        (color[channel] - exact.clamp(0.0, 255.0)).abs()
    };
    let off = off(0).max(off(1)).max(off(2));
    (inside && off <= f32::from(TOLERANCE)).then_some((share, off))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interchange::LabelClass;

    fn table(colors: &[[u8; 3]]) -> ColorTable {
        let class = |(id, color): (u16, &[u8; 3])| LabelClass {
            id,
            name: format!("class {id}"),
            color: *color,
        };
        ColorTable::new(&(10..).zip(colors).map(class).collect(), Some([255; 3]))
    }

    #[test]
    fn a_colour_is_exact_near_or_unknown() {
        let table = table(&[[0; 3], [100, 0, 0]]);
        assert_eq!(table.meant([0; 3]), Meant::Exact(0));
        assert_eq!(table.meant([8, 8, 8]), Meant::Near(0));
        assert_eq!(table.meant([9, 8, 8]), Meant::Unknown);
        assert_eq!(table.meant([255; 3]), Meant::Exact(2));
        assert_eq!([0, 1, 2].map(|place| table.id(place)), [10, 11, UNLABELLED]);
        assert_eq!(table.nearest([60, 0, 0]), Meant::Near(1));
    }

    #[test]
    fn colours_too_close_to_each_other_count_exactly_only() {
        let table = table(&[[0; 3], [16, 0, 0], [100, 0, 0], [100, 0, 0], [0, 200, 0]]);
        assert_eq!(table.meant([16, 0, 0]), Meant::Exact(1));
        assert_eq!(table.meant([17, 0, 0]), Meant::Unclear);
        assert_eq!(table.nearest([17, 0, 0]), Meant::Unclear);
        assert_eq!(table.meant([100, 0, 0]), Meant::Shared(2));
        assert_eq!(table.meant([101, 0, 0]), Meant::Unclear);
        assert_eq!(table.meant([1, 200, 0]), Meant::Near(4));
        assert_eq!(table.crowded().collect::<Vec<_>>(), [10, 11, 12, 13]);
    }

    #[test]
    fn a_blend_lies_between_two_colours() {
        let [a, b] = [[0, 0, 0], [200, 100, 0]];
        let share = |color| blend(color, a, b).map(|(share, _)| (share * 100.0).round() as i32);
        assert_eq!(share([50, 25, 0]), Some(25));
        assert_eq!(share([55, 20, 5]), Some(26));
        assert_eq!(share([50, 25, 20]), None);
        assert_eq!(share([255, 128, 0]), None);
        // Cut off at the ends of the channel.
        assert_eq!(blend([0, 0, 0], a, a), None);
    }
}
