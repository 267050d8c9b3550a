//! The open pictures: their order and states, and which one is wanted on the canvas.

use std::collections::HashMap;

use crate::engine::{PhotoSource, Segmented};

/// What is known of a picture's result.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum State {
    /// Nothing yet.
    Fresh,
    /// Its turn will come.
    Waiting,
    /// The worker is at it.
    Running,
    /// Segmented with the model in use.
    Done { classes: usize },
    /// Why the last run came to no result; another model or other settings may.
    Failed(String),
    /// Why it cannot be read.
    Unreadable(String),
}

impl State {
    /// That of a picture with this result.
    pub(in crate::app) fn of(result: &Segmented) -> Self {
        Self::Done {
            classes: result.present(),
        }
    }

    /// Why there is no result, after a failure.
    pub(in crate::app) fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }

    /// For people.
    pub(in crate::app) fn text(&self) -> String {
        match self {
            Self::Fresh => "Not segmented".into(),
            Self::Waiting => "Waiting".into(),
            Self::Running => "Segmenting".into(),
            Self::Done { classes: 1 } => "Done, 1 class".into(),
            Self::Done { classes } => format!("Done, {classes} classes"),
            Self::Failed(_) | Self::Unreadable(_) => "Failed".into(),
        }
    }
}

/// One open picture.
pub(in crate::app) struct Picture {
    pub(in crate::app) source: PhotoSource,
    pub(in crate::app) name: String,
    pub(in crate::app) state: State,
}

/// The list of open pictures.
#[derive(Default)]
pub(in crate::app) struct Pictures {
    entries: Vec<Picture>,
    places: HashMap<PhotoSource, usize>,
    /// Which one is wanted on the canvas.
    current: usize,
    search: String,
    /// Counts lists and changes of the wanted picture: the row of that has to come into sight.
    moves: u64,
    /// Counts what makes thumbnails out of date.
    changes: u64,
}

impl Pictures {
    /// Shows other pictures, each once, from the first on.
    pub(in crate::app) fn set(&mut self, sources: Vec<PhotoSource>) {
        let mut kept: HashMap<PhotoSource, Picture> = self.entries.drain(..).map(|e| (e.source.clone(), e)).collect();
        self.places.clear();
        for source in sources {
            if self.places.contains_key(&source) {
                continue;
            }
            self.places.insert(source.clone(), self.entries.len());
            // Those that stay keep their state.
            self.entries.push(kept.remove(&source).unwrap_or_else(|| Picture {
                name: source.name(),
                source,
                state: State::Fresh,
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

    /// Index of the wanted picture.
    pub(in crate::app) fn current(&self) -> usize {
        self.current
    }

    /// The wanted picture.
    pub(in crate::app) fn wanted(&self) -> Option<&PhotoSource> {
        self.source(self.current)
    }

    pub(in crate::app) fn source(&self, index: usize) -> Option<&PhotoSource> {
        self.entries.get(index).map(|e| &e.source)
    }

    pub(in crate::app) fn sources(&self) -> impl Iterator<Item = &PhotoSource> {
        self.entries.iter().map(|e| &e.source)
    }

    pub(in crate::app) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.name.as_str())
    }

    /// What names are searched for.
    pub(in crate::app) fn needle(&self) -> String {
        self.search.trim().to_lowercase()
    }

    /// Whether a search leaves a picture in sight. Without one no name is looked at: this is asked for every picture in
    /// every frame.
    pub(in crate::app) fn is_listed(&self, index: usize, needle: &str) -> bool {
        let contains = |entry: &Picture| entry.name.to_lowercase().contains(needle);
        needle.is_empty() || self.entries.get(index).is_some_and(contains)
    }

    /// The next listed picture in a direction, 1 or -1.
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

    /// Where a picture is in the list.
    pub(in crate::app) fn place(&self, source: &PhotoSource) -> Option<usize> {
        self.places.get(source).copied()
    }

    /// Wants another picture, if there is one of this index.
    pub(in crate::app) fn go_to(&mut self, index: usize) {
        if index < self.entries.len() {
            self.current = index;
            self.moves += 1;
        }
    }

    pub(in crate::app) fn state(&self, index: usize) -> Option<&State> {
        self.entries.get(index).map(|e| &e.state)
    }

    /// The state of a picture that is in the list.
    pub(in crate::app) fn state_of(&self, source: &PhotoSource) -> Option<&State> {
        self.state(self.place(source)?)
    }

    pub(in crate::app) fn set_state(&mut self, source: &PhotoSource, state: State) {
        if let Some(entry) = self.place(source).and_then(|at| self.entries.get_mut(at)) {
            entry.state = state;
        }
    }

    /// Nothing is known of it any more, as when the file has changed.
    pub(in crate::app) fn forget(&mut self, source: &PhotoSource) {
        self.changes += 1;
        self.set_state(source, State::Fresh);
    }

    /// Notes that a picture cannot be read. A run says more, and of the file as it is now.
    pub(in crate::app) fn note_unreadable(&mut self, source: &PhotoSource, why: String) {
        if self.state_of(source) == Some(&State::Fresh) {
            self.set_state(source, State::Unreadable(why));
        }
    }

    /// Another number whenever another row has to come into sight.
    pub(in crate::app) fn moves(&self) -> u64 {
        self.moves
    }

    /// Another number whenever thumbnails may be out of date.
    pub(in crate::app) fn changes(&self) -> u64 {
        self.changes
    }

    /// What names are searched for, as it was written.
    pub(in crate::app) fn search(&self) -> &str {
        &self.search
    }

    /// Lists only pictures with this in their names.
    pub(in crate::app) fn set_search(&mut self, search: String) {
        self.search = search;
    }

    /// The picture at a place.
    pub(in crate::app) fn get(&self, index: usize) -> Option<&Picture> {
        self.entries.get(index)
    }
}
