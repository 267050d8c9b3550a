//! Which panes are compared, and what came out.

use std::sync::Arc;

use super::Compare;
use super::pane::{Labelled, Pane};
use crate::app::App;
use crate::app::gpu::GpuLabels;
use crate::engine::{Comparison, ComparisonJob, Job};
use crate::labels::ClassSet;

/// Versions of the labels that are compared, and of those that they are compared with.
type Pair = (u64, u64);

/// Comparisons that are known, and the one that is on its way.
#[derive(Default)]
pub(super) struct Comparisons {
    known: Vec<Compared>,
    waiting: Option<(u64, Pair)>,
    /// Counts requests.
    requests: u64,
}

struct Compared {
    pair: Pair,
    /// `None` when the maps differ in size.
    comparison: Option<Arc<Comparison>>,
    /// Version of the differing labels, once they have been handed to the GPU.
    version: Option<u64>,
    /// Where the labels differ, once that is on the GPU.
    texture: Option<Arc<GpuLabels>>,
}

impl Comparisons {
    fn get(&self, pair: Pair) -> Option<&Compared> {
        self.known.iter().find(|compared| compared.pair == pair)
    }

    /// Forgets what is about labels that are gone.
    fn keep(&mut self, is_alive: impl Fn(u64) -> bool) {
        self.known
            .retain(|known| is_alive(known.pair.0) && is_alive(known.pair.1));
    }

    /// Gives the texture of differing labels to its comparison; false when it is none's.
    fn set_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) -> bool {
        let compared = self.known.iter_mut().find(|known| known.version == Some(version));
        compared.is_some_and(|compared| {
            compared.texture = Some(texture.clone());
            true
        })
    }
}

impl Compare {
    /// The comparison of a pane with the reference.
    pub(super) fn with_reference(&self, pane: &Pane) -> Option<&Arc<Comparison>> {
        self.comparison(pane, self.panes.get(self.reference)?)
    }

    /// The comparison of a pane with the ground truth.
    pub(super) fn with_truth(&self, pane: &Pane) -> Option<&Arc<Comparison>> {
        self.comparison(pane, self.panes.iter().find(|pane| pane.is_truth())?)
    }

    fn comparison(&self, pane: &Pane, with: &Pane) -> Option<&Arc<Comparison>> {
        let pair = (pane.labelled.as_ref()?.version, with.labelled.as_ref()?.version);
        self.comparisons.get(pair)?.comparison.as_ref()
    }

    /// Where a pane differs from the reference, once that is on the GPU.
    pub(super) fn differing(&self, pane: &Pane) -> Option<&Arc<GpuLabels>> {
        let reference = self.panes.get(self.reference)?.labelled.as_ref()?;
        let pair = (pane.labelled.as_ref()?.version, reference.version);
        self.comparisons.get(pair)?.texture.as_ref()
    }

    /// Pairs that the workspace needs.
    fn needed_pairs(&self) -> Vec<(&Labelled, &Labelled)> {
        let reference = self.panes.get(self.reference);
        let truth = self.panes.iter().find(|pane| pane.is_truth());
        let mut pairs = Vec::new();
        for with in [reference, truth].into_iter().flatten() {
            let Some(with) = &with.labelled else { continue };
            let labelled = self.panes.iter().filter_map(|pane| pane.labelled.as_ref());
            pairs.extend(labelled.filter(|l| l.version != with.version).map(|l| (l, with)));
        }
        pairs
    }

    pub(super) fn set_differing_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) -> bool {
        self.comparisons.set_texture(version, texture)
    }

    /// Gives back what takes memory and can be made again.
    pub(super) fn free(&mut self) {
        for pane in &mut self.panes {
            pane.labelled = None;
        }
        self.comparisons.keep(|_| false);
    }
}

impl App {
    /// The classes of two label maps, if they are the same; a file has those of the model beside it.
    pub(super) fn common_classes<'a>(&'a self, a: &'a Labelled, b: &'a Labelled) -> Option<&'a ClassSet> {
        match (a.model(), b.model()) {
            (Some(a), Some(b)) => {
                let names = |set: &ClassSet| set.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>();
                (names(&a.classes) == names(&b.classes)).then_some(&a.classes)
            }
            (Some(model), None) | (None, Some(model)) => Some(&model.classes),
            (None, None) => self.model.as_ref().map(|model| &model.classes),
        }
    }

    /// Asks for the next comparison that is missing, and hands differences that are wanted to the GPU.
    pub(super) fn update_comparisons(&mut self) {
        let versions: Vec<u64> = self
            .compare
            .panes
            .iter()
            .filter_map(|pane| Some(pane.labelled.as_ref()?.version))
            .collect();
        self.compare.comparisons.keep(|version| versions.contains(&version));
        if self.compare.comparisons.waiting.is_none() {
            let missing = self.compare.needed_pairs().into_iter().find_map(|(labels, reference)| {
                let pair = (labels.version, reference.version);
                let classes = self.common_classes(labels, reference)?.len();
                let known = self.compare.comparisons.get(pair).is_some();
                (!known).then(|| (pair, labels.labels.clone(), reference.labels.clone(), classes))
            });
            if let Some((pair, labels, reference, classes)) = missing {
                self.compare.comparisons.requests += 1;
                let number = self.compare.comparisons.requests;
                let job = ComparisonJob {
                    number,
                    labels,
                    reference,
                    classes,
                };
                if self.send(Job::Compare(job)) {
                    self.compare.comparisons.waiting = Some((number, pair));
                }
            }
        }
        if self.compare.differences {
            self.upload_differences();
        }
    }

    fn upload_differences(&mut self) {
        let Some(photo) = self.document.as_ref().map(|document| document.photo.id) else {
            return;
        };
        let Compare {
            panes,
            reference,
            comparisons,
            ..
        } = &mut self.compare;
        let Some(reference) = panes.get(*reference).and_then(|pane| pane.labelled.as_ref()) else {
            return;
        };
        let to_reference = comparisons
            .known
            .iter_mut()
            .filter(|known| known.pair.1 == reference.version);
        for compared in to_reference.filter(|known| known.version.is_none()) {
            if let Some(comparison) = &compared.comparison {
                self.versions += 1;
                compared.version = Some(self.versions);
                self.uploader.labels(photo, self.versions, comparison.differing.clone());
            }
        }
    }

    /// A comparison is done.
    pub(in crate::app) fn take_comparison(&mut self, number: u64, comparison: Option<Arc<Comparison>>) {
        let comparisons = &mut self.compare.comparisons;
        if let Some((_, pair)) = comparisons.waiting.take_if(|(waiting, _)| *waiting == number) {
            comparisons.known.push(Compared {
                pair,
                comparison,
                version: None,
                texture: None,
            });
        }
    }
}
