//! SETR MLA (arXiv 2012.15840, section 3.3): four blocks' tokens, added up from the deepest on.

mod cost;
mod module;
mod spec;

pub use module::Mla;
pub use spec::MlaSpec;
