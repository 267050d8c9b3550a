//! What is known of each image of a project: one line of JSON for each, sorted by path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How far the annotation of an image is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageState {
    /// There are no labels.
    #[default]
    New,
    /// A model has made the labels, and nobody has looked at them.
    Predicted,
    /// The labels have been edited.
    InProgress,
    /// The user has said that they are right.
    Done,
    /// The user wants to come back to it.
    Flagged,
    /// The user does not want to annotate it.
    Skipped,
}

impl ImageState {
    /// Every state, in the order of work.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Predicted,
        Self::InProgress,
        Self::Done,
        Self::Flagged,
        Self::Skipped,
    ];

    /// Its name in the window.
    pub fn title(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Predicted => "Predicted",
            Self::InProgress => "In progress",
            Self::Done => "Done",
            Self::Flagged => "Flagged",
            Self::Skipped => "Skipped",
        }
    }
}

/// A remark at a pixel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Column and row.
    pub at: [usize; 2],
    /// The remark.
    pub text: String,
}

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Path below the project's root, with `/` between its parts.
    pub path: String,
    /// How far it is.
    #[serde(default)]
    pub state: ImageState,
    /// Width and height in pixels, upright.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// CRC-32 of the label file as it was last written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_crc: Option<u32>,
    /// What the labels were made from, such as the title of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Sum of the pixels that edits have changed.
    #[serde(default)]
    pub edited_px: u64,
    /// Seconds in which it was edited.
    #[serde(default)]
    pub seconds: u64,
    /// Whether it was edited after it was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed_after_done: bool,
    /// A remark at a pixel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// What newer versions have written.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl ImageRecord {
    /// The record of an image of which nothing is known.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// Notes that an edit has changed pixels.
    pub fn note_edit(&mut self, pixels: u64) {
        self.edited_px += pixels;
        match self.state {
            ImageState::Done => self.changed_after_done = true,
            ImageState::Flagged => {}
            _ => self.state = ImageState::InProgress,
        }
    }

    /// Notes that labels were taken from a prediction, which is not the user's work.
    pub fn note_prediction(&mut self) {
        match self.state {
            ImageState::New | ImageState::Skipped => self.state = ImageState::Predicted,
            ImageState::Done => self.changed_after_done = true,
            ImageState::Predicted | ImageState::InProgress | ImageState::Flagged => {}
        }
    }

    /// Sets the state, as the user says it is.
    pub fn set_state(&mut self, state: ImageState) {
        self.state = state;
        self.changed_after_done = false;
    }
}

/// The records of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    by_path: BTreeMap<String, ImageRecord>,
    /// Lines that are no records, kept as they are.
    unknown: Vec<String>,
}

impl Records {
    /// Reads the lines of a file. Of two records of an image, the last one counts.
    pub fn parse(text: &str) -> Self {
        let mut records = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<ImageRecord>(line) {
                Ok(record) => records.set(record),
                Err(_) => records.unknown.push(line.to_owned()),
            }
        }
        records
    }

    /// The lines of the file.
    pub fn text(&self) -> String {
        let known = self
            .by_path
            .values()
            .filter_map(|record| serde_json::to_string(record).ok());
        known
            .chain(self.unknown.iter().cloned())
            .map(|line| line + "\n")
            .collect()
    }

    /// The record of an image.
    pub fn get(&self, path: &str) -> Option<&ImageRecord> {
        self.by_path.get(path)
    }

    /// Replaces the record of an image.
    pub fn set(&mut self, record: ImageRecord) {
        self.by_path.insert(record.path.clone(), record);
    }

    /// All records, by path.
    pub fn iter(&self) -> impl Iterator<Item = &ImageRecord> {
        self.by_path.values()
    }

    /// Number of lines that could not be read.
    pub fn unknown(&self) -> usize {
        self.unknown.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_with_what_others_wrote() {
        let text = "{\"path\":\"b.jpg\",\"state\":\"done\",\"reviewer\":\"x\",\"edited_px\":3}\nno JSON\n\
                    {\"path\":\"a.jpg\",\"state\":\"in_progress\",\"note\":{\"at\":[1,2],\"text\":\"mirror?\"}}\n";
        let mut records = Records::parse(text);
        assert_eq!(records.unknown(), 1);
        let b = records.get("b.jpg").expect("a record").clone();
        assert_eq!((b.state, b.edited_px), (ImageState::Done, 3));
        assert_eq!(
            records.get("a.jpg").and_then(|a| a.note.clone()).map(|n| n.at),
            Some([1, 2])
        );
        let mut b = b;
        b.note_edit(5);
        assert_eq!(
            (b.state, b.edited_px, b.changed_after_done),
            (ImageState::Done, 8, true)
        );
        records.set(b);
        let written = records.text();
        assert!(
            written.starts_with("{\"path\":\"a.jpg\"") && written.ends_with("no JSON\n"),
            "{written}"
        );
        assert!(written.contains("\"reviewer\":\"x\""));
        assert_eq!(Records::parse(&written), records);
    }

    #[test]
    fn edits_start_the_work_and_keep_a_flag() {
        for (before, after) in [
            (ImageState::New, ImageState::InProgress),
            (ImageState::Predicted, ImageState::InProgress),
            (ImageState::Skipped, ImageState::InProgress),
            (ImageState::Flagged, ImageState::Flagged),
        ] {
            let mut record = ImageRecord::new("a");
            record.set_state(before);
            record.note_edit(1);
            assert_eq!(record.state, after);
        }
        let mut record = ImageRecord::new("a");
        record.note_prediction();
        assert_eq!((record.state, record.edited_px), (ImageState::Predicted, 0));
        record.set_state(ImageState::Done);
        record.note_prediction();
        assert_eq!((record.state, record.changed_after_done), (ImageState::Done, true));
    }
}
