//! `segscope man`: man pages, made from the same definitions as `--help`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_mangen::Man as Page;

use super::Arguments;
use super::printing::out;
use crate::staged_file::StagedFile;

/// Write man pages: segscope.1, and one for each command
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Folder for the pages; pages with the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        fs::create_dir_all(&self.out).with_context(|| format!("cannot create the folder {}", self.out.display()))?;
        let mut program = Arguments::command();
        program.build();
        write(&program, &self.out.join("segscope.1"))?;
        for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
            // Its own name after the program's, which `build` has set.
            let name = command.get_display_name().unwrap_or(command.get_name());
            write(command, &self.out.join(format!("{name}.1")))?;
        }
        Ok(())
    }
}

fn write(command: &clap::Command, path: &Path) -> Result<()> {
    let mut page = Vec::new();
    Page::new(command.clone())
        .render(&mut page)
        .context("cannot make a man page")?;
    StagedFile::replace(path, &page).with_context(|| format!("cannot write {}", path.display()))?;
    out!("{}", path.display())
}
