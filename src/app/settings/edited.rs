//! Writing settings to a file that the user may have edited: only changed values are written, and the rest of the file
//! stays unchanged, including comments and unknown keys.

use std::io;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::{Settings, tolerant_toml};

/// The first line of a file that the program creates.
const HEAD: &str =
    "# Settings of Segscope that differ from the defaults. Edit this file only while Segscope is not running.\n";

/// The path of keys to a value, and the value.
type KeyedValue = (Vec<String>, Value);

/// The text of a settings file; `None` if it is not TOML and cannot be edited in place.
pub(super) fn editable(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    text.parse::<DocumentMut>().is_ok().then_some(text)
}

/// The text of a settings file after a change. A key is written only if the file has another value, so a setting that
/// the file leaves out stays out while it has its default.
///
/// # Errors
/// If `text` is not TOML (see [`editable`]), or the settings cannot be written as TOML.
pub(super) fn with_settings(text: &str, settings: &Settings) -> io::Result<String> {
    let mut document: DocumentMut = text.parse().map_err(io::Error::other)?;
    // Text after the last entry of a document stays at its end. If there are only comments, they would end up below the
    // new entries.
    let lead = match document.as_table().is_empty() {
        true if text.trim().is_empty() => HEAD.to_owned(),
        true => format!("{}\n", text.trim_end()),
        false => String::new(),
    };
    if !lead.is_empty() {
        document = DocumentMut::new();
    }
    let (said, _) = tolerant_toml::read::<Settings>(text.as_bytes());
    let (before, after) = (entries(&said)?, entries(settings)?);
    for (path, value) in &after {
        let said = find(&before, path).map(Value::to_string);
        if said != Some(value.to_string()) {
            put(document.as_table_mut(), path, value.clone());
        }
    }
    for (path, _) in &before {
        if find(&after, path).is_none() {
            remove(document.as_table_mut(), path);
        }
    }
    Ok(format!("{lead}{document}"))
}

/// All entries of the settings, in their order in the file.
fn entries(settings: &Settings) -> io::Result<Vec<KeyedValue>> {
    let text = toml::to_string(settings).map_err(io::Error::other)?;
    let document: DocumentMut = text.parse().map_err(io::Error::other)?;
    let mut entries = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut entries);
    Ok(entries)
}

fn collect(table: &Table, path: &mut Vec<String>, entries: &mut Vec<KeyedValue>) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        match item {
            Item::Value(value) => entries.push((path.clone(), value.clone())),
            Item::Table(inner) => collect(inner, path, entries),
            // Settings have no list of tables.
            Item::None | Item::ArrayOfTables(_) => {}
        }
        path.pop();
    }
}

fn find<'a>(entries: &'a [KeyedValue], path: &[String]) -> Option<&'a Value> {
    let entry = entries.iter().find(|(other, _)| other == path);
    entry.map(|(_, value)| value)
}

/// Replaces a value in place, or adds it; missing tables on the path are created.
fn put(table: &mut dyn TableLike, path: &[String], mut value: Value) {
    match path {
        [] => {}
        [key] => match table.get_mut(key) {
            // Inserting would drop the comment above the key.
            Some(item) => {
                if let Item::Value(before) = &*item {
                    *value.decor_mut() = before.decor().clone();
                }
                *item = Item::Value(value);
            }
            None => {
                table.insert(key, Item::Value(value));
            }
        },
        [key, rest @ ..] => {
            let inner = table.entry(key).or_insert_with(|| Item::Table(Table::new()));
            if !inner.is_table_like() {
                *inner = Item::Table(Table::new());
            }
            if let Some(inner) = inner.as_table_like_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// Removes an entry, if it exists.
fn remove(table: &mut dyn TableLike, path: &[String]) {
    match path {
        [] => {}
        [key] => {
            table.remove(key);
        }
        [key, rest @ ..] => {
            if let Some(inner) = table.get_mut(key).and_then(Item::as_table_like_mut) {
                remove(inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Theme;
    use super::*;
    use crate::export::Format;

    const BY_HAND: &str = "# My settings, do not touch.\n\
        theme = 'dark'   # easier on the eyes\n\
        \n\
        # threads = 4\n\
        interface_scale = 1\n\
        colour_of_the_sky = \"blue\"\n\
        \n\
        # Where the results go.\n\
        [export]\n\
        legend = true # for papers\n\
        # the end\n";

    fn read(text: &str) -> Settings {
        tolerant_toml::read::<Settings>(text.as_bytes()).0
    }

    #[test]
    fn unchanged_settings_leave_the_file_byte_for_byte() {
        assert_eq!(with_settings(BY_HAND, &read(BY_HAND)).expect("a text"), BY_HAND);
    }

    #[test]
    fn a_change_edits_only_its_line() {
        let changed = Settings {
            theme: Theme::Light,
            ..read(BY_HAND)
        };
        let text = with_settings(BY_HAND, &changed).expect("a text");
        assert_eq!(text, BY_HAND.replace("'dark'", "\"light\""));
        // Also back to the default: the key stays in the file.
        let default = Settings {
            theme: Theme::System,
            ..changed
        };
        let text = with_settings(&text, &default).expect("a text");
        assert_eq!(text, BY_HAND.replace("'dark'", "\"system\""));
    }

    #[test]
    fn a_missing_key_is_added_when_it_differs_from_the_default() {
        let mut changed = Settings {
            threads: Some(3),
            ..read(BY_HAND)
        };
        changed.export.formats = vec![Format::Confidence];
        let text = with_settings(BY_HAND, &changed).expect("a text");
        assert_eq!(read(&text), changed);
        let mut kept = text.lines();
        for line in BY_HAND.lines() {
            assert!(kept.any(|other| other == line), "{line} is gone or moved: {text}");
        }
        assert_eq!(text.lines().count(), BY_HAND.lines().count() + 2, "{text}");
        // An optional setting is removed when it is unset.
        let unset = Settings {
            threads: None,
            ..changed.clone()
        };
        let text = with_settings(&text, &unset).expect("a text");
        assert_eq!(read(&text), unset);
        assert!(!text.lines().any(|line| line.starts_with("threads")), "{text}");
    }

    #[test]
    fn every_spelling_of_a_table_is_edited_in_place() {
        for (before, after) in [
            ("export.legend = true\n", "export.legend = false\n"),
            ("export = { legend = true }\n", "export = { legend = false }\n"),
            ("[export]\nlegend = true\n", "[export]\nlegend = false\n"),
        ] {
            let mut changed = read(before);
            assert!(changed.export.legend, "{before}");
            changed.export.legend = false;
            assert_eq!(with_settings(before, &changed).expect("a text"), after);
        }
    }

    #[test]
    fn a_new_file_has_only_values_that_differ_from_the_defaults() {
        assert_eq!(with_settings("", &Settings::default()).expect("a text"), HEAD);
        let mut changed = Settings {
            theme: Theme::Light,
            ..Settings::default()
        };
        changed.export.legend = !changed.export.legend;
        let legend = changed.export.legend;
        assert_eq!(
            with_settings("\n", &changed).expect("a text"),
            format!("{HEAD}theme = \"light\"\n\n[export]\nlegend = {legend}\n")
        );
    }

    #[test]
    fn comments_stay_above_added_entries() {
        let changed = Settings {
            threads: Some(2),
            ..Settings::default()
        };
        let text = with_settings("# theme = \"dark\"\n\n", &changed).expect("a text");
        assert_eq!(text, "# theme = \"dark\"\nthreads = 2\n");
    }

    #[test]
    fn only_toml_can_be_edited() {
        assert_eq!(editable(BY_HAND.as_bytes()), Some(BY_HAND));
        for damaged in [&b"%%%"[..], b"theme = \"dark", b"theme = \"\xff\"", b"a = 1\na = 2"] {
            assert_eq!(editable(damaged), None, "{damaged:?}");
        }
    }
}
