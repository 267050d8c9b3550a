//! Colours that are the same in both themes: those of data, and of marks over a photo, which is as light or as dark as it
//! is.

#![expect(clippy::disallowed_methods, reason = "colours are made here")]

use egui::Color32;

/// A colour of data, such as that of a class or of a value.
pub(in crate::app) const fn data_color([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// Darkens what is below by a share, 0..=255.
pub(in crate::app) const fn shade(share: u8) -> Color32 {
    Color32::from_black_alpha(share)
}

/// Correct and wrong pixels, in the confusion matrix.
pub(in crate::app) const RIGHT_AND_WRONG: [Color32; 2] =
    [Color32::from_rgb(90, 150, 240), Color32::from_rgb(255, 104, 92)];

/// Curves in one plot.
pub(in crate::app) const CURVES: [Color32; 5] = [
    Color32::from_rgb(94, 148, 240),
    Color32::from_rgb(214, 110, 40),
    Color32::from_rgb(60, 160, 90),
    Color32::from_rgb(190, 80, 160),
    Color32::from_rgb(150, 140, 40),
];
