//! Completes PNG files that lack their end marker.

use std::borrow::Cow;

/// The last chunk of every PNG: a length of zero, its name and its checksum.
const END: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82];

/// Length of the signature in bytes.
const SIGNATURE: usize = 8;

/// Length in bytes of a chunk without its data: length field, name and checksum.
const FRAME: usize = 12;

/// Appends the end marker if the file ends between two chunks or within the marker, and returns whether it did.
///
/// The decoder checks whether all pixels are present.
pub(crate) fn end(bytes: &mut Cow<'_, [u8]>) -> bool {
    let mut at = SIGNATURE;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(&END) {
            return false;
        }
        if END.starts_with(rest) {
            break;
        }
        let Some(length) = rest.first_chunk() else {
            return false;
        };
        at = at
            .saturating_add(FRAME)
            .saturating_add(u32::from_be_bytes(*length) as usize);
        if at > bytes.len() {
            return false;
        }
    }
    let bytes = bytes.to_mut();
    bytes.truncate(at);
    bytes.extend(END);
    true
}
