//! The camera of the canvas: zoom and position, which apply to all images.

use egui::{Pos2, Rect, Vec2, vec2};

/// The visible part of a photo, and its scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::app) struct Camera {
    /// Whether the whole photo is kept in view, even when the window or the photo changes.
    fit: bool,
    /// Points per photo pixel.
    zoom: f32,
    /// Point of the photo in the middle of the canvas, as fractions of the photo's width and height, so that it also
    /// applies to photos of other sizes.
    center: Vec2,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            fit: true,
            zoom: 1.0,
            center: MIDDLE,
        }
    }
}

const MIDDLE: Vec2 = Vec2::splat(0.5);

/// Largest zoom, in points per photo pixel: a patch of 16 pixels fills a large screen.
const MAX_ZOOM: f32 = 64.0;

/// Smallest zoom, in points per photo pixel.
const MIN_ZOOM: f32 = 0.005;

/// Empty margin around a fitted photo, in points.
const MARGIN: f32 = 8.0;

impl Camera {
    /// A camera of the session; invalid values are corrected.
    pub(in crate::app) fn restored(fit: bool, zoom: f32, center: [f32; 2]) -> Self {
        let usable = zoom.is_finite() && center.iter().all(|c| c.is_finite());
        if !usable {
            return Self::default();
        }
        Self {
            fit,
            zoom: zoom.clamp(MIN_ZOOM, MAX_ZOOM),
            center: Vec2::from(center).clamp(Vec2::ZERO, Vec2::splat(1.0)),
        }
    }

    /// Whether the whole photo is kept in view.
    pub(in crate::app) fn is_fit(&self) -> bool {
        self.fit
    }

    /// Points per photo pixel.
    pub(in crate::app) fn zoom(&self) -> f32 {
        self.zoom
    }

    /// Point of the photo in the middle, as fractions of its width and height.
    pub(in crate::app) fn center(&self) -> [f32; 2] {
        self.center.into()
    }

    /// Shows the whole photo.
    pub(in crate::app) fn show_all(&mut self) {
        self.fit = true;
    }

    /// Shows one photo pixel per screen pixel.
    pub(in crate::app) fn actual_size(&mut self, pixels_per_point: f32) {
        self.fit = false;
        self.zoom = 1.0 / pixels_per_point;
    }

    /// Zooms by `factor` around the middle.
    pub(in crate::app) fn zoom_by(&mut self, factor: f32) {
        self.fit = false;
        self.zoom = (self.zoom * factor).clamp(MIN_ZOOM, MAX_ZOOM);
    }

    /// Zooms by `factor` so that the photo pixel under `cursor` stays under it.
    pub(super) fn zoom_at(&mut self, cursor: Pos2, factor: f32, canvas: Rect, photo: Vec2) {
        let under = (cursor - self.photo_rect(canvas, photo).min) / self.zoom;
        self.zoom_by(factor);
        self.center = (under - (cursor - canvas.center()) / self.zoom) / photo;
    }

    /// Moves a photo pixel to the middle.
    pub(in crate::app) fn look_at(&mut self, pixel: Vec2, photo: Vec2) {
        self.fit = false;
        self.center = pixel / photo;
    }

    /// Moves the photo by a distance in points.
    pub(super) fn pan(&mut self, points: Vec2, photo: Vec2) {
        self.fit = false;
        self.center -= points / self.zoom / photo;
    }

    /// Adapts to the canvas and keeps the photo in sight. Called once a frame, after moves.
    pub(super) fn settle(&mut self, canvas: Rect, photo: Vec2) {
        if self.fit {
            let room = (canvas.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(16.0));
            self.zoom = (room.x / photo.x).min(room.y / photo.y).min(MAX_ZOOM);
            self.center = MIDDLE;
        }
        // Along a side that fits entirely, the photo is centred; otherwise its edge may move as far as the middle.
        let shown = photo * self.zoom;
        let within = |center: f32, shown: f32, room: f32| {
            if shown <= room { 0.5 } else { center.clamp(0.0, 1.0) }
        };
        self.center = vec2(
            within(self.center.x, shown.x, canvas.width()),
            within(self.center.y, shown.y, canvas.height()),
        );
    }

    /// The area of the whole photo in points; may extend far beyond the canvas.
    pub(in crate::app) fn photo_rect(&self, canvas: Rect, photo: Vec2) -> Rect {
        let size = photo * self.zoom;
        Rect::from_min_size(canvas.center() - self.center * size, size)
    }
}

#[cfg(test)]
mod tests {
    use egui::{pos2, vec2};

    use super::*;

    const CANVAS: Rect = Rect {
        min: Pos2::ZERO,
        max: pos2(400.0, 300.0),
    };
    const PHOTO: Vec2 = vec2(1000.0, 800.0);

    #[test]
    fn the_pixel_under_the_cursor_stays_there() {
        let mut camera = Camera::default();
        camera.settle(CANVAS, PHOTO);
        let cursor = pos2(100.0, 60.0);
        let pixel = |camera: &Camera| (cursor - camera.photo_rect(CANVAS, PHOTO).min) / camera.zoom();
        let before = pixel(&camera);
        camera.zoom_at(cursor, 5.0, CANVAS, PHOTO);
        camera.settle(CANVAS, PHOTO);
        assert!((pixel(&camera) - before).length() < 0.01, "{before} {}", pixel(&camera));
    }

    #[test]
    fn a_photo_that_fits_stays_centred() {
        let mut camera = Camera::default();
        camera.settle(CANVAS, PHOTO);
        camera.zoom_by(0.5);
        camera.pan(vec2(90.0, 90.0), PHOTO);
        camera.settle(CANVAS, PHOTO);
        assert_eq!(camera.photo_rect(CANVAS, PHOTO).center(), CANVAS.center());
    }

    #[test]
    fn zoom_and_position_apply_to_the_next_photo() {
        let mut camera = Camera::default();
        camera.actual_size(2.0);
        camera.look_at(vec2(250.0, 600.0), PHOTO);
        let before = camera;
        let other = vec2(2000.0, 1600.0);
        camera.settle(CANVAS, other);
        assert_eq!(camera, before);
        let middle = (CANVAS.center() - camera.photo_rect(CANVAS, other).min) / camera.zoom();
        assert!((middle - vec2(500.0, 1200.0)).length() < 0.01);
    }

    #[test]
    fn invalid_values_are_not_restored() {
        assert_eq!(Camera::restored(false, f32::NAN, [0.5, 0.5]), Camera::default());
        assert_eq!(Camera::restored(false, 1e9, [7.0, -3.0]).zoom(), MAX_ZOOM);
    }
}
