//! Checks the markers of a JPEG: whether its coding is supported, and whether it has an end marker.

use std::borrow::Cow;

use super::{PhotoError, jpeg_scan};

/// Refuses valid JPEGs that the decoder would report as damaged.
///
/// # Errors
/// When the frame is neither baseline nor progressive, or does not have 8 bits per sample.
pub(super) fn check_kind(bytes: &[u8]) -> Result<(), PhotoError> {
    let unsupported = |what: &str| Err(PhotoError::unsupported("JPEG", what));
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xc2 => {
                return match bytes.get(at + 4) {
                    Some(bits) if *bits != 8 => unsupported(&format!("{bits} bits per sample")),
                    _ => Ok(()),
                };
            }
            0xc3 => return unsupported("lossless coding"),
            0xc9..=0xcb => return unsupported("arithmetic coding"),
            0xc5..=0xc7 | 0xcd..=0xcf => return unsupported("hierarchical coding"),
            // The first scan or the end marker comes before any frame.
            0xd9 | 0xda => return Ok(()),
            _ => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return Ok(()),
            },
        }
    }
    Ok(())
}

/// Appends the end marker if only that is missing, and returns whether it did.
///
/// # Errors
/// When pixel data are missing: the decoder would fill the gap with grey, and a model would predict classes for it.
pub(super) fn end(bytes: &mut Cow<'_, [u8]>) -> Result<bool, PhotoError> {
    if has_end(bytes) {
        return Ok(false);
    }
    if !jpeg_scan::has_every_pixel(bytes) {
        return Err(PhotoError::ends_too_early());
    }
    let bytes = bytes.to_mut();
    // The first half of the marker may be present.
    while bytes.last() == Some(&0xff) {
        bytes.pop();
    }
    bytes.extend([0xff, 0xd9]);
    Ok(true)
}

/// Whether there is an end-of-image marker after the last scan; one inside an EXIF thumbnail does not count.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[first, marker]) = bytes.get(at..at + 2) {
        match (first, marker) {
            (0xff, 0xd9) => return true,
            // Fill bytes, stuffed zeros and restart markers inside a scan.
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd7) => at += 2,
            (0xff, _) => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
            // Data of a scan.
            _ => at += 1,
        }
    }
    false
}
