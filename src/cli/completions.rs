//! `segscope completions`: completion scripts for shells.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Arguments, printing};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Shell that reads the script
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "segscope", &mut script);
        let script = String::from_utf8(script).context("expected a script in UTF-8")?;
        printing::text(format_args!("{script}"))
    }
}
