//! A task list done in the real window, by keyboard alone and by mouse alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use toml::Value;

use egui::accesskit::Role;
use segscope::engine::{DecoderKind, Output};
use segscope::model::{Variant, published};

use super::guide::{Mouse, Widget};
use super::program::{Program, wait_for};
use super::stage::{Stage, in_repository};

/// Another model than the built-in one.
const OTHER: &str = "tests/golden/rstrudel-linear-p16";

/// Size of the window that shows every control that the mouse needs.
const SIZE: [usize; 2] = [1500, 1700];

/// Two copies of the sample with their label maps, and a folder that asks for a training of five steps.
struct Work {
    images: [PathBuf; 2],
    exported: PathBuf,
    run: PathBuf,
}

impl Work {
    fn new(stage: &Stage) -> Self {
        let work = Self::below(stage, "work");
        stage.set_session(&work.session());
        work
    }

    /// The same in a folder of this name.
    fn below(stage: &Stage, folder: &str) -> Self {
        let labels = stage.path(folder).join("labels");
        fs::create_dir_all(&labels).expect("a folder");
        let images = ["a", "b"].map(|name| {
            let truth = in_repository("assets/samples/street-labels.png");
            fs::copy(truth, labels.join(format!("{name}.png"))).expect("a copy");
            stage.street(&format!("{folder}/images/{name}.jpg"))
        });
        let run = stage.path(folder).join("run");
        fs::create_dir(&run).expect("a folder");
        fs::write(run.join("train.toml"), plan(&stage.path(folder))).expect("a file");
        Self {
            exported: stage.path(folder).join("images/segscope"),
            images,
            run,
        }
    }

    /// A session that remembers the training.
    fn session(&self) -> String {
        format!("trainings = [{:?}]\n", self.run.display().to_string())
    }

    /// Waits until the training has taken its five steps and kept its model.
    fn wait_for_training(&self) {
        wait_for("five steps", || {
            let log = fs::read_to_string(self.run.join("log.csv")).ok()?;
            (log.lines().count() == 6 && self.run.join("last.safetensors").is_file()).then_some(())
        });
    }
}

/// The choices of a short training on the images and label maps in a folder.
fn plan(data: &Path) -> String {
    let init = in_repository("tests/golden/pipeline-timm-npz/vit_tiny_fake.npz");
    let [images, labels] = ["images", "labels"].map(|below| data.join(below).display().to_string());
    format!(
        "init = {:?}\nset = \"camvid\"\ndecoders = [\"linear\"]\npatch = 16\nchannels = 256\nauxiliary = false\n\n\
         [data]\nimages = [{images:?}]\nlabels = [{labels:?}]\n\n\
         [validation]\nimages = []\nlabels = []\n\n\
         [training]\nbatch-size = 2\naccumulate = 1\nseed = 1\nvalidate-every = 100\ndecoder-lr-multiplier = 2.0\n\
         layer-decay = 1.0\nclip-norm = 1.0\ndrop-path = 0.0\ndropout = 0.0\nloss-reduction = \"labelled\"\n\n\
         [training.optimiser]\nname = \"adamw\"\nbeta1 = 0.9\nbeta2 = 0.999\nepsilon = 0.00000001\n\
         weight-decay = 0.01\n\n\
         [training.schedule]\nlr = 0.0003\nmin-lr = 0.000003\npower = 0.9\niterations = 5\n\n\
         [training.augmentation]\ncrop = 64\nshort-side = 64\nscales = [0.5, 2.0]\nflip = true\ndistort = true\n",
        init.display().to_string(),
    )
}

/// The files below a folder.
fn files(folder: &Path) -> usize {
    let below = fs::read_dir(folder).into_iter().flatten().flatten();
    below
        .map(|entry| match entry.path().is_dir() {
            true => files(&entry.path()),
            false => 1,
        })
        .sum()
}

fn wait_for_session(stage: &Stage, key: &str, value: &str) {
    wait_for(key, || {
        (stage.session(key) == Some(Value::String(value.into()))).then_some(())
    });
}

/// What the next start finds again.
fn find_everything_again(stage: &Stage) {
    let mut program = stage.start::<&str>(&[]);
    program.wait_for_masks("b.jpg");
    let opened = stage.session("pictures");
    assert_eq!(opened.and_then(|list| Some(list.as_array()?.len())), Some(2));
    for (key, value) in [
        ("view.solo", "road"),
        ("view.palette", "color-blind-safe"),
        ("decoder", "linear"),
    ] {
        assert_eq!(stage.session(key), Some(Value::String(value.into())), "{key}");
    }
    let panes = stage.session("panes").and_then(|panes| Some(panes.as_array()?.len()));
    assert!(panes.is_some_and(|panes| panes >= 3), "{panes:?}");
    program.quit();
}

#[test]
fn the_task_list_is_done_by_keyboard_alone() {
    let Some(stage) = Stage::new() else { return };
    let work = Work::new(&stage);
    let mut program = stage.start(&[&work.images[0]]);
    program.wait_for_drawn_masks("a.jpg");
    // Open another photo, and read a pixel.
    stage.answer_dialogs_with(&work.images[1]);
    program.press("ctrl+o");
    stage.wait_for_dialog();
    program.wait_for_drawn_masks("b.jpg");
    program.press_and_see("r");
    // Solo a class, change the palette and the decoder.
    program.perform("Solo road");
    wait_for_session(&stage, "view.solo", "road");
    program.press("p");
    wait_for_session(&stage, "view.palette", "color-blind-safe");
    program.press("2");
    wait_for_session(&stage, "decoder", "linear");
    program.wait_for_masks("b.jpg");
    switch_models(&stage, &mut program);
    // Follow one head over three layers.
    program.press_and_see("F3");
    program.settled_middle();
    program.press_and_see("period");
    let mut layers = vec![program.settled_middle()];
    for _ in 0..2 {
        program.press("bracketleft");
        let before = layers.last().cloned().unwrap_or_default();
        program.wait_for_screen("another layer", |screen| screen.middle() != before);
        layers.push(program.settled_middle());
    }
    assert!(layers[0] != layers[1] && layers[1] != layers[2]);
    // Compare three patch sizes.
    program.perform("Patch sizes");
    wait_for("three panes", || {
        (stage.session("panes")?.as_array()?.len() >= 3).then_some(())
    });
    program.settled_middle();
    // Score both photos.
    program.press_and_see("F6");
    program.settled_middle();
    let before = program.screen().canvas();
    program.perform("Score all photos");
    program.wait_for_screen("scores", |screen| screen.canvas() != before);
    program.settled_middle();
    // Export four kinds of files.
    program.press_and_see("F2");
    program.wait_for_masks("b.jpg");
    wait_for("four files", || {
        program.press("ctrl+e");
        program.press("Return");
        (files(&work.exported) == 4).then_some(())
    });
    // Train five steps. The sheet may be open for another export, and takes all keys until it has closed.
    program.press("Escape");
    program.settle();
    program.press_and_see("F7");
    program.settle();
    program.perform("Start or resume training");
    work.wait_for_training();
    program.quit();
    find_everything_again(&stage);
}

/// Uses another model and returns to the built-in one, by keyboard.
fn switch_models(stage: &Stage, program: &mut Program) {
    let other = in_repository(OTHER);
    stage.answer_dialogs_with(&other);
    program.press("ctrl+m");
    stage.wait_for_dialog();
    wait_for_session(stage, "model", &other.display().to_string());
    program.perform("Built-in street model");
    wait_for("the built-in model", || {
        (stage.session("model") != Some(Value::String(other.display().to_string()))).then_some(())
    });
    program.wait_for_title("11 classes", |title| title.contains("11 classes"));
    // A model opens with the decoder that it was used with last.
    wait_for_session(stage, "decoder", "linear");
}

/// The title of the linear decoder of the built-in model.
fn linear() -> String {
    published(Variant::Tiny, 16, &[DecoderKind::Linear], 11, 384).output_title(Output::main(0))
}

#[test]
fn the_task_list_is_done_by_mouse_alone() {
    let Some(stage) = Stage::with_screen(SIZE) else { return };
    let (work, copy) = (Work::below(&stage, "work"), Work::below(&stage, "copy"));
    let [width, height] = SIZE;
    let window = format!("[window]\nsize = [{width}.0, {height}.0]\n");
    stage.set_session(&(work.session() + &window));
    let program = stage.start(&[&work.images[0]]);
    let mut mouse = Mouse::new(&stage, program, SIZE, &copy.session(), &copy.images[0]);
    // Open another photo, and read a pixel.
    stage.answer_dialogs_with(&work.images[1]);
    mouse.click_there_and_drop_here("Open photos…", &copy.images[1]);
    stage.wait_for_dialog();
    mouse.program.wait_for_masks("b.jpg");
    mouse.wait_for("Photo b.jpg, Done");
    mouse.click("Photo canvas");
    mouse.wait_for("Unpin ");
    // Solo a class, change the palette and the decoder.
    mouse.hover(&Widget::with_role(Role::Button, "road"));
    mouse.click("Show only road");
    wait_for_session(&stage, "view.solo", "road");
    mouse.click_on(&Widget::with_role(Role::ComboBox, "Palette"));
    mouse.click("Okabe-Ito");
    wait_for_session(&stage, "view.palette", "color-blind-safe");
    mouse.click_on(&Widget::MODELS);
    mouse.click(&linear());
    wait_for_session(&stage, "decoder", "linear");
    switch_models_by_mouse(&stage, &mut mouse);
    follow_one_head(&mut mouse);
    // Compare three patch sizes.
    mouse.click("Compare workspace");
    mouse.wait_for("% agree");
    mouse.click("Patch sizes");
    wait_for("the panes of the patch sizes", || {
        let panes = stage.session("panes")?;
        let of_patch_sizes = panes.as_array()?.iter().filter(|pane| pane.get("patch").is_some());
        (of_patch_sizes.count() >= 2).then_some(())
    });
    // Score both photos.
    mouse.click("Evaluate workspace");
    mouse.click("Score all photos");
    mouse.wait_for("2 of 2 scored");
    // Export five kinds of files.
    mouse.click("Masks workspace");
    mouse.program.wait_for_masks("b.jpg");
    mouse.click("Export…");
    mouse.wait_for("Export 4 files");
    mouse.click_on(&Widget::with_role(Role::CheckBox, "Confidence"));
    // The button takes a click only once the files are planned, which the real window may show later than its twin.
    let mut clicked = Instant::now();
    mouse.click("Export 5 files");
    wait_for("five files", || {
        if files(&work.exported) == 0 && clicked.elapsed() > Duration::from_secs(5) {
            mouse.program.click();
            clicked = Instant::now();
        }
        (files(&work.exported) == 5).then_some(())
    });
    // Train five steps.
    mouse.click("Train workspace");
    mouse.click_only_there("Start training");
    work.wait_for_training();
    mouse.end().quit();
    find_everything_again(&stage);
}

/// Uses another model and returns to the built-in one, by mouse.
fn switch_models_by_mouse(stage: &Stage, mouse: &mut Mouse) {
    let other = in_repository(OTHER);
    stage.answer_dialogs_with(&other);
    // The list is still open.
    mouse.click_there_and_drop_here("Open model folder…", &other);
    stage.wait_for_dialog();
    wait_for_session(stage, "model", &other.display().to_string());
    mouse.wait_for("Seg-");
    mouse.click_on(&Widget::MODELS);
    mouse.click_on(&Widget::with_role(
        Role::RadioButton,
        &published(Variant::Tiny, 16, &DecoderKind::ALL, 11, 384).title(),
    ));
    mouse
        .program
        .wait_for_title("11 classes", |title| title.contains("11 classes"));
    wait_for_session(stage, "decoder", "linear");
}

/// Shows what one head looks at in three layers.
fn follow_one_head(mouse: &mut Mouse) {
    mouse.click("Attention workspace");
    mouse.click("Looks at");
    mouse.click("Head 2");
    let mut seen = Vec::new();
    for number in 1..=3 {
        mouse.click("All heads");
        mouse.click_on(&Widget::with_role(Role::Button, &format!("Layer {number}, head 2")));
        seen.push(mouse.program.settled_middle());
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2]);
}
