//! Controls the program in its window: keyboard, mouse, title and exit.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use segscope::photo::Photo;

use super::screen::{ROAD, Screen, alike};
use super::stage::{Stage, in_repository};

/// Time limit of a step, far longer than any takes, even with two busy cores and software Vulkan.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Pixels of background that the palette has at least while nothing is typed.
const LONG_LIST: usize = 100_000;

/// Calls `look` until it returns a value.
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

/// The trimmed output of a tool; empty when it fails.
fn printed(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).stderr(Stdio::null()).output();
    output
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// The running program, which is killed when the test ends.
pub struct Program<'a> {
    child: Child,
    /// The X11 id of the window.
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
    /// Starts the program on the CPU and waits for its window.
    pub fn start<S: AsRef<OsStr>>(stage: &'a Stage, arguments: &[S]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_segscope"))
            .args(arguments)
            .args(["--device", "cpu"])
            .current_dir(stage.folder())
            .env("XDG_CONFIG_HOME", stage.path("config"))
            .env("XDG_STATE_HOME", stage.path("state"))
            // A compositor that does not exist: the window must still open on X11.
            .env("WAYLAND_DISPLAY", "wayland-gone")
            // File dialogs use no portal, but the stage's `zenity`.
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
        // Move the mouse from where the previous test left it, so that it points at nothing.
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

    /// Waits until the title fits, and returns it.
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

    /// Waits for the masks of an image, and returns the title.
    pub fn wait_for_masks(&mut self, name: &str) -> String {
        let start = format!("{name} - ");
        self.wait_for_title(&format!("the masks of {name}"), |title| {
            title.starts_with(&start) && title.contains(" class")
        })
    }

    /// Waits until the masks of a copy of the sample image are on the canvas: the title names its classes before the
    /// masks are drawn.
    pub fn wait_for_drawn_masks(&mut self, name: &str) -> String {
        let title = self.wait_for_masks(name);
        let photo = Photo::open(&in_repository("assets/samples/street.jpg")).expect("the sample image");
        let bare = ROAD.of_photo(&photo);
        self.wait_for_screen("masks on the canvas", |screen| !alike(screen.at(ROAD), bare));
        title
    }

    /// Presses a key once, such as `ctrl+e` or `Page_Down`.
    pub fn press(&self, key: &str) {
        self.focus();
        printed("xdotool", &["key", key]);
    }

    /// Presses a key and holds it down.
    pub fn hold(&self, key: &str) {
        self.focus();
        printed("xdotool", &["keydown", key]);
    }

    /// Releases a key.
    pub fn release(&self, key: &str) {
        printed("xdotool", &["keyup", key]);
    }

    /// Presses a key, and waits until the canvas or a dialog over it changes: of two keys in one frame, the second
    /// would not see the effect of the first.
    pub fn press_and_see(&mut self, key: &str) {
        let before = self.screen().canvas();
        self.press(key);
        self.wait_for_screen(&format!("the effect of {key}"), |screen| screen.canvas() != before);
    }

    /// Runs the command with this title from the command palette.
    pub fn perform(&mut self, title: &str) {
        let bare = self.screen().dialog();
        self.press("ctrl+p");
        // A screenshot shows the whole list only after a frame that darkens the canvas and has no dialog yet. Panes that
        // are still being filled behind it change the canvas too, so only the dialog itself counts.
        let open = self.wait_for_screen("the list", |screen| screen.dialog() > bare + LONG_LIST);
        printed("xdotool", &["type", "--delay", "30", title]);
        let short = open.dialog() - LONG_LIST / 2;
        self.wait_for_screen("a short list", |screen| screen.dialog() < short);
        self.press("Return");
    }

    /// Gives the window the keyboard focus, which no window manager does here. Keys pressed without it would be lost.
    fn focus(&self) {
        wait_for("the keyboard focus", || {
            if printed("xdotool", &["getwindowfocus"]) == self.window {
                return Some(());
            }
            printed("xdotool", &["windowfocus", &self.window]);
            None
        });
    }

    /// Moves the mouse to a position in the window, in pixels.
    pub fn point_at(&self, [x, y]: [usize; 2]) {
        let place = [x.to_string(), y.to_string()];
        printed(
            "xdotool",
            &["mousemove", "--window", &self.window, &place[0], &place[1]],
        );
    }

    /// Clicks at the position of the mouse.
    pub fn click(&self) {
        printed("xdotool", &["click", "1"]);
    }

    /// Drags from the first position over the others with the left button.
    pub fn drag(&mut self, way: &[[usize; 2]]) {
        self.focus();
        self.point_at(way[0]);
        self.settle();
        printed("xdotool", &["mousedown", "1"]);
        for at in &way[1..] {
            self.point_at(*at);
        }
        self.settle();
        printed("xdotool", &["mouseup", "1"]);
    }

    /// A screenshot of the window.
    pub fn screen(&self) -> Screen {
        let path = self.stage.path("screen.bmp");
        let target = format!("bmp:{}", path.display());
        // A window that has just opened may not be readable yet.
        let photo = wait_for("a screenshot", || {
            printed("import", &["-silent", "-window", &self.window, &target]);
            Photo::open(&path).ok()
        });
        Screen(photo)
    }

    /// Waits until the window looks right, and returns the screenshot.
    pub fn wait_for_screen(&mut self, what: &str, mut right: impl FnMut(&Screen) -> bool) -> Screen {
        wait_for(what, || {
            self.assert_alive();
            Some(self.screen()).filter(|screen| right(screen))
        })
    }

    /// The middle of the image once it has stopped changing, for example after a map is shown.
    ///
    /// It must be equal in several consecutive screenshots, because two may show the same frame on a busy machine.
    pub fn settled_middle(&mut self) -> Vec<u8> {
        const SCREENSHOTS: usize = 5;
        let (mut last, mut same) = (Vec::new(), 0);
        self.wait_for_screen("a photo that stays", |screen| {
            let now = screen.middle();
            same = if now == last { same + 1 } else { 1 };
            last = now;
            same == SCREENSHOTS
        })
        .middle()
    }

    /// Waits until the window has stopped changing, except its status bar, which shows the memory in use.
    pub fn settle(&mut self) {
        const SCREENSHOTS: usize = 3;
        let (mut last, mut same) = (Vec::new(), 0);
        self.wait_for_screen("a window that stays", |screen| {
            let now = screen.without_status();
            same = if now == last { same + 1 } else { 1 };
            last = now;
            same == SCREENSHOTS
        });
    }

    /// Peak memory so far, in MiB.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kib.expect("the line VmHWM in kB") / 1024
    }

    /// Kills the program with `kill -9`, like a crash.
    pub fn kill(mut self) {
        self.child.kill().expect("a running program");
        self.child.wait().expect("its end");
    }

    /// Closes the program with its shortcut, and waits until it has ended.
    pub fn quit(mut self) {
        self.focus();
        let ended = wait_for("the end of the program", || {
            // A key in the frame in which a dialog closes goes to the dialog, so press it repeatedly. It fails once the
            // window is closed.
            Command::new("xdotool")
                .args(["key", "ctrl+q"])
                .status()
                .expect("xdotool");
            self.child.try_wait().expect("a child")
        });
        assert!(ended.success(), "{ended}");
    }
}
