//! How the name of a label map follows from the name of its picture.

use std::fmt;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// What the names of a picture and of its label map have beside the part that both share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NameRule {
    /// Before and behind the shared part of a picture's name, without its ending.
    picture: [String; 2],
    /// The same of a label map's.
    label: [String; 2],
    /// The shared part has the ending of the picture's file: `a.jpg.png` belongs to `a.jpg`.
    with_ending: bool,
}

/// Endings of pictures' names in published data sets: Cityscapes and its kin, ACDC and Dark Zurich, Potsdam, DRIVE, nnU-Net.
const PICTURE_SUFFIXES: [&str; 8] = [
    "",
    "_leftImg8bit",
    "_rgb_anon",
    "_RGB",
    "_training",
    "_test",
    "_image",
    "_0000",
];

/// Endings of label maps' names; of two of a data set that fit as many pictures, the first is taken: train ids come before
/// label ids.
const LABEL_SUFFIXES: [&str; 26] = [
    "_gtFine_labelTrainIds",
    "_gtCoarse_labelTrainIds",
    "_gt_labelTrainIds",
    "_labelTrainIds",
    "_train_id",
    "",
    "_gtFine_labelIds",
    "_gtCoarse_labelIds",
    "_gt_labelIds",
    "_labelIds",
    "_mask",
    "_masks",
    "_label",
    "_labels",
    "_L",
    "_seg",
    "_segmentation",
    "_gt",
    "_annotation",
    "_semantic",
    "_manual1",
    "-mask",
    "-label",
    "-labels",
    "-seg",
    "-gt",
];

/// So many of these belong to data sets; the others are habits.
const PUBLISHED: usize = 10;

/// What label maps' names begin with where people put it there.
const LABEL_PREFIXES: [&str; 5] = ["mask_", "label_", "labels_", "gt_", "seg_"];

/// What weather and night variants of Cityscapes put something behind; all share one label map.
const OF_VARIANTS: &str = "_leftImg8bit";

impl NameRule {
    /// The same name.
    pub fn same() -> Self {
        Self::default()
    }

    fn new(picture: [&str; 2], label: [&str; 2]) -> Self {
        Self {
            picture: picture.map(str::to_owned),
            label: label.map(str::to_owned),
            with_ending: false,
        }
    }

    /// The rules of published data sets and usual habits, in the order in which they are preferred.
    pub(super) fn known() -> Vec<Self> {
        let mut rules = Vec::new();
        for picture in PICTURE_SUFFIXES {
            rules.extend(LABEL_SUFFIXES.map(|label| Self::new(["", picture], ["", label])));
        }
        rules.extend(LABEL_PREFIXES.map(|label| Self::new(["", ""], [label, ""])));
        rules.push(Self {
            with_ending: true,
            ..Self::default()
        });
        rules
    }

    /// The rule that a person writes as `{stem}_mask.png`: `{stem}` is the picture's name without its ending, `{name}` the
    /// whole one.
    ///
    /// # Errors
    /// A clause that says what was expected and found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let with_ending = text.contains("{name}");
        let halves = text.split_once(if with_ending { "{name}" } else { "{stem}" });
        let wrong = || {
            format!("expected a name of a PNG file with {{stem}} or {{name}}, such as {{stem}}_mask.png, found {text}")
        };
        let (before, behind) = halves.ok_or_else(wrong)?;
        let ending = behind.len().checked_sub(4).and_then(|at| behind.get(at..));
        let behind = match ending.filter(|ending| ending.eq_ignore_ascii_case(".png")) {
            Some(ending) => &behind[..behind.len() - ending.len()],
            None => return Err(wrong()),
        };
        if [before, behind].iter().any(|part| part.contains(['{', '}', '/', '\\'])) {
            return Err(wrong());
        }
        Ok(Self {
            with_ending,
            ..Self::new(["", ""], [before, behind])
        })
    }

    /// The same for pictures whose names have an ending of their own, as Cityscapes' have; as it is comes first.
    pub(super) fn with_picture_suffixes(&self) -> Vec<Self> {
        let with = |suffix: &str| Self {
            picture: [String::new(), suffix.to_owned()],
            ..self.clone()
        };
        match self.picture.iter().all(String::is_empty) {
            true => PICTURE_SUFFIXES.map(with).into(),
            false => vec![self.clone()],
        }
    }

    /// What can be read off one picture and its label map, if their names tell: one name within the other, or both with a
    /// common beginning or end that is set apart.
    pub(super) fn read_off(picture: &Names, label: &Names) -> Vec<Self> {
        let mut rules = Self::within(picture, label);
        let (picture, label) = (picture.stem.as_str(), label.stem.as_str());
        for (at, _) in picture.match_indices(label) {
            rules.push(Self::new([&picture[..at], &picture[at + label.len()..]], ["", ""]));
        }
        let front = shared_start(picture, label);
        rules.push(Self::new(["", &picture[front..]], ["", &label[front..]]));
        let [p, l] = shared_end(picture, label);
        rules.push(Self::new([&picture[..p], ""], [&label[..l], ""]));
        rules.retain(Self::is_plausible);
        rules
    }

    /// A rule for each place at which the name of a picture stands in that of its label map.
    pub(super) fn within(picture: &Names, label: &Names) -> Vec<Self> {
        let (picture, label) = (picture.stem.as_str(), label.stem.as_str());
        let rule = |(at, _): (usize, &str)| Self::new(["", ""], [&label[..at], &label[at + picture.len()..]]);
        label.match_indices(picture).map(rule).collect()
    }

    /// Whether a rule may be read off names: the parts that are taken away hold no number, which would tell pictures
    /// apart, and are set apart where both names have one.
    fn is_plausible(&self) -> bool {
        let [a, b] = &self.picture;
        let [c, d] = &self.label;
        let parts = [a, b, c, d];
        let is_plain = parts.iter().all(|part| !part.contains(|c: char| c.is_numeric()));
        is_plain && (!self.is_two_sided() || self.is_set_apart())
    }

    /// Whether something other than a letter or a number lies between the shared part and what is taken away.
    pub(super) fn is_set_apart(&self) -> bool {
        let is_separator = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let is_apart =
            |[front, back]: &[String; 2]| is_separator(front.chars().last()) && is_separator(back.chars().next());
        is_apart(&self.picture) && is_apart(&self.label)
    }

    /// Whether the better of two ranks is preferred where both rules pair as many pictures: what data sets publish before
    /// habits (train ids before the same name, and that before label ids), and known rules before those that were read off.
    /// Of two habits none is better.
    pub(super) fn is_preferred(a: usize, b: usize) -> bool {
        let group = |rank: usize| match rank {
            rank if rank < PICTURE_SUFFIXES.len() * LABEL_SUFFIXES.len() => match rank % LABEL_SUFFIXES.len() {
                place if place < PUBLISHED => 1,
                _ => 2,
            },
            rank if rank < 10_000 => 2,
            rank => rank,
        };
        group(a) != group(b) || group(a) == 1
    }

    /// Whether both names have something that the other has not.
    pub(super) fn is_two_sided(&self) -> bool {
        let has = |parts: &[String; 2]| parts.iter().any(|part| !part.is_empty());
        has(&self.picture) && has(&self.label)
    }

    /// The part of a picture's name that it shares with its label map; `None` where the rule does not fit the name.
    pub(super) fn of_picture<'a>(&self, names: &'a Names) -> Option<&'a str> {
        let name = if self.with_ending { &names.name } else { &names.stem };
        let variant = name.find(OF_VARIANTS).map(|at| at + OF_VARIANTS.len());
        let name = variant.and_then(|end| name.get(..end)).unwrap_or(name);
        stripped(name, &self.picture)
    }

    /// The same of a label map's name.
    pub(super) fn of_label<'a>(&self, names: &'a Names) -> Option<&'a str> {
        stripped(&names.stem, &self.label)
    }

    /// The path of the label map of a picture in a folder.
    pub fn path_in(&self, folder: &Path, picture: &Path) -> Option<PathBuf> {
        let [before, behind] = &self.label;
        let names = Names::of(picture);
        Some(folder.join(format!("{before}{}{behind}.png", self.of_picture(&names)?)))
    }
}

/// What a file is called, in composed form.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// With its ending.
    pub(super) name: String,
    /// Without it.
    pub(super) stem: String,
}

impl Names {
    pub(super) fn of(file: &Path) -> Self {
        let text = |part: Option<&std::ffi::OsStr>| composed(&part.unwrap_or_default().to_string_lossy());
        Self {
            name: text(file.file_name()),
            stem: text(file.file_stem()),
        }
    }
}

/// As a person would write it.
impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b] = &self.picture;
        let [c, d] = &self.label;
        let shared = if self.with_ending { "{name}" } else { "{stem}" };
        write!(f, "{a}{shared}{b} with {c}{shared}{d}.png")
    }
}

/// Unicode's composed form (NFC): file systems differ in whether an accent is a character of its own.
pub(super) fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// What lies between the two parts, in either case; at least one character.
fn stripped<'a>(name: &'a str, [before, behind]: &[String; 2]) -> Option<&'a str> {
    let back = name.len().checked_sub(behind.len())?;
    let (front, end) = (name.get(..back)?, name.get(back..)?);
    let (start, core) = (front.get(..before.len())?, front.get(before.len()..)?);
    let fits = end.eq_ignore_ascii_case(behind) && start.eq_ignore_ascii_case(before) && !core.is_empty();
    fits.then_some(core)
}

/// Where the common beginning of two names ends: before the last character that sets words apart, in bytes.
fn shared_start(a: &str, b: &str) -> usize {
    let both = a.char_indices().zip(b.chars());
    let shared = both.take_while(|((_, a), b)| a == b).map(|(a, _)| a);
    shared
        .filter(|(_, c)| !c.is_alphanumeric())
        .last()
        .map_or(0, |(at, _)| at)
}

/// Where the common end of two names begins in each: behind the first character that sets words apart, in bytes.
fn shared_end(a: &str, b: &str) -> [usize; 2] {
    let both = a.char_indices().rev().zip(b.char_indices().rev());
    let shared = both.take_while(|((_, a), (_, b))| a == b);
    let apart = shared.filter(|((_, c), _)| !c.is_alphanumeric()).last();
    apart.map_or([a.len(), b.len()], |((at, c), (other, _))| {
        [at + c.len_utf8(), other + c.len_utf8()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(rule: &NameRule, picture: &str, label: &str) -> bool {
        let [picture, label] = [picture, label].map(|name| Names::of(Path::new(name)));
        let core = rule.of_picture(&picture);
        core.is_some() && core == rule.of_label(&label)
    }

    #[test]
    fn a_written_rule_says_which_label_map_belongs_to_a_picture() {
        let rule = NameRule::parse("{stem}_mask.png").unwrap();
        assert!(pair(&rule, "x/a.jpg", "y/a_mask.png") && !pair(&rule, "a.jpg", "a.png"));
        assert_eq!(
            rule.path_in(Path::new("y"), Path::new("x/a.jpg")),
            Some("y/a_mask.png".into())
        );
        let rule = NameRule::parse("gt-{name}.PNG").unwrap();
        assert!(pair(&rule, "a.jpg", "gt-a.jpg.png"));
        for wrong in ["mask.png", "{stem}.jpg", "{stem}", "{name}{stem}.png", "../{stem}.png"] {
            assert!(NameRule::parse(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn rules_are_read_off_names_but_never_from_numbers() {
        let read = |picture: &str, label: &str| {
            NameRule::read_off(&Names::of(Path::new(picture)), &Names::of(Path::new(label)))
        };
        assert!(read("a1.jpg", "a1_ground truth.png").contains(&NameRule::new(["", ""], ["", "_ground truth"])));
        assert!(read("a1-photo.jpg", "a1.png").contains(&NameRule::new(["", "-photo"], ["", ""])));
        assert!(read("a1_rgb.jpg", "a1_lab.png").contains(&NameRule::new(["", "_rgb"], ["", "_lab"])));
        assert!(read("rgb_7.jpg", "lab_7.png").contains(&NameRule::new(["rgb_", ""], ["lab_", ""])));
        assert!(read("a1_raw.jpg", "a1_rgt.png").contains(&NameRule::new(["", "_raw"], ["", "_rgt"])));
        assert!(read("cam_1.jpg", "cam_2.png").is_empty());
        assert!(read("IMG1.jpg", "IMG10.png").is_empty());
    }

    #[test]
    fn names_are_compared_in_composed_form() {
        let same = NameRule::same();
        assert!(pair(&same, "u\u{308}ber.jpg", "über.png"));
        let city = NameRule::new(["", "_leftImg8bit"], ["", "_gtFine_labelIds"]);
        assert!(pair(
            &city,
            "c_1_leftImg8bit_foggy_beta_0.02.png",
            "c_1_gtFine_labelIds.png"
        ));
    }
}
