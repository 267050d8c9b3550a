//! The open images: their order, their states, and which one is chosen for the canvas.

use std::collections::HashMap;
use std::sync::Arc;

use super::Arrangement;
use crate::annotate::project::ImageState;
use crate::engine::{ImageSource, Segmented};

/// What was found in an image.
#[derive(Debug, PartialEq)]
pub(in crate::app) struct Found {
    /// The ids of the classes that occur.
    pub(in crate::app) classes: Box<[u16]>,
    /// Mean confidence of its pixels, 0..=1.
    pub(in crate::app) confidence: f32,
}

/// The state of an image's result.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app) enum State {
    /// Not segmented.
    NotSegmented,
    /// Waiting for its turn in a batch.
    Waiting,
    /// Being segmented.
    Running,
    /// Segmented with the model in use.
    Done(Arc<Found>),
    /// Why the last run failed. Another model or other settings may succeed.
    Failed(String),
    /// Why the file cannot be read.
    Unreadable(String),
}

impl State {
    /// The state of an image with this result.
    pub(in crate::app) fn of(result: &Segmented) -> Self {
        let classes = (0..).zip(&*result.counts).filter(|(_, count)| **count > 0);
        Self::Done(Arc::new(Found {
            classes: classes.map(|(id, _)| id).collect(),
            confidence: result.mean_confidence,
        }))
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
            Self::Done(_) => format!("Done, {}", self.text()),
            _ => self.text(),
        }
    }

    /// The text that the list shows.
    pub(in crate::app) fn text(&self) -> String {
        match self {
            Self::NotSegmented => "Not segmented".into(),
            Self::Waiting => "Waiting".into(),
            Self::Running => "Segmenting".into(),
            Self::Done(found) => match found.classes.len() {
                1 => "1 class".into(),
                classes => format!("{classes} classes"),
            },
            Self::Failed(_) => "Failed".into(),
            Self::Unreadable(_) => "Cannot be read".into(),
        }
    }

    /// The place of the state among all, for sorting.
    pub(super) fn rank(&self) -> usize {
        match self {
            Self::Done(_) => 0,
            Self::Running => 1,
            Self::Waiting => 2,
            Self::NotSegmented => 3,
            Self::Failed(_) | Self::Unreadable(_) => 4,
        }
    }
}

/// One open image.
#[derive(Clone)]
pub(in crate::app) struct Image {
    pub(in crate::app) source: ImageSource,
    pub(in crate::app) name: String,
    pub(in crate::app) state: State,
    /// Mean IoU with its ground truth, if it was scored.
    pub(in crate::app) score: Option<f64>,
    /// How far its annotation is, if its project is open.
    pub(in crate::app) annotated: Option<ImageState>,
}

/// A list of images and the chosen one of them, to which the user can go back.
pub(in crate::app) struct ImageListState {
    entries: Vec<Image>,
    wanted: Option<ImageSource>,
}

/// The list of open images.
#[derive(Default)]
pub(in crate::app) struct Images {
    entries: Vec<Image>,
    places: HashMap<ImageSource, usize>,
    /// Index of the image chosen for the canvas.
    current: usize,
    pub(in crate::app) arrangement: Arrangement,
    /// The indices of the listed images, in their order, and what they were found from.
    listed: Vec<usize>,
    listed_for: Option<(Arrangement, Option<u16>, u64)>,
    /// Counts changes of the list, of states and of scores.
    version: u64,
    /// The list before the last change of it.
    before: Option<ImageListState>,
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
                score: None,
                annotated: None,
            }));
        }
        self.arrangement = Arrangement {
            sort: self.arrangement.sort,
            ..Arrangement::default()
        };
        self.current = 0;
        self.moves += 1;
        self.changes += 1;
        self.version += 1;
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

    /// The indices of the listed images, in their order.
    pub(in crate::app) fn listed(&self) -> &[usize] {
        &self.listed
    }

    /// Finds the listed images again if something has changed. `class` is the id of the class that the arrangement names.
    pub(super) fn update_listed(&mut self, class: Option<u16>) {
        let wanted = (self.arrangement.clone(), class, self.version);
        if self.listed_for.as_ref() != Some(&wanted) {
            self.listed = self.arrangement.of(&self.entries, class);
            self.listed_for = Some(wanted);
        }
    }

    /// Index of the next listed image in a direction, 1 or -1.
    pub(in crate::app) fn neighbour(&self, direction: isize) -> Option<usize> {
        match self.listed.iter().position(|i| *i == self.current) {
            Some(place) => self.listed.get(place.checked_add_signed(direction)?).copied(),
            // The shown image is not listed.
            None => self.listed.first().copied(),
        }
    }

    /// Notes the list, so that its next change can be undone.
    pub(super) fn note_list(&mut self) {
        self.before = Some(ImageListState {
            entries: self.entries.clone(),
            wanted: self.wanted().cloned(),
        });
    }

    /// Whether a change of the list can be undone.
    pub(in crate::app) fn can_restore(&self) -> bool {
        self.before.is_some()
    }

    /// Restores the list from before its last change, which can be undone in turn. Returns whether there was one.
    pub(super) fn restore_list(&mut self) -> bool {
        let Some(before) = self.before.take() else {
            return false;
        };
        self.note_list();
        let now: HashMap<ImageSource, Image> = self.entries.drain(..).map(|e| (e.source.clone(), e)).collect();
        // What was removed comes back with what was known of it; a run that it waited for may be over.
        self.entries = before.entries;
        for entry in &mut self.entries {
            match now.get(&entry.source) {
                Some(now) => *entry = now.clone(),
                None if matches!(entry.state, State::Waiting | State::Running) => entry.state = State::NotSegmented,
                None => {}
            }
        }
        self.set(self.entries.iter().map(|entry| entry.source.clone()).collect());
        if let Some(place) = before.wanted.and_then(|wanted| self.place(&wanted)) {
            self.go_to(place);
        }
        true
    }

    /// Whether it is known of any image how far its annotation is.
    pub(in crate::app) fn has_annotated(&self) -> bool {
        self.entries.iter().any(|entry| entry.annotated.is_some())
    }

    /// Notes how far the annotation of an image is.
    pub(in crate::app) fn set_annotated(&mut self, source: &ImageSource, state: Option<ImageState>) {
        let Some(entry) = self.place(source).and_then(|place| self.entries.get_mut(place)) else {
            return;
        };
        if entry.annotated != state {
            entry.annotated = state;
            self.version += 1;
        }
    }

    /// Notes the score of an image.
    pub(in crate::app) fn set_score(&mut self, source: &ImageSource, score: Option<f64>) {
        if let Some(entry) = self.place(source).and_then(|at| self.entries.get_mut(at)) {
            entry.score = score;
            self.version += 1;
        }
    }

    /// Forgets all scores.
    pub(in crate::app) fn forget_scores(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.score = None);
        self.version += 1;
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
            self.version += 1;
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

    /// The image at an index.
    pub(in crate::app) fn get(&self, index: usize) -> Option<&Image> {
        self.entries.get(index)
    }
}
