//! `segscope labels convert`: labels from one format to another, with the loss told before anything is written.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};

use super::source::{Input, Opened, named};
use crate::cli::printing::{self, err, out};
use crate::cli::{stopping, write_text};
use crate::interchange::{Format, LabelClasses, LabelReader, Loss, Mapping, ReadChoices, Source, Stop, WriteChoices};

/// Convert labels to the format of another program, exactly where that format can hold them
#[derive(Debug, clap::Args)]
pub(super) struct Convert {
    #[command(flatten)]
    input: Input,
    /// Format to write
    #[arg(long, value_name = "FORMAT")]
    to: String,
    /// Folder to write to, empty or new
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Mapping file: a list named map of entries with from and to, names or ids of classes; needed where the format has
    /// its own classes
    #[arg(long, value_name = "FILE.toml")]
    map: Option<PathBuf>,
    /// Write one annotation for each connected part of a class; parts are no instances
    #[arg(long)]
    parts: bool,
    /// Read everything back and compare all pixels
    #[arg(long)]
    check: bool,
    /// Write into a folder that has files; files of the same name are replaced
    #[arg(long)]
    overwrite: bool,
}

impl Convert {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let format = named(&self.to)?;
        self.check_folder()?;
        stopping::listen()?;
        let opened = self.input.open()?;
        let from = opened.format;
        let mapping = self.mapping(&opened, format)?;
        let mut source = Source::new(opened.reader, mapping);
        if let Some(images) = &self.input.images {
            source.name_as_in(images)?;
            source.check_sizes(images, step).map_err(|why| anyhow!(why))?;
        }
        let choices = WriteChoices {
            images: self.input.images.clone(),
            parts: self.parts,
        };
        let classes = source.mapping().classes().clone();
        let writer = format.create(&self.out, &classes, &choices)?;
        if !format.exact {
            let loss = source.loss(writer.as_ref(), step).map_err(|why| anyhow!(why))?;
            tell(&loss, &format!("would change in {}", format.title))?;
        }
        if self.parts {
            err!("segscope: note: each connected part is an annotation of its own; such parts are no instances");
        }
        source.write(writer, step).map_err(|why| anyhow!(why))?;
        printing::notes(&source.remarks());
        if !source.mapping().is_identity() {
            let path = self.out.join("mapping.toml");
            write_text(&path, &source.mapping().text())?;
            tell_mapping(source.mapping())?;
        }
        let count = source.names().len();
        out!(
            "{}: labels of {count} images from {} to {}",
            self.out.display(),
            from.key,
            format.key
        )?;
        if self.check {
            return self.compare(&mut source, format, &classes);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Nothing is lost by mistake.
    fn check_folder(&self) -> Result<()> {
        let mut listed = std::fs::read_dir(&self.out).into_iter().flatten();
        if !self.overwrite && listed.next().is_some() {
            bail!(
                "expected an empty or new folder, found files in it; add --overwrite to write there: {}",
                self.out.display()
            );
        }
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot make the folder {}", self.out.display()))
    }

    /// What becomes of the classes: what the mapping file says, else classes with the same name.
    fn mapping(&self, opened: &Opened, format: &Format) -> Result<Mapping> {
        let from = opened.reader.classes();
        let wanted = format.classes().or_else(|| opened.classes.clone());
        if let Some(path) = &self.map {
            return Ok(Mapping::open(path, from, wanted.as_ref())?);
        }
        let Some(wanted) = wanted else {
            return Ok(Mapping::identity(from));
        };
        Mapping::by_name(from, &wanted).map_err(|missing| {
            anyhow!(
                "expected classes of {}, found {}; say in a mapping file what they become (--map): {}",
                if format.classes().is_some() {
                    format.title
                } else {
                    "the class-set file"
                },
                missing.join(", "),
                self.input.path().display()
            )
        })
    }

    fn compare(&self, source: &mut Source, format: &Format, classes: &LabelClasses) -> Result<ExitCode> {
        if !format.reads() {
            bail!(
                "expected a format that is read back, found {}; leave out --check",
                format.key
            );
        }
        let choices = ReadChoices {
            images: self.input.images.clone(),
            classes: Some(classes.clone()),
        };
        let mut written: Box<dyn LabelReader> = format.open(&self.out, &choices)?;
        let loss = source.compare(written.as_mut(), step).map_err(|why| anyhow!(why))?;
        tell(&loss, "differ after reading back")?;
        Ok(ExitCode::from(u8::from(loss.changed > 0 && format.exact)))
    }
}

/// Between two images.
fn step(_: usize) -> Result<(), Stop> {
    stopping::check().map_err(Into::into)
}

/// Says how many pixels change, and in which images most.
fn tell(loss: &Loss, what: &str) -> Result<()> {
    out!("{} of {} px {what}", loss.changed, loss.pixels)?;
    let mut images: Vec<_> = loss.images.iter().collect();
    images.sort_by_key(|(_, pixels)| std::cmp::Reverse(*pixels));
    for (name, pixels) in images.iter().take(10) {
        out!("  {name}: {pixels} px")?;
    }
    match images.len().saturating_sub(10) {
        0 => Ok(()),
        more => out!("  and {more} other images"),
    }
}

fn tell_mapping(mapping: &Mapping) -> Result<()> {
    out!("classes:")?;
    for (from, to) in mapping.pairs() {
        out!("  {} -> {}", from.name, to.map_or("unlabelled", |to| &to.name))?;
    }
    Ok(())
}
