//! Splits Rust source into tokens, without comments and string literals.

/// The tokens of a source: words, `::`, and single characters.
pub fn tokens(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, counts) = next(rest, first);
        let (token, after) = rest.split_at(length);
        if counts {
            found.push(token);
        }
        rest = after;
    }
    found
}

/// Everything else: comments, string literals, and white space.
pub fn others(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = next(rest, first);
        let (piece, after) = rest.split_at(length);
        if !is_token {
            found.push(piece);
        }
        rest = after;
    }
    found
}

/// The length of the next piece of source, and whether it is a token.
fn next(rest: &str, first: char) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (comment(rest), false);
    }
    if let Some(length) = raw_text(rest) {
        return (length, false);
    }
    match first {
        '"' => (text(rest), false),
        '\'' => (character(rest), false),
        _ if is_of_a_word(first) => (rest.find(|c: char| !is_of_a_word(c)).unwrap_or(rest.len()), true),
        _ if rest.starts_with("::") => (2, true),
        _ => (first.len_utf8(), !first.is_whitespace()),
    }
}

fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of a block comment, which may contain others.
fn comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if here.starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a raw string literal, if one starts here.
fn raw_text(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let inner = inner[hashes..].strip_prefix('"')?;
    let begin = rest.len() - inner.len();
    let end = format!("\"{}", "#".repeat(hashes));
    Some(inner.find(&end).map_or(rest.len(), |at| begin + at + end.len()))
}

fn text(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest[1..].find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |at| at + 2)
}

/// The length of a character literal, or of the quote alone where it starts a lifetime.
fn character(rest: &str) -> usize {
    let mut inner = rest[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), Some(escaped)) => {
            // The escaped character may be a quote.
            let begin = 2 + escaped.len_utf8();
            rest[begin..].find('\'').map_or(rest.len(), |at| begin + at + 1)
        }
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 1,
    }
}

/// The tokens without test code, and the test modules that are in separate files.
pub fn without_tests<'a>(tokens: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        if !is_for_tests(rest) {
            kept.push(*first);
            rest = &rest[1..];
            continue;
        }
        let (item, after) = rest.split_at(item_length(rest));
        if let [.., "mod", name, ";"] = item {
            modules.push(*name);
        }
        rest = after;
    }
    (kept, modules)
}

fn is_for_tests(tokens: &[&str]) -> bool {
    matches!(
        tokens,
        ["#", "[", "cfg", "(", "test", ")", ..] | ["#", "[", "cfg", "(", "all", "(", "test", ..]
    )
}

/// Number of tokens of an item and its attributes.
fn item_length(tokens: &[&str]) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *token == "}" {
                    return i + 1;
                }
            }
            ";" if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}
