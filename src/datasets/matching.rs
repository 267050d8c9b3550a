//! Finds the rule by which label maps are named after images, and pairs files by it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::naming::{NameRule, Names, composed};
use super::pairs::{NestedFile, PairError};

/// Images paired with label maps by a rule.
pub(super) struct Matched {
    /// The rule; `None` where no image has a label map.
    pub(super) rule: Option<NameRule>,
    /// Image, its short and long name, and its label map.
    pub(super) pairs: Vec<(PathBuf, [String; 2], PathBuf)>,
    /// Names of the images without a label map.
    pub(super) missing: Vec<String>,
    /// Names of the label maps that belong to no image.
    pub(super) unused: Vec<String>,
    /// Number of images.
    pub(super) images: usize,
}

/// Names of folders that hold images, in published data sets and by convention.
///
/// The folder names in the paths of an image and its label map must match, except for these and [`LABEL_FOLDERS`].
pub(super) const IMAGE_FOLDERS: [&str; 11] = [
    "images",
    "image",
    "imgs",
    "img",
    "img_dir",
    "leftImg8bit",
    "JPEGImages",
    "image_2",
    "rgb_anon",
    "rgb",
    "photos",
];
/// Names of folders that hold label maps, in published data sets and by convention.
pub(super) const LABEL_FOLDERS: [&str; 16] = [
    "labels",
    "annotations",
    "masks",
    "gtFine",
    "gtCoarse",
    "SegmentationClass",
    "SegmentationClassAug",
    "SegmentationClassContext",
    "label",
    "mask",
    "ann_dir",
    "ann",
    "gt",
    "semantic",
    "segmentation",
    "panoptic",
];

/// Whether folders with this name hold images by convention.
pub fn is_image_folder(name: &str) -> bool {
    is_kind(name, &IMAGE_FOLDERS)
}

/// Maximum number of images that rules are derived from.
const MAX_READ_OFF: usize = 32;

/// Maximum number of derived rules that are tried, starting with those that fit most images.
const MAX_RULES: usize = 100;

/// A file, prepared for matching.
struct File<'a> {
    path: &'a Path,
    /// The folders of its path, without [`IMAGE_FOLDERS`] and [`LABEL_FOLDERS`].
    folder: String,
    /// All folders of its path.
    place: String,
    names: Names,
}

impl<'a> File<'a> {
    fn of(below: &'a NestedFile) -> Self {
        let parts = || {
            let parent = below.way.parent().into_iter().flat_map(Path::components);
            parent.map(|part| composed(&part.as_os_str().to_string_lossy()))
        };
        let telling = parts().filter(|part| !is_kind(part, &IMAGE_FOLDERS) && !is_kind(part, &LABEL_FOLDERS));
        // SegNet's CamVid keeps the label maps of `test` in `testannot`.
        let telling = telling.map(|part| part.strip_suffix("annot").unwrap_or(&part).to_owned());
        let joined = |parts: Vec<String>| parts.into_iter().map(|part| part + "/").collect::<String>();
        Self {
            path: &below.path,
            folder: joined(telling.collect()),
            place: joined(parts().collect()),
            names: Names::of(&below.path),
        }
    }

    fn name(&self, core: &str) -> String {
        format!("{}{core}", self.place)
    }
}

pub(super) fn is_kind(part: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| part.eq_ignore_ascii_case(kind))
}

/// How well a rule fits.
struct Fit {
    rule: NameRule,
    /// Of rules that pair equally many images, the one with the smaller rank is preferred.
    rank: usize,
    /// For each image, the index of its label map.
    label_of: Vec<Option<usize>>,
    count: usize,
}

/// Ranks of derived rules, which come after all known rules.
const READ_OFF: usize = 10_000;
const READ_OFF_TWO_SIDED: usize = 20_000;

/// The rules to try.
pub(super) enum Rules<'a> {
    /// Only this rule.
    Given(&'a NameRule),
    /// Known rules, and rules derived from the names.
    Any,
    /// Known rules under which a label map's name differs from its image's.
    OtherNames,
}

/// Pairs by the rule that pairs more images than every other.
pub(super) fn match_names(images: &[NestedFile], labels: &[NestedFile], rules: Rules) -> Result<Matched, PairError> {
    let (images, labels) = apart(images, labels);
    let images: Vec<File> = images.into_iter().map(File::of).collect();
    let labels: Vec<File> = labels.into_iter().map(File::of).collect();
    let may_read_off = matches!(rules, Rules::Any);
    let mut rules = match rules {
        Rules::Given(rule) => rule.with_image_suffixes().into_iter().enumerate().collect(),
        Rules::Any => known(&images, &labels),
        Rules::OtherNames => {
            let known = NameRule::known().into_iter().enumerate();
            known.filter(|(_, rule)| *rule != NameRule::same()).collect()
        }
    };
    let best = |rules: &[(usize, NameRule)], flat: bool| {
        most_fitting(
            rules
                .iter()
                .map(|(rank, rule)| fit(rule, *rank, &images, &labels, flat)),
        )
    };
    let is_whole = |found: &Option<Fit>| found.as_ref().is_some_and(|fit| fit.count == images.len());
    let mut found = best(&rules, false)?;
    if may_read_off && !is_whole(&found) {
        rules.extend(read_off(&images, &labels));
        found = best(&rules, false)?;
    }
    if !is_whole(&found) {
        // The images may be in several folders and all label maps in one.
        let flat = best(&rules, true)?.filter(|flat| found.as_ref().is_none_or(|fit| flat.count > fit.count));
        found = flat.or(found);
    }
    Ok(told(found, &rules, &images, &labels))
}

/// Assigns files that are in both lists to one of them, where their folders show which.
fn apart<'a>(images: &'a [NestedFile], labels: &'a [NestedFile]) -> (Vec<&'a NestedFile>, Vec<&'a NestedFile>) {
    let in_labels: HashMap<&Path, &NestedFile> = labels.iter().map(|file| (file.path.as_path(), file)).collect();
    let mut no_images = HashSet::new();
    let mut no_labels = HashSet::new();
    for image in images {
        let Some(label) = in_labels.get(image.path.as_path()) else {
            continue;
        };
        let parents = || image.way.parent().into_iter().flat_map(Path::components);
        let lies_in = |kinds: &[&str]| parents().any(|part| is_kind(&part.as_os_str().to_string_lossy(), kinds));
        let depth = |file: &NestedFile| file.way.components().count();
        if depth(label) < depth(image) || lies_in(&LABEL_FOLDERS) {
            no_images.insert(image.path.as_path());
        } else if depth(label) > depth(image) || lies_in(&IMAGE_FOLDERS) {
            no_labels.insert(image.path.as_path());
        }
    }
    let without = |files: &'a [NestedFile], left_out: HashSet<&Path>| {
        let kept = files.iter().filter(|file| !left_out.contains(file.path.as_path()));
        kept.collect()
    };
    (without(images, no_images), without(labels, no_labels))
}

/// Known rules that fit the name of at least one image and one label map, each with its rank.
fn known(images: &[File], labels: &[File]) -> Vec<(usize, NameRule)> {
    let fits_some = |rule: &NameRule| {
        images.iter().any(|file| rule.of_image(&file.names).is_some())
            && labels.iter().any(|file| rule.of_label(&file.names).is_some())
    };
    let known = NameRule::known().into_iter().enumerate();
    known.filter(|(_, rule)| fits_some(rule)).collect()
}

/// Rules derived from the names, each with its rank; where there are several images, only rules that fit several.
fn read_off(images: &[File], labels: &[File]) -> Vec<(usize, NameRule)> {
    let mut shown: HashMap<NameRule, usize> = HashMap::new();
    let step = images.len().div_ceil(MAX_READ_OFF).max(1);
    for image in images.iter().step_by(step) {
        let others = labels.iter().filter(|label| label.path != image.path);
        let rules = others.flat_map(|label| NameRule::read_off(&image.names, &label.names));
        for rule in rules.collect::<HashSet<NameRule>>() {
            *shown.entry(rule).or_default() += 1;
        }
    }
    let known = NameRule::known();
    let least = if images.len() > 2 { 2 } else { 1 };
    let mut rules: Vec<(NameRule, usize)> = shown.into_iter().collect();
    rules.retain(|(rule, count)| *count >= least && !known.contains(rule));
    // The order must be the same in every run.
    rules.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.to_string().cmp(&b.to_string())));
    rules.truncate(MAX_RULES);
    let rank = |rule: &NameRule| {
        if rule.is_two_sided() {
            READ_OFF_TWO_SIDED
        } else {
            READ_OFF
        }
    };
    rules.into_iter().map(|(rule, _)| (rank(&rule), rule)).collect()
}

fn fit(rule: &NameRule, rank: usize, images: &[File], labels: &[File], flat: bool) -> Fit {
    let key = |file: &File, core: &str| match flat {
        true => core.to_owned(),
        false => format!("{}{core}", file.folder),
    };
    let mut exact: HashMap<String, Vec<usize>> = HashMap::new();
    let mut folded: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, label) in labels.iter().enumerate() {
        if let Some(core) = rule.of_label(&label.names) {
            let key = key(label, core);
            folded.entry(key.to_lowercase()).or_default().push(place);
            exact.entry(key).or_default().push(place);
        }
    }
    let keys: Vec<Option<String>> = images
        .iter()
        .map(|image| Some(key(image, rule.of_image(&image.names)?)))
        .collect();
    // Number of images with each key, without regard to case.
    let mut uses: HashMap<String, usize> = HashMap::new();
    for key in keys.iter().flatten() {
        *uses.entry(key.to_lowercase()).or_default() += 1;
    }
    let label_of: Vec<Option<usize>> = images
        .iter()
        .zip(&keys)
        .map(|(image, key)| {
            let key = key.as_ref()?;
            let others = |places: &Vec<usize>| -> Vec<usize> {
                let is_other = |place: &&usize| labels[**place].path != image.path;
                places.iter().filter(is_other).copied().collect()
            };
            let in_either_case = key.to_lowercase();
            let is_alone = uses.get(&in_either_case) == Some(&1);
            // Without the folders, a label map could belong to either of two images with the same name.
            if flat && !is_alone {
                return None;
            }
            // With several label maps, it is unknown which one is meant.
            match exact.get(key).map(others).as_deref() {
                Some([only]) => return Some(*only),
                Some([]) | None => {}
                Some(_) => return None,
            }
            match folded.get(&in_either_case).map(others).as_deref() {
                Some([only]) if is_alone => Some(*only),
                _ => None,
            }
        })
        .collect();
    let used = used_labels(&label_of, labels);
    let is_paired = |(image, label): (&File, &Option<usize>)| label.is_some() && !used.contains(image.path);
    Fit {
        count: images.iter().zip(&label_of).filter(|pair| is_paired(*pair)).count(),
        rule: rule.clone(),
        rank,
        label_of,
    }
}

/// Paths of the label maps that belong to an image. In a shared folder, these files are not images.
fn used_labels<'a>(label_of: &[Option<usize>], labels: &[File<'a>]) -> HashSet<&'a Path> {
    label_of.iter().flatten().map(|place| labels[*place].path).collect()
}

/// The fit with the most images; among several, the one whose rule is preferred.
fn most_fitting(fits: impl Iterator<Item = Fit>) -> Result<Option<Fit>, PairError> {
    // A single pair is no evidence for a rule that removes parts from both names.
    let counts = |fit: &Fit| fit.count > usize::from(fit.rank >= READ_OFF_TWO_SIDED);
    let mut leading: Vec<Fit> = Vec::new();
    for fit in fits.filter(counts) {
        let most = leading.first().map_or(0, |leader| leader.count);
        if fit.count > most {
            leading.clear();
        }
        if fit.count >= most {
            leading.push(fit);
        }
    }
    leading.sort_by_key(|fit| fit.rank);
    let mut leading = leading.into_iter();
    let Some(best) = leading.next() else { return Ok(None) };
    let is_rival = |fit: &Fit| fit.label_of != best.label_of && !NameRule::is_preferred(best.rank, fit.rank);
    match leading.find(is_rival) {
        Some(rival) => Err(PairError::Ambiguous {
            count: best.count,
            rules: vec![best.rule.to_string(), rival.rule.to_string()],
        }),
        None => Ok(Some(best)),
    }
}

fn told(found: Option<Fit>, rules: &[(usize, NameRule)], images: &[File], labels: &[File]) -> Matched {
    let label_of = found
        .as_ref()
        .map_or_else(|| vec![None; images.len()], |fit| fit.label_of.clone());
    let used = used_labels(&label_of, labels);
    let mut pairs = Vec::new();
    let mut missing = Vec::new();
    let mut cores: HashSet<String> = HashSet::new();
    for (image, label) in images.iter().zip(&label_of) {
        if used.contains(image.path) {
            continue;
        }
        let rule = found.as_ref().map(|fit| &fit.rule);
        let core = rule.and_then(|rule| rule.of_image(&image.names));
        match (label, core) {
            (Some(label), Some(core)) => {
                let names = [image.name(core), image.name(&image.names.stem)];
                cores.insert(core.to_lowercase());
                pairs.push((image.path.to_owned(), names, labels[*label].path.to_owned()));
            }
            _ => missing.push(image.name(&image.names.stem)),
        }
    }
    // Colour or instance maps of an image that has a label map do not count as unused.
    let is_of_a_pair = |label: &File| {
        let cores_of = rules.iter().filter_map(|(_, rule)| rule.of_label(&label.names));
        cores_of.into_iter().any(|core| cores.contains(&core.to_lowercase()))
    };
    let is_image: HashSet<&Path> = images.iter().map(|image| image.path).collect();
    let unused = labels
        .iter()
        .filter(|label| !used.contains(label.path) && !is_image.contains(label.path) && !is_of_a_pair(label))
        .map(|label| label.name(&label.names.name))
        .collect();
    Matched {
        images: pairs.len() + missing.len(),
        rule: found.map(|fit| fit.rule),
        pairs,
        missing,
        unused,
    }
}
