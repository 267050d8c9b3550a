//! The release binary in a real window: open a picture, wait for masks, hide a class, export, read the files back.
//!
//! Needs a display (`xvfb-run`), `xdotool` and ImageMagick's `import`; without them it says that it was skipped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use segscope::labels::LabelMap;
use segscope::photo::Photo;

/// Far beyond what any step takes, also with two busy cores and software Vulkan.
const DEADLINE: Duration = Duration::from_secs(120);

/// The program, ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Why the test cannot run here, if it cannot.
fn obstacle() -> Option<String> {
    if std::env::var_os("DISPLAY").is_none() {
        return Some("no display (run under xvfb-run)".into());
    }
    let missing = |tool: &&str| {
        Command::new(tool)
            .arg("-version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
    };
    ["xdotool", "import"]
        .iter()
        .find(|tool| missing(tool))
        .map(|tool| format!("{tool} is not installed"))
}

/// What a tool prints, trimmed; empty when it fails.
fn printed(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).stderr(Stdio::null()).output();
    output
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// Asks again until `look` finds something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "{what} did not happen within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The screen as a picture.
fn screenshot(folder: &Path) -> Photo {
    let path = folder.join("screen.png");
    printed("import", &["-window", "root", &path.display().to_string()]);
    Photo::open(&path).expect("a screenshot")
}

/// A picture with the sample's street in it, under a name with spaces and an umlaut.
fn street(folder: &Path) -> PathBuf {
    let picture = folder.join("a street für tests.jpg");
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street.jpg"),
        &picture,
    )
    .expect("a copy");
    picture
}

#[test]
fn a_person_opens_a_picture_hides_a_class_and_exports() {
    if let Some(why) = obstacle() {
        assert!(std::env::var_os("SEGSCOPE_REQUIRE_ALL").is_none(), "cannot run: {why}");
        println!("skipped: {why}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let picture = street(folder.path());
    let child = Command::new(env!("CARGO_BIN_EXE_segscope"))
        .arg(&picture)
        .args(["--device", "cpu"])
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env_remove("WAYLAND_DISPLAY")
        .spawn()
        .expect("the program starts");
    let program = Program(child);
    let pid = program.0.id().to_string();
    let window = wait_for("a window", || {
        let found = printed("xdotool", &["search", "--pid", &pid, "--name", "Segscope"]);
        found.lines().next().map(str::to_owned)
    });
    let title = wait_for("masks", || {
        Some(printed("xdotool", &["getwindowname", &window])).filter(|title| title.contains("classes"))
    });
    assert!(title.starts_with("a street für tests.jpg - "), "{title}");

    // The road fills the lower middle of the canvas.
    let (x, y) = (420, 640);
    let at = |photo: &Photo| photo.pixel(x, y).map(|p| p.map(i32::from)).expect("a pixel");
    let purple = |[r, g, b]: [i32; 3]| r - g > 15 && b - g > 15;
    wait_for("the road in its colour", || {
        purple(at(&screenshot(folder.path()))).then_some(())
    });
    printed("xdotool", &["windowfocus", &window]);
    printed(
        "xdotool",
        &["mousemove", "--window", &window, &x.to_string(), &y.to_string()],
    );
    wait_for("the road without its mask after H", || {
        printed("xdotool", &["key", "--window", &window, "h"]);
        // A second press would show the class again, so only press when the first was lost with the focus.
        let pressed = Instant::now();
        while pressed.elapsed() < Duration::from_secs(5) {
            if !purple(at(&screenshot(folder.path()))) {
                return Some(());
            }
        }
        None
    });

    let exported = folder.path().join("segscope/labels/a street für tests.png");
    wait_for("exported files", || {
        // With the dialog open the first key does nothing; without it the second does nothing.
        printed("xdotool", &["key", "--window", &window, "ctrl+e"]);
        printed("xdotool", &["key", "--window", &window, "Return"]);
        exported.is_file().then_some(())
    });
    let map = LabelMap::from_png(&std::fs::read(&exported).expect("the label map")).expect("a label map");
    let photo = Photo::open(&picture).expect("the photo");
    assert_eq!((map.width, map.height), (photo.width, photo.height));
    let road = map.counts(11)[3] as f64 / (map.width * map.height) as f64;
    assert!((0.25..0.5).contains(&road), "road covers {road} of the exported map");
    let overlay = wait_for("the overlay file", || {
        Photo::open(&folder.path().join("segscope/overlay/a street für tests.png")).ok()
    });
    assert_eq!(
        overlay.pixel(640, 900),
        photo.pixel(640, 900),
        "the hidden road shows the photo in the overlay too"
    );
}
