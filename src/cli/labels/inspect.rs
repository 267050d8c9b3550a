//! `segscope labels inspect`: what a folder or file of labels holds.

use std::collections::BTreeMap;

use anyhow::Result;

use super::source::Input;
use crate::annotate::UNLABELLED;
use crate::cli::printing::{self, out};
use crate::cli::stopping;

/// Describe labels: format, images, classes with their pixels, and what was repaired or assumed
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    input: Input,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<()> {
        stopping::listen()?;
        let mut opened = self.input.open()?;
        let mut pixels: BTreeMap<u16, (u64, usize)> = BTreeMap::new();
        let mut sizes: BTreeMap<[usize; 2], usize> = BTreeMap::new();
        let mut all = 0_u64;
        let count = opened.reader.names().len();
        for index in 0..count {
            stopping::check()?;
            let labels = opened.reader.read(index)?.labels;
            all += labels.ids.len() as u64;
            *sizes.entry([labels.width, labels.height]).or_default() += 1;
            for (id, found) in counts(&labels.ids) {
                let entry = pixels.entry(id).or_default();
                *entry = (entry.0 + found, entry.1 + 1);
            }
        }
        printing::notes(&opened.reader.remarks());
        out!("format: {} ({})", opened.format.key, opened.format.title)?;
        out!("images: {count}")?;
        for ([width, height], count) in sizes.iter().take(5) {
            out!("  {width} x {height}: {count}")?;
        }
        if sizes.len() > 5 {
            out!("  and {} other sizes", sizes.len() - 5)?;
        }
        out!("classes: {}", opened.reader.classes().len())?;
        let line = |label: String, id: u16| {
            let (found, images) = pixels.get(&id).copied().unwrap_or_default();
            let share = 100.0 * found as f64 / all.max(1) as f64;
            out!("  {label}: {found} px ({share:.2} %) in {images} images")
        };
        for class in opened.reader.classes().iter() {
            let [r, g, b] = class.color;
            line(format!("{} {} #{r:02x}{g:02x}{b:02x}", class.id, class.name), class.id)?;
        }
        line("unlabelled".into(), UNLABELLED)
    }
}

/// Number of pixels of each id.
fn counts(ids: &[u16]) -> BTreeMap<u16, u64> {
    let mut counts = vec![0_u64; usize::from(u16::MAX) + 1];
    ids.iter().for_each(|id| counts[usize::from(*id)] += 1);
    (0..=u16::MAX).zip(counts).filter(|(_, count)| *count > 0).collect()
}
