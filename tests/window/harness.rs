//! The window without a graphics device: everything except the masks is drawn.

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

/// Time between frames on the window's clock, in seconds. Messages are shown for six seconds, so tests see them.
const FRAME: f32 = 0.02;

/// The first start of the program, without any settings and with the embedded model.
///
/// No real window opens until the test ends.
pub fn first_start() -> Start {
    turn::share();
    Start {
        device: Some(DeviceChoice::Cpu),
        ..Start::default()
    }
}

/// A start with the fixture model, for tests that are not about the embedded models.
pub fn start() -> Start {
    Start {
        model: Some(fixture::model()),
        ..first_start()
    }
}

/// The title of the first output of the fixture model.
pub fn mask() -> String {
    output(0)
}

/// The title of the output of a decoder of the fixture model.
pub fn output(decoder: usize) -> String {
    fixture::spec().output_title(Output::main(decoder))
}

/// The title of the first output of the embedded model with this patch size.
pub fn embedded(patch: usize) -> String {
    published(Variant::Tiny, patch, &[DecoderKind::Mask], 11, 384).title()
}

/// The title of the default embedded model, which has all decoders.
pub fn embedded_with_all() -> String {
    published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 384).title()
}

/// The window at its default size.
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

/// The window with these images, once the first one has masks.
pub fn window_with(images: Vec<PathBuf>) -> Harness<'static, App> {
    let mut harness = window(Start { images, ..start() });
    wait_for_masks(&mut harness);
    harness
}

/// Draws frames until `look` returns a value.
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

/// Draws frames until a widget has exactly this label.
pub fn wait_for_label(harness: &mut Harness<App>, label: &str) {
    wait_for(harness, label, |h| h.query_by_label(label).map(drop));
}

/// Draws frames until the label of a widget contains this text.
pub fn wait_for_text(harness: &mut Harness<App>, text: &str) {
    wait_for(harness, text, |h| h.query_all_by_label_contains(text).next().map(drop));
}

/// Draws frames until the status bar shows that the masks are those of the first output of the fixture model.
pub fn wait_for_masks(harness: &mut Harness<App>) {
    wait_for_result(harness, &mask());
}

/// Draws frames until the status bar shows that the masks are those of this output.
pub fn wait_for_result(harness: &mut Harness<App>, title: &str) {
    wait_for_text(harness, &format!("{title} in "));
}

/// Whether the status bar shows that the masks are those of this output.
pub fn shows(harness: &Harness<App>, title: &str) -> bool {
    harness.query_by_label_contains(&format!("{title} in ")).is_some()
}

/// Start of the label of a segmented image in the list, before the number of classes found.
pub fn done(image: &str) -> String {
    format!("Photo {image}, Done, ")
}

/// Whether the list shows that an image has been segmented.
pub fn is_done(harness: &Harness<App>, image: &str) -> bool {
    harness.query_all_by_label_contains(&done(image)).next().is_some()
}

/// Draws frames until an image has been segmented.
pub fn wait_for_done(harness: &mut Harness<App>, image: &str) {
    wait_for(harness, image, |h| is_done(h, image).then_some(()));
}

/// A file dropped onto the window.
///
/// None of the tools that drive the real window can be the source of an X11 drag (XDND), so tests start with the event
/// that the window library reports for a drop.
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

/// Advances the window's clock by this many seconds.
pub fn pass(harness: &mut Harness<App>, seconds: f32) {
    harness.run_steps((seconds / FRAME).ceil() as usize);
}

pub fn checked(harness: &Harness<App>, name: &str) -> bool {
    format!("{:?}", harness.get_by_label(name).accesskit_node().toggled()).contains("True")
}

/// Copies the street sample to a file of this name.
pub fn street(folder: &Path, name: &str) -> PathBuf {
    let image = folder.join(name);
    std::fs::copy(in_repository("assets/samples/street.jpg"), &image).expect("a copy");
    image
}
