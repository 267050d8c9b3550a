//! The class list: which class the tools give, its digit, its share of the photo and its lock.

use egui::{
    Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, TextWrapMode, Ui, UiBuilder, WidgetInfo, WidgetText, pos2,
    vec2,
};

use super::Annotate;
use super::accepting::Taken;
use super::class_dialog::Wanted;
use crate::annotate::project::{ClassEdit, ProjectClass};
use crate::app::theme::{Icon, Tokens, data_color, height, medium, radius, size};
use crate::app::widgets::icon_button;
use crate::app::workspaces::Ctx;

/// Side of the field with the digit, of the swatch and of the lock, in points.
const KEY: f32 = 18.0;
const SWATCH: f32 = 14.0;
const LOCK: f32 = 24.0;

/// Width of the column of shares, in points.
const SHARES: f32 = 52.0;

/// What the user did in the list.
enum Happened {
    Chosen(u16),
    Edit(ClassEdit),
    Dialog(Wanted),
    Take(u16),
}

impl Annotate {
    /// Draws the list.
    pub(super) fn class_rows(&mut self, ui: &mut Ui, ctx: &Ctx) {
        let (Some(sheet), Some(open)) = (self.sheet(), self.project()) else {
            return;
        };
        let wanted = self.search.trim().to_lowercase();
        let classes: Vec<&ProjectClass> = open
            .project
            .listed()
            .filter(|class| wanted.is_empty() || class.name.to_lowercase().contains(&wanted))
            .collect();
        let all = sheet.all_pixels().max(1) as f64;
        let mut happened = None;
        ui.spacing_mut().item_spacing.y = 2.0;
        let rows = classes.len();
        egui::ScrollArea::vertical()
            .id_salt("annotated classes")
            .auto_shrink([false, true])
            .show_rows(ui, height::CLASS_ROW, rows, |ui, range| {
                for (place, class) in classes.iter().enumerate().take(range.end).skip(range.start) {
                    let row = Row {
                        class,
                        color: class.color,
                        share: sheet.pixels(class.id) as f64 / all,
                        chosen: self.class == class.id,
                        place,
                        last: place + 1 == rows,
                        can_take: self.can_take(ctx),
                    };
                    happened = row.show(ui).or(happened.take());
                }
            });
        if rows == 0 {
            ui.weak("No class has this name");
        }
        match happened {
            Some(Happened::Chosen(id)) => self.choose_class(id),
            Some(Happened::Edit(edit)) => self.edit_classes(edit, ctx),
            Some(Happened::Dialog(wanted)) => self.dialog.open(wanted),
            Some(Happened::Take(id)) => self.take_prediction(Taken::Class(id), ctx),
            None => {}
        }
    }
}

/// A row of the list.
struct Row<'a> {
    class: &'a ProjectClass,
    color: [u8; 3],
    /// Share of the photo.
    share: f64,
    /// Whether tools give it.
    chosen: bool,
    place: usize,
    last: bool,
    /// Whether there is a prediction to take it from.
    can_take: bool,
}

impl Row<'_> {
    fn show(&self, ui: &mut Ui) -> Option<Happened> {
        let class = self.class;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height::CLASS_ROW), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, self.chosen, &class.name));
        let tokens = Tokens::of(ui);
        let painter = ui.painter();
        let (fill, edge) = match (self.chosen, response.hovered()) {
            (true, _) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
            (false, true) => (tokens.hover, Stroke::NONE),
            (false, false) => (tokens.panel, Stroke::NONE),
        };
        let edge = match response.has_focus() {
            true => Stroke::new(1.5, tokens.accent_line),
            false => edge,
        };
        painter.rect_filled(rect, radius::CONTROL, fill);
        let strength = if ui.visuals().dark_mode { 0.2 } else { 0.3 };
        let bar = rect.with_max_x(rect.left() + rect.width() * self.share as f32);
        painter.rect_filled(bar, radius::CONTROL, data_color(self.color).gamma_multiply(strength));
        painter.rect_stroke(rect, radius::CONTROL, edge, StrokeKind::Inside);
        let middle = rect.center().y;
        let key = Rect::from_center_size(pos2(rect.left() + 17.0, middle), vec2(KEY, KEY));
        if let Some(digit) = class.key {
            painter.rect_stroke(key, radius::SMALL, Stroke::new(1.0, tokens.line), StrokeKind::Inside);
            let font = FontId::proportional(size::SMALL);
            painter.text(key.center(), Align2::CENTER_CENTER, digit, font, tokens.second);
        }
        let swatch = Rect::from_center_size(pos2(key.right() + 14.0, middle), vec2(SWATCH, SWATCH));
        painter.rect_filled(swatch, radius::SMALL, data_color(self.color));
        let share = match self.share {
            share if share > 0.0 && share < 0.0005 => "< 0.1 %".to_owned(),
            share => format!("{:.1} %", share * 100.0),
        };
        let at = pos2(rect.right() - 8.0, middle);
        let color = if self.share > 0.0 { tokens.second } else { tokens.faint };
        painter.text(at, Align2::RIGHT_CENTER, share, FontId::proportional(size::BODY), color);
        let lock = Rect::from_center_size(pos2(rect.right() - SHARES - 14.0, middle), vec2(LOCK, LOCK));
        let room = lock.left() - swatch.right() - 16.0;
        let text =
            WidgetText::from(medium(&class.name).color(if self.share > 0.0 { tokens.text } else { tokens.second }));
        let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), room, egui::TextStyle::Body);
        let at = pos2(swatch.right() + 10.0, middle - 0.5 * galley.size().y);
        ui.painter().galley(at, galley, tokens.text);
        let mut happened = None;
        if class.locked || self.chosen || ui.rect_contains_pointer(rect) || response.has_focus() {
            let (icon, name) = match class.locked {
                true => (Icon::Lock, format!("Unlock {}", class.name)),
                false => (Icon::LockOpen, format!("Lock {}", class.name)),
            };
            let mut place = ui.new_child(UiBuilder::new().max_rect(lock));
            let button = icon_button(&mut place, icon, &name, LOCK, false);
            if button.on_hover_text("Pixels of a locked class never change").clicked() {
                happened = Some(Happened::Edit(ClassEdit::Lock {
                    id: class.id,
                    locked: !class.locked,
                }));
            }
        }
        if response.clicked() {
            happened = Some(Happened::Chosen(class.id));
        }
        response.context_menu(|ui| {
            ui.set_min_width(200.0);
            if let Some(chosen) = self.menu(ui) {
                happened = Some(chosen);
                ui.close();
            }
        });
        happened
    }

    fn menu(&self, ui: &mut Ui) -> Option<Happened> {
        let class = self.class;
        let id = class.id;
        let mut chosen = None;
        let mut item = |ui: &mut Ui, enabled: bool, text: &str, what: Happened| {
            if ui.add_enabled(enabled, egui::Button::new(text)).clicked() {
                chosen = Some(what);
            }
        };
        item(ui, self.can_take, "Take from the prediction", Happened::Take(id));
        ui.separator();
        let lock = ClassEdit::Lock {
            id,
            locked: !class.locked,
        };
        item(
            ui,
            true,
            if class.locked { "Unlock" } else { "Lock" },
            Happened::Edit(lock),
        );
        item(ui, true, "Rename or recolour…", Happened::Dialog(Wanted::Change(id)));
        let up = ClassEdit::Move {
            id,
            to: self.place.saturating_sub(1),
        };
        item(ui, self.place > 0, "Move up", Happened::Edit(up));
        let down = ClassEdit::Move { id, to: self.place + 1 };
        item(ui, !self.last, "Move down", Happened::Edit(down));
        ui.separator();
        let unlocked = !class.locked;
        item(
            ui,
            unlocked,
            "Merge into another class…",
            Happened::Dialog(Wanted::Merge(id)),
        );
        item(ui, unlocked, "Delete…", Happened::Dialog(Wanted::Delete(id)));
        chosen
    }
}
