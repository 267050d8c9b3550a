//! The workspace without a window: labels are opened, edited and saved by the thread that writes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::accepting::Taken;
use super::sheet::Saving;
use super::tool::{PaintOver, Tool};
use super::{Annotate, review};
use crate::annotate::project::{ClassEdit, ImageState};
use crate::annotate::{Over, UNLABELLED};
use crate::app::command::Command;
use crate::app::state::testing::{Bench, SIDE};
use crate::app::workspaces::{News, Workspace as _};
use crate::engine::{AnnotationNews, Annotator, ImageSource};
use crate::labels::LabelMap;

/// The workspace over a folder of images.
struct Studio {
    bench: Bench,
    annotate: Annotate,
    annotator: Annotator,
    folder: tempfile::TempDir,
}

impl Studio {
    /// With images of these names, the first on the canvas; every pixel of its prediction has class 3.
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("images")).expect("a folder");
        let mut bench = Bench::new();
        bench.use_model(crate::app::state::testing::model(
            1,
            "/models/a",
            &[crate::model::DecoderKind::Mask],
        ));
        let source = |name: &&str| ImageSource::Path(folder.path().join("images").join(name));
        bench.state.open_images(names.iter().map(source).collect());
        bench.settle(&mut []);
        bench.answer_photo();
        bench.answer_run(3);
        let mut studio = Self {
            bench,
            annotate: Annotate::default(),
            annotator: Annotator::start(Box::new(|| {})).expect("a thread"),
            folder,
        };
        studio.bench.open(&mut studio.annotate);
        studio.wait(|annotate| annotate.sheet().is_some());
        studio
    }

    /// Runs frames until something is so.
    fn wait(&mut self, done: impl Fn(&Annotate) -> bool) {
        let start = Instant::now();
        loop {
            self.bench.frame(&mut self.annotate);
            for request in self.bench.annotations.drain(..) {
                self.annotator.ask(request);
            }
            while let Some(news) = self.annotator.poll() {
                self.annotate.on_news(&News::Annotation(news), &self.bench.ctx());
            }
            if done(&self.annotate) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it did not happen");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn wait_until_saved(&mut self) {
        self.wait(|annotate| annotate.sheet().is_some_and(|sheet| sheet.saving == Saving::Saved));
    }

    fn perform(&mut self, command: Command) {
        assert_eq!(
            self.annotate.enabled(command, &self.bench.ctx()),
            Some(true),
            "{command:?}"
        );
        assert!(self.annotate.perform(command, &self.bench.ctx()), "{command:?}");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn saved(&self, name: &str) -> Vec<u16> {
        LabelMap::open(&self.file(name)).expect("a label map").ids
    }

    fn ids(&self) -> &[u16] {
        &self.annotate.sheet().expect("labels").map().ids
    }
}

#[test]
fn the_prediction_becomes_labels_only_on_request_and_can_be_undone() {
    let mut studio = Studio::new(&["a.jpg"]);
    assert!(studio.ids().iter().all(|id| *id == UNLABELLED));
    assert!(!studio.file("labels").exists(), "nothing is written unasked");
    assert_eq!(studio.annotate.enabled(Command::Undo, &studio.bench.ctx()), Some(false));
    studio.perform(Command::AcceptPrediction);
    assert_eq!(studio.ids(), [3; SIDE * SIDE]);
    studio.wait_until_saved();
    assert_eq!(studio.saved("labels/a.png"), [3; SIDE * SIDE]);
    let record = &studio.annotate.sheet().expect("labels").record;
    assert_eq!((record.state, record.edited_px), (ImageState::Predicted, 0));
    assert!(record.base.is_some());
    let names = studio.annotate.undo_names().expect("names");
    assert!(
        names[0].as_ref().is_some_and(|name| name.starts_with("labels from")),
        "{names:?}"
    );
    studio.perform(Command::Undo);
    studio.wait_until_saved();
    assert_eq!(studio.saved("labels/a.png"), [255; SIDE * SIDE]);
    studio.perform(Command::Redo);
    studio.wait_until_saved();
    assert_eq!(studio.saved("labels/a.png"), [3; SIDE * SIDE]);
}

#[test]
fn a_polygon_fills_with_the_chosen_class_and_locked_classes_stay() {
    let mut studio = Studio::new(&["a.jpg"]);
    studio.perform(Command::AcceptPrediction);
    studio.perform(Command::PaintClass6);
    assert_eq!(studio.annotate.class, 5);
    studio.perform(Command::UsePolygon);
    studio.annotate.shape.corners = vec![[0.0, 0.0], [2.0, 0.0], [2.0, 4.0], [0.0, 4.0]];
    assert!(studio.annotate.is_busy());
    studio.annotate.apply_shape(&studio.bench.ctx());
    assert_eq!(studio.ids()[..SIDE], [5, 5, 3, 3]);
    let sheet = studio.annotate.sheet().expect("labels");
    assert_eq!((sheet.pixels(5), sheet.pixels(3)), (8, 8));
    assert_eq!(sheet.record.state, ImageState::InProgress);
    let edit = ClassEdit::Lock { id: 3, locked: true };
    studio.annotate.edit_classes(edit, &studio.bench.ctx());
    studio.wait(|annotate| {
        annotate
            .project()
            .is_some_and(|open| open.project.class(3).is_some_and(|c| c.locked))
    });
    studio.annotate.clear_labels(&studio.bench.ctx());
    assert_eq!(studio.ids()[..SIDE], [UNLABELLED, UNLABELLED, 3, 3]);
    let last = studio
        .annotate
        .sheet()
        .and_then(|sheet| sheet.last.clone())
        .expect("an edit");
    assert_eq!((last.commit.pixels(), last.commit.protected), (8, 8));
    // Undo of the prediction would change pixels of the locked class.
    for _ in 0..3 {
        studio.annotate.perform(Command::Undo, &studio.bench.ctx());
    }
    assert_eq!(studio.ids()[2..SIDE], [3, 3]);
}

#[test]
fn undo_outlives_another_photo_and_escape_takes_a_polygon_back() {
    let mut studio = Studio::new(&["a.jpg", "b.jpg"]);
    studio.perform(Command::AcceptPrediction);
    studio.wait_until_saved();
    studio.bench.state.open_image(1);
    studio.bench.settle(&mut [&mut studio.annotate]);
    studio.bench.answer_photo();
    studio.bench.answer_run(4);
    studio.wait(|annotate| annotate.sheet().is_some_and(|sheet| sheet.image.ends_with("b.jpg")));
    assert!(studio.ids().iter().all(|id| *id == UNLABELLED));
    studio.perform(Command::UsePolygon);
    studio.annotate.shape.corners = vec![[0.0, 0.0], [2.0, 0.0]];
    studio.annotate.perform(Command::Cancel, &studio.bench.ctx());
    assert!(!studio.annotate.is_busy());
    studio.perform(Command::AcceptPrediction);
    studio.wait_until_saved();
    studio.bench.state.open_image(0);
    studio.wait(|annotate| annotate.sheet().is_some_and(|sheet| sheet.image.ends_with("a.jpg")));
    studio.perform(Command::Undo);
    studio.wait_until_saved();
    assert_eq!(studio.saved("labels/a.png"), [255; SIDE * SIDE]);
    assert_eq!(studio.saved("labels/b.png"), [4; SIDE * SIDE]);
}

#[test]
fn states_are_kept_and_the_same_state_again_takes_it_back() {
    let mut studio = Studio::new(&["a.jpg"]);
    studio.perform(Command::FlagImage);
    assert_eq!(
        studio.annotate.sheet().map(|sheet| sheet.record.state),
        Some(ImageState::Flagged)
    );
    studio.perform(Command::FlagImage);
    assert_eq!(
        studio.annotate.sheet().map(|sheet| sheet.record.state),
        Some(ImageState::New)
    );
    studio.perform(Command::MarkDone);
    studio.wait(|_| true);
    let path = studio.file("state.jsonl");
    let start = Instant::now();
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"state\":\"done\"")) {
        assert!(start.elapsed() < Duration::from_secs(60), "the record is not written");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

#[test]
fn tools_take_their_rules_from_the_settings() {
    let mut studio = Studio::new(&["a.jpg"]);
    assert_eq!(studio.annotate.rules(&studio.bench.ctx(), None).over, Over::Any);
    studio.annotate.settings.over = PaintOver::Unlabelled;
    studio.annotate.settings.unsure_below = Some(0.5);
    let result = studio
        .bench
        .ctx()
        .document()
        .and_then(|document| document.result.clone());
    let rules = studio.annotate.rules(&studio.bench.ctx(), result.as_ref());
    assert_eq!(
        (rules.over, rules.unsure.map(|unsure| unsure.below)),
        (Over::Unlabelled, Some(32768))
    );
    // An eraser becomes a brush when a class is chosen.
    studio.perform(Command::UseEraser);
    studio.perform(Command::PaintClass2);
    assert_eq!((studio.annotate.tool, studio.annotate.class), (Tool::Brush, 1));
    studio.annotate.take_prediction(Taken::Class(4), &studio.bench.ctx());
    assert!(
        studio.ids().iter().all(|id| *id == UNLABELLED),
        "the prediction has class 3 only"
    );
    studio.annotate.next_unsure(&studio.bench.ctx());
    assert!(
        studio
            .annotate
            .unsure
            .as_ref()
            .is_some_and(|place| place != &review::UnsurePlace::default())
    );
}

#[test]
fn a_merged_class_is_replaced_in_the_open_labels_too() {
    let mut studio = Studio::new(&["a.jpg"]);
    studio.perform(Command::AcceptPrediction);
    studio.wait_until_saved();
    studio.annotate.class = 3;
    let edit = ClassEdit::Delete { id: 3, into: 1 };
    studio.annotate.edit_classes(edit, &studio.bench.ctx());
    studio.wait(|annotate| annotate.project().is_some_and(|open| open.project.class(3).is_none()));
    assert_eq!(studio.ids(), [1; SIDE * SIDE]);
    assert_eq!((studio.annotate.class, studio.saved("labels/a.png")[0]), (1, 1));
    assert!(studio.annotate.project().is_some_and(|open| open.undo));
    studio.annotate.undo_classes(&studio.bench.ctx());
    studio.wait(|annotate| annotate.project().is_some_and(|open| open.project.class(3).is_some()));
    assert_eq!((studio.ids()[0], studio.saved("labels/a.png")[0]), (3, 3));
}

#[test]
fn labels_that_cannot_be_opened_are_told_and_tried_again() {
    let mut studio = Studio::new(&["a.jpg"]);
    let source = studio.annotate.current.clone().expect("an image");
    std::fs::write(studio.file("images/a.jpg"), "no image").expect("a file");
    studio.annotate.drop_sheet(&source, &studio.bench.ctx());
    std::fs::create_dir(studio.file("annotations")).expect("a folder");
    std::fs::write(studio.file("annotations/a.png"), "no PNG").expect("a file");
    studio.wait(|annotate| annotate.failed.is_some());
    assert!(studio.annotate.sheet().is_none());
    std::fs::remove_file(studio.file("annotations/a.png")).expect("a file");
    studio.annotate.open_again();
    studio.wait(|annotate| annotate.sheet().is_some());
    let news = AnnotationNews::SaveFailed {
        image: studio.annotate.sheet().expect("labels").image.clone(),
        message: "full".into(),
        changed: false,
    };
    studio.annotate.on_news(&News::Annotation(news), &studio.bench.ctx());
    assert!(matches!(
        studio.annotate.sheet().map(|sheet| &sheet.saving),
        Some(Saving::Failed { .. })
    ));
    studio.annotate.keep_mine(&studio.bench.ctx());
    assert_eq!(
        studio.annotate.sheet().map(|sheet| &sheet.saving),
        Some(&Saving::Unsaved)
    );
}
