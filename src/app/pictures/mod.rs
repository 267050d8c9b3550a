//! The open pictures: their order, thumbnails and states, and which one is wanted on the canvas.

mod batch;
mod panel;

use std::collections::HashMap;

use egui::{Context, TextureHandle, TextureOptions};

use crate::engine::{PhotoSource, Thumbnails};
pub(super) use batch::{BatchDialog, BatchRun};

/// What is known of a picture's result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
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
    /// Why there is no result, after a failure.
    pub(super) fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) | Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }

    fn text(&self) -> String {
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

enum Thumbnail {
    Unknown,
    Made(TextureHandle),
    /// The picture cannot be read.
    Failed,
}

struct Entry {
    source: PhotoSource,
    name: String,
    thumbnail: Thumbnail,
    state: State,
}

/// Thumbnails that are handed to the GPU in one frame: more would be felt while scrolling.
const MOST_UPLOADS: usize = 4;

/// The list of open pictures.
#[derive(Default)]
pub(super) struct Pictures {
    entries: Vec<Entry>,
    places: HashMap<PhotoSource, usize>,
    /// Which one is wanted on the canvas.
    current: usize,
    search: String,
    /// Set when the list has to show the current row.
    scroll_to_current: bool,
    /// Set when the current row has to take the keyboard's focus: it was moved by an arrow key.
    focus_current: bool,
    /// What the thumbnail thread was asked for last.
    wished: Vec<PhotoSource>,
}

impl Pictures {
    /// Shows other pictures, each once, from the first on.
    pub(super) fn set(&mut self, sources: Vec<PhotoSource>) {
        let mut kept: HashMap<PhotoSource, Entry> = self.entries.drain(..).map(|e| (e.source.clone(), e)).collect();
        self.places.clear();
        for source in sources {
            if self.places.contains_key(&source) {
                continue;
            }
            self.places.insert(source.clone(), self.entries.len());
            // Those that stay keep their thumbnail and state.
            self.entries.push(kept.remove(&source).unwrap_or_else(|| Entry {
                name: source.name(),
                source,
                thumbnail: Thumbnail::Unknown,
                state: State::Fresh,
            }));
        }
        self.search.clear();
        // What was asked for belongs to the list before.
        self.wished.clear();
        self.current = 0;
        self.scroll_to_current = true;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Index of the wanted picture.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// The wanted picture.
    pub(super) fn wanted(&self) -> Option<&PhotoSource> {
        self.source(self.current)
    }

    pub(super) fn source(&self, index: usize) -> Option<&PhotoSource> {
        self.entries.get(index).map(|e| &e.source)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &PhotoSource> {
        self.entries.iter().map(|e| &e.source)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.name.as_str())
    }

    /// What names are searched for.
    fn needle(&self) -> String {
        self.search.trim().to_lowercase()
    }

    /// Whether a search leaves a picture in sight. Without one no name is looked at: this is asked for every picture in
    /// every frame.
    fn is_listed(&self, index: usize, needle: &str) -> bool {
        let contains = |entry: &Entry| entry.name.to_lowercase().contains(needle);
        needle.is_empty() || self.entries.get(index).is_some_and(contains)
    }

    /// The next listed picture in a direction, 1 or -1.
    pub(super) fn neighbour(&self, direction: isize) -> Option<usize> {
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
    pub(super) fn place(&self, source: &PhotoSource) -> Option<usize> {
        self.places.get(source).copied()
    }

    /// Wants another picture; false when there is none of this index.
    pub(super) fn go_to(&mut self, index: usize) -> bool {
        let exists = index < self.entries.len();
        if exists {
            self.current = index;
            self.scroll_to_current = true;
        }
        exists
    }

    pub(super) fn state(&self, index: usize) -> Option<&State> {
        self.entries.get(index).map(|e| &e.state)
    }

    /// The state of a picture that is in the list.
    pub(super) fn state_of(&self, source: &PhotoSource) -> Option<&State> {
        self.state(self.place(source)?)
    }

    pub(super) fn set_state(&mut self, source: &PhotoSource, state: State) {
        if let Some(entry) = self.place(source).and_then(|at| self.entries.get_mut(at)) {
            entry.state = state;
        }
    }

    /// Makes thumbnail and state anew, as when the file has changed.
    pub(super) fn forget(&mut self, source: &PhotoSource) {
        self.wished.clear();
        if let Some(entry) = self.place(source).and_then(|at| self.entries.get_mut(at)) {
            entry.thumbnail = Thumbnail::Unknown;
            entry.state = State::Fresh;
        }
    }

    /// Takes thumbnails that are ready, a few per frame.
    pub(super) fn take_thumbnails(&mut self, thumbnails: &Thumbnails, context: &Context) {
        for _ in 0..MOST_UPLOADS {
            let Some((source, made)) = thumbnails.poll() else {
                return;
            };
            let Some(entry) = self.place(&source).and_then(|at| self.entries.get_mut(at)) else {
                continue;
            };
            entry.thumbnail = match made {
                Ok(photo) => {
                    let image = egui::ColorImage::from_rgb([photo.width, photo.height], &photo.rgb);
                    Thumbnail::Made(context.load_texture("thumbnail", image, TextureOptions::LINEAR))
                }
                Err(why) => {
                    // A run says more, and of the file as it is now.
                    if entry.state == State::Fresh {
                        entry.state = State::Unreadable(why);
                    }
                    Thumbnail::Failed
                }
            };
        }
        // There may be more.
        context.request_repaint();
    }
}
