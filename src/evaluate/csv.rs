//! Text in comma-separated values (RFC 4180).

use std::borrow::Cow;

/// A text as a field, quoted with its quotes doubled where it would otherwise end the field or the line.
pub(crate) fn field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    /// The examples of RFC 4180, section 2, points 5 to 7.
    #[test]
    fn separators_and_quotes_are_quoted() {
        for (text, expected) in [
            ("aaa", "aaa"),
            ("straße 3", "straße 3"),
            ("", ""),
            ("b\r\nbb", "\"b\r\nbb\""),
            ("two\nlines", "\"two\nlines\""),
            ("old\rMac", "\"old\rMac\""),
            ("b\"bb", "\"b\"\"bb\""),
            ("wall, brick", "\"wall, brick\""),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }
}
