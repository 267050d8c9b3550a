//! Label maps that are edited: the layer with its undo, the rules of writing, the tools, and the project on disk.

mod checks;
mod layer;
pub mod project;
mod rules;
mod spans;
mod stroke;
#[cfg(test)]
mod tests;
mod tiles;
pub mod tools;

pub use checks::Checks;
pub use layer::{Layer, Locked, Turned, UNLABELLED};
pub use rules::{BrightnessRange, ClassIds, Over, Rules, Selection, Unsure};
pub use spans::{Bounds, Span};
pub use stroke::Commit;
pub use tiles::Patch;
