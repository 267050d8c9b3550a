//! What `segscope segment` writes, and files of other programs that hold the labels of all images.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum as _;

use crate::export;
use crate::interchange::{self, LabelClasses, LabelWriter, LabelledImage, Mapping, WriteChoices};
use crate::labels::{ClassSet, LabelMap};

/// A form of output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// Images beside each other, one or more for each image.
    Images(export::Format),
    /// Files of another program for all images.
    Exchange(&'static interchange::Format),
}

impl Wanted {
    /// Parses a key, for the command line.
    ///
    /// # Errors
    /// When there is no such form.
    pub(super) fn parse(key: &str) -> Result<Self, String> {
        if let Ok(format) = export::Format::from_str(key, false) {
            return Ok(Self::Images(format));
        }
        let found = interchange::Format::named(key).filter(|format| format.writes());
        found.map(Self::Exchange).ok_or_else(|| {
            let own = export::Format::value_variants()
                .iter()
                .filter_map(|format| format.to_possible_value());
            let own: Vec<_> = own.map(|value| value.get_name().to_owned()).collect();
            format!(
                "expected one of {}, or a format of segscope labels, found {key}",
                own.join(", ")
            )
        })
    }
}

/// Files of one program.
struct Target {
    folder: PathBuf,
    mapping: Mapping,
    writer: Box<dyn LabelWriter>,
}

/// Files of other programs, which the threads that write fill image by image.
pub(super) struct Exchange(Mutex<Vec<Target>>);

impl Exchange {
    /// Makes the files' folders, one for each form.
    ///
    /// # Errors
    /// When a folder has files and may not be written to, or a format has classes of its own that the model lacks.
    pub(super) fn create(wanted: &[Wanted], out: &Path, classes: &ClassSet, overwrite: bool) -> Result<Self> {
        let from = LabelClasses::from(classes);
        let mut targets = Vec::new();
        for wanted in wanted {
            let Wanted::Exchange(format) = wanted else { continue };
            let folder = out.join(format.key);
            let is_used = std::fs::read_dir(&folder).is_ok_and(|mut listed| listed.next().is_some());
            if is_used && !overwrite {
                bail!(
                    "expected an empty or new folder, found files in it; add --overwrite to write there: {}",
                    folder.display()
                );
            }
            let mapping = match format.classes() {
                None => Mapping::identity(&from),
                Some(own) => Mapping::by_name(&from, &own).map_err(|missing| {
                    anyhow!(
                        "expected classes of {}, found {}; write labels and say with segscope labels convert --map what \
                         they become",
                        format.title,
                        missing.join(", ")
                    )
                })?,
            };
            let writer = format.create(&folder, mapping.classes(), &WriteChoices::default())?;
            targets.push(Target {
                folder,
                mapping,
                writer,
            });
        }
        Ok(Self(Mutex::new(targets)))
    }

    /// Adds the labels of an image.
    ///
    /// # Errors
    /// When a format cannot hold them, or a file cannot be written.
    pub(super) fn add(&self, name: &str, map: &LabelMap) -> Result<()> {
        let mut targets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for target in targets.iter_mut() {
            let mut labels = map.clone();
            target.mapping.apply(&mut labels);
            target.writer.write(&LabelledImage {
                name: name.to_owned(),
                labels,
            })?;
        }
        Ok(())
    }

    /// Completes the files. Returns their folders.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>> {
        let targets = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let finish = |target: Target| {
            target.writer.finish()?;
            Ok(target.folder)
        };
        targets.into_iter().map(finish).collect()
    }
}
