//! Earlier versions of a label file: the three newest and the last of each day, and for good the original that another
//! program wrote.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::place::Place;
use crate::staged_file::StagedFile;

/// Number of newest versions that are kept.
const NEWEST: usize = 3;

/// Number of days of which the last version is kept.
const DAYS: usize = 14;

const DAY: u64 = 24 * 60 * 60;

/// The earlier versions of a label file.
pub(super) struct Backups {
    folder: PathBuf,
    stem: String,
}

impl Backups {
    pub(super) fn of(place: &Place) -> Self {
        Self {
            folder: place.labels.with_file_name(".backup"),
            stem: place
                .labels
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// Keeps the bytes that another program wrote, unless they are kept already. Returns where.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn keep_original(&self, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
        let path = self.folder.join(format!("{}.original.png", self.stem));
        if path.exists() {
            // Another program has written the file again: that version is kept among the others.
            return self.keep(bytes, SystemTime::now()).map(|()| None);
        }
        fs::create_dir_all(&self.folder)?;
        StagedFile::replace(&path, bytes)?;
        Ok(Some(path))
    }

    /// Keeps a version, and removes those that are too old.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn keep(&self, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        StagedFile::replace(&self.folder.join(format!("{}.{seconds}.png", self.stem)), bytes)?;
        for (_, path) in surplus(self.versions()) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// Time in seconds and path of each version, the newest first.
    fn versions(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut versions: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.path();
                Some((self.seconds_of(&path)?, path))
            })
            .collect();
        versions.sort_by(|a, b| b.cmp(a));
        versions
    }

    fn seconds_of(&self, path: &Path) -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        let rest = name.strip_prefix(&self.stem)?.strip_prefix('.')?;
        rest.strip_suffix(".png")?.parse().ok()
    }
}

/// The versions that need not be kept; the newest comes first.
fn surplus(versions: Vec<(u64, PathBuf)>) -> Vec<(u64, PathBuf)> {
    let mut days = Vec::new();
    let mut place = 0;
    versions
        .into_iter()
        .filter(|(seconds, _)| {
            place += 1;
            let day = seconds / DAY;
            let first_of_day = !days.contains(&day);
            if first_of_day {
                days.push(day);
            }
            place > NEWEST && !(first_of_day && days.len() <= DAYS)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_newest_versions_and_one_of_each_day_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::of(&folder.path().join("images/a.jpg"));
        let backups = Backups::of(&place);
        let at = |day: u64, hour: u64| UNIX_EPOCH + Duration::from_secs(day * DAY + hour * 3600);
        for (day, hour) in [
            (100, 1),
            (100, 2),
            (101, 3),
            (101, 9),
            (102, 1),
            (102, 2),
            (102, 3),
            (102, 4),
        ] {
            backups.keep(b"x", at(day, hour)).expect("kept");
        }
        let kept: Vec<u64> = backups.versions().iter().map(|(seconds, _)| seconds / 3600).collect();
        assert_eq!(
            kept,
            [102 * 24 + 4, 102 * 24 + 3, 102 * 24 + 2, 101 * 24 + 9, 100 * 24 + 2]
        );
        let original = backups.keep_original(b"first").expect("kept").expect("new");
        assert_eq!(fs::read(&original).expect("a file"), b"first");
        assert_eq!(backups.keep_original(b"second").expect("kept"), None);
        assert_eq!(fs::read(&original).expect("a file"), b"first");
        assert!(
            original.ends_with("labels/.backup/a.original.png"),
            "{}",
            original.display()
        );
    }
}
