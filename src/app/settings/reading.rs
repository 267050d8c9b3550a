//! TOML to values, key by key: what is damaged costs only itself.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::damaged_text;

/// Longest piece of a file that a message repeats, in characters.
const LONGEST_QUOTE: usize = 40;

/// Stands for bytes that are no text; nothing that we write holds it, and outside of quotes TOML does not either.
const NO_TEXT: &str = "\u{fffd}";

/// What a file of ours holds.
pub(super) trait Kept: Default + Serialize + DeserializeOwned {
    /// What was expected of the first value that is out of bounds, such as `a number from 0.5 to 3`.
    fn out_of_bounds(&self) -> Option<String>;
}

/// What is expected of a value, if it is not within its bounds; never a number is in no bounds.
pub(super) fn unless_within<N: PartialOrd + Display>(value: N, bounds: RangeInclusive<N>) -> Option<String> {
    (!bounds.contains(&value)).then(|| format!("a number from {} to {}", bounds.start(), bounds.end()))
}

/// Reads what can be read. The second part says in one sentence each what cannot; that has its default.
pub(super) fn read<T: Kept>(bytes: &[u8]) -> (T, Vec<String>) {
    let text = text_of(bytes);
    let (table, problems) = match text.parse::<Table>() {
        Ok(table) => (table, Vec::new()),
        Err(_) => damaged_text::statements_of(&text),
    };
    let mut reading = Reading {
        value: T::default(),
        kept: Table::new(),
        problems,
    };
    reading.take(&mut Vec::new(), &Value::Table(table));
    if let Ok(known) = Table::try_from(&reading.value) {
        name_unknown(&reading.kept, &known, &mut Vec::new(), &mut reading.problems);
    }
    (reading.value, reading.problems)
}

/// A file as text. Lines that are not UTF-8 are made such that no parser takes them: a path with the wrong letters
/// would be worse than none.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => {
                let readable = String::from_utf8_lossy(line);
                // In a comment the mark would not be seen.
                text.push_str(&readable.trim_end().replace('#', NO_TEXT));
                text.push_str(NO_TEXT);
                text.push('\n');
            }
        }
    }
    text.into()
}

/// A piece of a file for a message: short, on one line, and of characters that can be shown.
pub(super) fn quote(piece: &str) -> String {
    let mut quoted = String::new();
    for c in piece.chars().take(LONGEST_QUOTE) {
        match c {
            c if c.is_control() => quoted.extend(c.escape_default()),
            char::REPLACEMENT_CHARACTER => quoted.push('?'),
            c => quoted.push(c),
        }
    }
    if piece.chars().nth(LONGEST_QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}

/// A value that grows key by key.
struct Reading<T> {
    value: T,
    /// The keys that `value` came from.
    kept: Table,
    problems: Vec<String>,
}

impl<T: Kept> Reading<T> {
    /// Takes `found` in at `path`: as a whole, or, where that fails, what is good of its entries.
    fn take(&mut self, path: &mut Vec<String>, found: &Value) {
        let mut candidate = Value::Table(self.kept.clone());
        put(&mut candidate, path, found.clone());
        let Value::Table(candidate) = candidate else { return };
        match accept(&candidate) {
            Ok(value) => {
                self.value = value;
                self.kept = candidate;
            }
            Err(expected) => match found {
                Value::Table(entries) if !entries.is_empty() => {
                    for (key, entry) in entries {
                        path.push(key.clone());
                        self.take(path, entry);
                        path.pop();
                    }
                }
                _ => self.problems.push(format!(
                    "expected {expected} for {}, found {}; the default is used",
                    quote(&path.join(".")),
                    quote(&found.to_string())
                )),
            },
        }
    }
}

/// Puts a value into nested tables, which are made where they are missing.
fn put(place: &mut Value, path: &[String], found: Value) {
    match (path, place) {
        ([], place) => *place = found,
        ([key, rest @ ..], Value::Table(table)) => {
            let next = table.entry(key.as_str()).or_insert_with(|| Value::Table(Table::new()));
            put(next, rest, found);
        }
        // Only tables have been accepted on the way to an entry.
        _ => {}
    }
}

/// The value of a table, or what was expected of it instead.
fn accept<T: Kept>(table: &Table) -> Result<T, String> {
    let value: T = table
        .clone()
        .try_into()
        .map_err(|e: toml::de::Error| in_words(e.message()))?;
    match value.out_of_bounds() {
        None => Ok(value),
        Some(expected) => Err(expected),
    }
}

/// The part of serde's message that says what was expected, without names of Rust's types.
fn in_words(message: &str) -> String {
    let expected = message
        .rsplit_once(", expected ")
        .map_or("another kind of value", |(_, e)| e);
    match expected.lines().next().unwrap_or_default().trim() {
        "f32" => "a number",
        "usize" | "u8" => "a whole number of 0 or more",
        "a boolean" => "true or false",
        "a string" | "path string" | "string only" => "text in quotes",
        "a sequence" => "a list",
        "an array of length 2" => "a list of two numbers",
        "an array of length 3" => "a list of three numbers",
        "a map" => "a table",
        structure if structure.starts_with("struct ") => "a table",
        other => other,
    }
    .into()
}

/// Names the keys of a file that mean nothing.
fn name_unknown(kept: &Table, known: &Table, path: &mut Vec<String>, problems: &mut Vec<String>) {
    for (key, value) in kept {
        path.push(key.clone());
        match (value, known.get(key)) {
            (Value::Table(kept), Some(Value::Table(known))) => name_unknown(kept, known, path, problems),
            (_, Some(_)) => {}
            (_, None) => problems.push(format!("nothing is called {}; it is ignored", quote(&path.join(".")))),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Session, Settings, Theme};
    use super::*;
    use crate::engine::DeviceChoice;

    /// The problems with a line of the settings; the lines around it hold all the same.
    fn problems_with(broken: &str) -> Vec<String> {
        let text = format!("theme = \"dark\"\n{broken}\nthreads = 3\n[export]\nlegend = true\n");
        let (settings, problems) = read::<Settings>(text.as_bytes());
        let mut expected = Settings {
            theme: Theme::Dark,
            threads: Some(3),
            ..Settings::default()
        };
        expected.export.legend = true;
        assert_eq!(settings, expected, "{broken}");
        problems
    }

    #[test]
    fn a_broken_key_costs_only_itself() {
        for (broken, sentence) in [
            (
                "interface_scale = \"big\"",
                "expected a number for interface_scale, found \"big\"; the default is used",
            ),
            (
                "interface_scale = 30",
                "expected a number from 0.5 to 3 for interface_scale, found 30; the default is used",
            ),
            (
                "interface_scale = nan",
                "expected a number from 0.5 to 3 for interface_scale, found nan; the default is used",
            ),
            (
                "result_memory_mib = -1",
                "expected a whole number of 0 or more for result_memory_mib, found -1; the default is used",
            ),
            (
                "reload_changed_pictures = 1",
                "expected true or false for reload_changed_pictures, found 1; the default is used",
            ),
            (
                "model_folder = 1",
                "expected text in quotes for model_folder, found 1; the default is used",
            ),
            (
                "device = 1",
                "expected text in quotes for device, found 1; the default is used",
            ),
            ("interface_scal = 2", "nothing is called interface_scal; it is ignored"),
        ] {
            assert_eq!(problems_with(broken), [sentence]);
        }
    }

    #[test]
    fn an_unknown_choice_names_the_known_ones() {
        let (settings, problems) = read::<Settings>(b"device = \"tpu\"\nthreads = 2");
        assert_eq!((settings.device, settings.threads), (DeviceChoice::Auto, Some(2)));
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}")
        };
        for word in ["auto", "gpu", "cpu", "tpu", "device"] {
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn a_value_in_a_tables_place_and_the_reverse() {
        let (settings, problems) = read::<Settings>(b"threads = 2\nexport = 3\n[interface_scale]\nx = 1\n[theme]");
        assert_eq!(
            settings,
            Settings {
                threads: Some(2),
                ..Settings::default()
            }
        );
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0].starts_with("expected a table for export, found 3"),
            "{problems:?}"
        );
    }

    #[test]
    fn in_the_view_each_class_and_key_stands_alone() {
        let text = "[view]\nopacity = 7\nmasks = false\ninside = \"dotted\"\n\
            [view.classes.sky]\nvisible = \"no\"\nopacity = 0.5\n\
            [view.classes.\"traffic light\"]\nvisible = false\nopacity = 2.0\ncolor = [1, 2, 300]\n\
            [view.classes.car]\ncolor = [1, 2, 3]\n";
        let (session, problems) = read::<Session>(text.as_bytes());
        let view = session.view;
        assert!(!view.masks && view.opacity == 0.55);
        assert!(view.class("sky").visible && view.class("sky").opacity == 0.5);
        let light = view.class("traffic light");
        assert!(!light.visible && light.opacity == 1.0 && light.color.is_none());
        assert_eq!(view.class("car").color, Some([1, 2, 3]));
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(
            problems
                .iter()
                .any(|p| p.contains("view.classes.traffic light.opacity")),
            "{problems:?}"
        );
    }

    #[test]
    fn a_line_in_another_encoding_costs_itself() {
        let latin_1 =
            b"theme = \"dark\"\nmodel_folder = \"/m\xf6dels\" # gr\xfcn\nthreads = 3\n[exp\xf6rt]\nlegend = true\n";
        let (settings, problems) = read::<Settings>(latin_1);
        let expected = Settings {
            theme: Theme::Dark,
            threads: Some(3),
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].contains("line 2, found model_folder = \"/m?dels\""),
            "{problems:?}"
        );
    }

    #[test]
    fn a_long_or_unprintable_piece_is_quoted_short() {
        assert_eq!(quote("a ü\0\n\u{fffd}"), "a ü\\u{0}\\n?");
        assert_eq!(quote(&"x".repeat(1000)).chars().count(), LONGEST_QUOTE + 1);
    }
}
