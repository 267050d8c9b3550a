//! Bars that show how much attention of the mask transformer goes to each class token.

use egui::{CollapsingHeader, Grid, ProgressBar, Ui};

use super::{Attention, MapChoice};
use crate::app::theme::data_color;
use crate::engine::{Direction, ModelInfo, NetworkPart, TraceAnswer, TraceQuestion};

/// Maximum number of listed classes; the rest have smaller values.
const MAX_LISTED: usize = 12;

impl Attention {
    /// The values of the chosen map for the class tokens, largest first; empty if the map has none.
    fn class_shares(&self) -> Vec<(usize, f32)> {
        let Some(traced) = &self.traced else {
            return Vec::new();
        };
        let Some((TraceQuestion::Rows(place, ..), TraceAnswer::Rows(rows))) =
            self.answer(|q| matches!(q, TraceQuestion::Rows(..)))
        else {
            return Vec::new();
        };
        if place.part != NetworkPart::Decoder {
            return Vec::new();
        }
        let row = match self.shown {
            MapChoice::Mean => rows.mean(),
            MapChoice::Most => rows.most(),
            MapChoice::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
            _ => return Vec::new(),
        };
        let first = traced.trace.patch_range(NetworkPart::Decoder).end;
        let mut shares: Vec<(usize, f32)> = row.iter().skip(first).copied().enumerate().collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// Draws a bar per class.
    pub(super) fn class_bars(&self, ui: &mut Ui, model: &ModelInfo, colors: &[[u8; 3]]) {
        let shares = self.class_shares();
        let Some((_, largest)) = shares.first().copied() else {
            return;
        };
        let (title, hint) = match self.direction {
            Direction::From => ("On class tokens", "Share of the row that goes to each class token (%)"),
            Direction::To => (
                "From class tokens",
                "How much each class token looks at the query: share of its row (%)",
            ),
        };
        let header = CollapsingHeader::new(title).default_open(true).show(ui, |ui| {
            Grid::new("class shares")
                .num_columns(2)
                .spacing([8.0, 2.0])
                .show(ui, |ui| {
                    for (class, share) in shares.iter().take(MAX_LISTED) {
                        let named = model.classes.classes.get(*class);
                        ui.label(named.map_or_else(|| format!("class {class}"), |class| class.name.clone()));
                        let [r, g, b] = colors.get(*class).copied().unwrap_or([128; 3]);
                        let bar = ProgressBar::new(share / largest.max(f32::MIN_POSITIVE))
                            .fill(data_color([r, g, b]).gamma_multiply(0.8))
                            .desired_width(ui.available_width())
                            .desired_height(14.0)
                            .corner_radius(2.0)
                            .text(format!("{:.2} %", share * 100.0));
                        ui.add(bar);
                        ui.end_row();
                    }
                });
            if shares.len() > MAX_LISTED {
                ui.weak(format!(
                    "{} classes with smaller values are not listed",
                    shares.len() - MAX_LISTED
                ));
            }
        });
        header.header_response.on_hover_text(hint);
    }
}
