//! Checks the panes pixel by pixel: each shows its own labels of the open image, ground truth by its rules.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use image::ExtendedColorType;

use crate::app::action::Action;
use crate::app::command::Command;
use crate::app::state::{InferenceSettings, Palette};
use crate::app::testing::can_draw;
use crate::app::workspaces::News;
use crate::app::{App, Start};
use crate::datasets::NO_CLASS;
use crate::engine::{DeviceChoice, InferenceConfig, ModelSource, Output, PrecisionChoice};
use crate::labels::ClassSet;
use crate::photo::Photo;
use crate::runtime::{Session, Task};

/// Width and height of the images in pixels, the same as a window of the model.
const SIDE: usize = 80;

/// Cityscapes classes in the label maps, and their label ids, which the ground-truth files contain.
const LABEL_IDS: [(u16, u8); 3] = [(4, 13), (6, 19), (16, 31)];

/// Maximum time to wait for the right pixels.
const DEADLINE: Duration = Duration::from_secs(60);

/// Class by column and row.
type Pattern = fn(usize, usize) -> u16;

/// An image of blocks, and its label maps.
struct Case {
    file: PathBuf,
    photo: Vec<[u8; 3]>,
    /// The classes that another program has predicted.
    other: Vec<u16>,
    /// The true classes; [`NO_CLASS`] where there is none.
    truth: Vec<u16>,
}

fn each<T>(value: impl Fn(usize, usize) -> T) -> Vec<T> {
    (0..SIDE * SIDE).map(|i| value(i % SIDE, i / SIDE)).collect()
}

impl Case {
    /// Writes `NAME.png` with blocks whose colours depend on `shift`, `NAME_other.png` with classes, and
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
            image::save_buffer(&file, bytes, SIDE as u32, SIDE as u32, color).expect("a written image");
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

    /// The model's prediction for the image, made without the window, in the precision that the window has by itself.
    fn predicted(&self, model: &Path, settings: &InferenceConfig) -> Vec<u16> {
        let mut session = Session::new(DeviceChoice::Cpu, PrecisionChoice::Auto);
        let proceed = &mut |_| std::ops::ControlFlow::Continue(());
        let model = session.load(ModelSource::Path(model.into()), proceed).expect("a model");
        let photo = Photo::open(&self.file).expect("a photo");
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

    /// The expected colour of a pixel in a pane of the image, the model, the other program or the ground truth, which
    /// is the reference.
    fn color(&self, predicted: &[u16], classes: &ClassSet, differences: bool, [place, at]: [usize; 2]) -> [u8; 3] {
        let truth = self.truth[at];
        let id = match place {
            0 => NO_CLASS,
            1 => predicted[at],
            2 => self.other[at],
            _ => truth,
        };
        let agrees = place < 3 && (id == truth || truth == NO_CLASS);
        let only_differences = differences && (1..3).contains(&place);
        match id == NO_CLASS || (differences && agrees) {
            true if only_differences => muted(self.photo[at]),
            true => self.photo[at],
            false => classes.color(id),
        }
    }
}

/// The colour of a pixel of the photo under differences: 30 % of its saturation and 62 % of its light.
fn muted(color: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = color.map(f32::from);
    let grey = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [r, g, b].map(|value| ((grey + (value - grey) * 0.3) * 0.62).round() as u8)
}

fn window(model: &Path, images: Vec<PathBuf>) -> Harness<'static, App> {
    let start = Start {
        device: Some(DeviceChoice::Cpu),
        model: Some(model.into()),
        images,
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

/// Draws frames until `wrong` returns `None`.
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

/// The first checked pixel of four panes that does not have the `expected` colour for its pane and position.
fn wrong_pixel(harness: &mut Harness<App>, expected: impl Fn([usize; 2]) -> [u8; 3]) -> Option<String> {
    let seen = harness.render().expect("a screenshot of the window");
    for pane in 0..4 {
        let name = format!("Pane {}: ", pane + 1);
        let canvas = harness
            .query_all_by_label_contains(&name)
            .next()
            .map(|node| node.rect());
        let Some(canvas) = canvas else {
            return Some(format!("there is no {name}"));
        };
        // The image is fitted into the middle, with a margin.
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
fn each_pane_shows_its_own_labels_of_the_open_image() {
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
    wait_until_right(&mut harness, "photo and model", |harness| {
        let app = harness.state();
        let models = &app.state.library.models;
        let is_there = app.state.canvas_content.document.is_some()
            && models.used().is_some()
            && models.main_outputs().count() == 1;
        (!is_there).then(|| "they are not open".to_owned())
    });
    let state = &mut harness.state_mut().state;
    // The model's file says nothing about its 19 classes.
    let info = state.library.models.used().expect("a model").clone();
    let cityscapes = InferenceSettings {
        class_set: Some("cityscapes".into()),
        ..state.inference_settings_of(&info)
    };
    state.change_inference_settings(cityscapes);
    let mut view = (*state.view).clone();
    (view.opacity, view.outline, view.palette) = (1.0, 0.0, Palette::DataSet);
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
            assert!(same > 0 && same < one.len(), "{same} equal pixels prove nothing");
        }
        if i > 0 {
            perform(&mut harness, Command::NextImage);
        }
        for differences in [false, true] {
            if differences || i > 0 {
                // Differences are off at first.
                perform(&mut harness, Command::ToggleDifferences);
            }
            let what = format!("{}, differences only: {differences}", case.file.display());
            wait_until_right(&mut harness, &what, |harness| {
                wrong_pixel(harness, |place| case.color(&predicted, &classes, differences, place))
            });
        }
    }
}
