//! The table of rooms in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

/// What a room may use.
#[derive(Debug, Default, PartialEq)]
pub struct Row {
    pub may: BTreeSet<String>,
    /// Rooms that it may only start.
    pub starts: BTreeSet<String>,
    /// Whether it may use all other rooms, and therefore need not use each of them.
    pub is_open: bool,
}

/// The rows by room.
pub type Table = BTreeMap<String, Row>;

/// Parses the table below the heading "Rooms".
///
/// Its columns are the room, its description and what it may use: names in backticks, "–", or "all but" some rooms. One
/// of these may be started: "all but `a`, which it only starts", "all but `a`, and `b` only to start it".
pub fn parse(architecture: &str) -> Table {
    let (_, below) = architecture.split_once("\n## Rooms\n").expect("a heading Rooms");
    let section = below.split("\n## ").next().unwrap_or(below);
    let rows: Vec<(String, &str)> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .strip_prefix('|')?
                .strip_suffix('|')?
                .split('|')
                .map(str::trim)
                .collect();
            let [room, _, uses] = cells[..] else {
                panic!("expected three cells: {line}")
            };
            // The heading and the line below it have no room.
            Some((names(room).pop()?, uses))
        })
        .collect();
    let all: BTreeSet<String> = rows.iter().map(|(room, _)| room.clone()).collect();
    assert_eq!(all.len(), rows.len(), "a room has two rows");
    rows.into_iter()
        .map(|(room, uses)| {
            let row = row_of(&room, uses, &all);
            (room, row)
        })
        .collect()
}

fn row_of(room: &str, uses: &str, all: &BTreeSet<String>) -> Row {
    let named: BTreeSet<String> = names(uses).into_iter().collect();
    if let Some(exceptions) = uses.strip_prefix("all but ") {
        let starts = match exceptions.split_once(", and ") {
            Some((_, last)) if last.ends_with(" only to start it") => names(last),
            None if exceptions.ends_with(", which it only starts") => names(exceptions),
            _ => panic!("{room}: {uses}"),
        };
        let others = all.iter().filter(|other| *other != room && !named.contains(*other));
        return Row {
            may: others.cloned().collect(),
            starts: starts.into_iter().collect(),
            is_open: true,
        };
    }
    assert!(uses == "–" || !named.is_empty(), "{room}: {uses}");
    Row {
        may: named,
        ..Row::default()
    }
}

/// The names in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rooms whose arrows form circles.
pub fn going_round(table: &Table) -> BTreeSet<String> {
    let mut left: BTreeSet<&String> = table.keys().collect();
    loop {
        let uses =
            |room: &String, other: &String| table[room].may.contains(other) || table[room].starts.contains(other);
        // A room that uses no remaining room, or that no remaining room uses, is not part of a circle.
        let outside = left.iter().copied().find(|room| {
            let uses_none = !left.iter().any(|other| uses(room, other));
            uses_none || !left.iter().any(|other| uses(other, room))
        });
        match outside {
            Some(room) => left.remove(room),
            None => return left.into_iter().cloned().collect(),
        };
    }
}
