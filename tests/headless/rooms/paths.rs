//! The paths of items that a file uses.

/// A path to an item of this crate.
#[derive(Debug, PartialEq)]
pub struct Use {
    /// The path from the crate root; the last part may be `*` or `self`.
    pub path: Vec<String>,
    /// Whether it starts with `crate`, `super` or `self`. Other paths of `use` may also lead to another crate, but are
    /// resolved relative to their module here.
    pub is_anchored: bool,
    /// Whether the module re-exports it (`pub use`).
    pub is_handed_on: bool,
}

/// The paths in a file whose module is `module`: those of every `use`, with one path for each name in its braces, and
/// those in code that start with `crate`, `super` or `self`.
pub fn uses(tokens: &[&str], module: &[String]) -> Vec<Use> {
    let mut found = Vec::new();
    let mut here = module.to_vec();
    // The brace depth at which each open inline module starts.
    let mut inline = Vec::new();
    let (mut i, mut depth) = (0, 0usize);
    while let Some(token) = tokens.get(i) {
        let before = &tokens[..i];
        match *token {
            "mod" if tokens.get(i + 2) == Some(&"{") => {
                here.push(tokens[i + 1].to_owned());
                inline.push(depth);
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    here.pop();
                }
            }
            "use" => {
                let (paths, length) = ends(&tokens[i + 1..], &[]);
                let is_handed_on = is_public(before);
                found.extend(paths.into_iter().map(|path| from_the_top(path, &here, is_handed_on)));
                i += length;
            }
            "crate" | "super" | "self" if begins_a_path(before, &tokens[i + 1..]) => {
                let (paths, length) = ends(&tokens[i..], &[]);
                found.extend(paths.into_iter().map(|path| from_the_top(path, &here, false)));
                i += length - 1;
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// Whether a path starts here, and not the middle of one, a lone `self` or a visibility.
fn begins_a_path(before: &[&str], after: &[&str]) -> bool {
    after.first() == Some(&"::") && before.last() != Some(&"::") && !before.ends_with(&["pub", "(", "in"])
}

/// Whether there is a visibility before an item.
fn is_public(before: &[&str]) -> bool {
    let end = match before.last() {
        Some(&")") => before.iter().rposition(|token| *token == "(").unwrap_or(0),
        _ => before.len(),
    };
    before[..end].last() == Some(&"pub")
}

/// The paths of the tree that starts here, each prefixed with the parts in `before`, and its number of tokens.
fn ends(tokens: &[&str], before: &[String]) -> (Vec<Vec<String>>, usize) {
    let Some(first) = tokens.first() else {
        return (Vec::new(), 0);
    };
    if *first == "{" {
        let (mut all, mut i) = (Vec::new(), 1);
        while tokens.get(i).is_some_and(|token| *token != "}") {
            let (paths, length) = ends(&tokens[i..], before);
            all.extend(paths);
            // A length of 0 means a comma without a path.
            i += length.max(1);
        }
        return (all, i + 1);
    }
    if !is_part(first) {
        return (Vec::new(), 0);
    }
    let path = [before, &[(*first).to_owned()]].concat();
    match tokens[1..] {
        ["::", next, ..] if next == "{" || is_part(next) => {
            let (paths, length) = ends(&tokens[2..], &path);
            (paths, length + 2)
        }
        ["as", _, ..] => (vec![path], 3),
        _ => (vec![path], 1),
    }
}

fn is_part(token: &str) -> bool {
    token == "*" || token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn from_the_top(path: Vec<String>, here: &[String], is_handed_on: bool) -> Use {
    let is_crate = path.first().is_some_and(|part| part == "crate");
    let up = path.iter().take_while(|part| *part == "super").count();
    let is_self = up == 0 && path.len() > 1 && path[0] == "self";
    let start: &[String] = match is_crate {
        true => &[],
        false => &here[..here.len().saturating_sub(up)],
    };
    let rest = &path[up + usize::from(is_crate || is_self)..];
    Use {
        path: [start, rest].concat(),
        is_anchored: is_crate || is_self || up > 0,
        is_handed_on,
    }
}
