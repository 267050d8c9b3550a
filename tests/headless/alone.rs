//! Runs a test alone in a separate process.

use std::process::Command;

/// Environment variable that is set in a process started for one test.
const MARK: &str = "SEGSCOPE_TEST_ALONE";

/// Whether the calling test runs alone in its process.
///
/// If not, runs the test in a separate process, which must succeed, and returns false, so that the caller can return.
#[must_use]
pub fn alone() -> bool {
    let thread = std::thread::current();
    // The test runner names its threads after their tests. Without threads, all tests run in turn on the main one.
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
