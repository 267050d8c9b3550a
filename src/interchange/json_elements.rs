//! Large JSON files, element by element: only one element of a list is in memory.

use std::fs::File;
use std::io::{BufReader, Bytes, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::InterchangeError;

/// Largest element in bytes: the outlines of one object.
const MAX_ELEMENT: u64 = 256 << 20;

/// Deepest nesting of lists and objects.
const MAX_DEPTH: usize = 64;

/// Where a value lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    offset: u64,
    bytes: u32,
}

/// A JSON file whose outermost value is an object or a list.
#[derive(Debug)]
pub(super) struct JsonFile {
    path: PathBuf,
    file: File,
}

impl JsonFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, InterchangeError> {
        Ok(Self {
            file: File::open(path).map_err(InterchangeError::read(path))?,
            path: path.to_owned(),
        })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Goes through the file once. For each element of each list in the outermost object, and for each other value there,
    /// calls `take` with the key, the place and the text.
    ///
    /// # Errors
    /// When the file is not of that form, ends too early, has an element beyond [`MAX_ELEMENT`], or `take` refuses.
    pub(super) fn elements(
        &mut self,
        mut take: impl FnMut(&str, Piece, &[u8]) -> Result<(), String>,
    ) -> Result<(), InterchangeError> {
        self.scan(|scanner| scanner.outermost(&mut take))
    }

    /// Goes once through a file whose outermost value is a list, and calls `take` with the place and the text of each
    /// element.
    ///
    /// # Errors
    /// As [`JsonFile::elements`].
    pub(super) fn list_elements(
        &mut self,
        mut take: impl FnMut(Piece, &[u8]) -> Result<(), String>,
    ) -> Result<(), InterchangeError> {
        self.scan(|scanner| scanner.list("", &mut |_: &str, piece, text: &[u8]| take(piece, text)))
    }

    fn scan(
        &mut self,
        go: impl FnOnce(&mut Scanner<Bytes<BufReader<&File>>>) -> Result<(), String>,
    ) -> Result<(), InterchangeError> {
        let path = &self.path;
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(InterchangeError::read(path))?;
        let mut scanner = Scanner {
            bytes: BufReader::with_capacity(1 << 20, &self.file).bytes(),
            next: None,
            offset: 0,
            text: Vec::new(),
        };
        go(&mut scanner)
            .and_then(|()| scanner.end())
            .map_err(|why| InterchangeError::content(format!("{why}; export the file again"), path))
    }

    /// Reads a value again.
    ///
    /// # Errors
    /// When it cannot be read or has another form.
    pub(super) fn read<T: DeserializeOwned>(&mut self, piece: Piece) -> Result<T, InterchangeError> {
        let mut text = vec![0; piece.bytes as usize];
        let place = SeekFrom::Start(piece.offset);
        let read = self.file.seek(place).and_then(|_| self.file.read_exact(&mut text));
        read.map_err(InterchangeError::read(&self.path))?;
        parsed(&text).map_err(|why| InterchangeError::content(why, &self.path))
    }
}

/// Parses a value.
///
/// # Errors
/// What was expected and found.
pub(super) fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|why| {
        let shown: String = String::from_utf8_lossy(text).chars().take(60).collect();
        format!("{why} in {shown}")
    })
}

/// Finds where values begin and end, without building them.
struct Scanner<B> {
    bytes: B,
    next: Option<u8>,
    /// Number of bytes that were taken.
    offset: u64,
    /// The value that is being read.
    text: Vec<u8>,
}

impl<B: Iterator<Item = std::io::Result<u8>>> Scanner<B> {
    fn peek(&mut self) -> Result<Option<u8>, String> {
        if self.next.is_none() {
            self.next = self.bytes.next().transpose().map_err(|why| why.to_string())?;
        }
        Ok(self.next)
    }

    fn take(&mut self) -> Result<u8, String> {
        let byte = self
            .peek()?
            .ok_or("expected the end of the JSON text, found the end of the file")?;
        self.next = None;
        self.offset += 1;
        Ok(byte)
    }

    /// Checks that nothing follows the outermost value.
    fn end(&mut self) -> Result<(), String> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                let (at, found) = (self.offset, char::from(byte));
                return Err(format!("expected the end of the file at byte {at}, found {found:?}"));
            }
            self.take()?;
        }
        Ok(())
    }

    /// The next byte that is no white space, which stays.
    fn begin(&mut self) -> Result<u8, String> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
            self.take()?;
        }
        Err("expected more JSON text, found the end of the file".into())
    }

    fn expect(&mut self, wanted: u8) -> Result<(), String> {
        let found = self.begin()?;
        if found != wanted {
            return Err(format!(
                "expected {:?} at byte {}, found {:?}",
                char::from(wanted),
                self.offset,
                char::from(found)
            ));
        }
        self.take().map(drop)
    }

    /// Takes `wanted` or `end`; returns whether it was `wanted`.
    fn another(&mut self, wanted: u8, end: u8) -> Result<bool, String> {
        let found = self.begin()?;
        if found == end {
            self.take()?;
            return Ok(false);
        }
        self.expect(wanted).map(|()| true)
    }

    fn outermost(&mut self, take: &mut impl FnMut(&str, Piece, &[u8]) -> Result<(), String>) -> Result<(), String> {
        self.expect(b'{')?;
        if self.begin()? == b'}' {
            return self.take().map(drop);
        }
        loop {
            self.value()?;
            let key: String = parsed(&self.text)?;
            self.expect(b':')?;
            if self.begin()? == b'[' {
                self.list(&key, take)?;
            } else {
                let piece = self.value()?;
                take(&key, piece, &self.text)?;
            }
            if !self.another(b',', b'}')? {
                return Ok(());
            }
        }
    }

    fn list(
        &mut self,
        key: &str,
        take: &mut impl FnMut(&str, Piece, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(b'[')?;
        if self.begin()? == b']' {
            return self.take().map(drop);
        }
        loop {
            let piece = self.value()?;
            take(key, piece, &self.text)?;
            if !self.another(b',', b']')? {
                return Ok(());
            }
        }
    }

    /// Takes a value; its text is in `self.text` until the next one.
    fn value(&mut self) -> Result<Piece, String> {
        self.text.clear();
        self.begin()?;
        let offset = self.offset;
        let mut depth = 0_usize;
        let mut in_string = false;
        loop {
            let Some(byte) = self.peek()? else {
                return Err("expected the end of a JSON value, found the end of the file".into());
            };
            // A number or word ends before what follows it.
            if depth == 0
                && !in_string
                && !self.text.is_empty()
                && matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\n' | b'\r' | b'\t')
            {
                break;
            }
            let taken = self.take()?;
            self.text.push(taken);
            match byte {
                b'\\' if in_string => {
                    let escaped = self.take()?;
                    self.text.push(escaped);
                }
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth = depth.checked_sub(1).ok_or("expected balanced brackets")?,
                _ => {}
            }
            if depth > MAX_DEPTH {
                return Err(format!("expected at most {MAX_DEPTH} nested lists, found more"));
            }
            if self.text.len() as u64 > MAX_ELEMENT {
                return Err(format!(
                    "expected elements of at most {MAX_ELEMENT} bytes, found a longer one"
                ));
            }
            if depth == 0 && !in_string && matches!(byte, b'}' | b']' | b'"') {
                break;
            }
        }
        Ok(Piece {
            offset,
            bytes: self.text.len() as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        std::fs::write(&path, text).expect("written");
        let mut file = JsonFile::open(&path).expect("a file");
        let mut found = Vec::new();
        let mut pieces = Vec::new();
        let done = file.elements(|key, piece, text| {
            found.push((key.to_owned(), String::from_utf8_lossy(text).into_owned()));
            pieces.push(piece);
            Ok(())
        });
        done.map_err(|why| why.to_string())?;
        for (piece, (_, text)) in pieces.iter().zip(&found) {
            let again: serde_json::Value = file.read(*piece).expect("the same value");
            assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
        }
        Ok(found)
    }

    #[test]
    fn elements_are_found_in_any_order_and_with_any_strings() {
        let text =
            r#" { "a\"]": [1, {"x": "}\"\\"}, [2,[3]], "s,]"], "b":{"c":[1,2]} , "d" : -1.5e3, "e":[], "f":null}"#;
        let found = listed(text).expect("elements");
        let found: Vec<_> = found.iter().map(|(key, text)| (&**key, &**text)).collect();
        let wanted = [
            ("a\"]", "1"),
            ("a\"]", r#"{"x": "}\"\\"}"#),
            ("a\"]", "[2,[3]]"),
            ("a\"]", "\"s,]\""),
            ("b", r#"{"c":[1,2]}"#),
            ("d", "-1.5e3"),
            ("f", "null"),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn damaged_files_are_refused() {
        for text in [
            "",
            "[]",
            "{",
            "{\"a\"",
            "{\"a\":[1,",
            "{\"a\":[1 2]}",
            "{\"a\":}",
            "{\"a\":\"x",
            "{\"a\":[\"\\",
        ] {
            listed(text).expect_err(text);
        }
        listed(&format!("{{\"a\":{}", "[".repeat(1000))).expect_err("too deep");
    }
}
