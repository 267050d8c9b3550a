//! Attempts to read damaged files: each must end soon with a result or an error.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use segscope::runtime::peak_memory_mib;

use super::mutation::Dice;
use crate::thoroughness::is_thorough;

pub const PER_IMAGE_FORMAT: u64 = 100;
pub const LABEL_MAPS: u64 = 300;
pub const PER_CHECKPOINT_PART: u64 = 200;
pub const BUNDLES: u64 = 200;
pub const BUNDLE_METADATA: u64 = 150;
pub const PER_CODEBASE: u64 = 150;
pub const TRAINING_STATES: u64 = 100;
pub const PER_TEXT: u64 = 150;
/// Number of mutations of settings and of the session; each needs a start of the program.
pub const KEPT_BY_THE_WINDOW: u64 = 75;

const IMAGES: u64 = 9 * PER_IMAGE_FORMAT + LABEL_MAPS;
const MODELS: u64 = 3 * PER_CHECKPOINT_PART + BUNDLES + BUNDLE_METADATA + 6 * PER_CODEBASE + TRAINING_STATES;
const TEXTS: u64 = 2 * PER_TEXT + 2 * KEPT_BY_THE_WINDOW;

/// Factor for the number of mutations when all are requested.
const THOROUGH: u64 = 3;
const _: () = assert!(THOROUGH * (IMAGES + MODELS + TEXTS) >= 10_000);

/// Maximum length of a useful error message.
const MAX_CHARACTERS: usize = 4000;

/// Time limit of an attempt.
const LONGEST: Duration = Duration::from_secs(10);

/// Memory limit in MiB; tests that check it run in a separate process.
const MAX_MIB: u64 = 1024;

/// The outcome of an attempt: success or an error message, or a panic.
type Outcome = Result<Result<(), String>, Box<dyn Any + Send>>;

/// Runs `attempt` on damage with the seeds `0..count`, or [`THOROUGH`] times as many when all are requested.
///
/// It runs on a separate thread, so that a hang is reported with its seed.
pub fn survive<T, E, A>(kind: &str, count: u64, mut attempt: A)
where
    E: Display,
    A: FnMut(&mut Dice) -> Result<T, E> + Send + 'static,
{
    let count = if is_thorough() { count * THOROUGH } else { count };
    let before = peak_memory_mib();
    let (tell, told) = mpsc::channel::<Outcome>();
    let attempts = move || {
        for seed in 0..count {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                attempt(&mut Dice::new(seed)).map(drop).map_err(|e| e.to_string())
            }));
            if tell.send(outcome).is_err() {
                // An earlier attempt took too long.
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name(format!("damage to {kind}"));
    thread.spawn(attempts).expect("a thread");

    let mut failures = Vec::new();
    let mut refused = 0;
    for seed in 0..count {
        match told.recv_timeout(LONGEST) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(message))) => {
                refused += 1;
                let length = message.chars().count();
                if message.trim().is_empty() || length >= MAX_CHARACTERS {
                    let start: String = message.chars().take(200).collect();
                    failures.push(format!("seed {seed}: a message of {length} characters: {start}"));
                }
            }
            Ok(Err(_)) => failures.push(format!("seed {seed}: it panicked")),
            Err(RecvTimeoutError::Timeout) => {
                failures.push(format!("seed {seed}: it took more than {LONGEST:?}"));
                break;
            }
            Err(RecvTimeoutError::Disconnected) => panic!("{kind}, seed {seed}: the thread has ended"),
        }
    }
    println!("{kind}: {refused} of {count} refused");
    assert!(
        failures.is_empty(),
        "{kind}: {} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(refused > 0, "{kind}: no damage was noticed");
    if let (Some(before), Some(after)) = (before, peak_memory_mib()) {
        assert!(
            after.saturating_sub(before) < MAX_MIB,
            "{kind}: the process grew from {before} MiB to {after} MiB"
        );
    }
}
