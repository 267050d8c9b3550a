//! How much memory the process has taken.

/// Memory of the process and of what the worker keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Resident memory of this process in MiB, where the system tells (Linux).
    pub now_mib: Option<u64>,
    /// The most that it has been, in MiB, where the system tells (Linux).
    pub peak_mib: Option<u64>,
    /// Bytes of the encoder features that are kept.
    pub feature_bytes: usize,
}

/// Peak resident memory of this process in MiB, where the system tells (Linux): since its start, or since a
/// [`MemoryWatch`] began anew.
pub fn peak_memory_mib() -> Option<u64> {
    mib("VmHWM:", &status()?)
}

/// The most memory that the process holds, as a whole and from one moment on.
#[derive(Debug, Default)]
pub struct MemoryWatch {
    /// The most before the system was told to forget it.
    before_mib: Option<u64>,
}

impl MemoryWatch {
    /// Measures the peak from now on. Where the system cannot forget the peak before (Linux alone can), that stays in.
    pub fn begin(&mut self) {
        self.before_mib = self.highest_mib();
        // See proc(5): 5 sets the peak to what is resident now.
        std::fs::write("/proc/self/clear_refs", "5").ok();
    }

    /// The most since the process started.
    fn highest_mib(&self) -> Option<u64> {
        self.before_mib.max(peak_memory_mib())
    }

    /// Memory in use now, with `feature_bytes` for what the worker keeps.
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

/// The line of `status` that begins with `name`, whose value is in KiB.
fn mib(name: &str, status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
