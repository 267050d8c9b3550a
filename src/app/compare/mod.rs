//! The compare workspace: one picture as several models, decoders, patch sizes and label maps see it.

mod comparing;
mod exporting;
mod filling;
mod grid;
mod pane;
mod pane_text;
mod panel;
mod scores;
mod table;
mod view;
mod wipe;

use std::path::PathBuf;

use super::App;
use super::workspace::Workspace;
use crate::datasets::{TruthChoices, TruthReader};
use crate::engine::{ModelInfo, ModelSource, Output};
use crate::labels::ClassSet;
use comparing::Comparisons;
pub(super) use pane::{Content, LabelFile};
use pane::{Of, Pane};

/// Panes at most: more would be too small to see anything in.
const MOST_PANES: usize = 9;

/// How the panes are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Arrangement {
    #[default]
    SideBySide,
    /// Two of them in one place, on both sides of a line.
    Wipe,
}

/// What the workspace shows.
pub(super) struct Compare {
    panes: Vec<Pane>,
    /// Counts panes.
    last_id: u64,
    /// Place of the pane that the others are compared with.
    reference: usize,
    /// Place of the pane that is right of the wipe's line.
    other: usize,
    arrangement: Arrangement,
    /// Where the wipe's line is, as a fraction of the canvas's width.
    line: f32,
    /// Panes show their masks only where they differ from the reference.
    differences: bool,
    table: bool,
    /// A person has stopped the runs.
    paused: bool,
    /// Place of the pane that the cursor is on.
    hovered: Option<usize>,
    comparisons: Comparisons,
    /// The label map that is being read: number of the request, of the pane, and what it is.
    reading: Option<(u64, u64, Of)>,
    /// Counts requests of label maps.
    requests: u64,
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
            requests: 0,
        }
    }
}

impl Compare {
    /// Adds a pane, unless there is one with this content already; whether it is there now.
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

    /// The place of the pane whose classes are listed: the reference, or the first one that has labels.
    fn told_place(&self) -> usize {
        let has_labels = |pane: &Pane| pane.labelled.is_some();
        match self.panes.get(self.reference) {
            Some(pane) if has_labels(pane) => self.reference,
            _ => self.panes.iter().position(has_labels).unwrap_or(0),
        }
    }

    /// The classes that are listed.
    pub(super) fn classes(&self) -> Option<&ClassSet> {
        self.panes.get(self.told_place())?.classes()
    }

    /// Whether each of the listed classes is in the picture.
    pub(super) fn present(&self) -> Vec<bool> {
        let labelled = self
            .panes
            .get(self.told_place())
            .and_then(|pane| pane.labelled.as_ref());
        labelled.map_or_else(Vec::new, |labelled| {
            labelled.labels.counts.iter().map(|count| *count > 0).collect()
        })
    }

    /// The name of the class at a pixel of the pane under the cursor.
    pub(super) fn class_at(&self, [x, y]: [usize; 2]) -> Option<String> {
        let pane = self.panes.get(self.hovered?)?;
        let id = pane.labelled.as_ref()?.labels.map().get(x, y)?;
        let class = pane.classes()?.classes.get(usize::from(id))?;
        Some(class.name.clone())
    }

    /// Reads ground truth again, by other rules: `reader_of` has those for classes.
    pub(super) fn read_truth_again(&mut self, reader_of: impl Fn(&ClassSet) -> TruthReader) {
        // What is under way was asked for with the rules before.
        self.reading = None;
        let truths = self.panes.iter_mut().filter(|pane| pane.is_truth());
        for pane in truths {
            if let Content::Labels(file) = &mut pane.content {
                file.truth = Some(reader_of(&file.classes));
                (pane.labelled, pane.failed) = (None, None);
            }
        }
    }

    /// Never the bare photo where there is something else.
    fn refer_to_labels(&mut self) {
        let is_photo = |pane: &Pane| pane.content == Content::Photo;
        if self.panes.get(self.reference).is_none_or(is_photo)
            && let Some(place) = self.panes.iter().position(|pane| !is_photo(pane))
        {
            self.refer_to(place);
        }
    }

    /// Removes the pane at a place; the reference stays the same pane where it can.
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

    /// Makes a pane the one that the others are compared with.
    fn refer_to(&mut self, place: usize) {
        if place == self.other {
            self.other = self.reference;
        }
        self.reference = place;
        self.keep_two_apart();
    }

    /// Puts another pane right of the line.
    fn wipe_with(&mut self, place: usize) {
        if place == self.reference {
            self.reference = self.other;
        }
        self.other = place;
    }

    /// The wipe has two different panes where there are two.
    fn keep_two_apart(&mut self) {
        if self.reference == self.other {
            let next = (0..self.panes.len()).find(|place| *place != self.reference);
            self.other = next.unwrap_or(self.reference);
        }
    }

    /// Whether there is room for another pane.
    fn has_room(&self) -> bool {
        self.panes.len() < MOST_PANES
    }

    /// Whether masks are shown only where they differ.
    pub(super) fn shows_differences(&self) -> bool {
        self.differences
    }

    pub(super) fn toggle_differences(&mut self) {
        self.differences = !self.differences;
    }

    /// Whether two panes share a place.
    pub(super) fn is_wipe(&self) -> bool {
        self.arrangement == Arrangement::Wipe
    }

    pub(super) fn toggle_wipe(&mut self) {
        self.arrangement = match self.arrangement {
            Arrangement::SideBySide => Arrangement::Wipe,
            Arrangement::Wipe => Arrangement::SideBySide,
        };
    }

    /// Whether the table is shown.
    pub(super) fn shows_table(&self) -> bool {
        self.table
    }

    pub(super) fn toggle_table(&mut self) {
        self.table = !self.table;
    }

    /// Whether there is something to lay beside each other.
    pub(super) fn has_two(&self) -> bool {
        self.panes.len() > 1
    }

    /// No more runs until a person wants them.
    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Tries everything that is missing again.
    pub(super) fn go_on(&mut self) {
        self.paused = false;
        for pane in &mut self.panes {
            pane.failed = None;
            if matches!(pane.content, Content::Labels(_)) {
                // Its file may be another one by now.
                pane.labelled = None;
            }
        }
    }
}

impl App {
    /// Opens the workspace; at first with what is open.
    pub(super) fn enter_compare(&mut self) {
        self.cancel();
        self.compare.paused = false;
        if self.compare.panes.is_empty() {
            let outputs = self
                .main_outputs()
                .map(|(model, output)| output_of(model, output, false));
            let outputs: Vec<Content> = outputs.collect();
            if outputs.len() < 2 {
                self.compare.add(Content::Photo);
            }
            for content in outputs {
                self.compare.add(content);
            }
            (self.compare.reference, self.compare.other) = (0, 1);
            self.compare.refer_to_labels();
        }
        self.compare.keep_two_apart();
    }

    /// Goes back to the output in use.
    pub(super) fn leave_compare(&mut self) {
        self.forget_next_models();
        self.cancel();
        self.compare.hovered = None;
        self.compare.free();
        self.resume();
    }

    /// Adds the embedded models for all patch sizes, the cheapest first, as far as they have no pane yet. Where there is
    /// no pane at all, they alone are compared.
    pub(super) fn compare_patch_sizes(&mut self) {
        let alone = self.compare.panes.is_empty();
        let mut fit = true;
        for source in ModelSource::PATCH_SIZES {
            fit &= self.compare.add(Content::Model {
                source,
                decoder: 0,
                multi_scale: false,
            });
        }
        if alone {
            (self.compare.reference, self.compare.other) = (0, 2);
        }
        if !fit {
            let text = format!("There is room for {MOST_PANES} panes; remove some to add the other patch sizes");
            self.toasts.info(text);
        }
        self.open_workspace(Workspace::Compare);
        self.compare.refer_to_labels();
        let mut sources = ModelSource::PATCH_SIZES.to_vec();
        sources.retain(|source| self.compare.panes.iter().any(|pane| pane.is_of(source)));
        self.open_models_in_turn(sources);
    }

    /// Adds a pane, or says why not.
    pub(super) fn add_pane(&mut self, content: Content) -> bool {
        let added = self.compare.add(content);
        if !added {
            let text = format!("There are {MOST_PANES} panes already; remove one first");
            self.toasts.info(text);
        }
        added
    }

    /// Adds a label map of the picture that is shown; the truth takes the place of another truth.
    pub(super) fn add_labels(&mut self, path: PathBuf, truth: bool) {
        let Some(photo) = self.newest().map(|document| document.photo.source.clone()) else {
            return;
        };
        self.open_workspace(Workspace::Compare);
        let of_model = self.model.as_ref().map(|model| &model.classes);
        let Some(classes) = self.compare.classes().or(of_model).cloned() else {
            self.toasts
                .info("Open a model first: its classes say what the ids of a label map mean");
            return;
        };
        if truth && let Some(place) = self.compare.panes.iter().position(Pane::is_truth) {
            self.compare.remove(place);
        }
        let reader = truth_reader(self.model.as_deref(), &classes, &self.evaluate.choices);
        let file = LabelFile {
            path,
            photo,
            truth: truth.then_some(reader),
            classes,
        };
        if self.add_pane(Content::Labels(file)) && truth {
            // With the truth at hand, everything is compared with it.
            if let Some(place) = self.compare.panes.iter().position(Pane::is_truth) {
                self.compare.refer_to(place);
            }
        }
    }

    /// Adds the outputs of a model that has just been opened, as far as there is room, unless a pane waits for it.
    pub(super) fn add_opened_model(&mut self, model: &ModelInfo) {
        // A pane that waits for the model says which of its outputs is wanted.
        let is_waited_for = self.compare.panes.iter().any(|pane| pane.is_of(&model.source));
        if self.workspace != Workspace::Compare || is_waited_for {
            return;
        }
        let mut outputs = (0..model.spec.decoders.len()).map(|decoder| output_of(model, Output::main(decoder), false));
        if !outputs.all(|content| self.compare.add(content)) {
            let text = format!("There is room for {MOST_PANES} panes; remove some to add the other decoders");
            self.toasts.info(text);
        }
        self.compare.refer_to_labels();
    }
}

fn output_of(model: &ModelInfo, output: Output, multi_scale: bool) -> Content {
    Content::Model {
        source: model.source.clone(),
        decoder: output.decoder,
        multi_scale,
    }
}

/// What reads ground truth of these classes. What the model's file says of its ground truth holds where they are its own.
pub(super) fn truth_reader(model: Option<&ModelInfo>, classes: &ClassSet, choices: &TruthChoices) -> TruthReader {
    match model.filter(|model| model.classes.has_names_of(classes)) {
        Some(model) => model.truth_reader(choices),
        None => TruthReader::with(classes, None, None, choices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn nine_panes_at_most_and_none_twice() {
        let mut compare = with_panes(12);
        assert_eq!(compare.panes.len(), MOST_PANES);
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
    fn the_two_sides_of_the_line_change_places() {
        let mut compare = with_panes(3);
        compare.refer_to(1);
        assert_eq!((compare.reference, compare.other), (1, 0));
        compare.wipe_with(1);
        assert_eq!((compare.reference, compare.other), (0, 1));
    }
}
