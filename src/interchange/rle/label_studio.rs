//! Label Studio's code of brush masks: a stream of bits, high ones first, with the bytes of an RGBA image row by row.
//!
//! 32 bits with the number of values (four for each pixel), 5 bits with the bits of a value less one, and four times 4
//! bits with the bits of a length less one. Then blocks: a bit that says whether one value repeats, 2 bits that choose
//! one of the four lengths, the number of values less one, and the value, or the values. The mask is the alpha channel.

use crate::labels::LabelMap;

/// Values of a pixel.
const CHANNELS: usize = 4;
/// Place of alpha among them.
const ALPHA: usize = 3;
/// Bits of the four lengths, as the reference encoder chooses them.
const LENGTH_BITS: [u32; 4] = [3, 4, 8, 16];

/// The code of the pixels of a class.
pub fn encode(labels: &LabelMap, class: u16) -> Vec<u8> {
    let mut bits = Writer::default();
    bits.put((labels.ids.len() * CHANNELS) as u32, 32);
    bits.put(u8::BITS - 1, 5);
    for length in LENGTH_BITS {
        bits.put(length - 1, 4);
    }
    for run in labels.ids.chunk_by(|left, right| (*left == class) == (*right == class)) {
        let value = if run[0] == class { 255 } else { 0 };
        let mut rest = run.len() * CHANNELS;
        while rest > 0 {
            let longest = LENGTH_BITS.len() - 1;
            let choice = LENGTH_BITS
                .iter()
                .position(|length| rest <= 1 << length)
                .unwrap_or(longest);
            let values = rest.min(1 << LENGTH_BITS[choice]);
            bits.put(1, 1);
            bits.put(choice as u32, 2);
            bits.put(values as u32 - 1, LENGTH_BITS[choice]);
            bits.put(value, u8::BITS);
            rest -= values;
        }
    }
    bits.bytes
}

/// The mask of a code, row by row: where alpha is not 0.
///
/// # Errors
/// When the code is not of an image of this size, or ends too early or too late. The sentence says what was expected
/// and found.
pub fn decode(bytes: &[u8], [width, height]: [usize; 2]) -> Result<Vec<bool>, String> {
    let pixels = width
        .checked_mul(height)
        .filter(|pixels| *pixels as u64 <= LabelMap::MAX_PIXELS);
    let Some(pixels) = pixels else {
        return Err(format!(
            "expected at most {} pixels, found {width} x {height}",
            LabelMap::MAX_PIXELS
        ));
    };
    let mut bits = Reader { bytes, place: 0 };
    let values = bits.take(32)? as usize;
    if values != pixels * CHANNELS {
        return Err(format!(
            "expected a mask of {width} x {height} pixels with {} values, found {values}; export the mask again",
            pixels * CHANNELS
        ));
    }
    let value_bits = bits.take(5)? + 1;
    let mut lengths = [0; 4];
    for length in &mut lengths {
        *length = bits.take(4)? + 1;
    }
    let mut mask = vec![false; pixels];
    let mut place = 0;
    while place < values {
        let repeats = bits.take(1)? == 1;
        let choice = bits.take(2)? as usize;
        let end = place + bits.take(lengths[choice])? as usize + 1;
        if end > values {
            return Err(format!(
                "expected {values} values, found a run to {end}; export the mask again"
            ));
        }
        if repeats {
            let value = bits.take(value_bits)?;
            mask[alphas(place)..alphas(end)].fill(value > 0);
        } else {
            for index in place..end {
                let value = bits.take(value_bits)?;
                if index % CHANNELS == ALPHA {
                    mask[index / CHANNELS] = value > 0;
                }
            }
        }
        place = end;
    }
    // The reference encoder appends a zero.
    let rest = bytes.get(bits.place.div_ceil(8)..).unwrap_or_default();
    match rest.iter().all(|byte| *byte == 0) {
        true => Ok(mask),
        false => Err("expected the end of the mask, found more bytes; export the mask again".into()),
    }
}

/// Number of alpha values before a place.
fn alphas(place: usize) -> usize {
    (place + CHANNELS - 1 - ALPHA) / CHANNELS
}

/// Appends bits.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Free bits of the last byte.
    free: u32,
}

impl Writer {
    /// Appends the lowest `count` bits of a value.
    fn put(&mut self, value: u32, count: u32) {
        let mut rest = count;
        while rest > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = u8::BITS;
            }
            let now = rest.min(self.free);
            let part = u64::from(value) >> (rest - now) & ((1 << now) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part << (self.free - now)) as u8;
            }
            self.free -= now;
            rest -= now;
        }
    }
}

/// Takes bits from the front.
struct Reader<'a> {
    bytes: &'a [u8],
    /// Number of taken bits.
    place: usize,
}

impl Reader<'_> {
    /// The next bits, at most 32, as a number.
    fn take(&mut self, count: u32) -> Result<u32, String> {
        let first = self.place / 8;
        // 32 bits lie in at most five bytes.
        let mut window = [0; 8];
        let rest = self.bytes.get(first..).unwrap_or_default();
        let length = rest.len().min(window.len());
        window[..length].copy_from_slice(&rest[..length]);
        let used = (self.place % 8) as u32;
        self.place += count as usize;
        if self.place > self.bytes.len() * 8 {
            return Err("expected more bits, found the end of the mask; export the mask again".into());
        }
        Ok((u64::from_be_bytes(window) << used >> (64 - count)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotate::UNLABELLED;
    use crate::interchange::sample;

    const VECTOR: [u8; 12] = [0, 0, 0, 24, 57, 27, 252, 96, 19, 255, 219, 0];

    fn vector() -> LabelMap {
        let ids = vec![0, 7, 7, 0, 0, 0];
        LabelMap {
            width: 3,
            height: 2,
            ids,
        }
    }

    #[test]
    fn the_code_is_that_of_the_reference() {
        assert_eq!(encode(&vector(), 7), VECTOR);
        let mask = [false, true, true, false, false, false];
        assert_eq!(decode(&VECTOR, [3, 2]).unwrap(), mask);
        assert_eq!(decode(&[&VECTOR[..], &[0]].concat(), [3, 2]).unwrap(), mask);
    }

    #[test]
    fn single_values_are_read() {
        let mut bits = Writer::default();
        bits.put(8, 32);
        bits.put(7, 5);
        [3, 4, 8, 16].iter().for_each(|length| bits.put(length - 1, 4));
        // Six single values, and two that repeat: alpha is 9 and 0.
        bits.put(0, 1);
        bits.put(0, 2);
        bits.put(5, 3);
        [0, 1, 2, 9, 5, 6].iter().for_each(|value| bits.put(*value, 8));
        bits.put(0b10_0001, 6);
        bits.put(0, 8);
        assert_eq!(decode(&bits.bytes, [2, 1]).unwrap(), [true, false]);
    }

    #[test]
    fn every_map_comes_back() {
        let mut maps = sample::maps(&[1, 3, 9], 60);
        // Longer than the longest run.
        let mut large = vec![9; 300 * 300];
        large[70_000..].fill(UNLABELLED);
        maps.push(LabelMap {
            width: 300,
            height: 300,
            ids: large,
        });
        for labels in maps {
            for class in [1, 3, 9, 200] {
                let mask = decode(&encode(&labels, class), [labels.width, labels.height]).unwrap();
                let wanted: Vec<_> = labels.ids.iter().map(|id| *id == class).collect();
                assert_eq!(mask, wanted);
            }
        }
    }

    #[test]
    fn damaged_codes_are_refused() {
        for end in 0..11 {
            assert!(decode(&VECTOR[..end], [3, 2]).is_err(), "{end}");
        }
        assert!(decode(&VECTOR, [2, 2]).is_err());
        assert!(decode(&VECTOR, [usize::MAX, 2]).is_err());
        assert!(decode(&VECTOR, [1 << 20, 1 << 20]).is_err());
        assert!(decode(&[&VECTOR[..], &[1]].concat(), [3, 2]).is_err());
        let mut long = VECTOR;
        // A run of sixteen bits instead of four.
        long[10] = 0b1111_1111;
        assert!(decode(&long, [3, 2]).is_err());
        assert!(decode(&[255; 40], [3, 2]).is_err());
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..2000 {
            let mut bytes = encode(&sample::maps(&[1], 1)[0], 1);
            bytes.extend(VECTOR);
            let place = random.usize(4..bytes.len());
            bytes[place] = random.u8(..);
            let _ = decode(&bytes, [3, 2]);
            bytes[..4].copy_from_slice(&24_u32.to_be_bytes());
            let _ = decode(&bytes, [3, 2]);
        }
    }
}
