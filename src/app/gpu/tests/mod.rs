//! Pictures drawn onto a small target and read back, each for one rule of the canvas.

mod masks;
mod photo;
mod studio;
