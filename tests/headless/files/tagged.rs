//! Writes small TIFF files of any kind in every layout.

use std::collections::BTreeMap;

/// Byte order and width of offsets.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub big_endian: bool,
    pub big_tiff: bool,
}

pub const LAYOUTS: [Layout; 4] = [
    Layout {
        big_endian: false,
        big_tiff: false,
    },
    Layout {
        big_endian: true,
        big_tiff: false,
    },
    Layout {
        big_endian: false,
        big_tiff: true,
    },
    Layout {
        big_endian: true,
        big_tiff: true,
    },
];

/// Type codes of values.
const SHORT: u64 = 3;
const LONG: u64 = 4;

/// Tag and values of a field.
pub type Tag<'a> = (u16, &'a [u16]);

impl Layout {
    /// A number encoded in this many bytes.
    pub fn number(self, value: u64, bytes: usize) -> Vec<u8> {
        if self.big_endian {
            value.to_be_bytes()[8 - bytes..].to_vec()
        } else {
            value.to_le_bytes()[..bytes].to_vec()
        }
    }

    /// A TIFF of `size` pixels whose strips (one, or one per plane) hold these bytes; `tags` are all tags other than
    /// those for size and strips.
    pub fn tiff(self, size: [u16; 2], strips: &[Vec<u8>], tags: &[Tag]) -> Vec<u8> {
        let wide = if self.big_tiff { 8 } else { 4 };
        let mut bytes = if self.big_endian {
            b"MM".to_vec()
        } else {
            b"II".to_vec()
        };
        if self.big_tiff {
            bytes.extend([43, 8, 0].iter().flat_map(|value| self.number(*value, 2)));
        } else {
            bytes.extend(self.number(42, 2));
        }
        let data: usize = strips.iter().map(Vec::len).sum();
        bytes.extend(self.number((bytes.len() + wide + data) as u64, wide));
        let mut places = Vec::new();
        for strip in strips {
            places.push(bytes.len() as u64);
            bytes.extend(strip);
        }
        let shorts = |values: &[u16]| (SHORT, values.iter().map(|value| u64::from(*value)).collect::<Vec<_>>());
        let mut entries: BTreeMap<u16, (u64, Vec<u64>)> =
            tags.iter().map(|(tag, values)| (*tag, shorts(values))).collect();
        entries.insert(256, shorts(&size[..1]));
        entries.insert(257, shorts(&size[1..]));
        entries.insert(273, (LONG, places));
        entries.insert(278, shorts(&size[1..]));
        entries.insert(279, (LONG, strips.iter().map(|strip| strip.len() as u64).collect()));
        bytes.extend(self.number(entries.len() as u64, if self.big_tiff { 8 } else { 2 }));
        let of_entry = 4 + 2 * wide;
        let first_outside = bytes.len() + entries.len() * of_entry + wide;
        let mut outside = Vec::new();
        for (tag, (kind, values)) in entries {
            let width = if kind == SHORT { 2 } else { 4 };
            let mut encoded: Vec<u8> = values.iter().flat_map(|value| self.number(*value, width)).collect();
            bytes.extend(self.number(tag.into(), 2));
            bytes.extend(self.number(kind, 2));
            bytes.extend(self.number(values.len() as u64, wide));
            if encoded.len() > wide {
                bytes.extend(self.number((first_outside + outside.len()) as u64, wide));
                outside.extend(encoded);
            } else {
                encoded.resize(wide, 0);
                bytes.extend(encoded);
            }
        }
        bytes.extend(self.number(0, wide));
        bytes.extend(outside);
        bytes
    }
}
