//! What the panes show, pixel by pixel: each its own labels, of the picture that is open, the ground truth by its rules.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use image::ExtendedColorType;

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::TestSettings;
use crate::app::testing::can_draw;
use crate::app::workspaces::News;
use crate::app::{App, Start};
use crate::datasets::NO_CLASS;
use crate::engine::{DeviceChoice, ModelSource, Output, Settings};
use crate::labels::ClassSet;
use crate::photo::Photo;
use crate::runtime::{Session, Task};

/// Width and height of the pictures, a window of the model.
const SIDE: usize = 80;

/// Classes of Cityscapes that the label maps have, and their label ids, which files of ground truth hold.
const LABEL_IDS: [(u16, u8); 3] = [(4, 13), (6, 19), (16, 31)];

/// Longest that the right pixels are waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// Class by column and row.
type Pattern = fn(usize, usize) -> u16;

/// A picture of blocks, and its label maps.
struct Case {
    file: PathBuf,
    photo: Vec<[u8; 3]>,
    /// What another program has predicted.
    other: Vec<u16>,
    /// Classes, and [`NO_CLASS`] where there is none.
    truth: Vec<u16>,
}

fn each<T>(value: impl Fn(usize, usize) -> T) -> Vec<T> {
    (0..SIDE * SIDE).map(|i| value(i % SIDE, i / SIDE)).collect()
}

impl Case {
    /// Writes `NAME.png` with blocks of other colours for another `shift`, `NAME_other.png` with classes, and
    /// `NAME_gtFine_labelIds.png` with label ids.
    fn write(folder: &Path, name: &str, shift: usize, other: Pattern, truth: Pattern) -> Self {
        let photo = each(|x, y| {
            let (a, b) = (x / 16, y / 16);
            let values = [a * 83 + b * 47, a * 29 + b * 151, a * 199 + b * 17];
            values.map(|value| ((value + shift) % 256) as u8)
        });
        let (other, truth) = (each(other), each(truth));
        let save = |ending: &str, bytes: &[u8], color: ExtendedColorType| {
            let file = folder.join(format!("{name}{ending}.png"));
            image::save_buffer(&file, bytes, SIDE as u32, SIDE as u32, color).expect("room for a picture");
            file
        };
        let ids: Vec<u8> = other.iter().map(|class| *class as u8).collect();
        save("_other", &ids, ExtendedColorType::L8);
        let label_id = |class: &u16| {
            LABEL_IDS
                .iter()
                .find(|(known, _)| known == class)
                .map_or(0, |(_, id)| *id)
        };
        let ids: Vec<u8> = truth.iter().map(label_id).collect();
        save("_gtFine_labelIds", &ids, ExtendedColorType::L8);
        Self {
            file: save("", photo.as_flattened(), ExtendedColorType::Rgb8),
            photo,
            other,
            truth,
        }
    }

    /// What the model makes of the picture, without a window.
    fn predicted(&self, model: &Path, settings: &Settings) -> Vec<u16> {
        let mut session = Session::new(DeviceChoice::Cpu);
        let go_on = &mut |_| std::ops::ControlFlow::Continue(());
        let model = session.load(ModelSource::Path(model.into()), go_on).expect("a model");
        let photo = Photo::open(&self.file).expect("a picture");
        let task = Task {
            model: model.id,
            output: Output::default(),
            photo: &photo,
            photo_id: 1,
            settings,
        };
        let prediction = session.segment(&task, &mut |_| std::ops::ControlFlow::Continue(()));
        prediction.expect("a segmentation").labels.map.ids
    }

    /// The colour of a pixel in a pane: of the photo, of the model, of the other program, or of the truth, which is the
    /// reference.
    fn color(&self, predicted: &[u16], classes: &ClassSet, differences: bool, [place, at]: [usize; 2]) -> [u8; 3] {
        let truth = self.truth[at];
        let id = match place {
            0 => NO_CLASS,
            1 => predicted[at],
            2 => self.other[at],
            _ => truth,
        };
        let agrees = place < 3 && (id == truth || truth == NO_CLASS);
        if id == NO_CLASS || (differences && agrees) {
            self.photo[at]
        } else {
            classes.color(id)
        }
    }
}

fn window(model: &Path, pictures: Vec<PathBuf>) -> Harness<'static, App> {
    let start = Start {
        device: Some(DeviceChoice::Cpu),
        model: Some(model.into()),
        pictures,
        ..Start::default()
    };
    Harness::builder()
        .with_size([1100.0, 900.0])
        .with_theme(egui::Theme::Dark)
        .with_step_dt(0.05)
        .with_context_setup(|ctx| ctx.input_mut(|i| i.max_texture_side = 8192))
        .wgpu()
        .build_eframe(move |cc| App::new(cc, start).expect("a worker thread"))
}

fn perform(harness: &mut Harness<App>, command: Command) {
    harness.state().state.actions.perform(command);
    harness.step();
}

/// Draws frames until nothing is wrong any more.
fn wait_until_right(
    harness: &mut Harness<App>,
    what: &str,
    mut wrong: impl FnMut(&mut Harness<App>) -> Option<String>,
) {
    let begin = Instant::now();
    loop {
        harness.step();
        let Some(why) = wrong(harness) else { return };
        assert!(begin.elapsed() < DEADLINE, "{what}: {why}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// The first of the looked-at pixels of four panes that has not the `expected` colour of its pane and place.
fn wrong_pixel(harness: &mut Harness<App>, expected: impl Fn([usize; 2]) -> [u8; 3]) -> Option<String> {
    let seen = harness.render().expect("a picture of the window");
    for pane in 0..4 {
        let name = format!("Pane {}: ", pane + 1);
        let canvas = harness
            .query_all_by_label_contains(&name)
            .next()
            .map(|node| node.rect());
        let Some(canvas) = canvas else {
            return Some(format!("there is no {name}"));
        };
        // The photo is fitted into the middle, with a margin.
        let zoom = (canvas.width().min(canvas.height()) - 16.0) / SIDE as f32;
        for at in (1..SIDE * SIDE).step_by(3) {
            let from_middle = [at % SIDE, at / SIDE].map(|i| (i as f32 + 0.5 - SIDE as f32 / 2.0) * zoom);
            let point = canvas.center() + egui::Vec2::from(from_middle);
            let [red, green, blue, _] = seen.get_pixel(point.x as u32, point.y as u32).0;
            let (found, expected) = ([red, green, blue], expected([pane, at]));
            if found
                .iter()
                .zip(expected)
                .any(|(found, expected)| found.abs_diff(expected) > 2)
            {
                let (x, y) = (at % SIDE, at / SIDE);
                return Some(format!("{name}at {x}, {y} is {found:?}, expected {expected:?}"));
            }
        }
    }
    None
}

#[test]
fn each_pane_shows_its_own_labels_of_the_picture_that_is_open() {
    let Some(_drawing) = can_draw() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        Case::write(
            folder.path(),
            "a",
            0,
            |x, y| if (x / 16 + y / 16) % 2 == 0 { 6 } else { 13 },
            |x, y| match (x, y) {
                (_, 64..) => NO_CLASS,
                (..40, _) => 6,
                _ => 4,
            },
        ),
        Case::write(
            folder.path(),
            "b",
            100,
            |x, _| if x / 16 % 2 == 0 { 4 } else { 10 },
            |x, y| match (x, y) {
                (64.., _) => NO_CLASS,
                (_, ..40) => 4,
                _ => 16,
            },
        ),
    ];
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rstrudel-linear-p16");
    let mut harness = window(&model, cases.iter().map(|case| case.file.clone()).collect());
    wait_until_right(&mut harness, "picture and model", |harness| {
        let app = harness.state();
        let models = &app.state.library.models;
        let is_there =
            app.state.desk.document.is_some() && models.used().is_some() && models.main_outputs().count() == 1;
        (!is_there).then(|| "they are not there".to_owned())
    });
    let state = &mut harness.state_mut().state;
    // Of its 19 classes the model's file says nothing.
    let info = state.library.models.used().expect("a model").clone();
    let cityscapes = TestSettings {
        class_set: Some("cityscapes".into()),
        ..state.test_settings_of(&info)
    };
    state.change_test_settings(cityscapes);
    let mut view = (*state.view).clone();
    view.opacity = 1.0;
    state.actions.send(Action::View(view, true));
    for (file, truth) in [("a_other.png", false), ("a_gtFine_labelIds.png", true)] {
        let path = folder.path().join(file);
        state.actions.tell(News::ChosenLabels { path, truth });
    }
    let classes = state.library.models.used().expect("a model").classes.clone();
    let settings = state.run_settings().expect("settings of the model");
    wait_until_right(&mut harness, "the workspace", |harness| {
        let is_open = harness.state().state.workspace.id == "Compare";
        (!is_open).then(|| "it is not open".to_owned())
    });
    perform(&mut harness, Command::ToggleTable);
    for (i, case) in cases.iter().enumerate() {
        let predicted = case.predicted(&model, &settings);
        for (one, other) in [
            (&predicted, &case.other),
            (&case.other, &case.truth),
            (&case.truth, &predicted),
        ] {
            let same = one.iter().zip(other).filter(|(a, b)| a == b).count();
            assert!(same > 0 && same < one.len(), "{same} pixels in common tell nothing");
        }
        if i > 0 {
            perform(&mut harness, Command::NextPicture);
        }
        for differences in [false, true] {
            if differences || i > 0 {
                // They are off at first.
                perform(&mut harness, Command::ToggleDifferences);
            }
            let what = format!("{}, differences only: {differences}", case.file.display());
            wait_until_right(&mut harness, &what, |harness| {
                wrong_pixel(harness, |place| case.color(&predicted, &classes, differences, place))
            });
        }
    }
}
