//! Passes new settings to the worker. The newest settings are never lost, even if many jobs wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::runtime::EngineSettings;

/// The newest settings that the worker has not taken yet, and a signal that there are some.
#[derive(Debug)]
pub(super) struct NewSettings {
    newest: Mutex<Option<EngineSettings>>,
    /// Both ends of the channel. One token is enough, because it only signals that there are new settings.
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

    /// Replaces the settings that were not taken yet.
    pub(super) fn put(&self, settings: EngineSettings) {
        *self.lock() = Some(settings);
        // If there is a token already, it is enough.
        self.signal.0.try_send(()).ok();
    }

    /// Takes the newest settings.
    pub(super) fn take(&self) -> Option<EngineSettings> {
        self.lock().take()
    }

    /// Whether there are settings to take.
    pub(super) fn is_waiting(&self) -> bool {
        self.lock().is_some()
    }

    /// Receives a token after new settings; they may have been taken in the meantime.
    pub(super) fn signal(&self) -> &Receiver<()> {
        &self.signal.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_settings_are_taken_once() {
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
