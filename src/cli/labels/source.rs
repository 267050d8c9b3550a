//! Where labels come from: a folder or file, its format, and its classes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::interchange::{ClassFile, Format, LabelClasses, LabelReader, ReadChoices, Unpacked};

/// Labels to read.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// Folder, file or ZIP archive of labels
    #[arg(value_name = "IN")]
    labels: PathBuf,
    /// Format of the labels [default: recognised by content]
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// Folder of the images: gives their names and sizes, and checks that labels are as large
    #[arg(long, value_name = "DIR")]
    pub(super) images: Option<PathBuf>,
    /// Class-set file with the classes: names for formats that have none, and ids for formats that have names
    #[arg(long, value_name = "FILE.toml")]
    classes: Option<PathBuf>,
}

/// Labels that were opened.
pub(super) struct Opened {
    pub(super) format: &'static Format,
    pub(super) reader: Box<dyn LabelReader>,
    /// Classes of `--classes`.
    pub(super) classes: Option<LabelClasses>,
    /// Keeps what was unpacked.
    _unpacked: Unpacked,
}

impl Input {
    /// Opens the labels.
    ///
    /// # Errors
    /// When the format is unknown or cannot be recognised, or the files are damaged.
    pub(super) fn open(&self) -> Result<Opened> {
        if !self.labels.exists() {
            bail!(
                "expected a folder or file of labels, found nothing: {}",
                self.labels.display()
            );
        }
        let unpacked = Unpacked::open(&self.labels)?;
        let format = match &self.from {
            Some(key) => named(key)?,
            None => Format::of(unpacked.path()).with_context(|| {
                format!(
                    "expected labels in one of the formats that are recognised, found none; name the format with --from: {}",
                    self.labels.display()
                )
            })?,
        };
        let classes = self.classes.as_deref().map(ClassFile::open).transpose()?;
        let classes = classes.map(|file| file.classes);
        let choices = ReadChoices {
            images: self.images.clone(),
            classes: classes.clone(),
        };
        let reader = format.open(unpacked.path(), &choices)?;
        if reader.names().is_empty() {
            bail!(
                "expected labels of at least one image, found none: {}",
                self.labels.display()
            );
        }
        Ok(Opened {
            format,
            reader,
            classes,
            _unpacked: unpacked,
        })
    }

    /// The path that was given.
    pub(super) fn path(&self) -> &Path {
        &self.labels
    }
}

/// The format with a key.
pub(super) fn named(key: &str) -> Result<&'static Format> {
    Format::named(key).with_context(|| {
        let known: Vec<_> = Format::all().iter().map(|format| format.key).collect();
        format!("expected a format ({}), found {key}", known.join(", "))
    })
}
