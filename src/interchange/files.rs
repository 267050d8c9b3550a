//! Files and names that formats have in common.

use std::collections::HashSet;
use std::fs;
use std::io::{Cursor, Read as _};
use std::path::{Component, Path, PathBuf};

use super::{InterchangeError, LabelClasses, LabelledImage};
use crate::labels::{LabelMap, LabelMapError};
use crate::photo::{Header, files_below};
use crate::staged_file::StagedFile;

/// Largest text file (JSON, XML, lists) that is read, in bytes.
pub(super) const MAX_TEXT: u64 = 4 << 30;

/// Files below a folder whose name ends so (case does not count), in natural order.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn files_with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, InterchangeError> {
    let ends = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.ends_with(ending)
    };
    files_below(folder, ends).map_err(InterchangeError::read(folder))
}

/// The path of a file below a folder, with `/`.
pub(super) fn name_below(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    let parts: Vec<_> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// The path of an image below `folder`, with another ending instead of the suffix of its name.
///
/// # Errors
/// As [`visible`].
pub(super) fn place(folder: &Path, name: &str, ending: &str) -> Result<PathBuf, InterchangeError> {
    let relative = visible(name)?;
    let stem = relative.file_stem().unwrap_or_default();
    let mut file = stem.to_os_string();
    file.push(ending);
    Ok(folder.join(relative.with_file_name(file)))
}

/// The name of an image as a path for a file that is named after it.
///
/// # Errors
/// As [`safe`], or when a part of it begins with a point: such files are hidden, and are not found again.
pub(super) fn visible(name: &str) -> Result<PathBuf, InterchangeError> {
    let relative = safe(name)?;
    if relative.iter().any(|part| part.to_string_lossy().starts_with('.')) {
        let text = "expected the name of an image that is not hidden, found a point at its beginning; rename it";
        return Err(InterchangeError::CannotHold(text.into(), name.to_owned()));
    }
    Ok(relative)
}

/// Checks that no other image has the same file, and remembers the file of this one.
///
/// # Errors
/// When another has it, because their names differ only by their suffix.
pub(super) fn check_new(seen: &mut HashSet<PathBuf>, file: &Path, name: &str) -> Result<(), InterchangeError> {
    if seen.insert(file.to_owned()) {
        return Ok(());
    }
    let text = "expected images whose names differ not only by their suffix, found a second one; rename it";
    Err(InterchangeError::CannotHold(text.into(), name.to_owned()))
}

/// Checks that a name has no control characters, for formats of XML: it cannot hold most of them, and turns line breaks
/// in attributes into spaces.
///
/// # Errors
/// When it has one.
pub(super) fn check_printable(name: &str) -> Result<(), InterchangeError> {
    if !name.chars().any(char::is_control) {
        return Ok(());
    }
    let text = format!("expected a name without control characters, found {name:?}; rename it");
    Err(InterchangeError::CannotHold(text, name.to_owned()))
}

/// A name from a file as a path that stays below a folder: no `..`, nothing absolute, not empty.
///
/// # Errors
/// When the name is none of that kind.
pub(super) fn safe(name: &str) -> Result<PathBuf, InterchangeError> {
    let forward = name.replace('\\', "/");
    let path = Path::new(&forward);
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let drive = forward.as_bytes().get(1) == Some(&b':');
    if path.file_name().is_none() || !path.components().all(stays) || drive || forward.contains('\0') {
        let found = format!("expected the name of an image below a folder, found {name:?}; rename it");
        return Err(InterchangeError::CannotHold(found, name.to_owned()));
    }
    Ok(path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect())
}

/// Writes a file whole or not at all, and makes its folder.
///
/// # Errors
/// When the system refuses.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), InterchangeError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(InterchangeError::write(folder))?;
    }
    StagedFile::replace(path, bytes).map_err(InterchangeError::write(path))
}

/// Reads a text file of UTF-8, at most [`MAX_TEXT`].
///
/// # Errors
/// When it is no such file.
pub(super) fn read_text(path: &Path) -> Result<String, InterchangeError> {
    let size = fs::metadata(path).map_err(InterchangeError::read(path))?.len();
    if size > MAX_TEXT {
        let text = format!("expected at most {MAX_TEXT} bytes of text, found {size}; split the file");
        return Err(InterchangeError::content(text, path));
    }
    let bytes = fs::read(path).map_err(InterchangeError::read(path))?;
    let mut text = String::from_utf8(bytes).map_err(|why| {
        InterchangeError::content(format!("expected UTF-8 text, found {why}; save it as UTF-8"), path)
    })?;
    // Editors of Windows begin files with a byte order mark.
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Reads an index PNG.
///
/// # Errors
/// When it is none.
pub(super) fn read_ids(path: &Path) -> Result<LabelMap, InterchangeError> {
    let bytes = fs::read(path).map_err(InterchangeError::read(path))?;
    LabelMap::from_png(&bytes).map_err(|why: LabelMapError| InterchangeError::content(why.to_string(), path))
}

/// An empty map of a size from a file, all unlabelled.
///
/// # Errors
/// When a side is zero, or the pixels are more than [`LabelMap::MAX_PIXELS`].
pub(super) fn unlabelled(size: [u64; 2], path: &Path) -> Result<LabelMap, InterchangeError> {
    let [width, height] = size;
    let pixels = width
        .checked_mul(height)
        .filter(|pixels| (1..=LabelMap::MAX_PIXELS).contains(pixels));
    let Some(pixels) = pixels else {
        return Err(InterchangeError::content(wrong_size(size), path));
    };
    Ok(LabelMap {
        width: width as usize,
        height: height as usize,
        ids: vec![crate::annotate::UNLABELLED; pixels as usize],
    })
}

/// Why a size is refused.
pub(super) fn wrong_size([width, height]: [u64; 2]) -> String {
    let most = LabelMap::MAX_PIXELS;
    format!("expected 1 to {most} pixels, found a size of {width} x {height}; correct the size")
}

/// Width and height of an image below the image folder, as stored.
///
/// # Errors
/// When no folder is given or it has no such image.
pub(super) fn image_size(images: Option<&Path>, name: &str) -> Result<[u64; 2], InterchangeError> {
    let Some(images) = images else {
        let text = "the format does not say how large the images are; give their folder (--images)";
        return Err(InterchangeError::CannotHold(text.into(), name.to_owned()));
    };
    let path = images.join(safe(name)?);
    let header = Header::read(&path).map_err(|why| InterchangeError::content(why.to_string(), &path))?;
    Ok([u64::from(header.width), u64::from(header.height)])
}

/// Checks that every id of an image has a class or is unlabelled.
///
/// # Errors
/// When an id has none.
pub(super) fn check_ids(image: &LabelledImage, known: impl Fn(u16) -> bool) -> Result<(), InterchangeError> {
    let mut last = crate::annotate::UNLABELLED;
    for id in &image.labels.ids {
        if *id != last && *id != crate::annotate::UNLABELLED && !known(*id) {
            let text = format!("expected ids of the classes, found {id}; add a class or map the id");
            return Err(InterchangeError::CannotHold(text, image.name.clone()));
        }
        last = *id;
    }
    Ok(())
}

/// The first bytes of a file, at most `most`; `None` when it cannot be read.
pub(super) fn first_bytes(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The ids of a map, without [`UNLABELLED`](crate::annotate::UNLABELLED), in ascending order.
pub(super) fn used(labels: &LabelMap) -> Vec<u16> {
    let mut used = vec![false; usize::from(crate::annotate::UNLABELLED)];
    for id in &labels.ids {
        if let Some(used) = used.get_mut(usize::from(*id)) {
            *used = true;
        }
    }
    let ids = (0..crate::annotate::UNLABELLED).zip(&used).filter(|(_, used)| **used);
    ids.map(|(id, _)| id).collect()
}

/// Whether a file has a text, anywhere.
pub(super) fn contains(path: &Path, text: &str) -> bool {
    let Ok(mut file) = fs::File::open(path) else {
        return false;
    };
    let mut block = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        // The text may begin in one block and end in the next.
        match file.read(&mut block[kept..]) {
            Ok(0) | Err(_) => return false,
            Ok(read) => {
                let filled = kept + read;
                if block[..filled]
                    .windows(text.len())
                    .any(|window| window == text.as_bytes())
                {
                    return true;
                }
                kept = filled.min(text.len());
                block.copy_within(filled - kept..filled, 0);
            }
        }
    }
}

/// Reads a PNG of colours of 8 bits, without alpha: its size, and its pixels row by row.
///
/// # Errors
/// When it is no such file.
pub(super) fn read_colors(path: &Path) -> Result<([usize; 2], Vec<[u8; 3]>), InterchangeError> {
    let bytes = fs::read(path).map_err(InterchangeError::read(path))?;
    let content = |text: String| InterchangeError::content(text, path);
    let damaged = |why: png::DecodingError| {
        content(format!(
            "expected a PNG of colours, found a file that cannot be read as one ({why}); export it again"
        ))
    };
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(damaged)?;
    let info = reader.info();
    if info.color_type != png::ColorType::Rgb || info.bit_depth != png::BitDepth::Eight {
        let text = format!(
            "expected a PNG of RGB colours with 8 bits, found {:?} {:?}; export it again",
            info.color_type, info.bit_depth
        );
        return Err(content(text));
    }
    let (width, height) = info.size();
    if u64::from(width) * u64::from(height) > LabelMap::MAX_PIXELS {
        return Err(content(format!(
            "expected at most {} pixels, found {width} x {height}",
            LabelMap::MAX_PIXELS
        )));
    }
    let mut colors = Vec::new();
    if info.interlaced {
        let mut buffer = vec![0; reader.output_buffer_size().unwrap_or(0)];
        reader.next_frame(&mut buffer).map_err(damaged)?;
        colors.extend_from_slice(buffer.as_chunks().0);
    } else {
        // Row by row: memory grows with the data in the file, not with the size that the header claims.
        while let Some(row) = reader.next_row().map_err(damaged)? {
            colors.extend_from_slice(row.data().as_chunks().0);
        }
    }
    let size = [width as usize, height as usize];
    if colors.len() != size[0] * size[1] {
        return Err(content(format!(
            "expected {} pixels, found {}: the file ends too early",
            size[0] * size[1],
            colors.len()
        )));
    }
    Ok((size, colors))
}

/// A PNG of colours.
///
/// # Errors
/// When the sides do not fit into a PNG.
pub(super) fn rgb_png(
    [width, height]: [usize; 2],
    colors: &[[u8; 3]],
    name: &str,
) -> Result<Vec<u8>, InterchangeError> {
    let failed = |why: String| InterchangeError::CannotHold(why, name.to_owned());
    let sides = [width, height].map(|side| u32::try_from(side).map_err(|why| failed(why.to_string())));
    let [across, down] = sides;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, across?, down?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(colors.as_flattened())?;
        writer.finish()
    });
    written.map_err(|why| failed(why.to_string()))?;
    Ok(bytes)
}

/// Checks that classes have names, and different ones, for formats that tell classes by their names.
///
/// # Errors
/// When one has none or two have the same.
pub(super) fn check_names(classes: &LabelClasses) -> Result<(), InterchangeError> {
    for class in classes.iter() {
        let is_first = classes.named(&class.name).is_none_or(|first| first.id == class.id);
        if class.name.is_empty() || !is_first {
            let text = "expected classes with names of their own, found an empty or a repeated name; rename the class";
            return Err(InterchangeError::CannotHold(text.into(), class.name.clone()));
        }
    }
    Ok(())
}
