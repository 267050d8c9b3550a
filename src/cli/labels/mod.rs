//! `segscope labels`: label files of other programs, converted, described and checked.

mod check;
mod convert;
mod inspect;
mod source;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Convert, describe and check label files of annotation programs and data sets
#[derive(Debug, clap::Args)]
#[command(after_help = formats())]
pub(super) struct Labels {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Convert(convert::Convert),
    Inspect(inspect::Inspect),
    Check(check::Check),
}

impl Labels {
    pub(super) fn run(&self) -> Result<ExitCode> {
        match &self.action {
            Action::Convert(convert) => convert.run(),
            Action::Inspect(inspect) => inspect.run().map(|()| ExitCode::SUCCESS),
            Action::Check(check) => check.run(),
        }
    }
}

/// All formats, for the help.
fn formats() -> String {
    let mut text = String::from("Formats:\n");
    for format in crate::interchange::Format::all() {
        let way = match (format.reads(), format.writes()) {
            (true, true) => "",
            (true, false) => " (read only)",
            _ => " (written only)",
        };
        text += &format!("  {:<20} {}: {}{way}\n", format.key, format.title, format.about);
    }
    text
}
