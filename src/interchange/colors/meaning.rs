//! Whether the images of a set hold ids, grey levels or colours.

use std::collections::{BTreeMap, BTreeSet};

use super::samples::{Samples, Values};
use super::table::ColorTable;
use crate::annotate::UNLABELLED;
use crate::interchange::LabelClasses;

/// The usual value of unlabelled pixels in files of 8 bits.
const UNLABELLED_BYTE: u16 = 255;

/// Most classes after the first for which one level is enough to take values for levels.
const FEW: u16 = 4;

/// What the samples of a kind of image mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Meaning {
    /// Colours of classes.
    #[default]
    Colors,
    /// Ids.
    Index,
    /// Grey values that stand for ids, such as levels spread over 0 to 255.
    Levels(BTreeMap<u16, u16>),
}

/// What the samples of a set of images mean. It is decided for the set, because an image of a few classes does not
/// tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meanings {
    pub(super) grey: Meaning,
    pub(super) indexed: Meaning,
    pub(super) color: Meaning,
    remarks: Vec<String>,
}

impl Meanings {
    /// What was assumed, in sentences.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }
}

/// The values that occur in the images of a set.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Of grey images.
    grey: Option<Found>,
    /// Places in palettes, of images with one.
    indexed: Option<Found>,
    /// Red of images of colours.
    color: Option<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    values: BTreeSet<u16>,
    /// Whether all samples have 16 bits.
    wide: bool,
    /// Whether each colour is that of one class.
    all_classes: bool,
    /// Whether red, green and blue are alike, or green and blue are zero, everywhere.
    one_channel: [bool; 2],
    /// Whether a palette has the colour of another class than that of its place.
    moved: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            values: BTreeSet::new(),
            wide: true,
            all_classes: true,
            one_channel: [true; 2],
            moved: false,
        }
    }
}

impl Survey {
    /// Adds an image. Images with lossy compression hold colours, and do not count.
    pub(super) fn add(&mut self, samples: &Samples, table: &ColorTable) {
        if samples.lossy {
            return;
        }
        match &samples.values {
            Values::Grey(values) => {
                let found = self.grey.get_or_insert_default();
                found.wide &= samples.bits == 16;
                let mut seen = vec![false; 1 << 16];
                values.iter().for_each(|value| seen[usize::from(*value)] = true);
                for value in (0..=u16::MAX)
                    .zip(seen)
                    .filter_map(|(value, seen)| seen.then_some(value))
                {
                    found.values.insert(value);
                    found.all_classes &= table.has_one(grey(value, samples.bits));
                }
            }
            Values::Indexed(places, palette) => {
                let found = self.indexed.get_or_insert_default();
                found.wide = false;
                let mut seen = [false; 256];
                places.iter().for_each(|place| seen[usize::from(*place)] = true);
                for place in (0..=u8::MAX)
                    .zip(seen)
                    .filter_map(|(place, seen)| seen.then_some(place))
                {
                    found.values.insert(place.into());
                    let color = palette.get(usize::from(place)).copied();
                    found.all_classes &= color.is_some_and(|color| table.has_one(color));
                    found.moved |= color.is_some_and(|color| !table.having(color).any(|id| id == u16::from(place)));
                }
            }
            Values::Color(colors) => {
                let found = self.color.get_or_insert_default();
                found.wide = false;
                let mut last = None;
                for color in colors {
                    if last != Some(color) {
                        last = Some(color);
                        found.color(*color, table);
                    }
                }
            }
        }
    }

    /// Whether images of colours hold more than one channel, so that no further one tells anything.
    pub fn knows_colors(&self) -> bool {
        self.color
            .as_ref()
            .is_some_and(|found| !found.one_channel.contains(&true))
    }

    /// What the samples mean.
    ///
    /// # Errors
    /// When grey values are neither ids nor levels nor colours of classes, or can be levels in two ways.
    pub(super) fn decide(&self, classes: &LabelClasses) -> Result<Meanings, String> {
        let mut meanings = Meanings::default();
        if let Some(found) = &self.grey {
            meanings.grey = found.of_values(classes)?;
            let remark = |text: &str| format!("Values of grey images were read as {text}.");
            meanings.remarks.extend(meanings.grey.told().map(|text| remark(&text)));
        }
        if let Some(found) = &self.indexed {
            meanings.indexed = match found.all_classes && found.moved || !found.is_index(classes) {
                true => Meaning::Colors,
                false => Meaning::Index,
            };
            let remark = match meanings.indexed {
                Meaning::Index if found.moved => "The ids of images with a palette were read; their colours differ",
                Meaning::Colors if found.is_index(classes) => {
                    "The colours of images with a palette were read, because each is that of a class; their places in \
                     the palette are not those of the ids, as after an editor has sorted them"
                }
                _ => "",
            };
            meanings
                .remarks
                .extend((!remark.is_empty()).then(|| format!("{remark}.")));
        }
        let one_channel = |found: &&Found| !found.all_classes && found.one_channel.contains(&true);
        if let Some(found) = self.color.as_ref().filter(one_channel) {
            // Blends of black and white are grey, too.
            meanings.color = found.of_values(classes).unwrap_or_default();
            let remark =
                |text: &str| format!("Red of colour images was read as {text}, for they have one channel only.");
            meanings.remarks.extend(meanings.color.told().map(|text| remark(&text)));
        }
        Ok(meanings)
    }
}

impl Meaning {
    fn told(&self) -> Option<String> {
        match self {
            Self::Colors => None,
            Self::Index => Some("ids".into()),
            Self::Levels(levels) => {
                let some = levels
                    .iter()
                    .take(4)
                    .map(|(value, id)| format!("{value} for class {id}"));
                let some: Vec<String> = some.collect();
                Some(format!("levels spread over the grey values ({}, …)", some.join(", ")))
            }
        }
    }

    /// The id of a value; `None` when it has none.
    pub(super) fn id(&self, value: u16, classes: &LabelClasses) -> Option<u16> {
        let known = match self {
            Self::Colors => None,
            Self::Index => classes.get(value).map(|class| class.id),
            Self::Levels(levels) => levels.get(&value).copied(),
        };
        known.or_else(|| [UNLABELLED_BYTE, UNLABELLED].contains(&value).then_some(UNLABELLED))
    }
}

impl Found {
    fn color(&mut self, color: [u8; 3], table: &ColorTable) {
        let [red, green, blue] = color;
        self.all_classes &= table.has_one(color);
        self.one_channel[0] &= red == green && green == blue;
        self.one_channel[1] &= green == 0 && blue == 0;
        self.values.insert(red.into());
    }

    fn is_index(&self, classes: &LabelClasses) -> bool {
        let largest = classes.largest().unwrap_or(0);
        self.values
            .iter()
            .all(|value| *value <= largest || [UNLABELLED_BYTE, UNLABELLED].contains(value))
    }

    fn of_values(&self, classes: &LabelClasses) -> Result<Meaning, String> {
        let largest = classes.largest().unwrap_or(0);
        // Black and white are two classes, and not one with unlabelled pixels.
        let white = u16::MAX >> if self.wide { 0 } else { 8 };
        let is_mask = largest == 1 && self.values.iter().eq(&[0, white]);
        if self.is_index(classes) && !is_mask {
            return Ok(Meaning::Index);
        }
        if self.all_classes {
            return Ok(Meaning::Colors);
        }
        // 8 bits may have been widened to 16.
        let widened = self.wide && self.values.iter().all(|value| value.is_multiple_of(257));
        let factor = if widened { 257 } else { 1 };
        let levels = self.values.iter().filter(|value| **value > 0).count();
        // One odd value is no spread.
        let spreads = if levels > 1 || largest <= FEW {
            spreads(largest)
        } else {
            Vec::new()
        };
        let mut fitting: Vec<BTreeMap<u16, u16>> = Vec::new();
        for spread in spreads {
            let listed = (0..).zip(spread).filter(|(id, _)| classes.get(*id).is_some());
            let levels: BTreeMap<u16, u16> = listed.map(|(id, level)| (level * factor, id)).collect();
            let fits = |value: &u16| levels.contains_key(value) || *value == UNLABELLED_BYTE * factor;
            if self.values.iter().all(fits) {
                fitting.push(levels);
            }
        }
        // White is unlabelled only where it is no level.
        if fitting
            .iter()
            .any(|levels| levels.contains_key(&(UNLABELLED_BYTE * factor)))
            && self.values.contains(&white)
        {
            fitting.retain(|levels| levels.contains_key(&(UNLABELLED_BYTE * factor)));
        }
        let agree = |levels: &BTreeMap<u16, u16>| {
            let first = fitting.first().unwrap_or(levels);
            self.values.iter().all(|value| first.get(value) == levels.get(value))
        };
        let agreed = fitting.iter().all(agree);
        match fitting.first() {
            Some(levels) if agreed => Ok(Meaning::Levels(levels.clone())),
            Some(_) => Err(format!(
                "expected ids or grey levels with one meaning, found values {} that can be levels in several ways; \
                 give the classes colours of these levels",
                self.some()
            )),
            None => Err(format!(
                "expected ids up to {largest}, levels spread over 0 to 255 or colours of the classes, found the values {}; \
                 give classes with these ids or colours",
                self.some()
            )),
        }
    }

    /// The largest values.
    fn some(&self) -> String {
        let largest: Vec<String> = self.values.iter().rev().take(5).rev().map(u16::to_string).collect();
        let more = if self.values.len() > largest.len() { "…, " } else { "" };
        format!("{more}{}", largest.join(", "))
    }
}

/// How programs spread ids up to `largest` over 0 to 255: the level of each id.
fn spreads(largest: u16) -> Vec<Vec<u16>> {
    if !(1..=254).contains(&largest) {
        return Vec::new();
    }
    let to_white = |round: u16| (0..=largest).map(|id| (id * 255 + round) / largest).collect();
    let step = |step: u16| (0..=largest).map(|id| id * step).collect();
    let mut spreads: Vec<Vec<u16>> = vec![to_white(largest / 2), to_white(0), to_white(largest - 1)];
    // As files of 1, 2 and 4 bits are widened, and equal steps for the number of classes.
    let steps = [255, 85, 17, 255 / (largest + 1), 256 / (largest + 1)];
    let steps = steps.iter().filter(|step| **step > 1 && **step * largest <= 255);
    spreads.extend(steps.map(|width| step(*width)));
    spreads
}

/// A grey value of some bits as a colour of 8.
pub(super) fn grey(value: u16, bits: u8) -> [u8; 3] {
    let largest = u32::from(u16::MAX >> (16 - bits.clamp(1, 16)));
    let scaled = (u32::from(value) * 255 + largest / 2) / largest;
    [scaled.min(255) as u8; 3]
}
