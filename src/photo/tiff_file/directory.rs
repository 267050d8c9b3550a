//! Replaces the tag of a TIFF that the decoder must not see.

/// Tag of the photometric interpretation, which is the meaning of the values.
const INTERPRETATION: u16 = 262;

/// The interpretation for which the decoder returns all bands unchanged: shades of grey, with 0 for black.
const BLACK_IS_ZERO: u16 = 1;

/// Type codes of values.
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// The layout of the file.
#[derive(Clone, Copy)]
struct Layout {
    big_endian: bool,
    /// Whether it is a BigTIFF, in which offsets and counts have 8 bytes.
    big: bool,
}

/// Replaces the photometric interpretation of the first image with "black is zero", and returns the original value.
///
/// `None` where there is no directory or no such tag.
pub(super) fn take_interpretation(bytes: &mut [u8]) -> Option<u16> {
    let big_endian = bytes.starts_with(b"MM");
    let mut layout = Layout { big_endian, big: false };
    layout.big = layout.short(bytes, 2)? == 43;
    let directory = layout.offset(bytes, if layout.big { 8 } else { 4 })?;
    let (count, first, size): (usize, usize, usize) = if layout.big {
        (layout.offset(bytes, directory)?, directory.checked_add(8)?, 20)
    } else {
        (
            usize::from(layout.short(bytes, directory)?),
            directory.checked_add(2)?,
            12,
        )
    };
    let mut found = None;
    for i in 0..count {
        let entry = first.checked_add(size.checked_mul(i)?)?;
        let Some(tag) = layout.short(bytes, entry) else {
            break;
        };
        if tag == INTERPRETATION {
            // The last of several applies, as in the decoder.
            found = Some(layout.value(bytes, entry)?);
            layout.put(bytes, entry, BLACK_IS_ZERO)?;
        }
    }
    found
}

impl Layout {
    fn short(self, bytes: &[u8], at: usize) -> Option<u16> {
        let value = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u16::from_be_bytes(value)
        } else {
            u16::from_le_bytes(value)
        })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let value = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u32::from_be_bytes(value)
        } else {
            u32::from_le_bytes(value)
        })
    }

    /// Reads an offset or a count.
    fn offset(self, bytes: &[u8], at: usize) -> Option<usize> {
        if !self.big {
            return usize::try_from(self.long(bytes, at)?).ok();
        }
        let value = *bytes.get(at..)?.first_chunk()?;
        let value = if self.big_endian {
            u64::from_be_bytes(value)
        } else {
            u64::from_le_bytes(value)
        };
        usize::try_from(value).ok()
    }

    /// Position of the value of an entry.
    fn place(self, entry: usize) -> usize {
        entry + if self.big { 12 } else { 8 }
    }

    /// Reads the value of an entry with a single value.
    fn value(self, bytes: &[u8], entry: usize) -> Option<u16> {
        let at = self.place(entry);
        match self.short(bytes, entry + 2)? {
            BYTE => bytes.get(at).copied().map(u16::from),
            SHORT => self.short(bytes, at),
            LONG => self.long(bytes, at)?.try_into().ok(),
            _ => None,
        }
    }

    /// Overwrites an entry with a single 16-bit value.
    fn put(self, bytes: &mut [u8], entry: usize, value: u16) -> Option<()> {
        let encoded = |value: u16| {
            if self.big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let place = self.place(entry);
        let count = place - entry - 4;
        let entry = bytes.get_mut(entry..place + 4)?;
        entry.get_mut(2..4)?.copy_from_slice(&encoded(SHORT));
        // A count of 1: its first or last byte, depending on the byte order.
        let counted = entry.get_mut(4..4 + count)?;
        counted.fill(0);
        let one = if self.big_endian { count - 1 } else { 0 };
        *counted.get_mut(one)? = 1;
        let values = entry.get_mut(4 + count..)?;
        values.fill(0);
        values.get_mut(..2)?.copy_from_slice(&encoded(value));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::take_interpretation;

    /// Each file has a directory with one entry, tag 262 with the value 3.
    #[test]
    fn the_interpretation_is_replaced_in_every_layout() {
        let files: [(&[u8], &[u8]); 4] = [
            (
                b"II*\0\x08\0\0\0\x01\0\x06\x01\x03\0\x01\0\0\0\x03\0\0\0",
                b"II*\0\x08\0\0\0\x01\0\x06\x01\x03\0\x01\0\0\0\x01\0\0\0",
            ),
            (
                b"MM\0*\0\0\0\x08\0\x01\x01\x06\0\x03\0\0\0\x01\0\x03\0\0",
                b"MM\0*\0\0\0\x08\0\x01\x01\x06\0\x03\0\0\0\x01\0\x01\0\0",
            ),
            (
                b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x06\x01\x03\0\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0",
                b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x06\x01\x03\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0",
            ),
            // A LONG, which becomes a SHORT.
            (
                b"MM\0*\0\0\0\x08\0\x01\x01\x06\0\x04\0\0\0\x01\0\0\0\x03",
                b"MM\0*\0\0\0\x08\0\x01\x01\x06\0\x03\0\0\0\x01\0\x01\0\0",
            ),
        ];
        for (before, after) in files {
            let mut bytes = before.to_vec();
            assert_eq!(take_interpretation(&mut bytes), Some(3), "{before:?}");
            assert_eq!(bytes, after);
            for end in 0..before.len() - 4 {
                let mut cut = before[..end].to_vec();
                assert_eq!(take_interpretation(&mut cut), None, "{end} bytes of {before:?}");
            }
        }
    }
}
