//! Checks of the ground truth before a run, and of the scores for signs that ids were read by the wrong rules.

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::source::Source;
use crate::cli::printing::err;
use crate::cli::stopping;
use crate::datasets::{self, Pair, Survey, TruthReader};
use crate::evaluate::Evaluated;
use crate::labels::ClassSet;

/// Reads all label maps before the run, which may take hours, and prints what they hold.
pub(super) fn check_truths(pairs: &[Pair], classes: &ClassSet, reader: &TruthReader) -> Result<()> {
    let left = pairs.par_iter().filter(|_| !stopping::is_asked());
    let (survey, wrong) = Survey::of(left.map(|pair| reader.read(&pair.truth, None)));
    stopping::check()?;
    ensure!(
        wrong.is_empty(),
        "{} of {} label maps cannot be used:\n  {}",
        wrong.len(),
        pairs.len(),
        wrong.join("\n  ")
    );
    survey.check(reader.ignored()).map_err(anyhow::Error::msg)?;
    for finding in survey.findings(classes, reader.ignored()) {
        err!("{finding}");
    }
    Ok(())
}

/// Share of pixels above which a shifted numbering is reported.
const SUSPICIOUS: f64 = 0.3;

/// Signs in the scores that ids were read by the wrong rules, each a sentence.
pub(super) fn doubts(source: &Source, evaluated: &Evaluated) -> Vec<String> {
    let confusion = &evaluated.scores.confusion;
    let accuracy = confusion.pixel_accuracy().unwrap_or(0.0);
    let is_suspicious = |share: f64| share > SUSPICIOUS && share > 2.0 * accuracy;
    let fits = |offset: isize| confusion.shifted_accuracy(offset).filter(|share| is_suspicious(*share));
    let mut doubts = Vec::new();
    doubts.extend(evaluated.beyond.finding(source.classes()));
    let printing = |share: f64, whose: &str, flag: &str| {
        format!(
            "{:.1} % of the pixels would be right if the ids of the {whose} were one more than their class; if they are, \
             add {flag}",
            share * 100.0
        )
    };
    if let Some(share) = fits(-1) {
        doubts.push(printing(share, "ground truth", "--zero-is-ignored"));
    }
    let label_ids = datasets::find(&source.classes().name).and_then(|set| set.label_ids);
    let under = label_ids.and_then(|ids| confusion.accuracy_under(ids));
    if let Some(share) = under.filter(|share| is_suspicious(*share)) {
        doubts.push(format!(
            "{:.1} % of the pixels would be right if the ground truth held label ids; if it does, add --label-ids",
            share * 100.0
        ));
    }
    if let (Some(share), Source::Files { .. }) = (fits(1), source) {
        doubts.push(printing(share, "predictions", "--predictions-zero-is-ignored"));
    }
    doubts
}
