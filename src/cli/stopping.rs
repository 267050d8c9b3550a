//! Signals that ask the program to end: Ctrl+C, `kill`, and a terminal that is closed.
//!
//! The first one lets the picture or step at hand be finished, or dropped if that takes long; what was done is kept and
//! told. A second one ends the program at once.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::checkpoint::CheckpointError;
use crate::runtime::SessionError;
use crate::train::PlanError;

/// What is at hand is dropped when it goes on for longer after the signal.
const GRACE: Duration = Duration::from_secs(2);

/// The first signal, by its number, and when it came.
static ASKED: OnceLock<(u8, Instant)> = OnceLock::new();

/// The work ends early because a signal asked for it; everything that there is to say was said.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(super) struct Stopped;

/// Whether the program was asked to end: nothing new is to be begun.
pub(super) fn is_asked() -> bool {
    ASKED.get().is_some()
}

/// Whether what is at hand is to be dropped.
pub(super) fn is_overdue() -> bool {
    ASKED.get().is_some_and(|(_, since)| since.elapsed() > GRACE)
}

/// For whoever tells of progress: `Break` drops what is at hand.
pub(super) fn go_on() -> ControlFlow<()> {
    match is_overdue() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// Ends a run between two of its parts.
///
/// # Errors
/// [`Stopped`] when the program was asked to end.
pub(super) fn check() -> Result<()> {
    match is_asked() {
        true => Err(Stopped.into()),
        false => Ok(()),
    }
}

/// The exit code of a program that a signal has ended: 128 and the signal's number, as shells have it.
pub(super) fn exit_code() -> Option<ExitCode> {
    ASKED.get().map(|(signal, _)| ExitCode::from(128 + signal))
}

/// Whether an error says only that the work was ended on request.
pub(super) fn is_why(error: &anyhow::Error) -> bool {
    let is_cancelled = error
        .downcast_ref::<SessionError>()
        .is_some_and(SessionError::is_cancelled)
        || matches!(
            error.downcast_ref::<CheckpointError>(),
            Some(CheckpointError::Cancelled)
        )
        || matches!(
            error.downcast_ref::<PlanError>(),
            Some(PlanError::Backbone(CheckpointError::Cancelled))
        );
    is_asked() && (is_cancelled || error.is::<Stopped>())
}

/// From now on signals are heard; without it the first one ends the program, which is right where there is nothing to
/// keep.
///
/// # Errors
/// When the system refuses.
pub(super) fn listen() -> Result<()> {
    #[cfg(unix)]
    unix::listen()?;
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::time::Instant;

    use anyhow::{Context as _, Result};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use super::ASKED;
    use crate::cli::said::err;

    pub(super) fn listen() -> Result<()> {
        let mut heard = vec![SIGINT, SIGTERM];
        if !outlives_its_terminal() {
            heard.push(SIGHUP);
        }
        let mut signals = Signals::new(heard).context("cannot listen for signals")?;
        let thread = std::thread::Builder::new().name("signals".into());
        let hear = move || signals.forever().for_each(received);
        thread.spawn(hear).context("cannot listen for signals")?;
        Ok(())
    }

    fn received(signal: i32) {
        let number = u8::try_from(signal).unwrap_or_default();
        if ASKED.set((number, Instant::now())).is_err() {
            std::process::exit(128 + signal);
        }
        err!("segscope: ending after what is at hand; a second signal ends at once");
    }

    /// Whether the program was started to ignore that its terminal is closed, as by `nohup`.
    fn outlives_its_terminal() -> bool {
        let about = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = about.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The lowest bit is that of signal 1.
        ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
    }
}
