//! The program in its window: keys, mouse, title and end.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use segscope::photo::Photo;

use super::screen::Screen;
use super::stage::Stage;

/// Far beyond what any step takes, also with two busy cores and software Vulkan.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Asks again until `look` finds something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "{what} did not happen within {DEADLINE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// What a tool prints, trimmed; empty when it fails.
fn printed(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).stderr(Stdio::null()).output();
    output
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// The running program, killed with the test.
pub struct Program<'a> {
    child: Child,
    /// The number that X knows the window by.
    window: String,
    stage: &'a Stage,
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl<'a> Program<'a> {
    /// Starts it on the CPU and waits until its window has the keyboard.
    pub fn start<S: AsRef<OsStr>>(stage: &'a Stage, arguments: &[S]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_segscope"))
            .args(arguments)
            .args(["--device", "cpu"])
            .current_dir(stage.folder())
            .env("XDG_CONFIG_HOME", stage.path("config"))
            .env("XDG_STATE_HOME", stage.path("state"))
            // A compositor that is gone: the window opens on X11 all the same.
            .env("WAYLAND_DISPLAY", "wayland-gone")
            // File dialogs: no portal, and the stage's own zenity.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("PATH", stage.path_with_dialogs())
            .spawn()
            .expect("the program starts");
        let mut program = Self {
            child,
            window: String::new(),
            stage,
        };
        let pid = program.child.id().to_string();
        program.window = wait_for("a window", || {
            program.assert_alive();
            let found = printed("xdotool", &["search", "--pid", &pid, "--name", "Segscope"]);
            found.lines().next().map(str::to_owned)
        });
        // The mouse may be where the test before left it; nothing is to be pointed at.
        printed("xdotool", &["mousemove", "--window", &program.window, "2", "2"]);
        program
    }

    pub fn assert_alive(&mut self) {
        let ended = self.child.try_wait().expect("the state of a child");
        assert!(ended.is_none(), "the program has ended: {ended:?}");
    }

    pub fn title(&self) -> String {
        printed("xdotool", &["getwindowname", &self.window])
    }

    /// Waits until the title fits, and gives it back.
    pub fn wait_for_title(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let mut title = String::new();
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            self.assert_alive();
            title = self.title();
            if fits(&title) {
                return title;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("waited for {what}, the title is still {title}");
    }

    /// Waits for the masks of a picture.
    pub fn wait_for_masks(&mut self, name: &str) -> String {
        let start = format!("{name} - ");
        self.wait_for_title(&format!("the masks of {name}"), |title| {
            title.starts_with(&start) && title.contains(" class")
        })
    }

    /// Presses a key once, such as `ctrl+e` or `Page_Down`.
    pub fn press(&self, key: &str) {
        self.focus();
        printed("xdotool", &["key", key]);
    }

    /// Presses a key and does not let go.
    pub fn hold(&self, key: &str) {
        self.focus();
        printed("xdotool", &["keydown", key]);
    }

    /// Lets go of a key.
    pub fn release(&self, key: &str) {
        printed("xdotool", &["keyup", key]);
    }

    /// Presses a key, and waits until it is seen on the canvas or in a dialog over it: two keys that came in one frame
    /// would not find each other's effect.
    pub fn press_and_see(&mut self, key: &str) {
        let before = self.screen().canvas();
        self.press(key);
        self.wait_for_screen(&format!("the effect of {key}"), |screen| screen.canvas() != before);
    }

    /// Runs the command of this title by the command palette.
    pub fn perform(&mut self, title: &str) {
        self.press_and_see("ctrl+p");
        let open = self.screen();
        printed("xdotool", &["type", "--delay", "30", title]);
        // The few lines with these letters leave most of the list's place free; the cursor's blinking is far less.
        self.wait_for_screen("a short list", |screen| screen.differing(&open) > 50_000);
        self.press("Return");
    }

    /// Gives the window the keyboard: without a window manager nobody else does. A key pressed before would be lost.
    fn focus(&self) {
        wait_for("the keyboard focus", || {
            if printed("xdotool", &["getwindowfocus"]) == self.window {
                return Some(());
            }
            printed("xdotool", &["windowfocus", &self.window]);
            None
        });
    }

    /// Points at a place of the window, in its pixels.
    pub fn point_at(&self, [x, y]: [usize; 2]) {
        let place = [x.to_string(), y.to_string()];
        printed(
            "xdotool",
            &["mousemove", "--window", &self.window, &place[0], &place[1]],
        );
    }

    /// Clicks where the mouse points.
    pub fn click(&self) {
        printed("xdotool", &["click", "1"]);
    }

    /// The window as it looks now.
    pub fn screen(&self) -> Screen {
        let path = self.stage.path("screen.bmp");
        let target = format!("bmp:{}", path.display());
        // A window that has only just opened cannot be read yet.
        let photo = wait_for("a screenshot", || {
            printed("import", &["-silent", "-window", &self.window, &target]);
            Photo::open(&path).ok()
        });
        Screen(photo)
    }

    /// Waits until the window looks right, and gives back how it looks.
    pub fn wait_for_screen(&mut self, what: &str, mut right: impl FnMut(&Screen) -> bool) -> Screen {
        wait_for(what, || {
            self.assert_alive();
            Some(self.screen()).filter(|screen| right(screen))
        })
    }

    /// The middle of the picture as soon as it stays the same, such as when a map has come: in several screenshots one
    /// after the other, for on a busy machine two may fall into one frame.
    pub fn settled_middle(&mut self) -> Vec<u8> {
        const SCREENSHOTS: usize = 5;
        let (mut last, mut same) = (Vec::new(), 0);
        self.wait_for_screen("a picture that stays", |screen| {
            let now = screen.middle();
            same = if now == last { same + 1 } else { 1 };
            last = now;
            same == SCREENSHOTS
        })
        .middle()
    }

    /// Most memory it has taken so far, in MiB.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kib.expect("the line VmHWM in kB") / 1024
    }

    /// Ends it as a crash would: `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("a running program");
        self.child.wait().expect("its end");
    }

    /// Closes it by its key, and waits for its end.
    pub fn quit(mut self) {
        self.focus();
        let ended = wait_for("the end of the program", || {
            // A key that comes in the frame in which a dialog closes is the dialog's. Once the window is gone there is
            // nothing to press it on.
            Command::new("xdotool")
                .args(["key", "ctrl+q"])
                .status()
                .expect("xdotool");
            self.child.try_wait().expect("a child")
        });
        assert!(ended.success(), "{ended}");
    }
}
