//! The canvas: the photo with its labels, the rail of tools, and what is drawn over them.

use egui::{
    Align2, Area, Color32, CursorIcon, Id, Key, Margin, Order, Painter, Panel, Pos2, Rect, RichText, Stroke, Ui, vec2,
};

use super::Annotate;
use super::accepting::{Taken, result_of};
use super::painting::{Doing, Frame, NEAR};
use super::sheet::Saving;
use super::tool::{PaintOver, Tool};
use crate::annotate::UNLABELLED;
use crate::annotate::tools::Tip;
use crate::app::canvas::CanvasResponse;
use crate::app::command::Command;
use crate::app::gpu::MaskStyle;
use crate::app::theme::{Icon, Tokens, data_color, medium, radius, shade, size};
use crate::app::widgets::{chip_frame, empty_state, icon_button, pointer_chip, primary_button};
use crate::app::workspaces::Ctx;
use crate::app::workspaces::image_view::CanvasLayers;
use crate::labels::ClassSet;

/// Width of the rail and side of its buttons, in points.
const RAIL: f32 = 48.0;
const TOOL: f32 = 36.0;

/// How long the line about the last edit stays, in seconds.
const STAY: f32 = 6.0;

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
            self.take_pointer(ui, &frame);
            self.take_keys(ui, ctx);
            self.draw_over(ui, &happened);
        }
        self.notes(ui, ctx, happened.response.rect);
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
        if ui.ctx().text_edit_focused() || egui::Popup::is_any_open(ui.ctx()) || self.dialog.is_open() {
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
        if self.tool.edits() && matches!(self.doing, Doing::Nothing | Doing::Resize) {
            self.cursor_chip(ui, (at, canvas));
        }
    }

    fn draw_tip(&self, painter: &Painter, happened: &CanvasResponse, at: Pos2) {
        let brush = self.settings.brush();
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
        let mut corners = on_screen(&self.shape.corners);
        let handles = corners.clone();
        if !corners.is_empty() {
            if !self.shape.closed
                && let Some(at) = happened.hover
            {
                corners.push(at);
            }
            lines.push((corners, self.shape.closed));
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
        let letters = if erases {
            10
        } else {
            open.set.label(self.class).chars().count()
        };
        let size = vec2(92.0 + 7.0 * letters as f32, 60.0);
        pointer_chip(ui, "what the tool does", place, size, |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
            ui.horizontal(|ui| {
                if erases {
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
            for line in [over, unsure, locked].into_iter().flatten() {
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

    /// What floats over the canvas: why there are no labels, how to begin, and what the last edit did.
    fn notes(&mut self, ui: &mut Ui, ctx: &Ctx, canvas: Rect) {
        let failure = self
            .failed
            .as_ref()
            .filter(|(source, _)| Some(source) == self.current.as_ref());
        if let Some(message) = failure.map(|(_, message)| message.clone()) {
            return self.failure(ui, canvas, &message);
        }
        let Some(sheet) = self.sheet() else {
            return match ctx.state.library.models.used() {
                Some(_) => bottom_chip(ui, canvas, "opening labels", |ui| {
                    ui.label("Opening labels…");
                }),
                None => empty_state(
                    ui,
                    Icon::Brush,
                    "No classes yet",
                    "Open a model: a new project takes its classes. They can be changed.",
                ),
            };
        };
        if let Saving::Failed { message, changed } = sheet.saving.clone() {
            return self.conflict(ui, ctx, canvas, &message, changed);
        }
        if !self.shape.corners.is_empty() {
            return self.shape_chip(ui, ctx, canvas);
        }
        let is_empty = sheet.unlabelled() == sheet.all_pixels();
        if is_empty && !sheet.layer.is_editing() {
            return self.invitation(ui, ctx, canvas);
        }
        self.last_edit(ui, ctx, canvas);
    }

    fn failure(&mut self, ui: &Ui, canvas: Rect, message: &str) {
        let tokens = Tokens::of(ui);
        let width = canvas.width().min(520.0) - 40.0;
        let clicked = over(
            ui,
            "labels cannot be opened",
            canvas.center(),
            Align2::CENTER_CENTER,
            |ui| {
                ui.set_max_width(width);
                ui.label(medium("The labels of this photo cannot be opened"));
                ui.label(RichText::new(message).color(tokens.second));
                ui.button("Try again").clicked()
            },
        );
        if clicked {
            self.open_again();
        }
    }

    /// Says that the label file could not be written, and what can be done.
    fn conflict(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect, message: &str, changed: bool) {
        let width = canvas.width().min(560.0) - 40.0;
        let at = canvas.center_top() + vec2(0.0, 12.0);
        let mut keep = false;
        let mut theirs = false;
        over(ui, "not saved", at, Align2::CENTER_TOP, |ui| {
            ui.set_max_width(width);
            let title = match changed {
                true => "Another program has changed the label file",
                false => "The labels could not be saved",
            };
            ui.label(medium(title).color(Tokens::of(ui).warning));
            ui.label(RichText::new(message).size(size::SMALL).color(Tokens::of(ui).second));
            ui.horizontal(|ui| {
                let (mine, hint) = match changed {
                    true => ("Keep mine", "Write these labels; the other version is kept in .backup"),
                    false => ("Try again", "Write the label file again"),
                };
                keep = ui.button(mine).on_hover_text(hint).clicked();
                if changed {
                    let button = ui.button("Take theirs");
                    let hint = "Open the changed file; edits that are not saved are kept in .journal";
                    theirs = button.on_hover_text(hint).clicked();
                }
            });
        });
        if keep {
            self.keep_mine(ctx);
        } else if theirs {
            self.take_theirs(ctx);
        }
    }

    fn shape_chip(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let ready = self.shape.corners.len() > 2;
        let mut apply = false;
        let mut cancel = false;
        bottom_chip(ui, canvas, "polygon", |ui| {
            ui.label(format!("{} corners", self.shape.corners.len()));
            ui.weak("drag to move, Backspace takes the last one back");
            apply = ui.add_enabled(ready, egui::Button::new("Apply (Enter)")).clicked();
            cancel = ui.button("Cancel (Esc)").clicked();
        });
        if apply {
            self.apply_shape(ctx);
        } else if cancel {
            self.shape = Default::default();
        }
    }

    /// Tells how to begin with a photo that has no labels.
    fn invitation(&mut self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let result = result_of(ctx);
        let mut start = false;
        bottom_chip(ui, canvas, "how to begin", |ui| {
            ui.label(medium("No labels yet"));
            match result {
                Some(_) => {
                    let text = Command::AcceptPrediction.title();
                    let button = ui.add(primary_button(ui, Icon::Sparkles, text)).accessible_name(text);
                    start = button.on_hover_text(Command::AcceptPrediction.tooltip(ui)).clicked();
                    ui.weak("or paint on the photo");
                }
                None => {
                    ui.weak("Paint on the photo, or wait for the prediction");
                }
            }
        });
        if start {
            self.take_prediction(Taken::All, ctx);
        }
    }

    /// Says what the last edit changed.
    fn last_edit(&self, ui: &Ui, ctx: &Ctx, canvas: Rect) {
        let Some((sheet, last)) = self.sheet().and_then(|sheet| Some((sheet, sheet.last.as_ref()?))) else {
            return;
        };
        let age = last.at.elapsed().as_secs_f32();
        if age > STAY || sheet.layer.is_editing() {
            return;
        }
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_secs_f32(STAY - age + 0.05));
        let open = self.project();
        let color = |id: u16| match open.filter(|_| id != UNLABELLED) {
            Some(open) => data_color(open.set.color(id)),
            None => Color32::GRAY,
        };
        let commit = &last.commit;
        bottom_chip(ui, canvas, "what has changed", |ui| {
            match commit.changed.as_slice() {
                [] => {
                    ui.label("Nothing changed");
                }
                [(from, to, _)] => {
                    for (id, arrow) in [(*from, false), (*to, true)] {
                        if arrow {
                            ui.label(Icon::ArrowRight.unicode().to_string());
                        }
                        dot(ui, color(id));
                        ui.label(medium(self.name_of(id)));
                    }
                }
                [(_, to, _), ..] if commit.changed.iter().all(|(_, other, _)| other == to) => {
                    ui.label(format!("{} classes", commit.changed.len()));
                    ui.label(Icon::ArrowRight.unicode().to_string());
                    dot(ui, color(*to));
                    ui.label(medium(self.name_of(*to)));
                }
                _ => {
                    ui.label(medium(capitalized(&last.name)));
                }
            }
            let pixels = thousands(commit.pixels());
            let protected = match commit.protected {
                0 => String::new(),
                n => format!(" · {} px protected", thousands(n)),
            };
            ui.weak(format!("{pixels} px{protected}"));
            if commit.pixels() > 0 && ui.button("Undo").clicked() {
                ctx.perform(Command::Undo);
            }
        });
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A number with commas between thousands.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().circle_filled(rect.center(), 5.0, color);
}

/// Draws a field with one line at the lower edge of the canvas.
fn bottom_chip(ui: &Ui, canvas: Rect, name: &str, content: impl FnOnce(&mut Ui)) {
    let at = canvas.center_bottom() - vec2(0.0, 16.0);
    over(ui, name, at, Align2::CENTER_BOTTOM, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            content(ui);
        });
    });
}

/// Draws a field over the canvas at a place.
fn over<R>(ui: &Ui, name: &str, at: Pos2, pivot: Align2, content: impl FnOnce(&mut Ui) -> R) -> R {
    Area::new(Id::unique(("over the labels", name)))
        .order(Order::Middle)
        .pivot(pivot)
        .fixed_pos(at)
        .show(ui.ctx(), |ui| {
            chip_frame(ui, radius::FLOATING, Margin::symmetric(14, 10))
                .show(ui, content)
                .inner
        })
        .inner
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

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([7, 1204, 1_234_567].map(thousands), ["7", "1,204", "1,234,567"]);
    }
}
