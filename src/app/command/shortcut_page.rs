//! The page of keyboard shortcuts and mouse actions.

use egui::{Context, Grid, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{Command, Section};
use crate::app::chrome::page;

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
}

/// A titled group of lines, as (keys, what they do).
struct Group {
    title: &'static str,
    lines: Vec<(String, &'static str)>,
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

    /// Draws it if it is open.
    pub(in crate::app) fn show(&mut self, context: &Context) {
        let Self { open, opened, filter } = self;
        page::show(context, Command::Shortcuts.title(), open, vec2(820.0, 560.0), |ui| {
            let field = TextEdit::singleline(filter)
                .hint_text("Filter by name or key")
                .desired_width(240.0);
            let field = ui.add(field).accessible_name("Filter keys");
            if std::mem::take(opened) {
                field.request_focus();
            }
            ui.add_space(4.0);
            let groups = groups(ui, filter);
            if groups.is_empty() {
                ui.label("No matching key or command.");
            }
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                if ui.available_width() < TWO_COLUMNS {
                    column(ui, &groups);
                } else {
                    let (left, right) = groups.split_at(half(&groups));
                    ui.columns_const(|[first, second]| {
                        column(first, left);
                        column(second, right);
                    });
                }
            });
        });
    }
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
        let lines = commands.map(|command| (command.all_shortcuts_text(context), command.title()));
        (section.title(), lines.collect())
    });
    let by_hand = BY_HAND.map(|(keys, what)| (keys.to_owned(), what)).to_vec();
    by_section
        .chain([("Mouse and held keys", by_hand)])
        .map(|(title, lines): (_, Vec<(String, &'static str)>)| Group {
            title,
            lines: lines
                .into_iter()
                .filter(|(keys, what)| keep(title, keys, what))
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

fn column(ui: &mut Ui, groups: &[Group]) {
    for group in groups {
        ui.label(RichText::new(group.title).strong());
        Grid::new(("keys", group.title))
            .num_columns(2)
            .min_col_width(NAMES)
            .spacing([16.0, 4.0])
            .show(ui, |ui| {
                for (keys, what) in &group.lines {
                    ui.label(*what);
                    if !keys.is_empty() {
                        ui.label(RichText::new(keys).monospace());
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
    use crate::app::command::Command;

    fn harness(size: [f32; 2]) -> Harness<'static, ShortcutPage> {
        let mut page = ShortcutPage::default();
        page.open();
        let mut harness = Harness::builder()
            .with_size(size)
            .build_ui_state(|ui, page: &mut ShortcutPage| page.show(ui), page);
        harness.run();
        harness
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
        assert!(!harness.state().is_open());
        harness.state_mut().open();
        harness.run();
        harness.get_by_label("Close window").click();
        harness.run();
        assert!(!harness.state().is_open());
    }
}
