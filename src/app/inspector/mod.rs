//! Parts of the right panel that several workspaces use: class list, mask style, inference settings, pixel reading.

mod class_details;
mod class_list;
mod class_row;
mod inference_section;
mod mask_style;
mod reading;

pub(super) use class_list::{ClassList, ClassShares};
pub(super) use inference_section::inference_section;
pub(super) use mask_style::{masks, more, set_fill, toggle_outline};
pub(super) use reading::Reading;
