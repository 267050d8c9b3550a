//! What was dropped or chosen: pictures, a folder of pictures, or a model.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::checkpoint::ends_like_a_model;
use crate::export::{self, Format};
use crate::photo::{is_picture, pictures_below};

/// Files that make a folder a model.
const MODEL_FILES: [&str; 2] = ["checkpoint.pth", "variant.yml"];

/// Pictures of one folder that are opened at most: a list of more helps nobody, and the session keeps their paths.
const MOST_PICTURES: usize = 100_000;

/// What was dropped or chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Pictures in the order given, those of a folder in natural order; none twice.
    pub pictures: Vec<PathBuf>,
    /// The first folder that gave pictures.
    pub folder: Option<PathBuf>,
    /// The first model: a file, or a folder that holds one.
    pub model: Option<PathBuf>,
    /// A sentence on each path that is neither.
    pub problems: Vec<String>,
}

/// Sorts out `paths` in their order.
pub fn find(paths: Vec<PathBuf>) -> Found {
    let mut finder = Finder::default();
    for path in paths {
        finder.take(path);
    }
    finder.found
}

/// Whether a picture below a folder is one that was exported: in the folder of a format, with the list of classes beside it.
fn is_export(path: &Path, folder: &Path) -> bool {
    let parents = path.ancestors().skip(1).take_while(|parent| *parent != folder);
    parents.into_iter().any(|parent| {
        let is_of_format = |name: &std::ffi::OsStr| Format::ALL.iter().any(|format| *name == *format.folder());
        parent.file_name().is_some_and(is_of_format) && export::has_class_list(parent.parent().unwrap_or(parent))
    })
}

#[derive(Default)]
struct Finder {
    found: Found,
    /// Absolute forms of everything taken so far.
    seen: HashSet<PathBuf>,
}

impl Finder {
    fn take(&mut self, path: PathBuf) {
        let data = match path.metadata() {
            Ok(data) => data,
            Err(e) => return self.problem("there is nothing to open here", Some(&e), &path),
        };
        if data.is_dir() {
            if MODEL_FILES.iter().any(|name| path.join(name).is_file()) {
                self.take_model(path);
            } else {
                self.take_folder(path);
            }
        } else if is_picture(&path) {
            self.take_picture(path);
        } else if ends_like_a_model(&path) {
            self.take_model(path);
        } else {
            self.problem(
                "expected a picture, a folder or a model (.pth, .pt, .safetensors), found another file",
                None,
                &path,
            );
        }
    }

    fn take_picture(&mut self, path: PathBuf) {
        if self.is_new(&path) {
            self.found.pictures.push(path);
        }
    }

    /// Takes the pictures of a folder and of those below it.
    fn take_folder(&mut self, folder: PathBuf) {
        match pictures_below(&folder) {
            Ok(inside) if inside.iter().all(|path| is_export(path, &folder)) => {
                self.problem("expected pictures in the folder or below it, found none", None, &folder);
            }
            Ok(mut inside) => {
                inside.retain(|path| !is_export(path, &folder));
                if inside.len() > MOST_PICTURES {
                    let what = format!(
                        "expected up to {MOST_PICTURES} pictures, found {}; the first are opened",
                        inside.len()
                    );
                    self.problem(&what, None, &folder);
                }
                inside
                    .into_iter()
                    .take(MOST_PICTURES)
                    .for_each(|path| self.take_picture(path));
                self.found.folder.get_or_insert(folder);
            }
            Err(e) => self.problem("the folder cannot be listed", Some(&e), &folder),
        }
    }

    fn take_model(&mut self, path: PathBuf) {
        if !self.is_new(&path) {
            return;
        }
        match self.found.model {
            None => self.found.model = Some(path),
            Some(_) => self.problem("expected one model, found another; open it by itself", None, &path),
        }
    }

    /// Whether a path comes for the first time, however it is written.
    fn is_new(&mut self, path: &Path) -> bool {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(absolute)
    }

    /// The path comes last, as in all sentences on files.
    fn problem(&mut self, what: &str, why: Option<&std::io::Error>, path: &Path) {
        let why = why.map(|e| format!(" ({e})")).unwrap_or_default();
        self.found.problems.push(format!("{what}{why}: {}", path.display()));
    }
}
