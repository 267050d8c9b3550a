//! Damages valid files for tests: whatever a file holds, readers give an answer or an error.

use std::fs;
use std::path::{Path, PathBuf};

use super::{InterchangeError, LabelReader, ReadChoices};
use crate::photo::files_below;

/// Opens a format.
type Open = fn(&Path, &ReadChoices) -> Result<Box<dyn LabelReader>, InterchangeError>;

/// Damages one file of a folder at a time, `rounds` times, and reads all images. Whatever is read has as many pixels as
/// its size says.
pub(super) fn read_damaged(folder: &Path, open: Open, rounds: usize) {
    let files = files_below(folder, |_| true).expect("a folder");
    let mut random = fastrand::Rng::with_seed(8);
    for _ in 0..rounds {
        let file: &PathBuf = &files[random.usize(..files.len())];
        let whole = fs::read(file).expect("a file");
        fs::write(file, damaged(&whole, &mut random)).expect("written");
        if let Ok(mut reader) = open(folder, &ReadChoices::default()) {
            for index in 0..reader.names().len() {
                if let Ok(image) = reader.read(index) {
                    let labels = image.labels;
                    assert_eq!(labels.ids.len(), labels.width * labels.height);
                }
            }
            reader.remarks();
        }
        fs::write(file, whole).expect("written");
    }
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
