//! Label maps, and how they are read from indexed or grey PNG files.

use std::borrow::Cow;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use crate::photo::close_png;

/// A class id for each pixel of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` ids, row by row.
    pub ids: Vec<u16>,
}

/// Why a file is not a label map.
#[derive(Debug, thiserror::Error)]
pub enum LabelMapError {
    /// The file is not a PNG, or is damaged.
    #[error("expected a PNG label map, found a file that cannot be read as one: {0}")]
    Png(#[from] png::DecodingError),
    /// The file holds colours instead of ids.
    #[error("expected class ids (an indexed or grey PNG), found {0}; export the ids instead of the colours")]
    Colors(String),
    /// The header claims more than [`LabelMap::MAX_PIXELS`].
    #[error(
        "expected at most {} pixels, the header says {width} x {height}",
        LabelMap::MAX_PIXELS
    )]
    TooLarge {
        /// Claimed width.
        width: u32,
        /// Claimed height.
        height: u32,
    },
    /// The file ends before its last row.
    #[error("expected ids for {expected} pixels, found {found}: the label map ends too early")]
    Incomplete {
        /// Number of pixels according to the header.
        expected: usize,
        /// Number of pixels in the file.
        found: usize,
    },
}

/// Why a file cannot be opened as a label map. The path comes last in each message.
#[derive(Debug, thiserror::Error)]
pub enum OpenLabelsError {
    /// The file cannot be read.
    #[error("the label map cannot be read ({0}); choose another file: {path}", path = .1.display())]
    Read(io::Error, PathBuf),
    /// The file is not a label map.
    #[error("{0}: {path}", path = .1.display())]
    Map(LabelMapError, PathBuf),
}

impl LabelMap {
    /// Size limit in pixels: a 20,000 x 20,000 scan.
    pub const MAX_PIXELS: u64 = 400_000_000;

    /// The id at a pixel; `None` outside.
    pub fn get(&self, x: usize, y: usize) -> Option<u16> {
        if x < self.width && y < self.height {
            self.ids.get(y * self.width + x).copied()
        } else {
            None
        }
    }

    /// Number of pixels of each class, for ids below `classes`.
    pub fn counts(&self, classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        for id in &self.ids {
            if let Some(count) = counts.get_mut(usize::from(*id)) {
                *count += 1;
            }
        }
        counts
    }

    /// Reads a file; see [`LabelMap::from_png`].
    ///
    /// # Errors
    /// When the file cannot be read or is not a label map.
    pub fn open(path: &Path) -> Result<Self, OpenLabelsError> {
        let bytes = std::fs::read(path).map_err(|why| OpenLabelsError::Read(why, path.to_owned()))?;
        Self::from_png(&bytes).map_err(|why| OpenLabelsError::Map(why, path.to_owned()))
    }

    /// Converts a map in which 0 means "not labelled" to ids that start at 0, as ADE20K's ground truth is read
    /// (`reduce_zero_label` of mmsegmentation): 0 becomes `ignored`, `ignored` is kept, and other ids decrease by one.
    pub fn reduce_zero_label(&mut self, ignored: u16) {
        for id in &mut self.ids {
            *id = match *id {
                0 => ignored,
                kept if kept == ignored => ignored,
                other => other - 1,
            };
        }
    }

    /// Reads an indexed or grey PNG of 1 to 16 bits as ids.
    ///
    /// Palette colours are ignored, and grey values of less than 8 bits are not scaled. A missing end marker after the
    /// last pixel is accepted.
    ///
    /// # Errors
    /// When the file is not such a PNG, lacks pixels, or is larger than [`LabelMap::MAX_PIXELS`].
    pub fn from_png(bytes: &[u8]) -> Result<Self, LabelMapError> {
        let mut bytes = Cow::Borrowed(bytes);
        close_png(&mut bytes);
        let mut decoder = png::Decoder::new(Cursor::new(&*bytes));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let mut reader = decoder.read_info()?;
        let info = reader.info();
        let (width, height) = info.size();
        if u64::from(width) * u64::from(height) > Self::MAX_PIXELS {
            return Err(LabelMapError::TooLarge { width, height });
        }
        let bits = info.bit_depth as usize;
        match info.color_type {
            png::ColorType::Indexed | png::ColorType::Grayscale => {}
            other => return Err(LabelMapError::Colors(format!("{other:?}"))),
        }
        let (width, height) = (width as usize, height as usize);
        let mut ids = Vec::new();
        if info.interlaced {
            let mut buffer = vec![0; reader.output_buffer_size().unwrap_or(0)];
            reader.next_frame(&mut buffer)?;
            let row_bytes = (width * bits).div_ceil(8);
            for row in buffer.chunks_exact(row_bytes).take(height) {
                unpack_row(row, bits, width, &mut ids);
            }
        } else {
            // Row by row: memory grows with the data in the file, not with the size that the header claims.
            while let Some(row) = reader.next_row()? {
                unpack_row(row.data(), bits, width, &mut ids);
            }
        }
        if ids.len() != width * height {
            return Err(LabelMapError::Incomplete {
                expected: width * height,
                found: ids.len(),
            });
        }
        Ok(Self { width, height, ids })
    }
}

/// Appends `width` samples of `bits` bits each, most significant first.
fn unpack_row(row: &[u8], bits: usize, width: usize, ids: &mut Vec<u16>) {
    match bits {
        16 => ids.extend(row.as_chunks().0.iter().take(width).map(|b| u16::from_be_bytes(*b))),
        8 => ids.extend(row.iter().take(width).map(|b| u16::from(*b))),
        _ => ids.extend((0..width).map(|x| {
            let bit = x * bits;
            let byte = row.get(bit / 8).copied().unwrap_or(0);
            u16::from(byte >> (8 - bits - bit % 8) & ((1 << bits) - 1))
        })),
    }
}
