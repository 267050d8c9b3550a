//! Standard output, standard error and output paths that are closed, full or not regular files.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use super::program::*;

/// The writing end of a pipe without a reader.
fn unread() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

/// A device that is always full.
fn full() -> File {
    File::options().write(true).open("/dev/full").expect("a device")
}

/// Writes the sample's label map as prediction and as ground truth.
fn predictions(folder: &Path) {
    for below in ["predicted", "labels"] {
        fs::create_dir(folder.join(below)).expect("a folder");
        let map = in_repository("assets/samples/street-labels.png");
        fs::copy(map, folder.join(below).join("a.png")).expect("a copy");
    }
}

/// A call that scores the predictions.
fn evaluate(folder: &Path, options: &[&str]) -> Command {
    let mut call = program();
    call.args(["evaluate", "--predictions", "predicted", "--labels", "labels"]);
    call.args(["--set", "camvid"]).args(options).current_dir(folder);
    call
}

fn output(call: &mut Command) -> Output {
    call.output().unwrap_or_else(|e| panic!("{e}: {call:?}"))
}

/// Number of lines of a CSV file of scores: a heading and the classes of CamVid.
const CSV_LINES: usize = 12;

#[test]
fn a_closed_reader_is_not_an_error() {
    for arguments in [&["info"][..], &["models"], &["devices"]] {
        run_with(program().args(arguments).stdout(unread()))
            .expect(0)
            .never_mentions("panicked");
    }
    // A closed standard error is not an error either; the exit code is still correct.
    let code = |call: &mut Command| call.stderr(unread()).status().expect("the program").code();
    assert_eq!(code(program().args(["info", "missing.pth"])), Some(2));
    let folder = empty_folder();
    let mut call = program();
    call.arg("segment").arg(sample()).arg("--out").arg(folder.path());
    assert_eq!(code(call.args(["--device", "cpu", "--formats", "labels"])), Some(0));
}

#[test]
fn a_full_disk_is_reported() {
    let said = ["segscope: ", "cannot write to standard output"];
    for arguments in [&["info"][..], &["models"], &["models", "--json"], &["devices"]] {
        run_with(program().args(arguments).stdout(full()))
            .expect(2)
            .complains_of(&said);
    }
    let folder = empty_folder();
    predictions(folder.path());
    run_with(evaluate(folder.path(), &[]).stdout(full()))
        .expect(2)
        .complains_of(&said);
    run_with(&mut evaluate(folder.path(), &["--csv", "/dev/full"]))
        .expect(2)
        .complains_of(&["cannot write /dev/full"]);
    let code = program()
        .args(["info"])
        .stderr(full())
        .status()
        .expect("the program")
        .code();
    assert_eq!(code, Some(0));
}

#[test]
fn a_batch_continues_when_its_standard_output_is_closed() {
    let folder = empty_folder();
    let images = small_images(folder.path(), 3);
    let batch = |out: &str| {
        let mut call = program();
        call.arg("segment")
            .arg(&images)
            .arg("--out")
            .arg(folder.path().join(out));
        call.args(["--json", "--formats", "labels", "--device", "cpu"]);
        call
    };
    run_with(batch("unread").stdout(unread())).expect(0);
    run_with(batch("full").stdout(full()))
        .expect(2)
        .complains_of(&["cannot write to standard output"]);
    for out in ["unread", "full"] {
        assert_eq!(names_in(&folder.path().join(out).join("labels")).len(), 3, "{out}");
    }
}

#[test]
fn a_hyphen_is_standard_output_and_other_messages_go_to_standard_error() {
    let folder = empty_folder();
    predictions(folder.path());
    output(&mut evaluate(folder.path(), &["--csv", "s.csv"]));
    let csv = bytes(&folder.path().join("s.csv"));
    assert_eq!(String::from_utf8_lossy(&csv).lines().count(), CSV_LINES);
    for name in ["-", "/dev/stdout"] {
        let said = output(&mut evaluate(folder.path(), &["--csv", name]));
        assert_eq!(
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&csv),
            "{name}"
        );
        let scores = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(scores.contains("mIoU 100.00"), "{scores}");
    }
    assert!(!folder.path().join("-").exists());
    run_with(&mut evaluate(folder.path(), &["--csv", "-", "--json", "-"]))
        .expect(2)
        .complains_of(&["at most one output", "found 2"]);
    // A redirected standard output is written to and not replaced, because the file belongs to the caller.
    let to = File::create(folder.path().join("redirected.csv")).expect("a file");
    let status = evaluate(folder.path(), &["--csv", "/dev/stdout"]).stdout(to).status();
    assert!(status.expect("the program").success());
    assert_eq!(bytes(&folder.path().join("redirected.csv")), csv);
}

#[test]
fn a_bundle_can_be_written_to_standard_output() {
    let folder = empty_folder();
    let mut call = program();
    call.arg("convert").arg(published_folder()).args(["-o", "-"]);
    let made = output(&mut call);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bundle = folder.path().join("made.safetensors");
    fs::write(&bundle, made.stdout).expect("a file");
    assert_eq!(info(&bundle).row("encoder"), info(&published_folder()).row("encoder"));
}

#[test]
fn a_link_is_kept_and_its_target_written() {
    let folder = empty_folder();
    predictions(folder.path());
    let (link, target) = (folder.path().join("link.csv"), folder.path().join("target.csv"));
    fs::write(&target, "old").expect("a file");
    std::os::unix::fs::symlink("target.csv", &link).expect("a link");
    run_with(&mut evaluate(folder.path(), &["--csv", "link.csv"]))
        .expect(2)
        .complains_of(&["--overwrite", "link.csv"]);
    run_with(&mut evaluate(folder.path(), &["--csv", "link.csv", "--overwrite"])).expect(0);
    assert!(link.is_symlink());
    let csv = String::from_utf8(bytes(&target)).expect("text");
    assert_eq!(csv.lines().count(), CSV_LINES, "{csv}");
}

#[test]
fn output_can_be_written_to_a_named_pipe() {
    let folder = empty_folder();
    predictions(folder.path());
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let reading = pipe.clone();
    let reader = std::thread::Builder::new().name("reader of the pipe".into());
    let reader = reader.spawn(move || fs::read_to_string(reading).expect("text"));
    let reader = reader.expect("a thread");
    run_with(&mut evaluate(folder.path(), &["--csv", "pipe"])).expect(0);
    assert_eq!(reader.join().expect("it was read").lines().count(), CSV_LINES);
    assert!(!fs::metadata(&pipe).expect("a pipe").is_file(), "it is still a pipe");
}
