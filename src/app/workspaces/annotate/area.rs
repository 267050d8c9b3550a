//! Areas that tools find: what they would change is shown below the pointer, and a click changes or selects it.

use std::collections::HashSet;
use std::sync::Arc;

use egui::{Modifiers, Pos2, Ui};

use super::Annotate;
use super::painting::{Doing, Frame, write};
use super::tool::Tool;
use super::veil::Grid;
use crate::annotate::tools::{Alike, Cells, all_like, holes, region};
use crate::annotate::{Selection, Span, UNLABELLED};
use crate::app::action::Request;
use crate::app::theme::{data_color, shade};
use crate::app::workspaces::Ctx;
use crate::engine::{AnnotationRequest, Find, Segmented};

/// Opacity of what would change.
const PREVIEW: f32 = 0.55;

/// Points that the pointer moves for one step of the wand's tolerance.
const STEP: f32 = 2.0;

/// The pixels that tools may change, chosen by the user.
#[derive(Clone)]
pub(super) struct Selected {
    pub(super) selection: Arc<Selection>,
    pub(super) pixels: u64,
}

/// The superpixels of a photo, or what was asked for.
#[derive(Default)]
pub(super) struct CellsOfPhoto {
    /// Number of the photo, side of a cell, and whether they follow the tokens.
    asked: Option<(u64, usize, bool)>,
    known: Option<(u64, usize, bool, Arc<Cells>)>,
}

impl CellsOfPhoto {
    pub(super) fn take(&mut self, (id, side, by_tokens): (u64, usize, bool), cells: &Arc<Cells>) {
        if self.asked.take_if(|asked| *asked == (id, side, by_tokens)).is_some() {
            self.known = Some((id, side, by_tokens, cells.clone()));
        }
    }
}

/// What the preview below the pointer shows: it is drawn again when one of these changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PreviewKey {
    tool: Tool,
    /// The pixel below the pointer; for areas of the labels and the prediction, one pixel of the area.
    pixel: [usize; 2],
    edits: u64,
    class: u16,
    /// The tolerance of the wand, or the number of the cell.
    setting: u32,
    photo: u64,
}

/// How an area is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Takes classes away, or pixels out of the selection.
    pub(super) erases: bool,
    /// Adds to the selection instead of replacing it.
    pub(super) adds: bool,
}

impl Use {
    pub(super) fn of(modifiers: Modifiers) -> Self {
        Self {
            erases: modifiers.alt,
            adds: modifiers.shift,
        }
    }
}

impl Annotate {
    /// Gives the pixels of an area the chosen class, or selects them.
    pub(super) fn give(&mut self, ctx: &Ctx, spans: &[Span], press: Option<[usize; 2]>, used: Use) {
        if self.changing_classes {
            return;
        }
        if self.settings.selects {
            return self.select(spans, used);
        }
        let class = self.given(used.erases);
        let document = ctx.document();
        let document = document.filter(|document| Some(&document.photo.source) == self.current.as_ref());
        let rules = self.rules(ctx, document.and_then(|document| document.result.as_ref()));
        let names = self.namer();
        let Some(sheet) = self.sheet_mut() else { return };
        sheet.layer.begin(rules, press);
        write(sheet, ctx, spans, class);
        sheet.commit(ctx, |commit| names.name(commit));
    }

    /// Selects pixels, adds them to the selection or takes them out of it.
    fn select(&mut self, spans: &[Span], used: Use) {
        let Some(size) = self.sheet().map(|sheet| sheet.layer.size()) else {
            return;
        };
        let before = self
            .selected
            .as_ref()
            .map(|selected| selected.selection.as_ref().clone());
        let selection = match (before, used) {
            (Some(before), Use { erases: true, .. }) => before.with(spans, false),
            (Some(before), Use { adds: true, .. }) => before.with(spans, true),
            (None, Use { erases: true, .. }) => return,
            _ => Selection::of(size, spans),
        };
        let pixels = selection.pixels();
        self.selected = (pixels > 0).then(|| Selected {
            selection: Arc::new(selection),
            pixels,
        });
    }

    /// Removes the selection.
    pub(super) fn deselect(&mut self) {
        self.selected = None;
    }

    /// The pixels that a click with a tool at a pixel means; `None` if that cannot be told, which is said then.
    pub(super) fn area_at(&self, frame: &Frame, pixel: [usize; 2]) -> Option<Vec<Span>> {
        let map = self.sheet()?.map();
        let size = [map.width, map.height];
        let mut spans = match self.tool {
            Tool::Fill if self.settings.fills_all => all_like(map, pixel),
            Tool::Fill => region(map, pixel),
            Tool::Region => match frame.result {
                Some(result) => region(&result.prediction.labels.map, pixel),
                None => {
                    frame.ctx.actions().info("There is no prediction of this photo yet");
                    return None;
                }
            },
            Tool::Wand => match self.alike(frame.ctx, pixel) {
                Some(alike) => alike.connected(size, pixel),
                None => {
                    let text = self
                        .tokens
                        .failure()
                        .unwrap_or("The tokens of this photo are still being computed");
                    frame.ctx.actions().info(text.to_owned());
                    return None;
                }
            },
            _ => return None,
        };
        let enclosed = holes(&spans, size, self.settings.holes);
        spans.extend(enclosed);
        Some(spans)
    }

    /// The pixels that resemble one, if that is known.
    fn alike<'a>(&'a self, ctx: &Ctx<'a>, pixel: [usize; 2]) -> Option<Alike<'a>> {
        match self.settings.wand_by_tokens {
            true => Some(Alike::by_value(
                self.tokens.similarity(pixel)?,
                self.settings.similarity,
            )),
            false => Alike::by_color(&ctx.document()?.photo.photo, pixel, self.settings.tolerance),
        }
    }

    /// A drag with the wand changes its tolerance: to the right for more, to the left for less.
    pub(super) fn drag_wand(&mut self, points: f32) {
        let steps = points / STEP;
        match self.settings.wand_by_tokens {
            true => self.settings.similarity = (self.settings.similarity - 0.005 * steps).clamp(0.0, 1.0),
            false => {
                let tolerance = f32::from(self.settings.tolerance) + steps;
                self.settings.tolerance = tolerance.round().clamp(0.0, 255.0) as u8;
            }
        }
    }

    /// The superpixels of the photo, if they are known; they are asked for otherwise.
    pub(super) fn cells(&mut self, ctx: &Ctx) -> Option<Arc<Cells>> {
        let photo = &ctx.document()?.photo;
        let by_tokens = self.settings.cells_by_tokens && self.tokens.failure().is_none();
        let wanted = (photo.id, self.settings.cell_side, by_tokens);
        if let Some((id, side, tokens, cells)) = &self.cells.known
            && (*id, *side, *tokens) == wanted
        {
            return Some(cells.clone());
        }
        if self.cells.asked != Some(wanted) {
            let tokens = match by_tokens {
                true => self.tokens.features()?.to_vec(),
                false => Vec::new(),
            };
            self.cells.asked = Some(wanted);
            ctx.request(Request::Annotate(Box::new(AnnotationRequest::Find(Find::Cells {
                photo: photo.photo.clone(),
                id: photo.id,
                side: wanted.1,
                tokens,
            }))));
        }
        None
    }

    /// Begins to paint whole cells.
    pub(super) fn begin_cells(&mut self, frame: &Frame, at: Pos2, modifiers: Modifiers) {
        let place = frame.happened.place_in_photo(at);
        let used = Use::of(modifiers);
        if self.cells(frame.ctx).is_none() {
            return frame
                .ctx
                .actions()
                .info("The superpixels of this photo are still being found");
        }
        if !self.settings.selects {
            let rules = self.rules(frame.ctx, frame.result);
            let press = self.pixel_at(place);
            let Some(sheet) = self.sheet_mut() else { return };
            sheet.layer.begin(rules, press);
        }
        self.doing = Doing::Cells {
            last: place,
            used,
            seen: HashSet::new(),
            area: Vec::new(),
        };
        self.paint_cells(frame.ctx, place);
    }

    /// Paints the cells on the way to a place.
    pub(super) fn paint_cells(&mut self, ctx: &Ctx, to: [f64; 2]) {
        let Some(cells) = self.cells(ctx) else { return };
        let Doing::Cells {
            mut last,
            used,
            mut seen,
            mut area,
        } = std::mem::take(&mut self.doing)
        else {
            return;
        };
        let way = (to[0] - last[0]).hypot(to[1] - last[1]);
        // No cell of the way is missed, however fast the pointer moves.
        let steps = (way / (self.settings.cell_side as f64 / 6.0).max(1.0))
            .ceil()
            .clamp(1.0, 10_000.0);
        let mut spans = Vec::new();
        for step in 1..=steps as usize {
            let share = step as f64 / steps;
            let place = [0, 1].map(|i| last[i] + (to[i] - last[i]) * share);
            let cell = self.pixel_at(place).and_then(|pixel| cells.at(pixel));
            if let Some(cell) = cell.filter(|cell| seen.insert(*cell)) {
                spans.extend(cells.spans(cell));
            }
        }
        last = to;
        if self.settings.selects {
            area.extend(spans);
        } else {
            let class = self.given(used.erases);
            if let Some(sheet) = self.sheet_mut() {
                write(sheet, ctx, &spans, class);
            }
        }
        self.doing = Doing::Cells { last, used, seen, area };
    }

    /// Draws again what a click would change, if that has changed.
    pub(super) fn update_preview(&mut self, ui: &Ui, frame: &Frame) {
        let pressed = match &self.doing {
            Doing::Wand { pixel, .. } => Some(*pixel),
            Doing::Nothing => frame.happened.cursor,
            _ => None,
        };
        let wanted = pressed.filter(|_| self.tool.finds_areas() && !self.moves_photo);
        let Some(key) = wanted.and_then(|pixel| self.preview_key(frame.ctx, pixel)) else {
            return self.preview.clear();
        };
        if self.preview.key() == Some(&key) {
            return;
        }
        let Some((grid, points)) = self.preview_points(frame, &key) else {
            return self.preview.clear();
        };
        let color = match (self.settings.selects, key.class) {
            (true, _) => shade(150),
            (false, class) => {
                let color = self.project().map_or([128; 3], |open| open.set.color(class));
                data_color(color).gamma_multiply(PREVIEW)
            }
        };
        let clear = egui::Color32::TRANSPARENT;
        let colors = points.into_iter().map(|inside| if inside { color } else { clear });
        self.preview.set(ui.ctx(), key, grid, colors.collect());
    }

    /// The key of the preview for a pixel. Within an area that is shown it stays the same.
    fn preview_key(&mut self, ctx: &Ctx, pixel: [usize; 2]) -> Option<PreviewKey> {
        let photo = ctx.document()?.photo.id;
        let edits = self.sheet()?.edits;
        let setting = match self.tool {
            Tool::Wand if self.settings.wand_by_tokens => {
                self.tokens.similarity(pixel)?;
                1_000 + (self.settings.similarity * 1_000.0) as u32
            }
            Tool::Wand => u32::from(self.settings.tolerance),
            Tool::Cells => self.cells(ctx)?.at(pixel)?,
            _ => u32::from(self.settings.fills_all),
        };
        let (tool, class) = (self.tool, self.class);
        let at = match self.tool {
            Tool::Cells => [0, 0],
            Tool::Fill | Tool::Region => self.start_of_region(ctx, pixel)?,
            _ => pixel,
        };
        Some(PreviewKey {
            tool,
            pixel: at,
            edits,
            class,
            setting,
            photo,
        })
    }

    /// The pixel at which the area of a pixel was shown, if it belongs to the same one; the pixel itself otherwise.
    fn start_of_region(&self, ctx: &Ctx, pixel: [usize; 2]) -> Option<[usize; 2]> {
        let shown = self
            .preview
            .key()
            .filter(|key| key.tool == self.tool)
            .map(|key| key.pixel);
        let result = ctx.document()?.result.as_ref();
        let same = match (self.tool, result) {
            // The regions of the prediction are known.
            (Tool::Region, Some(result)) => {
                shown.is_some_and(|[x, y]| result.regions.at(x, y) == result.regions.at(pixel[0], pixel[1]))
            }
            _ => false,
        };
        Some(shown.filter(|_| same).unwrap_or(pixel))
    }

    fn preview_points(&self, frame: &Frame, key: &PreviewKey) -> Option<(Grid, Vec<bool>)> {
        let map = self.sheet()?.map();
        let grid = Grid::of([map.width, map.height]);
        let class_at = |ids: &[u16]| ids.get(key.pixel[1] * map.width + key.pixel[0]).copied();
        let points = match self.tool {
            Tool::Fill => {
                let class = class_at(&map.ids)?;
                match self.settings.fills_all {
                    true => grid.points(|pixel| map.ids[pixel] == class),
                    false => grid.flood(key.pixel, |pixel| map.ids[pixel] == class),
                }
            }
            Tool::Region => {
                let ids = &frame.result?.prediction.labels.map.ids;
                let class = class_at(ids)?;
                grid.flood(key.pixel, |pixel| ids.get(pixel) == Some(&class))
            }
            Tool::Wand => {
                let alike = self.alike(frame.ctx, key.pixel)?;
                grid.flood(key.pixel, |pixel| alike.has(pixel))
            }
            Tool::Cells => {
                let (.., cells) = self.cells.known.as_ref()?;
                grid.points_of(&cells.spans(key.setting))
            }
            _ => return None,
        };
        Some((grid, points))
    }

    /// Draws again what lies outside of the selection, if that has changed.
    pub(super) fn update_selection(&mut self, ui: &Ui) {
        let Some(selected) = &self.selected else {
            return self.outside.clear();
        };
        let key = Arc::as_ptr(&selected.selection) as usize;
        let Some(size) = self.sheet().map(|sheet| sheet.layer.size()) else {
            return;
        };
        if self.outside.key() == Some(&key) {
            return;
        }
        let grid = Grid::of(size);
        let [dark, clear] = [shade(130), egui::Color32::TRANSPARENT];
        let selection = selected.selection.clone();
        let inside = grid.points(|pixel| selection.contains([pixel % size[0], pixel / size[0]]));
        let colors = inside.into_iter().map(|inside| if inside { clear } else { dark });
        self.outside.set(ui.ctx(), key, grid, colors.collect());
    }

    /// Draws the prediction again where there are no labels, if that has changed.
    pub(super) fn update_underlay(&mut self, ui: &Ui, result: Option<&Segmented>) {
        let (Some(sheet), Some(open), Some(result)) = (
            self.sheet().filter(|_| self.settings.underlay),
            self.project(),
            result.filter(|_| self.settings.underlay),
        ) else {
            return self.underlay.clear();
        };
        let key = (result.photo.id, Arc::as_ptr(&result.prediction) as usize, sheet.edits);
        if self.underlay.key() == Some(&key) {
            return;
        }
        let (map, predicted) = (sheet.map(), &result.prediction.labels.map);
        let grid = Grid::of([map.width, map.height]);
        let ids = super::accepting::ids_by_name(&result.model.classes, &open.project);
        let colors: Vec<_> = (0..result.model.classes.len())
            .map(|class| {
                let id = ids.get(class).copied().flatten();
                let color = id.map_or([128; 3], |id| open.set.color(id));
                data_color(color).gamma_multiply(0.3)
            })
            .collect();
        let color_of = |pixel: usize| match (map.ids.get(pixel), predicted.ids.get(pixel)) {
            (Some(&UNLABELLED), Some(class)) => colors.get(usize::from(*class)).copied(),
            _ => None,
        };
        let colors = (0..grid.count()).map(|point| color_of(grid.pixel(point)).unwrap_or(egui::Color32::TRANSPARENT));
        self.underlay.set(ui.ctx(), key, grid, colors.collect());
    }
}
