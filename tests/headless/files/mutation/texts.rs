//! Damage to text files: to their lines, values, words and bytes.

use std::ops::Range;

use super::{Dice, mutated};

/// The parts of a configuration language that are needed to damage it.
pub struct Language {
    /// The separator between a key and its value.
    separator: char,
    /// Problematic values.
    values: &'static [&'static str],
    /// Tokens that open a nested structure.
    openings: &'static [&'static str],
    /// Another text, whose parts may replace parts of the damaged one.
    donor: &'static str,
}

pub const YAML: Language = Language {
    separator: ':',
    values: &[
        "-1",
        "0",
        "65536",
        "99999999999999999999",
        "~",
        "",
        "1.5",
        ".nan",
        "[[[[",
        "{a: {b: {",
        "\"",
        "| \n  x",
        "&a [*a]",
        "&a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "!!python/object/apply:os.system [true]",
        "vit",
        "\u{0}\u{7f}\u{feff}",
    ],
    openings: &["[", "{a: ", "- ", "? "],
    donor: "%YAML 9.9\n--- !!map\n",
};

pub const TOML: Language = Language {
    separator: '=',
    values: &[
        "-1",
        "0",
        "65536",
        "9223372036854775807",
        "99999999999999999999",
        "1e400",
        "-0.0",
        "nan",
        "-inf",
        "true",
        "[]",
        "{}",
        "[[], {}]",
        "\"\"",
        "\"",
        "'''",
        "\"\\u0000\\uD800\"",
        "1979-05-27T07:32:00Z",
        "\u{0}\u{7f}\u{feff}",
        "\"\u{202e}é\u{301}\"",
    ],
    openings: &["[", "{ a = ", "{ a.b = [", "\"", "#"],
    donor: "[a.b]\n[[a]]\na.b.c = 1\n[a]\n",
};

pub const JSON: Language = Language {
    separator: ':',
    values: &[
        "-1,",
        "0,",
        "18446744073709551615,",
        "99999999999999999999,",
        "1e400,",
        "null,",
        "true,",
        "[],",
        "{},",
        "\"\",",
        "\"\\ud800\",",
        "NaN,",
        "\"",
    ],
    openings: &["[", "{\"a\": "],
    donor: "{\"a\": [1, {\"b\": null}]}",
};

/// Damages lines and values; in one of four cases words instead, and in one of four bytes.
pub fn mutated_text(text: &str, language: &Language, dice: &mut Dice) -> Vec<u8> {
    match dice.below(4) {
        0 => mutated(text.as_bytes(), language.donor.as_bytes(), dice),
        1 => with_swapped_words(text, dice).into_bytes(),
        _ => mutated_lines(text, language, dice).into_bytes(),
    }
}

fn mutated_lines(text: &str, language: &Language, dice: &mut Dice) -> String {
    let separator = language.separator;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=dice.below(4) {
        let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
        let Some(line) = lines.get(at).cloned() else { break };
        let key = line.split(separator).next().unwrap_or_default();
        match dice.below(9) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(other, line),
            2 => lines.swap(at, other),
            3 => lines[at] = format!("{}{line}", dice.pick(&[" ", "    ", "\t", "- ", "? ", ": "])),
            4 => lines[at] = line.trim_start().to_owned(),
            5 => lines.truncate(at),
            6 => {
                let opening = dice.pick(language.openings).repeat(1 + dice.below(2000));
                lines[at] = format!("{key}{separator} {opening}");
            }
            7 => lines[at] = format!("{}{line}", "a.".repeat(1 + dice.below(2000))),
            _ => lines[at] = format!("{key}{separator} {}", dice.pick(language.values)),
        }
    }
    lines.join("\n")
}

/// Swaps two words or numbers, one to three times.
fn with_swapped_words(text: &str, dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(3) {
        let words = words_of(&text);
        let (i, j) = (dice.below(words.len()), dice.below(words.len()));
        let (Some(first), Some(second)) = (words.get(i.min(j)), words.get(i.max(j))) else {
            break;
        };
        if i != j {
            text = [
                &text[..first.start],
                &text[second.clone()],
                &text[first.end..second.start],
                &text[first.clone()],
                &text[second.end..],
            ]
            .concat();
        }
    }
    text
}

/// The ranges of the words and numbers of a text.
fn words_of(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut begin = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_part = character.is_alphanumeric() || "_.-".contains(character);
        match begin {
            None if is_part => begin = Some(at),
            Some(start) if !is_part => {
                words.push(start..at);
                begin = None;
            }
            _ => {}
        }
    }
    words
}
