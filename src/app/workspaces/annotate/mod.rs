//! The annotate workspace: the labels of the photo, made and corrected by hand.
//!
//! Labels live in sheets, one for each photo that was annotated, so that undo outlives a change of the photo. Every edit
//! goes to the thread that writes label files as soon as it has ended.

mod accepting;
mod area;
mod canvas;
mod chips;
mod class_dialog;
mod class_rows;
mod cleaning;
mod exporting;
mod head;
mod importing;
mod notes;
mod opening;
mod painting;
mod panel;
mod review;
mod sheet;
mod teach;
mod teach_chip;
#[cfg(test)]
mod tests;
mod tokens;
mod tool;
mod veil;
mod workspace;

use std::collections::HashMap;
use std::path::PathBuf;

use super::image_view::ImageView;
use crate::annotate::tools::edge_path;
use crate::engine::ImageSource;
use crate::photo::Photo;
use area::{CellsOfPhoto, PreviewKey, Selected};
use class_dialog::ClassDialog;
use cleaning::Cleaning;
use importing::ImportDialog;
use notes::OpenNote;
use opening::Opening;
use painting::Doing;
use sheet::{OpenProject, Sheet};
use teach::Teaching;
use tokens::Tokens;
use tool::{Tool, ToolSettings};
use veil::Veil;

/// A side of a polygon: its ends, and the points between them with the second end.
type Side = ([[f64; 2]; 2], Vec<[f64; 2]>);

/// The corners of a polygon that has not been applied.
#[derive(Clone, Debug, Default)]
struct Shape {
    /// In pixels of the photo, from its left and top edge.
    corners: Vec<[f64; 2]>,
    /// Whether the last corner is connected with the first.
    closed: bool,
    /// Whether its sides follow edges of the photo.
    follows: bool,
    /// Sides that follow edges.
    sides: Vec<Side>,
}

impl Shape {
    /// Finds the sides that follow edges, with one to the pointer if it is given. Sides that are known stay.
    fn follow(&mut self, photo: &Photo, pointer: Option<[f64; 2]>) {
        let mut known = std::mem::take(&mut self.sides);
        if !self.follows {
            return;
        }
        for ends in self.ends(pointer) {
            let side = known.iter().position(|(of, _)| *of == ends);
            let side = match side {
                Some(at) => known.swap_remove(at),
                None => (ends, edge_path(photo, ends[0], ends[1])),
            };
            self.sides.push(side);
        }
    }

    /// The ends of all sides.
    fn ends(&self, pointer: Option<[f64; 2]>) -> Vec<[[f64; 2]; 2]> {
        let last = if self.closed {
            self.corners.first().copied()
        } else {
            pointer
        };
        let next = self.corners.iter().skip(1).copied().chain(last);
        self.corners.iter().zip(next).map(|(a, b)| [*a, b]).collect()
    }

    /// The whole line, with the points between corners.
    fn line(&self, pointer: Option<[f64; 2]>) -> Vec<[f64; 2]> {
        let mut line: Vec<[f64; 2]> = self.corners.first().copied().into_iter().collect();
        for ends in self.ends(pointer) {
            match self.sides.iter().find(|(of, _)| *of == ends) {
                Some((_, points)) => line.extend(points),
                None => line.push(ends[1]),
            }
        }
        line
    }
}

/// The state of the workspace.
#[derive(Default)]
pub(super) struct Annotate {
    image: ImageView,
    tool: Tool,
    settings: ToolSettings,
    /// Id of the class that tools give.
    class: u16,
    doing: Doing,
    shape: Shape,
    /// Polygons of other photos that have not been applied.
    shapes: HashMap<ImageSource, Shape>,
    /// Whether a change of the class list is being made. Labels must not change meanwhile.
    changing_classes: bool,
    /// Where the tip was last, for straight lines.
    last_tip: Option<[f64; 2]>,
    /// Where a drag that changes the size of the tip was last.
    pressed_at: Option<egui::Pos2>,
    /// Whether dragging moves the photo in this frame.
    moves_photo: bool,
    /// The photo that is annotated.
    current: Option<ImageSource>,
    sheets: HashMap<ImageSource, Sheet>,
    /// Photos with a sheet, the one used last at the end.
    order: Vec<ImageSource>,
    opening: Option<Opening>,
    /// Why the labels of a photo cannot be opened.
    failed: Option<(ImageSource, String)>,
    projects: HashMap<PathBuf, OpenProject>,
    dialog: ClassDialog,
    import: ImportDialog,
    teaching: Teaching,
    cleaning: Cleaning,
    /// The next place to look at, in pixels of the photo, and how sure the model is there.
    unsure: Option<review::UnsurePlace>,
    /// Places that were looked at already, by photo.
    looked_at: Option<(ImageSource, Vec<[usize; 2]>)>,
    /// Least confidence of what is taken from the prediction, 0..=1.
    least_confidence: f32,
    /// Search text of the class list.
    search: String,
    /// The pixels that tools may change; `None` for all.
    selected: Option<Selected>,
    tokens: Tokens,
    cells: CellsOfPhoto,
    /// What a click would change.
    preview: Veil<PreviewKey>,
    /// What lies outside of the selection.
    outside: Veil<usize>,
    /// The prediction where there are no labels: of which photo and prediction, after how many edits.
    underlay: Veil<(u64, usize, u64)>,
    /// How hard a pen is pressed, 0..=1, where the system says so.
    pressure: Option<f32>,
    /// The note that is being written.
    note: Option<OpenNote>,
}

impl Annotate {
    /// The sheet of the photo on the canvas.
    fn sheet(&self) -> Option<&Sheet> {
        self.sheets.get(self.current.as_ref()?)
    }

    fn sheet_mut(&mut self) -> Option<&mut Sheet> {
        self.sheets.get_mut(self.current.as_ref()?)
    }

    /// The project of the photo on the canvas.
    fn project(&self) -> Option<&OpenProject> {
        self.projects.get(&self.sheet()?.root)
    }

    /// Chooses the class that tools give, and a tool that gives it.
    fn choose_class(&mut self, id: u16) {
        if self.project().is_none_or(|open| open.project.class(id).is_none()) {
            return;
        }
        self.class = id;
        if matches!(self.tool, Tool::Eraser | Tool::Pick) {
            self.tool = Tool::Brush;
        }
    }

    /// Chooses a tool. What the previous one was doing ends.
    fn choose_tool(&mut self, tool: Tool, ctx: &super::Ctx) {
        self.release(ctx);
        self.tool = tool;
    }
}
