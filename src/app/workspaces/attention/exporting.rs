//! Export of the shown maps to files.

use std::path::PathBuf;

use egui::Ui;

use super::{Attention, MapChoice};
use crate::app::widgets::{choice, tick};
use crate::app::workspaces::Ctx;
use crate::engine::{
    FigureExport, FigureMaps, FigureStyle, Job, NumberFormat, TraceAnswer, TraceQuestion, Uncertainty,
};
use crate::export::FigureFormat;

impl Attention {
    /// Draws the options for exported figures.
    pub(super) fn export_choice(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.label("Size");
            for zoom in [1, 2, FigureStyle::MAX_ZOOM] {
                ui.selectable_value(&mut self.export_zoom, zoom, format!("{zoom}x"))
                    .on_hover_text("Size of the figure relative to the photo");
            }
        });
        let formats = FigureFormat::ALL.map(|format| (format, format.title(), "File format of the figures"));
        choice(ui, &mut self.export_format, &formats);
        tick(ui, &mut self.export_caption, "Title and colour bar");
        ui.horizontal(|ui| {
            ui.label("Numbers");
            for format in NumberFormat::ALL {
                ui.selectable_value(&mut self.export_numbers, format, format!(".{}", format.extension()));
            }
        });
        ui.weak("Export… writes all heads of the layer, or the single map that is shown.");
    }

    /// The maps to export: all heads of the layer, or the single map that is shown. `None` while the current question
    /// has no answer.
    fn maps(&self) -> Option<FigureMaps> {
        let traced = self.traced.as_ref()?;
        let wanted = self.needed();
        let (question, answer) = match self.shown {
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => {
                self.answer(|q| matches!(q, TraceQuestion::Rows(..)))
            }
            MapChoice::Rollout => self.answer(|q| matches!(q, TraceQuestion::Rollout(..))),
            MapChoice::Similarity => self.answer(|q| matches!(q, TraceQuestion::Similarity(..))),
            MapChoice::Uncertainty(_) => self.answer(|q| matches!(q, TraceQuestion::Uncertainty(_))),
            MapChoice::Colours => None,
        }?;
        if !wanted.contains(question) {
            return None;
        }
        Some(match (question, answer) {
            (TraceQuestion::Rows(place, token, direction), TraceAnswer::Rows(rows)) => {
                let heads = (0..rows.heads()).map(|head| (format!("head-{}", head + 1), rows.head(head).to_vec()));
                let fused = [("mean".to_owned(), rows.mean()), ("max".to_owned(), rows.most())];
                let of = (*place, *token, *direction);
                FigureMaps::of_rows(traced, of, heads.chain(fused).collect())
            }
            (TraceQuestion::Rollout(_, token, rollout), TraceAnswer::Tokens(row)) => {
                FigureMaps::of_rollout(traced, *token, rollout, row)
            }
            (TraceQuestion::Similarity(place, token), TraceAnswer::Tokens(_)) => {
                FigureMaps::of_similarity(*token, place.layer + 1, self.shown_values()?.0)
            }
            (TraceQuestion::Uncertainty(what), TraceAnswer::Patches(values)) => {
                let name = match what {
                    Uncertainty::Class(class) => format!("probability of class {class}"),
                    Uncertainty::Entropy => "entropy of the classes".to_owned(),
                    Uncertainty::Margin => "margin of the best class".to_owned(),
                };
                FigureMaps::of_shares(&name, values.clone())
            }
            _ => return None,
        })
    }

    /// Whether there is a map to export.
    pub(super) fn can_export(&self) -> bool {
        self.traced.is_some() && self.shown != MapChoice::Colours
    }

    /// Exports the maps into a folder. Existing files are not overwritten.
    pub(super) fn export_figures(&self, folder: PathBuf, ctx: &Ctx) {
        let (Some(traced), Some(maps)) = (self.traced.clone(), self.maps()) else {
            ctx.actions().info("There is nothing to export yet");
            return;
        };
        let used = ctx.state.library.models.used();
        let model = used.cloned().unwrap_or_else(|| traced.model.clone());
        let job = FigureExport {
            traced,
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
                format: self.export_format,
                numbers: self.export_numbers,
            },
            folder,
            overwrite: false,
        };
        ctx.actions().job(Job::ExportFigures(job));
    }
}
