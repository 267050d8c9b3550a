//! From the pointer to edits. Every position of the pointer counts, also those between two frames.

use std::collections::HashSet;
use std::sync::Arc;

use egui::{Event, Modifiers, PointerButton, Pos2, Ui};

use super::area::Use;
use super::sheet::{Sheet, locked_of};
use super::tool::Tool;
use super::{Annotate, Shape};
use crate::annotate::tools::{Brush, holes, inside};
use crate::annotate::{BrightnessRange, Commit, Rules, Span, UNLABELLED, Unsure};
use crate::app::canvas::CanvasResponse;
use crate::app::workspaces::Ctx;
use crate::engine::{Prediction, Segmented};

/// Distance in points within which a click is on a corner of a polygon.
pub(super) const NEAR: f32 = 9.0;

/// Least distance in points between two points of a lasso.
const LASSO_STEP: f32 = 2.0;

/// What the pressed button is doing.
#[derive(Debug, Default)]
pub(super) enum Doing {
    #[default]
    Nothing,
    /// A stroke of the brush or the eraser.
    Stroke {
        /// Where the tip is.
        last: [f64; 2],
        /// The class that is painted.
        class: u16,
        /// What was painted, to find what it surrounds; empty if that is not filled.
        area: Vec<Span>,
    },
    /// A line drawn by hand.
    Lasso { points: Vec<[f64; 2]>, used: Use },
    /// A stroke that teaches.
    Teach { points: Vec<[f64; 2]> },
    /// The wand is pressed on a pixel; moving changes its tolerance.
    Wand { pixel: [usize; 2], last: Pos2, used: Use },
    /// Superpixels are painted or selected.
    Cells {
        /// Where the pointer is.
        last: [f64; 2],
        used: Use,
        /// Numbers of those that were painted.
        seen: HashSet<u32>,
        /// Their pixels, if they are selected.
        area: Vec<Span>,
    },
    /// A corner of the polygon is moved.
    Corner(usize),
    /// The size of the tip is changed by moving sideways.
    Resize,
}

/// The confidences of a prediction.
struct Confidence(Arc<Prediction>);

impl AsRef<[u16]> for Confidence {
    fn as_ref(&self) -> &[u16] {
        &self.0.labels.confidence
    }
}

/// What tools need of the frame.
pub(super) struct Frame<'a> {
    pub(super) ctx: &'a Ctx<'a>,
    pub(super) happened: &'a CanvasResponse,
    /// The result of the output in use.
    pub(super) result: Option<&'a Segmented>,
}

impl Annotate {
    /// Handles the pointer on the canvas.
    pub(super) fn take_pointer(&mut self, ui: &Ui, frame: &Frame) {
        let over = frame.happened.response.contains_pointer() && !egui::Popup::is_any_open(ui.ctx());
        let canvas = frame.happened.response.rect;
        let events = ui.input(|input| {
            let pointer = |event: &&Event| {
                matches!(
                    event,
                    Event::PointerButton { .. }
                        | Event::PointerMoved(_)
                        | Event::PointerGone
                        | Event::WindowFocused(_)
                        | Event::Touch { .. }
                )
            };
            input.events.iter().filter(pointer).cloned().collect::<Vec<_>>()
        });
        for event in events {
            match event {
                Event::PointerButton {
                    pos,
                    button,
                    pressed: true,
                    modifiers,
                } if over && canvas.contains(pos) => self.press(frame, pos, button, modifiers),
                Event::Touch { force, phase, .. } => self.feel(force, phase),
                Event::PointerMoved(pos) => self.drag(frame, pos),
                Event::PointerButton { pressed: false, .. } => self.let_go(frame),
                Event::PointerGone | Event::WindowFocused(false) => self.release(frame.ctx),
                _ => {}
            }
        }
        self.take_wheel(ui, over);
    }

    /// Takes how hard a pen is pressed.
    fn feel(&mut self, force: Option<f32>, phase: egui::TouchPhase) {
        let ends = matches!(phase, egui::TouchPhase::End | egui::TouchPhase::Cancel);
        self.pressure = force.filter(|_| !ends).map(|force| force.clamp(0.0, 1.0));
    }

    /// The tip, as hard as a pen is pressed.
    pub(super) fn brush(&self) -> Brush {
        let brush = self.settings.brush();
        match self.pressure.filter(|_| self.settings.follows_pressure) {
            Some(pressure) => Brush {
                size: ((brush.size as f32 * pressure).round() as u32).max(Brush::SIZES[0]),
                ..brush
            },
            None => brush,
        }
    }

    /// Alt and the wheel change the size of the tip.
    fn take_wheel(&mut self, ui: &Ui, over: bool) {
        let notches = ui.input(|input| match input.modifiers.alt && over {
            true => input.smooth_scroll_delta().y,
            false => 0.0,
        });
        if notches.abs() > 0.5 {
            self.settings.scale_tip((notches / 120.0).exp());
        }
    }

    fn press(&mut self, frame: &Frame, at: Pos2, button: PointerButton, modifiers: Modifiers) {
        if button == PointerButton::Secondary && modifiers.alt && self.tool.has_tip() {
            self.release(frame.ctx);
            self.doing = Doing::Resize;
            self.pressed_at = Some(at);
            return;
        }
        if button != PointerButton::Primary || self.moves_photo || self.changing_classes {
            return;
        }
        self.release(frame.ctx);
        let place = frame.happened.place_in_photo(at);
        match self.tool {
            Tool::Brush | Tool::Eraser => self.begin_stroke(frame, place, modifiers),
            Tool::Polygon | Tool::Wire => self.press_polygon(frame, at, place),
            Tool::Lasso => {
                self.doing = Doing::Lasso {
                    points: vec![place],
                    used: Use::of(modifiers),
                };
            }
            Tool::Teach => self.doing = Doing::Teach { points: vec![place] },
            Tool::Cells => self.begin_cells(frame, at, modifiers),
            Tool::Wand => {
                if let Some(pixel) = self.pixel_at(place) {
                    self.doing = Doing::Wand {
                        pixel,
                        last: at,
                        used: Use::of(modifiers),
                    };
                }
            }
            Tool::Fill | Tool::Region => {
                if let Some(pixel) = self.pixel_at(place)
                    && let Some(spans) = self.area_at(frame, pixel)
                {
                    self.give(frame.ctx, &spans, Some(pixel), Use::of(modifiers));
                }
            }
            Tool::Pick => {
                if let Some([x, y]) = self.pixel_at(place)
                    && let Some(id) = self.sheet().and_then(|sheet| sheet.map().get(x, y))
                    && id != UNLABELLED
                {
                    self.choose_class(id);
                }
            }
            Tool::Note => {
                if let Some(pixel) = self.pixel_at(place) {
                    self.open_note(pixel);
                }
            }
            Tool::Hand => {}
        }
    }

    /// The pixel at a place, if there is one.
    pub(super) fn pixel_at(&self, [x, y]: [f64; 2]) -> Option<[usize; 2]> {
        let [width, height] = self.sheet()?.layer.size();
        let inside = x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64;
        inside.then_some([x as usize, y as usize])
    }

    /// The rules of an edit that begins now.
    pub(super) fn rules(&self, ctx: &Ctx, result: Option<&Segmented>) -> Rules {
        let locked = self.project().map(|open| locked_of(&open.project)).unwrap_or_default();
        let unsure = self.settings.unsure_below.map(|below| {
            let below = (below * 65535.0).round() as u16;
            // Without a prediction no pixel is known to be unsure.
            let confidence: Arc<dyn AsRef<[u16]> + Send + Sync> = match result {
                Some(result) => Arc::new(Confidence(result.prediction.clone())),
                None => Arc::new(Vec::new()),
            };
            Unsure { below, confidence }
        });
        let photo = ctx.document().map(|document| document.photo.photo.clone());
        let brightness = self.settings.brightness.zip(photo);
        Rules {
            over: self.settings.over.rule(),
            locked,
            selection: self.selected.as_ref().map(|selected| selected.selection.clone()),
            unsure,
            brightness: brightness.map(|(range, photo)| BrightnessRange { range, photo }),
        }
    }

    /// The class that a tool gives.
    pub(super) fn given(&self, erases: bool) -> u16 {
        if erases { UNLABELLED } else { self.class }
    }

    fn begin_stroke(&mut self, frame: &Frame, place: [f64; 2], modifiers: Modifiers) {
        let at = self.brush().settled(place);
        let class = self.given(self.tool == Tool::Eraser);
        let rules = self.rules(frame.ctx, frame.result);
        let press = self.pixel_at(place);
        let from = self.last_tip.filter(|_| modifiers.shift).unwrap_or(at);
        let Some(sheet) = self.sheet_mut() else { return };
        sheet.layer.begin(rules, press);
        self.doing = Doing::Stroke {
            last: from,
            class,
            area: Vec::new(),
        };
        self.stroke_to(frame.ctx, at);
    }

    /// Moves the tip to a settled place.
    fn stroke_to(&mut self, ctx: &Ctx, to: [f64; 2]) {
        let brush = self.brush();
        let fills = self.settings.fills_loops;
        let Doing::Stroke {
            mut last,
            class,
            mut area,
        } = std::mem::take(&mut self.doing)
        else {
            return;
        };
        if let Some(sheet) = self.sheet_mut() {
            let spans = brush.path(last, to, sheet.layer.size());
            write(sheet, ctx, &spans, class);
            last = to;
            if fills {
                area.extend(spans);
            }
        }
        self.last_tip = Some(to);
        self.doing = Doing::Stroke { last, class, area };
    }

    fn drag(&mut self, frame: &Frame, at: Pos2) {
        let place = frame.happened.place_in_photo(at);
        match &mut self.doing {
            Doing::Nothing => {}
            Doing::Stroke { last, .. } => {
                let last = *last;
                let to = self.brush().settled(place);
                if to != last {
                    self.stroke_to(frame.ctx, to);
                }
            }
            Doing::Lasso { points, .. } | Doing::Teach { points } => {
                let far = points.last().is_none_or(|last| {
                    let step = frame.happened.on_screen(*last) - at;
                    step.length() >= LASSO_STEP
                });
                if far {
                    points.push(place);
                }
            }
            Doing::Wand { last, .. } => {
                let points = at.x - std::mem::replace(last, at).x;
                self.drag_wand(points);
            }
            Doing::Cells { .. } => self.paint_cells(frame.ctx, place),
            Doing::Corner(index) => {
                if let Some(corner) = self.shape.corners.get_mut(*index) {
                    *corner = place;
                }
            }
            Doing::Resize => {
                let before = self.pressed_at.replace(at).unwrap_or(at);
                let step = (at.x - before.x) / frame.happened.zoom();
                let size = self.settings.size as f32 + 2.0 * step;
                let [least, most] = Brush::SIZES;
                self.settings.size = (size.round().max(1.0) as u32).clamp(least, most);
            }
        }
    }

    /// Ends what the button was doing. Also called when the window loses the focus, the tool or the photo changes.
    pub(super) fn release(&mut self, ctx: &Ctx) {
        match std::mem::take(&mut self.doing) {
            Doing::Stroke { class, area, .. } => {
                let names = self.namer();
                let Some(sheet) = self.sheet_mut() else { return };
                if !area.is_empty() {
                    let size = sheet.layer.size();
                    let enclosed = holes(&area, size, usize::MAX);
                    write(sheet, ctx, &enclosed, class);
                }
                sheet.commit(ctx, |commit| names.name(commit));
            }
            Doing::Lasso { points, used } => self.fill_polygon(ctx, &points, used),
            Doing::Teach { points } => {
                let stroke = self.stroke_through(&points);
                self.add_stroke(ctx, stroke);
            }
            Doing::Cells { area, used, .. } => {
                if self.settings.selects {
                    return self.give(ctx, &area, None, used);
                }
                let names = self.namer();
                let Some(sheet) = self.sheet_mut() else { return };
                sheet.commit(ctx, |commit| names.name(commit));
            }
            Doing::Nothing | Doing::Corner(_) | Doing::Resize | Doing::Wand { .. } => {}
        }
    }

    /// Ends what the button was doing on the canvas.
    fn let_go(&mut self, frame: &Frame) {
        if let Doing::Wand { pixel, used, .. } = self.doing {
            self.doing = Doing::Nothing;
            if let Some(spans) = self.area_at(frame, pixel) {
                self.give(frame.ctx, &spans, Some(pixel), used);
            }
        }
        self.release(frame.ctx);
    }

    /// Gives what lies inside of corners a class, or selects it.
    pub(super) fn fill_polygon(&mut self, ctx: &Ctx, corners: &[[f64; 2]], used: Use) {
        let Some(size) = self.sheet().map(|sheet| sheet.layer.size()) else {
            return;
        };
        let press = corners.first().and_then(|corner| self.pixel_at(*corner));
        self.give(ctx, &inside(corners, size), press, used);
    }

    fn press_polygon(&mut self, frame: &Frame, at: Pos2, place: [f64; 2]) {
        if self.shape.corners.is_empty() {
            self.shape.follows = self.tool == Tool::Wire;
        }
        let near = |corner: &[f64; 2]| frame.happened.on_screen(*corner).distance(at) <= NEAR;
        let Shape { corners, closed, .. } = &mut self.shape;
        match corners.iter().position(near) {
            // The first corner closes the polygon.
            Some(0) if !*closed && corners.len() > 2 => {
                *closed = true;
                self.doing = Doing::Corner(0);
            }
            Some(index) => self.doing = Doing::Corner(index),
            None if !*closed => {
                corners.push(place);
                self.doing = Doing::Corner(corners.len() - 1);
            }
            None => {
                // A new corner on the nearest edge of a closed polygon.
                if let Some(index) = nearest_edge(corners, place, f64::from(NEAR / frame.happened.zoom())) {
                    corners.insert(index, place);
                    self.doing = Doing::Corner(index);
                }
            }
        }
    }

    /// Fills the polygon, and begins a new one.
    pub(super) fn apply_shape(&mut self, ctx: &Ctx) {
        if self.changing_classes {
            return;
        }
        let mut shape = std::mem::take(&mut self.shape);
        self.doing = Doing::Nothing;
        if shape.corners.len() > 2 {
            shape.closed = true;
            if let Some(document) = ctx.document() {
                shape.follow(&document.photo.photo, None);
            }
            self.fill_polygon(ctx, &shape.line(None), Use::default());
        }
    }

    /// Names edits by their classes.
    pub(super) fn namer(&self) -> Namer {
        Namer {
            tool: self.tool,
            names: self.project().map(|open| open.set.clone()),
        }
    }
}

/// Names edits.
pub(super) struct Namer {
    tool: Tool,
    names: Option<crate::labels::ClassSet>,
}

impl Namer {
    /// Such as `brush, road to car`.
    pub(super) fn name(&self, commit: &Commit) -> String {
        let label = |id: u16| match (id, &self.names) {
            (UNLABELLED, _) => "unlabelled".to_owned(),
            (id, Some(set)) => set.label(id),
            (id, None) => id.to_string(),
        };
        let tool = self.tool.title().to_lowercase();
        match commit.changed.as_slice() {
            [(from, to, _)] => format!("{tool}, {} to {}", label(*from), label(*to)),
            [(_, to, _), ..] => format!("{tool}, to {}", label(*to)),
            [] => tool,
        }
    }
}

/// Writes spans, and shows what has changed.
pub(super) fn write(sheet: &mut Sheet, ctx: &Ctx, spans: &[Span], class: u16) {
    let boxes = sheet.layer.write(spans, class);
    sheet.show(ctx.gpu, &boxes);
}

/// Where a corner at a place belongs, if an edge lies within a distance of it.
fn nearest_edge(corners: &[[f64; 2]], [x, y]: [f64; 2], near: f64) -> Option<usize> {
    let distance = |index: usize| {
        let ([ax, ay], [bx, by]) = (corners[index], corners[(index + 1) % corners.len()]);
        let (dx, dy) = (bx - ax, by - ay);
        let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
        (ax + along * dx - x).hypot(ay + along * dy - y)
    };
    let nearest = (0..corners.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
    (distance(nearest) <= near).then_some(nearest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_is_put_on_the_nearest_edge() {
        let square = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]];
        assert_eq!(nearest_edge(&square, [5.0, 0.5], 1.0), Some(1));
        assert_eq!(nearest_edge(&square, [0.2, 5.0], 1.0), Some(4));
        assert_eq!(nearest_edge(&square, [5.0, 5.0], 1.0), None);
        assert_eq!(nearest_edge(&[], [5.0, 5.0], 1.0), None);
    }
}
