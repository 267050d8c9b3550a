//! The photo with its masks: zoom to cursor, pan, fit.

use egui::{Pos2, Rect, Response, Sense, TextureHandle, Ui, Vec2, vec2};

use super::overlay::{self, Overlay};

/// Where the canvas looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    /// Keep the whole photo in view, also when the window changes.
    pub(super) fit: bool,
    /// Points per photo pixel.
    zoom: f32,
    /// Photo pixel in the middle of the canvas.
    center: Vec2,
}

impl Default for View {
    fn default() -> Self {
        Self {
            fit: true,
            zoom: 1.0,
            center: Vec2::ZERO,
        }
    }
}

/// Points per photo pixel at most: a patch of 16 fills a large screen.
const MOST_ZOOM: f32 = 64.0;

/// Empty margin around a fitted photo, in points.
const MARGIN: f32 = 8.0;

impl View {
    /// Zooms by `factor` around the middle.
    pub(super) fn zoom_by(&mut self, factor: f32) {
        self.fit = false;
        self.zoom = (self.zoom * factor).clamp(0.005, MOST_ZOOM);
    }

    /// One photo pixel on one screen pixel.
    pub(super) fn actual_size(&mut self, pixels_per_point: f32) {
        self.fit = false;
        self.zoom = 1.0 / pixels_per_point;
    }

    /// Points per photo pixel.
    pub(super) fn zoom(&self) -> f32 {
        self.zoom
    }

    fn photo_rect(&self, canvas: Rect, photo: Vec2) -> Rect {
        Rect::from_min_size(canvas.center() - self.center * self.zoom, photo * self.zoom)
    }

    fn update(&mut self, ui: &Ui, canvas: Rect, photo: Vec2, response: &Response) {
        if self.fit {
            let room = (canvas.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(16.0));
            self.zoom = (room.x / photo.x).min(room.y / photo.y).min(MOST_ZOOM);
            self.center = photo / 2.0;
        }
        if response.dragged() && response.drag_delta() != Vec2::ZERO {
            self.fit = false;
            self.center -= response.drag_delta() / self.zoom;
        }
        if let Some(cursor) = response.hover_pos() {
            let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
            let factor = pinch * (scroll / 200.0).exp();
            if (factor - 1.0).abs() > 1e-4 {
                // The photo pixel under the cursor stays under the cursor.
                let under = (cursor - self.photo_rect(canvas, photo).min) / self.zoom;
                self.zoom_by(factor);
                self.center = under - (cursor - canvas.center()) / self.zoom;
            }
        }
        self.center = self.center.clamp(Vec2::ZERO, photo);
    }
}

/// What the canvas draws.
pub(super) struct Content<'a> {
    /// Width and height of the photo in pixels.
    pub(super) size: [usize; 2],
    /// `None` while the photo is being prepared.
    pub(super) texture: Option<&'a TextureHandle>,
    /// Builds the overlay for a canvas and a photo rectangle.
    pub(super) overlay: Option<&'a dyn Fn(Rect, Rect) -> Overlay>,
}

/// Draws the canvas and returns the photo pixel under the cursor.
pub(super) fn show(ui: &mut Ui, view: &mut View, content: &Content) -> Option<[usize; 2]> {
    let canvas = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(canvas, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, ui.is_enabled(), "Picture canvas"));
    let size = vec2(content.size[0] as f32, content.size[1] as f32);
    view.update(ui, canvas, size, &response);
    let photo = view.photo_rect(canvas, size);
    let painter = ui.painter_at(canvas);
    painter.rect_filled(canvas, 0.0, ui.visuals().extreme_bg_color);
    if let Some(texture) = content.texture {
        let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
        painter.image(texture.id(), photo, whole, egui::Color32::WHITE);
        if let Some(overlay) = content.overlay {
            painter.add(overlay::shape(overlay(canvas, photo)));
        }
    }
    if response.double_clicked() {
        view.fit = true;
    }
    let at = (response.hover_pos()? - photo.min) / view.zoom;
    let inside = at.x >= 0.0 && at.y >= 0.0 && at.x < size.x && at.y < size.y;
    inside.then_some([at.x as usize, at.y as usize])
}
