//! The release binary in a real window, driven by mouse and keys as a person would.
//!
//! Needs a display (`xvfb-run`), `xdotool` and ImageMagick's `import`; without them each test says that it was skipped.
//! What has an accessible name is tested in the folder above instead: here only title, pixels and files are seen.

mod attention;
mod canvas;
mod compare;
mod export;
mod kept;
mod many;
mod models;
mod pictures;
mod program;
mod screen;
mod stage;
