//! Reproducible damage to files, identified by its seed.

pub mod samples;
pub mod texts;

/// Pseudo-random numbers (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number below `count`; 0 if `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// One of these words.
    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// Number of bytes at either end of a file in which formats store headers and directories.
const HEADER: usize = 8192;

/// Damages `bytes` in one to three ways; parts may be replaced with parts of `donor`, another file.
pub fn mutated(bytes: &[u8], donor: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        damage(&mut bytes, donor, dice);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, donor: &[u8], dice: &mut Dice) {
    let start = place(bytes.len(), dice);
    let end = (start + 1 + dice.below(64)).min(bytes.len());
    match dice.below(11) {
        0 => bytes.truncate(start),
        1 | 2 => {
            for _ in 0..=dice.below(8) {
                let at = place(bytes.len(), dice);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
        3 => bytes[start..end].fill(0x00),
        4 => bytes[start..end].fill(0xff),
        5 => bytes[start..end].iter_mut().for_each(|byte| *byte = dice.byte()),
        6 => {
            let copy = bytes[start..end].to_vec();
            bytes.splice(start..start, copy);
        }
        7 => {
            let header = dice.below(64).min(bytes.len()).min(donor.len());
            bytes[..header].copy_from_slice(&donor[..header]);
        }
        8 => {
            let from = place(donor.len(), dice);
            bytes.truncate(start);
            bytes.extend_from_slice(&donor[from..]);
        }
        _ => stretch_a_length(bytes, start, dice),
    }
}

/// Changes the first field after `start` that could be a length, which means that it is neither 0 nor beyond the end of
/// the file.
fn stretch_a_length(bytes: &mut [u8], start: usize, dice: &mut Dice) {
    // If there is no such field within this distance, it is data.
    const LOOKED_AT: usize = 256;
    let most = bytes.len();
    let could_be = |value: u32| value != 0 && value as usize <= most;
    for at in start..most.min(start + LOOKED_AT) {
        let Some(field) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) else {
            return;
        };
        let (little, big) = (u32::from_le_bytes(*field), u32::from_be_bytes(*field));
        if could_be(little) {
            *field = other_length(little, dice).to_le_bytes();
            return;
        }
        if could_be(big) {
            *field = other_length(big, dice).to_be_bytes();
            return;
        }
    }
}

/// Another length: one less, one more or an extreme value.
fn other_length(length: u32, dice: &mut Dice) -> u32 {
    const EXTREMES: [u32; 8] = [0, 1, 0x7f, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    match dice.below(4) {
        0 => length.wrapping_sub(1),
        1 => length.wrapping_add(1),
        _ => EXTREMES[dice.below(EXTREMES.len())],
    }
}

/// A random position, in half of all cases near one of the ends.
fn place(length: usize, dice: &mut Dice) -> usize {
    match dice.below(4) {
        0 => dice.below(length.min(HEADER)),
        1 => length - length.min(HEADER) + dice.below(length.min(HEADER)),
        _ => dice.below(length),
    }
}

/// Corrects the checksum of every chunk of a PNG, so that damage passes the first check.
pub fn with_right_checksums(mut png: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = png.get(at..at + 4) {
        let length = length.iter().fold(0usize, |n, byte| n << 8 | usize::from(*byte));
        let Some(end) = at.checked_add(8 + length).filter(|end| end + 4 <= png.len()) else {
            break;
        };
        let checksum = crc32(&png[at + 4..end]).to_be_bytes();
        png[end..end + 4].copy_from_slice(&checksum);
        at = end + 4;
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}
