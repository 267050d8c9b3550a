//! The tools, and how they are set.

use crate::annotate::tools::{Brush, Tip};
use crate::annotate::{ClassIds, Over};
use crate::app::command::Command;
use crate::app::theme::Icon;

/// A tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tool {
    /// Paints the chosen class.
    #[default]
    Brush,
    /// Takes classes away.
    Eraser,
    /// Fills a polygon whose corners can be moved until it is applied.
    Polygon,
    /// Fills what a line drawn by hand surrounds.
    Lasso,
    /// Fills connected pixels of one class in the labels.
    Fill,
    /// Fills a region of the prediction.
    Region,
    /// Fills connected pixels that resemble the one that is pressed.
    Wand,
    /// Fills a polygon whose sides follow edges of the photo.
    Wire,
    /// Paints whole superpixels.
    Cells,
    /// Chooses the class at a pixel.
    Pick,
    /// Paints strokes from which a decoder is learnt.
    Teach,
    /// Puts a note at a pixel.
    Note,
    /// Moves the photo.
    Hand,
}

impl Tool {
    /// In the order of the rail; `None` is a gap.
    pub(super) const RAIL: [Option<Self>; 16] = [
        Some(Self::Brush),
        Some(Self::Eraser),
        None,
        Some(Self::Polygon),
        Some(Self::Lasso),
        Some(Self::Wire),
        None,
        Some(Self::Fill),
        Some(Self::Region),
        Some(Self::Wand),
        Some(Self::Cells),
        Some(Self::Teach),
        None,
        Some(Self::Pick),
        Some(Self::Note),
        Some(Self::Hand),
    ];

    pub(super) fn icon(self) -> Icon {
        match self {
            Self::Brush => Icon::Brush,
            Self::Eraser => Icon::Eraser,
            Self::Polygon => Icon::Pentagon,
            Self::Lasso => Icon::Lasso,
            Self::Fill => Icon::PaintBucket,
            Self::Region => Icon::Shapes,
            Self::Wand => Icon::WandSparkles,
            Self::Wire => Icon::Magnet,
            Self::Cells => Icon::Hexagon,
            Self::Pick => Icon::Pipette,
            Self::Teach => Icon::GraduationCap,
            Self::Note => Icon::MessageSquare,
            Self::Hand => Icon::Hand,
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Brush => "Brush",
            Self::Eraser => "Eraser",
            Self::Polygon => "Polygon",
            Self::Lasso => "Lasso",
            Self::Fill => "Fill",
            Self::Region => "Region",
            Self::Wand => "Magic wand",
            Self::Wire => "Live wire",
            Self::Cells => "Superpixels",
            Self::Pick => "Pick class",
            Self::Teach => "Teach",
            Self::Note => "Note",
            Self::Hand => "Move photo",
        }
    }

    /// The command that chooses it.
    pub(super) fn command(self) -> Command {
        match self {
            Self::Brush => Command::UseBrush,
            Self::Eraser => Command::UseEraser,
            Self::Polygon => Command::UsePolygon,
            Self::Lasso => Command::UseLasso,
            Self::Fill => Command::UseFill,
            Self::Region => Command::UseRegion,
            Self::Wand => Command::UseWand,
            Self::Wire => Command::UseWire,
            Self::Cells => Command::UseCells,
            Self::Pick => Command::UsePick,
            Self::Teach => Command::UseTeach,
            Self::Note => Command::UseNote,
            Self::Hand => Command::UseHand,
        }
    }

    /// The tool that a command chooses.
    pub(super) fn of(command: Command) -> Option<Self> {
        Self::RAIL.into_iter().flatten().find(|tool| tool.command() == command)
    }

    /// What a first use needs to know, for the line above the canvas.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Brush => "Drag to paint. With Shift: a straight line from the last stroke.",
            Self::Eraser => "Drag to take classes away.",
            Self::Polygon => "Click corners, then Enter. Backspace takes the last one back.",
            Self::Lasso => "Draw around what you want to fill. With Alt: take classes away.",
            Self::Fill => "Click an area of the labels to give it the class.",
            Self::Region => "Click an area of the prediction to give it the class.",
            Self::Wand => "Click what resembles the area. Drag right for more, left for less.",
            Self::Wire => "Click along an edge, the line follows it. Then Enter.",
            Self::Cells => "Drag over small areas of the photo to paint them whole.",
            Self::Pick => "Click a pixel to choose its class.",
            Self::Teach => "Paint a short stroke of each class: the whole photo is labelled from them.",
            Self::Note => "Click a place to write a note there.",
            Self::Hand => "Drag to move the photo. Other tools do so while Space is held.",
        }
    }

    /// Whether it paints with a tip.
    pub(super) fn has_tip(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser)
    }

    /// Whether it changes labels.
    pub(super) fn edits(self) -> bool {
        !matches!(self, Self::Pick | Self::Teach | Self::Note | Self::Hand)
    }

    /// Whether it finds an area at a pixel, which is shown before the click.
    pub(super) fn finds_areas(self) -> bool {
        matches!(self, Self::Fill | Self::Region | Self::Wand | Self::Cells)
    }

    /// Whether it fills an area that can be selected instead.
    pub(super) fn can_select(self) -> bool {
        self.edits() && !self.has_tip()
    }

    /// Whether it draws a polygon of corners.
    pub(super) fn has_corners(self) -> bool {
        matches!(self, Self::Polygon | Self::Wire)
    }
}

/// Which classes may be written over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum PaintOver {
    #[default]
    Any,
    Unlabelled,
    UnderPress,
    Classes(ClassIds),
}

impl PaintOver {
    pub(super) fn rule(&self) -> Over {
        match self {
            Self::Any => Over::Any,
            Self::Unlabelled => Over::Unlabelled,
            Self::UnderPress => Over::UnderPress,
            Self::Classes(ids) => Over::Classes(ids.clone()),
        }
    }
}

/// How the tools are set.
#[derive(Clone, Debug)]
pub(super) struct ToolSettings {
    pub(super) tip: Tip,
    /// Diameter or side of the tip in pixels of the photo.
    pub(super) size: u32,
    /// Whether a stroke that surrounds an area fills it.
    pub(super) fills_loops: bool,
    /// Whether "Fill" takes all pixels of the class, connected or not.
    pub(super) fills_all: bool,
    /// Holes up to this many pixels are filled with an area.
    pub(super) holes: usize,
    pub(super) over: PaintOver,
    /// Only pixels of which the model is less sure than this are edited, 0..=1; `None` for all.
    pub(super) unsure_below: Option<f32>,
    /// Only pixels of this brightness are edited, 0..=255; `None` for all.
    pub(super) brightness: Option<[u8; 2]>,
    /// Whether tools that fill areas select them instead.
    pub(super) selects: bool,
    /// Whether the wand goes by the model's tokens instead of by colour.
    pub(super) wand_by_tokens: bool,
    /// Largest difference of colour that the wand takes, in any channel.
    pub(super) tolerance: u8,
    /// Least similarity of tokens that the wand takes, 0..=1.
    pub(super) similarity: f32,
    /// About how many pixels a superpixel is across.
    pub(super) cell_side: usize,
    /// Whether superpixels follow the model's tokens, too.
    pub(super) cells_by_tokens: bool,
    /// Whether the prediction is shown where there are no labels.
    pub(super) underlay: bool,
    /// Whether the pressure of a pen changes the size of the tip.
    pub(super) follows_pressure: bool,
    /// Width of the strokes that teach, in pixels of the photo.
    pub(super) stroke_width: u32,
    /// Whether the size of the tip fits the photos.
    pub(super) sized: bool,
}

impl Default for ToolSettings {
    fn default() -> Self {
        Self {
            tip: Tip::Round,
            size: 24,
            fills_loops: false,
            fills_all: false,
            holes: 0,
            over: PaintOver::Any,
            unsure_below: None,
            brightness: None,
            selects: false,
            wand_by_tokens: false,
            tolerance: 24,
            similarity: 0.7,
            cell_side: 24,
            cells_by_tokens: false,
            underlay: false,
            follows_pressure: true,
            stroke_width: 3,
            sized: false,
        }
    }
}

impl ToolSettings {
    pub(super) fn brush(&self) -> Brush {
        Brush {
            tip: self.tip,
            size: self.size,
        }
    }

    /// Gives the tip a size that fits photos of this size.
    pub(super) fn size_for(&mut self, [width, height]: [usize; 2]) {
        self.sized = true;
        self.size = (width.max(height) as u32 / 50).clamp(3, 200);
        self.stroke_width = (width.max(height) as u32 / 150).clamp(3, 40);
        self.cell_side = (width.max(height) / 50).clamp(8, 200);
    }

    /// Makes the tip larger or smaller by a factor, by a pixel at least.
    pub(super) fn scale_tip(&mut self, factor: f32) {
        let [least, most] = Brush::SIZES;
        let wanted = (self.size as f32 * factor).round() as u32;
        let wanted = match factor > 1.0 {
            true => wanted.max(self.size + 1),
            false => wanted.min(self.size.saturating_sub(1)),
        };
        self.size = wanted.clamp(least, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_command_of_its_own() {
        for tool in Tool::RAIL.into_iter().flatten() {
            assert_eq!(Tool::of(tool.command()), Some(tool));
        }
        assert_eq!(Tool::of(Command::Export), None);
    }

    #[test]
    fn the_tip_changes_by_a_pixel_at_least_and_stays_within_its_sizes() {
        let mut settings = ToolSettings {
            size: 1,
            ..ToolSettings::default()
        };
        settings.scale_tip(1.15);
        assert_eq!(settings.size, 2);
        settings.scale_tip(0.87);
        settings.scale_tip(0.87);
        assert_eq!(settings.size, 1);
        for _ in 0..100 {
            settings.scale_tip(1.15);
        }
        assert_eq!(settings.size, Brush::SIZES[1]);
        for (photo, size) in [([30, 20], 3), ([1280, 960], 25), ([8000, 6000], 160)] {
            settings.size_for(photo);
            assert_eq!(settings.size, size);
        }
    }
}
