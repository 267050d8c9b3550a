//! What an edit may change. All tools obey the same rules.

use std::fmt;
use std::sync::Arc;

use super::UNLABELLED;
use super::spans::Span;
use crate::photo::Photo;

/// A set of class ids, with [`UNLABELLED`] as one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassIds(Vec<u64>);

impl ClassIds {
    /// Adds an id.
    pub fn insert(&mut self, id: u16) {
        let word = usize::from(id) / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    /// Removes an id.
    pub fn remove(&mut self, id: u16) {
        if let Some(word) = self.0.get_mut(usize::from(id) / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    /// Whether it has an id.
    pub fn contains(&self, id: u16) -> bool {
        self.0
            .get(usize::from(id) / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether it has no id.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The ids, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (0..=u16::MAX).filter(|id| self.contains(*id)).take(self.0.len() * 64)
    }
}

impl FromIterator<u16> for ClassIds {
    fn from_iter<I: IntoIterator<Item = u16>>(ids: I) -> Self {
        let mut set = Self::default();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

/// Which classes an edit may write over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Every class.
    #[default]
    Any,
    /// Only pixels without a class.
    Unlabelled,
    /// Only these.
    Classes(ClassIds),
    /// Only the class at the pixel where the edit begins.
    UnderPress,
}

/// A set of pixels of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    width: usize,
    bits: Vec<u64>,
}

impl Selection {
    /// The pixels of these spans, in an image of this size. Spans outside count nothing.
    pub fn of([width, height]: [usize; 2], spans: &[Span]) -> Self {
        let bits = vec![0; (width * height).div_ceil(64)];
        Self { width, bits }.with(spans, true)
    }

    /// The same with the pixels of these spans, or without them.
    #[must_use]
    pub fn with(mut self, spans: &[Span], on: bool) -> Self {
        for span in spans {
            for x in span.x.start..span.x.end.min(self.width) {
                let at = span.y * self.width + x;
                if let Some(word) = self.bits.get_mut(at / 64) {
                    let bit = 1 << (at % 64);
                    *word = if on { *word | bit } else { *word & !bit };
                }
            }
        }
        self
    }

    /// Number of pixels.
    pub fn pixels(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it has a pixel.
    pub fn contains(&self, [x, y]: [usize; 2]) -> bool {
        let at = y * self.width + x;
        self.bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

/// Only pixels of which the model is unsure.
#[derive(Clone)]
pub struct Unsure {
    /// Probability of the best class, 0..=65535 for 0..=1; pixels below it may be edited.
    pub below: u16,
    /// The probabilities of a prediction, row by row.
    pub confidence: Arc<dyn AsRef<[u16]> + Send + Sync>,
}

impl fmt::Debug for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Unsure")
            .field("below", &self.below)
            .finish_non_exhaustive()
    }
}

/// Only pixels of a brightness.
#[derive(Clone, Debug)]
pub struct BrightnessRange {
    /// Smallest and largest brightness (Rec. 709 of the sRGB values), 0..=255.
    pub range: [u8; 2],
    /// The image.
    pub photo: Arc<Photo>,
}

/// What an edit may change. A pixel changes only if every rule allows it.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Which classes may be written over.
    pub over: Over,
    /// Classes whose pixels never change.
    pub locked: ClassIds,
    /// The only pixels that may change; all if there is no selection.
    pub selection: Option<Arc<Selection>>,
    /// Limits edits to unsure pixels.
    pub unsure: Option<Unsure>,
    /// Limits edits to a brightness.
    pub brightness: Option<BrightnessRange>,
}

impl Rules {
    /// The rules of an edit that begins at a pixel of this class.
    pub(super) fn pressed_at(mut self, class: Option<u16>) -> Self {
        if self.over == Over::UnderPress {
            self.over = Over::Classes(class.into_iter().collect());
        }
        self
    }

    /// Whether every pixel may change.
    pub(super) fn allow_all(&self) -> bool {
        let unlimited = self.selection.is_none() && self.unsure.is_none() && self.brightness.is_none();
        self.over == Over::Any && self.locked.is_empty() && unlimited
    }

    /// Whether a pixel of a class may change. `at` is its index, row by row.
    pub(super) fn allow(&self, class: u16, at: usize, width: usize) -> bool {
        let over = match &self.over {
            Over::Any => true,
            Over::Unlabelled => class == UNLABELLED,
            Over::Classes(classes) => classes.contains(class),
            Over::UnderPress => false,
        };
        over && !self.locked.contains(class)
            && self
                .selection
                .as_ref()
                .is_none_or(|selection| selection.contains([at % width, at / width]))
            && self.unsure.as_ref().is_none_or(|unsure| {
                let sure = (*unsure.confidence).as_ref().get(at).copied().unwrap_or(u16::MAX);
                sure < unsure.below
            })
            && self.brightness.as_ref().is_none_or(|wanted| wanted.has(at))
    }
}

impl BrightnessRange {
    fn has(&self, at: usize) -> bool {
        let pixel = self.photo.rgb.as_chunks::<3>().0.get(at);
        let [low, high] = self.range;
        pixel.is_some_and(|[r, g, b]| {
            let light = (2126 * u32::from(*r) + 7152 * u32::from(*g) + 722 * u32::from(*b) + 5000) / 10_000;
            (u32::from(low)..=u32::from(high)).contains(&light)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_classes_hold_ids_and_the_unlabelled() {
        let mut set: ClassIds = [3, 64, UNLABELLED].into_iter().collect();
        assert!(set.contains(3) && set.contains(64) && set.contains(UNLABELLED) && !set.contains(4));
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 64, UNLABELLED]);
        for id in [3, 64, UNLABELLED] {
            set.remove(id);
        }
        assert!(set.is_empty());
    }

    #[test]
    fn every_rule_can_refuse_a_pixel() {
        let confidence = Arc::new(vec![10, 20, 30, 40]);
        let photo = Arc::new(Photo::new(2, 2, vec![0, 0, 0, 255, 255, 255, 100, 100, 100, 0, 255, 0]));
        let allowed = |rules: &Rules| -> Vec<usize> {
            let classes = [0, 1, 2, UNLABELLED];
            (0..4).filter(|at| rules.allow(classes[*at], *at, 2)).collect()
        };
        let rules = Rules::default;
        assert_eq!(allowed(&rules()), [0, 1, 2, 3]);
        let over = |over| Rules { over, ..rules() };
        assert_eq!(allowed(&over(Over::Unlabelled)), [3]);
        assert_eq!(allowed(&over(Over::Classes([1, 2].into_iter().collect()))), [1, 2]);
        assert_eq!(allowed(&over(Over::UnderPress).pressed_at(Some(2))), [2]);
        assert!(allowed(&over(Over::UnderPress).pressed_at(None)).is_empty());
        let locked = [0, UNLABELLED].into_iter().collect();
        assert_eq!(allowed(&Rules { locked, ..rules() }), [1, 2]);
        let selection = Some(Arc::new(Selection::of([2, 2], &[Span { y: 1, x: 0..2 }])));
        assert_eq!(allowed(&Rules { selection, ..rules() }), [2, 3]);
        let wider = Selection::of([2, 2], &[Span { y: 1, x: 0..2 }]).with(&[Span { y: 0, x: 1..5 }], true);
        let wider = wider.with(&[Span { y: 1, x: 0..1 }], false);
        assert_eq!(wider.pixels(), 2, "columns beyond the image count nothing");
        let selection = Some(Arc::new(wider));
        assert_eq!(allowed(&Rules { selection, ..rules() }), [1, 3]);
        let unsure = Some(Unsure { below: 30, confidence });
        assert_eq!(allowed(&Rules { unsure, ..rules() }), [0, 1]);
        let brightness = Some(BrightnessRange {
            range: [90, 200],
            photo,
        });
        assert_eq!(allowed(&Rules { brightness, ..rules() }), [2, 3], "green is 182 bright");
    }
}
