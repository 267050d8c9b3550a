//! The canvas: the photo with its labels, the rail of tools, and what is drawn over them.

use egui::{Color32, CursorIcon, Key, Margin, Painter, Panel, Pos2, Rect, RichText, Stroke, Ui, vec2};

use super::Annotate;
use super::chips::dot;
use super::painting::{Doing, Frame, NEAR};
use super::tool::{PaintOver, Tool};
use crate::annotate::UNLABELLED;
use crate::annotate::tools::Tip;
use crate::app::canvas::CanvasResponse;
use crate::app::gpu::MaskStyle;
use crate::app::theme::{Icon, Tokens, data_color, medium, shade, size};
use crate::app::widgets::{icon_button, pointer_chip};
use crate::app::workspaces::Ctx;
use crate::app::workspaces::image_view::CanvasLayers;
use crate::labels::ClassSet;

/// Width of the rail and side of its buttons, in points.
const RAIL: f32 = 48.0;
const TOOL: f32 = 36.0;

/// Names of classes in the chip at the cursor before it says how many.
const MOST_NAMES: usize = 3;

/// How labels look while they are edited: in the colours of the project, and certain everywhere.
fn style(ctx: &Ctx, set: &ClassSet) -> MaskStyle {
    let opacities = ctx.state.view.opacities(set);
    let colored = set.classes.iter().zip(opacities).map(|(class, opacity)| {
        let [r, g, b] = class.color;
        [r, g, b, opacity]
    });
    MaskStyle {
        palette: colored.collect(),
        repeats_after: None,
        fade: false,
        threshold: 0.0,
        ..ctx.style(set)
    }
}

impl Annotate {
    /// Draws the photo with its labels, and takes what the user does there.
    pub(super) fn canvas(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let Some(document) = ctx.document() else { return };
        self.rail(ui, ctx);
        let typing = ui.ctx().text_edit_focused();
        let space = ui.input(|input| input.key_down(Key::Space)) && !typing;
        self.moves_photo = self.tool == Tool::Hand || space || self.sheet().is_none();
        let masks = self.sheet().zip(self.project()).and_then(|(sheet, open)| {
            let texture = sheet.texture.clone()?;
            Some((texture, style(ctx, &open.set)))
        });
        let layers = CanvasLayers {
            masks,
            regions: None,
            pinned: None,
            overlay: None,
            muted: false,
            drag_moves: self.moves_photo,
            edited: true,
        };
        let happened = self.image.show(ui, ctx, document, layers);
        if self.sheet().is_some() {
            let frame = Frame {
                ctx,
                happened: &happened,
                result: document.result.as_ref(),
            };
            self.want_tokens(ctx, &frame);
            self.take_pointer(ui, &frame);
            self.take_keys(ui, ctx);
            self.update_preview(ui, &frame);
            self.update_selection(ui);
            self.update_underlay(ui, frame.result);
            if self.tool == Tool::Teach {
                self.begin_teaching(ctx);
            }
            self.update_taught(ui);
            let pointer = happened.hover.filter(|_| self.tool.has_corners());
            let pointer = pointer.map(|at| happened.place_in_photo(at).map(|side| side.floor() + 0.5));
            self.shape.follow(&document.photo.photo, pointer);
            self.draw_over(ui, &happened);
            self.draw_note(ui, ctx, &happened);
        }
        self.floating(ui, ctx, happened.response.rect);
    }

    /// Asks for what the model's tokens say, where a tool needs it.
    fn want_tokens(&mut self, ctx: &Ctx, frame: &Frame) {
        let by_wand = self.tool == Tool::Wand && self.settings.wand_by_tokens;
        let by_cells = self.tool == Tool::Cells && self.settings.cells_by_tokens;
        if by_wand || by_cells {
            let pixel = match &self.doing {
                Doing::Wand { pixel, .. } => Some(*pixel),
                _ => frame.happened.cursor,
            };
            self.tokens.want(ctx, pixel.filter(|_| by_wand), by_cells);
        }
    }

    /// The rail of tools at the left.
    fn rail(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let tokens = Tokens::of(ui);
        let frame = egui::Frame::new()
            .fill(tokens.panel)
            .inner_margin(Margin::symmetric(6, 8));
        Panel::left("annotation tools")
            .exact_size(RAIL)
            .resizable(false)
            .frame(frame)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                egui::ScrollArea::vertical().show(ui, |ui| {
                    for entry in Tool::RAIL {
                        let Some(tool) = entry else {
                            let (line, _) = ui.allocate_exact_size(vec2(TOOL, 9.0), egui::Sense::hover());
                            ui.painter().hline(line.x_range(), line.center().y, (1.0, tokens.line));
                            continue;
                        };
                        let button = icon_button(ui, tool.icon(), tool.title(), TOOL, self.tool == tool);
                        let key = tool.command().shortcut_text(ui);
                        if button
                            .on_hover_text(format!("{} ({key})\n{}", tool.title(), tool.hint()))
                            .clicked()
                        {
                            self.choose_tool(tool, ctx);
                        }
                    }
                });
            });
    }

    /// Enter and Backspace belong to the polygon while there is one; Enter starts from the prediction otherwise.
    fn take_keys(&mut self, ui: &Ui, ctx: &Ctx) {
        if ui.ctx().text_edit_focused()
            || egui::Popup::is_any_open(ui.ctx())
            || self.dialog.is_open()
            || self.import.is_open()
        {
            return;
        }
        let (enter, back) = ui.input(|input| {
            let enter = input.key_pressed(Key::Enter) && !input.modifiers.any();
            (enter, input.key_pressed(Key::Backspace))
        });
        if self.shape.corners.is_empty() {
            return;
        }
        if enter {
            self.apply_shape(ctx);
        } else if back {
            self.shape.closed = false;
            self.shape.corners.pop();
        }
    }

    /// Draws the tip, open shapes, and what belongs to the cursor.
    fn draw_over(&self, ui: &Ui, happened: &CanvasResponse) {
        let canvas = happened.response.rect;
        let painter = ui.painter_at(canvas);
        let place = |at| happened.on_screen(at);
        self.underlay.paint(&painter, place);
        self.outside.paint(&painter, place);
        self.preview.paint(&painter, place);
        self.teaching.veil.paint(&painter, place);
        self.draw_strokes(&painter, happened);
        self.draw_shape(&painter, happened, Tokens::of(ui).accent_line);
        if let Some(place) = &self.unsure {
            let corners = place.corners();
            let rect = Rect::from_two_pos(happened.on_screen(corners[0]), happened.on_screen(corners[1]));
            dashed(&painter, rect);
        }
        let Some(at) = happened.hover else { return };
        if self.moves_photo {
            ui.ctx().set_cursor_icon(CursorIcon::Grab);
            return;
        }
        if self.tool.has_tip() && !matches!(self.doing, Doing::Resize) {
            ui.ctx().set_cursor_icon(CursorIcon::None);
        } else if self.tool != Tool::Pick {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        }
        if self.tool.has_tip() {
            self.draw_tip(&painter, happened, at);
        }
        if self.tool.edits() && matches!(self.doing, Doing::Nothing | Doing::Resize | Doing::Wand { .. }) {
            self.cursor_chip(ui, (at, canvas));
        }
    }

    fn draw_tip(&self, painter: &Painter, happened: &CanvasResponse, at: Pos2) {
        let brush = self.brush();
        let middle = happened.on_screen(brush.settled(happened.place_in_photo(at)));
        let reach = (0.5 * brush.size as f32 * happened.zoom()).max(1.5);
        for (width, color) in [(3.0, shade(150)), (1.5, Color32::WHITE)] {
            let stroke = Stroke::new(width, color);
            match brush.tip {
                Tip::Round => painter.circle_stroke(middle, reach, stroke),
                Tip::Square => painter.rect_stroke(
                    Rect::from_center_size(middle, egui::Vec2::splat(2.0 * reach)),
                    0.0,
                    stroke,
                    egui::StrokeKind::Middle,
                ),
            };
        }
        let cross = Stroke::new(1.0, Color32::WHITE);
        painter.line_segment([middle - vec2(3.0, 0.0), middle + vec2(3.0, 0.0)], cross);
        painter.line_segment([middle - vec2(0.0, 3.0), middle + vec2(0.0, 3.0)], cross);
    }

    fn draw_shape(&self, painter: &Painter, happened: &CanvasResponse, first: Color32) {
        let on_screen = |points: &[[f64; 2]]| {
            points
                .iter()
                .map(|point| happened.on_screen(*point))
                .collect::<Vec<_>>()
        };
        let mut lines = Vec::new();
        if let Doing::Lasso { points, .. } = &self.doing {
            lines.push((on_screen(points), true));
        }
        let handles = on_screen(&self.shape.corners);
        if !handles.is_empty() {
            let pointer = happened.hover.map(|at| happened.place_in_photo(at));
            // Sides that follow edges are known for the middles of pixels.
            let pointer = match self.shape.follows {
                true => pointer.map(|at| at.map(|side| side.floor() + 0.5)),
                false => pointer,
            };
            lines.push((on_screen(&self.shape.line(pointer)), self.shape.closed));
        }
        for (mut points, closed) in lines {
            if closed && let Some(first) = points.first().copied() {
                points.push(first);
            }
            for (width, color) in [(3.0, shade(150)), (1.5, Color32::WHITE)] {
                painter.line(points.clone(), Stroke::new(width, color));
            }
        }
        for (i, corner) in handles.into_iter().enumerate() {
            let near = happened.hover.is_some_and(|at| at.distance(corner) <= NEAR);
            let side = if near { 9.0 } else { 7.0 };
            let fill = if i == 0 { first } else { Color32::WHITE };
            let rect = Rect::from_center_size(corner, vec2(side, side));
            painter.rect(rect, 1.0, fill, Stroke::new(1.0, shade(200)), egui::StrokeKind::Outside);
        }
    }

    /// Says beside the cursor what the tool gives, and over what.
    fn cursor_chip(&self, ui: &Ui, place: (Pos2, Rect)) {
        let Some(open) = self.project() else { return };
        let color = |id: u16| data_color(open.set.color(id));
        let erases = self.tool == Tool::Eraser;
        // About as wide as its first line, because it changes sides at the edge of the canvas.
        let letters = match self.tool {
            Tool::Eraser => 10,
            Tool::Wand => 18,
            _ => open.set.label(self.class).chars().count(),
        };
        let size = vec2(92.0 + 7.0 * letters as f32, 60.0);
        pointer_chip(ui, "what the tool does", place, size, |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
            ui.horizontal(|ui| {
                if self.settings.selects && self.tool.can_select() {
                    ui.label(medium("Select"));
                } else if erases {
                    ui.label(medium("Unlabelled"));
                } else {
                    dot(ui, color(self.class));
                    ui.label(medium(open.set.label(self.class)));
                }
                if self.tool.has_tip() {
                    ui.weak(format!("{} px", self.settings.size));
                }
            });
            let over = match &self.settings.over {
                PaintOver::Any => None,
                PaintOver::Unlabelled => Some("over unlabelled".to_owned()),
                PaintOver::UnderPress => Some("over the class under the press".to_owned()),
                PaintOver::Classes(ids) => {
                    let names: Vec<String> = ids.iter().map(|id| self.name_of(id)).collect();
                    Some(match names.len() {
                        0 => "over no class".to_owned(),
                        n if n <= MOST_NAMES => format!("over {}", names.join(", ")),
                        n => format!("over {n} classes"),
                    })
                }
            };
            let locked: Vec<&str> = open
                .project
                .listed()
                .filter(|class| class.locked)
                .map(|class| class.name.as_str())
                .collect();
            let lock = Icon::Lock.unicode();
            let locked = match locked.len() {
                0 => None,
                n if n <= MOST_NAMES => Some(format!("{lock} {}", locked.join(", "))),
                n => Some(format!("{lock} {n} classes")),
            };
            let unsure = self
                .settings
                .unsure_below
                .map(|below| format!("below {:.0} % sure", below * 100.0));
            let brightness = self
                .settings
                .brightness
                .map(|[low, high]| format!("brightness {low} to {high}"));
            let selected = self.selected.as_ref().map(|_| "inside the selection".to_owned());
            let setting = match self.tool {
                Tool::Wand if self.settings.wand_by_tokens => Some(format!(
                    "tokens at least {:.0} % alike",
                    self.settings.similarity * 100.0
                )),
                Tool::Wand => Some(format!("colours within {}", self.settings.tolerance)),
                _ => None,
            };
            for line in [setting, over, unsure, brightness, selected, locked]
                .into_iter()
                .flatten()
            {
                ui.label(RichText::new(line).size(size::SMALL).color(Tokens::of(ui).second));
            }
        });
    }

    /// The name of a class, or of no class.
    pub(super) fn name_of(&self, id: u16) -> String {
        match (id, self.project()) {
            (UNLABELLED, _) => "unlabelled".into(),
            (id, Some(open)) => open.set.label(id),
            (id, None) => id.to_string(),
        }
    }
}

/// Draws a dashed frame that is visible on any colour.
fn dashed(painter: &Painter, rect: Rect) {
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    painter.rect_stroke(rect, 2.0, Stroke::new(3.0, shade(120)), egui::StrokeKind::Middle);
    for line in egui::Shape::dashed_line(&corners, Stroke::new(1.5, Color32::WHITE), 6.0, 4.0) {
        painter.add(line);
    }
}
