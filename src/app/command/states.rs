//! Which commands are available now, and which toggles are on.

use super::Command;

/// Availability and toggle state of every command, computed once per frame.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct CommandStates(Vec<(bool, Option<bool>)>);

impl CommandStates {
    /// Evaluates both functions for every command.
    pub(in crate::app) fn of(enabled: impl Fn(Command) -> bool, is_on: impl Fn(Command) -> Option<bool>) -> Self {
        Self(Command::ALL.iter().map(|&c| (enabled(c), is_on(c))).collect())
    }

    /// Whether the command is available now. Before the first frame none is.
    pub(in crate::app) fn enabled(&self, command: Command) -> bool {
        self.0.get(command as usize).is_some_and(|(enabled, _)| *enabled)
    }

    /// Whether the command is on, or `None` if it is not a toggle.
    pub(in crate::app) fn is_on(&self, command: Command) -> Option<bool> {
        self.0.get(command as usize)?.1
    }
}
