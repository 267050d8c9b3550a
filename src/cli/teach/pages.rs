//! The images that strokes were drawn on, with their stroke files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::cli::printing::err;
use crate::cli::{folder_images, open_photo};
use crate::photo::{OpenOptions, Photo};
use crate::staged_file::folder_of;
use crate::teach::{self, StrokeFile};

/// An image with its strokes.
pub(super) struct Page {
    pub(super) image: PathBuf,
    pub(super) file: StrokeFile,
    /// The stroke file.
    pub(super) path: PathBuf,
}

impl Page {
    /// The image, which must have the size in the stroke file.
    pub(super) fn photo(&self) -> Result<Photo> {
        let photo = open(&self.image)?;
        let StrokeFile { width, height, .. } = self.file;
        ensure!(
            [photo.width, photo.height] == [width, height],
            "expected an image of {width} x {height} pixels, as in the stroke file, found {} x {}; name the image that \
             the strokes were drawn on: {}",
            photo.width,
            photo.height,
            self.image.display()
        );
        Ok(photo)
    }

    fn size(&self) -> [usize; 2] {
        [self.file.width, self.file.height]
    }
}

/// Opens an image and prints remarks about it.
pub(super) fn open(image: &Path) -> Result<Photo> {
    open_photo(image, OpenOptions::default(), (0, None), &|line| {
        err!("segscope: {line}")
    })
}

/// Reads the stroke files, and pairs them with the images in their order; a stroke file without an image has the one that
/// it names.
pub(super) fn read(images: &[PathBuf], files: &[PathBuf]) -> Result<Vec<Page>> {
    ensure!(
        images.len() <= files.len(),
        "expected a stroke file for each image, found {} for {}; add --strokes for each image, in the order of the \
         images, or use --apply for images without strokes",
        files.len(),
        images.len()
    );
    let mut pages = Vec::new();
    for (i, path) in files.iter().enumerate() {
        let file = StrokeFile::open(path)?;
        let image = match images.get(i) {
            Some(image) => image.clone(),
            None => named_in(&file, path)?,
        };
        pages.push(Page {
            image,
            file,
            path: path.clone(),
        });
    }
    Ok(pages)
}

/// The image that a stroke file names, relative to its folder.
fn named_in(file: &StrokeFile, path: &Path) -> Result<PathBuf> {
    let image = folder_of(path).join(&file.image);
    ensure!(
        !file.image.is_empty() && image.is_file(),
        "expected the image {:?} beside the stroke file, found none; name the image before --strokes: {}",
        file.image,
        path.display()
    );
    Ok(image)
}

/// Refuses strokes from which nothing can be learnt, and prints which are left out. A decoder that is corrected needs
/// none.
pub(super) fn check_strokes(pages: &[Page], corrects: bool) -> Result<()> {
    let mut inside = BTreeSet::new();
    for page in pages {
        let (all, mut outside) = (page.file.strokes.len(), 0);
        for stroke in &page.file.strokes {
            match teach::pixels(stroke, page.size()).is_empty() {
                true => outside += 1,
                false => {
                    inside.insert(stroke.class);
                }
            }
        }
        if outside > 0 {
            let ([width, height], path) = (page.size(), page.path.display());
            err!(
                "segscope: note: expected strokes inside the image ({width} x {height}), found {outside} of {all} \
                 outside; they are left out: {path}"
            );
        }
    }
    let Some(first) = pages.first().filter(|_| !corrects) else {
        return Ok(());
    };
    let path = first.path.display();
    match inside.len() {
        0 => bail!("expected at least one stroke inside an image, found none; draw a stroke for each class: {path}"),
        1 => bail!(
            "expected strokes of at least two classes, found one class; draw a stroke for what the image shows besides: \
             {path}"
        ),
        _ => Ok(()),
    }
}

/// The images in a folder, without those of the pages.
pub(super) fn others_in(folder: &Path, pages: &[Page]) -> Result<Vec<PathBuf>> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let own: BTreeSet<PathBuf> = pages.iter().map(|page| real(&page.image)).collect();
    let mut others = folder_images(folder)?;
    others.retain(|path| !own.contains(&real(path)));
    Ok(others)
}
