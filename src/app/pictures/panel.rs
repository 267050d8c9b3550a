//! The panel on the left.

use egui::{
    Align2, FontId, Key, Pos2, Rect, Response, RichText, ScrollArea, Sense, TextEdit, TextStyle, TextWrapMode, Ui,
    Vec2, WidgetText, vec2,
};

use super::{Entry, Pictures, State, Thumbnail};
use crate::app::App;
use crate::app::command::Command;
use crate::engine::Thumbnails;

/// Points of a row, without the gap to the next.
const ROW: f32 = 52.0;

/// Largest thumbnail in points.
const THUMBNAIL: Vec2 = Vec2::new(62.0, 46.0);

/// A search field is shown from so many pictures on.
const SEARCH_FROM: usize = 12;

/// Thumbnails that are kept at most, at 48 KiB each.
const MOST_THUMBNAILS: usize = 1000;

/// Rows beyond the visible ones whose thumbnails are made too.
const AHEAD: usize = 8;

impl App {
    pub(in crate::app) fn picture_list(&mut self, ui: &mut Ui, asked: &mut Vec<Command>) {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.strong("Pictures");
            let count = self.pictures.len();
            let note = match self.shows_wanted() {
                true => "",
                false if self.misses_wanted() => ", not shown",
                false => ", opening",
            };
            if count > 0 {
                ui.weak(format!("{} of {count}{note}", self.pictures.current() + 1));
            }
        });
        ui.horizontal_wrapped(|ui| {
            for (command, title) in [(Command::OpenFolder, "Folder…"), (Command::SegmentAll, "Segment all…")] {
                let button = ui.add_enabled(self.enabled(command), egui::Button::new(title).small());
                let button = button.accessible_name(command.title());
                if button.on_hover_text(command.tooltip(ui)).clicked() {
                    asked.push(command);
                }
            }
        });
        if self.batch.is_some() {
            // At the bottom, so that no row moves when a run begins or ends.
            let frame = egui::Frame::NONE.inner_margin(egui::Margin::symmetric(0, 6));
            egui::Panel::bottom("batch")
                .resizable(false)
                .frame(frame)
                .show(ui, |ui| self.batch_panel(ui, asked));
        }
        ui.separator();
        if let Some(index) = self.pictures.rows(ui, self.thumbnails.as_ref()) {
            self.open_picture(index);
        }
    }
}

/// Text without its middle, so that it is at most `width` points wide: names of a series differ at their ends.
fn shortened(ui: &Ui, text: &str, width: f32, font: &FontId) -> String {
    let fits = |text: &str| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font.clone(), egui::Color32::WHITE);
        galley.size().x <= width
    };
    if fits(text) {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let without_middle = |kept: usize| -> String {
        let head = kept.div_ceil(2);
        let tail = letters.len() - (kept - head);
        letters[..head].iter().chain(&['…']).chain(&letters[tail..]).collect()
    };
    // The most letters that fit.
    let (mut fitting, mut too_many) = (0, letters.len());
    while too_many - fitting > 1 {
        let middle = usize::midpoint(fitting, too_many);
        if fits(&without_middle(middle)) {
            fitting = middle;
        } else {
            too_many = middle;
        }
    }
    without_middle(fitting)
}

impl Pictures {
    /// Draws the rows; gives back which one was chosen.
    fn rows(&mut self, ui: &mut Ui, thumbnails: Option<&Thumbnails>) -> Option<usize> {
        if self.entries.len() >= SEARCH_FROM {
            let field = TextEdit::singleline(&mut self.search)
                .hint_text("Find a picture")
                .desired_width(f32::INFINITY);
            ui.add(field).accessible_name("Find a picture");
        }
        let search = self.needle();
        let listed: Vec<usize> = (0..self.entries.len())
            .filter(|i| self.is_listed(*i, &search))
            .collect();
        if listed.is_empty() {
            ui.weak(if self.entries.is_empty() {
                "No pictures are open."
            } else {
                "No picture has this name."
            });
            return None;
        }
        let mut chosen = None;
        let mut scroll = ScrollArea::vertical().auto_shrink(false).id_salt("pictures");
        let step = ROW + ui.spacing().item_spacing.y;
        if self.scroll_to_current
            && let Some(row) = listed.iter().position(|i| *i == self.current)
        {
            self.scroll_to_current = false;
            scroll = scroll.vertical_scroll_offset(self.offset_for(ui, row as f32 * step, step));
        }
        let output = scroll.show_rows(ui, ROW, listed.len(), |ui, range| {
            self.wish(thumbnails, &listed, range.clone());
            for &index in &listed[range] {
                let response = self.row(ui, index);
                if index == self.current && std::mem::take(&mut self.focus_current) {
                    response.request_focus();
                }
                if response.clicked() {
                    chosen = Some(index);
                } else if let Some(next) = self.move_by_keys(ui, &response, &listed, index) {
                    chosen = Some(next);
                }
            }
        });
        ui.data_mut(|d| d.insert_temp(egui::Id::unique("picture scroll"), output.state.clamped_offset().y));
        chosen
    }

    /// The scroll offset that shows the row at `top`, moved as little as possible.
    fn offset_for(&self, ui: &Ui, top: f32, step: f32) -> f32 {
        let now: f32 = ui
            .data(|d| d.get_temp(egui::Id::unique("picture scroll")))
            .unwrap_or(0.0);
        let room = ui.available_height().max(step);
        now.clamp((top + step - room).max(0.0), top.max(0.0))
    }

    /// Asks for the thumbnails of the visible rows and some after them.
    fn wish(&mut self, thumbnails: Option<&Thumbnails>, listed: &[usize], range: std::ops::Range<usize>) {
        let Some(thumbnails) = thumbnails else { return };
        self.drop_far_thumbnails(listed, &range);
        let until = (range.end + AHEAD).min(listed.len());
        let wished: Vec<_> = listed[range.start..until]
            .iter()
            .map(|i| &self.entries[*i])
            .filter(|e| matches!(e.thumbnail, Thumbnail::Unknown))
            .map(|e| e.source.clone())
            .collect();
        if wished != self.wished {
            self.wished.clone_from(&wished);
            thumbnails.want(wished);
        }
    }

    /// Forgets thumbnails far from the visible rows when there are many.
    fn drop_far_thumbnails(&mut self, listed: &[usize], visible: &std::ops::Range<usize>) {
        let is_made = |entry: &Entry| matches!(entry.thumbnail, Thumbnail::Made(_));
        if self.entries.iter().filter(|entry| is_made(entry)).count() <= MOST_THUMBNAILS {
            return;
        }
        let near = visible.start.saturating_sub(MOST_THUMBNAILS / 4)..visible.end + MOST_THUMBNAILS / 4;
        for (row, index) in listed.iter().enumerate() {
            if let Some(entry) = self
                .entries
                .get_mut(*index)
                .filter(|e| is_made(e) && !near.contains(&row))
            {
                entry.thumbnail = Thumbnail::Unknown;
            }
        }
    }

    /// Arrow keys on a focused row choose the one above or below.
    fn move_by_keys(&mut self, ui: &Ui, response: &Response, listed: &[usize], index: usize) -> Option<usize> {
        if !response.has_focus() {
            return None;
        }
        let arrows = egui::EventFilter {
            vertical_arrows: true,
            ..egui::EventFilter::default()
        };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
        let row = listed.iter().position(|i| *i == index)?;
        let step = |key| isize::from(ui.input(|i| i.key_pressed(key)));
        let to = row.checked_add_signed(step(Key::ArrowDown) - step(Key::ArrowUp))?;
        let chosen = listed.get(to).copied().filter(|_| to != row)?;
        self.focus_current = true;
        Some(chosen)
    }

    /// Draws a row.
    fn row(&self, ui: &mut Ui, index: usize) -> Response {
        let entry = &self.entries[index];
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        let state = entry.state.text();
        let selected = index == self.current;
        let name = match entry.state.failure() {
            Some(why) => format!("Picture {}, {state}: {why}", entry.name),
            None => format!("Picture {}, {state}", entry.name),
        };
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, ui.is_enabled(), selected, &name));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let visuals = ui.style().interact_selectable(&response, selected);
        let painter = ui.painter_at(rect);
        if selected || response.hovered() || response.has_focus() {
            painter.rect(
                rect,
                4.0,
                visuals.weak_bg_fill,
                visuals.bg_stroke,
                egui::StrokeKind::Inside,
            );
        }
        let frame = Rect::from_min_size(rect.min + vec2(3.0, 3.0), THUMBNAIL);
        match &entry.thumbnail {
            Thumbnail::Made(texture) => {
                let size = texture.size_vec2();
                let fitted = size * (THUMBNAIL.x / size.x).min(THUMBNAIL.y / size.y);
                let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
                let at = Rect::from_center_size(frame.center(), fitted.max(Vec2::splat(2.0)));
                painter.image(texture.id(), at, whole, egui::Color32::WHITE);
            }
            Thumbnail::Unknown | Thumbnail::Failed => {
                painter.rect_filled(frame, 3.0, ui.visuals().faint_bg_color);
                if matches!(entry.thumbnail, Thumbnail::Failed) {
                    let color = ui.visuals().error_fg_color;
                    painter.text(
                        frame.center(),
                        Align2::CENTER_CENTER,
                        "!",
                        FontId::proportional(20.0),
                        color,
                    );
                }
            }
        }
        let color = if selected {
            visuals.text_color()
        } else {
            ui.visuals().text_color()
        };
        let state_color = match entry.state {
            State::Failed(_) | State::Unreadable(_) => ui.visuals().error_fg_color,
            _ if selected => color,
            _ => ui.visuals().weak_text_color(),
        };
        // Painted, not added as labels: the row itself carries the name for screen readers.
        let mut cut = false;
        let mut at = egui::pos2(frame.right() + 8.0, rect.top() + 7.0);
        for (text, style, color) in [
            (&entry.name, TextStyle::Body, color),
            (&state, TextStyle::Small, state_color),
        ] {
            let width = rect.right() - 4.0 - at.x;
            let shortened = shortened(ui, text, width, &style.resolve(ui.style()));
            cut |= shortened != **text;
            let text = WidgetText::from(RichText::new(shortened).color(color));
            let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), width, style);
            let height = galley.size().y;
            painter.galley(at, galley, color);
            at.y += height + 3.0;
        }
        match entry.state.failure() {
            Some(why) => response.on_hover_text(format!("{}\n{why}", entry.name)),
            _ if cut => response.on_hover_text(&entry.name),
            _ => response,
        }
    }
}
