//! Attention maps as files: images, the values, and a description of them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::traced::TracedImage;
use crate::attention::{Direction, LayerId, NetworkPart, Rollout, Token};
use crate::export::{self, ColorMap, Curve, ExportError, Figure, FigureFile, FigureFormat, Scale};
use crate::labels::ClassSet;
use crate::photo::Photo;

/// How attention maps are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureStyle {
    /// Opacity of the colours over the image, 0..=1.
    pub opacity: f32,
    /// Colour map, from small to large values.
    pub colors: ColorMap,
    /// Curve that is applied to values before they are coloured.
    pub curve: Curve,
    /// Interpolate between patches.
    pub smooth: bool,
    /// Scale each map to its own largest value, instead of all maps to a common one.
    pub own_scale: bool,
    /// Factor by which the sides are enlarged, from 1 to [`FigureStyle::MAX_ZOOM`]; reduced where the result would
    /// have more than 67 megapixels.
    pub zoom: usize,
    /// Write a title above each image and draw the colour scale beside it.
    pub caption: bool,
    /// The kind of file of the figures.
    pub format: FigureFormat,
    /// File format of the values.
    pub numbers: NumberFormat,
}

/// File format for the values of attention maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NumberFormat {
    /// NumPy array.
    #[default]
    Npy,
    /// Safetensors file; the tensor is called `maps`.
    Safetensors,
}

impl NumberFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Npy, Self::Safetensors];

    /// File extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }
}

impl FigureStyle {
    /// Maximum zoom.
    pub const MAX_ZOOM: usize = 4;

    /// Maximum number of pixels of an enlarged image.
    const MAX_PIXELS: usize = 1 << 26;

    /// The zoom for a photo: reduced where the enlarged image would be too large.
    fn zoom_for(&self, photo: &Photo) -> usize {
        let fits = |zoom: &usize| photo.width * photo.height * zoom * zoom <= Self::MAX_PIXELS;
        let wanted = self.zoom.clamp(1, Self::MAX_ZOOM);
        (1..=wanted).rev().find(fits).unwrap_or(1)
    }
}

/// The range of values that the colours cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From 0 to the largest value.
    Largest,
    /// From the smallest to the largest value, with 0 in between.
    Both,
    /// From 0 to 1.
    Shares,
}

/// Attention maps that are exported together.
#[derive(Clone, Debug)]
pub struct FigureMaps {
    /// The query; `None` where the maps do not depend on one.
    token: Option<Token>,
    range: Range,
    /// Heading in the captions.
    heading: String,
    /// Suffix of the file names, after the name of the image.
    stem: String,
    /// Each map's name and its values, one per patch.
    maps: Vec<(String, Vec<f32>)>,
    /// Entries of the description in addition to those of every export.
    about: Vec<(&'static str, Value)>,
}

/// An export of attention maps.
#[derive(Clone, Debug)]
pub struct FigureExport {
    /// The trace that the maps come from.
    pub traced: Arc<TracedImage>,
    /// Class names.
    pub classes: ClassSet,
    /// The maps.
    pub maps: FigureMaps,
    /// How the maps are drawn.
    pub style: FigureStyle,
    /// Target folder.
    pub folder: PathBuf,
    /// Replace existing files.
    pub overwrite: bool,
}

impl FigureExport {
    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// When a figure cannot be encoded or a file cannot be written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let files = self.maps.files(&self.traced, &self.classes, &self.style)?;
        export::write_figures(&self.folder, &files, self.overwrite)
    }
}

impl FigureMaps {
    /// Rows or columns of a layer's attention, each with a name and one value per token.
    ///
    /// The attention on tokens other than patches is reported as a number and not drawn.
    pub fn of_rows(
        traced: &TracedImage,
        (place, token, direction): (LayerId, Token, Direction),
        rows: Vec<(String, Vec<f32>)>,
    ) -> Self {
        let range = traced.trace.patch_range(place.part);
        let on_patches = |row: &[f32]| row.get(range.clone()).unwrap_or(&[]).to_vec();
        let others = rows
            .iter()
            .map(|(_, row)| row.iter().sum::<f32>() - on_patches(row).iter().sum::<f32>());
        let others: Vec<f32> = others.collect();
        let part = match place.part {
            NetworkPart::Encoder => "encoder",
            NetworkPart::Decoder => "decoder",
        };
        let what = match direction {
            Direction::From => "what the query attends to",
            Direction::To => "what attends to the query",
        };
        let layer = place.layer + 1;
        Self {
            token: Some(token),
            range: Range::Largest,
            heading: format!("{}{} layer {layer}, {what}", part[..1].to_uppercase(), &part[1..]),
            stem: format!("{part}-layer-{layer}"),
            maps: rows.into_iter().map(|(name, row)| (name, on_patches(&row))).collect(),
            about: vec![
                ("what", what.into()),
                ("part", part.into()),
                ("layer", layer.into()),
                ("on tokens that are no patches, per map", others.into()),
            ],
        }
    }

    /// A row of the attention rollout over the encoder's tokens.
    pub fn of_rollout(traced: &TracedImage, token: Token, rollout: &Rollout, row: &[f32]) -> Self {
        let patches = row.get(traced.trace.patch_range(NetworkPart::Encoder)).unwrap_or(&[]);
        let fusion = format!("{:?}", rollout.fusion).to_lowercase();
        Self {
            token: Some(token),
            range: Range::Largest,
            heading: format!("Attention rollout, {fusion} over heads, discard {}", rollout.discard),
            stem: "rollout".into(),
            maps: vec![("map".into(), patches.to_vec())],
            about: vec![
                ("what", "attention rollout through all layers".into()),
                ("fusion", fusion.into()),
                ("discard", rollout.discard.into()),
            ],
        }
    }

    /// Cosine similarity of all patches with a token after a layer; layers are counted from 1.
    pub fn of_similarity(token: Token, layer: usize, values: Vec<f32>) -> Self {
        Self {
            token: Some(token),
            range: Range::Both,
            heading: format!("Cosine similarity with the query token after layer {layer}"),
            stem: format!("similarity-layer-{layer}"),
            maps: vec![("map".into(), values)],
            about: vec![
                ("what", "cosine similarity with the query token".into()),
                ("layer", layer.into()),
            ],
        }
    }

    /// A map of values in 0..=1; `name` is the heading, the file name and the description.
    pub fn of_shares(name: &str, values: Vec<f32>) -> Self {
        Self {
            token: None,
            range: Range::Shares,
            heading: format!("{}{}", name[..1].to_uppercase(), &name[1..]),
            stem: name.replace(' ', "-").to_lowercase(),
            maps: vec![("map".into(), values)],
            about: vec![("what", name.into())],
        }
    }

    fn scale(&self, values: &[f32], style: &FigureStyle) -> Scale {
        match self.range {
            Range::Largest => Scale::to_largest(values.iter(), style.curve, style.colors),
            Range::Both => Scale::over(values, style.curve, style.colors),
            Range::Shares => Scale {
                low: 0.0,
                high: 1.0,
                curve: Curve::Linear,
                map: style.colors,
            },
        }
    }

    /// The files: one image per map, one file with all values (`[map, row, column]`), and a description in JSON.
    ///
    /// # Errors
    /// When a figure cannot be encoded.
    pub fn files(
        &self,
        traced: &TracedImage,
        classes: &ClassSet,
        style: &FigureStyle,
    ) -> Result<Vec<(String, FigureFile)>, ExportError> {
        let stem = format!("{}-{}", traced.request.photo.source.stem(), self.stem);
        let all: Vec<f32> = self.maps.iter().flat_map(|(_, values)| values).copied().collect();
        let common = self.scale(&all, style);
        let frame = &traced.frame;
        let grid = traced.trace.grid;
        let photo = &*traced.request.photo.photo;
        let images = self.maps.iter().map(|(name, values)| {
            let caption = style.caption.then(|| self.caption(traced, classes, name));
            let figure = Figure {
                photo,
                frame: [frame.left, frame.top, frame.right, frame.bottom],
                grid,
                values,
                scale: match style.own_scale {
                    true => self.scale(values, style),
                    false => common,
                },
                opacity: style.opacity,
                smooth: style.smooth,
                marked: match self.token {
                    Some(Token::Patch(patch)) => Some(patch),
                    _ => None,
                },
                zoom: style.zoom_for(photo),
                caption: caption.as_deref(),
            };
            // Each image is encoded immediately: those of all heads together may not fit into memory.
            Ok((
                format!("{stem}-{name}.{}", style.format.extension()),
                FigureFile::Figure(figure.encode(style.format)?),
            ))
        });
        let mut files = images.collect::<Result<Vec<_>, ExportError>>()?;
        let shape = vec![self.maps.len(), grid[0], grid[1]];
        let numbers = match style.numbers {
            NumberFormat::Npy => FigureFile::Npy(all, shape),
            NumberFormat::Safetensors => FigureFile::Tensor(all, shape),
        };
        files.push((format!("{stem}.{}", style.numbers.extension()), numbers));
        let text = format!("{:#}\n", self.described(traced, classes));
        files.push((format!("{stem}.json"), FigureFile::Text(text)));
        Ok(files)
    }

    /// The lines of text above a map.
    fn caption(&self, traced: &TracedImage, classes: &ClassSet, map: &str) -> Vec<String> {
        let map = match self.maps.len() {
            1 if map == "map" => String::new(),
            _ => format!(": {}", map.replace('-', " ")),
        };
        let model = traced.model.output_title(traced.request.output);
        let mut lines = vec![
            format!("{}{map}", self.heading),
            format!("{model}, {}", traced.request.photo.source.name()),
        ];
        if let Some(token) = self.token {
            let frame = match token {
                Token::Patch(_) => " (framed)",
                Token::Extra(_) | Token::Class(_) => "",
            };
            lines.push(format!("Query: {}{frame}", query_text(traced, classes, token)));
        }
        lines
    }

    fn described(&self, traced: &TracedImage, classes: &ClassSet) -> Value {
        let frame = &traced.frame;
        let names: Vec<&str> = self.maps.iter().map(|(name, _)| name.as_str()).collect();
        let mut about = json!({
            "model": traced.model.output_title(traced.request.output),
            "picture": traced.request.photo.source.name(),
            "axes": ["map", "row of patches", "column of patches"],
            "maps": names,
            "frame": {
                "unit": "pixels of the image, from its left and top edge",
                "left": frame.left, "top": frame.top, "right": frame.right, "bottom": frame.bottom,
            },
        });
        if let Some(token) = self.token {
            about["query"] = query_text(traced, classes, token).into();
        }
        for (name, value) in &self.about {
            about[*name] = value.clone();
        }
        about
    }
}

/// The position of a patch in a grid with `columns` columns, such as `row 11 and column 21`, both counted from 0.
pub fn patch_place(patch: usize, columns: usize) -> String {
    let columns = columns.max(1);
    format!("row {} and column {}", patch / columns, patch % columns)
}

fn query_text(traced: &TracedImage, classes: &ClassSet, token: Token) -> String {
    let columns = traced.trace.grid[1];
    match token {
        Token::Patch(patch) => format!("patch in {}, counted from 0", patch_place(patch, columns)),
        Token::Extra(0) => "class token".into(),
        Token::Extra(_) => "distillation token".into(),
        Token::Class(class) => {
            let named = classes.classes.get(class);
            format!("class token {class}, {}", named.map_or("", |class| class.name.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::patch_place;

    #[test]
    fn patch_position_is_counted_from_0() {
        assert_eq!(patch_place(0, 27), "row 0 and column 0");
        assert_eq!(patch_place(11 * 27 + 21, 27), "row 11 and column 21");
    }
}
