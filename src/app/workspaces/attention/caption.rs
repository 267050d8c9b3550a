//! What the map on the canvas means: a sentence over it, and the scale of its colours.

use egui::{Area, Color32, Frame, Id, Label, Margin, Order, Rect, RichText, Stroke, Ui, pos2, vec2};

use super::{Attention, MapChoice};
use crate::app::theme::{Tokens, medium, radius, size};
use crate::engine::{Direction, NetworkPart, Token, Uncertainty};
use crate::labels::ClassSet;

/// Width and height of the colour bar, and the distance from the edges of the canvas, in points.
const BAR: [f32; 2] = [160.0, 8.0];
const MARGIN: f32 = 12.0;

/// Steps of the colour bar.
const STEPS: usize = 64;

impl Attention {
    /// Draws the sentence at the top of the canvas and the colour bar at its bottom.
    pub(super) fn caption(&self, ui: &Ui, canvas: Rect, classes: &ClassSet) {
        if self.traced.is_none() {
            return;
        }
        let sentence = self.sentence(classes);
        let room = (canvas.width() - 2.0 * MARGIN - 24.0).max(40.0);
        chip(
            ui,
            "attention sentence",
            pos2(canvas.left() + MARGIN, canvas.top() + MARGIN),
            |ui| {
                ui.set_max_width(room);
                ui.add(Label::new(medium(sentence)).truncate());
            },
        );
        if self.shown == MapChoice::Colours || canvas.height() < 200.0 {
            return;
        }
        let [width, height] = BAR;
        let corner = pos2(canvas.left() + MARGIN, canvas.bottom() - MARGIN - 34.0);
        chip(ui, "attention scale", corner, |ui| {
            let color = Tokens::of(ui).second;
            ui.horizontal(|ui| {
                ui.label(RichText::new("low").size(size::SMALL).color(color));
                let (bar, _) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
                let step = width / STEPS as f32;
                for i in 0..STEPS {
                    let [r, g, b] = self.map.color(i as f32 / (STEPS - 1) as f32);
                    let at = pos2(bar.left() + i as f32 * step, bar.top());
                    let field = Rect::from_min_size(at, vec2(step + 0.5, height));
                    ui.painter().rect_filled(field, 0.0, Color32::from_rgb(r, g, b));
                }
                ui.label(RichText::new("high").size(size::SMALL).color(color));
            });
        });
    }

    /// One sentence that says what is shown.
    fn sentence(&self, classes: &ClassSet) -> String {
        let part = match self.place.part {
            NetworkPart::Encoder => "Layer",
            NetworkPart::Decoder => "Decoder layer",
        };
        let layer = format!("{part} {}", self.place.layer.saturating_add(1));
        let query = match self.token {
            Token::Patch(_) => "the framed patch".to_owned(),
            Token::Class(class) => {
                let name = classes.classes.get(class).map_or("", |class| class.name.as_str());
                format!("the class token of {name}")
            }
            Token::Extra(0) => "the class token".to_owned(),
            Token::Extra(_) => "the distillation token".to_owned(),
        };
        let heads = match self.shown {
            MapChoice::Head(head) => format!("head {}", head + 1),
            MapChoice::Most => "maximum over the heads".into(),
            _ => "mean over the heads".into(),
        };
        match self.shown {
            MapChoice::Similarity => format!("{layer}: patches that resemble {query}"),
            MapChoice::Colours => format!("{layer}: patches alike have colours alike (PCA)"),
            MapChoice::Rollout => format!("All layers: what contributes to {query}"),
            MapChoice::Uncertainty(Uncertainty::Class(class)) => {
                format!("Probability of {}", classes.label(class))
            }
            MapChoice::Uncertainty(Uncertainty::Entropy) => "Entropy over the classes".into(),
            MapChoice::Uncertainty(Uncertainty::Margin) => "Margin of the best class over the second".into(),
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => match self.direction {
                Direction::From => format!("{layer}, {heads}: where {query} looks"),
                Direction::To => format!("{layer}, {heads}: what looks at {query}"),
            },
        }
    }
}

/// Draws content in a field over the photo.
fn chip(ui: &Ui, name: &str, corner: egui::Pos2, content: impl FnOnce(&mut Ui)) {
    let tokens = Tokens::of(ui);
    let frame = Frame::new()
        .fill(tokens.chip)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(radius::CARD)
        .inner_margin(Margin::symmetric(10, 5));
    Area::new(Id::unique(name))
        .order(Order::Middle)
        .fixed_pos(corner)
        .interactable(false)
        .show(ui.ctx(), |ui| frame.show(ui, content));
}
