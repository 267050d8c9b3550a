//! Damages valid files for tests: whatever a file holds, readers give an answer or an error.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{InterchangeError, LabelReader, ReadChoices};
use crate::labels::LabelMap;
use crate::photo::files_below;

/// How long reading a damaged file of a few pixels may take. Other tests have the processor too.
const DEADLINE: Duration = Duration::from_secs(60);

/// Damages one file of a folder at a time, `rounds` times, and reads all images. Whatever is read has as many pixels as
/// its size says.
#[track_caller]
pub(super) fn read_damaged(
    folder: &Path,
    open: impl Fn(&Path, &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError> + Send + 'static,
    rounds: usize,
) {
    let folder = folder.to_owned();
    let (begun, begins) = mpsc::channel::<PathBuf>();
    // In a thread of its own, as a test cannot end a reader that hangs.
    let work = move || {
        let files = files_below(&folder, |_| true).expect("a folder");
        let mut random = fastrand::Rng::with_seed(8);
        for _ in 0..rounds {
            let file = &files[random.usize(..files.len())];
            let _ = begun.send(file.clone());
            let whole = fs::read(file).expect("a file");
            fs::write(file, damaged(&whole, &mut random)).expect("written");
            if let Ok(reader) = open(&folder, &ReadChoices::default()) {
                read_all(reader);
            }
            fs::write(file, whole).expect("written");
        }
    };
    let worker = thread::Builder::new().spawn(work).expect("a thread");
    let mut last = PathBuf::new();
    loop {
        match begins.recv_timeout(DEADLINE) {
            Ok(file) => last = file,
            Err(RecvTimeoutError::Timeout) => panic!("a reader hangs on {}", last.display()),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Err(panicked) = worker.join() {
        eprintln!("a reader panics on {}", last.display());
        panic::resume_unwind(panicked);
    }
}

/// Reads all images, of which some may be refused.
fn read_all(mut reader: Box<dyn LabelReader>) {
    for index in 0..reader.names().len() {
        if let Ok(image) = reader.read(index) {
            let LabelMap { width, height, ids } = image.labels;
            assert_eq!(ids.len(), width * height);
            assert!(!ids.is_empty() && ids.len() as u64 <= LabelMap::MAX_PIXELS);
        }
    }
    reader.remarks();
}

/// The same bytes with one to four damages.
fn damaged(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..5) {
        if bytes.is_empty() {
            return bytes;
        }
        let place = random.usize(..bytes.len());
        let end = (place + random.usize(1..40)).min(bytes.len());
        match random.usize(..6) {
            0 => bytes[place] ^= 1 << random.usize(..8),
            1 => bytes.truncate(place),
            2 => drop(bytes.drain(place..end)),
            3 => {
                let copy = bytes[place..end].to_vec();
                bytes.splice(place..place, copy);
            }
            // Another sign of JSON and XML.
            4 => bytes[place] = *random.choice(b"{}[]\",:<>&;-9eE.\0\xff").unwrap_or(&0),
            _ => {
                let digits = bytes.iter().skip(place).position(u8::is_ascii_digit);
                let number = random.choice(["-1", "99999999999999999999", "1e308", "65535", "0", "null"]);
                if let (Some(digit), Some(number)) = (digits, number) {
                    bytes.splice(place + digit..=place + digit, number.bytes());
                }
            }
        }
    }
    bytes
}
