//! Whether the memory of this machine is enough for a picture, before it is decoded.

use std::path::{Path, PathBuf};

use sysinfo::System;

use crate::export::{self, Options};
use crate::photo::Header;
use crate::segment::Labels;

/// Bytes of a pixel of a photo.
const RGB: u64 = 3;

/// A run that needs more than this is worth a word beforehand.
const WORTH_SAYING: u64 = GIB;

const GIB: u64 = 1 << 30;

/// Memory that a run over one picture needs at its peak: the photo in the file's layout and as RGB, its labels with
/// confidence and margin, and the files that are made of them. What the network takes comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// In bytes.
    pub bytes: u64,
    width: u32,
    height: u32,
    formats: usize,
}

/// More memory is needed than is free. The path comes last.
#[derive(Debug, thiserror::Error)]
#[error("{need} and {} GiB are free; make it smaller{}: {}", gib(*free), fewer(need), path.display())]
pub struct TooLittleMemory {
    /// What is needed.
    pub need: MemoryNeed,
    /// Bytes that are free.
    pub free: u64,
    /// The picture's file.
    pub path: PathBuf,
}

impl MemoryNeed {
    /// What a run needs that segments the picture into so many classes and exports it with these options, if it does.
    pub fn of(header: &Header, classes: usize, options: Option<&Options>) -> Self {
        let pixels = header.pixels();
        let writing = options.map_or(0, |options| export::writing_bytes(options, classes, pixels));
        let results = pixels.saturating_mul(RGB + Labels::BYTES_PER_PIXEL);
        Self {
            bytes: header.decoding_bytes.max(results.saturating_add(writing)),
            width: header.width,
            height: header.height,
            formats: options.map_or(0, |options| options.formats.len()),
        }
    }

    /// Compares with what is free, where that is known. What is to be said beforehand about a run that needs much.
    ///
    /// # Errors
    /// When more is needed than is free.
    pub fn check(self, free: Option<u64>, path: &Path) -> Result<Option<String>, TooLittleMemory> {
        if let Some(free) = free.filter(|free| *free < self.bytes) {
            return Err(TooLittleMemory {
                need: self,
                free,
                path: path.into(),
            });
        }
        Ok((self.bytes > WORTH_SAYING).then(|| format!("{self}: {}", path.display())))
    }
}

impl std::fmt::Display for MemoryNeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, .. } = self;
        let gib = gib(self.bytes);
        write!(
            f,
            "this picture needs about {gib} GiB of memory ({width} x {height} pixels"
        )?;
        match self.formats {
            0 => f.write_str(")"),
            1 => f.write_str(", 1 format)"),
            formats => write!(f, ", {formats} formats)"),
        }
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / GIB as f64)
}

/// What else helps.
fn fewer(need: &MemoryNeed) -> &'static str {
    if need.formats > 1 {
        " or ask for fewer formats"
    } else {
        ""
    }
}

/// Memory that this process can still have, in bytes, where the system tells; containers have less than the machine.
pub fn available_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let of_machine = Some(system.available_memory()).filter(|bytes| *bytes > 0)?;
    // What is resident, not what is used: the page cache counts as used and gives way.
    let of_container = system
        .cgroup_limits()
        .map_or(u64::MAX, |limits| limits.total_memory.saturating_sub(limits.rss));
    Some(of_machine.min(of_container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Format;

    /// A grey PNG of 16,384 x 16,384 pixels: a byte each in the file's layout, and three as RGB.
    const LARGE: Header = Header {
        width: 16_384,
        height: 16_384,
        decoding_bytes: 4 << 28,
    };

    fn need(formats: &[Format]) -> MemoryNeed {
        let options = Options {
            formats: formats.to_vec(),
            ..Options::default()
        };
        MemoryNeed::of(&LARGE, 11, Some(&options))
    }

    #[test]
    fn photo_labels_and_files_are_added_up() {
        // Photo 3, ids, confidence and margin 2 each, and the largest file with its picture, bytes per pixel.
        assert_eq!(need(&[Format::Labels]).bytes, (9 << 28) + (3 << 27));
        assert_eq!(need(&Format::ALL).bytes, (9 << 28) + (9 << 27));
        assert_eq!(MemoryNeed::of(&LARGE, 11, None).bytes, 9 << 28);
        // Where decoding takes more than everything after it, that counts.
        let deep = Header {
            decoding_bytes: 20 << 28,
            ..LARGE
        };
        assert_eq!(MemoryNeed::of(&deep, 11, None).bytes, 20 << 28);
    }

    #[test]
    fn too_much_is_refused_and_much_is_said() {
        let path = Path::new("large.png");
        let need = need(&Format::ALL);
        let refusal = need.check(Some(2 << 30), path).expect_err("too much").to_string();
        assert_eq!(
            refusal,
            "this picture needs about 3.4 GiB of memory (16384 x 16384 pixels, 5 formats) and 2.0 GiB are free; make it \
             smaller or ask for fewer formats: large.png"
        );
        for free in [Some(4 << 30), None] {
            let said = need.check(free, path).expect("enough").expect("a word");
            assert_eq!(
                said,
                "this picture needs about 3.4 GiB of memory (16384 x 16384 pixels, 5 formats): large.png"
            );
        }
        let small = Header {
            width: 4000,
            height: 3000,
            decoding_bytes: 36_000_000,
        };
        let small = MemoryNeed::of(&small, 11, Some(&Options::default()));
        assert!(small.check(Some(1 << 30), path).expect("enough").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
