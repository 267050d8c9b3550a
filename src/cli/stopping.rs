//! Signals that ask the program to end: Ctrl+C, `kill`, and a closed terminal.
//!
//! After the first signal, the current image or step is finished, or dropped if that takes long; finished work is saved
//! and reported. A second signal ends the program at once.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::checkpoint::CheckpointError;
use crate::runtime::SessionError;
use crate::train::PlanError;

/// Time after the signal within which the current image or step must finish; otherwise it is dropped.
const GRACE: Duration = Duration::from_secs(2);

/// Number of the first signal, and when it arrived.
static ASKED: OnceLock<(u8, Instant)> = OnceLock::new();

/// The work ended early because of a signal; everything has been reported already.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(super) struct Stopped;

/// Whether the program was asked to end; nothing new is started then.
pub(super) fn is_asked() -> bool {
    ASKED.get().is_some()
}

/// Whether the current image or step must be dropped.
pub(super) fn is_overdue() -> bool {
    ASKED.get().is_some_and(|(_, since)| since.elapsed() > GRACE)
}

/// The return value of progress callbacks: `Break` drops the current image or step.
pub(super) fn keep_going() -> ControlFlow<()> {
    match is_overdue() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// Ends a run between two parts of its work.
///
/// # Errors
/// [`Stopped`] when the program was asked to end.
pub(super) fn check() -> Result<()> {
    match is_asked() {
        true => Err(Stopped.into()),
        false => Ok(()),
    }
}

/// The exit code after a signal: 128 plus the signal's number, as in shells.
pub(super) fn exit_code() -> Option<ExitCode> {
    ASKED.get().map(|(signal, _)| ExitCode::from(128 + signal))
}

/// Whether an error only means that the work ended on request.
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

/// Installs the signal handlers. Without them the first signal ends the program, which is right where there is nothing
/// to save.
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
    use crate::cli::printing::err;

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
        err!("segscope: stopping after the current image or step; a second signal stops at once");
    }

    /// Whether the program was started to ignore a closed terminal, as by `nohup`.
    fn outlives_its_terminal() -> bool {
        let about = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = about.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The lowest bit is that of signal 1.
        ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
    }
}
