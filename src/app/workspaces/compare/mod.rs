//! The compare workspace: the labels of one image from several models, decoders, patch sizes and label maps.

mod choosing;
mod comparing;
mod exporting;
mod filling;
#[cfg(test)]
mod filling_tests;
mod grid;
mod keeping;
mod pane;
mod pane_text;
mod panel;
#[cfg(test)]
mod pixel_tests;
mod scores;
mod table;
mod view;
mod wipe;
mod workspace;

use crate::app::settings::SavedPane;
use crate::datasets::{TruthChoices, TruthReader};
use crate::engine::{Asked, ModelInfo};
use crate::labels::ClassSet;
use comparing::Comparisons;
use pane::{Content, LabelsKey, Pane};

/// Maximum number of panes; more would be too small to see anything.
const MAX_PANES: usize = 9;

/// How the panes are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Arrangement {
    #[default]
    SideBySide,
    /// Two of them in one place, on either side of a line.
    Wipe,
}

/// The state of the workspace.
pub(super) struct Compare {
    panes: Vec<Pane>,
    /// Id of the last added pane.
    last_id: u64,
    /// Index of the pane that the others are compared with.
    reference: usize,
    /// Index of the pane to the right of the wipe's line.
    other: usize,
    arrangement: Arrangement,
    /// Position of the wipe's line, as a fraction of the canvas's width.
    line: f32,
    /// Whether panes show their masks only where they differ from the reference.
    differences: bool,
    table: bool,
    /// Whether the user has stopped the runs.
    paused: bool,
    /// Index of the pane under the cursor.
    hovered: Option<usize>,
    comparisons: Comparisons,
    /// The label map that is being read: the request, the id of its pane, and its key.
    reading: Option<(Asked, u64, LabelsKey)>,
    /// The choices by which ground truth was last read.
    choices: TruthChoices,
    /// Whether the panes of the last session have been restored; until then they are not overwritten.
    restored: bool,
    /// Panes of the last session whose files are missing now. They may be back at the next start.
    missing: Vec<SavedPane>,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            panes: Vec::new(),
            last_id: 0,
            reference: 0,
            other: 1,
            arrangement: Arrangement::default(),
            line: 0.5,
            differences: false,
            table: true,
            paused: false,
            hovered: None,
            comparisons: Comparisons::default(),
            reading: None,
            choices: TruthChoices::default(),
            restored: false,
            missing: Vec::new(),
        }
    }
}

impl Compare {
    /// Adds a pane, unless there is one with this content already. Returns whether it is there now.
    fn add(&mut self, content: Content) -> bool {
        if self.panes.iter().any(|pane| pane.content == content) {
            return true;
        }
        if !self.has_room() {
            return false;
        }
        self.last_id += 1;
        self.panes.push(Pane::new(self.last_id, content));
        self.paused = false;
        self.keep_two_apart();
        true
    }

    /// Index of the pane whose classes are listed: the reference, or the first one that has labels.
    fn listed_place(&self) -> usize {
        let has_labels = |pane: &Pane| pane.labelled.is_some();
        match self.panes.get(self.reference) {
            Some(pane) if has_labels(pane) => self.reference,
            _ => self.panes.iter().position(has_labels).unwrap_or(0),
        }
    }

    /// The listed classes.
    fn classes(&self) -> Option<&ClassSet> {
        self.panes.get(self.listed_place())?.classes()
    }

    /// Whether each of the listed classes occurs in the image.
    fn present(&self) -> Vec<bool> {
        let labelled = self
            .panes
            .get(self.listed_place())
            .and_then(|pane| pane.labelled.as_ref());
        labelled.map_or_else(Vec::new, |labelled| {
            labelled.labels.counts.iter().map(|count| *count > 0).collect()
        })
    }

    /// The name of the class at a pixel of the pane under the cursor.
    fn class_at(&self, [x, y]: [usize; 2]) -> Option<String> {
        let pane = self.panes.get(self.hovered?)?;
        let id = pane.labelled.as_ref()?.labels.map().get(x, y)?;
        let class = pane.classes()?.classes.get(usize::from(id))?;
        Some(class.name.clone())
    }

    /// Reads ground truth again by other rules; `reader_of` gives the reader for a class set.
    fn read_truth_again(&mut self, reader_of: impl Fn(&ClassSet) -> TruthReader) {
        // The current request was made with the previous rules.
        self.reading = None;
        let truths = self.panes.iter_mut().filter(|pane| pane.is_truth());
        for pane in truths {
            if let Content::Labels(file) = &mut pane.content {
                file.truth = Some(reader_of(&file.classes));
                (pane.labelled, pane.failed) = (None, None);
            }
        }
    }

    /// Makes sure that the reference is not the bare image if there is another pane.
    fn refer_to_labels(&mut self) {
        let is_photo = |pane: &Pane| pane.content == Content::Photo;
        if self.panes.get(self.reference).is_none_or(is_photo)
            && let Some(place) = self.panes.iter().position(|pane| !is_photo(pane))
        {
            self.refer_to(place);
        }
    }

    /// Removes the pane at an index; the reference stays the same pane if possible.
    fn remove(&mut self, place: usize) {
        if place >= self.panes.len() {
            return;
        }
        self.panes.remove(place);
        let last = self.panes.len().saturating_sub(1);
        for kept in [&mut self.reference, &mut self.other] {
            if *kept > place {
                *kept -= 1;
            }
            *kept = (*kept).min(last);
        }
        self.hovered = None;
        self.keep_two_apart();
    }

    /// Makes a pane the reference, which the others are compared with.
    fn refer_to(&mut self, place: usize) {
        if place == self.other {
            self.other = self.reference;
        }
        self.reference = place;
        self.keep_two_apart();
    }

    /// Shows a pane to the right of the line.
    fn wipe_with(&mut self, place: usize) {
        if place == self.reference {
            self.reference = self.other;
        }
        self.other = place;
    }

    /// Makes sure that the wipe shows two different panes if there are two.
    fn keep_two_apart(&mut self) {
        if self.reference == self.other {
            let next = (0..self.panes.len()).find(|place| *place != self.reference);
            self.other = next.unwrap_or(self.reference);
        }
    }

    /// Whether there is room for another pane.
    fn has_room(&self) -> bool {
        self.panes.len() < MAX_PANES
    }

    /// Whether two panes are shown as a wipe.
    fn is_wipe(&self) -> bool {
        self.arrangement == Arrangement::Wipe
    }

    fn toggle_wipe(&mut self) {
        self.arrangement = match self.arrangement {
            Arrangement::SideBySide => Arrangement::Wipe,
            Arrangement::Wipe => Arrangement::SideBySide,
        };
    }

    /// Whether there are at least two panes.
    fn has_two(&self) -> bool {
        self.panes.len() > 1
    }

    /// Starts no more runs until the user resumes.
    fn pause(&mut self) {
        self.paused = true;
    }

    /// Resumes the runs: failed ones are repeated, and label maps are read again.
    fn keep_going(&mut self) {
        self.paused = false;
        for pane in &mut self.panes {
            pane.failed = None;
            if matches!(pane.content, Content::Labels(_)) {
                // Its file may have changed.
                pane.labelled = None;
            }
        }
    }
}

/// The reader for ground truth of these classes.
///
/// If they are the model's own, it follows what the model's file says about its ground truth.
fn truth_reader(model: Option<&ModelInfo>, classes: &ClassSet, choices: &TruthChoices) -> TruthReader {
    match model.filter(|model| model.classes.has_names_of(classes)) {
        Some(model) => model.truth_reader(choices),
        None => TruthReader::with(classes, None, None, choices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ModelSource;

    fn with_panes(count: usize) -> Compare {
        let mut compare = Compare::default();
        for decoder in 0..count {
            compare.add(Content::Model {
                source: ModelSource::Embedded,
                decoder,
                multi_scale: false,
            });
        }
        compare
    }

    #[test]
    fn at_most_nine_panes_and_none_twice() {
        let mut compare = with_panes(12);
        assert_eq!(compare.panes.len(), MAX_PANES);
        compare.remove(8);
        compare.add(compare.panes[0].content.clone());
        assert_eq!(compare.panes.len(), 8);
    }

    #[test]
    fn removing_keeps_the_reference() {
        let mut compare = with_panes(4);
        compare.refer_to(2);
        let id = compare.panes[2].id;
        compare.remove(0);
        assert_eq!(compare.panes[compare.reference].id, id);
        compare.remove(compare.reference);
        assert!(compare.reference < 2 && compare.reference != compare.other);
        compare.remove(0);
        compare.remove(0);
        assert_eq!((compare.panes.len(), compare.reference, compare.other), (0, 0, 0));
    }

    #[test]
    fn the_two_sides_of_the_line_are_swapped() {
        let mut compare = with_panes(3);
        compare.refer_to(1);
        assert_eq!((compare.reference, compare.other), (1, 0));
        compare.wipe_with(1);
        assert_eq!((compare.reference, compare.other), (0, 1));
    }
}
