//! Runs the program and reads its results.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use segscope::labels::LabelMap;
use segscope::photo::Photo;
use serde_json::Value;
use tempfile::TempDir;

use crate::bundles::fixture;
pub use crate::repository::in_repository;

/// Number of classes of the fixture model and the embedded model; the sample's label map also has void, whose id is
/// above them.
pub const CLASSES: u16 = 11;

/// The result of a call of the program.
pub struct Ended {
    pub call: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Asserts that the exit code is this one.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of {self}");
        self
    }

    /// Asserts that one line of stderr contains all these texts.
    pub fn complains_of(&self, texts: &[&str]) {
        assert!(
            self.err
                .lines()
                .any(|line| texts.iter().all(|text| line.contains(text))),
            "expected a line with {texts:?} on stderr of {self}"
        );
    }

    /// Asserts that stderr does not contain this text.
    pub fn never_mentions(&self, text: &str) {
        assert!(!self.err.contains(text), "unexpected {text} on stderr of {self}");
    }

    /// The lines of stdout, each a JSON object.
    pub fn objects(&self) -> Vec<Value> {
        let parsed = self.out.lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line:?} of {self}"));
            assert!(value.is_object(), "expected JSON objects on stdout of {self}");
            value
        });
        parsed.collect()
    }

    /// The text after `name` in the table that `info` prints.
    pub fn row(&self, name: &str) -> &str {
        let start = format!("{name:<12} ");
        let found = self.out.lines().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("expected a line {name:?} on stdout of {self}"))
    }

    /// The lines of stdout from the line about classes on.
    pub fn class_lines(&self) -> Vec<&str> {
        self.out
            .lines()
            .skip_while(|line| !line.starts_with("classes "))
            .collect()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { call, code, out, err } = self;
        write!(
            f,
            "{call}\nexit code: {code:?}\n--- stdout\n{out}\n--- stderr\n{err}\n---"
        )
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_segscope"))
}

pub fn run(command: &mut Command) -> Ended {
    ended(command, Command::output)
}

/// The same call with the default signal handling of a terminal, however the tests were started.
pub fn with_default_signals(call: &Command) -> Command {
    let mut with = Command::new("env");
    with.arg("--default-signal")
        .arg(call.get_program())
        .args(call.get_args());
    if let Some(folder) = call.get_current_dir() {
        with.current_dir(folder);
    }
    with
}

/// Runs the program with standard output as set in `command`, and captures standard error.
pub fn run_with(command: &mut Command) -> Ended {
    ended(command.stderr(Stdio::piped()), |command| {
        command.spawn().and_then(Child::wait_with_output)
    })
}

fn ended(command: &mut Command, run: impl FnOnce(&mut Command) -> io::Result<Output>) -> Ended {
    let call = format!("{command:?}");
    let output = run(command).unwrap_or_else(|e| panic!("{call}: {e}"));
    Ended {
        call,
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into(),
        err: String::from_utf8_lossy(&output.stderr).into(),
    }
}

/// Runs `segscope segment` on the CPU, with the fixture model unless the options name another.
pub fn segment(images: &[&Path], out: &Path, options: &[&str]) -> Ended {
    let mut command = program();
    match options.contains(&"--model") {
        true => command.arg("segment"),
        false => with_small_model(&mut command, "segment"),
    };
    command.args(images).arg("--out").arg(out);
    run(command.args(["--device", "cpu"]).args(options))
}

/// Runs `segscope segment` on the CPU with the embedded model.
pub fn segment_with_embedded_model(images: &[&Path], out: &Path, options: &[&str]) -> Ended {
    let mut command = program();
    command.arg("segment").args(images).arg("--out").arg(out);
    run(command.args(["--device", "cpu"]).args(options))
}

/// Adds a subcommand with the fixture model.
pub fn with_small_model<'a>(command: &'a mut Command, subcommand: &str) -> &'a mut Command {
    command.arg(subcommand).arg("--model").arg(fixture::model())
}

pub fn info(model: &Path) -> Ended {
    run(program().arg("info").arg(model)).expect(0)
}

pub fn sample() -> PathBuf {
    in_repository("assets/samples/street.jpg")
}

/// A published folder with a small network.
pub fn published_folder() -> PathBuf {
    in_repository("tests/golden/rstrudel-mask-p16-distilled")
}

pub fn empty_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a folder with this many small images, all different.
pub fn small_images(folder: &Path, count: u32) -> PathBuf {
    let images = folder.join("images");
    fs::create_dir(&images).expect("a folder");
    let street = image::open(sample()).expect("the sample");
    for number in 0..count {
        let image = street.crop_imm(8 * number, 0, 320, 240).thumbnail_exact(96, 72);
        image.save(images.join(format!("{number}.png"))).expect("an image");
    }
    images
}

pub fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{e}: {}", path.display()))
}

pub fn label_map(path: &Path) -> LabelMap {
    LabelMap::from_png(&bytes(path)).unwrap_or_else(|e| panic!("{e}: {}", path.display()))
}

pub fn image(path: &Path) -> Photo {
    Photo::open(path).unwrap_or_else(|e| panic!("{e}"))
}

pub fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{e}: {}", folder.display()));
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Share of pixels with the same id in `found`, among those with an id below `classes` in `truth`.
pub fn agreement(found: &LabelMap, truth: &LabelMap, classes: u16) -> f64 {
    assert_eq!(
        [found.width, found.height],
        [truth.width, truth.height],
        "width and height of the label map"
    );
    let known = || found.ids.iter().zip(&truth.ids).filter(|(_, truth)| **truth < classes);
    let same = known().filter(|(found, truth)| found == truth).count();
    let all = known().count();
    assert!(all > 0, "no pixel with a class");
    same as f64 / all as f64
}

pub fn agreement_with_the_sample(found: &LabelMap) -> f64 {
    let truth = label_map(&in_repository("assets/samples/street-labels.png"));
    agreement(found, &truth, CLASSES)
}
