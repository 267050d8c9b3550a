//! What the map on the canvas means: a sentence in the head, and the scale of its colours.

use egui::{Area, Button, Frame, Id, Margin, Order, Rect, RichText, Stroke, Ui, pos2, vec2};

use super::{Attention, MapChoice};
use crate::app::theme::{Tokens, data_color, radius, size};
use crate::engine::{Direction, NetworkPart, Token, Uncertainty};
use crate::export::Curve;
use crate::labels::ClassSet;

/// Width and height of the colour bar, and the distance from the edges of the canvas, in points.
const BAR: [f32; 2] = [160.0, 8.0];
const MARGIN: f32 = 12.0;

/// Steps of the colour bar.
const STEPS: usize = 64;

impl Attention {
    /// Draws the colour bar at the bottom of the canvas.
    pub(super) fn color_bar(&mut self, ui: &Ui, canvas: Rect) {
        if self.traced.is_none() || self.shown == MapChoice::Colours || canvas.height() < 200.0 {
            return;
        }
        let [width, height] = BAR;
        let corner = pos2(canvas.left() + MARGIN, canvas.bottom() - MARGIN - 38.0);
        let [low, high] = match self.shown {
            MapChoice::Similarity => ["different", "similar"],
            MapChoice::Uncertainty(_) => ["0", "1"],
            _ => ["low", "high"],
        };
        chip(ui, "attention scale", corner, |ui| {
            let color = Tokens::of(ui).second;
            ui.horizontal(|ui| {
                ui.label(RichText::new(low).size(size::SMALL).color(color));
                let (bar, _) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
                let step = width / STEPS as f32;
                for i in 0..STEPS {
                    let [r, g, b] = self.map.color(i as f32 / (STEPS - 1) as f32);
                    let at = pos2(bar.left() + i as f32 * step, bar.top());
                    let field = Rect::from_min_size(at, vec2(step + 0.5, height));
                    ui.painter().rect_filled(field, 0.0, data_color([r, g, b]));
                }
                ui.label(RichText::new(high).size(size::SMALL).color(color));
                if !matches!(self.shown, MapChoice::Uncertainty(_)) {
                    self.scale_menu(ui);
                }
            });
        });
    }

    /// Draws the choice of the scale.
    fn scale_menu(&mut self, ui: &mut Ui) {
        let menu = ui.menu_button(RichText::new(self.curve.title()).size(size::SMALL), |ui| {
            for curve in Curve::ALL {
                if ui.add(Button::selectable(self.curve == curve, curve.title())).clicked() {
                    self.curve = curve;
                    ui.close();
                }
            }
        });
        menu.response
            .accessible_name("Scale of the colours")
            .on_hover_text("How values become colours: in proportion, or with small values raised");
    }

    /// What is shown, and in which layer and heads, as two lines.
    pub(super) fn sentence(&self, classes: &ClassSet) -> [String; 2] {
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
            MapChoice::Head(head) => format!("{layer}, head {}", head + 1),
            MapChoice::Most => format!("{layer}, maximum over the heads"),
            _ => format!("{layer}, mean over the heads"),
        };
        match self.shown {
            MapChoice::Similarity => [format!("Patches that resemble {query}"), layer],
            MapChoice::Colours => ["Patches alike have colours alike".into(), format!("{layer}, PCA")],
            MapChoice::Rollout => [format!("What contributes to {query}"), "All layers, rollout".into()],
            MapChoice::Uncertainty(Uncertainty::Class(class)) => [
                format!("Probability of {}", classes.label(class)),
                "Before the largest is taken".into(),
            ],
            MapChoice::Uncertainty(Uncertainty::Entropy) => [
                "Entropy over the classes".into(),
                "High where several classes are probable".into(),
            ],
            MapChoice::Uncertainty(Uncertainty::Margin) => [
                "Margin of the best class over the second".into(),
                "Low where two classes are close".into(),
            ],
            MapChoice::Mean | MapChoice::Most | MapChoice::Head(_) => match self.direction {
                Direction::From => [format!("Where {query} looks"), heads],
                Direction::To => [format!("What looks at {query}"), heads],
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
        .show(ui.ctx(), |ui| frame.show(ui, content));
}
