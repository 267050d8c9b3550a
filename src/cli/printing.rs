//! Printing: results to standard output, which other programs may read, and messages to the user to standard error.
//!
//! The standard macros panic where a stream is closed or full, so the command line prints only through this module.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};

use crate::staged_file::is_stdout;

/// Whether standard output is reserved for an output file named `-`.
static IS_FOR_A_FILE: AtomicBool = AtomicBool::new(false);

/// Reserves standard output for the file named `-`, if there is one; everything else then goes to standard error.
///
/// # Errors
/// When several files are named `-`.
pub(super) fn leave_stdout_to<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    match files.into_iter().filter(|file| is_stdout(file)).count() {
        0 => {}
        1 => IS_FOR_A_FILE.store(true, Ordering::Relaxed),
        several => {
            bail!("expected at most one output on standard output, found {several}; name files for the others")
        }
    }
    Ok(())
}

/// Prints text to standard output unchanged.
///
/// # Errors
/// When it cannot be written, as on a full disk. A closed pipe is not an error, because nobody reads the output then.
pub(super) fn text(text: fmt::Arguments) -> Result<()> {
    if IS_FOR_A_FILE.load(Ordering::Relaxed) {
        error_text(text);
        return Ok(());
    }
    // Written in one piece and flushed at once: a failure at the end of the program would go unnoticed.
    let mut out = io::stdout().lock();
    let written = out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush());
    match written {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints text to standard error. Failures are ignored, because they cannot be reported where it is closed or full.
pub(super) fn error_text(text: fmt::Arguments) {
    io::stderr().lock().write_all(text.to_string().as_bytes()).ok();
}

/// Prints remarks about a model or an image to standard error, one line each.
pub(super) fn notes(remarks: &[String]) {
    for remark in remarks {
        error_text(format_args!("segscope: note: {remark}\n"));
    }
}

/// Prints a line to standard output and returns a `Result`, see [`text`].
macro_rules! out {
    ($($printing:tt)*) => {
        $crate::cli::printing::text(format_args!("{}\n", format_args!($($printing)*)))
    };
}

/// Prints a line to standard error.
macro_rules! err {
    ($($printing:tt)*) => {
        $crate::cli::printing::error_text(format_args!("{}\n", format_args!($($printing)*)))
    };
}

pub(super) use {err, out};
