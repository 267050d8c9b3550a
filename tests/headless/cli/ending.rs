//! Ends the program with signals, at moments that depend on its progress and a seed.

use std::io::{Read as _, Seek as _};
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::thoroughness::is_thorough;

/// Time limit for reaching a moment or an end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A way to end a run.
#[derive(Clone, Copy, Debug)]
pub struct End {
    signal: &'static str,
    /// The exit code of the program; `None` where the signal kills it.
    code: Option<i32>,
}

pub const KILL: End = End {
    signal: "KILL",
    code: None,
};

/// Signals that the program handles: it exits with 128 plus the signal's number.
const HEARD: [End; 3] = [
    End {
        signal: "INT",
        code: Some(130),
    },
    End {
        signal: "TERM",
        code: Some(143),
    },
    End {
        signal: "HUP",
        code: Some(129),
    },
];

impl End {
    /// Whether the program can clean up.
    pub fn is_heard(self) -> bool {
        self.code.is_some()
    }
}

/// All ends, each with a seed: several by SIGKILL, and fewer by each of the other signals.
pub fn ends() -> Vec<(u64, End)> {
    let [kills, others] = if is_thorough() { [30, 10] } else { [3, 1] };
    let heard = HEARD.into_iter().flat_map(|end| std::iter::repeat_n(end, others));
    (1..).zip(std::iter::repeat_n(KILL, kills).chain(heard)).collect()
}

/// Starts `call` for a folder and ends it at one of these `moments` of its `progress`, chosen by the seed. A run that
/// finished before is repeated in another folder. Returns the name of the folder.
pub fn cut(
    (seed, end): (u64, End),
    moments: RangeInclusive<u64>,
    call: impl Fn(&str) -> Command,
    progress: impl Fn(&str, u32) -> u64,
) -> String {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut folders = (0..5).map(|attempt| format!("cut-{seed}-{attempt}"));
    let found = folders.find(|out| {
        let moment = dice.u64(moments.clone());
        end_at(&call(out), end, moment, |pid| progress(out, pid))
    });
    found.unwrap_or_else(|| panic!("seed {seed}, {end:?}: every run finished before its moment"))
}

/// Starts a call and ends it as soon as its `progress`, which is called with the process id, has reached `moment`.
/// Returns false when it finished successfully before.
pub fn end_at(call: &Command, end: End, moment: u64, progress: impl Fn(u32) -> u64) -> bool {
    let mut said = tempfile::tempfile().expect("a file");
    let stderr = said.try_clone().expect("the same file");
    let mut child = hearing_all(call)
        .stdout(Stdio::null())
        .stderr(Stdio::from(stderr))
        .spawn()
        .expect("the program starts");
    let pid = child.id();
    let is_over = wait_for("the moment", || match progress(pid) >= moment {
        true => Some(false),
        false => child.try_wait().expect("its state").map(|_| true),
    });
    if !is_over {
        let kill = Command::new("kill")
            .arg(format!("-{}", end.signal))
            .arg(pid.to_string())
            .status();
        assert!(kill.expect("kill").success(), "SIG{} did not arrive", end.signal);
    }
    let status = wait_for("the end", || child.try_wait().expect("its state"));
    if status.success() {
        return false;
    }
    let mut text = String::new();
    said.rewind().expect("the beginning");
    said.read_to_string(&mut text).expect("its output");
    let expected = match end.code {
        Some(code) => (Some(code), None),
        None => (None, Some(9)),
    };
    assert_eq!(
        (status.code(), status.signal()),
        expected,
        "exit code and signal after SIG{} at {moment} of {call:?}:\n{text}",
        end.signal
    );
    true
}

/// The same call with no signal ignored. The parent of the tests may ignore some, as `nohup` does, and children inherit
/// this.
fn hearing_all(call: &Command) -> Command {
    let mut hearing = Command::new("env");
    hearing
        .arg("--default-signal")
        .arg(call.get_program())
        .args(call.get_args());
    if let Some(folder) = call.get_current_dir() {
        hearing.current_dir(folder);
    }
    hearing
}

/// Calls `look` until it returns a value.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{what} did not come within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Number of bytes that a process has read so far; 0 when it has ended.
pub fn bytes_read(pid: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let count = told.lines().find_map(|line| line.strip_prefix("rchar: "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
