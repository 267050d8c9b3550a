//! Which commands make sense now, and which switches are on.

use super::Command;

/// What is known of every command; worked out once a frame.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct CommandStates(Vec<(bool, Option<bool>)>);

impl CommandStates {
    /// Asks about every command.
    pub(in crate::app) fn of(enabled: impl Fn(Command) -> bool, is_on: impl Fn(Command) -> Option<bool>) -> Self {
        Self(Command::ALL.iter().map(|&c| (enabled(c), is_on(c))).collect())
    }

    /// Whether it makes sense now; no command does before the first frame.
    pub(in crate::app) fn enabled(&self, command: Command) -> bool {
        self.0.get(command as usize).is_some_and(|(enabled, _)| *enabled)
    }

    /// Whether it is on, where it switches something.
    pub(in crate::app) fn is_on(&self, command: Command) -> Option<bool> {
        self.0.get(command as usize)?.1
    }
}
