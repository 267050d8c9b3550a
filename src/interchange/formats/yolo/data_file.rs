//! `data.yaml`: the names of the classes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::ScanError;

use crate::interchange::InterchangeError;
use crate::interchange::files::read_text;

/// Largest file that is read, in bytes.
const MOST: u64 = 16 << 20;

/// The names of the classes with their numbers.
///
/// # Errors
/// When the file is no YAML, or has no names.
pub(super) fn names(path: &Path) -> Result<BTreeMap<u16, String>, InterchangeError> {
    let size = fs::metadata(path).map_err(InterchangeError::read(path))?.len();
    if size > MOST {
        let text = format!("expected at most {MOST} bytes, found {size}; keep only the names of the classes");
        return Err(InterchangeError::content(text, path));
    }
    let text = read_text(path)?;
    names_in(&text).map_err(|why| InterchangeError::content(why, path))
}

/// Reads event by event: a nest of any depth takes no stack, and aliases are not copied.
fn names_in(text: &str) -> Result<BTreeMap<u16, String>, String> {
    let damaged = |why: ScanError| format!("expected YAML, found an error ({why}); correct the file");
    let mut events = Parser::new_from_str(text);
    let mut next = || events.next_token().map(|(event, _)| event).map_err(damaged);
    loop {
        match next()? {
            Event::MappingStart(..) => break,
            Event::StreamStart | Event::DocumentStart | Event::Nothing => {}
            other => return Err(format!("expected keys with values, found {other:?}; correct the file")),
        }
    }
    loop {
        match next()? {
            Event::Scalar(key, ..) if key == "names" => return listed(&mut next),
            Event::Scalar(..) => skip(&mut next)?,
            Event::MappingEnd => return Err("expected the key \"names\", found none; add the names".to_owned()),
            other => return Err(format!("expected a key, found {other:?}; correct the file")),
        }
    }
}

/// Reads over one value.
fn skip(next: &mut impl FnMut() -> Result<Event, String>) -> Result<(), String> {
    let mut depth = 0_usize;
    loop {
        match next()? {
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::StreamEnd => return Err("expected a value, found the end; correct the file".to_owned()),
            _ => {}
        }
        if depth == 0 {
            return Ok(());
        }
    }
}

/// The value of `names`: a list, or numbers with names.
fn listed(next: &mut impl FnMut() -> Result<Event, String>) -> Result<BTreeMap<u16, String>, String> {
    let wrong = |other| format!("expected names of classes, found {other:?}; write a list, or numbers with names");
    let with_numbers = match next()? {
        Event::SequenceStart(..) => false,
        Event::MappingStart(..) => true,
        other => return Err(wrong(other)),
    };
    let mut names = BTreeMap::new();
    loop {
        let first = match next()? {
            Event::Scalar(first, ..) => first,
            Event::SequenceEnd | Event::MappingEnd => return Ok(names),
            other => return Err(wrong(other)),
        };
        let (number, name) = if with_numbers {
            match next()? {
                Event::Scalar(name, ..) => (first, name),
                other => return Err(wrong(other)),
            }
        } else {
            (names.len().to_string(), first)
        };
        let number = number.trim().parse().ok().filter(|number| *number < u16::MAX);
        let number = number.ok_or("expected numbers of classes below 65535; number them from 0")?;
        if names.insert(number, name).is_some() {
            return Err(format!(
                "expected each number once, found {number} again; number the classes again"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_numbers() {
        let list = names_in("path: x\ntrain: [a, {b: c}]\nnames: [road, 'a: b']\n").unwrap();
        assert_eq!(list.into_values().collect::<Vec<_>>(), ["road", "a: b"]);
        let numbered = names_in("nc: 2\nnames:\n  0: road\n  3: \"车\" # x\n").unwrap();
        assert_eq!(numbered, BTreeMap::from([(0, "road".to_owned()), (3, "车".to_owned())]));
    }

    #[test]
    fn damage_and_deep_nests_are_errors() {
        let deep = format!("a: {}", "[".repeat(100_000));
        let block = format!("a:\n{}x", "- ".repeat(100_000));
        for text in [
            "",
            "- a",
            "nc: 3",
            "names: road",
            "names: {0: [a]}",
            "names: {x: a}",
            "names: [*a]",
            "names: [a",
            &deep,
        ] {
            assert!(names_in(text).is_err(), "{}", &text[..text.len().min(20)]);
        }
        assert!(names_in(&block).is_err());
    }
}
