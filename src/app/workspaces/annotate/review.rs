//! How far the annotation of the photo is, and the next place to look at.

use egui::{RichText, Ui};

use super::Annotate;
use super::accepting::result_of;
use super::chips::thousands;
use crate::annotate::UNLABELLED;
use crate::annotate::project::ImageState;
use crate::app::action::{Action, Request};
use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, heading, size};
use crate::app::widgets::{icon_button, primary_button};
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationRequest, ImageSource};
use crate::labels::LabelMap;

/// Side of the squares in which the mean confidence is looked at, as a share of the photo's longer side.
const SQUARES: usize = 16;

/// The next place to look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UnsurePlace {
    /// Column and row of its upper left corner, and its width and height, in pixels of the photo.
    at: [usize; 2],
    size: [usize; 2],
    /// Mean confidence of the model there, or share of the pixels on which two agree, 0..=1.
    confidence: f32,
    /// What the number says.
    of: &'static str,
}

impl UnsurePlace {
    /// An area of which nothing else is known.
    pub(super) fn around(at: [usize; 2], size: [usize; 2]) -> Self {
        Self {
            at,
            size,
            ..Self::default()
        }
    }

    /// Its upper left and lower right corner.
    pub(super) fn corners(&self) -> [[f64; 2]; 2] {
        let [x, y] = self.at.map(|side| side as f64);
        let [width, height] = self.size.map(|side| side as f64);
        [[x, y], [x + width, y + height]]
    }
}

/// The square with the lowest mean, without those that were looked at. `share` is asked for some pixels by their index,
/// row by row, and says something between 0 and 65535.
fn lowest(size: [usize; 2], looked_at: &[[usize; 2]], share: impl Fn(usize) -> u16) -> Option<UnsurePlace> {
    let [width, height] = size;
    let side = (width.max(height) / SQUARES).max(8);
    let mut least: Option<UnsurePlace> = None;
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            if looked_at.contains(&[left, top]) {
                continue;
            }
            let size = [side.min(width - left), side.min(height - top)];
            // Every fourth pixel of every fourth row tells enough.
            let (mut sum, mut count) = (0u64, 0u64);
            for y in (top..top + size[1]).step_by(4) {
                for x in (left..left + size[0]).step_by(4) {
                    sum += u64::from(share(y * width + x));
                    count += 1;
                }
            }
            let mean = sum as f32 / count.max(1) as f32 / 65535.0;
            if least.as_ref().is_none_or(|least| mean < least.confidence) {
                least = Some(UnsurePlace {
                    at: [left, top],
                    size,
                    confidence: mean,
                    of: "",
                });
            }
        }
    }
    least
}

/// The square in which the model is least sure, without those that were looked at.
fn least_sure(map: &LabelMap, confidence: &[u16], looked_at: &[[usize; 2]]) -> Option<UnsurePlace> {
    let sure = |at: usize| confidence.get(at).copied().unwrap_or(u16::MAX);
    let place = lowest([map.width, map.height], looked_at, sure)?;
    Some(UnsurePlace {
        of: "Least sure in the frame",
        ..place
    })
}

impl Annotate {
    /// Draws the state of the photo, and what can be done with it; less in a low panel.
    pub(super) fn review(&mut self, ui: &mut Ui, ctx: &Ctx, low: bool) {
        let Some(sheet) = self.sheet() else { return };
        let tokens = Tokens::of(ui);
        let record = sheet.record.clone();
        let (place, root) = (sheet.labels.display().to_string(), sheet.root.display().to_string());
        let unlabelled = sheet.unlabelled();
        ui.horizontal(|ui| {
            ui.label(heading("Review"))
                .on_hover_text(format!("Project: {}\nLabels: {place}", root));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let text = match record.changed_after_done {
                    true => "Changed after done",
                    false => record.state.title(),
                };
                ui.label(RichText::new(format!("{} {text}", icon_of(record.state).unicode())).color(tokens.second));
            });
        });
        let numbers = [
            ("Edited so far", format!("{} px", thousands(record.edited_px))),
            ("Unlabelled", format!("{} px", thousands(unlabelled))),
        ];
        for (name, value) in numbers.into_iter().skip(usize::from(low)) {
            ui.horizontal(|ui| {
                ui.label(RichText::new(name).color(tokens.second));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| ui.label(value));
            });
        }
        if !low {
            self.specks_line(ui, ctx);
            self.borders_line(ui, ctx);
        }
        if let Some(place) = &self.unsure {
            let text = format!("{}: {:.0} %", place.of, place.confidence * 100.0);
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.second));
        }
        ui.horizontal(|ui| {
            let done = record.state == ImageState::Done && !record.changed_after_done;
            let text = if done { "Done" } else { "Mark done" };
            let button = ui
                .add_enabled(!done, primary_button(ui, Icon::Check, text))
                .accessible_name(text);
            if button.on_hover_text(Command::MarkDone.tooltip(ui)).clicked() {
                ctx.perform(Command::MarkDone);
            }
            for (icon, command, state) in [
                (Icon::Flag, Command::FlagImage, ImageState::Flagged),
                (Icon::SkipForward, Command::SkipImage, ImageState::Skipped),
            ] {
                let button = icon_button(ui, icon, command.title(), 32.0, record.state == state);
                if button.on_hover_text(command.tooltip(ui)).clicked() {
                    ctx.perform(command);
                }
            }
            let has_result = result_of(ctx).is_some();
            ui.add_enabled_ui(has_result, |ui| {
                let button = icon_button(ui, Icon::ScanSearch, Command::NextUnsure.title(), 32.0, false);
                if button.on_hover_text(Command::NextUnsure.tooltip(ui)).clicked() {
                    ctx.perform(Command::NextUnsure);
                }
            });
        });
    }

    /// Sets the state of the photo; the same state again takes it back to what the edits say.
    pub(super) fn set_state(&mut self, state: ImageState, ctx: &Ctx) {
        self.release(ctx);
        let Some(sheet) = self.sheet_mut() else { return };
        let record = &mut sheet.record;
        let new = match record.state == state && state != ImageState::Done {
            true if record.edited_px > 0 => ImageState::InProgress,
            true => ImageState::New,
            false => state,
        };
        record.set_state(new);
        let (image, record) = (sheet.image.clone(), record.clone());
        self.note_record(ctx);
        ctx.request(Request::Annotate(Box::new(AnnotationRequest::Record { image, record })));
    }

    /// Notes what is known of the photo, and tells the list of photos.
    pub(super) fn note_record(&mut self, ctx: &Ctx) {
        let Some(source) = &self.current else { return };
        let Some(sheet) = self.sheets.get(source) else { return };
        let Some(open) = self.projects.get_mut(&sheet.root) else {
            return;
        };
        let record = &sheet.record;
        let known = open.records.get(&record.path);
        if known == Some(record) {
            return;
        }
        if known.is_none_or(|known| known.state != record.state) {
            ctx.send(Action::NoteAnnotated(vec![(source.clone(), Some(record.state))]));
        }
        open.records.insert(record.path.clone(), record.clone());
    }

    /// Tells the list how far the photos of a project are.
    pub(super) fn tell_states(&self, root: &std::path::Path, ctx: &Ctx) {
        let Some(open) = self.projects.get(root) else { return };
        let state_of = |source: &ImageSource| {
            let below = source.file()?.strip_prefix(root).ok()?;
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            let record = open.records.get(&parts.join("/"));
            Some((
                source.clone(),
                Some(record.map_or(ImageState::New, |record| record.state)),
            ))
        };
        let states = ctx.state.library.images.sources().filter_map(state_of);
        ctx.send(Action::NoteAnnotated(states.collect()));
    }

    /// Shows the place where the model is least sure, and at the next call the one after it.
    pub(super) fn next_unsure(&mut self, ctx: &Ctx) {
        let (Some(result), Some(document)) = (result_of(ctx), ctx.document()) else {
            return;
        };
        let source = &document.photo.source;
        let mut looked_at = match self.looked_at.take() {
            Some((of, places)) if of == *source => places,
            _ => Vec::new(),
        };
        let labels = &result.prediction.labels;
        let place = least_sure(&labels.map, &labels.confidence, &looked_at).or_else(|| {
            looked_at.clear();
            least_sure(&labels.map, &labels.confidence, &looked_at)
        });
        self.show_place(place, (source.clone(), looked_at), ctx);
    }

    /// Shows where another model disagrees most with the one in use, or the labels if no other has seen the photo; at the
    /// next call the place after that.
    pub(super) fn next_disagreement(&mut self, ctx: &Ctx) {
        let (Some(result), Some(document)) = (result_of(ctx), ctx.document()) else {
            return;
        };
        let source = &document.photo.source;
        let looked_at = match self.looked_at.take() {
            Some((of, places)) if of == *source => places,
            _ => Vec::new(),
        };
        let is_other = |other: &&crate::engine::Segmented| {
            other.photo.id == result.photo.id
                && (other.model.id, other.output) != (result.model.id, result.output)
                && other.model.classes.has_names_of(&result.model.classes)
        };
        let results = ctx.state.library.results.iter().map(|(_, other)| other);
        let other = results.into_iter().find(is_other);
        let ids = &result.prediction.labels.map.ids;
        let size = [document.photo.photo.width, document.photo.photo.height];
        let agree = |same: bool| if same { u16::MAX } else { 0 };
        let find = |looked_at: &[[usize; 2]]| match (other, self.sheet(), self.project()) {
            (Some(other), ..) => {
                let others = &other.prediction.labels.map.ids;
                let place = lowest(size, looked_at, |at| agree(ids.get(at) == others.get(at)))?;
                Some(UnsurePlace {
                    of: "Agreement of two models in the frame",
                    ..place
                })
            }
            (None, Some(sheet), Some(open)) => {
                let taken_as = super::accepting::ids_by_name(&result.model.classes, &open.project);
                let labels = &sheet.map().ids;
                let id_of = |at: usize| taken_as.get(usize::from(*ids.get(at)?)).copied().flatten();
                let place = lowest(size, looked_at, |at| {
                    let label = labels.get(at).copied();
                    agree(label == Some(UNLABELLED) || label == id_of(at))
                })?;
                Some(UnsurePlace {
                    of: "Agreement of labels and model in the frame",
                    ..place
                })
            }
            _ => None,
        };
        let place = find(&looked_at).or_else(|| find(&[]));
        self.show_place(place, (source.clone(), looked_at), ctx);
    }

    /// Moves the photo so that a place fills a third of the canvas.
    fn show_place(
        &mut self,
        place: Option<UnsurePlace>,
        (source, mut looked_at): (ImageSource, Vec<[usize; 2]>),
        ctx: &Ctx,
    ) {
        if let Some(place) = &place {
            looked_at.push(place.at);
            Self::point_camera(place, ctx);
        }
        self.unsure = place;
        self.looked_at = Some((source, looked_at));
    }

    /// Shows a place that was asked for.
    pub(super) fn look_at(&mut self, place: UnsurePlace, ctx: &Ctx) {
        Self::point_camera(&place, ctx);
        self.unsure = Some(place);
    }

    fn point_camera(place: &UnsurePlace, ctx: &Ctx) {
        if let Some(document) = ctx.document() {
            let middle = [0, 1].map(|i| (place.at[i] as f32) + 0.5 * place.size[i] as f32);
            let mut camera = ctx.state.canvas.camera;
            let photo = &document.photo.photo;
            if let Some(area) = ctx.state.canvas.area {
                let wanted = area.size().min_elem() / 3.0 / place.size[0].max(place.size[1]) as f32;
                camera.zoom_by(wanted / camera.zoom());
            }
            camera.look_at(
                egui::Vec2::from(middle),
                egui::vec2(photo.width as f32, photo.height as f32),
            );
            ctx.send(Action::Camera(camera));
        }
    }
}

fn icon_of(state: ImageState) -> Icon {
    match state {
        ImageState::New => Icon::Circle,
        ImageState::Predicted => Icon::Clock4,
        ImageState::InProgress => Icon::Pencil,
        ImageState::Done => Icon::Check,
        ImageState::Flagged => Icon::Flag,
        ImageState::Skipped => Icon::SkipForward,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_from_the_least_sure_on() {
        let (width, height) = (320, 160);
        let map = LabelMap {
            width,
            height,
            ids: vec![0; width * height],
        };
        let confidence: Vec<u16> = (0..width * height)
            .map(|at| match (at % width / 20, at / width / 20) {
                (3, 2) => 20_000,
                (9, 7) => 10_000,
                _ => 60_000,
            })
            .collect();
        let first = least_sure(&map, &confidence, &[]).expect("a place");
        assert_eq!((first.at, first.size), ([180, 140], [20, 20]));
        let second = least_sure(&map, &confidence, &[first.at]).expect("a place");
        assert_eq!(second.at, [60, 40]);
        assert_eq!(second.corners(), [[60.0, 40.0], [80.0, 60.0]]);
    }
}
