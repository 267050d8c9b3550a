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

/// Peak resident memory of this process in MiB, where the system tells (Linux).
pub fn peak_memory_mib() -> Option<u64> {
    mib("VmHWM:", &status()?)
}

/// Memory in use now, with `feature_bytes` for what the worker keeps.
pub(super) fn memory_use(feature_bytes: usize) -> MemoryUse {
    let status = status().unwrap_or_default();
    MemoryUse {
        now_mib: mib("VmRSS:", &status),
        peak_mib: mib("VmHWM:", &status),
        feature_bytes,
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
