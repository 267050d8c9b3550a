//! Reading values from TOML key by key: a damaged value falls back to its default, the others are read.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::damaged_text;

/// Longest piece of a file that a message quotes, in characters.
const LONGEST_QUOTE: usize = 40;

/// Replaces bytes that are not UTF-8. Our files never contain it, and TOML does not allow it outside of quotes.
const NO_TEXT: &str = "\u{fffd}";

/// The content of a settings or session file.
pub(super) trait Persisted: Default + Serialize + DeserializeOwned {
    /// What was expected of the first value that is out of bounds, such as `a number from 0.5 to 3`.
    fn out_of_bounds(&self) -> Option<String>;
}

/// What is expected of a value, if it is out of its bounds. NaN always is.
pub(super) fn unless_within<N: PartialOrd + Display>(value: N, bounds: RangeInclusive<N>) -> Option<String> {
    (!bounds.contains(&value)).then(|| format!("a number from {} to {}", bounds.start(), bounds.end()))
}

/// Reads all values that can be read; the others have their defaults. The second part has a sentence for each problem.
pub(super) fn read<T: Persisted>(bytes: &[u8]) -> (T, Vec<String>) {
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

/// A file as text. Lines that are not UTF-8 are changed so that no parser accepts them: a path with wrong letters would
/// be worse than none.
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
                // In a comment a parser would accept the mark.
                text.push_str(&readable.trim_end().replace('#', NO_TEXT));
                text.push_str(NO_TEXT);
                text.push('\n');
            }
        }
    }
    text.into()
}

/// A piece of a file for a message: short, on one line, and with printable characters only.
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

/// A value that is read key by key.
struct Reading<T> {
    value: T,
    /// The entries that `value` was read from.
    kept: Table,
    problems: Vec<String>,
}

impl<T: Persisted> Reading<T> {
    /// Reads `found` at `path`: as a whole, or, if that fails, those of its entries that are sound.
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

/// Puts a value into nested tables; missing ones are created.
fn put(place: &mut Value, path: &[String], found: Value) {
    match (path, place) {
        ([], place) => *place = found,
        ([key, rest @ ..], Value::Table(table)) => {
            let next = table.entry(key.as_str()).or_insert_with(|| Value::Table(Table::new()));
            put(next, rest, found);
        }
        // Everything on the path to an entry is a table.
        _ => {}
    }
}

/// The value of a table, or what was expected instead.
fn accept<T: Persisted>(table: &Table) -> Result<T, String> {
    let value: T = table
        .clone()
        .try_into()
        .map_err(|e: toml::de::Error| in_words(e.message()))?;
    match value.out_of_bounds() {
        None => Ok(value),
        Some(expected) => Err(expected),
    }
}

/// The part of serde's message that says what was expected, without Rust type names.
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

/// Reports unknown keys of a file.
fn name_unknown(kept: &Table, known: &Table, path: &mut Vec<String>, problems: &mut Vec<String>) {
    for (key, value) in kept {
        path.push(key.clone());
        match (value, known.get(key)) {
            (Value::Table(kept), Some(Value::Table(known))) => name_unknown(kept, known, path, problems),
            (_, Some(_)) => {}
            (_, None) => problems.push(format!("unknown key {}; it is ignored", quote(&path.join(".")))),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SavedSession, Settings, Theme};
    use super::*;
    use crate::engine::DeviceChoice;

    /// The problems with a line of the settings. Checks that the lines around it are read.
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
    fn a_broken_value_does_not_affect_others() {
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
            ("interface_scal = 2", "unknown key interface_scal; it is ignored"),
        ] {
            assert_eq!(problems_with(broken), [sentence]);
        }
    }

    #[test]
    fn an_unknown_choice_lists_the_known_ones() {
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
    fn a_value_in_place_of_a_table_and_vice_versa_are_reported() {
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
    fn classes_and_keys_of_the_view_are_read_independently() {
        let text = "[view]\nopacity = 7\nmasks = false\ninside = \"dotted\"\n\
            [view.classes.sky]\nvisible = \"no\"\nopacity = 0.5\n\
            [view.classes.\"traffic light\"]\nvisible = false\nopacity = 2.0\ncolor = [1, 2, 300]\n\
            [view.classes.car]\ncolor = [1, 2, 3]\n";
        let (session, problems) = read::<SavedSession>(text.as_bytes());
        let view = session.view;
        assert!(!view.masks && view.opacity == 0.45);
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
    fn a_line_in_another_encoding_is_skipped() {
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
    fn quotes_are_shortened_and_printable() {
        assert_eq!(quote("a ü\0\n\u{fffd}"), "a ü\\u{0}\\n?");
        assert_eq!(quote(&"x".repeat(1000)).chars().count(), LONGEST_QUOTE + 1);
    }
}
