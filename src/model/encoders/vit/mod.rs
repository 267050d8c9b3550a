//! The Vision Transformer (arXiv 2010.11929; rstrudel segm/model/vit.py).

mod cost;
mod module;
mod position;
mod refit;
mod spec;
mod tensors;
mod variant;

pub use module::VisionTransformer;
pub use position::resized_positions;
pub(in crate::model) use position::{position_tensor_for_grid, positions_for_grid};
pub use spec::{PositionResize, VitSpec};
pub use variant::Variant;
