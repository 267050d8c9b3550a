//! Settings on their way to the worker: however many jobs wait, the newest ones are never lost.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::runtime::EngineSettings;

/// A place for the newest settings that the worker has not taken, and a signal that there are some.
#[derive(Debug)]
pub(super) struct NewSettings {
    newest: Mutex<Option<EngineSettings>>,
    /// Both ends; one token says all there is to say.
    signal: (Sender<()>, Receiver<()>),
}

impl NewSettings {
    pub(super) fn new() -> Self {
        Self {
            newest: Mutex::new(None),
            signal: bounded(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<EngineSettings>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts settings in place of those that were not taken.
    pub(super) fn put(&self, settings: EngineSettings) {
        *self.lock() = Some(settings);
        // One that is there already is enough.
        self.signal.0.try_send(()).ok();
    }

    /// The newest settings, once.
    pub(super) fn take(&self) -> Option<EngineSettings> {
        self.lock().take()
    }

    /// Whether there are settings to take.
    pub(super) fn is_waiting(&self) -> bool {
        self.lock().is_some()
    }

    /// Gets a token after settings were put; they may have been taken by then.
    pub(super) fn signal(&self) -> &Receiver<()> {
        &self.signal.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_settings_are_taken_once() {
        let new = NewSettings::new();
        assert!(!new.is_waiting() && new.signal().is_empty());
        for threads in 1..=3 {
            new.put(EngineSettings {
                threads: Some(threads),
                ..EngineSettings::default()
            });
        }
        assert!(new.is_waiting());
        assert_eq!(new.signal().len(), 1);
        assert_eq!(new.take().and_then(|settings| settings.threads), Some(3));
        assert!(!new.is_waiting() && new.take().is_none());
    }
}
