//! SETR Naive and PUP (arXiv 2012.15840, section 3.3), which differ only in their sizes.

mod cost;
mod module;
mod spec;

pub use module::SetrPup;
pub use spec::{SetrPupHead, SetrPupSpec, SetrPupStage};
