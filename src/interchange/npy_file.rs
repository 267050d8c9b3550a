//! Arrays of ids in NumPy's file format, versions 1 to 3 (numpy.lib.format): a magic, a header that is a Python
//! dictionary literal, and the values.

use super::files;
use crate::annotate::UNLABELLED;
use crate::labels::LabelMap;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Largest header that is read, in bytes, as in NumPy.
const MOST_HEADER: usize = 10_000;

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    bytes: usize,
    is_signed: bool,
    is_big_endian: bool,
}

/// An array in the bytes of a file, which may be cut off.
#[derive(Debug)]
pub(super) struct NpyFile<'a> {
    kind: Kind,
    by_columns: bool,
    size: [usize; 2],
    data: &'a [u8],
}

impl<'a> NpyFile<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is none of an array of ids with two dimensions; others of length one are ignored.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or("expected a NumPy array (.npy), found another file; save it again")?;
        let cut = || "expected the header of a NumPy array, found the end of the file; save it again".to_owned();
        let (length, rest) = match rest {
            [1, _, low, high, rest @ ..] => (u32::from_le_bytes([*low, *high, 0, 0]), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
            _ => return Err(cut()),
        };
        let length = length as usize;
        if length > MOST_HEADER {
            return Err(format!(
                "expected a header of at most {MOST_HEADER} bytes, found {length}; save the array again"
            ));
        }
        let (header, data) = rest.split_at_checked(length).ok_or_else(cut)?;
        let header = std::str::from_utf8(header).map_err(|why| format!("expected a header of text, found {why}"))?;
        let kind = text_of(header, "descr").and_then(kind_of).ok_or_else(|| {
            format!(
                "expected integers of 8 to 64 bits, found the header {:?}; convert the array",
                header.trim()
            )
        })?;
        let by_columns = match value_of(header, "fortran_order") {
            Some(value) if value.starts_with("False") => false,
            Some(value) if value.starts_with("True") => true,
            _ => {
                return Err(format!(
                    "expected fortran_order in the header, found {:?}; save it again",
                    header.trim()
                ));
            }
        };
        Ok(Self {
            kind,
            by_columns,
            size: size_of(header)?,
            data,
        })
    }

    /// The values; -1 is [`UNLABELLED`].
    ///
    /// # Errors
    /// When there are too few or too many, or one is no id.
    pub(super) fn labels(&self) -> Result<LabelMap, String> {
        let [width, height] = self.size;
        let expected = width * height * self.kind.bytes;
        if self.data.len() != expected {
            return Err(format!(
                "expected {expected} bytes of values, found {}; save the array again",
                self.data.len()
            ));
        }
        let mut ids = vec![UNLABELLED; width * height];
        for (place, bytes) in self.data.chunks_exact(self.kind.bytes).enumerate() {
            let id = self.kind.id(bytes)?;
            let place = if self.by_columns {
                place % height * width + place / height
            } else {
                place
            };
            if let Some(pixel) = ids.get_mut(place) {
                *pixel = id;
            }
        }
        Ok(LabelMap { width, height, ids })
    }

    /// The file of a map, with 8 bits a value, or 16.
    pub(super) fn encoded(labels: &LabelMap, is_large: bool) -> Vec<u8> {
        let kind = if is_large { "<u2" } else { "|u1" };
        let (height, width) = (labels.height, labels.width);
        let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({height}, {width}), }}");
        // The values begin at a multiple of 64 bytes.
        let before = MAGIC.len() + 4;
        let padded = (before + header.len() + 1).next_multiple_of(64);
        header.extend(std::iter::repeat_n(' ', padded - before - header.len() - 1));
        header.push('\n');
        let mut bytes = [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        match is_large {
            true => bytes.extend(labels.ids.iter().flat_map(|id| id.to_le_bytes())),
            false => bytes.extend(labels.ids.iter().map(|id| *id as u8)),
        }
        bytes
    }
}

impl Kind {
    /// The id in the bytes of a value.
    fn id(self, bytes: &[u8]) -> Result<u16, String> {
        let mut wide = [0; 8];
        for (place, byte) in bytes.iter().enumerate() {
            let place = if self.is_big_endian {
                bytes.len() - 1 - place
            } else {
                place
            };
            if let Some(wide) = wide.get_mut(place) {
                *wide = *byte;
            }
        }
        let value = u64::from_le_bytes(wide);
        let all = u64::MAX >> (64 - 8 * self.bytes);
        match value {
            value if self.is_signed && value == all => Ok(UNLABELLED),
            value => u16::try_from(value).map_err(|_| {
                let found = if self.is_signed && value > all / 2 {
                    format!("-{}", all - value + 1)
                } else {
                    value.to_string()
                };
                format!("expected ids from 0 to 65534, or -1 for no class, found {found}; map the values")
            }),
        }
    }
}

/// What follows a key in a dictionary literal.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = ['\'', '"'].map(|quote| format!("{quote}{key}{quote}"));
    let after = quoted.iter().find_map(|key| header.split_once(key.as_str()))?.1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// The string that follows a key.
fn text_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let value = value_of(header, key)?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    Some(value.strip_prefix(quote)?.split_once(quote)?.0)
}

/// A type of integers, such as `<u2`.
fn kind_of(text: &str) -> Option<Kind> {
    let mut letters = text.chars();
    let (order, sign, size) = (letters.next()?, letters.next()?, letters.as_str());
    let bytes = size.parse().ok().filter(|bytes| [1, 2, 4, 8].contains(bytes))?;
    Some(Kind {
        bytes,
        is_signed: match sign {
            'i' => true,
            'u' => false,
            _ => return None,
        },
        is_big_endian: match order {
            '<' => false,
            '>' => true,
            '|' if bytes == 1 => false,
            _ => return None,
        },
    })
}

/// Width and height of a header's shape.
fn size_of(header: &str) -> Result<[usize; 2], String> {
    let wrong = || {
        format!(
            "expected an array of rows and columns, found the header {:?}; convert it",
            header.trim()
        )
    };
    let shape = value_of(header, "shape").and_then(|value| value.strip_prefix('(')?.split_once(')'));
    let sides = shape
        .ok_or_else(wrong)?
        .0
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty());
    let sides: Vec<u64> = sides
        .map(|side| side.parse().map_err(|_| wrong()))
        .collect::<Result<_, _>>()?;
    let size = match sides.as_slice() {
        [height, width] | [1, height, width] | [height, width, 1] => [*width, *height],
        _ => return Err(wrong()),
    };
    let pixels = size[0]
        .checked_mul(size[1])
        .filter(|pixels| (1..=LabelMap::MAX_PIXELS).contains(pixels));
    match pixels {
        Some(_) => Ok(size.map(|side| side as usize)),
        None => Err(files::wrong_size(size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [
            MAGIC,
            &[1, 0],
            &(header.len() as u16).to_le_bytes(),
            header.as_bytes(),
            data,
        ]
        .concat()
    }

    fn labels(header: &str, data: &[u8]) -> Result<LabelMap, String> {
        NpyFile::parse(&file(header, data)).and_then(|file| file.labels())
    }

    #[test]
    fn headers_as_numpy_writes_them_are_read() {
        let header = |kind: &str, order: &str, shape: &str| {
            format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}          \n")
        };
        let ids = |kind: &str, order: &str, shape: &str, data: &[u8]| {
            labels(&header(kind, order, shape), data).map(|map| (map.width, map.height, map.ids))
        };
        assert_eq!(
            ids("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 255]),
            Ok((3, 2, vec![1, 2, 3, 4, 5, 255]))
        );
        assert_eq!(
            ids("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]),
            Ok((3, 2, vec![1, 2, 3, 4, 5, 6]))
        );
        assert_eq!(
            ids("<u2", "False", "(1, 1, 2)", &[1, 2, 3, 0]),
            Ok((2, 1, vec![513, 3]))
        );
        assert_eq!(
            ids(">i4", "False", "(1, 2)", &[0, 0, 1, 2, 255, 255, 255, 255]),
            Ok((2, 1, vec![258, UNLABELLED]))
        );
        let long = [7, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(ids("<i8", "False", "(1, 2)", &long), Ok((2, 1, vec![7, UNLABELLED])));
        assert!(ids("<u8", "False", "(1, 2)", &long).is_err(), "no sign, so no -1");
        assert!(ids("<i4", "False", "(1, 1)", &[156, 255, 255, 255]).is_err_and(|why| why.contains("found -100")));
        for (kind, shape) in [
            ("<f4", "(1, 1)"),
            ("|b1", "(1, 1)"),
            ("|O", "(1, 1)"),
            ("<i4", "(1,)"),
            ("<i4", "()"),
        ] {
            assert!(ids(kind, "False", shape, &[0; 4]).is_err(), "{kind} {shape}");
        }
    }

    #[test]
    fn hostile_files_are_refused() {
        let header = |shape: &str| format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        for shape in [
            "(4294967296, 4294967296)",
            "(0, 5)",
            "(30000, 30000)",
            "(-1, 5)",
            "(1, 99999999999999999999)",
            "(1, 1",
        ] {
            assert!(labels(&header(shape), &[0; 5]).is_err(), "{shape}");
        }
        assert!(labels(&header("(1, 5)"), &[0; 4]).is_err() && labels(&header("(1, 5)"), &[0; 6]).is_err());
        let whole = file(&header("(1, 5)"), &[0; 5]);
        for end in 0..whole.len() {
            assert!(
                NpyFile::parse(&whole[..end]).and_then(|file| file.labels()).is_err(),
                "{end}"
            );
        }
        let long = [MAGIC, &[2, 0, 255, 255, 255, 255]].concat();
        assert!(NpyFile::parse(&long).is_err());
    }

    #[test]
    fn written_files_are_aligned() {
        let map = LabelMap {
            width: 1,
            height: 2,
            ids: vec![300, UNLABELLED],
        };
        let bytes = NpyFile::encoded(&map, true);
        assert_eq!(bytes.len(), 128 + 4);
        assert_eq!(NpyFile::parse(&bytes).and_then(|file| file.labels()), Ok(map));
    }
}
