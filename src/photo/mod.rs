//! A decoded, upright, 8-bit RGB picture, and how files become one.

mod decode;
mod resize;

pub use decode::PhotoError;

use std::path::{Path, PathBuf};

/// An upright 8-bit RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row; `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

/// File name endings of the formats that are read, for dialogs and folders.
pub const EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "jfif"];

/// Largest photo in pixels: 16,384 x 16,384.
pub const MOST_PIXELS: u64 = 1 << 28;

impl Photo {
    /// Reads PNG, JPEG, WebP, BMP, TIFF or GIF (first frame), of 8 or 16 bits, grey, palette or with alpha.
    ///
    /// The header is read before the pixels, EXIF orientation is applied, 16 bits become 8, and transparent pixels
    /// are laid over white.
    ///
    /// # Errors
    /// When the file cannot be read, is none of these formats, is damaged, or is larger than [`MOST_PIXELS`].
    pub fn open(path: &Path) -> Result<Self, PhotoError> {
        decode::open(path)
    }

    /// Reads a picture from memory; see [`Photo::open`].
    ///
    /// # Errors
    /// As [`Photo::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PhotoError> {
        decode::from_bytes(bytes)
    }

    /// The same picture at another size, bilinear; see `resize.rs` for the rule when shrinking.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        resize::resized(self, width, height)
    }

    /// Red, green and blue at a pixel, if it lies inside.
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width {
            return None;
        }
        let at = 3 * (y * self.width + x);
        self.rgb.get(at..at + 3).map(|p| [p[0], p[1], p[2]])
    }
}

/// Whether a path ends like a picture that can be read.
pub fn is_picture(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// The pictures directly inside a folder, in natural order: `img2` before `img10`, in either case.
///
/// # Errors
/// When the folder cannot be listed.
pub fn pictures_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if is_picture(&path) && is_file(&entry) {
            found.push((entry.file_name().to_string_lossy().into_owned(), path));
        }
    }
    // Names that differ only in case or blanks are equal to natord; the plain order decides then.
    found.sort_by(|(a, a_path), (b, b_path)| {
        natord::compare_ignore_case(a, b).then_with(|| a_path.as_os_str().cmp(b_path.as_os_str()))
    });
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Whether an entry is a file or a link to one. Most systems tell the kind with the name, without a look at the file.
fn is_file(entry: &std::fs::DirEntry) -> bool {
    entry
        .file_type()
        .is_ok_and(|kind| kind.is_file() || (kind.is_symlink() && entry.path().is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        std::fs::create_dir(folder.path().join("folder.png")).expect("a folder");
        let found = pictures_in(folder.path()).expect("a list");
        let names: Vec<_> = found.iter().filter_map(|p| p.file_name()?.to_str()).collect();
        assert_eq!(
            names,
            ["B.gif", "b.gif", "img02.jpg", "img1.jpg", "IMG2.PNG", "img10.png"]
        );
    }
}
