//! Attempts on damaged files: each ends soon, with a result or with a sentence.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use segscope::runtime::peak_memory_mib;

use super::mutation::Dice;
use crate::thoroughness::is_thorough;

pub const PER_PICTURE_FORMAT: u64 = 100;
pub const LABEL_MAPS: u64 = 300;
pub const PER_CHECKPOINT_PART: u64 = 200;
pub const BUNDLES: u64 = 200;
pub const BUNDLE_METADATA: u64 = 150;
pub const PER_CODEBASE: u64 = 150;
pub const TRAINING_STATES: u64 = 100;
pub const PER_TEXT: u64 = 150;
/// Each is a start of the program.
pub const KEPT_BY_THE_WINDOW: u64 = 75;

const PICTURES: u64 = 9 * PER_PICTURE_FORMAT + LABEL_MAPS;
const MODELS: u64 = 3 * PER_CHECKPOINT_PART + BUNDLES + BUNDLE_METADATA + 6 * PER_CODEBASE + TRAINING_STATES;
const TEXTS: u64 = 2 * PER_TEXT + 2 * KEPT_BY_THE_WINDOW;

/// Times as many mutations when all are asked for.
const THOROUGH: u64 = 3;
const _: () = assert!(THOROUGH * (PICTURES + MODELS + TEXTS) >= 10_000);

/// Longest message that still tells somebody something.
const MOST_CHARACTERS: usize = 4000;

/// No damage may keep the program busy for longer.
const LONGEST: Duration = Duration::from_secs(10);

/// No damage may cost as much memory; tests that look have a process of their own.
const MOST_MIB: u64 = 1024;

/// What became of an attempt: nothing or a message; or it panicked.
type Outcome = Result<Result<(), String>, Box<dyn Any + Send>>;

/// Runs `attempt` on the damage of seeds `0..count`, and on [`THOROUGH`] times as many when all are asked for. It runs on
/// a thread of its own, so that a hang is a failure with a seed.
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
                // An earlier one took too long.
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
                if message.trim().is_empty() || length >= MOST_CHARACTERS {
                    let start: String = message.chars().take(200).collect();
                    failures.push(format!("seed {seed}: a message of {length} characters: {start}"));
                }
            }
            Ok(Err(_)) => failures.push(format!("seed {seed}: it panicked")),
            Err(RecvTimeoutError::Timeout) => {
                failures.push(format!("seed {seed}: it took more than {LONGEST:?}"));
                break;
            }
            Err(RecvTimeoutError::Disconnected) => panic!("{kind}, seed {seed}: the thread is gone"),
        }
    }
    println!("{kind}: {refused} of {count} refused");
    assert!(
        failures.is_empty(),
        "{kind}: {} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(refused > 0, "{kind}: no damage was noticed, so none was done");
    if let (Some(before), Some(after)) = (before, peak_memory_mib()) {
        assert!(
            after.saturating_sub(before) < MOST_MIB,
            "{kind}: the process grew from {before} MiB to {after} MiB"
        );
    }
}
