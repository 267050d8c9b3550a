//! The newest records of the program's log since the start, kept in memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Maximum number of records; older ones are dropped.
const KEPT: usize = 1000;

/// The crate whose notes are kept too; of others, only warnings and errors are kept.
const OWN_TARGET: &str = "segscope";

/// One log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct LogEntry {
    /// Time since the book was created.
    pub(in crate::app) time: Duration,
    pub(in crate::app) level: Level,
    /// The crate it comes from.
    pub(in crate::app) target: String,
    /// May have several lines.
    pub(in crate::app) text: String,
}

/// A handle to the log book. All handles share the same records, which come from every thread.
#[derive(Clone, Debug)]
pub(in crate::app) struct LogBook(Arc<Pages>);

#[derive(Debug)]
struct Pages {
    begun: Instant,
    entries: Mutex<VecDeque<LogEntry>>,
    /// Increases with every change of `entries`.
    version: AtomicU64,
}

impl LogBook {
    /// The book of this process, which receives the records of the `log` macros from now on.
    ///
    /// If another logger was set before, the records go there and this book stays empty.
    pub(in crate::app) fn install() -> Self {
        static BOOK: OnceLock<LogBook> = OnceLock::new();
        BOOK.get_or_init(|| {
            let book = Self::new();
            if log::set_boxed_logger(Box::new(book.clone())).is_ok() {
                log::set_max_level(LevelFilter::Info);
            }
            book
        })
        .clone()
    }

    /// An empty book that is not installed.
    fn new() -> Self {
        Self(Arc::new(Pages {
            begun: Instant::now(),
            entries: Mutex::default(),
            version: AtomicU64::new(0),
        }))
    }

    /// A number that changes whenever the records do.
    pub(in crate::app) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// The records for which `keep` is true, oldest first.
    pub(in crate::app) fn entries(&self, keep: impl Fn(&LogEntry) -> bool) -> Vec<LogEntry> {
        self.lock().iter().filter(|entry| keep(entry)).cloned().collect()
    }

    /// Deletes all records.
    pub(in crate::app) fn clear(&self) {
        self.lock().clear();
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Locks the records. The lock is held only briefly, so that no thread waits.
    fn lock(&self) -> MutexGuard<'_, VecDeque<LogEntry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The crate a target such as `wgpu_core::device` belongs to.
fn crate_of(target: &str) -> &str {
    target.split("::").next().unwrap_or(target)
}

impl Log for LogBook {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = if crate_of(metadata.target()) == OWN_TARGET {
            LevelFilter::Info
        } else {
            LevelFilter::Warn
        };
        metadata.level() <= most
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let entry = LogEntry {
            time: self.0.begun.elapsed(),
            level: record.level(),
            target: crate_of(record.target()).to_owned(),
            text: record.args().to_string(),
        };
        let mut entries = self.lock();
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
        drop(entries);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    fn flush(&self) {}
}

#[cfg(test)]
pub(in crate::app) mod tests {
    use log::{Level, Log as _, Record};

    use super::{KEPT, LogBook};

    /// A book with records given as (level, target, text).
    pub(in crate::app) fn book_with<'a>(records: impl IntoIterator<Item = (Level, &'a str, &'a str)>) -> LogBook {
        let book = LogBook::new();
        for (level, target, text) in records {
            write(&book, level, target, text);
        }
        book
    }

    fn write(book: &LogBook, level: Level, target: &str, text: &str) {
        book.log(
            &Record::builder()
                .level(level)
                .target(target)
                .args(format_args!("{text}"))
                .build(),
        );
    }

    fn texts(book: &LogBook) -> Vec<String> {
        book.entries(|_| true).into_iter().map(|entry| entry.text).collect()
    }

    #[test]
    fn notes_of_other_crates_are_not_kept() {
        let book = book_with([
            (Level::Info, "segscope::engine", "own note"),
            (Level::Debug, "segscope::engine", "own detail"),
            (Level::Info, "wgpu_core::device", "foreign note"),
            (Level::Warn, "wgpu_core::device", "foreign warning"),
        ]);
        assert_eq!(texts(&book), ["own note", "foreign warning"]);
        assert_eq!(book.entries(|_| true)[1].target, "wgpu_core");
    }

    #[test]
    fn the_oldest_are_dropped_and_every_change_changes_the_version() {
        let book = book_with((0..KEPT).map(|_| (Level::Info, "segscope", "old")));
        let before = book.version();
        let newer = book.clone();
        write(&newer, Level::Error, "segscope", "new");
        assert_ne!(book.version(), before);
        assert_eq!(book.entries(|_| true).len(), KEPT);
        assert_eq!(texts(&book).last().map(String::as_str), Some("new"));
        book.clear();
        assert!(texts(&newer).is_empty());
    }

    #[test]
    fn it_is_installed_once() {
        let (first, second) = (LogBook::install(), LogBook::install());
        log::error!(target: "segscope", "logged once");
        for book in [first, second] {
            let logged = book.entries(|entry| entry.text == "logged once");
            assert_eq!(logged.len(), 1);
        }
    }
}
