//! `segscope attention`, `segscope rollout` and `segscope distance`: a network's attention as images and numbers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::attention::{
    AttentionTrace, Direction, Fusion, HeadMeans, HeadStatistics, LayerId, NetworkPart, Rollout, Token,
};
use crate::export::{ColorMap, Curve, FigureFormat, Ground, write_figures};
use crate::model::Output;
use crate::runtime::{
    FigureContents, FigureMaps, FigureStyle, ImageSource, ModelInfo, NumberFormat, OpenImage, Session, TraceRequest,
    TracedImage,
};
use crate::segment::Region;

use super::device_flags::DeviceFlags;
use super::model_flags::ModelFlags;
use super::output_choice::decoder_of;
use super::printing::{self, err, out};
use super::run_flags::RunFlags;
use super::{described, expanded, open_photo, stopping};

/// The model, and how it runs on an image.
#[derive(Debug, clap::Args)]
struct Model {
    #[command(flatten)]
    file: ModelFlags,
    /// Key of the decoder, such as mask or pup [default: the model's first decoder]
    #[arg(long, value_name = "KEY")]
    decoder: Option<String>,
    #[command(flatten)]
    device: DeviceFlags,
    /// Trace this window of the run at scale 1, counted from 1 row by row [default: the whole image as one window]
    #[arg(long, value_name = "N")]
    in_window: Option<usize>,
    #[command(flatten)]
    run_flags: RunFlags,
}

impl Model {
    fn session(&self) -> Result<(Session, std::sync::Arc<ModelInfo>, Output)> {
        stopping::listen()?;
        let mut session = self.device.session();
        let model = self.file.load(&mut session)?;
        let decoder = decoder_of(&model.spec, self.decoder.as_deref())?;
        Ok((session, model, Output::main(decoder)))
    }

    fn request(&self, session: &mut Session, model: &ModelInfo, output: Output, image: &Path) -> Result<TracedImage> {
        let (named, settings) = self.run_flags.apply(model)?;
        let request = TraceRequest {
            photo: OpenImage {
                id: 0,
                source: ImageSource::Path(image.into()),
                photo: open_photo(image, self.run_flags.opening(), (0, None), &|line| {
                    err!("segscope: {line}")
                })?
                .into(),
            },
            model: model.id,
            output,
            settings,
            region: match self.in_window {
                None => Region::Whole,
                Some(0) => bail!("in-window: expected 1 or more, found 0"),
                Some(window) => Region::Window(window - 1),
            },
        };
        let traced = session.trace_attention(request, &mut |_| stopping::keep_going())?;
        Ok(TracedImage { model: named, ..traced })
    }
}

/// The token whose attention is read.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Query {
    /// Query the patch at this pixel of the image
    #[arg(long, value_name = "X,Y", value_delimiter = ',', num_args = 1)]
    patch: Option<Vec<usize>>,
    /// Query the encoder's class token
    #[arg(long)]
    cls: bool,
    /// Query a class token of the mask transformer, by name or number
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

impl Query {
    fn token(&self, traced: &TracedImage) -> Result<Token> {
        let trace = &traced.trace;
        if let Some(pixel) = &self.patch {
            let [x, y] = &pixel[..] else {
                bail!("patch: expected two numbers, X,Y, found {}", pixel.len());
            };
            let photo = &traced.request.photo.photo;
            ensure!(
                *x < photo.width && *y < photo.height,
                "patch: expected a pixel of the image ({} x {}), found {x},{y}",
                photo.width,
                photo.height
            );
            let at = traced.frame.patch_at([*x as f32 + 0.5, *y as f32 + 0.5], trace.grid);
            let patch = at.with_context(|| format!("patch: expected a pixel of the window, found {x},{y}"))?;
            return Ok(Token::Patch(patch));
        }
        let Some(name) = &self.class else {
            ensure!(
                trace.extra > 0,
                "cls: expected a model with a class token, found one without"
            );
            return Ok(Token::Extra(0));
        };
        ensure!(
            trace.classes > 0,
            "class: expected a mask transformer, which has class tokens, found a decoder without; choose another with --decoder"
        );
        let classes = &traced.model.classes.classes;
        let by_name = classes.iter().position(|class| class.name.eq_ignore_ascii_case(name));
        let by_number = || name.parse().ok().filter(|number| *number < trace.classes);
        let class = by_name.or_else(by_number).with_context(|| {
            let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
            format!("class: expected one of {}, found {name}", names.join(", "))
        })?;
        Ok(Token::Class(class))
    }
}

/// The output folder, and how the figures look.
#[derive(Debug, clap::Args)]
struct Target {
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    overwrite: bool,
    /// Opacity of the colours over the image, 0 to 1
    #[arg(long, default_value_t = 0.8)]
    opacity: f32,
    /// Colour map, from small to large values
    #[arg(long, value_enum, default_value = "blue-yellow")]
    colors: ColorMap,
    /// Curve that maps values to the colour map
    #[arg(long, value_enum, default_value = "root")]
    curve: Curve,
    /// Interpolate between patches
    #[arg(long)]
    smooth: bool,
    /// Scale each map from 0 to its own maximum instead of using one scale for all
    #[arg(long)]
    own_scale: bool,
    /// Enlargement of the figures relative to the image, 1 to 4
    #[arg(long, default_value_t = 1, value_name = "N")]
    scale: usize,
    /// Omit the title and the colour bar
    #[arg(long)]
    plain: bool,
    /// File format of the figures
    #[arg(long, value_enum, default_value = "png", value_name = "FORMAT")]
    figures: FigureFormat,
    /// File format of the numbers
    #[arg(long, value_enum, default_value = "npy")]
    numbers: NumberFormat,
}

impl Target {
    /// Writes an image for each map, all numbers in one file, and their description.
    fn write(&self, traced: &TracedImage, maps: &FigureMaps) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.opacity),
            "opacity: expected 0 to 1, found {}",
            self.opacity
        );
        ensure!(
            (1..=FigureStyle::MAX_ZOOM).contains(&self.scale),
            "scale: expected 1 to {}, found {}",
            FigureStyle::MAX_ZOOM,
            self.scale
        );
        let style = FigureStyle {
            opacity: self.opacity,
            ground: Ground::Plain,
            colors: self.colors,
            curve: self.curve,
            smooth: self.smooth,
            own_scale: self.own_scale,
            zoom: self.scale,
            caption: !self.plain,
            format: self.figures,
            numbers: self.numbers,
        };
        let files = maps.files(traced, &traced.model.classes, &style, FigureContents::ALL)?;
        for path in write_figures(&self.out, &files, self.overwrite)? {
            out!("{}", path.display())?;
        }
        Ok(())
    }
}

/// Write the attention of a patch or a class as images and numbers
#[derive(Debug, clap::Args)]
pub(super) struct Attention {
    /// Image to trace
    image: PathBuf,
    #[command(flatten)]
    query: Query,
    /// Layer of the encoder, or with --class of the mask transformer, counted from 1 [default: the last one]
    #[arg(long, value_name = "L")]
    layer: Option<usize>,
    /// Attention head: all, mean, max or a number counted from 1
    #[arg(long, default_value = "all", value_name = "H")]
    head: String,
    /// Write the attention to the query instead of from it
    #[arg(long)]
    to: bool,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    model: Model,
}

impl Attention {
    pub(super) fn run(&self) -> Result<()> {
        let (mut session, model, output) = self.model.session()?;
        let traced = self.model.request(&mut session, &model, output, &self.image)?;
        let token = self.query.token(&traced)?;
        let place = self.place(&traced.trace, token)?;
        let direction = if self.to { Direction::To } else { Direction::From };
        let rows = traced
            .trace
            .rows(place, token, direction)
            .context("there is no such token")?;
        let heads = match self.head.as_str() {
            "all" => (0..rows.heads())
                .map(|head| (format!("head-{}", head + 1), rows.head(head).to_vec()))
                .collect(),
            "mean" => vec![("mean".to_owned(), rows.mean())],
            "max" => vec![("max".to_owned(), rows.most())],
            number => {
                let head = number
                    .parse::<usize>()
                    .ok()
                    .filter(|head| (1..=rows.heads()).contains(head));
                let head = head.with_context(|| {
                    format!("head: expected all, mean, max or 1 to {}, found {number}", rows.heads())
                })?;
                vec![(format!("head-{head}"), rows.head(head - 1).to_vec())]
            }
        };
        let maps = FigureMaps::of_rows(&traced, (place, token, direction), heads);
        self.target.write(&traced, &maps)
    }

    fn place(&self, trace: &AttentionTrace, token: Token) -> Result<LayerId> {
        let part = token.part();
        let count = trace.layers(part).len();
        let layer = self.layer.unwrap_or(count);
        ensure!(
            (1..=count).contains(&layer),
            "layer: expected 1 to {count}, found {layer}"
        );
        Ok(LayerId { part, layer: layer - 1 })
    }
}

/// Write the attention rollout of a token through all layers as an image and numbers
#[derive(Debug, clap::Args)]
pub(super) struct RolloutOf {
    /// Image to trace
    image: PathBuf,
    #[command(flatten)]
    query: Query,
    /// How to combine the heads of a layer
    #[arg(long, value_enum, default_value = "mean")]
    fusion: Fused,
    /// Share of the smallest values in each row to discard, 0 to 0.99
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    discard: f32,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    model: Model,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Fused {
    /// Mean of the heads
    Mean,
    /// Maximum of the heads
    Max,
    /// Minimum of the heads
    Min,
}

impl RolloutOf {
    pub(super) fn run(&self) -> Result<()> {
        ensure!(
            (0.0..=0.99).contains(&self.discard),
            "discard: expected 0 to 0.99, found {}",
            self.discard
        );
        let (mut session, model, output) = self.model.session()?;
        let traced = self.model.request(&mut session, &model, output, &self.image)?;
        let token = self.query.token(&traced)?;
        let part = token.part();
        let rollout = Rollout {
            fusion: match self.fusion {
                Fused::Mean => Fusion::Mean,
                Fused::Max => Fusion::Max,
                Fused::Min => Fusion::Min,
            },
            discard: self.discard,
        };
        let row = rollout.of(&traced.trace, part, token, || !stopping::is_overdue());
        if stopping::is_overdue() {
            stopping::check()?;
        }
        let row = row.context("there is no such token")?;
        let maps = FigureMaps::of_rollout(&traced, token, &rollout, &row);
        self.target.write(&traced, &maps)
    }
}

/// Print the attention distance and entropy of each head, averaged over images
#[derive(Debug, clap::Args)]
pub(super) struct Distance {
    /// Images and folders of images
    #[arg(required = true, value_name = "IMAGE-or-FOLDER")]
    images: Vec<PathBuf>,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    model: Model,
}

impl Distance {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let images = expanded(&self.images)?;
        let (mut session, model, output) = self.model.session()?;
        let mut means = HeadMeans::default();
        for image in &images {
            if stopping::is_asked() {
                break;
            }
            let traced = match self.model.request(&mut session, &model, output, image) {
                Ok(traced) => traced,
                Err(error) if stopping::is_why(&error) => break,
                Err(error) => {
                    err!("segscope: {}", described(&error));
                    continue;
                }
            };
            let keep_going = || !stopping::is_overdue();
            if let Some(figures) = traced.trace.head_statistics(NetworkPart::Encoder, keep_going) {
                means.add(&figures);
            }
        }
        printing::text(format_args!("{}", self.table(&means, images.len())))?;
        Ok(ExitCode::from(u8::from(means.count() < images.len())))
    }

    fn table(&self, means: &HeadMeans, images: usize) -> String {
        let mut text = match self.csv {
            true => "layer,head,distance_px,entropy\n".to_owned(),
            false => format!(
                "mean over {} of {images} images; distance in pixels of the network's input\n\
                 layer head  distance  entropy\n",
                means.count()
            ),
        };
        let HeadStatistics { distance, entropy } = means.mean();
        for (layer, (distance, entropy)) in distance.iter().zip(&entropy).enumerate() {
            for (head, (distance, entropy)) in distance.iter().zip(entropy).enumerate() {
                let (layer, head) = (layer + 1, head + 1);
                text += &match self.csv {
                    true => format!("{layer},{head},{distance:.3},{entropy:.5}\n"),
                    false => format!("{layer:>5} {head:>4} {distance:>9.2} {entropy:>8.4}\n"),
                };
            }
        }
        text
    }
}
