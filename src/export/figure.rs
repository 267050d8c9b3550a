//! A map of values over a photo as a picture, and its numbers as a file.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use npyz::WriterBuilder as _;
use safetensors::tensor::{Dtype, TensorView};

use super::ExportError;
use super::caption::Caption;
use super::heat::Scale;
use crate::photo::Photo;
use crate::staged_file::{self, StagedFile};

/// Values of patches over a photo.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// The photo.
    pub photo: &'a Photo,
    /// Left, top, right and bottom of the patches in the photo, in pixels; it may reach beyond the photo.
    pub frame: [f32; 4],
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// A value per patch, row by row.
    pub values: &'a [f32],
    /// Their colours.
    pub scale: Scale,
    /// How much of the colours shows over the photo, 0..=1.
    pub opacity: f32,
    /// Interpolate between the centres of patches.
    pub smooth: bool,
    /// The patch to mark.
    pub marked: Option<usize>,
    /// Sides of the picture over those of the photo, at least 1.
    pub zoom: usize,
    /// Lines above the picture, with the scale's colours and values at its right; the bare picture without.
    pub caption: Option<&'a [String]>,
}

impl Figure<'_> {
    /// The picture.
    pub fn draw(&self) -> Photo {
        if self.zoom > 1 {
            let larger = self
                .photo
                .resized(self.photo.width * self.zoom, self.photo.height * self.zoom);
            let of_larger = Figure {
                photo: &larger,
                frame: self.frame.map(|edge| edge * self.zoom as f32),
                zoom: 1,
                ..*self
            };
            return of_larger.draw();
        }
        let picture = self.heat_over_photo();
        match self.caption {
            Some(lines) => {
                let scale = self.scale;
                Caption { lines, scale }.around(&picture)
            }
            None => picture,
        }
    }

    fn heat_over_photo(&self) -> Photo {
        let mut picture = self.photo.clone();
        let (width, opacity) = (picture.width, self.opacity.clamp(0.0, 1.0));
        for (i, pixel) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let at = [(i % width) as f32 + 0.5, (i / width) as f32 + 0.5];
            if !self.covers(at) {
                continue;
            }
            let color = self.scale.map.color(self.scale.share(self.value_at(at)));
            for (channel, color) in pixel.iter_mut().zip(color) {
                *channel = (f32::from(*channel) * (1.0 - opacity) + f32::from(color) * opacity).round() as u8;
            }
        }
        if let Some(patch) = self.marked {
            self.mark(&mut picture, patch);
        }
        picture
    }

    /// Column and row among the patches, in patches from the left and top edge of the first.
    fn in_grid(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [left, top, right, bottom] = self.frame;
        [
            (x - left) / (right - left) * self.grid[1] as f32,
            (y - top) / (bottom - top) * self.grid[0] as f32,
        ]
    }

    /// Whether there are patches at a place of the photo.
    fn covers(&self, at: [f32; 2]) -> bool {
        let [x, y] = self.in_grid(at);
        (0.0..self.grid[1] as f32).contains(&x) && (0.0..self.grid[0] as f32).contains(&y)
    }

    fn value_at(&self, at: [f32; 2]) -> f32 {
        let [x, y] = self.in_grid(at);
        let [rows, columns] = self.grid;
        let value = |row: f32, column: f32| {
            let row = row.clamp(0.0, rows as f32 - 1.0) as usize;
            let column = column.clamp(0.0, columns as f32 - 1.0) as usize;
            self.values.get(row * columns + column).copied().unwrap_or(0.0)
        };
        if !self.smooth {
            return value(y.floor(), x.floor());
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (across, down) = (x - x.floor(), y - y.floor());
        let line = |row: f32| value(row, x.floor()) * (1.0 - across) + value(row, x.floor() + 1.0) * across;
        line(y.floor()) * (1.0 - down) + line(y.floor() + 1.0) * down
    }

    /// A white frame with a black one around it.
    fn mark(&self, picture: &mut Photo, patch: usize) {
        let [left, top, right, bottom] = self.frame;
        let [rows, columns] = self.grid;
        let (across, down) = ((right - left) / columns as f32, (bottom - top) / rows as f32);
        let x = left + (patch % columns) as f32 * across;
        let y = top + (patch / columns) as f32 * down;
        let thick = (picture.width.max(picture.height) / 600).max(1) as isize;
        let edges = [x, y, x + across, y + down].map(|edge| edge.round() as isize);
        for (off, color) in [(2 * thick, [0; 3]), (thick, [255; 3])] {
            let [left, top, right, bottom] = edges;
            for py in top - off..bottom + off {
                for px in left - off..right + off {
                    let inner = off - thick;
                    let within =
                        (left - inner..right + inner).contains(&px) && (top - inner..bottom + inner).contains(&py);
                    let there = px >= 0 && py >= 0 && (px as usize) < picture.width && (py as usize) < picture.height;
                    if !within && there {
                        let at = (py as usize * picture.width + px as usize) * 3;
                        picture.rgb[at..at + 3].copy_from_slice(&color);
                    }
                }
            }
        }
    }
}

/// A file of a figure.
#[derive(Clone, Debug)]
pub enum FigureFile {
    /// A picture, as the bytes of a PNG: pictures are large, and there is one for every head.
    Png(Vec<u8>),
    /// Numbers with their shape, as NumPy's `.npy`.
    Numbers(Vec<f32>, Vec<usize>),
    /// Numbers with their shape, as `.safetensors` under the name `maps`.
    Tensor(Vec<f32>, Vec<usize>),
    /// Text, as it is.
    Text(String),
}

impl FigureFile {
    fn bytes(&self, path: &Path) -> Result<Cow<'_, [u8]>, ExportError> {
        match self {
            Self::Png(bytes) => Ok(bytes.into()),
            Self::Numbers(values, shape) => npy(values, shape).map(Cow::Owned).map_err(|source| ExportError::Write {
                source,
                path: path.into(),
            }),
            Self::Tensor(values, shape) => tensor(values, shape)
                .map(Cow::Owned)
                .map_err(|source| ExportError::Write {
                    source: io::Error::other(source),
                    path: path.into(),
                }),
            Self::Text(text) => Ok(text.as_bytes().into()),
        }
    }
}

/// Numbers in NumPy's format: 32-bit floats, last axis fastest.
fn npy(values: &[f32], shape: &[usize]) -> io::Result<Vec<u8>> {
    let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let mut writer = options.writer(&mut bytes).begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

/// Numbers as the one tensor of a safetensors file.
fn tensor(values: &[f32], shape: &[usize]) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes)?;
    safetensors::serialize([("maps", view)], None)
}

/// Writes files into a folder, which is made if it is not there; all of them or none.
///
/// # Errors
/// When one of them exists and `overwrite` is not set, or the folder cannot be written to.
pub fn write_figures(
    folder: &Path,
    files: &[(String, FigureFile)],
    overwrite: bool,
) -> Result<Vec<PathBuf>, ExportError> {
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    if let Some(path) = paths.iter().find(|path| !overwrite && staged_file::is_taken(path)) {
        return Err(ExportError::Exists { path: path.clone() });
    }
    let failed = |path: &Path, source| ExportError::Write {
        path: path.into(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|source| ExportError::CreateFolder {
        source,
        path: folder.into(),
    })?;
    let mut staged = Vec::new();
    for (path, (_, file)) in paths.iter().zip(files) {
        staged.push(StagedFile::write(path, &file.bytes(path)?).map_err(|e| failed(path, e))?);
    }
    for (file, path) in staged.into_iter().zip(&paths) {
        file.commit().map_err(|e| failed(path, e))?;
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{ColorMap, Curve};

    #[test]
    fn values_lie_on_their_patches() {
        let photo = Photo::new(4, 2, vec![0; 24]);
        let figure = Figure {
            photo: &photo,
            frame: [0.0, 0.0, 4.0, 2.0],
            grid: [1, 2],
            values: &[0.0, 1.0],
            scale: Scale {
                low: 0.0,
                high: 1.0,
                curve: Curve::Linear,
                map: ColorMap::Grey,
            },
            opacity: 1.0,
            smooth: false,
            marked: None,
            zoom: 1,
            caption: None,
        };
        let row = |figure: &Figure| -> Vec<u8> { figure.draw().rgb.chunks(3).take(4).map(|p| p[0]).collect() };
        assert_eq!(row(&figure), [0, 0, 255, 255]);
        let half = Figure {
            frame: [2.0, 0.0, 6.0, 2.0],
            values: &[1.0, 1.0],
            ..figure
        };
        assert_eq!(
            row(&half),
            [0, 0, 255, 255],
            "the photo is left alone beside the patches"
        );
        let smooth = Figure { smooth: true, ..figure };
        assert_eq!(row(&smooth), [0, 64, 191, 255]);
    }

    #[test]
    fn numbers_are_numpys() {
        let bytes = npy(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]).expect("memory");
        let file = npyz::NpyFile::new(&bytes[..]).expect("an npy file");
        assert_eq!(file.shape(), [2, 3]);
        assert_eq!(file.into_vec::<f32>().expect("floats"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
}
