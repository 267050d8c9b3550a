//! Maps of attention as files: pictures over the photo, numbers, and what the numbers are.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::inspection::Inspection;
use crate::attention::{Direction, Part, Place, Rollout, Token};
use crate::export::{self, ColorMap, Curve, ExportError, Figure, FigureFile, Scale};
use crate::labels::ClassSet;
use crate::photo::Photo;

/// How maps are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureStyle {
    /// How much of the colours shows over the photo, 0..=1.
    pub opacity: f32,
    /// Colours, from small to large.
    pub colors: ColorMap,
    /// How values become colours.
    pub curve: Curve,
    /// Interpolate between patches.
    pub smooth: bool,
    /// Each map goes from 0 to its own largest value, instead of one scale for all.
    pub own_scale: bool,
    /// Sides of the pictures over those of the photo, from 1 to [`FigureStyle::MOST_ZOOM`]; less where a picture would
    /// have more than 67 megapixels.
    pub zoom: usize,
    /// Write a title above each picture and the colours of its scale beside it.
    pub caption: bool,
    /// How the numbers are written.
    pub numbers: NumberFormat,
}

/// A format for numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NumberFormat {
    /// NumPy's.
    #[default]
    Npy,
    /// That of checkpoints; the tensor is called `maps`.
    Safetensors,
}

impl NumberFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Npy, Self::Safetensors];

    /// Ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }
}

impl FigureStyle {
    /// Largest zoom.
    pub const MOST_ZOOM: usize = 4;

    /// Pixels of an enlarged picture at most.
    const MOST_PIXELS: usize = 1 << 26;

    /// The zoom for a photo: less than the wanted one where the picture would be too large.
    fn zoom_for(&self, photo: &Photo) -> usize {
        let fits = |zoom: &usize| photo.width * photo.height * zoom * zoom <= Self::MOST_PIXELS;
        let wanted = self.zoom.clamp(1, Self::MOST_ZOOM);
        (1..=wanted).rev().find(fits).unwrap_or(1)
    }
}

/// What the values of maps go from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From 0 to the largest.
    Largest,
    /// From the least to the largest, with 0 between.
    Both,
    /// From 0 to 1, as they are.
    Shares,
}

/// Maps that belong together.
#[derive(Clone, Debug)]
pub struct FigureMaps {
    /// Whose they are; nobody's where they are about all patches alike.
    token: Option<Token>,
    range: Range,
    /// What they show, for people.
    heading: String,
    /// What their files are called, after the name of the photo.
    stem: String,
    /// A name and a value per patch for each.
    maps: Vec<(String, Vec<f32>)>,
    /// What is said of them beside what every figure says.
    about: Vec<(&'static str, Value)>,
}

/// What to write of an inspection, and where.
#[derive(Clone, Debug)]
pub struct FigureExport {
    /// The inspection.
    pub inspection: Arc<Inspection>,
    /// Names of the classes.
    pub classes: ClassSet,
    /// The maps.
    pub maps: FigureMaps,
    /// How they are drawn.
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
    /// When a picture cannot be a PNG or a file cannot be written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let files = self.maps.files(&self.inspection, &self.classes, &self.style)?;
        export::write_figures(&self.folder, &files, self.overwrite)
    }
}

impl FigureMaps {
    /// Rows or columns of attention in a block, a name and a value per token for each; what lies on other tokens than
    /// patches is told and not drawn.
    pub fn of_rows(
        inspection: &Inspection,
        (place, token, direction): (Place, Token, Direction),
        rows: Vec<(String, Vec<f32>)>,
    ) -> Self {
        let range = inspection.inside.patch_range(place.part);
        let on_patches = |row: &[f32]| row.get(range.clone()).unwrap_or(&[]).to_vec();
        let others = rows
            .iter()
            .map(|(_, row)| row.iter().sum::<f32>() - on_patches(row).iter().sum::<f32>());
        let others: Vec<f32> = others.collect();
        let part = match place.part {
            Part::Encoder => "encoder",
            Part::Decoder => "decoder",
        };
        let what = match direction {
            Direction::From => "what the query looks at",
            Direction::To => "who looks at the query",
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

    /// A row of the rollout over the encoder's tokens.
    pub fn of_rollout(inspection: &Inspection, token: Token, rollout: &Rollout, row: &[f32]) -> Self {
        let patches = row.get(inspection.inside.patch_range(Part::Encoder)).unwrap_or(&[]);
        let fusion = format!("{:?}", rollout.fusion).to_lowercase();
        Self {
            token: Some(token),
            range: Range::Largest,
            heading: format!("Attention rollout, {fusion} of the heads, discard {}", rollout.discard),
            stem: "rollout".into(),
            maps: vec![("map".into(), patches.to_vec())],
            about: vec![
                ("what", "attention rollout through all layers".into()),
                ("fusion", fusion.into()),
                ("discard", rollout.discard.into()),
            ],
        }
    }

    /// Cosines of all patches with a token after a layer, counted from 1.
    pub fn of_similarity(token: Token, layer: usize, values: Vec<f32>) -> Self {
        Self {
            token: Some(token),
            range: Range::Both,
            heading: format!("Cosine with the query's token after layer {layer}"),
            stem: format!("similarity-layer-{layer}"),
            maps: vec![("map".into(), values)],
            about: vec![
                ("what", "cosine with the query's token".into()),
                ("layer", layer.into()),
            ],
        }
    }

    /// Shares, 0..=1, under a name, which is also what they are.
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

    /// A picture for each map, one file with all numbers (`[map, row, column]`), and one that says what they are.
    ///
    /// # Errors
    /// When a picture cannot be a PNG.
    pub fn files(
        &self,
        inspection: &Inspection,
        classes: &ClassSet,
        style: &FigureStyle,
    ) -> Result<Vec<(String, FigureFile)>, ExportError> {
        let stem = format!("{}-{}", inspection.look.photo.source.stem(), self.stem);
        let all: Vec<f32> = self.maps.iter().flat_map(|(_, values)| values).copied().collect();
        let common = self.scale(&all, style);
        let frame = &inspection.frame;
        let grid = inspection.inside.grid;
        let photo = &*inspection.look.photo.photo;
        let pictures = self.maps.iter().map(|(name, values)| {
            let caption = style.caption.then(|| self.caption(inspection, classes, name));
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
            // Encoded at once: the pictures of all heads together may not fit into memory.
            Ok((
                format!("{stem}-{name}.png"),
                FigureFile::Png(export::png(&figure.draw())?),
            ))
        });
        let mut files = pictures.collect::<Result<Vec<_>, ExportError>>()?;
        let shape = vec![self.maps.len(), grid[0], grid[1]];
        let numbers = match style.numbers {
            NumberFormat::Npy => FigureFile::Numbers(all, shape),
            NumberFormat::Safetensors => FigureFile::Tensor(all, shape),
        };
        files.push((format!("{stem}.{}", style.numbers.extension()), numbers));
        let text = format!("{:#}\n", self.described(inspection, classes));
        files.push((format!("{stem}.json"), FigureFile::Text(text)));
        Ok(files)
    }

    /// Lines above a map.
    fn caption(&self, inspection: &Inspection, classes: &ClassSet, map: &str) -> Vec<String> {
        let map = match self.maps.len() {
            1 if map == "map" => String::new(),
            _ => format!(": {}", map.replace('-', " ")),
        };
        let model = inspection.model.output_title(inspection.look.output);
        let mut lines = vec![
            format!("{}{map}", self.heading),
            format!("{model}, {}", inspection.look.photo.source.name()),
        ];
        if let Some(token) = self.token {
            let frame = match token {
                Token::Patch(_) => " (framed)",
                Token::Extra(_) | Token::Class(_) => "",
            };
            lines.push(format!("Query: {}{frame}", query_text(inspection, classes, token)));
        }
        lines
    }

    fn described(&self, inspection: &Inspection, classes: &ClassSet) -> Value {
        let frame = &inspection.frame;
        let names: Vec<&str> = self.maps.iter().map(|(name, _)| name.as_str()).collect();
        let mut about = json!({
            "model": inspection.model.output_title(inspection.look.output),
            "picture": inspection.look.photo.source.name(),
            "axes": ["map", "row of patches", "column of patches"],
            "maps": names,
            "frame": {
                "unit": "pixels of the picture, from its left and top edge",
                "left": frame.left, "top": frame.top, "right": frame.right, "bottom": frame.bottom,
            },
        });
        if let Some(token) = self.token {
            about["query"] = query_text(inspection, classes, token).into();
        }
        for (name, value) in &self.about {
            about[*name] = value.clone();
        }
        about
    }
}

/// Where a patch is in a grid with so many columns, such as `row 11 and column 21`, both counted from 0.
pub fn patch_place(patch: usize, columns: usize) -> String {
    let columns = columns.max(1);
    format!("row {} and column {}", patch / columns, patch % columns)
}

fn query_text(inspection: &Inspection, classes: &ClassSet, token: Token) -> String {
    let columns = inspection.inside.grid[1];
    match token {
        Token::Patch(patch) => format!("patch in {}, from 0", patch_place(patch, columns)),
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
    fn patches_are_counted_from_0() {
        assert_eq!(patch_place(0, 27), "row 0 and column 0");
        assert_eq!(patch_place(11 * 27 + 21, 27), "row 11 and column 21");
    }
}
