//! Keyboard shortcuts of the commands.

use egui::text_selection::LabelSelectionState;
use egui::{Context, Event, Key, KeyboardShortcut, Modifiers, Popup};

use super::Command;
use super::key_map::KeyMap;

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// The shortcut of `Command::CopyReading`. Window systems report it as [`Event::Copy`].
const COPY: KeyboardShortcut = ctrl(Key::C);

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

/// Ctrl, or Cmd on a Mac.
const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

impl Command {
    /// Its shortcuts as long as the user sets no others, the displayed one first. B, V and space belong to no command but
    /// those of the annotate workspace: they are held on the canvas.
    pub(in crate::app) fn usual_shortcuts(self) -> &'static [KeyboardShortcut] {
        match self {
            Self::OpenImage => const { &[ctrl(Key::O)] },
            Self::OpenFolder => const { &[ctrl_shift(Key::O)] },
            Self::Export => const { &[ctrl(Key::E)] },
            Self::Quit => const { &[ctrl(Key::Q)] },
            Self::Undo => const { &[ctrl(Key::Z)] },
            Self::Redo => const { &[ctrl_shift(Key::Z), ctrl(Key::Y)] },
            Self::CopyReading => const { &[COPY] },
            Self::CopyOverlay => const { &[ctrl_shift(Key::C)] },
            Self::PinMiddle => const { &[plain(Key::R)] },
            Self::UnpinReading => const { &[plain(Key::U)] },
            Self::Settings => const { &[ctrl(Key::Comma)] },
            Self::NextImage => const { &[plain(Key::PageDown), plain(Key::D)] },
            Self::PreviousImage => const { &[plain(Key::PageUp), shift(Key::D)] },
            Self::RemoveImage => const { &[plain(Key::Delete)] },
            Self::ReloadImage => const { &[ctrl(Key::R)] },
            Self::Segment => const { &[plain(Key::F5)] },
            Self::SegmentAll => const { &[shift(Key::F5)] },
            Self::Cancel => const { &[plain(Key::Escape)] },
            Self::OpenModelFolder => const { &[ctrl(Key::M)] },
            Self::OpenModelFile => const { &[ctrl_shift(Key::M)] },
            Self::Decoder1 => const { &[plain(Key::Num1)] },
            Self::Decoder2 => const { &[plain(Key::Num2)] },
            Self::Decoder3 => const { &[plain(Key::Num3)] },
            Self::Decoder4 => const { &[plain(Key::Num4)] },
            Self::Decoder5 => const { &[plain(Key::Num5)] },
            Self::Decoder6 => const { &[plain(Key::Num6)] },
            Self::Decoder7 => const { &[plain(Key::Num7)] },
            Self::Decoder8 => const { &[plain(Key::Num8)] },
            Self::Decoder9 => const { &[plain(Key::Num9)] },
            Self::Fit => const { &[plain(Key::Num0)] },
            Self::ActualSize => const { &[ctrl(Key::Num1)] },
            Self::ZoomIn => const { &[plain(Key::Plus), plain(Key::Equals)] },
            Self::ZoomOut => const { &[plain(Key::Minus)] },
            Self::ShowMasks => const { &[plain(Key::F2)] },
            Self::ShowAnnotate => const { &[plain(Key::F8)] },
            Self::ShowAttention => const { &[plain(Key::F3)] },
            Self::ShowCompare => const { &[plain(Key::F4)] },
            Self::ShowEvaluate => const { &[plain(Key::F6)] },
            Self::ShowTrain => const { &[plain(Key::F7)] },
            Self::ToggleWipe => const { &[plain(Key::W)] },
            Self::ToggleDifferences => const { &[plain(Key::X)] },
            Self::ToggleTable => const { &[plain(Key::T)] },
            Self::PreviousLayer => const { &[plain(Key::OpenBracket)] },
            Self::NextLayer => const { &[plain(Key::CloseBracket)] },
            Self::PreviousHead => const { &[plain(Key::Comma)] },
            Self::NextHead => const { &[plain(Key::Period)] },
            Self::ToggleMasks => const { &[plain(Key::M)] },
            Self::CycleFill => const { &[plain(Key::S)] },
            Self::ToggleOutline => const { &[plain(Key::O)] },
            Self::OpacityUp => const { &[ctrl(Key::ArrowUp)] },
            Self::OpacityDown => const { &[ctrl(Key::ArrowDown)] },
            Self::TogglePalette => const { &[plain(Key::P)] },
            Self::ToggleFade => const { &[plain(Key::F)] },
            Self::TogglePixelGrid => const { &[plain(Key::G)] },
            Self::TogglePatchGrid => const { &[shift(Key::G)] },
            Self::ToggleMinimap => const { &[plain(Key::N)] },
            Self::ToggleMagnifier => const { &[plain(Key::Z)] },
            Self::ResetView => const { &[shift(Key::R)] },
            Self::ToggleClassUnderCursor => const { &[plain(Key::H)] },
            Self::SoloClassUnderCursor => const { &[shift(Key::H)] },
            Self::ShowAllClasses => const { &[plain(Key::A)] },
            Self::HideAllClasses => const { &[shift(Key::A)] },
            Self::ShowPresentClasses => const { &[shift(Key::P)] },
            Self::ToggleImageList => const { &[plain(Key::L), plain(Key::F9)] },
            Self::ToggleInspector => const { &[plain(Key::I)] },
            Self::Palette => const { &[ctrl(Key::P), ctrl(Key::K)] },
            Self::Log => const { &[ctrl(Key::L)] },
            Self::Performance => const { &[plain(Key::F12)] },
            Self::FullScreen => const { &[plain(Key::F11)] },
            Self::ScaleUp => const { &[ctrl(Key::Plus), ctrl(Key::Equals)] },
            Self::ScaleDown => const { &[ctrl(Key::Minus)] },
            Self::ScaleReset => const { &[ctrl(Key::Num0)] },
            Self::Shortcuts => const { &[plain(Key::F1), plain(Key::Questionmark)] },
            _ => self.keys_of_annotating(),
        }
    }

    /// The usual shortcuts of the annotate workspace.
    fn keys_of_annotating(self) -> &'static [KeyboardShortcut] {
        match self {
            Self::UseBrush => const { &[plain(Key::B)] },
            Self::UseEraser => const { &[plain(Key::E)] },
            Self::UsePolygon => const { &[plain(Key::P)] },
            Self::UseLasso => const { &[plain(Key::L)] },
            Self::UseFill => const { &[plain(Key::F)] },
            Self::UseRegion => const { &[plain(Key::R)] },
            Self::UseWand => const { &[plain(Key::W)] },
            Self::UseWire => const { &[plain(Key::T)] },
            Self::UseCells => const { &[plain(Key::C)] },
            Self::UseTeach => const { &[plain(Key::S)] },
            Self::UseNote => const { &[shift(Key::N)] },
            Self::ToggleSelecting => const { &[plain(Key::Q)] },
            Self::SelectNothing => const { &[ctrl(Key::D)] },
            Self::ToggleUnderlay => const { &[plain(Key::U)] },
            Self::NextDisagreement => const { &[shift(Key::D)] },
            Self::UsePick => const { &[plain(Key::I)] },
            Self::UseHand => const { &[plain(Key::H)] },
            Self::SmallerTip => const { &[plain(Key::OpenBracket)] },
            Self::LargerTip => const { &[plain(Key::CloseBracket)] },
            Self::AcceptPrediction => const { &[ctrl_shift(Key::Enter)] },
            Self::FillUnlabelled => const { &[shift(Key::F)] },
            Self::NextUnsure => const { &[plain(Key::N)] },
            Self::MarkDone => const { &[ctrl(Key::Enter)] },
            Self::FlagImage => const { &[plain(Key::K)] },
            Self::SkipImage => const { &[shift(Key::S)] },
            Self::PreviousToAnnotate => const { &[plain(Key::A)] },
            Self::NextToAnnotate => const { &[plain(Key::D)] },
            Self::PaintClass1 => const { &[plain(Key::Num1)] },
            Self::PaintClass2 => const { &[plain(Key::Num2)] },
            Self::PaintClass3 => const { &[plain(Key::Num3)] },
            Self::PaintClass4 => const { &[plain(Key::Num4)] },
            Self::PaintClass5 => const { &[plain(Key::Num5)] },
            Self::PaintClass6 => const { &[plain(Key::Num6)] },
            Self::PaintClass7 => const { &[plain(Key::Num7)] },
            Self::PaintClass8 => const { &[plain(Key::Num8)] },
            Self::PaintClass9 => const { &[plain(Key::Num9)] },
            Self::PaintClass0 => const { &[plain(Key::Num0)] },
            _ => &[],
        }
    }

    /// The shortcut displayed beside its title, such as "Ctrl+O"; empty without one.
    pub(in crate::app) fn shortcut_text(self, context: &Context) -> String {
        let keys = KeyMap::of_window(context);
        keys.of(self)
            .first()
            .map_or_else(String::new, |key| key_text(context, key))
    }

    /// All its shortcuts, such as "Ctrl+P or Ctrl+K"; empty without any.
    pub(in crate::app) fn all_shortcuts_text(self, context: &Context) -> String {
        let keys = KeyMap::of_window(context);
        let keys: Vec<_> = keys.of(self).iter().map(|key| key_text(context, key)).collect();
        keys.join(" or ")
    }

    /// Its description and shortcut, as a tooltip.
    pub(in crate::app) fn tooltip(self, context: &Context) -> String {
        let explanation = self.explanation();
        match self.shortcut_text(context) {
            key if key.is_empty() => explanation.to_owned(),
            key => format!("{explanation} ({key})"),
        }
    }

    /// Whether holding its key repeats it. A toggle would flicker.
    fn repeats(self) -> bool {
        matches!(
            self,
            Self::NextImage
                | Self::PreviousImage
                | Self::ZoomIn
                | Self::ZoomOut
                | Self::SmallerTip
                | Self::LargerTip
                | Self::PreviousToAnnotate
                | Self::NextToAnnotate
                | Self::ScaleUp
                | Self::ScaleDown
                | Self::Undo
                | Self::Redo
        )
    }
}

/// A shortcut with the key as printed on keyboards: "Ctrl++" and "?" where egui has "Ctrl+Plus", "Questionmark".
pub(super) fn key_text(context: &Context, shortcut: &KeyboardShortcut) -> String {
    let text = context.format_shortcut(shortcut);
    let key = match shortcut.logical_key {
        Key::Plus => "+",
        Key::Minus => "-",
        Key::Equals => "=",
        Key::Comma => ",",
        Key::Period => ".",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Questionmark => "?",
        Key::PageUp => "Page up",
        Key::PageDown => "Page down",
        _ => return text,
    };
    match text.strip_suffix(shortcut.logical_key.name()) {
        Some(modifiers) => format!("{modifiers}{key}"),
        None => text,
    }
}

/// The commands whose key was pressed in this frame.
///
/// A focused text field keeps the keys that it uses, and an open menu keeps Escape. The key of an unavailable command
/// is left for others, such as Escape for a dialog. No command uses space, Enter, Tab or the arrows, so they stay with
/// the focused widget.
pub(in crate::app) fn pressed(context: &Context, enabled: impl Fn(Command) -> bool) -> Vec<Command> {
    let typing = context.text_edit_focused();
    let menu_open = Popup::is_any_open(context);
    let text_selected = context
        .plugin_opt::<LabelSelectionState>()
        .is_some_and(|selection| selection.lock().has_selection());
    let keys = KeyMap::of_window(context);
    let in_order = || {
        // Keys of the open workspace come before those that belong to all.
        let [own, all] = [true, false].map(|own| {
            let commands = Command::ALL.iter().copied();
            commands.filter(move |command| command.workspace().is_some() == own)
        });
        own.chain(all)
    };
    let with_keys: Vec<_> = in_order()
        .filter(|command| enabled(*command))
        .flat_map(|command| keys.of(command).iter().map(move |key| (command, *key)))
        .filter(|(_, key)| !(typing && text_field_uses(*key)))
        .filter(|(_, key)| !(menu_open && key.logical_key == Key::Escape))
        .filter(|(_, key)| !(text_selected && *key == COPY))
        .collect();
    let mut commands = Vec::new();
    context.input_mut(|input| {
        for (command, shortcut) in with_keys {
            input.events.retain(|event| match matches(event, shortcut) {
                None => true,
                Some(Press::First) => {
                    commands.push(command);
                    false
                }
                Some(Press::Repeated) => {
                    if command.repeats() {
                        commands.push(command);
                    }
                    false
                }
            });
        }
    });
    commands
}

/// Whether a key press is the first or a repetition.
enum Press {
    First,
    /// Sent by the system because the key is still held.
    Repeated,
}

/// How an event presses this shortcut, if it does. The modifiers must be the same: Shift+F5 is never F5.
fn matches(event: &Event, shortcut: KeyboardShortcut) -> Option<Press> {
    match event {
        Event::Copy => (shortcut == COPY).then_some(Press::First),
        Event::Key {
            key,
            pressed: true,
            repeat,
            modifiers,
            ..
        } => {
            let wanted = shortcut.modifiers;
            let same = *key == shortcut.logical_key
                && modifiers.cmd_ctrl_matches(wanted)
                && modifiers.alt == wanted.alt
                && (modifiers.shift == wanted.shift || may_need_shift(*key));
            let press = if *repeat { Press::Repeated } else { Press::First };
            same.then_some(press)
        }
        _ => None,
    }
}

/// Whether some keyboard layout needs Shift for this key, such as "+" on US and digits on French keyboards.
pub(super) fn may_need_shift(key: Key) -> bool {
    matches!(
        key,
        Key::Plus
            | Key::Equals
            | Key::Minus
            | Key::Comma
            | Key::Questionmark
            | Key::Num0
            | Key::Num1
            | Key::Num2
            | Key::Num3
            | Key::Num4
            | Key::Num5
            | Key::Num6
            | Key::Num7
            | Key::Num8
            | Key::Num9
    )
}

/// Whether a text field uses the key: for typing, moving, editing, undo or the clipboard.
fn text_field_uses(shortcut: KeyboardShortcut) -> bool {
    let key = shortcut.logical_key;
    if shortcut.modifiers.command {
        return matches!(
            key,
            Key::A | Key::C | Key::H | Key::K | Key::U | Key::V | Key::W | Key::X | Key::Y | Key::Z
        ) && shortcut != ctrl_shift(Key::C);
    }
    !matches!(key, Key::Escape | Key::F1 | Key::F5 | Key::F9 | Key::F11 | Key::F12)
}

#[cfg(test)]
mod tests {
    use egui::{Event, Key, Modifiers};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::{CTRL_SHIFT, pressed};
    use crate::app::command::{Command, KeyMap};

    #[derive(Default)]
    struct State {
        pressed: Vec<Command>,
        disabled: Option<Command>,
        /// Whether the annotate workspace is open.
        annotates: bool,
        text: String,
    }

    /// A button and a text field, drawn after the shortcuts are read.
    fn harness() -> Harness<'static, State> {
        Harness::builder().build_ui_state(
            |ui, state: &mut State| {
                let disabled = state.disabled;
                let open = |command: Command| command.workspace() != Some("Annotate") || state.annotates;
                let enabled = |command| Some(command) != disabled && open(command);
                let commands = pressed(ui, enabled);
                state.pressed.extend(commands);
                ui.add(egui::Button::new("Button"));
                ui.text_edit_singleline(&mut state.text).accessible_name("Text");
            },
            State::default(),
        )
    }

    fn commands_of(harness: &mut Harness<State>, modifiers: Modifiers, key: Key) -> Vec<Command> {
        harness.key_press_modifiers(modifiers, key);
        harness.run();
        std::mem::take(&mut harness.state_mut().pressed)
    }

    #[test]
    fn no_two_commands_that_meet_share_a_key() {
        let map = KeyMap::default();
        // Escape is never given away.
        for command in Command::ALL.iter().filter(|command| **command != Command::Cancel) {
            for key in command.usual_shortcuts() {
                assert_eq!(map.check(*command, *key), Ok(()), "{command:?}");
            }
        }
    }

    #[test]
    fn no_command_uses_held_keys_or_widget_keys() {
        let plain_keys: Vec<Key> = Command::ALL
            .iter()
            .filter(|command| command.workspace() != Some("Annotate"))
            .flat_map(|command| command.usual_shortcuts())
            .filter(|key| !key.modifiers.command)
            .map(|key| key.logical_key)
            .collect();
        for key in [
            Key::B,
            Key::Space,
            Key::Enter,
            Key::Tab,
            Key::ArrowUp,
            Key::ArrowDown,
            Key::ArrowLeft,
            Key::ArrowRight,
        ] {
            assert!(!plain_keys.contains(&key), "{key:?}");
        }
    }

    #[test]
    fn keys_are_named_as_on_keyboards() {
        let context = egui::Context::default();
        context.set_os(egui::os::OperatingSystem::Nix);
        let text = |command: Command| command.all_shortcuts_text(&context);
        assert_eq!(text(Command::Settings), "Ctrl+,");
        assert_eq!(text(Command::PreviousLayer), "[");
        assert_eq!(text(Command::NextLayer), "]");
        assert_eq!(text(Command::NextHead), ".");
        assert_eq!(text(Command::Shortcuts), "F1 or ?");
        assert_eq!(text(Command::OpenFolder), "Ctrl+Shift+O");
        assert_eq!(text(Command::About), "");
        let tooltip = Command::NextImage.tooltip(&context);
        assert_eq!(tooltip, "Show the next photo in the list. (Page down)");
    }

    #[test]
    fn modifiers_distinguish_commands() {
        let mut harness = harness();
        let mut at = |modifiers, key| commands_of(&mut harness, modifiers, key);
        assert_eq!(at(Modifiers::NONE, Key::H), [Command::ToggleClassUnderCursor]);
        assert_eq!(at(Modifiers::SHIFT, Key::H), [Command::SoloClassUnderCursor]);
        assert_eq!(at(Modifiers::COMMAND, Key::O), [Command::OpenImage]);
        assert_eq!(at(CTRL_SHIFT, Key::O), [Command::OpenFolder]);
        assert_eq!(at(Modifiers::COMMAND, Key::Num0), [Command::ScaleReset]);
        assert_eq!(at(Modifiers::COMMAND, Key::Num1), [Command::ActualSize]);
        // French keyboards type digits with Shift.
        assert_eq!(at(Modifiers::SHIFT, Key::Num1), [Command::Decoder1]);
        // US keyboards type "+" with Shift.
        assert_eq!(at(Modifiers::SHIFT, Key::Plus), [Command::ZoomIn]);
        assert_eq!(at(CTRL_SHIFT, Key::Plus), [Command::ScaleUp]);
        assert_eq!(at(Modifiers::ALT, Key::H), []);
    }

    #[test]
    fn keys_of_the_open_workspace_come_first() {
        let mut harness = harness();
        let keys = [Key::Num2, Key::A, Key::OpenBracket, Key::F];
        for (annotates, expected) in [
            (
                false,
                [
                    Command::Decoder2,
                    Command::ShowAllClasses,
                    Command::PreviousLayer,
                    Command::ToggleFade,
                ],
            ),
            (
                true,
                [
                    Command::PaintClass2,
                    Command::PreviousToAnnotate,
                    Command::PreviousLayer,
                    Command::UseFill,
                ],
            ),
        ] {
            harness.state_mut().annotates = annotates;
            for (key, command) in keys.into_iter().zip(expected) {
                // Both workspaces are open in this test, and the one listed first comes first.
                assert_eq!(commands_of(&mut harness, Modifiers::NONE, key), [command]);
            }
        }
    }

    #[test]
    fn the_key_of_an_unavailable_command_runs_no_other_command() {
        let mut harness = harness();
        harness.state_mut().disabled = Some(Command::SegmentAll);
        assert_eq!(commands_of(&mut harness, Modifiers::SHIFT, Key::F5), []);
        assert_eq!(commands_of(&mut harness, Modifiers::NONE, Key::F5), [Command::Segment]);
    }

    #[test]
    fn a_text_field_keeps_the_keys_it_uses() {
        let mut harness = harness();
        harness.run();
        harness.get_by_label("Text").focus();
        harness.run();
        let mut at = |modifiers, key| commands_of(&mut harness, modifiers, key);
        for (modifiers, key) in [
            (Modifiers::NONE, Key::H),
            (Modifiers::NONE, Key::Num0),
            (Modifiers::COMMAND, Key::Z),
            (Modifiers::COMMAND, Key::K),
            (Modifiers::COMMAND, Key::C),
        ] {
            assert_eq!(at(modifiers, key), [], "{modifiers:?} {key:?}");
        }
        assert_eq!(at(Modifiers::COMMAND, Key::P), [Command::Palette]);
        assert_eq!(at(Modifiers::COMMAND, Key::O), [Command::OpenImage]);
        assert_eq!(at(Modifiers::NONE, Key::F5), [Command::Segment]);
        assert_eq!(at(Modifiers::NONE, Key::Escape), [Command::Cancel]);
    }

    #[test]
    fn letters_work_while_a_button_has_the_focus() {
        let mut harness = harness();
        harness.run();
        harness.get_by_label("Button").focus();
        harness.run();
        assert_eq!(
            commands_of(&mut harness, Modifiers::NONE, Key::M),
            [Command::ToggleMasks]
        );
        assert_eq!(commands_of(&mut harness, Modifiers::NONE, Key::Enter), []);
    }

    #[test]
    fn the_copy_event_of_the_system_copies_the_reading() {
        let mut harness = harness();
        harness.event(Event::Copy);
        harness.run();
        assert_eq!(harness.state().pressed, [Command::CopyReading]);
    }
}
