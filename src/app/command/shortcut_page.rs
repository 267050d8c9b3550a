//! The page of keyboard shortcuts and mouse actions.

use egui::{Context, Event, Grid, Key, KeyboardShortcut, Modifiers, ScrollArea, TextEdit, Ui, vec2};

use super::key_map::{KeyMap, KeyNames, KeyRefusal, name_of};
use super::keys::key_text;
use super::{Command, Section};
use crate::app::chrome::page;
use crate::app::theme::{Icon, heading, height};
use crate::app::widgets::icon_button;

/// Mouse actions and held keys, as (input, effect).
const BY_HAND: [(&str, &str); 10] = [
    ("Hold B", "Show the photo without masks"),
    ("Hold V", "Show the reference in all compared panes"),
    ("Wheel", "Zoom at the cursor"),
    ("Drag", "Move the photo"),
    ("Arrow keys, after a click", "Move the photo"),
    ("Double-click", "Switch between the whole photo and 1:1"),
    ("Click", "Pin the reading at this pixel"),
    ("Alt+click a class's box", "Show only this class"),
    ("Double-click a class", "Show only this class"),
    ("Drop files", "Open photos, folders or a model"),
];

/// Width from which two columns fit side by side, in points.
const TWO_COLUMNS: f32 = 640.0;

/// Width of the name column, the same in every section, in points.
const NAMES: f32 = 200.0;

/// The window that lists the shortcuts.
#[derive(Default)]
pub(in crate::app) struct ShortcutPage {
    open: bool,
    /// Opened in this frame: the filter takes the focus.
    opened: bool,
    filter: String,
    /// The command whose key the user is setting.
    sets: Option<Command>,
    /// Why the last key was not taken.
    refused: Option<String>,
}

/// A line: keys, what they do, and the command; `None` for what no command does.
type Line = (String, &'static str, Option<Command>);

/// A titled group of lines.
struct Group {
    title: &'static str,
    lines: Vec<Line>,
}

impl ShortcutPage {
    /// Opens it with an empty filter.
    pub(in crate::app) fn open(&mut self) {
        self.open = true;
        self.opened = true;
        self.filter.clear();
    }

    /// Whether it is shown.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the next key that is pressed is set for a command.
    pub(in crate::app) fn sets_key(&self) -> bool {
        self.open && self.sets.is_some()
    }

    /// Draws it if it is open. Returns the keys of the settings if the user changed them.
    pub(in crate::app) fn show(&mut self, context: &Context, names: &KeyNames) -> Option<KeyNames> {
        if !self.open {
            self.sets = None;
            return None;
        }
        let mut changed = self.take_key(context, names);
        let Self {
            open,
            opened,
            filter,
            sets,
            refused,
        } = self;
        let mut asked = None;
        page::show(context, Command::Shortcuts.title(), open, vec2(820.0, 560.0), |ui| {
            let field = TextEdit::singleline(filter)
                .hint_text("Filter by name or key")
                .desired_width(240.0);
            ui.horizontal(|ui| {
                let field = ui.add(field).accessible_name("Filter keys");
                if std::mem::take(opened) {
                    field.request_focus();
                }
                if !names.is_empty() && ui.button("Reset all keys").clicked() {
                    changed = Some(KeyNames::new());
                }
            });
            // Its line is always there, so that nothing moves.
            match (&*sets, &*refused) {
                (Some(command), Some(why)) => ui.colored_label(
                    ui.visuals().warn_fg_color,
                    format!("{why} Press another key for {}, or Escape.", command.title()),
                ),
                (Some(command), None) => ui.label(format!(
                    "Press a key for {}. Backspace removes its keys, Escape keeps them.",
                    command.title()
                )),
                (None, _) => ui.weak("Click a key to change it. The file settings.toml has them under [keys]."),
            };
            ui.add_space(4.0);
            let groups = groups(ui, filter);
            if groups.is_empty() {
                ui.label("No matching key or command.");
            }
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let mut click = |command| asked = Some(command);
                if ui.available_width() < TWO_COLUMNS {
                    column(ui, &groups, (*sets, names), &mut click);
                } else {
                    let (left, right) = groups.split_at(half(&groups));
                    ui.columns_const(|[first, second]| {
                        column(first, left, (*sets, names), &mut click);
                        column(second, right, (*sets, names), &mut click);
                    });
                }
            });
        });
        match asked {
            Some(Asked::Set(command)) => (self.sets, self.refused) = (Some(command), None),
            Some(Asked::Reset(command)) => {
                let keys = KeyMap::of_window(context);
                let usual = command.usual_shortcuts().iter();
                let taken = usual.map(|key| keys.check(command, *key)).find_map(Result::err);
                match taken {
                    Some(KeyRefusal::Taken(other)) => {
                        let why = format!("A usual key belongs to {} now.", other.title());
                        (self.sets, self.refused) = (Some(command), Some(why));
                    }
                    _ => {
                        let mut names = names.clone();
                        names.remove(&command.name());
                        changed = Some(names);
                    }
                }
            }
            None => {}
        }
        changed
    }

    /// Takes the key that the user presses for a command. Returns the keys of the settings with it.
    fn take_key(&mut self, context: &Context, names: &KeyNames) -> Option<KeyNames> {
        let command = self.sets?;
        let pressed = context.input_mut(|input| {
            let at = input
                .events
                .iter()
                .position(|event| matches!(event, Event::Key { pressed: true, .. }))?;
            match input.events.remove(at) {
                Event::Key { key, modifiers, .. } => Some((key, modifiers)),
                _ => None,
            }
        });
        let (key, modifiers) = pressed?;
        let keys = match (key, modifiers.any()) {
            (Key::Escape, false) => {
                self.sets = None;
                return None;
            }
            (Key::Backspace, false) => Vec::new(),
            _ => {
                let modifiers = Modifiers {
                    ctrl: false,
                    mac_cmd: false,
                    command: modifiers.command || modifiers.ctrl,
                    ..modifiers
                };
                let shortcut = KeyboardShortcut::new(modifiers, key);
                match KeyMap::of_window(context).check(command, shortcut) {
                    Ok(()) => vec![name_of(shortcut)],
                    Err(why) => {
                        let key = key_text(context, &shortcut);
                        self.refused = Some(match why {
                            KeyRefusal::Reserved => format!("{key} is used by the window itself."),
                            KeyRefusal::Taken(other) => format!("{key} belongs to {}.", other.title()),
                        });
                        return None;
                    }
                }
            }
        };
        (self.sets, self.refused) = (None, None);
        let mut names = names.clone();
        names.insert(command.name(), keys);
        Some(names)
    }
}

/// What the user asks of a line.
enum Asked {
    /// Set the key of this command.
    Set(Command),
    /// Give it its usual keys.
    Reset(Command),
}

/// The groups with the lines that contain the filter, without empty groups.
fn groups(context: &Context, filter: &str) -> Vec<Group> {
    let filter = filter.trim().to_lowercase();
    let keep = |title: &str, keys: &str, what: &str| {
        [title, keys, what]
            .iter()
            .any(|text| text.to_lowercase().contains(&filter))
    };
    let by_section = Section::ALL.into_iter().map(|section| {
        let commands = Command::ALL.iter().filter(|command| command.section() == section);
        let line = |command: &Command| (command.all_shortcuts_text(context), command.title(), Some(*command));
        (section.title(), commands.map(line).collect())
    });
    let by_hand = BY_HAND.map(|(keys, what)| (keys.to_owned(), what, None)).to_vec();
    by_section
        .chain([("Mouse and held keys", by_hand)])
        .map(|(title, lines): (_, Vec<Line>)| Group {
            title,
            lines: lines
                .into_iter()
                .filter(|(keys, what, _)| keep(title, keys, what))
                .collect(),
        })
        .filter(|group| !group.lines.is_empty())
        .collect()
}

/// Number of groups in the first column, so that both columns are about equally long.
fn half(groups: &[Group]) -> usize {
    // A title takes about as much room as two lines.
    let length = |group: &Group| group.lines.len() + 2;
    let all: usize = groups.iter().map(length).sum();
    let mut before = 0;
    groups
        .iter()
        .take_while(|group| {
            let fits = 2 * before + length(group) <= all;
            before += length(group);
            fits
        })
        .count()
}

fn column(ui: &mut Ui, groups: &[Group], (sets, names): (Option<Command>, &KeyNames), click: &mut impl FnMut(Asked)) {
    for group in groups {
        ui.label(heading(group.title));
        Grid::new(("keys", group.title))
            .num_columns(2)
            .min_col_width(NAMES)
            .spacing([16.0, 4.0])
            .show(ui, |ui| {
                for (keys, what, command) in &group.lines {
                    ui.label(*what);
                    match command {
                        None => drop(ui.label(keys)),
                        Some(command) => {
                            ui.horizontal(|ui| {
                                let text = match (sets == Some(*command), keys.is_empty()) {
                                    (true, _) => "Press a key…",
                                    (false, true) => "–",
                                    (false, false) => keys,
                                };
                                let button = ui.button(text).accessible_name(format!("Key of {what}"));
                                if button.on_hover_text("Set another key").clicked() {
                                    click(Asked::Set(*command));
                                }
                                if names.contains_key(&command.name()) {
                                    let name = format!("Usual key of {what}");
                                    let reset = icon_button(ui, Icon::RotateCcw, &name, height::CONTROL, false);
                                    if reset.on_hover_text("Use its usual keys").clicked() {
                                        click(Asked::Reset(*command));
                                    }
                                }
                            })
                            .inner
                        }
                    }
                    ui.end_row();
                }
            });
        ui.add_space(10.0);
    }
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    use super::ShortcutPage;
    use crate::app::command::{Command, KeyMap, KeyNames};

    /// The page, and the keys of the settings.
    type State = (ShortcutPage, KeyNames);

    fn harness(size: [f32; 2]) -> Harness<'static, State> {
        let mut page = ShortcutPage::default();
        page.open();
        let mut harness = Harness::builder()
            .with_size(size)
            .with_context_setup(crate::app::testing::looks)
            .build_ui_state(
                |ui, (page, names): &mut State| {
                    KeyMap::of_names(names).0.install(ui);
                    if let Some(changed) = page.show(ui, names) {
                        *names = changed;
                    }
                },
                (page, KeyNames::new()),
            );
        harness.run();
        harness
    }

    #[test]
    fn a_key_is_set_and_a_conflict_is_refused_with_its_owner() {
        let mut harness = harness([900.0, 600.0]);
        let set = |harness: &mut Harness<State>| {
            harness.get_by_label("Filter keys").type_text("next layer");
            harness.run();
            harness.get_by_label("Key of Next layer").click();
            harness.run();
            assert!(harness.state().0.sets_key());
        };
        set(&mut harness);
        harness.key_press(Key::M);
        harness.run();
        harness.get_by_label_contains("M belongs to Masks.");
        assert!(harness.state().1.is_empty());
        // The key of another workspace is free.
        harness.key_press(Key::W);
        harness.run();
        assert_eq!(harness.state().1["next-layer"], ["W"]);
        assert!(!harness.state().0.sets_key());
        harness.get_by_label("Usual key of Next layer").click();
        harness.run();
        assert!(harness.state().1.is_empty());
        harness.get_by_label("Key of Next layer").click();
        harness.run();
        harness.key_press(Key::Escape);
        harness.run();
        assert!(harness.state().0.is_open() && !harness.state().0.sets_key());
    }

    #[test]
    fn every_command_is_listed_at_every_size() {
        for size in [[900.0, 600.0], [420.0, 300.0]] {
            let harness = harness(size);
            for command in Command::ALL {
                let lines = harness.query_all_by_label(command.title()).count();
                assert!(lines > 0, "{command:?}");
            }
            assert!(harness.query_by_label("Hold B").is_some());
        }
    }

    #[test]
    fn the_filter_finds_names_and_keys() {
        let mut harness = harness([900.0, 600.0]);
        harness.get_by_label("Filter keys").type_text("ctrl+shift+o");
        harness.run();
        assert!(harness.query_by_label("Open folder…").is_some());
        assert!(harness.query_by_label("Quit").is_none());
        harness.get_by_label("Filter keys").type_text("!");
        harness.run();
        assert!(harness.query_by_label("No matching key or command.").is_some());
    }

    #[test]
    fn escape_and_the_button_close_it() {
        let mut harness = harness([900.0, 600.0]);
        harness.key_press(Key::Escape);
        harness.run();
        assert!(!harness.state().0.is_open());
        harness.state_mut().0.open();
        harness.run();
        harness.get_by_label("Close window").click();
        harness.run();
        assert!(!harness.state().0.is_open());
    }
}
