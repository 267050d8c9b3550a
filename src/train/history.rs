//! The logged losses and scores of a training, for curves that start at its first step.

use std::io;
use std::path::Path;

use super::recorder::TrainFolder;

/// Losses and scores of the completed steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainHistory {
    /// The number of each step, and the mean loss over the trained outputs.
    pub losses: Vec<(usize, f64)>,
    /// The step of each validation, and the mean IoU of each decoder, 0..=1.
    pub mean_iou: Vec<(usize, Vec<Option<f64>>)>,
}

impl TrainHistory {
    /// Reads the log and scores of a folder. The history is empty without them, and lines that cannot be read are left
    /// out.
    ///
    /// # Errors
    /// When a file exists but cannot be read.
    pub fn read(folder: &TrainFolder) -> io::Result<Self> {
        let mean = |losses: Vec<Option<f64>>| -> Option<f64> {
            let losses: Vec<f64> = losses.into_iter().collect::<Option<_>>()?;
            (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
        };
        let losses = rows(&folder.log(), "loss of ")?;
        let scores = rows(&folder.scores(), "mIoU of ")?;
        let share = |percent: Option<f64>| percent.map(|percent| percent / 100.0);
        Ok(Self {
            losses: losses
                .into_iter()
                .filter_map(|(step, losses)| Some((step, mean(losses)?)))
                .collect(),
            mean_iou: scores
                .into_iter()
                .map(|(step, scores)| (step, scores.into_iter().map(share).collect()))
                .collect(),
        })
    }
}

/// The first cell of each line of a table, and the cells below headings that start with `prefix`.
fn rows(path: &Path, prefix: &str) -> io::Result<Vec<(usize, Vec<Option<f64>>)>> {
    let text = match std::fs::read_to_string(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let mut lines = text.lines();
    let headings = lines.next().unwrap_or_default().split(',').enumerate();
    let columns: Vec<usize> = headings
        .filter(|(_, heading)| heading.starts_with(prefix))
        .map(|(column, _)| column)
        .collect();
    let row = |line: &str| -> Option<(usize, Vec<Option<f64>>)> {
        let cells: Vec<&str> = line.split(',').collect();
        let step: usize = cells.first()?.parse().ok()?;
        let value = |column: &usize| -> Option<f64> {
            let value: f64 = cells.get(*column)?.parse().ok()?;
            value.is_finite().then_some(value)
        };
        Some((step, columns.iter().map(value).collect()))
    };
    Ok(lines.filter_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_validations_are_read_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = TrainFolder::new(folder.path());
        assert_eq!(TrainHistory::read(&files).expect("none yet"), TrainHistory::default());
        // The last line of the log is cut off, as by a full disk.
        let log = "iteration,rate,seconds,accuracy,loss of mask,loss of pup layer 5\n\
            1,0.001000000,0.500,0.25,2.0,4.0\n2,0.000900000,0.500,,1.0,2.0\n3,0.0008";
        std::fs::write(files.log(), log).expect("a file");
        let scores = "iteration,mIoU of mask,pixel accuracy of mask,mIoU of pup,pixel accuracy of pup\n\
            2,50.0000,90.0000,,\n";
        std::fs::write(files.scores(), scores).expect("a file");
        let history = TrainHistory::read(&files).expect("a history");
        assert_eq!(history.losses, [(1, 3.0), (2, 1.5)]);
        assert_eq!(history.mean_iou, [(2, vec![Some(0.5), None])]);
    }
}
