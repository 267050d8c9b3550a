//! Checks that texts for users and developers avoid the words that `CONTEXT.md` lists to be searched for.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::readme::{commands, help};
use crate::repository::in_repository;
use crate::rooms::tokens::others;

/// The files that may quote the words: the list and this test.
const QUOTING: [&str; 2] = ["CONTEXT.md", "tests/headless/words.rs"];

/// The words in the first column of the list.
fn words() -> Vec<String> {
    let glossary = fs::read_to_string(in_repository("CONTEXT.md")).expect("the glossary");
    let (_, list) = glossary
        .split_once("## Words that are searched for")
        .expect("the list of words");
    let rows = list
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let words: Vec<String> = rows.filter(|word| *word != "avoid").map(str::to_owned).collect();
    assert!(words.len() > 15, "too few words: {words:?}");
    words
}

/// Whether a text contains a word. A plural counts, a part of a longer word or an identifier does not.
fn contains(text: &str, word: &str) -> bool {
    let is_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].trim_start_matches('s').chars().next();
        !before.is_some_and(is_of_a_word) && !after.is_some_and(is_of_a_word)
    })
}

/// The lines of a text with one of the words, each with file name, line number and word.
fn findings(name: &str, text: &str, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    // Check each line together with the next, because an entry of several words may be wrapped.
    let lines: Vec<&str> = text.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        let next = lines
            .get(i + 1)
            .map_or("", |next| next.trim_start_matches([' ', '/', '!', '|']));
        let both = format!("{line} {next}").to_lowercase();
        for word in words {
            let is_new = contains(&both, word) && !contains(&next.to_lowercase(), word);
            if is_new {
                found.push(format!("{name}:{}: {word}: {}", i + 1, line.trim()));
            }
        }
    }
    found
}

/// Files with this extension below a folder of the repository, as paths relative to the repository.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let root = in_repository("");
    let below = WalkDir::new(in_repository(folder)).sort_by_file_name().into_iter();
    let below = below.map(|entry| entry.expect("a readable folder").into_path());
    let fitting = below.filter(|path| path.is_file() && path.extension().is_some_and(|found| found == ending));
    fitting
        .map(|path| path.strip_prefix(&root).expect("below the repository").to_owned())
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(in_repository("").join(path)).expect("a text")
}

/// The comments and string literals of a source, line by line. Literals of a single lower-case word are left out, because
/// they are keys of file formats, ids of widgets and similar identifiers.
fn prose(source: &str) -> String {
    let mut prose = String::new();
    for piece in others(source) {
        if piece.starts_with("//") || piece.starts_with("/*") {
            // Text in backticks is code.
            prose.extend(piece.split('`').step_by(2));
            continue;
        }
        let text = piece.trim_matches(['r', 'b', '#', '"']);
        let is_read = text.trim().contains(char::is_whitespace) || text.starts_with(char::is_uppercase);
        if is_read {
            prose.push_str(text);
        } else {
            prose.extend(piece.matches('\n'));
        }
    }
    prose
}

fn expect_none(found: &[String]) {
    assert!(
        found.is_empty(),
        "{} words to avoid, see CONTEXT.md:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn sources_avoid_the_words() {
    let words = words();
    let mut found = Vec::new();
    for path in files("src", "rs") {
        found.extend(findings(&path.display().to_string(), &prose(&read(&path)), &words));
    }
    expect_none(&found);
}

#[test]
fn documentation_avoids_the_words() {
    let words = words();
    let mut found = Vec::new();
    let mut all: Vec<PathBuf> = ["docs", "tests", "assets", ".github"]
        .map(|folder| files(folder, "md"))
        .concat();
    let root = fs::read_dir(in_repository("")).expect("the repository");
    all.extend(root.map(|entry| PathBuf::from(entry.expect("an entry").file_name())));
    let is_text = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "md");
    for path in all.iter().filter(is_text) {
        let name = path.display().to_string();
        if !QUOTING.contains(&name.as_str()) {
            found.extend(findings(&name, &read(path), &words));
        }
    }
    assert!(all.len() > 40, "too few files: {all:?}");
    expect_none(&found);
}

#[test]
fn scripts_and_shaders_avoid_the_words() {
    let words = words();
    let folders = [("shaders", "wgsl"), ("assets", "toml"), ("tests", "py")];
    let mut all: Vec<PathBuf> = folders
        .iter()
        .flat_map(|(folder, ending)| files(folder, ending))
        .collect();
    all.push(PathBuf::from(".ci/run"));
    assert!(all.len() > 2, "too few files: {all:?}");
    let found = all
        .iter()
        .flat_map(|path| findings(&path.display().to_string(), &read(path), &words));
    expect_none(&found.collect::<Vec<_>>());
}

#[test]
fn help_avoids_the_words() {
    let words = words();
    let names = commands();
    assert!(names.contains("segment") && names.contains("train"), "{names:?}");
    let mut found = findings("segscope --help", &help(&["--help"]), &words);
    for name in &names {
        let text = help(&[name, "--help"]);
        found.extend(findings(&format!("segscope {name} --help"), &text, &words));
    }
    expect_none(&found);
}

#[test]
fn whole_words_are_found_even_across_lines() {
    let words = ["picture".to_owned(), "goes on".to_owned()];
    assert_eq!(findings("a", "Two Pictures", &words).len(), 1);
    assert_eq!(findings("a", "pictured, picture_id", &words).len(), 0);
    assert_eq!(
        findings("a", "/// It goes\n/// on.", &words),
        ["a:1: goes on: /// It goes"]
    );
    let source = "let a = f(\"no picture\", \"key\"); // here\nlet b = \"It goes\n on\"; // `picture`";
    assert_eq!(prose(source), "no picture// here\nIt goes\n on// ");
    assert_eq!(findings("a", &prose(source), &words).len(), 2);
}
