//! The worst images, as small images of their errors.

use std::collections::HashMap;

use egui::{
    Align, ColorImage, Label, Layout, Rect, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, TextureHandle,
    TextureOptions, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::{Evaluate, ScoreSummary};
use crate::app::theme::{Tokens, heading, radius, size};
use crate::app::workspaces::Ctx;
use crate::engine::ImageSource;

/// Maximum number of images; `segscope evaluate` lists more.
const MOST: usize = 60;

/// Maximum number of listed failures.
const MAX_FAILURES: usize = 10;

/// Wanted width of an image, gap between two, height of the line below, and height of the heading, in points.
const TILE: f32 = 132.0;
const GAP: f32 = 8.0;
const LINE: f32 = 22.0;
const HEADING: f32 = 30.0;

/// Textures of the small images.
#[derive(Default)]
pub(super) struct Worst {
    textures: HashMap<ImageSource, TextureHandle>,
}

impl Worst {
    /// Forgets the texture of an image.
    pub(super) fn forget(&mut self, source: &ImageSource) {
        self.textures.remove(source);
    }
}

/// The least height that shows a line of images, in points.
pub(super) const LEAST_HEIGHT: f32 = HEADING + 100.0 + LINE;

impl Evaluate {
    /// Draws the strip; a click opens the image.
    pub(super) fn worst_strip(&mut self, ui: &mut Ui, area: Rect, ctx: &Ctx) {
        let photo = ctx.document().map(|document| document.photo.id);
        self.tell(photo, ui.ctx());
        let Self {
            summary: Some(summary),
            scored,
            worst,
            cell,
            ..
        } = self
        else {
            return;
        };
        let mut ui = ui.new_child(UiBuilder::new().max_rect(area).id_salt("worst photos"));
        head(&mut ui, summary, cell.is_some());
        let listed = &summary.ranking[..summary.ranking.len().min(MOST)];
        worst
            .textures
            .retain(|source, _| listed.iter().any(|(listed, _)| listed == source));
        let shown = ctx.document().map(|document| &document.photo.source);
        let mut chosen = None;
        ScrollArea::vertical()
            .id_salt("worst")
            .auto_shrink(false)
            .show(&mut ui, |ui| {
                ui.spacing_mut().item_spacing = Vec2::splat(GAP);
                let width = ui.available_width();
                let across = ((width + GAP) / (TILE + GAP)).floor().max(1.0);
                let side = (width + GAP) / across - GAP;
                for line in listed.chunks(across as usize) {
                    ui.horizontal_top(|ui| {
                        for (source, value) in line {
                            let errors = scored.get(source).and_then(|scored| scored.errors.as_ref());
                            let texture = errors.map(|errors| {
                                let texture = worst.textures.entry(source.clone());
                                &*texture.or_insert_with(|| {
                                    let image = ColorImage::from_rgb([errors.width, errors.height], &errors.rgb);
                                    ui.ctx().load_texture("errors", image, TextureOptions::LINEAR)
                                })
                            });
                            let value = match cell {
                                Some(_) => format!("{value:.0} px"),
                                None => format!("{:.1}", value * 100.0),
                            };
                            if tile(ui, source, texture, &value, (side, shown == Some(source))) {
                                chosen = Some(source.clone());
                            }
                        }
                    });
                }
            });
        if let Some(place) = chosen.and_then(|source| ctx.state.library.images.place(&source)) {
            ctx.send(crate::app::action::Action::GoTo(place));
        }
    }
}

/// Draws what the strip shows, and how many images are left out.
fn head(ui: &mut Ui, summary: &ScoreSummary, by_cell: bool) {
    let color = Tokens::of(ui).second;
    ui.horizontal(|ui| {
        ui.set_height(HEADING - 8.0);
        ui.label(heading(match by_cell {
            true => "Photos with the most of these pixels",
            false => "Worst photos first",
        }));
        if !by_cell {
            ui.label(RichText::new("mIoU, %").size(size::SMALL).color(color));
        }
        let more = summary.ranking.len().saturating_sub(MOST);
        if more > 0 {
            ui.weak(format!("and {more} more"));
        }
        if !summary.failures.is_empty() {
            let text = format!("Left out: {}", summary.failures.len());
            let listed: Vec<&str> = summary.failures.iter().take(MAX_FAILURES).map(String::as_str).collect();
            ui.colored_label(ui.visuals().warn_fg_color, text)
                .on_hover_text(listed.join("\n"));
        }
    });
    ui.add_space(2.0);
}

/// Draws an image with its name and its value. Returns whether it was clicked.
fn tile(
    ui: &mut Ui,
    source: &ImageSource,
    texture: Option<&TextureHandle>,
    value: &str,
    (side, shown): (f32, bool),
) -> bool {
    let name = source.name();
    let frame = vec2(side, 0.75 * side);
    ui.allocate_ui(frame + vec2(0.0, LINE), |ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(2.0);
        ui.vertical(|ui| {
            let (rect, response) = ui.allocate_exact_size(frame, Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, shown, &name));
            let tokens = Tokens::of(ui);
            ui.painter().rect_filled(rect, radius::SMALL, tokens.raised);
            if let Some(texture) = texture {
                let size = texture.size_vec2();
                let fitted = size * (rect.width() / size.x).min(rect.height() / size.y);
                let at = Rect::from_center_size(rect.center(), fitted);
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                egui::Image::from_texture(egui::load::SizedTexture::from_handle(texture))
                    .uv(whole)
                    .corner_radius(radius::SMALL)
                    .paint_at(ui, at);
            }
            let edge = match (shown, response.hovered() || response.has_focus()) {
                (true, _) => Some(Stroke::new(2.0, tokens.accent_line)),
                (false, true) => Some(Stroke::new(1.5, tokens.text)),
                (false, false) => None,
            };
            if let Some(edge) = edge {
                ui.painter().rect_stroke(rect, radius::SMALL, edge, StrokeKind::Inside);
            }
            ui.horizontal(|ui| {
                ui.set_width(side);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(value).size(size::SMALL).strong());
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = RichText::new(&name).size(size::SMALL).color(tokens.second);
                        ui.add(Label::new(text).truncate().selectable(false));
                    });
                });
            });
            response.on_hover_text(&name).clicked()
        })
        .inner
    })
    .inner
}
