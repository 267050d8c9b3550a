//! What the program says: text on standard output, which others may read on, and lines on standard error for people.
//!
//! The standard macros panic where the other end is closed or full, so nothing else here prints.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail};

use crate::staged_file::is_stdout;

/// Whether standard output belongs to a file that was asked for as `-`.
static IS_FOR_A_FILE: AtomicBool = AtomicBool::new(false);

/// Leaves standard output to the one of these files that is `-`, if there is one; all else goes to standard error then.
///
/// # Errors
/// When several files would go there.
pub(super) fn leave_stdout_to<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    match files.into_iter().filter(|file| is_stdout(file)).count() {
        0 => {}
        1 => IS_FOR_A_FILE.store(true, Ordering::Relaxed),
        several => {
            bail!("expected one output at most to go to standard output, found {several}; name files for the others")
        }
    }
    Ok(())
}

/// Prints text to standard output, as it is.
///
/// # Errors
/// When it cannot be written, as on a full disk. That nobody reads it any more is none: then it is not wanted.
pub(super) fn text(text: fmt::Arguments) -> Result<()> {
    if IS_FOR_A_FILE.load(Ordering::Relaxed) {
        error_text(text);
        return Ok(());
    }
    // In one piece, and flushed at once: at the end of the program nobody would hear of a failure.
    let mut out = io::stdout().lock();
    let written = out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush());
    match written {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints text to standard error. Where that is closed or full there is nobody left to tell.
pub(super) fn error_text(text: fmt::Arguments) {
    io::stderr().lock().write_all(text.to_string().as_bytes()).ok();
}

/// Prints remarks about a model or a picture to standard error, a line for each.
pub(super) fn notes(remarks: &[String]) {
    for remark in remarks {
        error_text(format_args!("segscope: note: {remark}\n"));
    }
}

/// Prints a line to standard output; a `Result`, see [`text`].
macro_rules! out {
    ($($said:tt)*) => {
        $crate::cli::said::text(format_args!("{}\n", format_args!($($said)*)))
    };
}

/// Prints a line to standard error.
macro_rules! err {
    ($($said:tt)*) => {
        $crate::cli::said::error_text(format_args!("{}\n", format_args!($($said)*)))
    };
}

pub(super) use {err, out};
