//! The window without a graphics device: everything but the masks is drawn.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::app::{App, Start};
use segscope::engine::{DecoderKind, DeviceChoice, Output};
use segscope::model::{Variant, published};

use crate::bundles::fixture;

pub use crate::repository::in_repository;
use crate::turn;

pub const DEADLINE: Duration = Duration::from_secs(120);

/// Seconds between frames on the window's clock. Messages stay for six of them, which a test must not miss.
const FRAME: f32 = 0.02;

/// As somebody starts the program who has chosen nothing: with the embedded model.
///
/// Until its test ends, no real window opens.
pub fn first_start() -> Start {
    turn::share();
    Start {
        device: Some(DeviceChoice::Cpu),
        ..Start::default()
    }
}

/// With the model of every test that is not about the embedded ones.
pub fn start() -> Start {
    Start {
        model: Some(fixture::model()),
        ..first_start()
    }
}

/// What the first output of that model is called.
pub fn mask() -> String {
    output(0)
}

/// What the output of one of its decoders is called.
pub fn output(decoder: usize) -> String {
    fixture::spec().output_title(Output::main(decoder))
}

/// What the first output of the embedded model with this patch size is called.
pub fn embedded(patch: usize) -> String {
    published(Variant::Tiny, patch, &[DecoderKind::Mask], 11, 384).title()
}

/// What the embedded model that comes first is called, which has all decoders.
pub fn embedded_with_all() -> String {
    published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 384).title()
}

/// The window in its usual size.
pub fn window(start: Start) -> Harness<'static, App> {
    window_of_size(start, [1100.0, 860.0])
}

pub fn window_of_size(start: Start, size: [f32; 2]) -> Harness<'static, App> {
    Harness::builder()
        .with_size(size)
        .with_step_dt(FRAME)
        .with_context_setup(|ctx| ctx.input_mut(|i| i.max_texture_side = 8192))
        .build_eframe(move |cc| App::new(cc, start).expect("a worker thread"))
}

/// The window with these pictures, as soon as the first one has masks.
pub fn window_with(pictures: Vec<PathBuf>) -> Harness<'static, App> {
    let mut harness = window(Start { pictures, ..start() });
    wait_for_masks(&mut harness);
    harness
}

/// Draws frames until `look` finds something.
pub fn wait_for<T>(harness: &mut Harness<App>, what: &str, look: impl Fn(&Harness<App>) -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        harness.step();
        if let Some(found) = look(harness) {
            return found;
        }
        assert!(begin.elapsed() < DEADLINE, "{what} did not come within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Draws frames until something has exactly this name.
pub fn wait_for_label(harness: &mut Harness<App>, label: &str) {
    wait_for(harness, label, |h| h.query_by_label(label).map(drop));
}

/// Draws frames until something has this in its name.
pub fn wait_for_text(harness: &mut Harness<App>, text: &str) {
    wait_for(harness, text, |h| h.query_all_by_label_contains(text).next().map(drop));
}

/// Draws frames until the status bar says that the masks are those of the first output of the usual model.
pub fn wait_for_masks(harness: &mut Harness<App>) {
    wait_for_result(harness, &mask());
}

/// Draws frames until the status bar says that the masks are of this output.
pub fn wait_for_result(harness: &mut Harness<App>, title: &str) {
    wait_for_text(harness, &format!("{title} in "));
}

/// Whether the status bar says so now.
pub fn shows(harness: &Harness<App>, title: &str) -> bool {
    harness.query_by_label_contains(&format!("{title} in ")).is_some()
}

/// The name in the list of a picture that has been segmented; how many classes were found comes after it.
pub fn done(picture: &str) -> String {
    format!("Picture {picture}, Done, ")
}

/// Whether the list says that a picture has been segmented.
pub fn is_done(harness: &Harness<App>, picture: &str) -> bool {
    harness.query_all_by_label_contains(&done(picture)).next().is_some()
}

/// Draws frames until a picture has been segmented.
pub fn wait_for_done(harness: &mut Harness<App>, picture: &str) {
    wait_for(harness, picture, |h| is_done(h, picture).then_some(()));
}

/// A file that a person lets go of over the window. None of the tools that drive the real window can be the source of an
/// X11 drag (XDND), so dropping is tested from here on: what the window library hands over when a drop has arrived.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

/// Drops a file or folder onto the window.
pub fn drop_onto(harness: &mut Harness<App>, path: &Path) {
    harness.input_mut().dropped_files.push(Arc::new(Dropped(path.into())));
}

/// Lets seconds go by on the window's clock.
pub fn pass(harness: &mut Harness<App>, seconds: f32) {
    harness.run_steps((seconds / FRAME).ceil() as usize);
}

pub fn checked(harness: &Harness<App>, name: &str) -> bool {
    format!("{:?}", harness.get_by_label(name).accesskit_node().toggled()).contains("True")
}

/// The sample's street under another name.
pub fn street(folder: &Path, name: &str) -> PathBuf {
    let picture = folder.join(name);
    std::fs::copy(in_repository("assets/samples/street.jpg"), &picture).expect("a copy");
    picture
}
