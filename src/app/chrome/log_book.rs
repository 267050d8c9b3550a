//! What has happened since the start: the newest records of the program's log, kept in memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Records kept; older ones are forgotten.
const KEPT: usize = 1000;

/// The crate whose notes are kept, too; of others only warnings and errors are.
const OWN_TARGET: &str = "segscope";

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct LogEntry {
    /// Since the book was begun.
    pub(in crate::app) time: Duration,
    pub(in crate::app) level: Level,
    /// The crate it comes from.
    pub(in crate::app) target: String,
    /// May have several lines.
    pub(in crate::app) text: String,
}

/// A handle on the book. Every handle sees the same records, from every thread.
#[derive(Clone, Debug)]
pub(in crate::app) struct LogBook(Arc<Pages>);

#[derive(Debug)]
struct Pages {
    begun: Instant,
    entries: Mutex<VecDeque<LogEntry>>,
    /// Rises with every change of `entries`.
    version: AtomicU64,
}

impl LogBook {
    /// The book of this process, which takes the records of the `log` macros from now on.
    ///
    /// If another logger has been set before, the records go there and this book stays empty.
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

    /// An empty book of its own.
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

    /// The records that `keep` wants, oldest first.
    pub(in crate::app) fn entries(&self, keep: impl Fn(&LogEntry) -> bool) -> Vec<LogEntry> {
        self.lock().iter().filter(|entry| keep(entry)).cloned().collect()
    }

    /// Forgets all records.
    pub(in crate::app) fn clear(&self) {
        self.lock().clear();
        self.0.version.fetch_add(1, Ordering::Release);
    }

    /// Held only for moments, so that no thread waits.
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
    fn own_notes_are_kept_and_those_of_others_are_not() {
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
    fn the_oldest_are_forgotten_and_every_change_has_a_number() {
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
        log::error!(target: "segscope", "said once");
        for book in [first, second] {
            let said = book.entries(|entry| entry.text == "said once");
            assert_eq!(said.len(), 1);
        }
    }
}
