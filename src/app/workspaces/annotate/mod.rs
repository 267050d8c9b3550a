//! The annotate workspace: the labels of the photo, made and corrected by hand.
//!
//! Labels live in sheets, one for each photo that was annotated, so that undo outlives a change of the photo. Every edit
//! goes to the thread that writes label files as soon as it has ended.

mod accepting;
mod canvas;
mod class_dialog;
mod class_rows;
mod cleaning;
mod exporting;
mod head;
mod opening;
mod painting;
mod panel;
mod review;
mod sheet;
#[cfg(test)]
mod tests;
mod tool;
mod workspace;

use std::collections::HashMap;
use std::path::PathBuf;

use super::image_view::ImageView;
use crate::engine::ImageSource;
use class_dialog::ClassDialog;
use cleaning::Cleaning;
use opening::Opening;
use painting::Doing;
use sheet::{OpenProject, Sheet};
use tool::{Tool, ToolSettings};

/// The corners of a polygon that has not been applied.
#[derive(Clone, Debug, Default)]
struct Shape {
    /// In pixels of the photo, from its left and top edge.
    corners: Vec<[f64; 2]>,
    /// Whether the last corner is connected with the first.
    closed: bool,
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
    cleaning: Cleaning,
    /// The next place to look at, in pixels of the photo, and how sure the model is there.
    unsure: Option<review::UnsurePlace>,
    /// Places that were looked at already, by photo.
    looked_at: Option<(ImageSource, Vec<[usize; 2]>)>,
    /// Least confidence of what is taken from the prediction, 0..=1.
    least_confidence: f32,
    /// Search text of the class list.
    search: String,
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
