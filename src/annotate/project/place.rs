//! Where the labels of an image lie.

use std::path::{Component, Path, PathBuf};

use crate::datasets::is_image_folder;

/// The file with a project's classes.
pub(super) const PROJECT_FILE: &str = "project.toml";

/// The usual folder of label files below a project's root.
pub(super) const LABELS: &str = "labels";

/// The project that an image belongs to, and its label file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder of the project.
    pub root: PathBuf,
    /// Path of the image below the root, with `/` between its parts: its name in the records.
    pub image: String,
    /// The label file.
    pub labels: PathBuf,
}

impl Place {
    /// The place of an image without an earlier label file.
    ///
    /// The root is the nearest folder above with a `project.toml`; else the one that holds the folder of images, if the
    /// image lies in a folder with such a name (`images`, `leftImg8bit`, …); else the image's own folder.
    pub fn of(image: &Path) -> Self {
        Self::below(root_of(image), image, LABELS)
    }

    /// The place of an image in the project with this root, whose label files lie in the folder `labels` below it.
    pub(super) fn below(root: PathBuf, image: &Path, labels: &str) -> Self {
        let below = image.strip_prefix(&root).unwrap_or(image);
        let mut parts = below.components();
        let first = parts
            .next()
            .map(|first| first.as_os_str().to_string_lossy().into_owned());
        let rest = parts.as_path();
        let in_image_folder = first.is_some_and(|first| is_image_folder(&first)) && rest != Path::new("");
        let under = if in_image_folder { rest } else { below };
        Self {
            labels: root.join(labels).join(under).with_extension("png"),
            image: slashed(below),
            root,
        }
    }

    /// The same image with another label file.
    #[must_use]
    pub(super) fn with_labels(self, labels: PathBuf) -> Self {
        Self { labels, ..self }
    }

    /// A file about the label file, in a hidden folder beside it.
    pub(super) fn beside(&self, folder: &str, suffix: &str) -> PathBuf {
        let mut name = self.labels.file_stem().unwrap_or_default().to_owned();
        name.push(suffix);
        self.labels.with_file_name(folder).join(name)
    }
}

fn root_of(image: &Path) -> PathBuf {
    let folder = image.parent().unwrap_or(Path::new(""));
    if let Some(project) = folder.ancestors().find(|above| above.join(PROJECT_FILE).is_file()) {
        return project.to_owned();
    }
    let of_images = folder.ancestors().find(|above| {
        let name = above.file_name().unwrap_or_default();
        is_image_folder(&name.to_string_lossy())
    });
    of_images.and_then(Path::parent).unwrap_or(folder).to_owned()
}

fn slashed(path: &Path) -> String {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lie_where_the_pairing_rule_looks() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let place = |image: &str| {
            let place = Place::of(&root.join(image));
            let labels = place.labels.strip_prefix(root).expect("below").display().to_string();
            let of = place.root.strip_prefix(root).expect("below").display().to_string();
            (of, place.image, labels)
        };
        let text = |root: &str, image: &str, labels: &str| (root.to_owned(), image.to_owned(), labels.to_owned());
        assert_eq!(
            place("set/images/val/a.jpg"),
            text("set", "images/val/a.jpg", "set/labels/val/a.png")
        );
        assert_eq!(place("trip/b.c.jpg"), text("trip", "b.c.jpg", "trip/labels/b.c.png"));
        std::fs::create_dir_all(root.join("trip/day")).expect("a folder");
        std::fs::write(root.join("trip/project.toml"), "").expect("a file");
        assert_eq!(
            place("trip/day/d.jpg"),
            text("trip", "day/d.jpg", "trip/labels/day/d.png")
        );
    }
}
