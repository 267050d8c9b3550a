//! Which panes are compared, and what came out.

use std::sync::Arc;

use super::Compare;
use super::pane::Pane;
use crate::app::App;
use crate::app::gpu::GpuLabels;
use crate::app::workspace::Workspace;
use crate::engine::{Comparison, ComparisonJob, Job};
use crate::labels::{ClassSet, Regions};

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

    /// Forgets all but these: a map of differing labels is as large as the picture.
    fn keep(&mut self, needed: &[Pair]) {
        self.known.retain(|known| needed.contains(&known.pair));
    }

    /// Gives the texture of differing labels to its comparison, if it is one's.
    fn set_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) {
        if let Some(compared) = self.known.iter_mut().find(|known| known.version == Some(version)) {
            compared.texture = Some(texture.clone());
        }
    }

    /// Whether one has been asked for and has not come yet.
    pub(super) fn are_waiting(&self) -> bool {
        self.waiting.is_some()
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
        self.comparisons.get(pair_of(pane, with)?)?.comparison.as_ref()
    }

    /// Where a pane differs from the reference, once that is on the GPU, with the regions of it.
    pub(super) fn differing(&self, pane: &Pane) -> Option<(&Arc<GpuLabels>, &Arc<Regions>)> {
        let compared = self.comparisons.get(pair_of(pane, self.panes.get(self.reference)?)?)?;
        Some((
            compared.texture.as_ref()?,
            &compared.comparison.as_ref()?.differing.regions,
        ))
    }

    /// Pairs of panes that the workspace needs, the second being what the first is compared with.
    fn needed_pairs(&self) -> Vec<(&Pane, &Pane)> {
        let reference = self.panes.get(self.reference);
        let truth = self.panes.iter().find(|pane| pane.is_truth());
        let mut pairs = Vec::new();
        for with in [reference, truth]
            .into_iter()
            .flatten()
            .filter(|pane| pane.labelled.is_some())
        {
            let others = self
                .panes
                .iter()
                .filter(|pane| pane.labelled.is_some() && pane.id != with.id);
            pairs.extend(others.map(|pane| (pane, with)));
        }
        pairs
    }

    /// The first pair that is needed and not known.
    fn missing_comparison(&self) -> Option<(Pair, ComparisonJob)> {
        self.needed_pairs().into_iter().find_map(|(pane, with)| {
            let pair = pair_of(pane, with)?;
            if self.comparisons.get(pair).is_some() {
                return None;
            }
            let job = ComparisonJob {
                number: self.comparisons.requests + 1,
                labels: pane.labelled.as_ref()?.labels.clone(),
                reference: with.labelled.as_ref()?.labels.clone(),
                classes: common_classes(pane, with)?.len(),
            };
            Some((pair, job))
        })
    }

    pub(super) fn set_differing_texture(&mut self, version: u64, texture: &Arc<GpuLabels>) {
        self.comparisons.set_texture(version, texture);
    }

    /// Gives back what takes memory and can be made again.
    pub(in crate::app) fn free(&mut self) {
        for pane in &mut self.panes {
            pane.labelled = None;
        }
        self.comparisons.keep(&[]);
    }
}

/// Versions of the labels of two panes.
fn pair_of(pane: &Pane, with: &Pane) -> Option<Pair> {
    Some((pane.labelled.as_ref()?.version, with.labelled.as_ref()?.version))
}

/// The classes of two panes, if they are the same: ids of another class set mean something else.
pub(super) fn common_classes<'a>(pane: &'a Pane, with: &'a Pane) -> Option<&'a ClassSet> {
    let classes = pane.classes()?;
    with.classes()?.has_names_of(classes).then_some(classes)
}

impl App {
    /// Asks for the next comparison that is missing, and hands differences that are wanted to the GPU.
    pub(super) fn update_comparisons(&mut self) {
        let compare = &mut self.compare;
        let needed: Vec<Pair> = compare
            .needed_pairs()
            .into_iter()
            .filter_map(|(pane, with)| pair_of(pane, with))
            .collect();
        compare.comparisons.keep(&needed);
        let missing = match compare.comparisons.waiting {
            None => compare.missing_comparison(),
            Some(_) => None,
        };
        if let Some((pair, job)) = missing {
            let number = job.number;
            if self.send(Job::Compare(job)) {
                self.compare.comparisons.requests = number;
                self.compare.comparisons.waiting = Some((number, pair));
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
        let is_open = self.workspace == Workspace::Compare;
        if let Some((_, pair)) = comparisons.waiting.take_if(|(waiting, _)| *waiting == number)
            && is_open
        {
            comparisons.known.push(Compared {
                pair,
                comparison,
                version: None,
                texture: None,
            });
        }
    }
}
