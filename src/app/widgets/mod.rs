//! The house widgets: what every panel is made of. They take sizes and colours from the theme.

mod buttons;
mod segmented;
mod swatches;
mod tick;

pub(super) use buttons::{icon_button, primary_button};
pub(super) use segmented::{Segment, segmented, width_of};
pub(super) use swatches::swatches;
pub(super) use tick::tick;
