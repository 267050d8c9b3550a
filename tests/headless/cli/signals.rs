//! Signals, and resuming after them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::program::*;

/// Signals that end a program, and the exit codes after them.
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

/// The program with the signal handling of a terminal, however the tests were started.
fn program_with(signals: &str) -> Command {
    let mut call = Command::new("env");
    call.arg(signals).arg(env!("CARGO_BIN_EXE_segscope"));
    call.stdout(Stdio::piped()).stderr(Stdio::piped());
    call
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args(["-s", signal, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

/// Reads lines until one contains a text; the following lines can still be read.
fn wait_for(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) {
    let found = lines.map(|line| line.expect("text")).any(|line| line.contains(text));
    assert!(found, "expected a line with {text:?}");
}

fn unfinished_in(folder: &Path) -> Vec<String> {
    let names = names_in(folder).into_iter();
    names.filter(|name| name.starts_with(".segscope-")).collect()
}

#[test]
fn a_batch_ended_by_a_signal_can_be_resumed() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 8);
    let batch = |signals: &str, out: &str, options: &[&str]| {
        let mut call = program_with(signals);
        call.arg("segment")
            .arg(&images)
            .arg("--out")
            .arg(folder.path().join(out));
        call.args(["--json", "--formats", "labels,classes", "--device", "cpu"])
            .args(options);
        call
    };
    let whole = batch("--default-signal", "whole", &[]).output().expect("the program");
    assert!(whole.status.success());
    for (signal, code) in SIGNALS {
        let mut child = batch("--default-signal", signal, &[]).spawn().expect("the program");
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        wait_for(&mut said, "\"written\"");
        send(signal, &child);
        let told = 1 + said.count();
        let ended = child.wait_with_output().expect("an end");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "SIG{signal}: {err}");
        assert!(
            err.contains(&format!("stopped with {} of 8 images to go", 8 - told)),
            "{told}: {err}"
        );
        let labels = folder.path().join(signal).join("labels");
        assert_eq!(names_in(&labels).len(), told, "only finished images");

        let again = batch("--default-signal", signal, &["--skip-existing"])
            .output()
            .expect("the program");
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        let skipped = String::from_utf8_lossy(&again.stdout).matches("\"skipped\"").count();
        assert_eq!(skipped, told);
        for name in names_in(&folder.path().join("whole/labels")) {
            let other = folder.path().join("whole/labels").join(&name);
            assert!(bytes(&labels.join(&name)) == bytes(&other), "{name} differs");
        }
    }
}

#[test]
fn a_closed_terminal_does_not_end_a_program_started_with_nohup() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 3);
    let mut call = program_with("--ignore-signal=HUP");
    call.arg("segment")
        .arg(&images)
        .arg("--out")
        .arg(folder.path().join("out"));
    let call = call.args(["--json", "--formats", "labels", "--device", "cpu"]);
    let mut child = call.spawn().expect("the program");
    let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
    wait_for(&mut said, "\"written\"");
    send("HUP", &child);
    assert_eq!(said.count(), 2);
    assert!(child.wait().expect("an end").success());
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = empty_folder();
    // Reading the pipe blocks until data is written to it.
    let pipe = folder.path().join("set.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut call = program_with("--default-signal");
    call.arg("segment").arg(sample()).arg("--out").arg(folder.path());
    let call = call.args(["--device", "cpu", "--set"]).arg(&pipe);
    let mut child = call.spawn().expect("the program");
    // This blocks until the program opens the other end.
    let writer = File::options().write(true).open(&pipe).expect("a pipe");
    let mut said = BufReader::new(child.stderr.take().expect("its lines")).lines();
    send("INT", &child);
    wait_for(&mut said, "a second signal stops at once");
    send("TERM", &child);
    assert_eq!(child.wait().expect("an end").code(), Some(143));
    drop(writer);
}

#[test]
fn an_evaluation_ended_by_a_signal_can_be_resumed() {
    let folder = empty_folder();
    for (below, file, ending) in [
        ("images", sample(), "jpg"),
        ("labels", in_repository("assets/samples/street-labels.png"), "png"),
    ] {
        fs::create_dir(folder.path().join(below)).expect("a folder");
        for number in 0..4 {
            let path = folder.path().join(below).join(format!("{number}.{ending}"));
            fs::copy(&file, path).expect("a copy");
        }
    }
    let evaluate = |json: &str| {
        let mut call = program_with("--default-signal");
        call.args([
            "evaluate", "--images", "images", "--labels", "labels", "--device", "cpu",
        ]);
        call.args(["--json", json]).current_dir(folder.path());
        call
    };
    let scores = |json: &str| -> Value { serde_json::from_slice(&bytes(&folder.path().join(json))).expect("JSON") };
    assert!(evaluate("whole.json").output().expect("the program").status.success());
    for (signal, code) in SIGNALS {
        let json = format!("{signal}.json");
        let mut child = evaluate(&json).spawn().expect("the program");
        let mut said = BufReader::new(child.stderr.take().expect("its lines")).lines();
        wait_for(&mut said, " on ");
        send(signal, &child);
        wait_for(&mut said, "stopping after the current image or step");
        assert_eq!(child.wait().expect("an end").code(), Some(code), "SIG{signal}");
        assert!(unfinished_in(folder.path()).is_empty());
        assert!(evaluate(&json).output().expect("the program").status.success());
        assert_eq!(
            scores(&json)["scores"]["confusion"],
            scores("whole.json")["scores"]["confusion"]
        );
    }
}

#[test]
fn old_leftovers_of_killed_runs_are_removed() {
    let folder = empty_folder();
    let labels = folder.path().join("labels");
    fs::create_dir(&labels).expect("a folder");
    let old = File::create(labels.join(".segscope-aB3dE9")).expect("a file");
    let days = std::time::Duration::from_secs(3 * 24 * 60 * 60);
    old.set_modified(std::time::SystemTime::now() - days).expect("a time");
    // Another process may be writing this file.
    File::create(labels.join(".segscope-xY7zW1")).expect("a file");
    segment(&[&sample()], folder.path(), &["--formats", "labels"]).expect(0);
    assert_eq!(unfinished_in(&labels), [".segscope-xY7zW1"]);
}
