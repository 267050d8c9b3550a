//! Checks that the command-line text of `README.md` agrees with `--help`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::repository::in_repository;

/// Flags by command; those of the window have an empty name.
type Flags = BTreeMap<String, BTreeSet<String>>;

/// What the program prints for these arguments.
pub fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_segscope")).args(arguments).output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The long flags in a text.
fn flags_in(text: &str) -> BTreeSet<String> {
    let is_of_a_flag = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let flags = text.match_indices("--").map(|(at, _)| {
        let end = text[at..]
            .find(|c| !is_of_a_flag(c))
            .map_or(text.len(), |length| at + length);
        text[at..end].to_owned()
    });
    flags.filter(|flag| flag.len() > 2).collect()
}

/// The commands that `--help` lists.
pub fn commands() -> BTreeSet<String> {
    let overview = help(&["--help"]);
    let (_, list) = overview.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The flags in a command-line text: a line that starts with `segscope` is a call, and indented lines describe its
/// flags.
fn flags_of(text: &str) -> Flags {
    let mut flags = Flags::new();
    let mut command = String::new();
    for line in text.lines() {
        if let Some(call) = line.strip_prefix("segscope ") {
            let name = call.split_whitespace().next().unwrap_or_default();
            let is_command = name.chars().all(|c| c.is_ascii_lowercase());
            command = if is_command { name.to_owned() } else { String::new() };
        }
        flags.entry(command.clone()).or_default().extend(flags_in(line));
    }
    flags
}

fn readme() -> Flags {
    let text = fs::read_to_string(in_repository("README.md")).expect("the README");
    let (_, block) = text.split_once("```text\nsegscope ").expect("the command-line text");
    let (block, _) = block.split_once("```").expect("its end");
    flags_of(&format!("segscope {block}"))
}

#[test]
fn the_readme_lists_exactly_the_existing_commands() {
    let named: BTreeSet<String> = readme().into_keys().filter(|name| !name.is_empty()).collect();
    assert_eq!(named, commands());
}

#[test]
fn every_flag_in_the_readme_is_in_the_help_of_its_command() {
    let mut unknown = Vec::new();
    for (command, flags) in readme() {
        let arguments = [command.as_str(), "--help"];
        let known = flags_in(&help(if command.is_empty() {
            &arguments[1..]
        } else {
            &arguments
        }));
        unknown.extend(
            flags
                .difference(&known)
                .map(|flag| format!("segscope {command} {flag}")),
        );
    }
    assert!(unknown.is_empty(), "flags that do not exist: {unknown:?}");
}

#[test]
fn flags_in_a_command_line_text_are_assigned_to_commands() {
    let flags =
        flags_of("segscope [IMAGE…]  open\n    --model FILE\nsegscope a --out DIR\n    --x | --y-z N  what --model is");
    let set = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(flags[""], set(&["--model"]));
    assert_eq!(flags["a"], set(&["--out", "--x", "--y-z", "--model"]));
}
