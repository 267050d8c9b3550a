//! Attention maps as files: images, the values, and a description of them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::figure_style::{FigureContents, FigureStyle, NumberFormat};
use super::traced::TracedImage;
use crate::attention::{Direction, LayerId, NetworkPart, Rollout, Token};
use crate::export::{self, Curve, ExportError, Figure, FigureFile, PlannedFile, Scale};
use crate::labels::ClassSet;
use crate::photo::Photo;

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
    /// Whether the maps are red, green and blue of one figure.
    colored: bool,
    /// The map on the screen: its index, its scale there, and the patches that it leaves out.
    shown: Option<(usize, Scale, Vec<usize>)>,
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
    /// Which files are written.
    pub contents: FigureContents,
    /// Target folder.
    pub folder: PathBuf,
    /// Replace existing files.
    pub overwrite: bool,
}

impl FigureExport {
    /// The files that [`FigureExport::write`] would write.
    pub(crate) fn plan(&self) -> Vec<PlannedFile> {
        let photo = &*self.traced.request.photo.photo;
        let zoom = self.style.zoom_for(photo);
        let pixels = (photo.width * photo.height * zoom * zoom) as u64;
        let values: usize = self.maps.maps.iter().map(|(_, values)| 4 * values.len()).sum();
        let planned = |(name, file): (String, MapFile)| {
            let path = self.folder.join(name);
            let (description, bytes) = match file {
                MapFile::Figure(_) => ("Figure", 2 * pixels),
                MapFile::Values => ("Values of all maps", values as u64 + 128),
                MapFile::Description => ("Description of the values", 1 << 10),
            };
            PlannedFile::at(path, description, bytes)
        };
        let names = self.maps.names(&self.traced, &self.style, self.contents);
        names.into_iter().map(planned).collect()
    }

    /// The figure of the map on the screen, or of the first, with a photo of at most `side` pixels; smaller than it
    /// is written.
    pub(crate) fn preview(&self, side: usize) -> Photo {
        let shown = self.maps.shown.as_ref().map_or(0, |(index, ..)| *index);
        let photo = &*self.traced.request.photo.photo;
        let longest = photo.width.max(photo.height).max(1);
        let scaled = |length: usize| (length * side.min(longest) / longest).max(1);
        let small = photo.resized(scaled(photo.width), scaled(photo.height));
        let style = FigureStyle { zoom: 1, ..self.style };
        let (traced, classes) = (&self.traced, &self.classes);
        self.maps
            .with_figure(shown, (traced, classes), &style, &small, |figure| figure.draw())
    }

    /// Writes the files and returns their paths.
    ///
    /// # Errors
    /// When a figure cannot be encoded or a file cannot be written.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>, ExportError> {
        let files = self
            .maps
            .files(&self.traced, &self.classes, &self.style, self.contents)?;
        export::write_figures(&self.folder, &files, self.overwrite)
    }
}

/// What a file holds.
#[derive(Clone, Copy)]
enum MapFile {
    /// The figure of the map at this index.
    Figure(usize),
    Values,
    Description,
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
            colored: false,
            shown: None,
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
            colored: false,
            shown: None,
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
            colored: false,
            shown: None,
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
            colored: false,
            shown: None,
            about: vec![("what", name.into())],
        }
    }

    /// The main components of all patches after a layer, which is counted from 1, as colours.
    pub fn of_colors(layer: usize, colors: &[[f32; 3]]) -> Self {
        let channel = |index: usize| colors.iter().map(|color| color[index]).collect();
        let names = ["red", "green", "blue"];
        Self {
            token: None,
            range: Range::Shares,
            heading: format!("Main components of the patches after layer {layer} as colours"),
            stem: format!("pca-layer-{layer}"),
            maps: (0..3).map(|c| (names[c].to_owned(), channel(c))).collect(),
            colored: true,
            shown: None,
            about: vec![
                (
                    "what",
                    "the first three principal components of the patches, each scaled to 0..1".into(),
                ),
                ("layer", layer.into()),
            ],
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

    /// The same maps, of which this one is on the screen: its name, its scale there, and the patches that it leaves
    /// out. Its figure looks like the screen; unchanged if there is no such map.
    #[must_use]
    pub fn shown_as(mut self, name: &str, scale: Scale, left_out: &[usize]) -> Self {
        let index = self.maps.iter().position(|(map, _)| map == name);
        self.shown = index.map(|index| (index, scale, left_out.to_vec()));
        self
    }

    /// Number of figures.
    pub fn count(&self) -> usize {
        if self.colored { 1 } else { self.maps.len() }
    }

    /// The files' names and what they hold.
    fn names(&self, traced: &TracedImage, style: &FigureStyle, contents: FigureContents) -> Vec<(String, MapFile)> {
        let stem = format!("{}-{}", traced.request.photo.source.stem(), self.stem);
        let shown = self.shown.as_ref().map_or(0, |(index, ..)| *index);
        let mut names = Vec::new();
        if self.colored && contents.shown {
            names.push((format!("{stem}.{}", style.format.extension()), MapFile::Figure(0)));
        }
        let single = self.maps.iter().filter(|_| !self.colored);
        for (index, (name, _)) in single.enumerate() {
            if (index == shown && contents.shown) || (index != shown && contents.others) {
                let file = format!("{stem}-{name}.{}", style.format.extension());
                names.push((file, MapFile::Figure(index)));
            }
        }
        if contents.values {
            names.push((format!("{stem}.{}", style.numbers.extension()), MapFile::Values));
            names.push((format!("{stem}.json"), MapFile::Description));
        }
        names
    }

    /// The files: an image per map, one file with all values (`[map, row, column]`), and a description in JSON.
    ///
    /// # Errors
    /// When a figure cannot be encoded.
    pub fn files(
        &self,
        traced: &TracedImage,
        classes: &ClassSet,
        style: &FigureStyle,
        contents: FigureContents,
    ) -> Result<Vec<(String, FigureFile)>, ExportError> {
        let names = self.names(traced, style, contents);
        let grid = traced.trace.grid;
        let photo = &*traced.request.photo.photo;
        let file = |what: MapFile| {
            Ok(match what {
                // Each image is encoded immediately: those of all heads together may not fit into memory.
                MapFile::Figure(index) => {
                    FigureFile::Figure(self.with_figure(index, (traced, classes), style, photo, |figure| {
                        figure.encode(style.format)
                    })?)
                }
                MapFile::Values => {
                    let all: Vec<f32> = self.maps.iter().flat_map(|(_, values)| values).copied().collect();
                    let shape = vec![self.maps.len(), grid[0], grid[1]];
                    match style.numbers {
                        NumberFormat::Npy => FigureFile::Npy(all, shape),
                        NumberFormat::Safetensors => FigureFile::Tensor(all, shape),
                    }
                }
                MapFile::Description => FigureFile::Text(format!("{:#}\n", self.described(traced, classes))),
            })
        };
        let files = names.into_iter().map(|(name, what)| Ok((name, file(what)?)));
        files.collect()
    }

    /// Hands the figure of a map over `photo`, which may be a smaller copy of the traced one, to `then`.
    fn with_figure<R>(
        &self,
        index: usize,
        (traced, classes): (&TracedImage, &ClassSet),
        style: &FigureStyle,
        photo: &Photo,
        then: impl FnOnce(&Figure) -> R,
    ) -> R {
        let empty = (String::new(), Vec::new());
        let (name, values) = self.maps.get(index).unwrap_or(&empty);
        let on_screen = self.shown.as_ref().filter(|(shown, ..)| *shown == index);
        let (values, scale) = match on_screen {
            Some((_, scale, left_out)) => {
                let mut values = values.clone();
                for patch in left_out {
                    if let Some(value) = values.get_mut(*patch) {
                        *value = 0.0;
                    }
                }
                (values, *scale)
            }
            None if style.own_scale => (values.clone(), self.scale(values, style)),
            None => {
                let all: Vec<f32> = self.maps.iter().flat_map(|(_, values)| values).copied().collect();
                (values.clone(), self.scale(&all, style))
            }
        };
        let caption = style.caption.then(|| self.caption(traced, classes, name));
        let channel = |c: usize, patch: usize| self.maps.get(c).and_then(|(_, values)| values.get(patch).copied());
        let colors: Option<Vec<[f32; 3]>> = self.colored.then(|| {
            let patches = 0..values.len();
            patches
                .map(|patch| [0, 1, 2].map(|c| channel(c, patch).unwrap_or(0.0)))
                .collect()
        });
        let frame = &traced.frame;
        let reduced = photo.width as f32 / traced.request.photo.photo.width.max(1) as f32;
        then(&Figure {
            photo,
            frame: [frame.left, frame.top, frame.right, frame.bottom].map(|edge| edge * reduced),
            grid: traced.trace.grid,
            values: &values,
            scale,
            colors: colors.as_deref(),
            opacity: style.opacity,
            ground: style.ground,
            smooth: style.smooth,
            marked: match self.token {
                Some(Token::Patch(patch)) => Some(patch),
                _ => None,
            },
            zoom: style.zoom_for(photo),
            caption: caption.as_deref(),
        })
    }

    /// The lines of text above a map.
    fn caption(&self, traced: &TracedImage, classes: &ClassSet, map: &str) -> Vec<String> {
        let map = match self.maps.len() {
            1 if map == "map" => String::new(),
            _ if self.colored => String::new(),
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
