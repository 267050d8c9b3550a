//! Tests that draw onto a small target and read it back.

mod masks;
mod photo;
mod studio;
