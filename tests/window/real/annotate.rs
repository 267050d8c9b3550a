//! Ten photos from the prediction to scored labels, with a crash in between.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use segscope::labels::LabelMap;

use super::program::{Program, wait_for};
use super::stage::{Stage, in_repository};

const PHOTOS: usize = 10;

/// Width and height of the sample.
const SAMPLE: [f64; 2] = [1280.0, 960.0];

/// Canvas of the annotate workspace in a window of the default size: left, top, right and bottom edge.
const CANVAS: [f64; 4] = [296.0, 104.0, 980.0, 788.0];

/// A place in the sample, as fractions of its width and height, on the screen.
fn on_screen([x, y]: [f64; 2]) -> [usize; 2] {
    let [left, top, right, bottom] = CANVAS;
    let zoom = ((right - left - 16.0) / SAMPLE[0]).min((bottom - top - 16.0) / SAMPLE[1]);
    let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
    [
        (middle[0] + (x - 0.5) * SAMPLE[0] * zoom) as usize,
        (middle[1] + (y - 0.5) * SAMPLE[1] * zoom) as usize,
    ]
}

/// The folder that is annotated.
struct Work<'s> {
    stage: &'s Stage,
}

impl Work<'_> {
    fn labels(&self, photo: usize) -> PathBuf {
        self.stage.path(&format!("work/labels/{photo}.png"))
    }

    fn read(&self, photo: usize) -> Option<LabelMap> {
        LabelMap::open(&self.labels(photo)).ok()
    }

    fn all(&self) -> Vec<LabelMap> {
        (0..PHOTOS)
            .map(|photo| self.read(photo).expect("a label map"))
            .collect()
    }

    /// Waits until the labels of a photo are others, and returns them.
    fn wait_for_change(&self, photo: usize, before: &LabelMap, what: &str) -> LabelMap {
        wait_for(what, || self.read(photo).filter(|now| now != before))
    }

    fn state_of(&self, photo: usize) -> String {
        let records = fs::read_to_string(self.stage.path("work/state.jsonl")).unwrap_or_default();
        let path = format!("\"path\":\"images/{photo}.jpg\"");
        records
            .lines()
            .find(|line| line.contains(&path))
            .unwrap_or_default()
            .to_owned()
    }
}

/// Takes the prediction of every photo.
fn take_predictions(program: &mut Program, work: &Work) {
    for photo in 0..PHOTOS {
        program.wait_for_masks(&format!("{photo}.jpg"));
        wait_for("labels", || {
            // Has no effect before the labels are open, and changes nothing the second time.
            program.press("ctrl+shift+Return");
            work.labels(photo).is_file().then_some(())
        });
        if photo + 1 < PHOTOS {
            program.press("d");
        }
    }
}

/// Corrects three regions of the last photo with the brush.
fn correct(program: &mut Program, work: &Work, photo: usize) -> LabelMap {
    let mut now = work.read(photo).expect("labels");
    for (key, class, [from, to]) in [
        ("2", 1, [[0.30, 0.75], [0.42, 0.80]]),
        ("9", 8, [[0.55, 0.88], [0.66, 0.84]]),
        ("5", 4, [[0.45, 0.15], [0.52, 0.25]]),
    ] {
        program.press(key);
        program.drag(&[from, to].map(on_screen));
        now = work.wait_for_change(photo, &now, "a stroke");
        let middle = [0, 1].map(|i| ((from[i] + to[i]) / 2.0 * SAMPLE[i]) as usize);
        assert_eq!(now.get(middle[0], middle[1]), Some(class), "{middle:?}");
    }
    now
}

/// Paints an object as a polygon.
fn paint_object(program: &mut Program, work: &Work, photo: usize, before: &LabelMap) -> LabelMap {
    program.press("0");
    program.press("p");
    for corner in [[0.70, 0.70], [0.78, 0.70], [0.78, 0.85], [0.70, 0.85]] {
        program.point_at(on_screen(corner));
        program.settle();
        program.click();
        program.settle();
    }
    program.press("Return");
    let now = work.wait_for_change(photo, before, "a polygon");
    assert_eq!(
        now.get((0.74 * SAMPLE[0]) as usize, (0.78 * SAMPLE[1]) as usize),
        Some(9)
    );
    now
}

#[test]
fn ten_photos_are_labelled_corrected_and_scored() {
    let Some(stage) = Stage::new() else { return };
    let work = Work { stage: &stage };
    for photo in 0..PHOTOS {
        stage.street(&format!("work/images/{photo}.jpg"));
        let truth = stage.path("truth/labels");
        fs::create_dir_all(&truth).expect("a folder");
        let sample = in_repository("assets/samples/street-labels.png");
        fs::copy(sample, truth.join(format!("{photo}.png"))).expect("a copy");
    }
    let mut program = stage.start(&[stage.path("work/images")]);
    program.wait_for_drawn_masks("0.jpg");
    program.press_and_see("F8");
    take_predictions(&mut program, &work);
    let last = PHOTOS - 1;
    program.settle();
    correct(&mut program, &work, last);
    let corrected = work.read(last).expect("labels");
    let painted = paint_object(&mut program, &work, last, &corrected);
    // The sky becomes another class and is sky again.
    program.press("2");
    program.press("r");
    program.point_at(on_screen([0.47, 0.1]));
    program.settle();
    program.click();
    let region = work.wait_for_change(last, &painted, "a region with another class");
    assert_eq!(region.get(600, 96), Some(1));
    program.press("ctrl+z");
    wait_for("undo", || work.read(last).filter(|now| *now == painted));
    program.press("ctrl+Return");
    wait_for("the photo to be done", || {
        work.state_of(last).contains("\"state\":\"done\"").then_some(())
    });
    program.kill();
    // Everything is there again, and work continues.
    assert!(work.read(last).is_some_and(|now| now == painted));
    let mut program = stage.start::<&str>(&[]);
    program.wait_for_masks(&format!("{last}.jpg"));
    program.press_and_see("F8");
    program.settle();
    program.press("b");
    program.press("3");
    program.drag(&[[0.2, 0.9], [0.3, 0.9]].map(on_screen));
    work.wait_for_change(last, &painted, "a stroke after the restart");
    wait_for("a change after the photo was done", || {
        work.state_of(last).contains("changed_after_done").then_some(())
    });
    merge_and_undo(&mut program, &work);
    let exported = stage.path("work/images/segscope/labels/9.png");
    wait_for("an exported label map", || {
        program.press("ctrl+e");
        program.press("Return");
        exported.is_file().then_some(())
    });
    assert!(LabelMap::open(&exported).is_ok_and(|map| Some(map) == work.read(last)));
    program.press("Escape");
    program.settle();
    program.quit();
    score(&stage);
}

/// Merges the chosen class, poles, into the sky in all label files, and takes that back.
fn merge_and_undo(program: &mut Program, work: &Work) {
    let before = work.all();
    program.perform("Merge the class");
    program.settle();
    program.press("1");
    program.press("Return");
    let pole = 2;
    let merged = wait_for("merged classes", || {
        let now: Option<Vec<LabelMap>> = (0..PHOTOS).map(|photo| work.read(photo)).collect();
        now.filter(|maps| maps.iter().all(|map| !map.ids.contains(&pole)))
    });
    for (before, merged) in before.iter().zip(&merged) {
        let expected = before.ids.iter().map(|id| if *id == pole { 0 } else { *id });
        assert!(
            merged.ids.iter().copied().eq(expected),
            "only the merged class has changed"
        );
    }
    program.settle();
    program.perform("Undo change of classes");
    wait_for("the classes of before", || {
        let now: Option<Vec<LabelMap>> = (0..PHOTOS).map(|photo| work.read(photo)).collect();
        now.filter(|maps| *maps == before)
    });
}

/// Scores the labels against the truth.
fn score(stage: &Stage) {
    let output = Command::new(env!("CARGO_BIN_EXE_segscope"))
        .args(["evaluate", "--predictions"])
        .arg(stage.path("work/labels"))
        .arg("--labels")
        .arg(stage.path("truth/labels"))
        .arg("--set")
        .arg(stage.path("work/project.toml"))
        .args(["--csv", "-"])
        .output()
        .expect("the program");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("road"), "{text}");
}
