//! The canvas: the photo with its masks; zoom to cursor, pan, fit, and aids for inspecting pixels.

mod camera;
mod grids;
mod magnifier;
mod minimap;

use std::sync::Arc;

use egui::{Color32, EventFilter, Key, Painter, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, vec2};

use super::gpu::{self, Gpu, GpuLabels, GpuPhoto, Highlight, MaskStyle, Tone};
use super::theme;
pub(super) use camera::Camera;
pub(super) use grids::Patches;

/// A place where an image is drawn; each has separate parameters on the GPU.
#[derive(Clone, Copy)]
pub(super) enum DrawSlot {
    Canvas,
    /// Right of the dividing line, if two drawings share a canvas.
    Beside,
    Minimap,
    MagnifiedPhoto,
    MagnifiedLabels,
    /// One of several canvases.
    Pane(usize),
}

impl DrawSlot {
    fn slot(self) -> usize {
        match self {
            Self::Canvas => 0,
            Self::Beside => 1,
            Self::Minimap => 2,
            Self::MagnifiedPhoto => 3,
            Self::MagnifiedLabels => 4,
            Self::Pane(pane) => 5 + pane,
        }
    }
}

/// What is drawn of an image, independent of the place.
#[derive(Clone)]
pub(super) struct Drawing {
    pub(super) gpu: Gpu,
    pub(super) photo: Arc<GpuPhoto>,
    /// The masks, if they are shown.
    pub(super) masks: Option<(Arc<GpuLabels>, MaskStyle)>,
    pub(super) tone: Tone,
}

impl Drawing {
    /// Draws the whole photo into the area `photo`, clipped to `clip`, both in points.
    fn paint(&self, painter: &Painter, place: DrawSlot, clip: Rect, photo: Rect) {
        let (image, masks) = (self.photo.clone(), self.masks.clone());
        let shape = gpu::shape(&self.gpu, place.slot(), clip, photo, image, masks, self.tone);
        painter.add(shape);
    }
}

/// Draws something over the photo, given a painter clipped to it and the area of the whole photo in points.
pub(super) type DrawOver<'a> = dyn Fn(&Painter, Rect) + 'a;

/// Everything that the canvas shows.
pub(super) struct Scene<'a> {
    pub(super) place: DrawSlot,
    /// The accessible name, for screen readers.
    pub(super) name: &'a str,
    /// Width and height of the photo in pixels.
    pub(super) size: [usize; 2],
    /// `None` while the photo is being prepared, or without a graphics device.
    pub(super) drawing: Option<Drawing>,
    /// What is drawn right of the dividing line, and the line's position as a fraction of the canvas's width.
    pub(super) beside: Option<(Drawing, f32)>,
    /// What to highlight while the cursor is on a pixel.
    pub(super) highlight_at: &'a dyn Fn([usize; 2]) -> Option<Highlight>,
    /// The patch grid to draw, if it is shown.
    pub(super) patches: Option<Patches<'a>>,
    /// The pixel whose reading is pinned.
    pub(super) pinned: Option<[usize; 2]>,
    pub(super) pixel_grid: bool,
    pub(super) minimap: bool,
    pub(super) magnifier: bool,
    /// Draws over the photo.
    pub(super) overlay: Option<&'a DrawOver<'a>>,
    /// Whether dragging with the primary button moves the photo; the other buttons always do.
    pub(super) drag_moves: bool,
    /// Whether wheel and drags mean something else while Alt is held.
    pub(super) alt_is_taken: bool,
}

/// The user's interaction with the canvas.
pub(super) struct CanvasResponse {
    /// Photo pixel under the cursor.
    pub(super) cursor: Option<[usize; 2]>,
    /// The cursor in points, unless it is over the minimap.
    pub(super) hover: Option<Pos2>,
    /// The area of the whole photo, in points.
    photo: Rect,
    /// Points of a photo pixel.
    zoom: f32,
    /// egui's response, for example for a context menu.
    pub(super) response: Response,
}

impl CanvasResponse {
    /// A place in points as one in the photo, in pixels from its left and top edge. It may lie outside.
    pub(super) fn place_in_photo(&self, at: Pos2) -> [f64; 2] {
        let zoom = f64::from(self.zoom);
        [
            (f64::from(at.x) - f64::from(self.photo.left())) / zoom,
            (f64::from(at.y) - f64::from(self.photo.top())) / zoom,
        ]
    }

    /// A place in the photo in points.
    pub(super) fn on_screen(&self, [x, y]: [f64; 2]) -> Pos2 {
        self.photo.min + vec2(x as f32, y as f32) * self.zoom
    }

    /// Points of a photo pixel.
    pub(super) fn zoom(&self) -> f32 {
        self.zoom
    }

    /// The middle of a photo pixel, in points.
    pub(super) fn position_of(&self, [x, y]: [usize; 2]) -> Pos2 {
        self.photo.min + vec2(x as f32 + 0.5, y as f32 + 0.5) * self.zoom
    }
}

/// Distance that an arrow key moves the photo, in points.
const ARROW: f32 = 60.0;

/// Draws the canvas and handles mouse and keys.
pub(super) fn show(ui: &mut Ui, camera: &mut Camera, scene: Scene) -> CanvasResponse {
    let canvas = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(canvas, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, ui.is_enabled(), scene.name));
    let size = vec2(scene.size[0] as f32, scene.size[1] as f32);
    if !(scene.alt_is_taken && ui.input(|i| i.modifiers.alt)) {
        move_by_mouse(ui, camera, canvas, size, &response, scene.drag_moves);
    }
    move_by_keys(ui, camera, size, &response);
    camera.settle(canvas, size);
    let minimap = scene.minimap.then(|| minimap::place(camera, canvas, size)).flatten();
    if let Some(place) = minimap {
        minimap::drag(ui, camera, place, size);
        camera.settle(canvas, size);
    }

    let photo = camera.photo_rect(canvas, size);
    let over_minimap = |at| minimap.is_some_and(|place: Rect| place.contains(at));
    let hover = response.hover_pos().filter(|at| !over_minimap(*at));
    let cursor = hover.and_then(|at| {
        let at = (at - photo.min) / camera.zoom();
        let inside = at.x >= 0.0 && at.y >= 0.0 && at.x < size.x && at.y < size.y;
        inside.then_some([at.x as usize, at.y as usize])
    });

    let painter = ui.painter_at(canvas);
    painter.rect_filled(canvas, 0.0, theme::canvas(ui));
    if let Some(mut drawing) = scene.drawing {
        let line = scene.beside.as_ref().map_or(1.0, |(_, line)| line.clamp(0.0, 1.0));
        let (left, right) = canvas.split_left_right_at_fraction(line);
        let mut beside = scene.beside.map(|(drawing, _)| drawing);
        let is_right = hover.is_some_and(|at| at.x > left.right());
        let pointed = beside.as_mut().filter(|_| is_right).unwrap_or(&mut drawing);
        if let (Some((_, style)), Some(at)) = (&mut pointed.masks, cursor) {
            style.highlight = (scene.highlight_at)(at).or(style.highlight);
        }
        let magnified = (scene.magnifier && cursor.is_some()).then(|| pointed.clone());
        drawing.paint(&painter, scene.place, left, photo);
        if let Some(beside) = beside {
            beside.paint(&painter, DrawSlot::Beside, right, photo);
        }
        if let Some(overlay) = scene.overlay {
            overlay(&ui.painter_at(canvas.intersect(photo)), photo);
        }
        if scene.pixel_grid {
            let line = Stroke::new(1.0, Color32::WHITE.gamma_multiply_u8(36));
            grids::pixels(&painter, canvas, photo, scene.size, line);
        }
        if let Some(patches) = &scene.patches {
            let lines = [(0.7, 110), (1.6, 220)].map(|(w, a)| Stroke::new(w, Color32::WHITE.gamma_multiply_u8(a)));
            grids::patches(&painter, canvas, photo, patches, lines);
        }
        if let Some(pixel) = scene.pinned {
            mark_pixel(&painter, photo, camera.zoom(), pixel);
        }
        if let Some(place) = minimap {
            minimap::paint(&painter, &drawing, place, canvas, photo);
        }
        if let (Some(drawing), Some(pixel), Some(at)) = (magnified, cursor, hover) {
            magnifier::paint(&painter, &drawing, canvas, at, pixel, size);
        }
    }
    if response.has_focus() && !has_focus_by_mouse(ui, &response) {
        let focus = Stroke::new(1.0, ui.visuals().selection.stroke.color);
        painter.rect_stroke(canvas, 0.0, focus, egui::StrokeKind::Inside);
    }
    CanvasResponse {
        cursor,
        hover,
        photo,
        zoom: camera.zoom(),
        response,
    }
}

fn move_by_mouse(ui: &Ui, camera: &mut Camera, canvas: Rect, size: Vec2, response: &Response, any_button: bool) {
    let moves = any_button || !response.dragged_by(PointerButton::Primary);
    if moves && response.dragged() && response.drag_delta() != Vec2::ZERO {
        camera.pan(response.drag_delta(), size);
    }
    let Some(cursor) = response.hover_pos() else { return };
    let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
    let factor = pinch * (scroll / 200.0).exp();
    if (factor - 1.0).abs() > 1e-4 {
        camera.zoom_at(cursor, factor, canvas, size);
    }
}

/// Whether a click gave the canvas the focus. Then it is obvious where keys go, and a frame would only disturb.
fn has_focus_by_mouse(ui: &Ui, response: &Response) -> bool {
    let clicked = response.clicked_by(PointerButton::Primary);
    let stays = response.has_focus() && !response.gained_focus();
    let id = response.id.with("focus by mouse");
    ui.data_mut(|data| {
        let by_mouse = data.get_temp_mut_or_default::<bool>(id);
        *by_mouse = (*by_mouse && stays) || clicked;
        *by_mouse
    })
}

/// Moves the photo by arrow keys while the canvas has the focus. A click gives it the focus.
fn move_by_keys(ui: &Ui, camera: &mut Camera, size: Vec2, response: &Response) {
    if response.clicked_by(PointerButton::Primary) {
        response.request_focus();
    }
    if !response.has_focus() {
        return;
    }
    let arrows = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    let moves = [
        (Key::ArrowLeft, vec2(ARROW, 0.0)),
        (Key::ArrowRight, vec2(-ARROW, 0.0)),
        (Key::ArrowUp, vec2(0.0, ARROW)),
        (Key::ArrowDown, vec2(0.0, -ARROW)),
    ];
    for (key, points) in moves {
        if ui.input(|i| i.key_pressed(key)) {
            camera.pan(points, size);
        }
    }
}

/// Draws a ring around a photo pixel that is visible on any colour.
fn mark_pixel(painter: &Painter, photo: Rect, zoom: f32, [x, y]: [usize; 2]) {
    let center = photo.min + (vec2(x as f32, y as f32) + Vec2::splat(0.5)) * zoom;
    let radius = (zoom * 0.75).max(5.0);
    painter.circle_stroke(center, radius, Stroke::new(3.0, Color32::BLACK));
    painter.circle_stroke(center, radius, Stroke::new(1.5, Color32::WHITE));
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;
    use crate::annotate::tools::{Brush, Tip};

    fn response(ui: &Ui, photo: Rect, zoom: f32) -> CanvasResponse {
        CanvasResponse {
            cursor: None,
            hover: None,
            photo,
            zoom,
            response: ui.interact(photo, egui::Id::unique("canvas"), Sense::hover()),
        }
    }

    #[test]
    fn a_stroke_paints_the_same_pixels_at_every_zoom_and_wherever_the_photo_lies() {
        let size = [8000, 6000];
        let stroke: Vec<[f64; 2]> = (0..60)
            .map(|i| {
                let i = f64::from(i);
                [2000.3 + 17.0 * i, 3000.3 + (400.0 * (i * 0.2).sin()).round()]
            })
            .collect();
        let ctx = egui::Context::default();
        let mut drawn = Vec::new();
        let _ = ctx.run_ui(Default::default(), |ui| {
            for zoom in [0.1, 1.0, 37.0] {
                let mut spans = Vec::new();
                for brush in [(Tip::Round, 9), (Tip::Square, 12)].map(|(tip, size)| Brush { tip, size }) {
                    let mut last = None;
                    for (i, place) in stroke.iter().enumerate() {
                        // The window is resized in the middle of the stroke.
                        let corner = if i < 30 {
                            pos2(250.25, 104.5)
                        } else {
                            pos2(-1930.0, 33.75)
                        };
                        let photo = Rect::from_min_size(corner, zoom * vec2(size[0] as f32, size[1] as f32));
                        let response = response(ui, photo, zoom);
                        let at = brush.settled(response.place_in_photo(response.on_screen(*place)));
                        spans.extend(brush.path(last.unwrap_or(at), at, size));
                        last = Some(at);
                    }
                }
                drawn.push(spans);
            }
        });
        assert_eq!(drawn.len(), 3);
        assert!(drawn[0] == drawn[1] && drawn[1] == drawn[2]);
    }
}
