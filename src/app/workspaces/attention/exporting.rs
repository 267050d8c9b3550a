//! The shown maps to files.

use std::path::PathBuf;

use egui::Ui;

use super::{Attention, Shown};
use crate::app::workspaces::Ctx;
use crate::engine::{Answer, Certainty, FigureExport, FigureMaps, FigureStyle, Job, NumberFormat, Question};

impl Attention {
    /// How exported figures are made.
    pub(super) fn export_choice(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.label("Size");
            for zoom in [1, 2, FigureStyle::MOST_ZOOM] {
                ui.selectable_value(&mut self.export_zoom, zoom, format!("{zoom}x"))
                    .on_hover_text("Sides of the picture over those of the photo");
            }
        });
        ui.checkbox(&mut self.export_caption, "Title and colour bar");
        ui.horizontal(|ui| {
            ui.label("Numbers");
            for format in NumberFormat::ALL {
                ui.selectable_value(&mut self.export_numbers, format, format!(".{}", format.extension()));
            }
        });
        ui.weak("Export… writes every head of the layer, or the one map that is shown.");
    }

    /// What an export writes: every head of the layer, or the one map that is shown; from answers to what is asked now.
    fn maps(&self) -> Option<FigureMaps> {
        let inspection = self.inspection.as_ref()?;
        let wanted = self.needed();
        let (question, answer) = match self.shown {
            Shown::Mean | Shown::Most | Shown::Head(_) => self.answer(|q| matches!(q, Question::Rows(..))),
            Shown::Rollout => self.answer(|q| matches!(q, Question::Rollout(..))),
            Shown::Similarity => self.answer(|q| matches!(q, Question::Similarity(..))),
            Shown::Certainty(_) => self.answer(|q| matches!(q, Question::Certainty(_))),
            Shown::Colours => None,
        }?;
        if !wanted.contains(question) {
            return None;
        }
        Some(match (question, answer) {
            (Question::Rows(place, token, direction), Answer::Rows(rows)) => {
                let heads = (0..rows.heads()).map(|head| (format!("head-{}", head + 1), rows.head(head).to_vec()));
                let fused = [("mean".to_owned(), rows.mean()), ("max".to_owned(), rows.most())];
                let of = (*place, *token, *direction);
                FigureMaps::of_rows(inspection, of, heads.chain(fused).collect())
            }
            (Question::Rollout(_, token, rollout), Answer::Tokens(row)) => {
                FigureMaps::of_rollout(inspection, *token, rollout, row)
            }
            (Question::Similarity(place, token), Answer::Tokens(_)) => {
                FigureMaps::of_similarity(*token, place.layer + 1, self.shown_values()?.0)
            }
            (Question::Certainty(what), Answer::Patches(values)) => {
                let name = match what {
                    Certainty::Class(class) => format!("probability of class {class}"),
                    Certainty::Entropy => "entropy of the classes".to_owned(),
                    Certainty::Margin => "margin of the best class".to_owned(),
                };
                FigureMaps::of_shares(&name, values.clone())
            }
            _ => return None,
        })
    }

    /// Whether there is something to write.
    pub(super) fn can_export(&self) -> bool {
        self.inspection.is_some() && self.shown != Shown::Colours
    }

    /// Writes the maps into a folder; existing files stay.
    pub(super) fn export_figures(&self, folder: PathBuf, ctx: &Ctx) {
        let (Some(inspection), Some(maps)) = (self.inspection.clone(), self.maps()) else {
            ctx.actions().info("There is nothing to export yet");
            return;
        };
        let used = ctx.state.library.models.used();
        let model = used.cloned().unwrap_or_else(|| inspection.model.clone());
        let job = FigureExport {
            inspection,
            classes: model.classes.clone(),
            maps,
            style: FigureStyle {
                opacity: self.opacity,
                colors: self.map,
                curve: self.curve,
                smooth: self.smooth,
                own_scale: !self.common,
                zoom: self.export_zoom,
                caption: self.export_caption,
                numbers: self.export_numbers,
            },
            folder,
            overwrite: false,
        };
        ctx.actions().job(Job::ExportFigures(job));
    }
}
