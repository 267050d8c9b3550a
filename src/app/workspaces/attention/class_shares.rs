//! How much of a row of the mask transformer lies on each class token, as bars.

use egui::{CollapsingHeader, Color32, Grid, ProgressBar, Ui};

use super::{Attention, Shown};
use crate::engine::{Answer, Direction, ModelInfo, Part, Question};

/// Classes that are listed: the rest has less.
const MOST_LISTED: usize = 12;

impl Attention {
    /// The values of the chosen map on the class tokens, largest first; nothing where the map has none.
    fn class_shares(&self) -> Vec<(usize, f32)> {
        let Some(inspection) = &self.inspection else {
            return Vec::new();
        };
        let Some((Question::Rows(place, ..), Answer::Rows(rows))) = self.answer(|q| matches!(q, Question::Rows(..)))
        else {
            return Vec::new();
        };
        if place.part != Part::Decoder {
            return Vec::new();
        }
        let row = match self.shown {
            Shown::Mean => rows.mean(),
            Shown::Most => rows.most(),
            Shown::Head(head) if head < rows.heads() => rows.head(head).to_vec(),
            _ => return Vec::new(),
        };
        let first = inspection.inside.patch_range(Part::Decoder).end;
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
            Direction::From => (
                "On class tokens",
                "What of the row lies on each class token, in percent of the row",
            ),
            Direction::To => (
                "From class tokens",
                "How much each class token looks at the query, in percent of its row",
            ),
        };
        let header = CollapsingHeader::new(title).default_open(true).show(ui, |ui| {
            Grid::new("class shares")
                .num_columns(2)
                .spacing([8.0, 2.0])
                .show(ui, |ui| {
                    for (class, share) in shares.iter().take(MOST_LISTED) {
                        let named = model.classes.classes.get(*class);
                        ui.label(named.map_or_else(|| format!("class {class}"), |class| class.name.clone()));
                        let [r, g, b] = colors.get(*class).copied().unwrap_or([128; 3]);
                        let bar = ProgressBar::new(share / largest.max(f32::MIN_POSITIVE))
                            .fill(Color32::from_rgb(r, g, b).gamma_multiply(0.8))
                            .desired_width(ui.available_width())
                            .desired_height(14.0)
                            .corner_radius(2.0)
                            .text(format!("{:.2} %", share * 100.0));
                        ui.add(bar);
                        ui.end_row();
                    }
                });
            if shares.len() > MOST_LISTED {
                ui.weak(format!(
                    "{} classes with less are not listed",
                    shares.len() - MOST_LISTED
                ));
            }
        });
        header.header_response.on_hover_text(hint);
    }
}
