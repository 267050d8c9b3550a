//! The panel on the left: the open images with their states and thumbnails.

use std::collections::HashMap;
use std::ops::Range;

use egui::{
    Align2, Context, FontId, Key, Pos2, Rect, Response, RichText, ScrollArea, Sense, Stroke, TextEdit, TextStyle,
    TextWrapMode, TextureHandle, TextureOptions, Ui, Vec2, WidgetText, vec2,
};

use super::image_list_head::{heading_row, position, row_menu, shown_note};
use super::mask_thumbnails::MaskThumbnails;
use crate::annotate::project::ImageState;
use crate::app::action::{Action, Request};
use crate::app::state::{Image, Images, Sort, State};
use crate::app::theme::{Icon, Tokens, radius};
use crate::app::workspaces::Ctx;
use crate::engine::{ImageSource, Thumbnail as Made};

/// Height of a row in points, without the gap to the next.
const ROW: f32 = 76.0;

/// The same in the rail.
const RAIL_ROW: f32 = 52.0;

/// Largest thumbnail in points.
const THUMBNAIL: Vec2 = Vec2::new(84.0, 60.0);

/// Opacity of the masks over a thumbnail.
const MASKS: f32 = 0.5;

/// Number of images from which a search field is shown.
const SEARCH_FROM: usize = 12;

/// Maximum number of thumbnails in memory, at 48 KiB each.
const MAX_THUMBNAILS: usize = 1000;

/// Rows after the visible ones whose thumbnails are made too.
const AHEAD: usize = 8;

/// The list's thumbnails and focus.
#[derive(Default)]
pub(in crate::app) struct ImageList {
    thumbnails: HashMap<ImageSource, Thumbnail>,
    masks: MaskThumbnails,
    /// The thumbnails that were requested last, after the number of changes of the list at that time.
    wished: (u64, Vec<ImageSource>),
    /// The last move of the current image that the rows have scrolled to.
    followed: u64,
    /// The current row must take the keyboard focus, because an arrow key chose it.
    focus_current: bool,
}

enum Thumbnail {
    Made(TextureHandle),
    /// The image cannot be read.
    Failed,
}

impl ImageList {
    /// Takes a thumbnail.
    pub(in crate::app) fn take(&mut self, source: ImageSource, made: &Made, context: &Context) {
        let thumbnail = match made {
            Ok(photo) => {
                let image = egui::ColorImage::from_rgb([photo.width, photo.height], &photo.rgb);
                Thumbnail::Made(context.load_texture("thumbnail", image, TextureOptions::LINEAR))
            }
            Err(_) => Thumbnail::Failed,
        };
        self.thumbnails.insert(source, thumbnail);
    }

    /// The thumbnail of an image, if it has been made: it stands in while the image is opened.
    pub(in crate::app) fn thumbnail(&self, source: &ImageSource) -> Option<&TextureHandle> {
        match self.thumbnails.get(source)? {
            Thumbnail::Made(texture) => Some(texture),
            _ => None,
        }
    }

    /// Forgets a thumbnail so that it is made again, such as when the file has changed.
    pub(in crate::app) fn forget(&mut self, source: &ImageSource) {
        self.thumbnails.remove(source);
    }

    /// Forgets thumbnails of images that are no longer listed.
    pub(in crate::app) fn keep_listed(&mut self, images: &Images) {
        self.thumbnails.retain(|source, _| images.place(source).is_some());
        self.masks.retain(|source| images.place(source).is_some());
    }

    /// Draws the panel, as a rail of thumbnails if `rail`.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx, rail: bool) {
        match rail {
            true => position(ui, ctx),
            false => heading_row(ui, ctx),
        }
        if let Some(index) = self.rows(ui, ctx, rail) {
            ctx.send(Action::GoTo(index));
        }
    }

    /// Draws the rows, and returns the index of the image that was chosen.
    fn rows(&mut self, ui: &mut Ui, ctx: &Ctx, rail: bool) -> Option<usize> {
        let images = &ctx.state.library.images;
        if images.len() >= SEARCH_FROM && !rail {
            let mut arrangement = images.arrangement.clone();
            let field = TextEdit::singleline(&mut arrangement.search)
                .hint_text("Find a photo")
                .desired_width(f32::INFINITY);
            if ui.add(field).accessible_name("Find a photo").changed() {
                ctx.send(Action::Arrange(arrangement));
            }
        }
        let listed = images.listed().to_vec();
        if !images.arrangement.lists_all() && !rail {
            shown_note(ui, ctx, listed.len());
        }
        if listed.is_empty() {
            if images.len() == 0 {
                ui.weak("No photos are open.");
            }
            return None;
        }
        let mut chosen = None;
        let mut scroll = ScrollArea::vertical().auto_shrink(false).id_salt("pictures");
        let height = if rail { RAIL_ROW } else { ROW };
        let step = height + ui.spacing().item_spacing.y;
        let current = images.current();
        if self.followed != images.moves()
            && let Some(row) = listed.iter().position(|i| *i == current)
        {
            self.followed = images.moves();
            scroll = scroll.vertical_scroll_offset(offset_for(ui, row as f32 * step, step));
        }
        let output = scroll.show_rows(ui, height, listed.len(), |ui, range| {
            self.request(ctx, &listed, range.clone());
            for &index in &listed[range] {
                let Some(image) = images.get(index) else { continue };
                let response = self.row(ui, ctx, image, (index == current, rail));
                response.context_menu(|ui| row_menu(ui, ctx, image));
                if index == current && std::mem::take(&mut self.focus_current) {
                    response.request_focus();
                }
                if response.clicked() {
                    chosen = Some(index);
                } else if let Some(next) = self.move_by_keys(ui, &response, &listed, index) {
                    chosen = Some(next);
                }
            }
        });
        ui.data_mut(|d| d.insert_temp(egui::Id::unique("photo scroll"), output.state.clamped_offset().y));
        chosen
    }

    /// Requests the thumbnails of the visible rows and some after them.
    fn request(&mut self, ctx: &Ctx, listed: &[usize], range: Range<usize>) {
        let images = &ctx.state.library.images;
        self.drop_far_thumbnails(ctx, listed, &range);
        let until = (range.end + AHEAD).min(listed.len());
        let wished: Vec<_> = listed[range.start..until]
            .iter()
            .filter_map(|i| images.source(*i))
            .filter(|source| !self.thumbnails.contains_key(source))
            .cloned()
            .collect();
        let wished = (images.changes(), wished);
        if wished != self.wished {
            self.wished.clone_from(&wished);
            ctx.request(Request::WantThumbnails(wished.1));
        }
    }

    /// Forgets thumbnails far from the visible rows when there are many.
    fn drop_far_thumbnails(&mut self, ctx: &Ctx, listed: &[usize], visible: &Range<usize>) {
        if self.thumbnails.len() <= MAX_THUMBNAILS {
            return;
        }
        let from = visible.start.saturating_sub(MAX_THUMBNAILS / 4);
        let until = (visible.end + MAX_THUMBNAILS / 4).min(listed.len());
        let images = &ctx.state.library.images;
        let near: Vec<&ImageSource> = listed[from..until]
            .iter()
            .filter_map(|index| images.source(*index))
            .collect();
        self.thumbnails.retain(|source, _| near.contains(&source));
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
    fn row(&mut self, ui: &mut Ui, ctx: &Ctx, entry: &Image, (selected, rail): (bool, bool)) -> Response {
        let height = if rail { RAIL_ROW } else { ROW };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        // In the annotate workspace the list is a queue.
        let annotated = entry
            .annotated
            .filter(|_| ctx.is_open("Annotate") && entry.state.failure().is_none());
        let state = match annotated {
            Some(annotated) => annotated.title().to_owned(),
            None => second_line(entry, ctx.state.library.images.arrangement.sort),
        };
        let name = match (entry.state.failure(), annotated) {
            (Some(why), _) => format!("Photo {}, {state}: {why}", entry.name),
            (None, Some(_)) => format!("Photo {}, {state}", entry.name),
            (None, None) => format!("Photo {}, {}", entry.name, entry.state.spoken()),
        };
        let tokens = Tokens::of(ui);
        let mark = annotated.map_or_else(
            || state_mark(&entry.state, tokens),
            |annotated| annotation_mark(annotated, tokens),
        );
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, ui.is_enabled(), selected, &name));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let painter = ui.painter_at(rect);
        let (fill, edge) = match (selected, response.hovered()) {
            (true, _) => (tokens.selection, Stroke::new(1.0, tokens.accent_line)),
            (false, true) => (tokens.hover, Stroke::NONE),
            (false, false) => (egui::Color32::TRANSPARENT, Stroke::NONE),
        };
        let edge = if response.has_focus() {
            Stroke::new(1.5, tokens.accent_line)
        } else {
            edge
        };
        painter.rect(rect, radius::CONTROL, fill, edge, egui::StrokeKind::Inside);
        if rail {
            self.paint_thumbnail(ui, ctx, rect.shrink(4.0), entry);
            let (icon, color) = mark;
            if let Some(icon) = icon {
                let at = rect.right_bottom() - Vec2::splat(11.0);
                painter.circle_filled(at, 9.0, tokens.panel);
                let font = FontId::proportional(12.0);
                painter.text(at - vec2(0.0, 1.5), Align2::CENTER_CENTER, icon.unicode(), font, color);
            }
            let failure = entry.state.failure().map(|why| format!("\n{why}")).unwrap_or_default();
            return response.on_hover_text(format!("{}, {state}{failure}", entry.name));
        }
        let frame = Rect::from_min_size(rect.min + Vec2::splat(8.0), THUMBNAIL);
        self.paint_thumbnail(ui, ctx, frame, entry);
        let left = frame.right() + 10.0;
        let top = rect.center().y - 20.0;
        let (icon, state_color) = mark;
        if let Some(icon) = icon {
            let at = egui::pos2(left, top + 26.0);
            painter.text(
                at,
                Align2::LEFT_CENTER,
                icon.unicode(),
                FontId::proportional(14.0),
                state_color,
            );
        }
        let indent = if icon.is_some() { 20.0 } else { 0.0 };
        let right = rect.right() - 8.0;
        let cut = [
            (&entry.name, TextStyle::Body, tokens.text, egui::pos2(left, top)),
            (
                &state,
                TextStyle::Small,
                state_color,
                egui::pos2(left + indent, top + 20.0),
            ),
        ]
        .map(|(text, style, color, at)| paint_text(ui, &painter, (at, right), text, &style, color));
        let cut = cut.contains(&true);
        match entry.state.failure() {
            Some(why) => response.on_hover_text(format!("{}\n{why}", entry.name)),
            _ if cut => response.on_hover_text(&entry.name),
            _ => response,
        }
    }

    /// Paints the photo with its masks, once these exist.
    fn paint_thumbnail(&mut self, ui: &Ui, ctx: &Ctx, frame: Rect, entry: &Image) {
        let thumbnail = match self.thumbnails.get(&entry.source) {
            Some(Thumbnail::Made(texture)) => texture,
            failed => {
                let painter = ui.painter();
                painter.rect_filled(frame, radius::SMALL, ui.visuals().faint_bg_color);
                if failed.is_some() {
                    let (at, font) = (frame.center(), FontId::proportional(20.0));
                    let color = Tokens::of(ui).faint;
                    painter.text(at, Align2::CENTER_CENTER, Icon::ImageOff.unicode(), font, color);
                }
                return;
            }
        };
        let size = thumbnail.size_vec2();
        let fitted = size * (frame.width() / size.x).min(frame.height() / size.y);
        let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
        let at = Rect::from_center_size(frame.center(), fitted.max(Vec2::splat(2.0)));
        let paint = |texture: &TextureHandle, opacity: f32| {
            egui::Image::from_texture(egui::load::SizedTexture::from_handle(texture))
                .uv(whole)
                .tint(egui::Color32::WHITE.gamma_multiply(opacity))
                .corner_radius(radius::SMALL)
                .paint_at(ui, at);
        };
        paint(thumbnail, 1.0);
        if matches!(entry.state, State::Done(_))
            && let Some(masks) = self.masks.of(ui.ctx(), ctx, &entry.source)
        {
            paint(masks, MASKS);
        }
    }
}

/// What the list says below a name: the state, and the value that it is sorted by.
fn second_line(entry: &Image, sort: Sort) -> String {
    let state = entry.state.text();
    match (&entry.state, sort, entry.score) {
        (State::Done(found), Sort::Confidence, _) => format!("{state}, {:.0} % sure", found.confidence * 100.0),
        (_, Sort::Score, Some(score)) => format!("mIoU {:.1}", score * 100.0),
        _ => state,
    }
}

/// The icon and the colour of a state.
fn state_mark(state: &State, tokens: &Tokens) -> (Option<Icon>, egui::Color32) {
    match state {
        State::NotSegmented => (None, tokens.second),
        State::Waiting => (Some(Icon::Clock4), tokens.second),
        State::Running => (Some(Icon::LoaderCircle), tokens.accent_line),
        State::Done { .. } => (Some(Icon::Check), tokens.good),
        State::Failed(_) | State::Unreadable(_) => (Some(Icon::TriangleAlert), tokens.warning),
    }
}

/// The icon and the colour of how far an annotation is.
fn annotation_mark(state: ImageState, tokens: &Tokens) -> (Option<Icon>, egui::Color32) {
    match state {
        ImageState::New => (None, tokens.second),
        ImageState::Predicted => (Some(Icon::Clock4), tokens.second),
        ImageState::InProgress => (Some(Icon::Pencil), tokens.accent_line),
        ImageState::Done => (Some(Icon::Check), tokens.good),
        ImageState::Flagged => (Some(Icon::Flag), tokens.warning),
        ImageState::Skipped => (Some(Icon::SkipForward), tokens.second),
    }
}

/// Paints a line from `at` up to `right`; true if it had to be shortened.
fn paint_text(
    ui: &Ui,
    painter: &egui::Painter,
    (at, right): (Pos2, f32),
    text: &str,
    style: &TextStyle,
    color: egui::Color32,
) -> bool {
    // Painted, not added as labels: the row itself carries the name for screen readers.
    let width = right - at.x;
    let shortened = shortened(ui, text, width, &style.resolve(ui.style()));
    let cut = shortened != *text;
    let text = WidgetText::from(RichText::new(shortened).color(color));
    let galley = text.into_galley(ui, Some(TextWrapMode::Truncate), width, style.clone());
    painter.galley(at, galley, color);
    cut
}

/// The scroll offset that shows the row at `top`, moved as little as possible.
fn offset_for(ui: &Ui, top: f32, step: f32) -> f32 {
    let now: f32 = ui.data(|d| d.get_temp(egui::Id::unique("photo scroll"))).unwrap_or(0.0);
    let room = ui.available_height().max(step);
    now.clamp((top + step - room).max(0.0), top.max(0.0))
}

/// Text without its middle, at most `width` points wide, because the names of a series differ at their ends.
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
