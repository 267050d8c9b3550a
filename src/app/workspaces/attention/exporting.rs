//! Export of the shown maps to files.

use super::{Attention, MapChoice};
use crate::app::action::Action;
use crate::app::workspaces::Ctx;
use crate::engine::{
    Export, FigureContents, FigureExport, FigureMaps, FigureStyle, NumberFormat, TraceAnswer, TraceQuestion,
    Uncertainty,
};
use crate::export::{FigureFormat, Ground};

impl Attention {
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
            MapChoice::Colours => self.answer(|q| matches!(q, TraceQuestion::Colours(..))),
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
            (TraceQuestion::Colours(place), TraceAnswer::Colours(colors)) => {
                FigureMaps::of_colors(place.layer + 1, colors)
            }
            _ => return None,
        })
    }

    /// Whether there is a map to export.
    pub(super) fn can_export(&self) -> bool {
        self.traced.is_some()
    }

    /// Opens the export sheet for the maps.
    pub(super) fn open_export(&self, ctx: &Ctx) {
        let (Some(traced), Some(maps)) = (self.traced.clone(), self.maps()) else {
            ctx.actions().info("There is nothing to export yet");
            return;
        };
        let used = ctx.state.library.models.used();
        let model = used.cloned().unwrap_or_else(|| traced.model.clone());
        let export = FigureExport {
            traced,
            classes: model.classes.clone(),
            maps: self.as_on_screen(maps),
            style: FigureStyle {
                opacity: self.opacity,
                ground: Ground::Muted,
                colors: self.map,
                curve: self.curve,
                smooth: self.smooth,
                own_scale: !self.common,
                zoom: 1,
                caption: true,
                format: FigureFormat::default(),
                numbers: NumberFormat::default(),
            },
            contents: FigureContents::ALL,
            folder: Default::default(),
            overwrite: false,
        };
        ctx.actions().send(Action::Export(Box::new(Export::Figures(export))));
    }

    /// The maps with the scale and the sinks of the one on the screen.
    fn as_on_screen(&self, maps: FigureMaps) -> FigureMaps {
        let Some((values, question)) = self.shown_values() else {
            return maps;
        };
        let (name, left_out) = match (self.shown, question) {
            (MapChoice::Head(head), TraceQuestion::Rows(place, ..)) => (format!("head-{}", head + 1), Some(place)),
            (MapChoice::Most, TraceQuestion::Rows(place, ..)) => ("max".into(), Some(place)),
            (_, TraceQuestion::Rows(place, ..)) => ("mean".into(), Some(place)),
            _ => ("map".into(), None),
        };
        let sinks = left_out.and_then(|place| self.left_out(place.part).get(place.layer));
        let sinks = sinks.map_or(&[][..], Vec::as_slice);
        let mut values = values;
        for sink in sinks {
            if let Some(value) = values.get_mut(*sink) {
                *value = 0.0;
            }
        }
        maps.shown_as(&name, self.scale(&values), sinks)
    }
}
