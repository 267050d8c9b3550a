//! Which of the open images are listed, and in which order.

use super::images::{Image, State};
use crate::annotate::project::ImageState;

/// Which states are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum Only {
    #[default]
    All,
    Segmented,
    NotSegmented,
    Failed,
    /// Those with work to do: neither done nor skipped.
    ToAnnotate,
    Annotated(ImageState),
}

impl Only {
    pub(in crate::app) const ALL: [Self; 9] = [
        Self::All,
        Self::Segmented,
        Self::NotSegmented,
        Self::Failed,
        Self::ToAnnotate,
        Self::Annotated(ImageState::InProgress),
        Self::Annotated(ImageState::Done),
        Self::Annotated(ImageState::Flagged),
        Self::Annotated(ImageState::Skipped),
    ];

    pub(in crate::app) fn title(self) -> &'static str {
        match self {
            Self::All => "All photos",
            Self::Segmented => "Segmented",
            Self::NotSegmented => "Not segmented",
            Self::Failed => "Failed",
            Self::ToAnnotate => "To annotate",
            Self::Annotated(state) => state.title(),
        }
    }

    /// Whether it asks how far the annotation of an image is.
    pub(in crate::app) fn is_of_annotation(self) -> bool {
        matches!(self, Self::ToAnnotate | Self::Annotated(_))
    }

    fn lists(self, image: &Image) -> bool {
        let state = &image.state;
        let is_done = matches!(state, State::Done(_));
        match self {
            Self::All => true,
            Self::Segmented => is_done,
            Self::Failed => state.failure().is_some(),
            Self::NotSegmented => !is_done && state.failure().is_none(),
            Self::ToAnnotate => !matches!(image.annotated, Some(ImageState::Done | ImageState::Skipped)),
            Self::Annotated(state) => image.annotated == Some(state),
        }
    }
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::app) enum Sort {
    /// As the images were opened.
    #[default]
    Opened,
    Name,
    State,
    /// The least confident first, because these need attention.
    Confidence,
    /// The lowest score first.
    Score,
}

impl Sort {
    pub(in crate::app) const ALL: [Self; 5] = [Self::Opened, Self::Name, Self::State, Self::Confidence, Self::Score];

    pub(in crate::app) fn title(self) -> &'static str {
        match self {
            Self::Opened => "As opened",
            Self::Name => "Name",
            Self::State => "State",
            Self::Confidence => "Least confident first",
            Self::Score => "Lowest score first",
        }
    }
}

/// The user's choices for the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Arrangement {
    /// Part of the name, as typed.
    pub(in crate::app) search: String,
    pub(in crate::app) only: Only,
    /// Only images in which this class was found.
    pub(in crate::app) class: Option<String>,
    pub(in crate::app) sort: Sort,
}

impl Arrangement {
    /// Whether every image is listed.
    pub(in crate::app) fn lists_all(&self) -> bool {
        self.search.trim().is_empty() && self.only == Only::All && self.class.is_none()
    }

    /// The indices of the listed images, in their order. `class` is the id of the class that is asked for in the model in
    /// use; no image has a class that the model lacks.
    pub(super) fn of(&self, images: &[Image], class: Option<u16>) -> Vec<usize> {
        let needle = self.search.trim().to_lowercase();
        let is_listed = |image: &Image| {
            let has_class = match (&self.class, class, &image.state) {
                (None, ..) => true,
                (Some(_), Some(class), State::Done(found)) => found.classes.contains(&class),
                (Some(_), ..) => false,
            };
            has_class && self.only.lists(image) && (needle.is_empty() || image.name.to_lowercase().contains(&needle))
        };
        let mut listed: Vec<usize> = (0..images.len()).filter(|i| is_listed(&images[*i])).collect();
        match self.sort {
            Sort::Opened => {}
            Sort::Name => listed.sort_by(|a, b| natord::compare_ignore_case(&images[*a].name, &images[*b].name)),
            Sort::State => listed.sort_by_key(|i| images[*i].state.rank()),
            Sort::Confidence => {
                let confidence = |i: &usize| match &images[*i].state {
                    State::Done(found) => found.confidence,
                    _ => f32::INFINITY,
                };
                listed.sort_by(|a, b| confidence(a).total_cmp(&confidence(b)));
            }
            Sort::Score => {
                let score = |i: &usize| images[*i].score.unwrap_or(f64::INFINITY);
                listed.sort_by(|a, b| score(a).total_cmp(&score(b)));
            }
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::state::images::Found;
    use crate::engine::ImageSource;

    fn image(name: &str, state: State, score: Option<f64>) -> Image {
        Image {
            source: ImageSource::Path(name.into()),
            name: name.into(),
            state,
            score,
            annotated: None,
        }
    }

    fn done(classes: &[u16], confidence: f32) -> State {
        State::Done(Arc::new(Found {
            classes: classes.into(),
            confidence,
        }))
    }

    fn images() -> Vec<Image> {
        vec![
            image("b10.jpg", done(&[0, 3], 0.9), Some(0.7)),
            image("b9.jpg", State::NotSegmented, None),
            image("A1.jpg", done(&[1], 0.6), Some(0.8)),
            image("c.jpg", State::Failed("damaged".into()), None),
        ]
    }

    #[test]
    fn images_are_listed_by_name_state_and_class() {
        let listed = |arrangement: Arrangement, class| arrangement.of(&images(), class);
        let only = |only| Arrangement {
            only,
            ..Arrangement::default()
        };
        assert_eq!(listed(only(Only::All), None), [0, 1, 2, 3]);
        assert_eq!(listed(only(Only::Segmented), None), [0, 2]);
        assert_eq!(listed(only(Only::NotSegmented), None), [1]);
        assert_eq!(listed(only(Only::Failed), None), [3]);
        let search = Arrangement {
            search: " B".into(),
            ..Arrangement::default()
        };
        assert_eq!(listed(search, None), [0, 1]);
        let class = Arrangement {
            class: Some("road".into()),
            ..Arrangement::default()
        };
        assert_eq!(listed(class.clone(), Some(3)), [0]);
        // The model in use has no such class.
        assert_eq!(listed(class, None), [0; 0]);
    }

    #[test]
    fn images_are_sorted_and_those_without_a_value_come_last() {
        let sorted = |sort| {
            let arrangement = Arrangement {
                sort,
                ..Arrangement::default()
            };
            arrangement.of(&images(), None)
        };
        assert_eq!(sorted(Sort::Opened), [0, 1, 2, 3]);
        assert_eq!(sorted(Sort::Name), [2, 1, 0, 3]);
        assert_eq!(sorted(Sort::State), [0, 2, 1, 3]);
        assert_eq!(sorted(Sort::Confidence), [2, 0, 1, 3]);
        assert_eq!(sorted(Sort::Score), [0, 2, 1, 3]);
    }
}
