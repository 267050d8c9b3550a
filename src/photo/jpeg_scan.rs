//! Checks whether the scans of a JPEG hold the data of every pixel (ITU-T T.81, annexes B, F and G).
//!
//! The decoder does not report missing data but fills the gaps. So a file that lacks its end marker is read here code
//! by code, as a decoder does, but without computing coefficients: only which of them are not zero is stored, because
//! the length of a refining scan depends on it.

mod bits;

use bits::{Bits, Codes};

use super::MAX_PIXELS;

/// Maximum number of scans, as in the decoder: a scan may be small in the file but cover the whole image.
const MAX_SCANS: usize = 100;

/// Maximum number of blocks in all scans together: ten scans of the largest image. A few bytes can claim many more.
const MAX_BLOCKS: usize = 1 << 27;

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;

/// Value in [`Component::exact`] of a coefficient that no scan has coded yet.
const NEVER: u8 = u8::MAX;

/// Whether the file ends exactly after the data of its last pixel, or within the marker that follows.
pub(super) fn has_every_pixel(bytes: &[u8]) -> bool {
    ScanReader {
        bytes,
        at: 0,
        frame: None,
        dc: [const { None }; 4],
        ac: [const { None }; 4],
        restart: 0,
        visited: 0,
    }
    .walked_through()
    .unwrap_or(false)
}

/// Reads a file from marker to marker. Its methods return `None` on anything unexpected.
struct ScanReader<'a> {
    bytes: &'a [u8],
    at: usize,
    frame: Option<Frame>,
    dc: [Option<Codes>; 4],
    ac: [Option<Codes>; 4],
    /// Units between two restart markers; 0 for none.
    restart: usize,
    /// Upper bound of the blocks in all scans so far.
    visited: usize,
}

struct Frame {
    progressive: bool,
    /// Units of interleaved scans, across and down.
    units: [usize; 2],
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// Blocks per interleaved unit.
    per_unit: usize,
    /// Blocks across and down of a scan of this component alone.
    blocks: [usize; 2],
    /// Blocks across, with the padding of interleaved scans.
    stride: usize,
    /// For each coefficient, the number of low bits that are not coded yet, or [`NEVER`].
    exact: [u8; COEFFICIENTS],
    /// For each block, a bit for each coefficient that is not zero; empty unless the frame is progressive.
    nonzero: Vec<u64>,
}

/// The kind of coding of a scan.
#[derive(Clone, Copy)]
enum Coding {
    Sequential,
    DcFirst,
    DcRefined,
    AcFirst,
    AcRefined,
}

/// The header of a scan.
struct Scan {
    coding: Coding,
    /// Index of each component, and of its DC and AC tables.
    parts: Vec<[usize; 3]>,
    /// First and last coefficient.
    band: [usize; 2],
    /// Number of low bits that are left to later scans.
    low: u8,
}

impl ScanReader<'_> {
    fn walked_through(mut self) -> Option<bool> {
        if self.marker()? != 0xd8 {
            return None;
        }
        let mut scans = 0;
        loop {
            // The file ends here, or within a marker.
            if self.bytes.get(self.at..)?.iter().all(|byte| *byte == 0xff) {
                return Some(self.frame?.is_complete());
            }
            match self.marker()? {
                0xda => {
                    scans += 1;
                    if scans > MAX_SCANS {
                        return None;
                    }
                    self.scan()?;
                }
                0xc0..=0xc2 if self.frame.is_some() => return None,
                marker @ 0xc0..=0xc2 => self.frame = Some(Frame::read(self.segment()?, marker == 0xc2)?),
                0xc4 => self.tables()?,
                0xdd => self.restart = usize::from(u16::from_be_bytes(*self.segment()?.first_chunk()?)),
                0xdb | 0xe0..=0xef | 0xfe => {
                    self.segment()?;
                }
                _ => return None,
            }
        }
    }

    fn marker(&mut self) -> Option<u8> {
        if *self.bytes.get(self.at)? != 0xff {
            return None;
        }
        while *self.bytes.get(self.at)? == 0xff {
            self.at += 1;
        }
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }

    /// The content of the segment after a marker, without the length field.
    fn segment(&mut self) -> Option<&[u8]> {
        let length = usize::from(u16::from_be_bytes(*self.bytes.get(self.at..)?.first_chunk()?));
        let segment = self.bytes.get(self.at + 2..self.at + length)?;
        self.at += length;
        Some(segment)
    }

    fn tables(&mut self) -> Option<()> {
        let mut rest = self.segment()?.to_vec();
        while !rest.is_empty() {
            let (place, codes, length) = Codes::read(&rest)?;
            let tables = if place >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(usize::from(place & 15))? = Some(codes);
            rest.drain(..length);
        }
        Some(())
    }

    fn scan(&mut self) -> Option<()> {
        let header = self.segment()?.to_vec();
        let frame = self.frame.as_mut()?;
        let scan = Scan::read(&header, frame)?;
        let mut bits = Bits::new(self.bytes, self.at);
        let alone = match scan.parts.as_slice() {
            [[component, ..]] => Some(*component),
            _ => None,
        };
        let units = match alone {
            Some(component) => frame.components.get(component)?.blocks,
            None => frame.units,
        };
        let per_unit: usize = frame.components.iter().map(|component| component.per_unit).sum();
        self.visited = self.visited.checked_add(units[0] * units[1] * per_unit)?;
        if self.visited > MAX_BLOCKS {
            return None;
        }
        let mut run = 0;
        for unit in 0..units[0] * units[1] {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.restart()?;
                run = 0;
            }
            for [component, dc, ac] in &scan.parts {
                let component = frame.components.get_mut(*component)?;
                let blocks = if alone.is_some() { 1 } else { component.per_unit };
                let (dc, ac) = (self.dc.get(*dc)?.as_ref(), self.ac.get(*ac)?.as_ref());
                for _ in 0..blocks {
                    match scan.coding {
                        Coding::Sequential => bits.sequential(dc?, ac?)?,
                        Coding::DcFirst => bits.value(dc?)?,
                        Coding::DcRefined => {
                            bits.bit()?;
                        }
                        Coding::AcFirst | Coding::AcRefined => {
                            let place = unit / units[0] * component.stride + unit % units[0];
                            let block = component.nonzero.get_mut(place)?;
                            match scan.coding {
                                Coding::AcFirst => bits.ac_first(ac?, scan.band, &mut run, block)?,
                                _ => bits.ac_refined(ac?, scan.band, &mut run, block)?,
                            }
                        }
                    }
                }
            }
        }
        self.at = bits.place();
        for [component, ..] in &scan.parts {
            let exact = &mut frame.components.get_mut(*component)?.exact;
            exact.get_mut(scan.band[0]..=scan.band[1])?.fill(scan.low);
        }
        Some(())
    }
}

impl Frame {
    fn read(segment: &[u8], progressive: bool) -> Option<Self> {
        let &[_, high, low, left, right, count, ref parts @ ..] = segment else {
            return None;
        };
        let height = usize::from(u16::from_be_bytes([high, low]));
        let width = usize::from(u16::from_be_bytes([left, right]));
        let parts = parts.as_chunks::<3>().0;
        let sides = |part: &[u8; 3]| [part[1] >> 4, part[1] & 15].map(usize::from);
        let is_sound = (1..=4).contains(&count)
            && parts.len() == usize::from(count)
            && parts.iter().flat_map(sides).all(|side| (1..=4).contains(&side));
        if !is_sound || width == 0 || height == 0 || (width * height) as u64 > MAX_PIXELS {
            return None;
        }
        let most = [0, 1].map(|axis| parts.iter().map(|part| sides(part)[axis]).max().unwrap_or(1));
        let units = [width.div_ceil(8 * most[0]), height.div_ceil(8 * most[1])];
        let component = |part: &[u8; 3]| {
            let [across, down] = sides(part);
            let stride = units[0] * across;
            Component {
                id: part[0],
                per_unit: across * down,
                blocks: [
                    (width * across).div_ceil(8 * most[0]),
                    (height * down).div_ceil(8 * most[1]),
                ],
                stride,
                exact: [NEVER; COEFFICIENTS],
                nonzero: if progressive {
                    vec![0; stride * units[1] * down]
                } else {
                    Vec::new()
                },
            }
        };
        Some(Self {
            progressive,
            units,
            components: parts.iter().map(component).collect(),
        })
    }

    /// Whether all bits of all coefficients are coded.
    fn is_complete(&self) -> bool {
        self.components
            .iter()
            .all(|component| component.exact.iter().all(|left| *left == 0))
    }
}

impl Scan {
    fn read(header: &[u8], frame: &Frame) -> Option<Self> {
        let (count, rest) = header.split_first()?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let &[start, end, approximation] = rest else {
            return None;
        };
        let part = |part: &[u8; 2]| {
            let component = frame.components.iter().position(|component| component.id == part[0])?;
            Some([component, usize::from(part[1] >> 4), usize::from(part[1] & 15)])
        };
        let parts: Vec<_> = parts.as_chunks().0.iter().map(part).collect::<Option<_>>()?;
        if parts.is_empty() {
            return None;
        }
        if !frame.progressive {
            return Some(Self {
                coding: Coding::Sequential,
                parts,
                band: [0, COEFFICIENTS - 1],
                low: 0,
            });
        }
        let (band, first) = ([usize::from(start), usize::from(end)], approximation >> 4 == 0);
        let coding = match (start, first) {
            (0, _) if end != 0 => return None,
            (0, true) => Coding::DcFirst,
            (0, false) => Coding::DcRefined,
            _ if parts.len() != 1 || band[0] > band[1] || band[1] >= COEFFICIENTS => return None,
            (_, true) => Coding::AcFirst,
            (_, false) => Coding::AcRefined,
        };
        Some(Self {
            coding,
            parts,
            band,
            low: approximation & 15,
        })
    }
}
