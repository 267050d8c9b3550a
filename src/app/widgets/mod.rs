//! The house widgets: what every panel is made of. They take sizes and colours from the theme.

mod buttons;
mod card;
mod empty_state;
mod pointer_chip;
mod rows;
mod section;
mod segmented;
mod swatches;
mod tick;

pub(super) use buttons::{icon_button, primary_button};
pub(super) use card::{Card, cards};
pub(super) use empty_state::empty_state;
pub(super) use pointer_chip::{chip_frame, pointer_chip};
pub(super) use rows::{choice, choice_row, labelled, list_row, percent_row, slider_row, wide_list};
pub(super) use section::{folded, section_head, section_line};
pub(super) use segmented::{Segment, segmented, width_of};
pub(super) use swatches::swatches;
pub(super) use tick::tick;
