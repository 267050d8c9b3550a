//! Parts of the panels at the right that several workspaces have: the classes, how masks are drawn, how a model is run.

mod class_list;
mod look;
mod reading;
mod test_settings;

pub(super) use class_list::{ClassList, Found};
pub(super) use look::{masks, more, set_inside, toggle_outline};
pub(super) use reading::Reading;
pub(super) use test_settings::test_settings_section;
