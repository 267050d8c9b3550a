//! The window that shows the log.

use egui::{ComboBox, Context, RichText, ScrollArea, TextEdit, TextStyle, TextWrapMode, Ui, vec2};
use log::{Level, LevelFilter};

use super::log_book::{LogBook, LogEntry};
use super::page;
use crate::app::command::Command;

/// The choices of levels, as (least severe level that is shown, title).
const LEVELS: [(LevelFilter, &str); 3] = [
    (LevelFilter::Info, "All"),
    (LevelFilter::Warn, "Warnings and errors"),
    (LevelFilter::Error, "Errors"),
];

/// Milliseconds between updates from the book if nothing else redraws the window.
const LOOK_AGAIN: u64 = 500;

/// The window with the log.
pub(in crate::app) struct LogPage {
    book: LogBook,
    open: bool,
    least: LevelFilter,
    filter: String,
    /// The shown lines.
    lines: Vec<LogLine>,
    /// Version of the book, level and filter that the lines were made from.
    made_from: Option<(u64, LevelFilter, String)>,
}

/// One line of a record, which may have several.
struct LogLine {
    level: Level,
    text: String,
}

impl LogPage {
    /// A closed page of this book.
    pub(in crate::app) fn new(book: LogBook) -> Self {
        Self {
            book,
            open: false,
            least: LevelFilter::Info,
            filter: String::new(),
            lines: Vec::new(),
            made_from: None,
        }
    }

    /// Opens it without filters.
    pub(in crate::app) fn open(&mut self) {
        self.open = true;
        self.least = LevelFilter::Info;
        self.filter.clear();
    }

    /// Whether it is shown.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it if it is open.
    pub(in crate::app) fn show(&mut self, context: &Context) {
        let mut open = self.open;
        page::show(context, Command::Log.title(), &mut open, vec2(760.0, 440.0), |ui| {
            self.contents(ui);
        });
        self.open = open;
    }

    fn contents(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| self.controls(ui));
        ui.separator();
        self.read_book();
        if self.lines.is_empty() {
            ui.label("No matching records.");
        }
        let row_height = ui.text_style_height(&TextStyle::Monospace);
        ui.spacing_mut().item_spacing.y = 2.0;
        ScrollArea::both().auto_shrink(false).stick_to_bottom(true).show_rows(
            ui,
            row_height,
            self.lines.len(),
            |ui, rows| {
                ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
                for line in self.lines.get(rows).unwrap_or_default() {
                    let color = match line.level {
                        Level::Error => ui.visuals().error_fg_color,
                        Level::Warn => ui.visuals().warn_fg_color,
                        Level::Info | Level::Debug | Level::Trace => ui.visuals().text_color(),
                    };
                    ui.label(RichText::new(&line.text).monospace().color(color));
                }
            },
        );
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(LOOK_AGAIN));
    }

    fn controls(&mut self, ui: &mut Ui) {
        let title = |least| {
            LEVELS
                .iter()
                .find(|(level, _)| *level == least)
                .map_or("", |(_, title)| title)
        };
        ComboBox::from_id_salt("log level")
            .selected_text(title(self.least))
            .show_ui(ui, |ui| {
                for (level, title) in LEVELS {
                    ui.selectable_value(&mut self.least, level, title);
                }
            })
            .response
            .accessible_name("Level");
        let field = TextEdit::singleline(&mut self.filter)
            .hint_text("Filter by text")
            .desired_width(180.0);
        ui.add(field).accessible_name("Filter log");
        if ui.button("Copy all").on_hover_text("Copy the shown lines").clicked() {
            let lines: Vec<&str> = self.lines.iter().map(|line| line.text.as_str()).collect();
            ui.copy_text(lines.join("\n"));
        }
        if ui.button("Clear").on_hover_text("Delete all records").clicked() {
            self.book.clear();
        }
    }

    /// Makes the lines again if the book or the filters have changed.
    fn read_book(&mut self) {
        let made_from = Some((self.book.version(), self.least, self.filter.clone()));
        if self.made_from == made_from {
            return;
        }
        let filter = self.filter.trim().to_lowercase();
        let entries = self.book.entries(|entry| {
            let named = || entry.text.to_lowercase().contains(&filter) || entry.target.contains(&filter);
            entry.level <= self.least && named()
        });
        self.lines = entries.iter().flat_map(lines_of).collect();
        self.made_from = made_from;
    }
}

/// A record as lines. Before the first come the time in seconds, the level and the crate.
fn lines_of(entry: &LogEntry) -> Vec<LogLine> {
    let level = match entry.level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info | Level::Debug | Level::Trace => "note",
    };
    let start = format!("{:>9.3}  {level:<7}  {:<9} ", entry.time.as_secs_f64(), entry.target);
    let indent = " ".repeat(start.chars().count());
    let mut lines = entry.text.lines();
    let first = lines.next().unwrap_or_default();
    std::iter::once(start + first)
        .chain(lines.map(|line| format!("{indent}{line}")))
        .map(|text| LogLine {
            level: entry.level,
            text,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use egui::OutputCommand;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    use log::Level;

    use super::LogPage;
    use crate::app::chrome::log_book::tests::book_with;

    fn harness() -> Harness<'static, LogPage> {
        let book = book_with([
            (Level::Info, "segscope", "opened street.jpg"),
            (Level::Warn, "wgpu_core::device", "lost surface"),
            (Level::Error, "segscope", "cannot write\ncaused by: disk full"),
        ]);
        let mut page = LogPage::new(book);
        page.open();
        let mut harness = Harness::builder()
            .with_size([900.0, 600.0])
            .build_ui_state(|ui, page: &mut LogPage| page.show(ui), page);
        harness.run();
        harness
    }

    fn shows(harness: &Harness<LogPage>, text: &str) -> bool {
        harness.query_by_label_contains(text).is_some()
    }

    #[test]
    fn records_of_several_lines_are_shown_in_full() {
        let harness = harness();
        for text in [
            "opened street.jpg",
            "lost surface",
            "cannot write",
            "caused by: disk full",
        ] {
            assert!(shows(&harness, text), "{text}");
        }
    }

    #[test]
    fn levels_and_text_filter() {
        let mut harness = harness();
        harness.get_by_label("Level").click();
        harness.run();
        harness.get_by_label("Warnings and errors").click();
        harness.run();
        assert!(!shows(&harness, "opened street.jpg") && shows(&harness, "lost surface"));
        harness.get_by_label("Filter log").focus();
        harness.run();
        harness.get_by_label("Filter log").type_text("WRITE");
        harness.run();
        assert!(!shows(&harness, "lost surface") && shows(&harness, "cannot write"));
    }

    #[test]
    fn copy_all_copies_the_shown_lines() {
        let mut harness = harness();
        harness.get_by_label("Copy all").click();
        let mut copied = None;
        for _ in 0..4 {
            harness.step();
            let commands = &harness.output().platform_output.commands;
            copied = copied.or(commands.iter().find_map(|command| match command {
                OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            }));
        }
        let copied = copied.expect("a copied text");
        assert_eq!(copied.lines().count(), 4);
        assert!(copied.contains("warning  wgpu_core lost surface"), "{copied}");
    }

    #[test]
    fn clearing_empties_it() {
        let mut harness = harness();
        harness.get_by_label("Clear").click();
        harness.run();
        assert!(shows(&harness, "No matching records.") && !shows(&harness, "street"));
    }
}
