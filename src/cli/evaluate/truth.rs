//! What the ground truth holds, and what in the scores speaks against the way in which it was read.

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::source::Source;
use crate::cli::said::err;
use crate::cli::stopping;
use crate::datasets::{self, Pair, Survey, TruthReader};
use crate::evaluate::Evaluated;
use crate::labels::ClassSet;

/// Looks at all label maps before the first picture is run, which may take hours, and says what they hold.
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

/// Share of pixels from which on a shifted numbering is worth a word.
const SUSPICIOUS: f64 = 0.3;

/// What in the scores speaks against the rules by which ids were read.
pub(super) fn doubts(source: &Source, evaluated: &Evaluated) -> Vec<String> {
    let confusion = &evaluated.scores.confusion;
    let accuracy = confusion.pixel_accuracy().unwrap_or(0.0);
    let is_suspicious = |share: f64| share > SUSPICIOUS && share > 2.0 * accuracy;
    let fits = |offset: isize| confusion.shifted_accuracy(offset).filter(|share| is_suspicious(*share));
    let mut doubts = Vec::new();
    doubts.extend(evaluated.beyond.finding(source.classes()));
    let said = |share: f64, whose: &str, flag: &str| {
        format!(
            "{:.1} % of the pixels would be right if the ids of the {whose} were one more than their class; if they are, \
             add {flag}",
            share * 100.0
        )
    };
    if let Some(share) = fits(-1) {
        doubts.push(said(share, "ground truth", "--zero-is-ignored"));
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
        doubts.push(said(share, "predictions", "--predictions-zero-is-ignored"));
    }
    doubts
}
