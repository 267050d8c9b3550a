//! Measures the memory of this process.

/// Memory of the process and of the feature cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Resident memory of this process in MiB, if the system reports it (Linux).
    pub now_mib: Option<u64>,
    /// Peak resident memory in MiB, if the system reports it (Linux).
    pub peak_mib: Option<u64>,
    /// Bytes of the cached encoder features.
    pub feature_bytes: usize,
}

/// Peak resident memory of this process in MiB, if the system reports it (Linux): since its start, or since the last
/// [`MemoryWatch::begin`].
pub fn peak_memory_mib() -> Option<u64> {
    mib("VmHWM:", &status()?)
}

/// Measures the peak memory of the process, in total and from a given moment.
#[derive(Debug, Default)]
pub struct MemoryWatch {
    /// The peak before the system's counter was last reset.
    before_mib: Option<u64>,
}

impl MemoryWatch {
    /// Starts a new measurement of the peak. Only Linux can reset the earlier peak; elsewhere it stays included.
    pub fn begin(&mut self) {
        self.before_mib = self.highest_mib();
        // See proc(5): 5 resets the peak to the current resident memory.
        std::fs::write("/proc/self/clear_refs", "5").ok();
    }

    /// The peak since the process started.
    fn highest_mib(&self) -> Option<u64> {
        self.before_mib.max(peak_memory_mib())
    }

    /// Current and peak memory; `feature_bytes` is the size of the feature cache.
    pub(crate) fn memory_use(&self, feature_bytes: usize) -> MemoryUse {
        MemoryUse {
            now_mib: mib("VmRSS:", &status().unwrap_or_default()),
            peak_mib: self.highest_mib(),
            feature_bytes,
        }
    }
}

fn status() -> Option<String> {
    std::fs::read_to_string("/proc/self/status").ok()
}

/// The value in MiB of the line of `status` that starts with `name`; the line is in KiB.
fn mib(name: &str, status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
