//! Sorts dropped or chosen paths into images, folders of images and models.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::checkpoint::ends_like_a_model;
use crate::datasets::is_project_label;
use crate::export::{self, Format};
use crate::photo::{images_below, is_image};

/// Files that mark a folder as a model.
const MODEL_FILES: [&str; 2] = ["checkpoint.pth", "variant.yml"];

/// Maximum number of images opened from one folder: a longer list is of no use, and the session stores every path.
const MAX_IMAGES: usize = 100_000;

/// The dropped or chosen files, sorted by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundFiles {
    /// Images in the given order, those of a folder in natural order; without duplicates.
    pub images: Vec<PathBuf>,
    /// The first folder that contains images.
    pub folder: Option<PathBuf>,
    /// The first model: a file, or a folder that contains one.
    pub model: Option<PathBuf>,
    /// One sentence for each path that cannot be used.
    pub problems: Vec<String>,
}

/// Sorts `paths` by what they are, in the given order.
pub fn find(paths: Vec<PathBuf>) -> FoundFiles {
    let mut finder = Finder::default();
    for path in paths {
        finder.take(path);
    }
    finder.found
}

/// Whether an image below `folder` is an export: it is in the folder of a format, which has a class list beside it.
fn is_export(path: &Path, folder: &Path) -> bool {
    let parents = path.ancestors().skip(1).take_while(|parent| *parent != folder);
    parents.into_iter().any(|parent| {
        let is_of_format = |name: &std::ffi::OsStr| Format::ALL.iter().any(|format| *name == *format.folder());
        parent.file_name().is_some_and(is_of_format) && export::has_class_list(parent.parent().unwrap_or(parent))
    })
}

#[derive(Default)]
struct Finder {
    found: FoundFiles,
    /// Absolute forms of all paths taken so far.
    seen: HashSet<PathBuf>,
}

impl Finder {
    fn take(&mut self, path: PathBuf) {
        let data = match path.metadata() {
            Ok(data) => data,
            Err(e) => return self.problem("cannot open this path", Some(&e), &path),
        };
        if data.is_dir() {
            if MODEL_FILES.iter().any(|name| path.join(name).is_file()) {
                self.take_model(path);
            } else {
                self.take_folder(path);
            }
        } else if is_image(&path) {
            self.take_image(path);
        } else if ends_like_a_model(&path) {
            self.take_model(path);
        } else {
            self.problem(
                "expected an image, a folder or a model (.pth, .pt, .safetensors), found another type of file",
                None,
                &path,
            );
        }
    }

    fn take_image(&mut self, path: PathBuf) {
        if self.is_new(&path) {
            self.found.images.push(path);
        }
    }

    /// Takes the images of a folder and of its subfolders.
    fn take_folder(&mut self, folder: PathBuf) {
        match images_below(&folder) {
            Ok(inside) if inside.iter().all(|path| is_export(path, &folder)) => {
                self.problem("expected images in the folder or below it, found none", None, &folder);
            }
            Ok(mut inside) => {
                inside.retain(|path| !is_export(path, &folder) && !is_project_label(path));
                if inside.len() > MAX_IMAGES {
                    let what = format!(
                        "expected up to {MAX_IMAGES} images, found {}; only the first {MAX_IMAGES} are opened",
                        inside.len()
                    );
                    self.problem(&what, None, &folder);
                }
                inside
                    .into_iter()
                    .take(MAX_IMAGES)
                    .for_each(|path| self.take_image(path));
                self.found.folder.get_or_insert(folder);
            }
            Err(e) => self.problem("cannot list the folder", Some(&e), &folder),
        }
    }

    fn take_model(&mut self, path: PathBuf) {
        if !self.is_new(&path) {
            return;
        }
        match self.found.model {
            None => self.found.model = Some(path),
            Some(_) => self.problem("expected one model, found another; open it separately", None, &path),
        }
    }

    /// Whether a path is new; different spellings of one path count as the same.
    fn is_new(&mut self, path: &Path) -> bool {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(absolute)
    }

    /// Adds a problem. The path comes last, as in all messages about files.
    fn problem(&mut self, what: &str, why: Option<&std::io::Error>, path: &Path) {
        let why = why.map(|e| format!(" ({e})")).unwrap_or_default();
        self.found.problems.push(format!("{what}{why}: {}", path.display()));
    }
}
