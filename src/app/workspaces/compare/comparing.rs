//! Comparisons between panes.

use std::sync::Arc;

use super::Compare;
use super::pane::Pane;
use crate::app::action::Request;
use crate::app::gpu::{GpuLabels, Upload};
use crate::app::workspaces::Ctx;
use crate::engine::{Asked, Comparison, ComparisonJob, Job, Ticket};
use crate::labels::{ClassSet, Regions};

/// The key of a comparison: the upload tickets of the compared labels and of those that they are compared with.
///
/// Each ticket belongs to one upload only.
type Pair = (Ticket, Ticket);

/// Finished comparisons, and the one that has been requested.
#[derive(Default)]
pub(super) struct Comparisons {
    known: Vec<Compared>,
    waiting: Option<(Asked, Pair)>,
}

struct Compared {
    pair: Pair,
    /// `None` when the maps differ in size.
    comparison: Option<Arc<Comparison>>,
    /// The upload of the differing labels, once it has been requested.
    upload: Option<Asked>,
    /// The texture of the differing labels, once it is on the GPU.
    texture: Option<Arc<GpuLabels>>,
}

impl Comparisons {
    fn get(&self, pair: &Pair) -> Option<&Compared> {
        self.known.iter().find(|compared| compared.pair == *pair)
    }

    /// Forgets all comparisons but these, because a map of differing labels is as large as the image.
    fn keep(&mut self, needed: &[Pair]) {
        self.known.retain(|known| needed.contains(&known.pair));
    }

    /// Stores a texture of differing labels in the comparison that it belongs to, if any.
    fn set_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        let is_one = |known: &Compared| known.upload.as_ref().is_some_and(|upload| upload.is(ticket));
        if let Some(compared) = self.known.iter_mut().find(|known| is_one(known)) {
            compared.texture = Some(texture.clone());
        }
    }

    /// Whether a comparison has been requested and is not finished.
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
        self.comparisons.get(&pair_of(pane, with)?)?.comparison.as_ref()
    }

    /// The texture and the regions of where a pane differs from the reference, once they are on the GPU.
    pub(super) fn differing(&self, pane: &Pane) -> Option<(&Arc<GpuLabels>, &Arc<Regions>)> {
        let compared = self.comparisons.get(&pair_of(pane, self.panes.get(self.reference)?)?)?;
        Some((
            compared.texture.as_ref()?,
            &compared.comparison.as_ref()?.differing.regions,
        ))
    }

    /// The pairs of panes to compare; the second is what the first is compared with.
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

    /// The first comparison that is needed and not finished.
    fn missing_comparison(&self) -> Option<(Pair, ComparisonJob)> {
        self.needed_pairs().into_iter().find_map(|(pane, with)| {
            let pair = pair_of(pane, with)?;
            if self.comparisons.get(&pair).is_some() {
                return None;
            }
            let job = ComparisonJob {
                labels: pane.labelled.as_ref()?.labels.clone(),
                reference: with.labelled.as_ref()?.labels.clone(),
                classes: common_classes(pane, with)?.len(),
            };
            Some((pair, job))
        })
    }

    pub(super) fn set_differing_texture(&mut self, ticket: &Ticket, texture: &Arc<GpuLabels>) {
        self.comparisons.set_texture(ticket, texture);
    }

    /// Frees the labels and comparisons, which can be made again.
    pub(super) fn free(&mut self) {
        for pane in &mut self.panes {
            pane.labelled = None;
        }
        self.comparisons.keep(&[]);
        // Its answer would be about labels that are gone.
        self.comparisons.waiting = None;
        self.reading = None;
    }

    /// Requests the next missing comparison, and uploads the differences if they are shown.
    pub(super) fn update_comparisons(&mut self, ctx: &Ctx) {
        let needed: Vec<Pair> = self
            .needed_pairs()
            .into_iter()
            .filter_map(|(pane, with)| pair_of(pane, with))
            .collect();
        self.comparisons.keep(&needed);
        let missing = match self.comparisons.waiting {
            None => self.missing_comparison(),
            Some(_) => None,
        };
        if let Some((pair, job)) = missing {
            let asked = Asked::new();
            ctx.actions().job(Job::Compare {
                ticket: asked.ticket(),
                job,
            });
            self.comparisons.waiting = Some((asked, pair));
        }
        if self.differences {
            self.upload_differences(ctx);
        }
    }

    fn upload_differences(&mut self, ctx: &Ctx) {
        let Some(photo) = ctx.document().map(|document| document.photo.id) else {
            return;
        };
        let reference = self.panes.get(self.reference);
        let Some(reference) = reference.and_then(|pane| pane.labelled.as_ref()) else {
            return;
        };
        let known = self.comparisons.known.iter_mut();
        let to_reference = known.filter(|known| reference.upload.is(&known.pair.1));
        for compared in to_reference.filter(|known| known.upload.is_none()) {
            if let Some(comparison) = &compared.comparison {
                let asked = Asked::new();
                ctx.request(Request::Upload(Upload::Labels {
                    id: photo,
                    ticket: asked.ticket(),
                    labels: comparison.differing.clone(),
                }));
                compared.upload = Some(asked);
            }
        }
    }

    /// Stores a finished comparison; `None` if the labels differ in size.
    pub(super) fn take_comparison(&mut self, ticket: &Ticket, comparison: Option<Arc<Comparison>>) {
        let waiting = &mut self.comparisons.waiting;
        if let Some((_, pair)) = waiting.take_if(|(asked, _)| asked.is(ticket)) {
            self.comparisons.known.push(Compared {
                pair,
                comparison,
                upload: None,
                texture: None,
            });
        }
    }
}

/// The key of the comparison of two panes.
fn pair_of(pane: &Pane, with: &Pane) -> Option<Pair> {
    let ticket = |pane: &Pane| pane.labelled.as_ref().map(|labelled| labelled.upload.ticket());
    Some((ticket(pane)?, ticket(with)?))
}

/// The classes of two panes if they are the same, because ids of another class set mean something else.
pub(super) fn common_classes<'a>(pane: &'a Pane, with: &'a Pane) -> Option<&'a ClassSet> {
    let classes = pane.classes()?;
    with.classes()?.has_names_of(classes).then_some(classes)
}
