//! The release binary in a real window, driven by mouse and keyboard.
//!
//! Needs a display (`xvfb-run`), `xdotool` and ImageMagick's `import`; without them, each test prints that it was
//! skipped. These tests check only the title, pixels and files. Widgets with accessible names are tested in the parent
//! folder.

mod annotate;
mod attention;
mod canvas;
mod compare;
mod export;
mod guide;
mod images;
mod kept;
mod many;
mod models;
mod program;
mod screen;
mod stage;
mod tasks;
