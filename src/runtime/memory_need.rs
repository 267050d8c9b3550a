//! Checks whether this machine has enough memory for an image, before the image is decoded.

use std::path::{Path, PathBuf};

use sysinfo::System;

use crate::export::{self, Options};
use crate::photo::Header;
use crate::segment::Labels;

/// Bytes per RGB pixel.
const RGB: u64 = 3;

/// A run that needs more bytes than this is logged beforehand.
const LOG_ABOVE: u64 = GIB;

const GIB: u64 = 1 << 30;

/// The peak memory of a run over one image: the image in the file's layout and as RGB, its labels with confidence and
/// margin, and the exported files. The memory of the network is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// In bytes.
    pub bytes: u64,
    width: u32,
    height: u32,
    formats: usize,
}

/// An image needs more memory than is free. The path comes last.
#[derive(Debug, thiserror::Error)]
#[error("{need}, but only {} GiB are free; make it smaller{}: {}", gib(*free), fewer(need), path.display())]
pub struct TooLittleMemory {
    /// The memory that is needed.
    pub need: MemoryNeed,
    /// Free memory in bytes.
    pub free: u64,
    /// The image's file.
    pub path: PathBuf,
}

impl MemoryNeed {
    /// The memory for segmenting an image into `classes` classes and, with `options`, exporting the result.
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

    /// Compares the need with the free memory, where that is known. Returns a sentence to log before a large run.
    ///
    /// # Errors
    /// When the need exceeds the free memory.
    pub fn check(self, free: Option<u64>, path: &Path) -> Result<Option<String>, TooLittleMemory> {
        if let Some(free) = free.filter(|free| *free < self.bytes) {
            return Err(TooLittleMemory {
                need: self,
                free,
                path: path.into(),
            });
        }
        Ok(self.is_large().then(|| format!("{self}: {}", path.display())))
    }
}

impl MemoryNeed {
    /// Whether a run needs so much that it is logged beforehand, and that no other image should be in memory meanwhile.
    pub fn is_large(&self) -> bool {
        self.bytes > LOG_ABOVE
    }
}

impl std::fmt::Display for MemoryNeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, .. } = self;
        let gib = gib(self.bytes);
        write!(
            f,
            "this image needs about {gib} GiB of memory ({width} x {height} pixels"
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

/// Further advice for [`TooLittleMemory`].
fn fewer(need: &MemoryNeed) -> &'static str {
    if need.formats > 1 {
        " or export fewer formats"
    } else {
        ""
    }
}

/// Memory in bytes that this process can still allocate, if the system reports it; a container has less than its
/// machine.
pub fn available_memory() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let of_machine = Some(system.available_memory()).filter(|bytes| *bytes > 0)?;
    // Resident memory, not used memory: used memory includes the page cache, which the system can reclaim.
    let of_container = system
        .cgroup_limits()
        .map_or(u64::MAX, |limits| limits.total_memory.saturating_sub(limits.rss));
    Some(of_machine.min(of_container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Format;

    /// A grey PNG of 16,384 x 16,384 pixels: one byte per pixel in the file's layout, three as RGB.
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
    fn need_is_the_sum_of_image_labels_and_files() {
        // Bytes per pixel: 3 for the image, 2 each for ids, confidence and margin, plus the largest exported file.
        assert_eq!(need(&[Format::Labels]).bytes, (9 << 28) + (3 << 27));
        assert_eq!(need(&Format::ALL).bytes, (9 << 28) + (9 << 27));
        assert_eq!(MemoryNeed::of(&LARGE, 11, None).bytes, 9 << 28);
        // If decoding needs more than all later steps, the decoding size counts.
        let deep = Header {
            decoding_bytes: 20 << 28,
            ..LARGE
        };
        assert_eq!(MemoryNeed::of(&deep, 11, None).bytes, 20 << 28);
    }

    #[test]
    fn excessive_need_is_refused_and_large_need_is_reported() {
        let path = Path::new("large.png");
        let need = need(&Format::ALL);
        let refusal = need.check(Some(2 << 30), path).expect_err("too much").to_string();
        assert_eq!(
            refusal,
            "this image needs about 3.4 GiB of memory (16384 x 16384 pixels, 5 formats), but only 2.0 GiB are free; \
             make it smaller or export fewer formats: large.png"
        );
        for free in [Some(4 << 30), None] {
            let report = need.check(free, path).expect("enough").expect("a report");
            assert_eq!(
                report,
                "this image needs about 3.4 GiB of memory (16384 x 16384 pixels, 5 formats): large.png"
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
    fn available_memory_is_known_on_linux() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
