//! The open images: their order, their states, and which one is chosen for the canvas.

use std::collections::HashMap;

use crate::engine::{ImageSource, Segmented};

/// The state of an image's result.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum State {
    /// Not segmented.
    NotSegmented,
    /// Waiting for its turn in a batch.
    Waiting,
    /// Being segmented.
    Running,
    /// Segmented with the model in use; the number of classes in it.
    Done { classes: usize },
    /// Why the last run failed. Another model or other settings may succeed.
    Failed(String),
    /// Why the file cannot be read.
    Unreadable(String),
}

impl State {
    /// The state of an image with this result.
    pub(in crate::app) fn of(result: &Segmented) -> Self {
        Self::Done {
            classes: result.present(),
        }
    }

    /// The reason of a failure.
    pub(in crate::app) fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }

    /// What screen readers say of it.
    pub(in crate::app) fn spoken(&self) -> String {
        match self {
            Self::Done { .. } => format!("Done, {}", self.text()),
            _ => self.text(),
        }
    }

    /// The text that the list shows.
    pub(in crate::app) fn text(&self) -> String {
        match self {
            Self::NotSegmented => "Not segmented".into(),
            Self::Waiting => "Waiting".into(),
            Self::Running => "Segmenting".into(),
            Self::Done { classes: 1 } => "1 class".into(),
            Self::Done { classes } => format!("{classes} classes"),
            Self::Failed(_) | Self::Unreadable(_) => "Failed".into(),
        }
    }
}

/// One open image.
pub(in crate::app) struct Image {
    pub(in crate::app) source: ImageSource,
    pub(in crate::app) name: String,
    pub(in crate::app) state: State,
}

/// The list of open images.
#[derive(Default)]
pub(in crate::app) struct Images {
    entries: Vec<Image>,
    places: HashMap<ImageSource, usize>,
    /// Index of the image chosen for the canvas.
    current: usize,
    search: String,
    /// Counts new lists and changes of `current`, after which the list scrolls to the row of that image.
    moves: u64,
    /// Counts changes that make thumbnails out of date.
    changes: u64,
}

impl Images {
    /// Replaces the list. Duplicates are dropped, and the first image becomes the chosen one.
    pub(in crate::app) fn set(&mut self, sources: Vec<ImageSource>) {
        let mut kept: HashMap<ImageSource, Image> = self.entries.drain(..).map(|e| (e.source.clone(), e)).collect();
        self.places.clear();
        for source in sources {
            if self.places.contains_key(&source) {
                continue;
            }
            self.places.insert(source.clone(), self.entries.len());
            // Images that were already open keep their state.
            self.entries.push(kept.remove(&source).unwrap_or_else(|| Image {
                name: source.name(),
                source,
                state: State::NotSegmented,
            }));
        }
        self.search.clear();
        self.current = 0;
        self.moves += 1;
        self.changes += 1;
    }

    pub(in crate::app) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Index of the chosen image.
    pub(in crate::app) fn current(&self) -> usize {
        self.current
    }

    /// The chosen image.
    pub(in crate::app) fn wanted(&self) -> Option<&ImageSource> {
        self.source(self.current)
    }

    pub(in crate::app) fn source(&self, index: usize) -> Option<&ImageSource> {
        self.entries.get(index).map(|e| &e.source)
    }

    pub(in crate::app) fn sources(&self) -> impl Iterator<Item = &ImageSource> {
        self.entries.iter().map(|e| &e.source)
    }

    pub(in crate::app) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.name.as_str())
    }

    /// The search text in the form that names are compared with.
    pub(in crate::app) fn needle(&self) -> String {
        self.search.trim().to_lowercase()
    }

    /// Whether an image matches a search. Without a search no name is read: this is called for every image in every
    /// frame.
    pub(in crate::app) fn is_listed(&self, index: usize, needle: &str) -> bool {
        let contains = |entry: &Image| entry.name.to_lowercase().contains(needle);
        needle.is_empty() || self.entries.get(index).is_some_and(contains)
    }

    /// Index of the next listed image in a direction, 1 or -1.
    pub(in crate::app) fn neighbour(&self, direction: isize) -> Option<usize> {
        let needle = self.needle();
        let mut index = self.current;
        loop {
            index = index
                .checked_add_signed(direction)
                .filter(|i| *i < self.entries.len())?;
            if self.is_listed(index, &needle) {
                return Some(index);
            }
        }
    }

    /// Index of an image in the list.
    pub(in crate::app) fn place(&self, source: &ImageSource) -> Option<usize> {
        self.places.get(source).copied()
    }

    /// Chooses the image at this index, if there is one.
    pub(in crate::app) fn go_to(&mut self, index: usize) {
        if index < self.entries.len() {
            self.current = index;
            self.moves += 1;
        }
    }

    pub(in crate::app) fn state(&self, index: usize) -> Option<&State> {
        self.entries.get(index).map(|e| &e.state)
    }

    /// The state of an image that is in the list.
    pub(in crate::app) fn state_of(&self, source: &ImageSource) -> Option<&State> {
        self.state(self.place(source)?)
    }

    pub(in crate::app) fn set_state(&mut self, source: &ImageSource, state: State) {
        if let Some(entry) = self.place(source).and_then(|at| self.entries.get_mut(at)) {
            entry.state = state;
        }
    }

    /// Resets the state of an image, for example when its file has changed.
    pub(in crate::app) fn forget(&mut self, source: &ImageSource) {
        self.changes += 1;
        self.set_state(source, State::NotSegmented);
    }

    /// Notes that an image cannot be read, unless it already has a state: a run reports more, about the current file.
    pub(in crate::app) fn note_unreadable(&mut self, source: &ImageSource, why: String) {
        if self.state_of(source) == Some(&State::NotSegmented) {
            self.set_state(source, State::Unreadable(why));
        }
    }

    /// A number that changes whenever the list has to scroll to another row.
    pub(in crate::app) fn moves(&self) -> u64 {
        self.moves
    }

    /// A number that changes whenever thumbnails may be out of date.
    pub(in crate::app) fn changes(&self) -> u64 {
        self.changes
    }

    /// The search text as typed.
    pub(in crate::app) fn search(&self) -> &str {
        &self.search
    }

    /// Lists only images whose names contain this text.
    pub(in crate::app) fn set_search(&mut self, search: String) {
        self.search = search;
    }

    /// The image at an index.
    pub(in crate::app) fn get(&self, index: usize) -> Option<&Image> {
        self.entries.get(index)
    }
}
