//! The shown maps to files.

use std::path::PathBuf;

use super::{Attention, Shown};
use crate::app::App;
use crate::engine::{Answer, Certainty, FigureExport, FigureMaps, FigureStyle, Job, Question};

impl Attention {
    /// What an export writes: every head of the layer, or the one map that is shown.
    fn maps(&self) -> Option<FigureMaps> {
        let inspection = self.inspection.as_ref()?;
        match self.shown {
            Shown::Mean | Shown::Most | Shown::Head(_) => {
                let Question::Rows(place, token, direction) = self.question_of_rows() else {
                    return None;
                };
                let rows = inspection.inside.rows(place, token, direction)?;
                let heads = (0..rows.heads()).map(|head| (format!("head-{}", head + 1), rows.head(head).to_vec()));
                let fused = [("mean".to_owned(), rows.mean()), ("max".to_owned(), rows.most())];
                Some(FigureMaps::of_rows(
                    inspection,
                    place,
                    direction,
                    heads.chain(fused).collect(),
                ))
            }
            Shown::Rollout => {
                let (_, Answer::Tokens(row)) = self.answer(|q| matches!(q, Question::Rollout(..)))? else {
                    return None;
                };
                Some(FigureMaps::of_rollout(inspection, &self.rollout, row))
            }
            Shown::Similarity => {
                let name = format!("similarity after layer {}", self.place.layer + 1);
                Some(FigureMaps::of_patches(&name, self.shown_values()?.0))
            }
            Shown::Certainty(what) => {
                let name = match what {
                    Certainty::Class(class) => format!("probability of class {class}"),
                    Certainty::Entropy => "entropy of the classes".to_owned(),
                    Certainty::Margin => "margin of the best class".to_owned(),
                };
                Some(FigureMaps::of_patches(&name, self.shown_values()?.0))
            }
            Shown::Colours => None,
        }
    }

    /// Whether there is something to write.
    pub(in crate::app) fn can_export(&self) -> bool {
        self.open && self.inspection.is_some() && self.shown != Shown::Colours
    }
}

impl App {
    /// Writes the maps into a folder; existing files stay.
    pub(in crate::app) fn export_figures(&mut self, folder: PathBuf) {
        let attention = &self.attention;
        let (Some(inspection), Some(maps)) = (attention.inspection.clone(), attention.maps()) else {
            self.toasts.info("There is nothing to export yet");
            return;
        };
        let job = FigureExport {
            inspection,
            token: attention.token,
            maps,
            style: FigureStyle {
                opacity: attention.opacity,
                colors: attention.map,
                curve: attention.curve,
                smooth: attention.smooth,
                own_scale: !attention.common,
            },
            folder,
            overwrite: false,
        };
        self.send(Job::ExportFigures(job));
    }
}
