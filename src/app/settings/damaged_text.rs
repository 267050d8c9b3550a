//! Reading damaged TOML statement by statement. A statement that cannot be read is skipped; after a header that cannot
//! be read, its table is.
//!
//! Parsers that continue after an error lose or misplace what follows it: after a missing bracket, everything.

use toml::{Table, Value};

use super::tolerant_toml::quote;

/// The readable statements of a text, and one sentence for each statement that cannot be read.
pub(super) fn statements_of(text: &str) -> (Table, Vec<String>) {
    let mut reader = Reader {
        read: Table::new(),
        // A text starts in the outermost table.
        table: Some(Vec::new()),
        problems: Vec::new(),
    };
    for (line, statement) in split(text) {
        reader.take(line, statement);
    }
    (reader.read, reader.problems)
}

/// Cuts a text before each line that starts a statement. Returns the pieces with the numbers of their first lines, from
/// 1.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut first_line, mut at) = (0, 1, 0);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        if at > start && (begins_table(line) || begins_pair(line)) {
            pieces.push((first_line, &text[start..at]));
            (start, first_line) = (at, i + 1);
        }
        at += line.len();
    }
    pieces.push((first_line, &text[start..]));
    pieces
}

/// Whether a line looks like `[table]`, and not like part of a list.
fn begins_table(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('[') && !line.ends_with(',')
}

/// Whether a line looks like `key = value`.
fn begins_pair(line: &str) -> bool {
    let Some((key, _)) = line.split_once('=') else {
        return false;
    };
    let key = key.trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-. \t".contains(c);
    let quoted = key.len() > 1 && ['"', '\''].into_iter().any(|q| key.starts_with(q) && key.ends_with(q));
    quoted || (!key.is_empty() && key.chars().all(bare))
}

/// What has been read so far.
struct Reader {
    read: Table,
    /// Path of the table that pairs belong to; `None` below a header that cannot be read.
    table: Option<Vec<String>>,
    problems: Vec<String>,
}

impl Reader {
    fn take(&mut self, line: usize, statement: &str) {
        if let Ok(read) = statement.parse::<Table>() {
            self.take_read(line, statement, read);
            return;
        }
        // The first line may be sound, and the error in the lines after it.
        let (first, rest) = statement.split_once('\n').unwrap_or((statement, ""));
        match first.parse::<Table>() {
            Ok(read) => {
                self.take_read(line, first, read);
                let blank = rest.lines().take_while(|line| line.trim().is_empty()).count();
                self.reject(line + 1 + blank, rest.trim_start());
            }
            Err(_) => {
                if begins_table(first) {
                    self.reject_table(line, first);
                } else {
                    self.reject(line, first);
                }
            }
        }
    }

    fn take_read(&mut self, line: usize, statement: &str, read: Table) {
        if begins_table(statement.lines().next().unwrap_or_default()) {
            match header_path(read) {
                Some(path) => self.table = Some(path),
                None => self.reject_table(line, statement),
            }
            return;
        }
        let Some(path) = &self.table else { return };
        let nested = path.iter().rev().fold(read, |inner, key| {
            let mut outer = Table::new();
            outer.insert(key.clone(), Value::Table(inner));
            outer
        });
        if !merge(&mut self.read, nested) {
            self.problems
                .push(format!("line {line} repeats a setting; it is ignored"));
        }
    }

    fn reject(&mut self, line: usize, piece: &str) {
        let found = first_line(piece);
        self.problems.push(format!(
            "expected a setting in line {line}, found {found}; it is ignored"
        ));
    }

    fn reject_table(&mut self, line: usize, header: &str) {
        self.table = None;
        let found = first_line(header);
        self.problems.push(format!(
            "expected a table's name in line {line}, found {found}; the table is ignored"
        ));
    }
}

fn first_line(piece: &str) -> String {
    quote(piece.lines().next().unwrap_or_default().trim())
}

/// The keys of a header that was parsed alone; `None` for a list of tables, which none of our files has.
fn header_path(mut table: Table) -> Option<Vec<String>> {
    let mut path = Vec::new();
    while let Some((key, value)) = table.into_iter().next() {
        path.push(key);
        match value {
            Value::Table(inner) => table = inner,
            _ => return None,
        }
    }
    Some(path)
}

/// Adds entries that are missing. Existing ones stay; returns false if there are any.
fn merge(into: &mut Table, from: Table) -> bool {
    let mut all_new = true;
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (None, value) => {
                into.insert(key, value);
            }
            (Some(Value::Table(into)), Value::Table(value)) => all_new &= merge(into, value),
            (Some(_), _) => all_new = false,
        }
    }
    all_new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, good: &str, problems: &[&str]) {
        let (table, found) = statements_of(text);
        assert_eq!(table, good.parse::<Table>().expect("TOML"), "{text}");
        assert_eq!(found, problems, "{text}");
    }

    #[test]
    fn valid_toml_is_read_completely() {
        let text = "# a comment\na = 1\nlist = [\n  1,\n  2,\n]\n\n[t.\"u v\"] # here\n\
            b = { c = 1 }\nd.e = [[1], [2]]\n\"g h\" = 2\n[t]\nf = 1\n";
        read(text, text, &[]);
    }

    #[test]
    fn a_broken_line_is_skipped() {
        for broken in [
            "%%% garbage",
            "x = ",
            "x = \"no end",
            "x = [1, 2",
            "x y z",
            "\0\0\0\0",
            "= 3",
            "]",
        ] {
            let text = format!("a = 1\n\n{broken}\n[t]\nb = 2\n");
            let found = broken.trim().replace('\0', "\\u{0}");
            let problem = format!("expected a setting in line 3, found {found}; it is ignored");
            read(&text, "a = 1\n[t]\nb = 2", &[&problem]);
        }
    }

    #[test]
    fn the_table_of_a_broken_header_is_skipped() {
        for broken in ["[t", "[t]]", "[[t]]", "[t u]"] {
            let text = format!("a = 1\n{broken}\na = 3\nb = 2\n[u]\nc = 4\n");
            let problem = format!("expected a table's name in line 2, found {broken}; the table is ignored");
            read(&text, "a = 1\n[u]\nc = 4", &[&problem]);
        }
    }

    #[test]
    fn the_first_of_repeated_settings_wins() {
        let problem = "line 2 repeats a setting; it is ignored";
        read("a = 1\na = 2\nb = 3", "a = 1\nb = 3", &[problem]);
        read("a = 1\na.b = 2\nc = 3", "a = 1\nc = 3", &[problem]);
    }

    #[test]
    fn empty_text_has_no_settings() {
        read("", "", &[]);
        read("\n\n", "", &[]);
        read(
            "\0\0",
            "",
            &["expected a setting in line 1, found \\u{0}\\u{0}; it is ignored"],
        );
    }
}
