//! Figures: maps of values over an image, and their numbers as files.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use npyz::WriterBuilder as _;
use safetensors::tensor::{Dtype, TensorView};

use super::caption::Caption;
use super::heat::Scale;
use super::page::Page;
use super::{ExportError, FigureFormat};
use crate::photo::Photo;
use crate::staged_file::{self, StagedFile};

/// What the image of a [`Figure`] looks like under the colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// As it is, with the colours equally opaque everywhere.
    #[default]
    Plain,
    /// Paler and darker, with colours that are clear where values are small: as the window shows maps.
    Muted,
}

impl Ground {
    /// Share of the image's colourfulness and of its light that is left in a muted one.
    pub const MUTED: [f32; 2] = [0.4, 0.76];

    /// Opacity of the colour of a value over a muted image, as a share of that of the largest value. `share` is the
    /// value's place on the scale, 0..=1.
    pub fn clearness(share: f32) -> f32 {
        share.clamp(0.0, 1.0).powf(0.8)
    }

    fn of(self, photo: &Photo) -> Photo {
        let mut image = photo.clone();
        if self == Self::Muted {
            let [colorful, light] = Self::MUTED;
            for pixel in image.rgb.as_chunks_mut::<3>().0 {
                let [r, g, b] = pixel.map(f32::from);
                let grey = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
                *pixel = [r, g, b].map(|value| ((grey + (value - grey) * colorful) * light).round() as u8);
            }
        }
        image
    }
}

/// Weights of the lightness of sRGB values (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A map of the values of patches over an image.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// The image.
    pub photo: &'a Photo,
    /// Left, top, right and bottom of the patches in the image, in pixels; may reach beyond the image.
    pub frame: [f32; 4],
    /// Rows and columns of patches.
    pub grid: [usize; 2],
    /// A value per patch, row by row.
    pub values: &'a [f32],
    /// The scale from values to colours.
    pub scale: Scale,
    /// Red, green and blue per patch, 0..=1, in place of the colours of values; a caption has no colour bar then.
    pub colors: Option<&'a [[f32; 3]]>,
    /// Opacity of the colours over the image, 0..=1.
    pub opacity: f32,
    /// What the image looks like under the colours.
    pub ground: Ground,
    /// Whether to interpolate between the centres of patches.
    pub smooth: bool,
    /// The patch to mark.
    pub marked: Option<usize>,
    /// Enlargement of the figure relative to the image, at least 1.
    pub zoom: usize,
    /// Lines above the figure, with the scale's colours and values at its right; `None` for the figure alone.
    pub caption: Option<&'a [String]>,
}

impl Figure<'_> {
    /// Draws the figure as pixels.
    pub fn draw(&self) -> Photo {
        self.page().draw()
    }

    /// The figure as the bytes of a file.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn encode(&self, format: FigureFormat) -> Result<Vec<u8>, ExportError> {
        self.page().encode(format).map_err(|source| ExportError::Encode {
            source,
            path: PathBuf::new(),
        })
    }

    fn page(&self) -> Page {
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
            return of_larger.page();
        }
        let image = self.heat_over_photo();
        match self.caption {
            Some(lines) => {
                let scale = self.colors.is_none().then_some(self.scale);
                Caption { lines, scale }.around(image)
            }
            None => {
                let mut page = Page::new(image.width, image.height);
                page.picture([0, 0], image);
                page
            }
        }
    }

    fn heat_over_photo(&self) -> Photo {
        let mut image = self.ground.of(self.photo);
        let (width, most) = (image.width, self.opacity.clamp(0.0, 1.0));
        for (i, pixel) in image.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let at = [(i % width) as f32 + 0.5, (i / width) as f32 + 0.5];
            if !self.covers(at) {
                continue;
            }
            let (color, opacity) = match self.colors {
                Some(colors) => {
                    let channel = |c: usize| self.between(at, |patch| colors.get(patch).map_or(0.0, |color| color[c]));
                    ([0, 1, 2].map(|c| (channel(c) * 255.0).round() as u8), most)
                }
                None => {
                    let value = self.between(at, |patch| self.values.get(patch).copied().unwrap_or(0.0));
                    let share = self.scale.share(value);
                    let opacity = match self.ground {
                        Ground::Plain => most,
                        Ground::Muted => most * Ground::clearness(share),
                    };
                    (self.scale.map.color(share), opacity)
                }
            };
            for (channel, color) in pixel.iter_mut().zip(color) {
                *channel = (f32::from(*channel) * (1.0 - opacity) + f32::from(color) * opacity).round() as u8;
            }
        }
        if let Some(patch) = self.marked {
            self.mark(&mut image, patch);
        }
        image
    }

    /// Column and row among the patches, in patches from the left and top edge of the first.
    fn in_grid(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [left, top, right, bottom] = self.frame;
        [
            (x - left) / (right - left) * self.grid[1] as f32,
            (y - top) / (bottom - top) * self.grid[0] as f32,
        ]
    }

    /// Whether patches cover a point of the image.
    fn covers(&self, at: [f32; 2]) -> bool {
        let [x, y] = self.in_grid(at);
        (0.0..self.grid[1] as f32).contains(&x) && (0.0..self.grid[0] as f32).contains(&y)
    }

    /// A quantity of patches at a point of the image, interpolated if the figure is smooth.
    fn between(&self, at: [f32; 2], of_patch: impl Fn(usize) -> f32) -> f32 {
        let [x, y] = self.in_grid(at);
        let [rows, columns] = self.grid;
        let value = |row: f32, column: f32| {
            let row = row.clamp(0.0, rows as f32 - 1.0) as usize;
            let column = column.clamp(0.0, columns as f32 - 1.0) as usize;
            of_patch(row * columns + column)
        };
        if !self.smooth {
            return value(y.floor(), x.floor());
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (across, down) = (x - x.floor(), y - y.floor());
        let line = |row: f32| value(row, x.floor()) * (1.0 - across) + value(row, x.floor() + 1.0) * across;
        line(y.floor()) * (1.0 - down) + line(y.floor() + 1.0) * down
    }

    /// Marks a patch with a white frame and a black one around it.
    fn mark(&self, image: &mut Photo, patch: usize) {
        let [left, top, right, bottom] = self.frame;
        let [rows, columns] = self.grid;
        let (across, down) = ((right - left) / columns as f32, (bottom - top) / rows as f32);
        let x = left + (patch % columns) as f32 * across;
        let y = top + (patch / columns) as f32 * down;
        let thick = (image.width.max(image.height) / 600).max(1) as isize;
        let edges = [x, y, x + across, y + down].map(|edge| edge.round() as isize);
        for (off, color) in [(2 * thick, [0; 3]), (thick, [255; 3])] {
            let [left, top, right, bottom] = edges;
            for py in top - off..bottom + off {
                for px in left - off..right + off {
                    let inner = off - thick;
                    let within =
                        (left - inner..right + inner).contains(&px) && (top - inner..bottom + inner).contains(&py);
                    let there = px >= 0 && py >= 0 && (px as usize) < image.width && (py as usize) < image.height;
                    if !within && there {
                        let at = (py as usize * image.width + px as usize) * 3;
                        image.rgb[at..at + 3].copy_from_slice(&color);
                    }
                }
            }
        }
    }
}

/// A file of a figure.
#[derive(Clone, Debug)]
pub enum FigureFile {
    /// A figure as the bytes of its file, because figures are large and there is one for every head.
    Figure(Vec<u8>),
    /// Numbers with their shape, as NumPy's `.npy`.
    Npy(Vec<f32>, Vec<usize>),
    /// Numbers with their shape, as `.safetensors` under the name `maps`.
    Tensor(Vec<f32>, Vec<usize>),
    /// Text.
    Text(String),
}

impl FigureFile {
    fn bytes(&self, path: &Path) -> Result<Cow<'_, [u8]>, ExportError> {
        match self {
            Self::Figure(bytes) => Ok(bytes.into()),
            Self::Npy(values, shape) => npy(values, shape).map(Cow::Owned).map_err(|source| ExportError::Write {
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

/// Writes files into a folder, which is created if needed; all of them or none.
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
    fn values_are_drawn_on_their_patches() {
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
            colors: None,
            opacity: 1.0,
            ground: Ground::Plain,
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
            "the image is unchanged beside the patches"
        );
        let smooth = Figure { smooth: true, ..figure };
        assert_eq!(row(&smooth), [0, 64, 191, 255]);
        let colored = Figure {
            colors: Some(&[[1.0, 0.0, 0.0], [0.5; 3]]),
            ..figure
        };
        assert_eq!(row(&colored), [255, 255, 128, 128]);
        let light = Photo::new(4, 2, vec![200; 24]);
        let muted = Figure {
            photo: &light,
            ground: Ground::Muted,
            values: &[0.0, 1.0],
            ..figure
        };
        assert_eq!(row(&muted), [152, 152, 255, 255], "clear where values are small");
    }

    #[test]
    fn npy_files_are_read_back() {
        let bytes = npy(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]).expect("memory");
        let file = npyz::NpyFile::new(&bytes[..]).expect("an npy file");
        assert_eq!(file.shape(), [2, 3]);
        assert_eq!(file.into_vec::<f32>().expect("floats"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
}
