//! `segscope labels check`: what should be looked at before labels are used.

use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::source::Input;
use crate::annotate::Checks;
use crate::cli::printing::{self, out};
use crate::cli::stopping;
use crate::interchange::{Mapping, Source};

/// Check labels: damaged files, sizes, pixels without a class, specks and narrow gaps; the exit code is 1 if something is
/// found
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    input: Input,
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode> {
        stopping::listen()?;
        let opened = self.input.open()?;
        let mapping = Mapping::identity(opened.reader.classes());
        let mut source = Source::new(opened.reader, mapping);
        if let Some(images) = &self.input.images {
            source.name_as_in(images)?;
            let step = |_| stopping::check().map_err(Into::into);
            source.check_sizes(images, step).map_err(|why| anyhow!(why))?;
        }
        let count = source.names().len();
        let mut with_findings = 0;
        for index in 0..count {
            stopping::check()?;
            let image = source.read(index)?;
            let findings = Checks::of(&image.labels, |_| true, None).findings();
            if !findings.is_empty() {
                with_findings += 1;
                out!("{}: {}", image.name, findings.join("; "))?;
            }
        }
        printing::notes(&source.remarks());
        out!("{count} images were read; {with_findings} have something to look at")?;
        Ok(ExitCode::from(u8::from(with_findings > 0)))
    }
}
