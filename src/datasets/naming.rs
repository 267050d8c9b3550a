//! Rules that derive the name of a label map from the name of its image.

use std::fmt;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// The prefixes and suffixes around the part that the names of an image and of its label map share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NameRule {
    /// Prefix and suffix of the shared part in an image's name, without the file extension.
    image: [String; 2],
    /// The same for a label map's name.
    label: [String; 2],
    /// Whether the shared part includes the image's file extension: `a.jpg.png` belongs to `a.jpg`.
    with_ending: bool,
}

/// Suffixes of image names in published data sets: Cityscapes and its variants, ACDC and Dark Zurich, Potsdam, DRIVE,
/// nnU-Net.
const IMAGE_SUFFIXES: [&str; 8] = [
    "",
    "_leftImg8bit",
    "_rgb_anon",
    "_RGB",
    "_training",
    "_test",
    "_image",
    "_0000",
];

/// Suffixes of label map names, in order of preference. Of two suffixes of a data set that fit equally many images, the
/// first is used: train ids come before label ids.
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

/// Number of [`LABEL_SUFFIXES`] that data sets define; the others are common conventions.
const PUBLISHED: usize = 10;

/// Common prefixes of label map names.
const LABEL_PREFIXES: [&str; 5] = ["mask_", "label_", "labels_", "gt_", "seg_"];

/// Suffix after which weather and night variants of Cityscapes add their own; all variants share one label map.
const OF_VARIANTS: &str = "_leftImg8bit";

impl NameRule {
    /// The rule that a label map has the same name as its image.
    pub fn same() -> Self {
        Self::default()
    }

    fn new(image: [&str; 2], label: [&str; 2]) -> Self {
        Self {
            image: image.map(str::to_owned),
            label: label.map(str::to_owned),
            with_ending: false,
        }
    }

    /// The rules of published data sets and the common conventions, in order of preference.
    pub(super) fn known() -> Vec<Self> {
        let mut rules = Vec::new();
        for image in IMAGE_SUFFIXES {
            rules.extend(LABEL_SUFFIXES.map(|label| Self::new(["", image], ["", label])));
        }
        rules.extend(LABEL_PREFIXES.map(|label| Self::new(["", ""], [label, ""])));
        rules.push(Self {
            with_ending: true,
            ..Self::default()
        });
        rules
    }

    /// Parses a rule such as `{stem}_mask.png`: `{stem}` is the image's name without its extension, `{name}` the name
    /// with it.
    ///
    /// # Errors
    /// A clause that states what was expected and what was found.
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

    /// This rule with each suffix of [`IMAGE_SUFFIXES`], such as that of Cityscapes; the unchanged rule comes first.
    pub(super) fn with_image_suffixes(&self) -> Vec<Self> {
        let with = |suffix: &str| Self {
            image: [String::new(), suffix.to_owned()],
            ..self.clone()
        };
        match self.image.iter().all(String::is_empty) {
            true => IMAGE_SUFFIXES.map(with).into(),
            false => vec![self.clone()],
        }
    }

    /// Rules derived from one image and its label map: one name contains the other, or both share a start or an end
    /// that a separator sets apart.
    pub(super) fn read_off(image: &Names, label: &Names) -> Vec<Self> {
        let mut rules = Self::within(image, label);
        let (image, label) = (image.stem.as_str(), label.stem.as_str());
        for (at, _) in image.match_indices(label) {
            rules.push(Self::new([&image[..at], &image[at + label.len()..]], ["", ""]));
        }
        let front = shared_start(image, label);
        rules.push(Self::new(["", &image[front..]], ["", &label[front..]]));
        let [p, l] = shared_end(image, label);
        rules.push(Self::new([&image[..p], ""], [&label[..l], ""]));
        rules.retain(Self::is_plausible);
        rules
    }

    /// A rule for each position at which a label map's name contains the image's name.
    pub(super) fn within(image: &Names, label: &Names) -> Vec<Self> {
        let (image, label) = (image.stem.as_str(), label.stem.as_str());
        let rule = |(at, _): (usize, &str)| Self::new(["", ""], [&label[..at], &label[at + image.len()..]]);
        label.match_indices(image).map(rule).collect()
    }

    /// Whether a derived rule is plausible: the parts that it removes contain no digit, because digits distinguish
    /// images, and a separator sets them apart where both names have such a part.
    fn is_plausible(&self) -> bool {
        let [a, b] = &self.image;
        let [c, d] = &self.label;
        let parts = [a, b, c, d];
        let is_plain = parts.iter().all(|part| !part.contains(|c: char| c.is_numeric()));
        is_plain && (!self.is_two_sided() || self.is_set_apart())
    }

    /// Whether a character other than a letter or a digit separates the shared part from the parts that are removed.
    pub(super) fn is_set_apart(&self) -> bool {
        let is_separator = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let is_apart =
            |[front, back]: &[String; 2]| is_separator(front.chars().last()) && is_separator(back.chars().next());
        is_apart(&self.image) && is_apart(&self.label)
    }

    /// Whether rank `a`, the better of two, is preferred where both rules pair equally many images.
    ///
    /// Rules of data sets come before common conventions (train ids before the same name, and that before label ids),
    /// and known rules before derived ones. Of two conventions neither is preferred.
    pub(super) fn is_preferred(a: usize, b: usize) -> bool {
        let group = |rank: usize| match rank {
            rank if rank < IMAGE_SUFFIXES.len() * LABEL_SUFFIXES.len() => match rank % LABEL_SUFFIXES.len() {
                place if place < PUBLISHED => 1,
                _ => 2,
            },
            rank if rank < 10_000 => 2,
            rank => rank,
        };
        group(a) != group(b) || group(a) == 1
    }

    /// Whether both names have a part that the other lacks.
    pub(super) fn is_two_sided(&self) -> bool {
        let has = |parts: &[String; 2]| parts.iter().any(|part| !part.is_empty());
        has(&self.image) && has(&self.label)
    }

    /// The part of an image's name that its label map shares; `None` where the rule does not fit the name.
    pub(super) fn of_image<'a>(&self, names: &'a Names) -> Option<&'a str> {
        let name = if self.with_ending { &names.name } else { &names.stem };
        let variant = name.find(OF_VARIANTS).map(|at| at + OF_VARIANTS.len());
        let name = variant.and_then(|end| name.get(..end)).unwrap_or(name);
        stripped(name, &self.image)
    }

    /// The part of a label map's name that its image shares; `None` where the rule does not fit the name.
    pub(super) fn of_label<'a>(&self, names: &'a Names) -> Option<&'a str> {
        stripped(&names.stem, &self.label)
    }

    /// The path of an image's label map in `folder`; `None` where the rule does not fit the image's name.
    pub fn path_in(&self, folder: &Path, image: &Path) -> Option<PathBuf> {
        let [before, behind] = &self.label;
        let names = Names::of(image);
        Some(folder.join(format!("{before}{}{behind}.png", self.of_image(&names)?)))
    }
}

/// The name of a file, in composed form (NFC).
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// With the file extension.
    pub(super) name: String,
    /// Without the file extension.
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

/// The rule in the notation of [`NameRule::parse`], for both names.
impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b] = &self.image;
        let [c, d] = &self.label;
        let shared = if self.with_ending { "{name}" } else { "{stem}" };
        write!(f, "{a}{shared}{b} with {c}{shared}{d}.png")
    }
}

/// The text in Unicode's composed form (NFC): some file systems store an accent as a separate character.
pub(super) fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// The part between a prefix and a suffix, which are compared without regard to case; at least one character.
fn stripped<'a>(name: &'a str, [before, behind]: &[String; 2]) -> Option<&'a str> {
    let back = name.len().checked_sub(behind.len())?;
    let (front, end) = (name.get(..back)?, name.get(back..)?);
    let (start, core) = (front.get(..before.len())?, front.get(before.len()..)?);
    let fits = end.eq_ignore_ascii_case(behind) && start.eq_ignore_ascii_case(before) && !core.is_empty();
    fits.then_some(core)
}

/// Length in bytes of the common start of two names, up to its last separator.
fn shared_start(a: &str, b: &str) -> usize {
    let both = a.char_indices().zip(b.chars());
    let shared = both.take_while(|((_, a), b)| a == b).map(|(a, _)| a);
    shared
        .filter(|(_, c)| !c.is_alphanumeric())
        .last()
        .map_or(0, |(at, _)| at)
}

/// Byte offset in each name at which their common end starts, after its first separator.
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

    fn pair(rule: &NameRule, image: &str, label: &str) -> bool {
        let [image, label] = [image, label].map(|name| Names::of(Path::new(name)));
        let core = rule.of_image(&image);
        core.is_some() && core == rule.of_label(&label)
    }

    #[test]
    fn parsed_rules_pair_images_with_label_maps() {
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
    fn rules_are_derived_from_names_but_never_from_digits() {
        let read =
            |image: &str, label: &str| NameRule::read_off(&Names::of(Path::new(image)), &Names::of(Path::new(label)));
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
