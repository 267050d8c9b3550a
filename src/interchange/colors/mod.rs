//! Turns label images of other programs into label maps: ids, grey levels or class colours, and what resizing, soft
//! brushes and lossy compression have made of them. Nothing is repaired without being counted.

mod blends;
mod lossy;
mod meaning;
mod repair;
mod report;
mod samples;
mod table;
#[cfg(test)]
mod tests;
mod thin;

use blends::Blends;
use meaning::grey;
pub use meaning::{Meaning, Meanings, Survey};
use repair::{Field, OPEN, around};
pub use report::Repairs;
pub use samples::{Samples, Values};
pub use table::TOLERANCE;
use table::{ByColor, ColorTable, Meant, distance};

use super::LabelClasses;
use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

/// Colours further than this from each class in a channel are no colours of classes that compression has changed.
const FARTHEST: u8 = 48;

/// So many pixels may all be blends, in a small image.
const FEW: usize = 1 << 12;

/// Resolves label images with the same classes.
#[derive(Clone, Debug)]
pub struct Resolver {
    classes: LabelClasses,
    table: ColorTable,
}

/// How often a colour occurs, and what it means.
struct Seen {
    meant: Meant,
    pixels: u64,
}

impl Resolver {
    /// For images with these classes, and the colour of unlabelled pixels if there is one. A class that has that
    /// colour keeps it.
    pub fn new(classes: &LabelClasses, unlabelled: Option<[u8; 3]>) -> Self {
        Self {
            classes: classes.clone(),
            table: ColorTable::new(classes, unlabelled),
        }
    }

    /// Adds an image to what decides on the meaning of samples.
    pub fn survey(&self, samples: &Samples, survey: &mut Survey) {
        survey.add(samples, &self.table);
    }

    /// Decides what the samples of a set mean.
    ///
    /// # Errors
    /// When grey values are neither ids nor levels nor colours of classes, or can be levels in several ways.
    pub fn decide(&self, survey: &Survey) -> Result<Meanings, String> {
        survey.decide(&self.classes)
    }

    /// Names of classes whose colours are too close to others' to repair them, in a sentence.
    pub fn remark(&self) -> Option<String> {
        let names: Vec<String> = self.table.crowded().map(|id| self.name(id)).collect();
        let close = 2 * TOLERANCE;
        (!names.is_empty()).then(|| {
            format!(
                "The colours of {} differ by at most {close} from another's, so that only pixels with exactly these \
                 colours are theirs.",
                names.join(", ")
            )
        })
    }

    /// The label map of an image, and what was repaired in it.
    ///
    /// # Errors
    /// When the samples do not have the meaning that was decided on, two classes have a colour that occurs, or too few
    /// pixels have colours of classes.
    pub fn resolve(&self, samples: &Samples, meanings: &Meanings) -> Result<(LabelMap, Repairs), String> {
        let mut repairs = Repairs {
            translucent: samples.translucent,
            rounded: samples.rounded,
            lossy: samples.lossy,
            ..Repairs::default()
        };
        let ids = match (&samples.values, meanings) {
            (Values::Color(colors), _) if samples.lossy => self.of_colors(colors, samples, &mut repairs),
            (
                Values::Color(colors),
                Meanings {
                    color: Meaning::Colors, ..
                },
            ) => self.of_colors(colors, samples, &mut repairs),
            (Values::Color(colors), Meanings { color, .. }) => {
                let values: Option<Vec<u16>> = colors.iter().map(|color| one_channel(*color)).collect();
                let values = values.ok_or(
                    "expected one channel as in other images of the set, found colours; \
                                           read the image alone",
                )?;
                self.of_values(&values, color, &mut repairs)
            }
            (
                Values::Grey(values),
                Meanings {
                    grey: Meaning::Colors, ..
                },
            ) => {
                let colors: Vec<[u8; 3]> = values.iter().map(|value| grey(*value, samples.bits)).collect();
                self.of_colors(&colors, samples, &mut repairs)
            }
            (Values::Grey(values), Meanings { grey, .. }) => self.of_values(values, grey, &mut repairs),
            (
                Values::Indexed(places, palette),
                Meanings {
                    indexed: Meaning::Colors,
                    ..
                },
            ) => {
                let color = |place: &u8| palette.get(usize::from(*place)).copied();
                let colors: Option<Vec<[u8; 3]>> = places.iter().map(color).collect();
                let colors = colors.ok_or(
                    "expected colours of the palette, found pixels beyond its end; export the \
                                           label again",
                )?;
                self.of_colors(&colors, samples, &mut repairs)
            }
            (Values::Indexed(places, _), Meanings { indexed, .. }) => {
                let values: Vec<u16> = places.iter().map(|place| u16::from(*place)).collect();
                self.of_values(&values, indexed, &mut repairs)
            }
        }?;
        let labels = LabelMap {
            width: samples.width,
            height: samples.height,
            ids,
        };
        Ok((labels, repairs))
    }

    fn of_values(&self, values: &[u16], meaning: &Meaning, repairs: &mut Repairs) -> Result<Vec<u16>, String> {
        let mut counts = vec![0; 1 << 16];
        values.iter().for_each(|value| counts[usize::from(*value)] += 1);
        let ids: Vec<Option<u16>> = (0..=u16::MAX).map(|value| meaning.id(value, &self.classes)).collect();
        let used = (0..=u16::MAX).zip(counts).filter(|(_, pixels)| *pixels > 0);
        let (known, unknown): (Vec<_>, Vec<(u16, u64)>) =
            used.partition(|(value, _)| ids[usize::from(*value)].is_some());
        let largest = self.classes.largest().unwrap_or(0);
        let beyond = |value: u16| matches!(meaning, Meaning::Levels(_)) || value > largest;
        if let Some((value, pixels)) = unknown.iter().find(|(value, _)| beyond(*value)) {
            return Err(format!(
                "expected ids up to {largest} or their levels, found the value {value} in {pixels} pixels; add its class"
            ));
        }
        repairs.exact = known.iter().map(|(_, pixels)| pixels).sum();
        repairs.leave_values(unknown);
        let id = |value: &u16| ids[usize::from(*value)].unwrap_or(UNLABELLED);
        Ok(values.iter().map(id).collect())
    }

    fn of_colors(&self, colors: &[[u8; 3]], samples: &Samples, repairs: &mut Repairs) -> Result<Vec<u16>, String> {
        let (seen, places) = self.seen(colors, samples.lossy);
        self.check(&seen, samples)?;
        let mut field = Field {
            size: [samples.width, samples.height],
            places,
        };
        for seen in seen.values() {
            match seen.meant {
                Meant::Exact(_) => repairs.exact += seen.pixels,
                Meant::Near(_) => repairs.nearest += seen.pixels,
                _ => {}
            }
        }
        if samples.lossy {
            let before = field.places.clone();
            lossy::settle(&mut field, &self.table, colors);
            field.smooth();
            repairs.smoothed = before
                .iter()
                .zip(&field.places)
                .filter(|(before, after)| before != after)
                .count() as u64;
        } else {
            let excluded = excluded(&field, colors, &seen);
            let mut blends = Blends::new(&self.table, colors, excluded);
            let open = blends.open(&field);
            if open > colors.len() / 2 && open > FEW {
                return Err(format!(
                    "expected areas of the classes' colours, found other colours in {open} of {} pixels, as in a photo; \
                     choose the label image",
                    colors.len()
                ));
            }
            repairs.blended = blends.fill(&mut field);
        }
        let mut left = ByColor::<u64>::default();
        let open = field.places.iter().zip(colors).filter(|(place, _)| **place == OPEN);
        open.for_each(|(_, color)| *left.entry(*color).or_default() += 1);
        repairs.leave(left);
        if repairs.nearest + repairs.blended + repairs.left_pixels > 0 {
            repairs.thin = thin::strips(&field, &self.table);
        }
        Ok(field.places.iter().map(|place| self.table.id(*place)).collect())
    }

    /// What each colour means, and the places of all pixels.
    fn seen(&self, colors: &[[u8; 3]], lossy: bool) -> (ByColor<Seen>, Vec<u16>) {
        let mut seen = ByColor::<Seen>::default();
        let mut places = Vec::with_capacity(colors.len());
        // Mostly a pixel has the colour of the one before.
        for run in colors.chunk_by(|a, b| a == b) {
            let pixels = run.len() as u64;
            let Some(color) = run.first() else { continue };
            let entry = seen.entry(*color).or_insert_with(|| Seen {
                meant: if lossy {
                    self.table.nearest(*color)
                } else {
                    self.table.meant(*color)
                },
                pixels: 0,
            });
            entry.pixels += pixels;
            let place = match entry.meant {
                Meant::Exact(place) | Meant::Near(place) | Meant::Shared(place) => place,
                Meant::Unclear | Meant::Unknown => OPEN,
            };
            places.resize(places.len() + run.len(), place);
        }
        (seen, places)
    }

    /// Checks that colours have one meaning and are those of the classes.
    fn check(&self, seen: &ByColor<Seen>, samples: &Samples) -> Result<(), String> {
        if let Some((color, _)) = seen.iter().find(|(_, seen)| matches!(seen.meant, Meant::Shared(_))) {
            let [r, g, b] = color;
            let names: Vec<String> = self.table.having(*color).map(|id| self.name(id)).collect();
            let names = names.join(" and ");
            return Err(format!(
                "expected one class for each colour, found #{r:02x}{g:02x}{b:02x} for {names}; use a label image of ids"
            ));
        }
        let fits = |color: &[u8; 3], seen: &Seen| match seen.meant {
            Meant::Exact(_) => true,
            Meant::Near(place) => !samples.lossy || distance(self.table.color(place), *color) <= FARTHEST,
            _ => false,
        };
        let fitting: u64 = seen
            .iter()
            .filter(|(color, seen)| fits(color, seen))
            .map(|(_, seen)| seen.pixels)
            .sum();
        let pixels = samples.pixels() as u64;
        if fitting == 0 || (samples.lossy && fitting < pixels / 2) {
            return Err(format!(
                "expected colours of the classes, found them in {fitting} of {pixels} pixels; give the legend of these \
                 colours, or choose the format if the colours are packed numbers, as in panoptic sets or ADE20K"
            ));
        }
        Ok(())
    }

    fn name(&self, id: u16) -> String {
        let class = self.classes.get(id);
        class.map_or_else(|| "unlabelled pixels".into(), |class| class.name.clone())
    }
}

/// The value of a colour with one channel: alike in all three, or red only.
fn one_channel([red, green, blue]: [u8; 3]) -> Option<u16> {
    let alike = red == green && green == blue;
    (alike || (green == 0 && blue == 0)).then_some(red.into())
}

/// Colours without a class that are no blends: they fill a square of three pixels, which blends of resizing do not, or
/// are close to several classes.
fn excluded(field: &Field, colors: &[[u8; 3]], seen: &ByColor<Seen>) -> ByColor<()> {
    let unclear = seen.iter().filter(|(_, seen)| seen.meant == Meant::Unclear);
    let mut excluded: ByColor<()> = unclear.map(|(color, _)| (*color, ())).collect();
    let [width, height] = field.size;
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let at = y * width + x;
            if field.is_open(at) && colors[at] == colors[at + 1] && colors[at] == colors[at + width] {
                let mut fills = true;
                around(field.size, at, 1, |near, _| fills &= colors[near] == colors[at]);
                if fills {
                    excluded.insert(colors[at], ());
                }
            }
        }
    }
    excluded
}
