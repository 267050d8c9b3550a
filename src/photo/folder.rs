//! Lists the files in folders.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::is_image;

/// The images directly inside a folder, in natural order: `img2` before `img10`, without regard to case.
///
/// # Errors
/// When the folder cannot be listed.
pub fn images_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if !is_hidden(&path) && is_image(&path) && is_file(&entry) {
            found.push(path);
        }
    }
    found.sort_by(|a, b| in_natural_order(a, b));
    Ok(found)
}

/// The images in a folder and its subfolders, as [`files_below`] lists them.
///
/// # Errors
/// When the folder cannot be listed.
pub fn images_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    files_below(folder, is_image)
}

/// The wanted files in a folder, then those in each of its subfolders, in natural order.
///
/// Links are followed, and each real folder is listed once, even where links form loops.
///
/// # Errors
/// When the folder or one of its subfolders cannot be listed; otherwise files would be missing without notice.
pub fn files_below(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut seen = HashSet::new();
    // A folder is identified by its canonical path.
    let mut is_new = |entry: &walkdir::DirEntry| match entry.file_type().is_dir() {
        true => {
            let mut is_new = || std::fs::canonicalize(entry.path()).is_ok_and(|real| seen.insert(real));
            (entry.depth() == 0 || !is_hidden(entry.path())) && is_new()
        }
        false => true,
    };
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .sort_by(|a, b| {
            // Folders come after files, and links after their possible targets, because an entry does not show the
            // target of a link before it is followed.
            let kind = |entry: &walkdir::DirEntry| match entry.file_type().is_symlink() {
                true => (entry.path().is_dir(), true),
                false => (entry.file_type().is_dir(), false),
            };
            kind(a).cmp(&kind(b)).then_with(|| in_natural_order(a.path(), b.path()))
        })
        .into_iter()
        .filter_entry(|entry| is_new(entry));
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_type().is_file() && !is_hidden(entry.path()) && is_wanted(entry.path()) => {
                found.push(entry.into_path());
            }
            Ok(_) => {}
            // A link to one of its parent folders, or a dead link.
            Err(why) if why.loop_ancestor().is_some() || is_dead_link(&why) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(found)
}

/// Whether a name starts with a dot, such as the metadata files that macOS stores beside images (`._a.jpg`).
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_dead_link(why: &walkdir::Error) -> bool {
    why.path()
        .is_some_and(|path| path.is_symlink() && std::fs::metadata(path).is_err())
}

/// Natural order of the names; paths whose names differ only in case or spaces are in byte order.
fn in_natural_order(a: &Path, b: &Path) -> Ordering {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    natord::compare_ignore_case(&name(a), &name(b)).then_with(|| a.as_os_str().cmp(b.as_os_str()))
}

/// Whether an entry is a file or a link to one. Most systems list the file type with the name, so no file is opened.
fn is_file(entry: &std::fs::DirEntry) -> bool {
    entry
        .file_type()
        .is_ok_and(|kind| kind.is_file() || (kind.is_symlink() && entry.path().is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[PathBuf], root: &Path) -> Vec<String> {
        let below = |path: &PathBuf| path.strip_prefix(root).expect("below the root").display().to_string();
        found.iter().map(below).collect()
    }

    #[test]
    fn a_folder_is_listed_in_natural_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [
            "img10.png",
            "IMG2.PNG",
            "img1.jpg",
            "img02.jpg",
            "img3.txt",
            "b.gif",
            "B.gif",
            "._b.gif",
        ] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        std::fs::create_dir(folder.path().join("folder.png")).expect("a folder");
        let found = images_in(folder.path()).expect("a list");
        assert_eq!(
            names(&found, folder.path()),
            ["B.gif", "b.gif", "img02.jpg", "img1.jpg", "IMG2.PNG", "img10.png"]
        );
        assert_eq!(images_below(folder.path()).expect("a list"), found);
    }

    #[cfg(unix)]
    #[test]
    fn each_real_folder_is_listed_once_despite_link_loops() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("a/deep")).expect("folders");
        for file in ["top.png", "a/one.png", "a/deep/two.png"] {
            std::fs::write(root.join(file), "").expect("a file");
        }
        symlink(root, root.join("a/deep/loop")).expect("a link");
        symlink(".", root.join("self")).expect("a link");
        symlink(root.join("a"), root.join("0-before-a")).expect("a link");
        symlink(root.join("nowhere"), root.join("dead.png")).expect("a link");
        symlink(root.join("top.png"), root.join("linked.png")).expect("a link");
        let found = images_below(root).expect("a list");
        assert_eq!(
            names(&found, root),
            ["top.png", "linked.png", "a/one.png", "a/deep/two.png"]
        );
        assert!(images_below(&root.join("missing")).is_err());
    }
}
