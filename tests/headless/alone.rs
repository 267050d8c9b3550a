//! Tests that have a process to themselves.

use std::process::Command;

/// Set in a process that was started for one test.
const MARK: &str = "SEGSCOPE_TEST_ALONE";

/// True where the calling test runs alone in its process. Elsewhere it is run again in such a process, which has to
/// succeed, and there is nothing left to do.
#[must_use]
pub fn alone() -> bool {
    let thread = std::thread::current();
    // The test runner names its threads after their tests; without threads all tests run on the main one, in turn.
    let Some(test) = thread.name().filter(|name| *name != "main") else {
        return true;
    };
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let this = std::env::current_exe().expect("the path of the tests");
    let output = Command::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the tests can be started");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    println!("{out}");
    assert!(output.status.success(), "{test}, alone: {}\n{err}", output.status);
    assert!(out.contains("1 passed"), "{test} was not found");
    false
}
