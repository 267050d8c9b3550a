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
    let in_folder = |labels: &Path| {
        let files = listed(labels).into_iter().filter(|file| is_label_map(file)).collect();
        matched(&images, &NestedFile::all(labels, files), Rules::Any)
    };
    // An annotation project may have labels of some images only: the others keep those that they had.
    let mut found = project_labels_of(folder).map_or_else(HashMap::new, |labels| in_folder(&labels));
    for labels in label_folders_of(folder) {
        let others = in_folder(&labels);
        if !others.is_empty() {
            for (image, label) in others {
                found.entry(image).or_insert(label);
            }
            return found;
        }
    }
    if !found.is_empty() {
        return found;
    }
    let files = listed(folder).into_iter().filter(|file| is_label_map(file)).collect();
    matched(&images, &NestedFile::all(folder, files), Rules::OtherNames)
}

/// The folder with the label files of the images in a folder, if it belongs to an annotation project.
fn project_labels_of(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|above| above.join("project.toml").is_file())?;
    let text = std::fs::read_to_string(root.join("project.toml")).ok()?;
    let project: toml::Table = text.parse().ok()?;
    let labels = project.get("labels").and_then(toml::Value::as_str).unwrap_or("labels");
    let below = folder.strip_prefix(root).ok()?;
    let mut parts = below.components();
    let first = parts.next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let in_image_folder = first.is_some_and(|first| is_kind(&first, &IMAGE_FOLDERS));
    Some(
        root.join(labels)
            .join(if in_image_folder { parts.as_path() } else { below }),
    )
}

/// Whether a file lies in the folder of label files of an annotation project.
pub fn is_project_label(path: &Path) -> bool {
    path.ancestors().skip(1).any(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let root = folder.parent().filter(|_| name.starts_with("labels"));
        root.is_some_and(|root| root.join("project.toml").is_file())
    })
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
    fn labels_of_an_annotation_project_come_first() {
        let set = folder_with(&[
            "trip/a.jpg",
            "trip/labels/a.png",
            "set/images/val/b.jpg",
            "set/labels/val/b.png",
            "set/labels-edited/val/b.png",
        ]);
        let path = |file: &str| set.path().join(file);
        let truth_of = |image: &str| truths_of(&[path(image)], None).swap_remove(0);
        assert_eq!(truth_of("trip/a.jpg"), None);
        std::fs::write(path("trip/project.toml"), "name = \"trip\"\n").expect("a file");
        assert_eq!(truth_of("trip/a.jpg"), Some(path("trip/labels/a.png")));
        assert!(is_project_label(&path("trip/labels/a.png")) && !is_project_label(&path("trip/a.jpg")));
        assert!(
            !is_project_label(&path("set/labels/val/b.png")),
            "that of another program"
        );
        assert_eq!(truth_of("set/images/val/b.jpg"), Some(path("set/labels/val/b.png")));
        std::fs::write(path("set/project.toml"), "labels = \"labels-edited\"\n").expect("a file");
        assert_eq!(
            truth_of("set/images/val/b.jpg"),
            Some(path("set/labels-edited/val/b.png"))
        );
        std::fs::write(path("set/images/val/c.jpg"), "").expect("a file");
        std::fs::write(path("set/labels/val/c.png"), "").expect("a file");
        assert_eq!(
            truth_of("set/images/val/c.jpg"),
            Some(path("set/labels/val/c.png")),
            "not hidden by the labels of another image"
        );
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
