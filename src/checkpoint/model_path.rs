//! Resolves a path to a model to its files.

use std::path::{Path, PathBuf};

use super::{CheckpointError, variant};

/// File name extensions of models.
pub const MODEL_ENDINGS: [&str; 6] = ["pth", "pt", "ckpt", "bin", "safetensors", "npz"];

/// The model file at a path: the file itself, or the only model file in a folder.
///
/// # Errors
/// When a folder cannot be listed or does not hold exactly one model.
pub fn model_file(path: &Path) -> Result<PathBuf, CheckpointError> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let published = path.join("checkpoint.pth");
    if published.is_file() {
        return Ok(published);
    }
    let entries = std::fs::read_dir(path).map_err(|e| CheckpointError::read(path, e))?;
    let files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|e| e.path())
        // Metadata files of macOS start with a dot.
        .filter(|file| {
            !file
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        })
        .filter(|file| file.is_file() && ends_like_a_model(file))
        .collect();
    match files.as_slice() {
        [file] => Ok(file.clone()),
        [] => Err(CheckpointError::damaged(
            path,
            "expected checkpoint.pth (and variant.yml) or another model file in the folder, found none; open the \
             folder that holds them"
                .into(),
        )),
        files => Err(CheckpointError::damaged(
            path,
            format!(
                "expected one model file in the folder, found {}; open one of them",
                files.len()
            ),
        )),
    }
}

/// Whether a file has the extension of a model.
pub fn ends_like_a_model(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| MODEL_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// The files that are read when a model file is opened: the file itself and, for Segmenter, `variant.yml` beside it and
/// beside the target of a symbolic link, whether they exist or not.
pub fn files_of(file: PathBuf) -> Vec<PathBuf> {
    let variants = variant::places(&file);
    std::iter::once(file).chain(variants).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_with_one_model_resolves_to_it_with_any_extension() {
        for name in ["model.ckpt", "pytorch_model.bin", "LAST.PTH", "m.safetensors"] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join(name);
            fs::write(&file, b"x").expect("room for it");
            fs::write(folder.path().join("notes.txt"), b"x").expect("room for it");
            assert_eq!(model_file(folder.path()).expect(name), file);
            fs::write(folder.path().join("second.pt"), b"x").expect("room for it");
            let why = model_file(folder.path()).expect_err("two models").to_string();
            assert!(why.contains("found 2"), "{why}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_target_of_a_link_has_its_own_side_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a real folder");
        fs::create_dir(root.join("run")).expect("a folder in it");
        fs::write(root.join("run/checkpoint.pth"), b"x").expect("room for it");
        let link = root.join("latest.pth");
        std::os::unix::fs::symlink("run/checkpoint.pth", &link).expect("a link");
        let expected = [link.clone(), root.join("variant.yml"), root.join("run/variant.yml")];
        assert_eq!(files_of(link), expected);
        let file = root.join("run/checkpoint.pth");
        assert_eq!(files_of(file.clone()), [file, root.join("run/variant.yml")]);
    }
}
