//! `segscope attention`, `segscope rollout` and `segscope distance`: what a network looks at, as pictures and numbers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::attention::{Direction, Fusion, HeadMeans, HeadStatistics, Inside, Part, Place, Rollout, Token};
use crate::export::{ColorMap, Curve, write_figures};
use crate::model::Output;
use crate::runtime::{
    DeviceChoice, FigureMaps, FigureStyle, Inspection, Look, ModelInfo, NumberFormat, OpenPhoto, PhotoSource, Session,
};
use crate::segment::Region;

use super::model_flags::ModelFlags;
use super::output_choice::decoder_of;
use super::run_flags::RunFlags;
use super::said::{self, err, out};
use super::{described, expanded, open_photo, stopping};

/// The model, and how it sees a picture.
#[derive(Debug, clap::Args)]
struct Model {
    #[command(flatten)]
    file: ModelFlags,
    /// Decoder by its key, such as mask or pup; the model's first one without it
    #[arg(long, value_name = "KEY")]
    decoder: Option<String>,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceChoice,
    /// Look into this window of the plain run, from 1, instead of the whole picture at once
    #[arg(long, value_name = "N")]
    in_window: Option<usize>,
    #[command(flatten)]
    run_flags: RunFlags,
}

impl Model {
    fn session(&self) -> Result<(Session, std::sync::Arc<ModelInfo>, Output)> {
        stopping::listen()?;
        let mut session = Session::new(self.device);
        let model = self.file.load(&mut session)?;
        let decoder = decoder_of(&model.spec, self.decoder.as_deref())?;
        Ok((session, model, Output::main(decoder)))
    }

    fn look(&self, session: &mut Session, model: &ModelInfo, output: Output, picture: &Path) -> Result<Inspection> {
        let (named, settings) = self.run_flags.apply(model)?;
        let look = Look {
            photo: OpenPhoto {
                id: 0,
                source: PhotoSource::Path(picture.into()),
                photo: open_photo(picture, self.run_flags.opening(), (0, None), &|line| {
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
        let inspection = session.look_inside(look, &mut |_| stopping::go_on())?;
        Ok(Inspection {
            model: named,
            ..inspection
        })
    }
}

/// Whose attention is wanted.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Query {
    /// The patch at this pixel of the picture
    #[arg(long, value_name = "X,Y", value_delimiter = ',', num_args = 1)]
    patch: Option<Vec<usize>>,
    /// The encoder's class token
    #[arg(long)]
    cls: bool,
    /// A class token of the mask transformer, by name or number
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

impl Query {
    fn token(&self, inspection: &Inspection) -> Result<Token> {
        let inside = &inspection.inside;
        if let Some(pixel) = &self.patch {
            let [x, y] = &pixel[..] else {
                bail!("patch: expected two numbers, X,Y, found {}", pixel.len());
            };
            let photo = &inspection.look.photo.photo;
            ensure!(
                *x < photo.width && *y < photo.height,
                "patch: expected a pixel of the picture ({} x {}), found {x},{y}",
                photo.width,
                photo.height
            );
            let at = inspection
                .frame
                .patch_at([*x as f32 + 0.5, *y as f32 + 0.5], inside.grid);
            let patch = at.with_context(|| format!("patch: expected a pixel of the window, found {x},{y}"))?;
            return Ok(Token::Patch(patch));
        }
        let Some(name) = &self.class else {
            ensure!(
                inside.extra > 0,
                "cls: expected a model with a class token, found one without"
            );
            return Ok(Token::Extra(0));
        };
        ensure!(
            inside.classes > 0,
            "class: expected a mask transformer, which has class tokens, found a decoder without; choose another with --decoder"
        );
        let classes = &inspection.model.classes.classes;
        let by_name = classes.iter().position(|class| class.name.eq_ignore_ascii_case(name));
        let by_number = || name.parse().ok().filter(|number| *number < inside.classes);
        let class = by_name.or_else(by_number).with_context(|| {
            let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
            format!("class: expected one of {}, found {name}", names.join(", "))
        })?;
        Ok(Token::Class(class))
    }
}

/// Where it goes and how it looks.
#[derive(Debug, clap::Args)]
struct Target {
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write over existing files
    #[arg(long)]
    overwrite: bool,
    /// How much of the colours shows over the picture, 0 to 1
    #[arg(long, default_value_t = 0.8)]
    opacity: f32,
    /// Colours, from small to large
    #[arg(long, value_enum, default_value = "blue-yellow")]
    colors: ColorMap,
    /// How values become colours
    #[arg(long, value_enum, default_value = "root")]
    curve: Curve,
    /// Interpolate between patches
    #[arg(long)]
    smooth: bool,
    /// Let each map go from 0 to its own largest value, instead of one scale for all
    #[arg(long)]
    own_scale: bool,
    /// Sides of the pictures over those of the photo, 1 to 4
    #[arg(long, default_value_t = 1, value_name = "N")]
    scale: usize,
    /// Leave out title and colour bar
    #[arg(long)]
    plain: bool,
    /// How the numbers are written
    #[arg(long, value_enum, default_value = "npy")]
    numbers: NumberFormat,
}

impl Target {
    /// Maps with their names, all numbers in one file, and what they are.
    fn write(&self, inspection: &Inspection, maps: &FigureMaps) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.opacity),
            "opacity: expected 0 to 1, found {}",
            self.opacity
        );
        ensure!(
            (1..=FigureStyle::MOST_ZOOM).contains(&self.scale),
            "scale: expected 1 to {}, found {}",
            FigureStyle::MOST_ZOOM,
            self.scale
        );
        let style = FigureStyle {
            opacity: self.opacity,
            colors: self.colors,
            curve: self.curve,
            smooth: self.smooth,
            own_scale: self.own_scale,
            zoom: self.scale,
            caption: !self.plain,
            numbers: self.numbers,
        };
        let files = maps.files(inspection, &inspection.model.classes, &style)?;
        for path in write_figures(&self.out, &files, self.overwrite)? {
            out!("{}", path.display())?;
        }
        Ok(())
    }
}

/// Write what a patch or a class looks at, as pictures and numbers
#[derive(Debug, clap::Args)]
pub(super) struct Attention {
    /// The picture
    picture: PathBuf,
    #[command(flatten)]
    query: Query,
    /// Layer, from 1: of the encoder, or with --class of the mask transformer; the last one without it
    #[arg(long, value_name = "L")]
    layer: Option<usize>,
    /// all, mean, max, or the number of a head, from 1
    #[arg(long, default_value = "all", value_name = "H")]
    head: String,
    /// Who looks at the query, instead of what it looks at
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
        let inspection = self.model.look(&mut session, &model, output, &self.picture)?;
        let token = self.query.token(&inspection)?;
        let place = self.place(&inspection.inside, token)?;
        let direction = if self.to { Direction::To } else { Direction::From };
        let rows = inspection
            .inside
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
        let maps = FigureMaps::of_rows(&inspection, (place, token, direction), heads);
        self.target.write(&inspection, &maps)
    }

    fn place(&self, inside: &Inside, token: Token) -> Result<Place> {
        let part = token.part();
        let count = inside.layers(part).len();
        let layer = self.layer.unwrap_or(count);
        ensure!(
            (1..=count).contains(&layer),
            "layer: expected 1 to {count}, found {layer}"
        );
        Ok(Place { part, layer: layer - 1 })
    }
}

/// Write what a token is made of through all layers (attention rollout), as a picture and numbers
#[derive(Debug, clap::Args)]
pub(super) struct RolloutOf {
    /// The picture
    picture: PathBuf,
    #[command(flatten)]
    query: Query,
    /// How the heads of a layer become one
    #[arg(long, value_enum, default_value = "mean")]
    fusion: Fused,
    /// Share of each row's smallest values that is dropped, 0 to 0.99
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    discard: f32,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    model: Model,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Fused {
    /// Their mean
    Mean,
    /// The largest of them
    Max,
    /// The smallest of them
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
        let inspection = self.model.look(&mut session, &model, output, &self.picture)?;
        let token = self.query.token(&inspection)?;
        let part = token.part();
        let rollout = Rollout {
            fusion: match self.fusion {
                Fused::Mean => Fusion::Mean,
                Fused::Max => Fusion::Max,
                Fused::Min => Fusion::Min,
            },
            discard: self.discard,
        };
        let row = rollout.of(&inspection.inside, part, token, || !stopping::is_overdue());
        if stopping::is_overdue() {
            stopping::check()?;
        }
        let row = row.context("there is no such token")?;
        let maps = FigureMaps::of_rollout(&inspection, token, &rollout, &row);
        self.target.write(&inspection, &maps)
    }
}

/// Print how far and how sharply each head looks, averaged over pictures
#[derive(Debug, clap::Args)]
pub(super) struct Distance {
    /// Pictures, and folders of pictures
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    model: Model,
}

impl Distance {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let pictures = expanded(&self.pictures)?;
        let (mut session, model, output) = self.model.session()?;
        let mut means = HeadMeans::default();
        for picture in &pictures {
            if stopping::is_asked() {
                break;
            }
            let inspection = match self.model.look(&mut session, &model, output, picture) {
                Ok(inspection) => inspection,
                Err(error) if stopping::is_why(&error) => break,
                Err(error) => {
                    err!("segscope: {}", described(&error));
                    continue;
                }
            };
            let go_on = || !stopping::is_overdue();
            if let Some(figures) = inspection.inside.head_statistics(Part::Encoder, go_on) {
                means.add(&figures);
            }
        }
        said::text(format_args!("{}", self.table(&means, pictures.len())))?;
        Ok(ExitCode::from(u8::from(means.count() < pictures.len())))
    }

    fn table(&self, means: &HeadMeans, pictures: usize) -> String {
        let mut text = match self.csv {
            true => "layer,head,distance_px,entropy\n".to_owned(),
            false => format!(
                "mean over {} of {pictures} pictures; distance in pixels as the network sees them\n\
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
