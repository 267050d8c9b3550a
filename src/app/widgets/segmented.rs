//! A segmented control: one of a few choices, side by side in one frame.

use egui::{
    Align2, Color32, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, TextFormat, Ui, WidgetInfo, pos2,
    text::LayoutJob, vec2,
};

use crate::app::theme::{Icon, Tokens, radius, size};

/// A choice of a [`segmented`] control.
pub(in crate::app) struct Segment<'a> {
    /// Before the title, if there is one.
    pub(in crate::app) icon: Option<Icon>,
    /// Empty for an icon alone.
    pub(in crate::app) title: &'a str,
    /// What screen readers say.
    pub(in crate::app) name: &'a str,
    pub(in crate::app) chosen: bool,
    pub(in crate::app) enabled: bool,
}

/// How the chosen segment is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// By the accent: there is one place where the user is.
    Accent,
    /// By a raised field, for the choice of a view.
    Quiet,
}

/// Draws the segments in `rect`, each as wide as its share, and returns the response of each.
pub(in crate::app) fn segmented(
    ui: &mut Ui,
    rect: Rect,
    widths: &[f32],
    segments: &[Segment],
    accent: bool,
) -> Vec<Response> {
    let tokens = Tokens::of(ui);
    let mark = if accent { Mark::Accent } else { Mark::Quiet };
    ui.painter().rect_filled(rect, radius::CARD, tokens.raised);
    let total: f32 = widths.iter().sum();
    let mut left = rect.left();
    let mut responses = Vec::with_capacity(segments.len());
    for (width, segment) in widths.iter().zip(segments) {
        let width = width / total * rect.width();
        let area = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height())).shrink(2.0);
        left += width;
        let sense = if segment.enabled {
            Sense::click()
        } else {
            Sense::hover()
        };
        let response = ui.interact(area, ui.scope_id().with(segment.name), sense);
        response.widget_info(|| WidgetInfo::selected(Role::Button, segment.enabled, segment.chosen, segment.name));
        paint(ui, area, segment, &response, mark);
        responses.push(response);
    }
    responses
}

fn paint(ui: &Ui, area: Rect, segment: &Segment, response: &Response, mark: Mark) {
    let tokens = Tokens::of(ui);
    let (fill, edge) = match (segment.chosen, mark) {
        (true, Mark::Accent) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
        (true, Mark::Quiet) => (tokens.panel, Stroke::new(1.0, tokens.line)),
        (false, _) if response.hovered() && segment.enabled => (tokens.hover, Stroke::NONE),
        (false, _) => (Color32::TRANSPARENT, Stroke::NONE),
    };
    let edge = match response.has_focus() {
        true => Stroke::new(1.5, tokens.accent_line),
        false => edge,
    };
    let painter = ui.painter();
    painter.rect(area, radius::CONTROL, fill, edge, StrokeKind::Inside);
    let color = match (segment.enabled, segment.chosen) {
        (false, _) => tokens.faint,
        (true, true) => tokens.text,
        (true, false) => tokens.second,
    };
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job(segment, color)));
    let at = Align2::CENTER_CENTER.anchor_size(area.center(), galley.size()).min;
    ui.painter_at(area).galley(at, galley, color);
}

/// Icon and title in one line.
fn job(segment: &Segment, color: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    let format = |size: f32, weight: f32| {
        let mut format = TextFormat::simple(FontId::proportional(size), color);
        format.coords.push(b"wght", weight);
        format.valign = egui::Align::Center;
        format
    };
    if let Some(icon) = segment.icon {
        job.append(&icon.unicode().to_string(), 0.0, format(16.0, 400.0));
    }
    if !segment.title.is_empty() {
        let gap = if segment.icon.is_some() { 8.0 } else { 0.0 };
        job.append(
            segment.title,
            gap,
            format(size::BODY, if segment.chosen { 600.0 } else { 500.0 }),
        );
    }
    job
}

/// The width that a segment needs, in points.
pub(in crate::app) fn width_of(ui: &Ui, segment: &Segment, padding: f32) -> f32 {
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job(segment, Color32::WHITE)));
    galley.size().x + 2.0 * padding
}
