//! Pairs images with their label maps.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::list;
use super::matching::{Matched, Rules, match_names};
use super::naming::NameRule;
use crate::photo;

/// An image, or a label map predicted for it, and its ground truth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Name that both share, with the subfolders below the folders that the user named.
    pub name: String,
    /// The image, or a predicted label map.
    pub file: PathBuf,
    /// The ground truth.
    pub truth: PathBuf,
}

/// Images with their label maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// The pairs, in the order of the images.
    pub pairs: Vec<Pair>,
    /// Sentences about what was assumed and which files are left out.
    pub remarks: Vec<String>,
}

/// Why images and label maps cannot be paired.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A folder cannot be listed, or a list cannot be read.
    #[error("cannot list the folder or read the list ({0}): {path}", path = .1.display())]
    List(io::Error, PathBuf),
    /// The folder or list holds no image.
    #[error("expected images, found none: {path}", path = .0.display())]
    Empty(PathBuf),
    /// A line of a list does not hold two paths.
    #[error("line {0}: expected an image and a label map separated by a comma: {path}", path = .1.display())]
    Line(usize, PathBuf),
    /// Two images have the same name.
    #[error("expected one image for each label map, found two called {0}; keep one image of each name")]
    Twice(String),
    /// The given name rule is invalid.
    #[error("label name: {0}")]
    Rule(String),
    /// Two rules fit equally well.
    #[error(
        "expected one rule that derives the names of label maps from those of images, found two that fit {count}: \
         {rules}; choose one with --label-name, or name the files in a --list", rules = .rules.join(" or ")
    )]
    Ambiguous {
        /// Number of images that each rule pairs.
        count: usize,
        /// Both rules.
        rules: Vec<String>,
    },
    /// Images without a label map.
    #[error(
        "expected a label map (.png) of the same name for each image, found none, or several, for {count} of {all}: \
         {names}{left}; set the label map names with --label-name '{{stem}}_mask.png', or name the files in a --list",
        count = .missing.len(), names = shortened(.missing), left = left_over(.unused)
    )]
    Missing {
        /// Names of the images.
        missing: Vec<String>,
        /// Names of the label maps that belong to no image.
        unused: Vec<String>,
        /// Number of images.
        all: usize,
    },
}

/// The names as part of a sentence, shortened where there are many.
fn shortened(names: &[String]) -> String {
    const LISTED: usize = 10;
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(LISTED).filter(|more| *more > 0) {
        Some(more) => format!("{listed} and {more} more"),
        None => listed,
    }
}

fn left_over(unused: &[String]) -> String {
    match unused {
        [] => String::new(),
        _ => format!("; label maps without an image: {}", shortened(unused)),
    }
}

/// Whether a file below `folder` was exported: it lies in the folder of a format, beside which there is a class list.
fn is_exported(path: &Path, folder: &Path) -> bool {
    const FORMATS: [&str; 5] = ["labels", "color", "overlay", "classes", "confidence"];
    let parents = path.ancestors().skip(1).take_while(|parent| *parent != folder);
    parents.into_iter().any(|parent| {
        let is_of_format = parent
            .file_name()
            .is_some_and(|name| FORMATS.iter().any(|format| name == *format));
        is_of_format
            && parent
                .parent()
                .is_some_and(|above| above.join("classes.json").is_file())
    })
}

/// Pairs the images below a folder with the label maps below another folder, or the same one.
///
/// `rule` defines how label maps are named. Without one, the rule that pairs more images than every other is used.
/// Files are never paired by their order.
///
/// # Errors
/// When a folder cannot be listed or holds no image, an image has no label map, or two rules fit.
pub fn pairs(images: &Path, truths: &Path, rule: Option<&NameRule>) -> Result<Pairs, PairError> {
    let listed = |folder: &Path, wanted: fn(&Path) -> bool| {
        photo::files_below(folder, wanted).map_err(|why| PairError::List(why, folder.into()))
    };
    // Files are identified by their paths, so one folder written in two ways must be written in one.
    let truths = if is_same_folder(images, truths) { images } else { truths };
    let truth_files = NestedFile::all(truths, listed(truths, is_label_map)?);
    let mut image_files = listed(images, photo::is_image)?;
    // The window exports to a folder below the images unless another is chosen.
    image_files.retain(|path| !is_exported(path, images));
    let image_files = NestedFile::all(images, image_files);
    if image_files.is_empty() {
        return Err(PairError::Empty(images.into()));
    }
    let rules = rule.map_or(Rules::Any, Rules::Given);
    let matched = match_names(&image_files, &truth_files, rules)?;
    if matched.pairs.is_empty() && images == truths {
        return Ok(with_themselves(truth_files));
    }
    let all = matched.images;
    if !matched.missing.is_empty() || matched.pairs.is_empty() {
        return Err(PairError::Missing {
            missing: matched.missing,
            unused: matched.unused,
            all,
        });
    }
    named(matched)
}

fn is_same_folder(a: &Path, b: &Path) -> bool {
    let real = |folder: &Path| std::fs::canonicalize(folder).ok();
    real(a).is_some_and(|a| real(b) == Some(a))
}

/// Pairs every label map with itself, as a sanity check for users who name one folder twice.
fn with_themselves(files: Vec<NestedFile>) -> Pairs {
    let pair = |NestedFile { way, path }: NestedFile| Pair {
        name: way.with_extension("").to_string_lossy().replace('\\', "/"),
        file: path.clone(),
        truth: path,
    };
    Pairs {
        pairs: files.into_iter().map(pair).collect(),
        remarks: vec!["every label map is compared with itself".into()],
    }
}

/// Gives each pair its name, which must be unique.
fn named(matched: Matched) -> Result<Pairs, PairError> {
    let mut remarks = Vec::new();
    if let Some(rule) = matched.rule.filter(|rule| *rule != NameRule::same()) {
        remarks.push(format!("images and label maps are paired by their names: {rule}"));
    }
    if !matched.unused.is_empty() {
        remarks.push(format!(
            "label maps without an image are left out ({}): {}",
            matched.unused.len(),
            shortened(&matched.unused)
        ));
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (_, names, _) in &matched.pairs {
        *counts.entry(names[0].clone()).or_default() += 1;
    }
    let mut used = HashSet::new();
    let mut pairs = Vec::with_capacity(matched.pairs.len());
    for (file, [short, long], truth) in matched.pairs {
        // Several images may share a label map, as weather variants do; then their whole names distinguish them.
        let name = if counts.get(&short) == Some(&1) { short } else { long };
        if !used.insert(name.clone()) {
            return Err(PairError::Twice(name));
        }
        pairs.push(Pair { name, file, truth });
    }
    Ok(Pairs { pairs, remarks })
}

/// A file with its path relative to the folder that the user named.
#[derive(Clone, Debug)]
pub(super) struct NestedFile {
    pub(super) way: PathBuf,
    pub(super) path: PathBuf,
}

impl NestedFile {
    pub(super) fn all(root: &Path, files: Vec<PathBuf>) -> Vec<Self> {
        let below = |path: PathBuf| Self {
            way: path.strip_prefix(root).unwrap_or(&path).to_owned(),
            path,
        };
        files.into_iter().map(below).collect()
    }
}

/// Whether a file has the extension of a label map.
pub(super) fn is_label_map(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
}

/// Reads pairs from a list.
///
/// Each line holds an image and its label map, separated by a comma or a tab, as paths relative to the list's folder.
/// Empty lines and lines that start with `#` are skipped.
///
/// # Errors
/// When the list cannot be read or holds no pair, a line does not hold two paths, or an image occurs twice.
pub fn pairs_of_list(list: &Path) -> Result<Pairs, PairError> {
    let pairs = list::read(list)?;
    let mut files = HashSet::new();
    if let Some(again) = pairs.iter().find(|pair| !files.insert(&pair.file)) {
        return Err(PairError::Twice(again.name.clone()));
    }
    match pairs.is_empty() {
        true => Err(PairError::Empty(list.into())),
        false => Ok(Pairs {
            pairs,
            remarks: Vec::new(),
        }),
    }
}

/// The number of pairs, and a hash that changes with their paths, file sizes and modification times.
///
/// The hash is 64-bit FNV-1a, which is the same in every version.
pub fn digest(pairs: &[Pair]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for pair in pairs {
        for path in [&pair.file, &pair.truth] {
            add(path.to_string_lossy().as_bytes());
            let about = std::fs::metadata(path).map(|about| (about.len(), about.modified().ok()));
            add(format!("{about:?}").as_bytes());
        }
    }
    format!("{} {hash:016x}", pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::testing::folder_with;

    fn found(images: &[&str], labels: &[&str]) -> Result<Vec<(String, String)>, PairError> {
        let (images, labels) = (folder_with(images), folder_with(labels));
        let pairs = pairs(images.path(), labels.path(), None)?.pairs;
        let below = |path: &Path| path.strip_prefix(labels.path()).expect("below").display().to_string();
        Ok(pairs
            .iter()
            .map(|pair| (pair.name.clone(), below(&pair.truth)))
            .collect())
    }

    fn truths(images: &[&str], labels: &[&str]) -> Vec<String> {
        let found = found(images, labels).unwrap_or_else(|why| panic!("{images:?} {labels:?}: {why}"));
        found.into_iter().map(|(_, truth)| truth).collect()
    }

    #[test]
    fn names_are_matched_through_folders_and_endings() {
        let images = ["a_leftImg8bit.jpg", "b_leftImg8bit.png", "city/x_1_leftImg8bit.png"];
        let labels = [
            "a_gtFine_labelTrainIds.png",
            "b_gtFine_labelTrainIds.png",
            "b_gtFine_color.png",
            "city/x_1_gtFine_labelIds.png",
            "city/x_1_gtFine_labelTrainIds.png",
            "unused.png",
        ];
        let found = found(&images, &labels).expect("pairs");
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "city/x_1"]);
        assert_eq!(found[2].1, "city/x_1_gtFine_labelTrainIds.png");
    }

    #[test]
    fn exports_below_the_images_are_no_images() {
        let set = folder_with(&[
            "images/a.jpg",
            "images/segscope/classes.json",
            "images/segscope/overlay/a.png",
            "images/segscope/labels/a.png",
            "labels/a.png",
        ]);
        let [images, labels] = ["images", "labels"].map(|folder| set.path().join(folder));
        assert_eq!(pairs(&images, &labels, None).expect("pairs").pairs.len(), 1);
    }

    #[test]
    fn common_conventions_are_recognised() {
        for (image, label) in [
            ("a.jpg", "a_mask.png"),
            ("a.jpg", "a_label.png"),
            ("a.png", "a_L.png"),
            ("a.jpg", "a_labelIds.png"),
            ("a.jpg", "a.jpg.png"),
            ("a.jpg", "mask_a.png"),
            ("a.jpg", "a-ground truth.png"),
            ("IMG1.jpg", "img1.png"),
            ("IMG1.JPG", "img1_MASK.PNG"),
            ("u\u{308}ber.jpg", "über.png"),
            ("猫.jpg", "猫_mask.png"),
            ("x_rgb_anon.png", "x_gt_labelTrainIds.png"),
            ("x_RGB.tif", "x_label.png"),
            ("train/images/a.jpg", "train/labels/a.png"),
            ("test/a.jpg", "testannot/a.png"),
        ] {
            assert_eq!(truths(&[image], &[label]), [label], "{image}");
        }
        // Images in several folders, all label maps in one.
        assert_eq!(truths(&["x/a.jpg", "y/b.jpg"], &["a.png", "b.png"]), ["a.png", "b.png"]);
        // An unknown rule: both names have a part that the other lacks.
        let (images, labels) = (
            ["1_photo.jpg", "2_photo.jpg"],
            ["1_areas.png", "2_areas.png", "1_lines.png"],
        );
        assert_eq!(truths(&images, &labels), labels[..2]);
    }

    #[test]
    fn images_and_label_maps_may_share_a_folder() {
        let folder = folder_with(&["a.png", "a_mask.png", "b.png", "b_mask.png"]);
        let found = pairs(folder.path(), folder.path(), None).expect("pairs").pairs;
        let names: Vec<&str> = found.iter().map(|pair| pair.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let set = folder_with(&["images/a.png", "images/b.png", "labels/a.png", "labels/b.png"]);
        let found = pairs(set.path(), set.path(), None).expect("pairs").pairs;
        assert_eq!(found.len(), 2);
        assert!(
            found
                .iter()
                .all(|pair| pair.file.parent() == Some(&set.path().join("images")))
        );
        assert!(
            found
                .iter()
                .all(|pair| pair.truth.parent() == Some(&set.path().join("labels")))
        );
    }

    #[test]
    fn ambiguous_label_maps_are_refused() {
        let why = found(&["images/0.png"], &["panoptic/0.png", "semantic/0.png"]).expect_err("two candidates");
        assert!(why.to_string().contains("panoptic/0.png, semantic/0.png"), "{why}");
        let why = found(&["A.png", "a.png"], &["a.png"]).expect_err("A has none");
        assert!(why.to_string().contains("for 1 of 2: A"), "{why}");
        assert_eq!(
            truths(&["1.jpg"], &["1.png", "1_labelTrainIds.png"]),
            ["1_labelTrainIds.png"]
        );
        let [images, labels] = [
            folder_with(&["x_leftImg8bit.png"]),
            folder_with(&["x_gtFine_labelIds.png", "x_gtFine_labelTrainIds.png"]),
        ];
        let rule = NameRule::parse("{stem}_gtFine_labelIds.png").expect("a rule");
        let found = pairs(images.path(), labels.path(), Some(&rule)).expect("pairs").pairs;
        assert!(found[0].truth.ends_with("x_gtFine_labelIds.png"));
    }

    #[test]
    fn a_folder_may_be_compared_with_itself() {
        let folder = folder_with(&["a.png", "x/b.png"]);
        let found = pairs(folder.path(), folder.path(), None).expect("pairs");
        let names: Vec<&str> = found.pairs.iter().map(|pair| pair.name.as_str()).collect();
        assert_eq!(names, ["a", "x/b"]);
        assert!(found.pairs.iter().all(|pair| pair.file == pair.truth));
        assert!(found.remarks[0].contains("itself"));
    }

    #[test]
    fn files_are_never_paired_by_order_and_leftovers_are_reported() {
        let why = found(&["a.jpg", "b.jpg", "c.jpg"], &["b.png", "c.jpg", "x.png"]).expect_err("two are missing");
        let why = why.to_string();
        assert!(why.contains("found none, or several, for 2 of 3: a, c"), "{why}");
        assert!(why.contains("without an image: x.png"), "{why}");
        assert!(matches!(
            found(&["1.jpg", "2.jpg"], &["x.png", "y.png"]),
            Err(PairError::Missing { .. })
        ));
        // Two unknown rules fit equally well.
        let twice = found(&["a.jpg"], &["a_first.png", "a_second.png"]).expect_err("two candidates");
        assert!(matches!(&twice, PairError::Ambiguous { count: 1, .. }), "{twice}");
        let habits = found(&["a.jpg"], &["a_mask.png", "a_label.png"]).expect_err("two candidates");
        assert!(matches!(&habits, PairError::Ambiguous { count: 1, .. }), "{habits}");
        let images = folder_with(&["a.jpg"]);
        let labels = folder_with(&["a_first.png", "a_second.png"]);
        let rule = NameRule::parse("{stem}_second.png").expect("a rule");
        let found = pairs(images.path(), labels.path(), Some(&rule)).expect("pairs");
        assert!(found.pairs[0].truth.ends_with("a_second.png"));
    }

    #[test]
    fn two_images_with_the_same_name_are_refused() {
        assert!(matches!(found(&["b.jpg", "b.webp"], &["b.png"]), Err(PairError::Twice(name)) if name == "b"));
        // Names that differ only in case are two images where the label maps differ in the same way.
        assert_eq!(truths(&["B.jpg", "b.jpg"], &["B.png", "b.png"]), ["B.png", "b.png"]);
        assert!(matches!(found(&[], &["b.png"]), Err(PairError::Empty(_))));
        let nothing = folder_with(&[]);
        let nowhere = nothing.path().join("nowhere");
        assert!(matches!(
            pairs(&nowhere, nothing.path(), None),
            Err(PairError::List(..))
        ));
    }

    #[test]
    fn weather_variants_share_a_label_map() {
        let images = ["x_leftImg8bit_foggy_beta_0.01.png", "x_leftImg8bit_foggy_beta_0.02.png"];
        let found = found(&images, &["x_gtFine_labelTrainIds.png"]).expect("pairs");
        assert_eq!(found.len(), 2);
        assert_ne!(found[0].0, found[1].0);
    }

    #[test]
    fn the_digest_changes_with_a_file() {
        let folder = folder_with(&["a.jpg", "a.png"]);
        let pairs = pairs(folder.path(), folder.path(), Some(&NameRule::same()))
            .expect("pairs")
            .pairs;
        let path = folder.path().join("a.png");
        let before = digest(&pairs);
        assert_eq!(digest(&pairs), before);
        let file = std::fs::File::options().append(true).open(&path).expect("a file");
        file.set_modified(std::time::UNIX_EPOCH).expect("a time");
        let touched = digest(&pairs);
        assert_ne!(touched, before);
        std::fs::write(&path, "more").expect("a file");
        let file = std::fs::File::options().append(true).open(&path).expect("a file");
        file.set_modified(std::time::UNIX_EPOCH).expect("a time");
        assert_ne!(digest(&pairs), touched);
    }
}
