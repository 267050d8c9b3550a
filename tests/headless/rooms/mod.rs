//! Checks that rooms use only the rooms listed for them in `ARCHITECTURE.md`, and that uses form no circles.

mod circles;
mod paths;
mod table;
pub mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use walkdir::WalkDir;

use crate::repository::in_repository;
use circles::Files;
use paths::{Use, uses};
use table::{Table, going_round, parse};
use tokens::{tokens, without_tests};

/// Items needed to start the window, which a room that may only start it can use.
const STARTING: [&str; 5] = ["self", "run", "Start", "NoWindow", "Store"];

/// A source file of the program.
pub struct Source {
    name: String,
    module: Vec<String>,
    uses: Vec<Use>,
    /// Pairs of words around a `::` that are not at the start of a longer path.
    pairs: BTreeSet<(String, String)>,
    /// Test modules of this file that are in separate files.
    tests: Vec<Vec<String>>,
}

impl Source {
    /// Test code is left out: tests may use any room, such as an encoder for a page of the window, and the program does
    /// not depend on that.
    fn new(name: &str, text: &str) -> Self {
        let module = module_of(Path::new(name));
        let all = tokens(text);
        let (kept, tests) = without_tests(&all);
        let pairs = kept.windows(3).enumerate().filter_map(|(i, window)| match window {
            [first, "::", second] if i == 0 || kept[i - 1] != "::" => Some(((*first).to_owned(), (*second).to_owned())),
            _ => None,
        });
        Self {
            name: name.into(),
            uses: uses(&kept, &module),
            pairs: pairs.collect(),
            tests: tests
                .into_iter()
                .map(|test| [&module[..], &[test.to_owned()]].concat())
                .collect(),
            module,
        }
    }

    fn room(&self) -> &String {
        &self.module[0]
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// All files below `src` except the two that declare the rooms.
fn sources() -> Vec<Source> {
    let root = in_repository("src");
    let files = WalkDir::new(&root).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.expect("a readable folder").into_path());
    let sources: Vec<Source> = files
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(|file| {
            let below = file.strip_prefix(&root).expect("a file below src");
            let is_top = below == Path::new("lib.rs") || below == Path::new("main.rs");
            let text = std::fs::read_to_string(&file).expect("a source");
            (!is_top).then(|| Source::new(&below.to_string_lossy(), &text))
        })
        .collect();
    assert!(sources.len() > 100, "{} files", sources.len());
    without_test_files(sources)
}

/// Leaves out files that are test modules or in one.
fn without_test_files(mut sources: Vec<Source>) -> Vec<Source> {
    let tests: BTreeSet<Vec<String>> = sources.iter().flat_map(|source| source.tests.clone()).collect();
    sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    sources
}

/// All differences from the table.
fn offences(table: &Table, sources: &[Source]) -> Vec<String> {
    let rooms: BTreeSet<&String> = sources.iter().map(Source::room).collect();
    let mut found = Vec::new();
    for room in &rooms {
        if !table.contains_key(*room) {
            found.push(format!("room {room} has no row"));
        }
    }
    for room in table.keys() {
        if !rooms.contains(room) {
            found.push(format!("row {room} has no room"));
        }
    }
    let round = going_round(table);
    if !round.is_empty() {
        found.push(format!("the arrows of the table form a circle: {round:?}"));
    }
    let mut used: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for source in sources {
        let Some(row) = table.get(source.room()) else { continue };
        for Use { path, .. } in source.uses.iter().filter(|used| used.is_anchored) {
            let Some(other) = path.first().filter(|other| *other != source.room()) else {
                continue;
            };
            used.entry(source.room()).or_default().insert(other);
            let starts = || row.starts.contains(other) && path.get(1).is_none_or(|item| is_for_starting(item));
            if !row.may.contains(other) && !starts() {
                found.push(format!(
                    "{}: {} may not use {}",
                    source.name,
                    source.room(),
                    path.join("::")
                ));
            }
        }
        // Items named by their room's name.
        for (other, item) in &source.pairs {
            if row.starts.contains(other) && !is_for_starting(item) {
                found.push(format!(
                    "{}: {} may only start {other}, not use {other}::{item}",
                    source.name,
                    source.room()
                ));
            }
        }
    }
    for (room, row) in table.iter().filter(|(room, row)| !row.is_open && rooms.contains(room)) {
        let is_unused = |other: &&String| used.get(room).is_none_or(|used| !used.contains(other));
        let unused = row.may.iter().filter(is_unused);
        found.extend(unused.map(|other| format!("{room} may use {other} but does not")));
    }
    found
}

fn is_for_starting(item: &str) -> bool {
    STARTING.contains(&item)
}

#[test]
fn rooms_use_only_the_rooms_in_the_table() {
    let architecture = std::fs::read_to_string(in_repository("ARCHITECTURE.md")).expect("the architecture");
    let (table, sources) = (parse(&architecture), sources());
    let crossing = |used: &&Use| used.is_anchored && used.path.first().is_some_and(|room| table.contains_key(room));
    let count = sources
        .iter()
        .flat_map(|source| source.uses.iter().filter(crossing))
        .count();
    assert!(table.len() > 10 && count > 1000, "{} rows, {count} uses", table.len());
    let found = offences(&table, &sources);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A table of three rooms, with these uses allowed for `below` and `above`.
fn table_with(below: &str, above: &str) -> Table {
    parse(&format!(
        "# House\n\n## Rooms\n\n| room | what it is | it may use |\n|---|---|---|\n| `below` | a | {below} |\n\
         | `above` | b | {above} |\n| `cli` | c | all but `app`, which it only starts |\n| `app` | d | – |\n\nWords.\n\n## More\n\n| `x` | y |\n"
    ))
}

/// Sources without offences.
fn sound() -> Vec<Source> {
    vec![
        Source::new("below.rs", "pub struct Thing;"),
        Source::new(
            "above/mod.rs",
            "use crate::{\n    above::own,\n    below::{self, Thing},\n};",
        ),
        Source::new(
            "cli/mod.rs",
            "use crate::app::{self, Start};\nfn f() { app::run(Start); crate::below::g(); }",
        ),
        Source::new("app/mod.rs", "pub struct Start;"),
    ]
}

#[test]
fn allowed_uses_are_no_offences() {
    assert_eq!(offences(&table_with("–", "`below`"), &sound()), [""; 0]);
}

#[test]
fn an_arrow_back_is_an_offence() {
    let mut sources = sound();
    sources.push(Source::new(
        "below/part.rs",
        "fn f() { let x = super::super::above::own(); }",
    ));
    let found = offences(&table_with("–", "`below`"), &sources);
    assert_eq!(found, ["below/part.rs: below may not use above::own"]);
    // With a row that allows it, the arrows form a circle.
    let found = offences(&table_with("`above`", "`below`"), &sources);
    assert_eq!(found, ["the arrows of the table form a circle: {\"above\", \"below\"}"]);
}

#[test]
fn every_room_has_a_row_and_every_row_a_room() {
    let mut sources = sound();
    sources.push(Source::new("cellar/mod.rs", "use crate::below::Thing;"));
    let found = offences(&table_with("–", "`below`"), &sources);
    assert_eq!(found, ["room cellar has no row"]);
    let found = offences(&table_with("–", "`below`"), &sound()[..3]);
    assert_eq!(found, ["row app has no room"]);
}

#[test]
fn an_unused_allowance_is_an_offence() {
    let found = offences(&table_with("–", "`below`, `app`"), &sound());
    assert_eq!(found, ["above may use app but does not"]);
}

#[test]
fn using_a_room_that_may_only_be_started_is_an_offence() {
    for text in [
        "use crate::app::{self, Start, Window};",
        "use crate::app;\nfn f() { app::Window::new(); }",
        "fn f() { crate::app::Window::new(); }",
    ] {
        let mut sources = sound();
        sources.push(Source::new("cli/more.rs", text));
        let found = offences(&table_with("–", "`below`"), &sources);
        assert!(
            found.iter().any(|offence| offence.contains("app::Window")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn exceptions_are_parsed_in_both_forms() {
    let rows = [
        "| `a` | | – |",
        "| `b` | | all but `c`, and `d` only to start it |",
        "| `c` | | – |",
        "| `d` | | all but `b`, which it only starts |",
    ];
    let table = parse(&format!("\n## Rooms\n{}\n", rows.join("\n")));
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!((&table["b"].may, &table["b"].starts), (&set(&["a"]), &set(&["d"])));
    assert_eq!((&table["d"].may, &table["d"].starts), (&set(&["a", "c"]), &set(&["b"])));
    assert_eq!(going_round(&table), set(&["b", "d"]));
}

#[test]
fn only_code_counts() {
    let text = "// crate::above::a\n/* crate::above::b /* c */ crate::above::d */\n\
                const A: &str = \"crate::above::e \\\" \"; const B: &str = r#\"crate::above::f \"#; const C: char = '\"';\n\
                fn f<'a>(x: &'a str) { let y = '\\''; }\n\
                #[cfg(test)]\nmod tests { use crate::above::g; fn h() {} }\n\
                #[cfg(all(test, unix))]\nmod more;\n\
                mod inner { use super::own::i; use super::super::above::j; }\n\
                use crate::above::{k::{l, m as n}, o, *};";
    let source = Source::new("below/mod.rs", text);
    let paths: Vec<String> = source.uses.iter().map(|used| used.path.join("::")).collect();
    let expected = [
        "below::own::i",
        "above::j",
        "above::k::l",
        "above::k::m",
        "above::o",
        "above::*",
    ];
    assert_eq!(paths, expected);
    assert_eq!(source.tests, [["below", "more"].map(str::to_owned)]);
}

/// Rooms whose files must not use each other in circles.
const IN_ORDER: [&str; 2] = ["engine", "runtime"];

#[test]
fn files_do_not_use_each_other_in_circles() {
    let sources = sources();
    let (mut count, mut found) = (0, Vec::new());
    for room in IN_ORDER {
        let files = Files::of(room, &sources);
        count += files.count();
        for circle in files.circles() {
            found.push(format!("a circle of {} files:", circle.len()));
            let lines = circle.iter().map(|(file, used)| {
                let used: Vec<String> = used.iter().map(|used| used.join("::")).collect();
                format!("    {} uses {}", file.join("::"), used.join(", "))
            });
            found.extend(lines);
        }
    }
    assert!(count > 20, "{count} files");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The circles in a room with these files.
fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources: Vec<Source> = files.iter().map(|(name, text)| Source::new(name, text)).collect();
    let circles = Files::of("room", &sources).circles();
    let names = circles
        .iter()
        .map(|circle| circle.keys().map(|file| file.join("::")).collect());
    names.collect()
}

#[test]
fn circles_are_found_through_re_exports() {
    let through_the_room = [
        (
            "room/mod.rs",
            "mod a; mod b; mod c; pub use c::{Thing, Other}; use crate::elsewhere::X;",
        ),
        ("room/a.rs", "use super::b::B;"),
        ("room/b.rs", "fn f() -> crate::room::Thing { todo!() }"),
        ("room/c.rs", "use super::a::A;"),
        ("elsewhere.rs", "use crate::room::Thing;"),
    ];
    assert_eq!(circles_of(&through_the_room), [["room::a", "room::b", "room::c"]]);
    let in_order = [
        ("room/mod.rs", "mod a; mod b; mod c; pub use a::A; pub use c::Thing;"),
        ("room/a.rs", "use super::b::B;"),
        ("room/b.rs", "use super::{a::A, c::Thing};"),
        ("room/c.rs", "#[cfg(test)]\nmod tests { use super::super::a::A; }"),
    ];
    assert!(
        circles_of(&in_order).is_empty(),
        "two may use each other, and tests do not count"
    );
}

#[test]
fn test_files_are_left_out() {
    let sources = [
        ("room/a.rs", "#[cfg(test)]\npub(in crate::room) mod testing;\nmod b;"),
        ("room/a/testing.rs", "use crate::other::Thing;"),
        ("room/a/testing/more.rs", "use crate::other::Thing;"),
        ("room/a/b.rs", "use crate::other::Thing;"),
    ];
    let sources = sources.map(|(name, text)| Source::new(name, text));
    let left: Vec<String> = without_test_files(sources.into()).into_iter().map(|s| s.name).collect();
    assert_eq!(left, ["room/a.rs", "room/a/b.rs"]);
}
