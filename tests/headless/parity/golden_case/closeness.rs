//! Collects differences between found and expected tensors over many cases.

use std::collections::BTreeSet;

use segscope::labels::LabelMap;
use segscope::model::HostTensor;

/// The comparisons made and the failed ones; [`Findings::finish`] reports all failures at once.
#[derive(Default)]
pub struct Findings {
    wrong: Vec<String>,
    compared: BTreeSet<(String, String)>,
}

impl Findings {
    /// Compares shape and values: `|found - expected| <= tolerance` everywhere.
    pub fn close(
        &mut self,
        case: &str,
        tensor: &str,
        found: &HostTensor,
        expected: Option<&HostTensor>,
        tolerance: f32,
    ) {
        self.compared.insert((case.into(), tensor.into()));
        let Some(expected) = expected else {
            return self.wrong(case, tensor, "the golden case has no such tensor");
        };
        if found.shape != expected.shape || found.values.len() != expected.values.len() {
            return self.wrong(
                case,
                tensor,
                format!("expected shape {:?}, found {:?}", expected.shape, found.shape),
            );
        }
        let mut worst = (0.0f32, 0);
        for (i, (f, e)) in found.values.iter().zip(&expected.values).enumerate() {
            let difference = (f - e).abs();
            if difference > worst.0 || difference.is_nan() {
                worst = (difference, i);
            }
        }
        let (difference, at) = worst;
        let report = format!("worst difference {difference:.2e} (value {at}), tolerance {tolerance:.0e}");
        println!("{case}: {tensor}: {report}");
        if difference > tolerance || difference.is_nan() {
            self.wrong(case, tensor, report);
        }
    }

    /// Compares a number that may be undefined.
    pub fn close_number(&mut self, case: &str, what: &str, found: Option<f64>, expected: Option<f64>, tolerance: f64) {
        self.compared.insert((case.into(), what.into()));
        let is_close = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= tolerance,
            (found, expected) => found == expected,
        };
        if !is_close {
            self.wrong(case, what, format!("expected {expected:?}, found {found:?}"));
        }
    }

    /// Compares label maps. Only pixels that `excused` permits may differ, and at most a `share` of all pixels.
    pub fn same_labels(
        &mut self,
        case: &str,
        what: &str,
        found: &LabelMap,
        expected: &LabelMap,
        share: f64,
        excused: impl Fn(usize) -> bool,
    ) {
        self.compared.insert((case.into(), what.into()));
        let sizes = [found, expected].map(|map| [map.width, map.height]);
        if sizes[0] != sizes[1] || found.ids.len() != expected.ids.len() {
            return self.wrong(
                case,
                what,
                format!("expected size {:?}, found {:?}", sizes[1], sizes[0]),
            );
        }
        let different: Vec<usize> = (0..found.ids.len())
            .filter(|i| found.ids[*i] != expected.ids[*i])
            .collect();
        let clear = different.iter().filter(|i| !excused(**i)).count();
        let (count, all) = (different.len(), found.ids.len());
        let report =
            format!("{count} of {all} pixels differ, {clear} of them clearly; allowed {share:.2e} of all, 0 clearly");
        println!("{case}: {what}: {report}");
        if clear > 0 || count as f64 > share * all as f64 {
            self.wrong(case, what, report);
        }
    }

    /// Records a failure.
    pub fn wrong(&mut self, case: &str, what: &str, why: impl AsRef<str>) {
        self.wrong.push(format!("{case}: {what}: {}", why.as_ref()));
    }

    /// Records a failure for each of `tensors` that was not compared.
    pub fn complete<'a>(&mut self, case: &str, tensors: impl IntoIterator<Item = &'a String>) {
        for tensor in tensors {
            if !self.compared.contains(&(case.to_owned(), tensor.clone())) {
                self.wrong(case, tensor, "nothing was compared with it");
            }
        }
    }

    /// Fails if any comparison failed.
    pub fn finish(self) {
        let count = self.compared.len();
        assert!(count > 0, "nothing was compared");
        assert!(
            self.wrong.is_empty(),
            "{} of {count} comparisons failed:\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
    }
}
