//! Finds the one rule by which label maps are named after pictures, and pairs by it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::naming::{NameRule, Names, composed};
use super::pairs::{Below, PairError};

/// Pictures with the label maps that a rule gives them.
pub(super) struct Matched {
    /// The rule; `None` where no picture has a label map.
    pub(super) rule: Option<NameRule>,
    /// Picture, its short and its long name, and label map.
    pub(super) pairs: Vec<(PathBuf, [String; 2], PathBuf)>,
    /// Names of the pictures without label map.
    pub(super) missing: Vec<String>,
    /// Names of the label maps that belong to no picture.
    pub(super) unused: Vec<String>,
    /// How many pictures there are.
    pub(super) pictures: usize,
}

/// Names of folders that hold pictures, and of those that hold label maps, in published data sets and by habit. All other
/// folder names on the way to two files must match.
pub(super) const PICTURE_FOLDERS: [&str; 11] = [
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

/// Pictures that rules are read off.
const MOST_READ_OFF: usize = 32;

/// Rules that are read off and tried, those that most pictures show first.
const MOST_RULES: usize = 100;

/// A file as rules look at it.
struct File<'a> {
    path: &'a Path,
    /// The folders that lead to it, without those that only say of which kind it is.
    folder: String,
    /// The same folders as they are.
    place: String,
    names: Names,
}

impl<'a> File<'a> {
    fn of(below: &'a Below) -> Self {
        let parts = || {
            let parent = below.way.parent().into_iter().flat_map(Path::components);
            parent.map(|part| composed(&part.as_os_str().to_string_lossy()))
        };
        let telling = parts().filter(|part| !is_kind(part, &PICTURE_FOLDERS) && !is_kind(part, &LABEL_FOLDERS));
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
    /// Smaller is preferred among rules that pair as many.
    rank: usize,
    /// The label map of each picture, as places in the lists.
    label_of: Vec<Option<usize>>,
    count: usize,
}

/// Ranks of rules that were read off the names: behind all known ones.
const READ_OFF: usize = 10_000;
const READ_OFF_TWO_SIDED: usize = 20_000;

/// Which rules are tried.
pub(super) enum Rules<'a> {
    /// This one.
    Given(&'a NameRule),
    /// Known ones, and those that can be read off the names.
    Any,
    /// Known ones that give label maps another name than their pictures.
    OtherNames,
}

/// Pairs by the rule that pairs more pictures than every other.
pub(super) fn match_names(pictures: &[Below], labels: &[Below], rules: Rules) -> Result<Matched, PairError> {
    let (pictures, labels) = apart(pictures, labels);
    let pictures: Vec<File> = pictures.into_iter().map(File::of).collect();
    let labels: Vec<File> = labels.into_iter().map(File::of).collect();
    let may_read_off = matches!(rules, Rules::Any);
    let mut rules = match rules {
        Rules::Given(rule) => rule.with_picture_suffixes().into_iter().enumerate().collect(),
        Rules::Any => known(&pictures, &labels),
        Rules::OtherNames => {
            let known = NameRule::known().into_iter().enumerate();
            known.filter(|(_, rule)| *rule != NameRule::same()).collect()
        }
    };
    let best = |rules: &[(usize, NameRule)], flat: bool| {
        most_fitting(
            rules
                .iter()
                .map(|(rank, rule)| fit(rule, *rank, &pictures, &labels, flat)),
        )
    };
    let is_whole = |found: &Option<Fit>| found.as_ref().is_some_and(|fit| fit.count == pictures.len());
    let mut found = best(&rules, false)?;
    if may_read_off && !is_whole(&found) {
        rules.extend(read_off(&pictures, &labels));
        found = best(&rules, false)?;
    }
    if !is_whole(&found) {
        // The label maps may lie in one folder for pictures in several.
        let flat = best(&rules, true)?.filter(|flat| found.as_ref().is_none_or(|fit| flat.count > fit.count));
        found = flat.or(found);
    }
    Ok(told(found, &rules, &pictures, &labels))
}

/// Takes files that are in both lists out of the one in which they do not belong, as far as folders tell.
fn apart<'a>(pictures: &'a [Below], labels: &'a [Below]) -> (Vec<&'a Below>, Vec<&'a Below>) {
    let in_labels: HashMap<&Path, &Below> = labels.iter().map(|file| (file.path.as_path(), file)).collect();
    let mut no_pictures = HashSet::new();
    let mut no_labels = HashSet::new();
    for picture in pictures {
        let Some(label) = in_labels.get(picture.path.as_path()) else {
            continue;
        };
        let parents = || picture.way.parent().into_iter().flat_map(Path::components);
        let lies_in = |kinds: &[&str]| parents().any(|part| is_kind(&part.as_os_str().to_string_lossy(), kinds));
        let depth = |file: &Below| file.way.components().count();
        if depth(label) < depth(picture) || lies_in(&LABEL_FOLDERS) {
            no_pictures.insert(picture.path.as_path());
        } else if depth(label) > depth(picture) || lies_in(&PICTURE_FOLDERS) {
            no_labels.insert(picture.path.as_path());
        }
    }
    let without = |files: &'a [Below], left_out: HashSet<&Path>| {
        let kept = files.iter().filter(|file| !left_out.contains(file.path.as_path()));
        kept.collect()
    };
    (without(pictures, no_pictures), without(labels, no_labels))
}

/// Known rules that fit the name of some picture and of some label map, each with its rank.
fn known(pictures: &[File], labels: &[File]) -> Vec<(usize, NameRule)> {
    let fits_some = |rule: &NameRule| {
        pictures.iter().any(|file| rule.of_picture(&file.names).is_some())
            && labels.iter().any(|file| rule.of_label(&file.names).is_some())
    };
    let known = NameRule::known().into_iter().enumerate();
    known.filter(|(_, rule)| fits_some(rule)).collect()
}

/// Rules that can be read off the names, each with its rank: those that several pictures show, where there are several.
fn read_off(pictures: &[File], labels: &[File]) -> Vec<(usize, NameRule)> {
    let mut shown: HashMap<NameRule, usize> = HashMap::new();
    let step = pictures.len().div_ceil(MOST_READ_OFF).max(1);
    for picture in pictures.iter().step_by(step) {
        let others = labels.iter().filter(|label| label.path != picture.path);
        let rules = others.flat_map(|label| NameRule::read_off(&picture.names, &label.names));
        for rule in rules.collect::<HashSet<NameRule>>() {
            *shown.entry(rule).or_default() += 1;
        }
    }
    let known = NameRule::known();
    let least = if pictures.len() > 2 { 2 } else { 1 };
    let mut rules: Vec<(NameRule, usize)> = shown.into_iter().collect();
    rules.retain(|(rule, count)| *count >= least && !known.contains(rule));
    // The same ones in every run.
    rules.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.to_string().cmp(&b.to_string())));
    rules.truncate(MOST_RULES);
    let rank = |rule: &NameRule| {
        if rule.is_two_sided() {
            READ_OFF_TWO_SIDED
        } else {
            READ_OFF
        }
    };
    rules.into_iter().map(|(rule, _)| (rank(&rule), rule)).collect()
}

fn fit(rule: &NameRule, rank: usize, pictures: &[File], labels: &[File], flat: bool) -> Fit {
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
    let keys: Vec<Option<String>> = pictures
        .iter()
        .map(|picture| Some(key(picture, rule.of_picture(&picture.names)?)))
        .collect();
    // Pictures by what they share with label maps, in either case.
    let mut uses: HashMap<String, usize> = HashMap::new();
    for key in keys.iter().flatten() {
        *uses.entry(key.to_lowercase()).or_default() += 1;
    }
    let label_of: Vec<Option<usize>> = pictures
        .iter()
        .zip(&keys)
        .map(|(picture, key)| {
            let key = key.as_ref()?;
            let others = |places: &Vec<usize>| -> Vec<usize> {
                let is_other = |place: &&usize| labels[**place].path != picture.path;
                places.iter().filter(is_other).copied().collect()
            };
            let in_either_case = key.to_lowercase();
            let is_alone = uses.get(&in_either_case) == Some(&1);
            // Where folders are not looked at, two files of a name could belong to either.
            if flat && !is_alone {
                return None;
            }
            // Of several label maps nothing tells which one is meant.
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
    let is_paired = |(picture, label): (&File, &Option<usize>)| label.is_some() && !used.contains(picture.path);
    Fit {
        count: pictures.iter().zip(&label_of).filter(|pair| is_paired(*pair)).count(),
        rule: rule.clone(),
        rank,
        label_of,
    }
}

/// Paths of the label maps that are some picture's; where both lie in one folder, they are no pictures.
fn used_labels<'a>(label_of: &[Option<usize>], labels: &[File<'a>]) -> HashSet<&'a Path> {
    label_of.iter().flatten().map(|place| labels[*place].path).collect()
}

/// The fit with the most pictures; of several, the one whose rule is preferred.
fn most_fitting(fits: impl Iterator<Item = Fit>) -> Result<Option<Fit>, PairError> {
    // One pair alone is no sign of a rule that takes something away from both names.
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

fn told(found: Option<Fit>, rules: &[(usize, NameRule)], pictures: &[File], labels: &[File]) -> Matched {
    let label_of = found
        .as_ref()
        .map_or_else(|| vec![None; pictures.len()], |fit| fit.label_of.clone());
    let used = used_labels(&label_of, labels);
    let mut pairs = Vec::new();
    let mut missing = Vec::new();
    let mut cores: HashSet<String> = HashSet::new();
    for (picture, label) in pictures.iter().zip(&label_of) {
        if used.contains(picture.path) {
            continue;
        }
        let rule = found.as_ref().map(|fit| &fit.rule);
        let core = rule.and_then(|rule| rule.of_picture(&picture.names));
        match (label, core) {
            (Some(label), Some(core)) => {
                let names = [picture.name(core), picture.name(&picture.names.stem)];
                cores.insert(core.to_lowercase());
                pairs.push((picture.path.to_owned(), names, labels[*label].path.to_owned()));
            }
            _ => missing.push(picture.name(&picture.names.stem)),
        }
    }
    // Colours or instances of a picture that has its label map are not left over.
    let is_of_a_pair = |label: &File| {
        let cores_of = rules.iter().filter_map(|(_, rule)| rule.of_label(&label.names));
        cores_of.into_iter().any(|core| cores.contains(&core.to_lowercase()))
    };
    let is_picture: HashSet<&Path> = pictures.iter().map(|picture| picture.path).collect();
    let unused = labels
        .iter()
        .filter(|label| !used.contains(label.path) && !is_picture.contains(label.path) && !is_of_a_pair(label))
        .map(|label| label.name(&label.names.name))
        .collect();
    Matched {
        pictures: pairs.len() + missing.len(),
        rule: found.map(|fit| fit.rule),
        pairs,
        missing,
        unused,
    }
}
