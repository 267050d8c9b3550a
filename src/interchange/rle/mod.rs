//! Run-length codes of masks. Every reader checks the sum of the runs before it trusts them.

pub mod coco;
pub mod cvat;
pub mod label_studio;
