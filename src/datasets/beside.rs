//! Finds the label maps of open images in the folders where data sets keep them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::matching::{IMAGE_FOLDERS, LABEL_FOLDERS, Rules, is_kind, match_names};
use super::naming::{NameRule, Names};
use super::pairs::{NestedFile, is_label_map};
use crate::photo;

/// The label map of each image; `None` where there is none.
///
/// They are looked for below `folder`. Without one, they are looked for where data sets keep them: in a folder beside
/// that of the images, or in the same folder under other names. A folder that cannot be listed counts as empty.
pub fn truths_of(images: &[PathBuf], folder: Option<&Path>) -> Vec<Option<PathBuf>> {
    let found = match folder {
        Some(folder) => {
            let labels = photo::files_below(folder, is_label_map).unwrap_or_default();
            let root = common_folder(images);
            matched(
                &NestedFile::all(&root, images.to_vec()),
                &NestedFile::all(folder, labels),
                Rules::Any,
            )
        }
        None => {
            let mut folders: Vec<&Path> = images.iter().filter_map(|image| image.parent()).collect();
            folders.sort();
            folders.dedup();
            folders.into_iter().flat_map(truths_beside).collect()
        }
    };
    images.iter().map(|image| found.get(image).cloned()).collect()
}

/// The label map of another image, named as `label` is for `image`: `b_L.png` for `b.jpg` where `a_L.png` belongs to
/// `a.jpg`.
pub fn truth_by_example(image: &Path, label: &Path, other: &Path) -> Option<PathBuf> {
    let (of_image, of_label) = (Names::of(image), Names::of(label));
    let fits = |rule: &NameRule| {
        let core = rule.of_image(&of_image);
        core.is_some() && core == rule.of_label(&of_label)
    };
    let known = NameRule::known().into_iter();
    // The user has said that they belong together, so any prefix and suffix around the image's name is accepted.
    let within = NameRule::within(&of_image, &of_label).into_iter();
    let mut rules = known.chain(within.filter(NameRule::is_set_apart)).filter(fits);
    rules.next()?.path_in(label.parent()?, other)
}

/// The deepest folder that contains all images.
fn common_folder(images: &[PathBuf]) -> PathBuf {
    let mut parents = images.iter().filter_map(|image| image.parent());
    let mut common = parents.next().unwrap_or(Path::new("")).to_owned();
    for parent in parents {
        while !parent.starts_with(&common) && common.pop() {}
    }
    common
}

/// The label maps of all images in a folder.
fn truths_beside(folder: &Path) -> HashMap<PathBuf, PathBuf> {
    let listed = |folder: &Path| photo::images_in(folder).unwrap_or_default();
    let images = NestedFile::all(folder, listed(folder));
    for labels in label_folders_of(folder) {
        let files = listed(&labels).into_iter().filter(|file| is_label_map(file)).collect();
        let found = matched(&images, &NestedFile::all(&labels, files), Rules::Any);
        if !found.is_empty() {
            return found;
        }
    }
    let files = listed(folder).into_iter().filter(|file| is_label_map(file)).collect();
    matched(&images, &NestedFile::all(folder, files), Rules::OtherNames)
}

/// Existing folders that usually hold the label maps of the images in a folder.
fn label_folders_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in folder.ancestors() {
        let (Some(name), Some(above)) = (root.file_name(), root.parent()) else {
            continue;
        };
        let name = name.to_string_lossy();
        let Ok(below) = folder.strip_prefix(root) else { continue };
        if is_kind(&name, &IMAGE_FOLDERS) {
            found.extend(LABEL_FOLDERS.map(|labels| above.join(labels).join(below)));
        }
        found.push(above.join(format!("{name}annot")).join(below));
    }
    found.retain(|folder| folder.is_dir());
    found
}

/// Label maps by image; empty where it is not certain which label map belongs to which image.
fn matched(images: &[NestedFile], labels: &[NestedFile], rules: Rules) -> HashMap<PathBuf, PathBuf> {
    match_names(images, labels, rules).map_or_else(
        |_| HashMap::new(),
        |matched| {
            matched
                .pairs
                .into_iter()
                .map(|(image, _, label)| (image, label))
                .collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::testing::folder_with;

    #[test]
    fn label_maps_are_found_beside_images_or_in_a_folder() {
        let set = folder_with(&[
            "images/val/a.jpg",
            "labels/val/a.png",
            "leftImg8bit/x/b_leftImg8bit.png",
            "gtFine/x/b_gtFine_labelIds.png",
            "others/a.png",
            "test/c.png",
            "testannot/c.png",
            "mixed/d.jpg",
            "mixed/d_mask.png",
            "mixed/e.jpg",
            "mixed/e.png",
        ]);
        let path = |file: &str| set.path().join(file);
        let truth_of = |image: &str, folder: Option<&str>| {
            let folder = folder.map(path);
            truths_of(&[path(image)], folder.as_deref()).swap_remove(0)
        };
        assert_eq!(truth_of("images/val/a.jpg", None), Some(path("labels/val/a.png")));
        let city = Some(path("gtFine/x/b_gtFine_labelIds.png"));
        assert_eq!(truth_of("leftImg8bit/x/b_leftImg8bit.png", None), city);
        assert_eq!(truth_of("leftImg8bit/x/b_leftImg8bit.png", Some("gtFine")), city);
        assert_eq!(
            truth_of("others/a.png", Some("others")),
            None,
            "an image is not its own label map"
        );
        assert_eq!(truth_of("images/val/a.jpg", Some("others")), Some(path("others/a.png")));
        assert_eq!(truth_of("others/a.png", None), None);
        assert_eq!(truth_of("test/c.png", None), Some(path("testannot/c.png")));
        assert_eq!(truth_of("mixed/d.jpg", None), Some(path("mixed/d_mask.png")));
        // `e.png` may be another image.
        assert_eq!(truth_of("mixed/e.jpg", None), None);
        let both = truths_of(&[path("mixed/d.jpg"), path("images/val/a.jpg")], None);
        assert!(both.iter().all(Option::is_some));
    }

    #[test]
    fn one_example_locates_the_label_maps_of_other_images() {
        let of = |image: &str, label: &str, other: &str| {
            truth_by_example(Path::new(image), Path::new(label), Path::new(other))
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(of("x/a.jpg", "y/a_L.png", "x/b.jpg"), path("y/b_L.png"));
        assert_eq!(of("a.jpg", "labels-a.png", "b.jpg"), path("labels-b.png"));
        assert_eq!(
            of("c_1_leftImg8bit.png", "c_1_gtFine_labelIds.png", "c_2_leftImg8bit.png"),
            path("c_2_gtFine_labelIds.png")
        );
        assert_eq!(of("1.jpg", "2021_1.png", "2.jpg"), path("2021_2.png"));
        assert_eq!(of("a.jpg", "truth.png", "b.jpg"), None);
    }
}
