//! SETR MLA (arXiv 2012.15840, section 3.3): the tokens of four blocks, summed from the deepest block on.

mod cost;
mod module;
mod spec;

pub use module::SetrMla;
pub use spec::SetrMlaSpec;
