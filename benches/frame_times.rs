//! Measures how long the window's thread works per frame while the network runs on a 12-megapixel image and the mouse
//! moves.
//!
//! Starts the release binary on the display in `DISPLAY` (`xvfb-run -a cargo bench --bench frame_times`), keeps a
//! segmentation running by pressing F5, moves the mouse over the image, and prints the processor time of `App::logic`
//! and `App::ui` per frame. Drawing by a software Vulkan adapter on other threads is not included.
//! Needs `xdotool`. `--json` prints one JSON object instead of text.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use segscope::photo::Photo;

/// Time during which frames are measured.
const MEASURED: Duration = Duration::from_secs(20);

/// Time after which a program that hangs ends the measurement.
const DEADLINE: Duration = Duration::from_secs(120);

/// The program, which is killed at the end of the measurement.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn main() -> anyhow::Result<()> {
    anyhow::ensure!(
        std::env::var_os("DISPLAY").is_some(),
        "expected a display, found none; run it under xvfb-run"
    );
    let folder = tempfile::tempdir()?;
    let photo = folder.path().join("large.png");
    save_large_photo(&photo)?;
    let log = folder.path().join("frames.csv");
    let child = Command::new(env!("CARGO_BIN_EXE_segscope"))
        .arg(&photo)
        .args(["--device", "cpu", "--frame-log"])
        .arg(&log)
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env_remove("WAYLAND_DISPLAY")
        .spawn()?;
    let program = Program(child);
    let pid = program.0.id().to_string();
    let window = wait_for("a window", || {
        let found = xdotool(&["search", "--pid", &pid, "--name", "Segscope"]);
        found.lines().next().map(str::to_owned)
    })?;
    let title = || xdotool(&["getwindowname", &window]);
    wait_for("masks", || title().contains("classes").then_some(()))?;

    let before = frames(&log)?.len();
    xdotool(&["windowfocus", &window]);
    let start = Instant::now();
    let (mut runs, mut step) = (0, 0_u32);
    while start.elapsed() < MEASURED {
        if !title().contains("segmenting") {
            xdotool(&["key", "--window", &window, "F5"]);
            runs += 1;
        }
        // A slow circle over the middle of the window.
        let angle = f64::from(step) * 0.07;
        let (x, y) = (560.0 + 220.0 * angle.cos(), 430.0 + 180.0 * angle.sin());
        xdotool(&["mousemove", "--window", &window, &format!("{x:.0}"), &format!("{y:.0}")]);
        step += 1;
    }
    let measured = frames(&log)?.split_off(before);
    drop(program);
    let [cpu, wall] = [0, 1].map(|column| sorted(measured.iter().map(|times| times[column])));
    if std::env::args().any(|a| a == "--json") {
        let figures = serde_json::json!({
            "frames": cpu.len(), "runs": runs,
            "cpu_median_ms": rank(&cpu, 50), "cpu_p99_ms": rank(&cpu, 99),
            "wall_median_ms": rank(&wall, 50), "wall_p99_ms": rank(&wall, 99),
        });
        println!("{figures}");
    } else {
        println!(
            "{} frames in {MEASURED:?}, {runs} segmentations of 4000 x 3000 pixels",
            cpu.len()
        );
        for (name, times) in [("processor", &cpu), ("clock", &wall)] {
            let [median, p99, most] = [50, 99, 100].map(|percent| rank(times, percent));
            println!("{name:>10}: median {median:.2} ms, 99 % {p99:.2} ms, maximum {most:.2} ms");
        }
    }
    std::io::stdout().flush()?;
    Ok(())
}

/// Saves the street sample at 4000 x 3000 pixels.
fn save_large_photo(path: &Path) -> anyhow::Result<()> {
    let street = Photo::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/samples/street.jpg"))?;
    let large = street.resized(4000, 3000);
    let (width, height) = (large.width as u32, large.height as u32);
    let image = image::RgbImage::from_raw(width, height, large.rgb);
    let image = image.ok_or_else(|| anyhow::anyhow!("expected three bytes per pixel, found others"))?;
    Ok(image.save(path)?)
}

/// Processor time and wall-clock time of each logged frame, in milliseconds.
fn frames(log: &Path) -> anyhow::Result<Vec<[f64; 2]>> {
    let text = std::fs::read_to_string(log)?;
    let times = |line: &str| {
        let mut fields = line.split(',').skip(1).map(|field| field.trim().parse().ok());
        Some([fields.next()??, fields.next()??])
    };
    Ok(text.lines().skip(1).filter_map(times).collect())
}

fn sorted(times: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = times.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The percentile of sorted values by the nearest-rank method.
fn rank(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn xdotool(arguments: &[&str]) -> String {
    let output = Command::new("xdotool").args(arguments).stderr(Stdio::null()).output();
    output
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn wait_for<T>(what: &str, mut request: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = request() {
            return Ok(found);
        }
        anyhow::ensure!(start.elapsed() < DEADLINE, "{what} did not come within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
