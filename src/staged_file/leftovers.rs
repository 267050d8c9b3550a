//! Removes unfinished files that killed runs have left behind.
//!
//! Their names identify the process that made them: `.segscope-SPACE-PROCESS-START-RANDOM`. They are removed when that
//! process has ended, or, where this is unknown (another computer, another container, an older version), when they are
//! a day old.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Prefix of the names of unfinished files.
const BEGINNING: &str = ".segscope-";

/// Age from which a file of unknown origin is removed; no write takes this long.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Prefix of the names of this process's unfinished files.
pub(super) fn prefix() -> &'static str {
    static PREFIX: LazyLock<String> = LazyLock::new(|| {
        let process = std::process::id();
        match (space(), started(process)) {
            (Some(space), Some(start)) => format!("{BEGINNING}{space}-{process}-{start}-"),
            _ => BEGINNING.to_owned(),
        }
    });
    &PREFIX
}

/// Removes the leftovers of dead runs from a folder, once per folder.
pub(super) fn sweep(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let is_new = SWEPT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(folder.to_owned());
    if !is_new {
        return;
    }
    for path in unfinished_in(folder).filter(|path| is_dead(path)) {
        // A file that cannot be removed does no harm.
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Ok(()) => log::info!("removed an unfinished file of a killed run: {}", path.display()),
            Err(why) => log::warn!(
                "cannot remove an unfinished file of a killed run ({why}): {}",
                path.display()
            ),
        }
    }
}

/// Whether a folder holds unfinished files, of a run that was killed or is still running.
pub(crate) fn has_leftovers(folder: &Path) -> bool {
    unfinished_in(folder).next().is_some()
}

fn unfinished_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let unfinished = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(BEGINNING));
    unfinished.map(|entry| entry.path())
}

/// Whether no process writes to an unfinished file any more.
fn is_dead(path: &Path) -> bool {
    let Ok(about) = path.symlink_metadata() else {
        return false;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let age = about.modified().ok().and_then(|time| time.elapsed().ok());
    let is_old = age.is_some_and(|age| age > OLD);
    match maker(&name) {
        // Other users' processes may be hidden.
        Some((process, start)) if is_own(&about) => started(process) != Some(start),
        _ => is_old,
    }
}

/// Id and start time of the process that made a file of this name, if it is a process of this system and container.
fn maker(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(BEGINNING)?.split('-');
    let (space_of_it, process, start) = (parts.next()?, parts.next()?, parts.next()?);
    (space_of_it == space()?).then_some(())?;
    Some((process.parse().ok()?, start.parse().ok()?))
}

/// Identifies the scope in which process ids are unique: this boot of this computer, and the container.
fn space() -> Option<&'static str> {
    static SPACE: LazyLock<Option<String>> = LazyLock::new(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        let boot: String = boot.chars().filter(char::is_ascii_hexdigit).take(8).collect();
        let namespace: String = namespace
            .to_string_lossy()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        (!boot.is_empty()).then(|| format!("{boot}.{namespace}"))
    });
    SPACE.as_deref()
}

/// Start time of a process in ticks since boot; `None` where it has ended, or on systems other than Linux.
fn started(process: u32) -> Option<u64> {
    let about = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may contain anything. The state comes after it, and the start time is the twentieth value
    // from there.
    let (_, rest) = about.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(unix)]
fn is_own(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == about.uid())
}

#[cfg(not(unix))]
fn is_own(_about: &fs::Metadata) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// A file of this name and age in a folder.
    fn left(folder: &Path, name: &str, age: Duration) -> PathBuf {
        let path = folder.join(name);
        let file = fs::File::create(&path).expect("a file");
        file.set_modified(SystemTime::now() - age).expect("a time");
        path
    }

    /// The id of a process that has ended.
    fn dead_process() -> u32 {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("an end");
        child.id()
    }

    #[test]
    fn only_leftovers_of_dead_runs_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (young, old) = (Duration::ZERO, OLD + Duration::from_secs(60));
        let space = space().expect("a Linux system");
        let own = std::process::id();
        let start = started(own).expect("a Linux system");
        let dead = dead_process();
        let file = |name: &str, age| left(folder.path(), name, age);
        let removed = [
            file(&format!(".segscope-{space}-{dead}-{start}-aB3dE9"), young),
            // The id belongs to another process now.
            file(&format!(".segscope-{space}-{own}-{}-aB3dE9", start + 1), young),
            file(".segscope-aB3dE9", old),
            file(".segscope-00000000.1-1-1-aB3dE9", old),
        ];
        let stays = [
            file(&format!(".segscope-{space}-{own}-{start}-aB3dE9"), old),
            file(".segscope-aB3dE8", young),
            // From another computer.
            file(&format!(".segscope-00000000.1-{dead}-1-aB3dE9"), young),
            file("a.png", old),
            file("segscope-notes.txt", old),
        ];
        let inside = folder.path().join(format!(".segscope-{space}-{dead}-{start}-folder"));
        fs::create_dir(&inside).expect("a folder");
        left(&inside, ".tmpX", young);
        assert!(has_leftovers(folder.path()));
        sweep(folder.path());
        for path in removed.iter().chain([&inside]) {
            assert!(!path.exists(), "{} was not removed", path.display());
        }
        for path in &stays {
            assert!(path.exists(), "{} was removed", path.display());
        }
    }

    #[test]
    fn names_identify_this_process() {
        let name = format!("{}aB3dE9", prefix());
        let start = started(std::process::id()).expect("a Linux system");
        assert_eq!(maker(&name), Some((std::process::id(), start)));
    }
}
