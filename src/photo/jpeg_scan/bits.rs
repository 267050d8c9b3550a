//! Reads the bits, Huffman codes and blocks of a scan.

/// A Huffman table.
pub(super) struct Codes {
    /// Number of codes of each length from 1 to 16 bits.
    counts: [u8; 16],
    /// Values of the codes, shortest code first.
    values: Vec<u8>,
}

impl Codes {
    /// Reads the first table of a segment: its class and destination byte, the table, and its length in bytes.
    pub(super) fn read(segment: &[u8]) -> Option<(u8, Self, usize)> {
        let (place, rest) = segment.split_first()?;
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let count = counts.iter().map(|count| usize::from(*count)).sum();
        let codes = Self {
            counts: *counts,
            values: rest.get(..count)?.to_vec(),
        };
        Some((*place, codes, 17 + count))
    }
}

/// The bits of a scan, up to a marker or the end of the file.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    current: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            current: 0,
            left: 0,
        }
    }

    /// Position of the first byte that was not read.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The next bit; `None` at the end.
    pub(super) fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.current = *self.bytes.get(self.at)?;
            self.at += 1;
            if self.current == 0xff {
                // A byte 0xff is followed by a zero byte, or else starts a marker.
                if self.bytes.get(self.at) != Some(&0) {
                    return None;
                }
                self.at += 1;
            }
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    fn bits(&mut self, count: u8) -> Option<u32> {
        (0..count).try_fold(0, |bits, _| Some(bits << 1 | self.bit()?))
    }

    /// Skips a restart marker, which must come next.
    pub(super) fn restart(&mut self) -> Option<()> {
        self.left = 0;
        if *self.bytes.get(self.at)? != 0xff {
            return None;
        }
        while *self.bytes.get(self.at)? == 0xff {
            self.at += 1;
        }
        let marker = *self.bytes.get(self.at)?;
        self.at += 1;
        (0xd0..=0xd7).contains(&marker).then_some(())
    }

    /// The value of the next code.
    fn code(&mut self, codes: &Codes) -> Option<u8> {
        // Codes of one length are consecutive. The first code of the next length is the one after the last, with a zero
        // appended.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in codes.counts {
            let count = usize::from(count);
            code = code << 1 | self.bit()? as usize;
            first <<= 1;
            if code < first + count {
                return codes.values.get(index + code.checked_sub(first)?).copied();
            }
            first += count;
            index += count;
        }
        None
    }

    /// Reads a code for a number of bits, and those bits.
    pub(super) fn value(&mut self, codes: &Codes) -> Option<()> {
        let size = self.code(codes)?;
        if size > 16 {
            return None;
        }
        self.bits(size)?;
        Some(())
    }

    /// Reads a block of a sequential scan.
    pub(super) fn sequential(&mut self, dc: &Codes, ac: &Codes) -> Option<()> {
        self.value(dc)?;
        let mut k = 1;
        while k < 64 {
            let code = self.code(ac)?;
            match (code >> 4, code & 15) {
                (15, 0) => k += 16,
                (_, 0) => break,
                (zeros, size) => {
                    self.bits(size)?;
                    k += usize::from(zeros) + 1;
                }
            }
        }
        // A run of zeros must not exceed the block.
        (k <= 64).then_some(())
    }

    /// Reads a block of a first scan of AC coefficients; `run` is the number of following blocks without any.
    pub(super) fn ac_first(
        &mut self,
        codes: &Codes,
        [start, end]: [usize; 2],
        run: &mut u32,
        nonzero: &mut u64,
    ) -> Option<()> {
        if *run > 0 {
            *run -= 1;
            return Some(());
        }
        let mut k = start;
        while k <= end {
            let code = self.code(codes)?;
            match (code >> 4, code & 15) {
                (15, 0) => k += 16,
                (log, 0) => {
                    *run = (1u32 << log) + self.bits(log)? - 1;
                    break;
                }
                (zeros, size) => {
                    k += usize::from(zeros);
                    if k > end {
                        return None;
                    }
                    self.bits(size)?;
                    *nonzero |= 1 << k;
                    k += 1;
                }
            }
        }
        Some(())
    }

    /// Reads a block of a refining scan of AC coefficients: one bit for each coefficient that is not zero, interleaved
    /// with the codes for coefficients that become non-zero.
    pub(super) fn ac_refined(
        &mut self,
        codes: &Codes,
        [start, end]: [usize; 2],
        run: &mut u32,
        nonzero: &mut u64,
    ) -> Option<()> {
        let mut k = start;
        if *run == 0 {
            while k <= end {
                let code = self.code(codes)?;
                let (mut zeros, size) = (code >> 4, code & 15);
                if size == 0 && zeros < 15 {
                    *run = (1u32 << zeros) + self.bits(zeros)?;
                    break;
                }
                // The sign of the new coefficient.
                self.bits(size)?;
                while k <= end {
                    if *nonzero >> k & 1 == 1 {
                        self.bit()?;
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    k += 1;
                }
                if size > 0 && k <= end {
                    *nonzero |= 1 << k;
                }
                k += 1;
            }
        }
        if *run > 0 {
            for k in k..=end {
                if *nonzero >> k & 1 == 1 {
                    self.bit()?;
                }
            }
            *run -= 1;
        }
        Some(())
    }
}
