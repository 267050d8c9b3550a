//! Sizes, distances and the colours of both themes. No other file of the window has a colour literal, except class
//! colours, which are data and the same in both themes.

#![expect(clippy::disallowed_methods, reason = "colours are made here")]

use egui::{Color32, Shadow, Ui};

/// Font sizes, in points.
pub(in crate::app) mod size {
    /// Second lines, captions, the status bar.
    pub(in crate::app) const SMALL: f32 = 12.0;
    /// Everything else.
    pub(in crate::app) const BODY: f32 = 13.0;
    /// Titles of sheets and empty states, the class at the cursor.
    pub(in crate::app) const TITLE: f32 = 15.0;
    /// The one big number.
    pub(in crate::app) const FIGURE: f32 = 28.0;
}

/// Distances, in points.
pub(in crate::app) mod space {
    pub(in crate::app) const XS: f32 = 4.0;
    pub(in crate::app) const S: f32 = 8.0;
}

/// Radii of corners, in points.
pub(in crate::app) mod radius {
    /// Swatches, thumbnails, tick boxes.
    pub(in crate::app) const SMALL: u8 = 4;
    /// Buttons, fields, rows.
    pub(in crate::app) const CONTROL: u8 = 6;
    /// Cards, the model chip, segmented controls.
    pub(in crate::app) const CARD: u8 = 8;
    /// What floats: the reading at the cursor, popovers.
    pub(in crate::app) const FLOATING: u8 = 12;
}

/// Heights, in points.
pub(in crate::app) mod height {
    pub(in crate::app) const TOP_BAR: f32 = 48.0;
    pub(in crate::app) const CANVAS_HEAD: f32 = 56.0;
    pub(in crate::app) const STATUS_BAR: f32 = 32.0;
    /// Buttons of the top bar and fields.
    pub(in crate::app) const BUTTON: f32 = 32.0;
    /// Buttons and other controls of panels.
    pub(in crate::app) const CONTROL: f32 = 28.0;
    /// Rows of the class list.
    pub(in crate::app) const CLASS_ROW: f32 = 28.0;
}

/// The colours of a theme, by purpose. Tests require a contrast of 4.5:1 for text on what it is drawn on, and of 3:1 for
/// edges and marks that tell controls apart, as WCAG 2.1 does.
pub(in crate::app) struct Tokens {
    /// Around the photo: neutral, so that the photo does not seem to change.
    pub(in crate::app) canvas: Color32,
    /// Bars and side panels.
    pub(in crate::app) panel: Color32,
    /// Dialogs, menus and messages, which are drawn above panels.
    pub(in crate::app) floating: Color32,
    /// Buttons, fields, cards.
    pub(in crate::app) raised: Color32,
    /// What is under the pointer.
    pub(in crate::app) hover: Color32,
    /// Separators, for decoration.
    pub(in crate::app) line: Color32,
    /// Edges of tick boxes and knobs.
    pub(in crate::app) control: Color32,
    pub(in crate::app) text: Color32,
    /// Second lines and captions.
    pub(in crate::app) second: Color32,
    /// Disabled controls and empty values.
    pub(in crate::app) faint: Color32,
    /// The primary action; text on it is [`Tokens::on_accent`].
    pub(in crate::app) accent: Color32,
    pub(in crate::app) on_accent: Color32,
    /// Lines and icons in the accent colour: the edge of what is selected, the focus, links.
    pub(in crate::app) accent_line: Color32,
    /// What is selected.
    pub(in crate::app) selection: Color32,
    pub(in crate::app) good: Color32,
    pub(in crate::app) warning: Color32,
    /// Strips that warn, and their edge.
    pub(in crate::app) warning_strip: Color32,
    pub(in crate::app) warning_line: Color32,
    pub(in crate::app) error: Color32,
    /// Sliders, which are filled with [`Tokens::second`].
    pub(in crate::app) track: Color32,
    /// Readings over the photo, almost opaque.
    pub(in crate::app) chip: Color32,
    /// Shadow of what floats.
    shadow: Color32,
}

/// The dark theme.
pub(super) static DARK: Tokens = Tokens {
    canvas: Color32::from_rgb(0x10, 0x11, 0x14),
    panel: Color32::from_rgb(0x19, 0x1b, 0x1f),
    floating: Color32::from_rgb(0x1e, 0x20, 0x25),
    raised: Color32::from_rgb(0x24, 0x27, 0x2c),
    hover: Color32::from_rgb(0x2d, 0x31, 0x37),
    line: Color32::from_rgb(0x2c, 0x30, 0x36),
    control: Color32::from_rgb(0x6c, 0x75, 0x82),
    text: Color32::from_rgb(0xec, 0xee, 0xf1),
    second: Color32::from_rgb(0xa8, 0xb0, 0xba),
    faint: Color32::from_rgb(0x8a, 0x93, 0xa0),
    accent: Color32::from_rgb(0x2f, 0x6f, 0xdf),
    on_accent: Color32::WHITE,
    accent_line: Color32::from_rgb(0x6e, 0xa3, 0xff),
    selection: Color32::from_rgb(0x20, 0x30, 0x4d),
    good: Color32::from_rgb(0x6f, 0xcf, 0x8f),
    warning: Color32::from_rgb(0xf0, 0xb6, 0x4a),
    warning_strip: Color32::from_rgb(0x30, 0x29, 0x1b),
    warning_line: Color32::from_rgb(0x5a, 0x4a, 0x26),
    error: Color32::from_rgb(0xff, 0x7b, 0x72),
    track: Color32::from_rgb(0x3a, 0x40, 0x48),
    chip: Color32::from_rgba_premultiplied(0x18, 0x19, 0x1d, 0xf0),
    shadow: Color32::from_black_alpha(115),
};

/// The light theme.
pub(super) static LIGHT: Tokens = Tokens {
    canvas: Color32::from_rgb(0xdf, 0xe1, 0xe5),
    panel: Color32::from_rgb(0xfa, 0xfa, 0xfb),
    floating: Color32::WHITE,
    raised: Color32::from_rgb(0xec, 0xee, 0xf1),
    hover: Color32::from_rgb(0xe2, 0xe5, 0xe9),
    line: Color32::from_rgb(0xd9, 0xdc, 0xe1),
    control: Color32::from_rgb(0x7d, 0x85, 0x90),
    text: Color32::from_rgb(0x1b, 0x1d, 0x21),
    second: Color32::from_rgb(0x55, 0x5c, 0x66),
    // Darker than in the design's table, where it has only 4.1:1 on what is hovered.
    faint: Color32::from_rgb(0x5c, 0x64, 0x6f),
    accent: Color32::from_rgb(0x24, 0x60, 0xcf),
    on_accent: Color32::WHITE,
    accent_line: Color32::from_rgb(0x24, 0x60, 0xcf),
    selection: Color32::from_rgb(0xdb, 0xe7, 0xfd),
    good: Color32::from_rgb(0x17, 0x70, 0x3c),
    warning: Color32::from_rgb(0x8a, 0x5a, 0x00),
    warning_strip: Color32::from_rgb(0xfd, 0xf3, 0xdc),
    warning_line: Color32::from_rgb(0xe5, 0xcf, 0x98),
    error: Color32::from_rgb(0xbd, 0x2c, 0x23),
    track: Color32::from_rgb(0xc9, 0xcd, 0xd4),
    chip: Color32::from_rgba_premultiplied(245, 245, 245, 245),
    shadow: Color32::from_rgba_premultiplied(4, 4, 5, 46),
};

impl Tokens {
    /// Those of the theme that `ui` is drawn in.
    pub(in crate::app) fn of(ui: &Ui) -> &'static Self {
        match ui.visuals().dark_mode {
            true => &DARK,
            false => &LIGHT,
        }
    }

    /// The shadow of what floats.
    pub(in crate::app) fn shadow(&self) -> Shadow {
        Shadow {
            offset: [0, 8],
            blur: 24,
            spread: 0,
            color: self.shadow,
        }
    }
}
