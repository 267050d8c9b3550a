//! Finds the models in a folder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::recognise::recognise;
use super::released::Released;
use crate::checkpoint::{self, ends_like_a_model};

/// A folder that contains this file is a model.
const CHECKPOINT: &str = "checkpoint.pth";

/// The contents of the models folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelsFolder {
    /// The folder.
    pub path: PathBuf,
    /// Models that can be opened, in natural order of their names.
    pub models: Vec<PresentModel>,
    /// Files and folders that are named like a model but cannot be opened as one.
    pub unrecognised: Vec<Unrecognised>,
    /// Why the folder cannot be listed; a folder that does not exist yet counts as empty.
    pub problem: Option<String>,
}

/// A model in the folder.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentModel {
    /// The file, or the folder that holds `checkpoint.pth`.
    pub path: PathBuf,
    /// Its path within the models folder.
    pub name: String,
    /// Its title, made from its sizes.
    pub title: String,
    /// Number of classes.
    pub classes: usize,
    /// Indices of the released checkpoints that it may be; several for twins that differ only in their names.
    pub released: Vec<usize>,
}

/// A file or folder that is named like a model but cannot be opened as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecognised {
    /// The file or folder.
    pub path: PathBuf,
    /// A sentence on what was expected and what was found.
    pub why: String,
}

impl ModelsFolder {
    /// The models that are, or may be, the released checkpoint with this index.
    pub fn of(&self, released: usize) -> impl Iterator<Item = &PresentModel> {
        self.models
            .iter()
            .filter(move |model| model.released.contains(&released))
    }

    /// The models that are not released checkpoints.
    pub fn others(&self) -> impl Iterator<Item = &PresentModel> {
        self.models.iter().filter(|model| model.released.is_empty())
    }
}

/// The default models folder: on Linux `$XDG_DATA_HOME/segscope/models`. `None` without a home folder.
pub fn usual_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "segscope")?;
    Some(folders.data_dir().join("models"))
}

/// Finds the models in `folder` and in the folders directly in it: model files, and folders that contain
/// `checkpoint.pth`. Other files are skipped. Only headers and tensor names are read.
pub fn present(folder: &Path, released: &[Released]) -> ModelsFolder {
    let mut found = ModelsFolder {
        path: folder.to_owned(),
        ..ModelsFolder::default()
    };
    let mut paths = match candidates(folder) {
        Ok(paths) => paths,
        Err(e) => {
            if e.kind() != ErrorKind::NotFound {
                found.problem = Some(format!(
                    "the models folder cannot be listed ({e}); choose another: {}",
                    folder.display()
                ));
            }
            return found;
        }
    };
    let name_of = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    paths.sort_by(|a, b| natord::compare(&name_of(a), &name_of(b)));
    for path in paths {
        match checkpoint::peek(&path) {
            Ok(peek) => {
                let name = name_of(&path);
                found.models.push(PresentModel {
                    title: peek.spec.title(),
                    classes: peek.spec.classes,
                    released: recognise(&peek.spec, &peek.provenance.layout, &name, released),
                    name,
                    path,
                });
            }
            Err(e) => found.unrecognised.push(Unrecognised {
                why: e.to_string(),
                path,
            }),
        }
    }
    found
}

/// Files and folders that are named like a model, in the folder and in those directly in it.
fn candidates(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() && !path.join(CHECKPOINT).is_file() {
            // A folder that cannot be read contains no model that could be opened.
            found.extend(entries(&path).unwrap_or_default());
        } else {
            found.push(path);
        }
    }
    found.retain(|path| path.join(CHECKPOINT).is_file() || path.is_file() && ends_like_a_model(path));
    Ok(found)
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    folder.read_dir()?.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catalogue::released;

    /// A folder in the published layout, with a small network that is not a release.
    fn published() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-mask-p16-distilled")
    }

    #[test]
    fn a_missing_folder_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("not yet");
        let expected = ModelsFolder {
            path: missing.clone(),
            ..ModelsFolder::default()
        };
        assert_eq!(present(&missing, released()), expected);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("models");
        fs::write(&file, "").expect("a file");
        let problem = present(&file, released()).problem.expect("a sentence");
        assert!(problem.ends_with(&file.display().to_string()), "{problem}");
    }

    #[test]
    fn models_other_files_and_damaged_files_are_distinguished() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("small 10")).expect("a folder");
        fs::create_dir_all(at("more/deep")).expect("a folder");
        for name in ["checkpoint.pth", "variant.yml"] {
            fs::copy(published().join(name), at("small 10").join(name)).expect("a copy");
        }
        fs::copy(published().join("checkpoint.pth"), at("small 2.PTH")).expect("a copy");
        fs::write(at("broken.pth"), "no model").expect("a file");
        fs::write(at("notes.txt"), "no model either").expect("a file");
        fs::copy(published().join("checkpoint.pth"), at("more/one.pth")).expect("a copy");
        fs::copy(published().join("checkpoint.pth"), at("more/deep/checkpoint.pth")).expect("a copy");
        fs::write(at("more/deep/two.pth"), "not looked at").expect("a file");
        let found = present(folder.path(), released());
        let names: Vec<&str> = found.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["more/deep", "more/one.pth", "small 2.PTH", "small 10"]);
        assert!(
            found.models.iter().all(|m| m.title == "Seg-64x2(DeiT)-Mask/16"),
            "{found:?}"
        );
        assert_eq!(found.others().count(), 4);
        assert!((0..released().len()).all(|index| found.of(index).next().is_none()));
        let [broken] = found.unrecognised.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(broken.path, at("broken.pth"));
        assert!(broken.why.contains("expected"), "{}", broken.why);
        assert_eq!(found.problem, None);
    }
}
