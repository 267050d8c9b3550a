//! Keys of commands, as the user has set them: in the settings file as names, in the window as shortcuts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use egui::{Context, Id, Key, KeyboardShortcut, Modifiers};

use super::Command;
use super::keys::may_need_shift;

/// The keys in the settings file: by the name of the command, such as `next-image`, names such as `Ctrl+Shift+O`. A
/// command that is not named has its usual keys.
pub(in crate::app) type KeyNames = BTreeMap<String, Vec<String>>;

/// The keys of commands in place of the usual ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::app) struct KeyMap(HashMap<Command, Vec<KeyboardShortcut>>);

/// The workspace whose keys come before those that belong to all workspaces.
const FIRST: &str = "Annotate";

/// Why a key cannot be given to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum KeyRefusal {
    /// The window itself uses it.
    Reserved,
    /// Another command has it, in the same workspace or in all.
    Taken(Command),
}

impl KeyMap {
    /// Reads the keys of a settings file. Names that mean nothing are returned, too; the others still count.
    pub(in crate::app) fn of_names(names: &KeyNames) -> (Self, Vec<String>) {
        let mut map = Self::default();
        let mut unknown = Vec::new();
        for (name, keys) in names {
            let Some(command) = Command::ALL.iter().find(|command| command.name() == *name) else {
                unknown.push(name.clone());
                continue;
            };
            let mut known = Vec::new();
            for key in keys {
                match shortcut_of(key) {
                    Some(shortcut) if !is_reserved(shortcut) => known.push(shortcut),
                    _ => unknown.push(format!("{name} = {key}")),
                }
            }
            if known.len() == keys.len() {
                map.0.insert(*command, known);
            }
        }
        for (command, keys) in &map.0 {
            for key in keys {
                if let Err(KeyRefusal::Taken(other)) = map.check(*command, *key) {
                    unknown.push(format!(
                        "{} = {}, which {} has",
                        command.name(),
                        name_of(*key),
                        other.name()
                    ));
                }
            }
        }
        unknown.sort();
        (map, unknown)
    }

    /// Makes the keys those of the window.
    pub(in crate::app) fn install(self, context: &Context) {
        context.data_mut(|data| data.insert_temp(place(), Arc::new(self)));
    }

    /// The keys of the window.
    pub(in crate::app) fn of_window(context: &Context) -> Arc<Self> {
        context.data(|data| data.get_temp(place())).unwrap_or_default()
    }

    /// The keys of a command, the displayed one first.
    pub(in crate::app) fn of(&self, command: Command) -> &[KeyboardShortcut] {
        self.0
            .get(&command)
            .map_or_else(|| command.usual_shortcuts(), Vec::as_slice)
    }

    /// Whether a key may be given to a command.
    ///
    /// # Errors
    /// When the window uses the key itself, or another command of the same workspace or of all has it.
    pub(in crate::app) fn check(&self, command: Command, key: KeyboardShortcut) -> Result<(), KeyRefusal> {
        if is_reserved(key) && !(command.workspace() == Some(FIRST) && key.logical_key == Key::B) {
            return Err(KeyRefusal::Reserved);
        }
        let meets = |other: Command| match (command.workspace(), other.workspace()) {
            (Some(a), Some(b)) => a == b,
            // Keys of annotating come before those that belong to all.
            (Some(FIRST), None) | (None, Some(FIRST)) => false,
            (None, _) | (_, None) => true,
        };
        let others = Command::ALL.iter().copied().filter(|other| *other != command);
        let is_same = |other: &KeyboardShortcut| on_keyboard(*other) == on_keyboard(key);
        match others
            .into_iter()
            .find(|other| meets(*other) && self.of(*other).iter().any(is_same))
        {
            Some(other) => Err(KeyRefusal::Taken(other)),
            None => Ok(()),
        }
    }
}

/// A key without Shift where some keyboards need it to type the key, so that both are the same press.
fn on_keyboard(shortcut: KeyboardShortcut) -> KeyboardShortcut {
    let modifiers = shortcut.modifiers;
    let shift = modifiers.shift && !may_need_shift(shortcut.logical_key);
    KeyboardShortcut::new(Modifiers { shift, ..modifiers }, shortcut.logical_key)
}

fn place() -> Id {
    Id::unique("keys of commands")
}

/// Whether the window uses a key itself: to type, to move the focus, or while it is held.
fn is_reserved(key: KeyboardShortcut) -> bool {
    let plain = !key.modifiers.command && !key.modifiers.alt;
    plain
        && matches!(
            key.logical_key,
            Key::B
                | Key::V
                | Key::Space
                | Key::Enter
                | Key::Tab
                | Key::Escape
                | Key::ArrowUp
                | Key::ArrowDown
                | Key::ArrowLeft
                | Key::ArrowRight
        )
}

impl Command {
    /// Its name in the settings file, such as `next-image`.
    pub(in crate::app) fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }
}

/// The name of a key in the settings file, such as `Ctrl+Shift+O`.
pub(in crate::app) fn name_of(shortcut: KeyboardShortcut) -> String {
    let mut name = String::new();
    let modifiers = shortcut.modifiers;
    for (held, text) in [
        (modifiers.command, "Ctrl+"),
        (modifiers.alt, "Alt+"),
        (modifiers.shift, "Shift+"),
    ] {
        if held {
            name.push_str(text);
        }
    }
    name + shortcut.logical_key.name()
}

/// The key with a name; `None` for a name that means nothing.
fn shortcut_of(name: &str) -> Option<KeyboardShortcut> {
    let mut parts: Vec<&str> = name.split('+').map(str::trim).collect();
    let key = Key::from_name(parts.pop()?)?;
    let mut modifiers = Modifiers::NONE;
    for part in parts {
        modifiers = modifiers.plus(match part.to_lowercase().as_str() {
            "ctrl" | "cmd" => Modifiers::COMMAND,
            "alt" => Modifiers::ALT,
            "shift" => Modifiers::SHIFT,
            _ => return None,
        });
    }
    Some(KeyboardShortcut::new(modifiers, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(entries: &[(&str, &[&str])]) -> KeyNames {
        let entry = |(name, keys): &(&str, &[&str])| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            ((*name).to_owned(), keys)
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn every_usual_key_has_a_name_that_is_read_back() {
        let mut seen = Vec::new();
        for command in Command::ALL {
            assert!(!seen.contains(&command.name()), "{command:?}");
            seen.push(command.name());
            for key in command.usual_shortcuts() {
                assert_eq!(shortcut_of(&name_of(*key)), Some(*key), "{command:?}");
            }
        }
        assert_eq!(Command::NextImage.name(), "next-image");
        assert_eq!(
            shortcut_of("ctrl + shift + o").map(name_of).as_deref(),
            Some("Ctrl+Shift+O")
        );
        assert_eq!(shortcut_of("Hyper+O"), None);
        assert_eq!(shortcut_of(""), None);
    }

    #[test]
    fn set_keys_replace_the_usual_ones_and_unknown_names_are_told() {
        let (map, unknown) = KeyMap::of_names(&names(&[
            ("next-image", &["J", "Ctrl+ArrowRight"]),
            ("quit", &[]),
            ("fly", &["F"]),
            ("fit", &["Hyper+1"]),
            ("export", &["B"]),
        ]));
        assert_eq!(map.of(Command::NextImage).len(), 2);
        assert_eq!(map.of(Command::Quit), []);
        // Nothing is lost by a name that means nothing.
        for command in [Command::Fit, Command::Export, Command::Undo] {
            assert_eq!(map.of(command), command.usual_shortcuts());
        }
        assert_eq!(unknown, ["export = B", "fit = Hyper+1", "fly"]);
    }

    #[test]
    fn only_commands_that_meet_conflict() {
        let map = KeyMap::default();
        let [wipe] = Command::ToggleWipe.usual_shortcuts() else {
            panic!("one key")
        };
        // Wipe belongs to compare, layers to attention, and export to all.
        assert_eq!(map.check(Command::NextLayer, *wipe), Ok(()));
        assert_eq!(
            map.check(Command::ToggleTable, *wipe),
            Err(KeyRefusal::Taken(Command::ToggleWipe))
        );
        assert_eq!(
            map.check(Command::Export, *wipe),
            Err(KeyRefusal::Taken(Command::ToggleWipe))
        );
        assert_eq!(map.check(Command::ToggleWipe, *wipe), Ok(()));
        let space = KeyboardShortcut::new(Modifiers::NONE, Key::Space);
        assert_eq!(map.check(Command::Export, space), Err(KeyRefusal::Reserved));
    }
}
