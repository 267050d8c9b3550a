//! Files that a run has left unfinished because it was killed.
//!
//! Their names tell who made them: `.segscope-SPACE-PROCESS-START-RANDOM`. Where the process is gone they are removed;
//! where that cannot be told (another computer, another container, an older version), when they are a day old.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// How names of unfinished files begin.
const BEGINNING: &str = ".segscope-";

/// Nothing takes so long to be written.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// How names of unfinished files of this process begin.
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

/// Removes what dead runs have left in a folder; once for each folder.
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
        // What cannot be removed is in nobody's way.
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        match removed {
            Ok(()) => log::info!("removed what a run that was killed has left: {}", path.display()),
            Err(why) => log::warn!("cannot remove what a run has left ({why}): {}", path.display()),
        }
    }
}

/// Whether there are unfinished files in a folder: a run was killed, or is at work there.
pub(crate) fn has_leftovers(folder: &Path) -> bool {
    unfinished_in(folder).next().is_some()
}

fn unfinished_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let unfinished = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(BEGINNING));
    unfinished.map(|entry| entry.path())
}

/// Whether nobody works at an unfinished file any more.
fn is_dead(path: &Path) -> bool {
    let Ok(about) = path.symlink_metadata() else {
        return false;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let age = about.modified().ok().and_then(|time| time.elapsed().ok());
    let is_old = age.is_some_and(|age| age > OLD);
    match maker(&name) {
        // Another person's processes may be hidden.
        Some((process, start)) if is_own(&about) => started(process) != Some(start),
        _ => is_old,
    }
}

/// Number and start of the process that made a file of this name, if it is one of those that are seen here.
fn maker(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(BEGINNING)?.split('-');
    let (space_of_it, process, start) = (parts.next()?, parts.next()?, parts.next()?);
    (space_of_it == space()?).then_some(())?;
    Some((process.parse().ok()?, start.parse().ok()?))
}

/// Tells apart whose numbers of processes are whose: this start of this computer, and the container.
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

/// When a process began, in ticks since the computer was started; `None` where it is dead, or there is no Linux to tell.
fn started(process: u32) -> Option<u64> {
    let about = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come the state, and as the twentieth of all that the start.
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

    /// A file of this name in a folder, written so long ago.
    fn left(folder: &Path, name: &str, age: Duration) -> PathBuf {
        let path = folder.join(name);
        let file = fs::File::create(&path).expect("a file");
        file.set_modified(SystemTime::now() - age).expect("a time");
        path
    }

    /// The number of a process that has ended.
    fn dead_process() -> u32 {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("an end");
        child.id()
    }

    #[test]
    fn what_dead_runs_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (young, old) = (Duration::ZERO, OLD + Duration::from_secs(60));
        let space = space().expect("Linux tells");
        let own = std::process::id();
        let start = started(own).expect("Linux tells");
        let dead = dead_process();
        let file = |name: &str, age| left(folder.path(), name, age);
        let removed = [
            file(&format!(".segscope-{space}-{dead}-{start}-aB3dE9"), young),
            // The number belongs to another process by now.
            file(&format!(".segscope-{space}-{own}-{}-aB3dE9", start + 1), young),
            file(".segscope-aB3dE9", old),
            file(".segscope-00000000.1-1-1-aB3dE9", old),
        ];
        let stays = [
            file(&format!(".segscope-{space}-{own}-{start}-aB3dE9"), old),
            file(".segscope-aB3dE8", young),
            // Of another computer.
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
            assert!(!path.exists(), "{} stays", path.display());
        }
        for path in &stays {
            assert!(path.exists(), "{} was removed", path.display());
        }
    }

    #[test]
    fn own_names_tell_this_process() {
        let name = format!("{}aB3dE9", prefix());
        let start = started(std::process::id()).expect("Linux tells");
        assert_eq!(maker(&name), Some((std::process::id(), start)));
    }
}
