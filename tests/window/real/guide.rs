//! A second window in the test harness that does what the real one does, and tells where a widget is.
//!
//! The real window has no accessible names under a virtual display. Its twin has the same size, files and state, so
//! their widgets lie in the same places.

use std::path::Path;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::{By, NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node};
use segscope::app::{App, Start, Store};
use segscope::engine::DeviceChoice;

use super::program::Program;
use super::stage::Stage;
use crate::harness::{drop_onto, wait_for, window_of_size};

/// Frames after an event, enough for a panel that slides in.
const FRAMES: usize = 20;

/// A mouse that does the same in the real window and in its twin.
pub struct Mouse<'a> {
    pub program: Program<'a>,
    twin: Harness<'static, App>,
}

impl<'a> Mouse<'a> {
    /// Opens the twin with this session and image, and waits until both windows show masks.
    pub fn new(stage: &Stage, mut program: Program<'a>, size: [usize; 2], session: &str, image: &Path) -> Self {
        let store = stage.path("twin");
        std::fs::create_dir(&store).expect("a folder");
        std::fs::write(store.join("settings.toml"), "theme = \"dark\"\n").expect("a file");
        std::fs::write(store.join("session.toml"), session).expect("a file");
        let begin = Start {
            device: Some(DeviceChoice::Cpu),
            store: Some(Store::at(&store)),
            images: vec![image.to_owned()],
            ..Start::default()
        };
        let twin = window_of_size(begin, size.map(|side| side as f32));
        program.wait_for_masks(&image.file_name().expect("a name").to_string_lossy());
        let mut mouse = Self { program, twin };
        mouse.wait_for(", Done, ");
        mouse
    }

    /// Waits until the twin has a widget whose name contains a text.
    pub fn wait_for(&mut self, text: &str) {
        wait_for(&mut self.twin, text, |twin| {
            twin.query_all_by_label_contains(text).next().map(drop)
        });
    }

    /// Points at a widget in both windows, and returns its middle.
    pub fn hover(&mut self, widget: &Widget) -> egui::Pos2 {
        wait_for(&mut self.twin, widget.name, |twin| widget.middle(twin));
        self.twin.run_steps(FRAMES);
        let middle = widget.middle(&self.twin).expect("still there");
        self.program.settle();
        self.twin.hover_at(middle);
        self.twin.run_steps(3);
        self.program.point_at([middle.x as usize, middle.y as usize]);
        // A click in the same frame as the move would be one at the place before it.
        self.program.settle();
        middle
    }

    /// Clicks the widget with this name in both windows.
    pub fn click(&mut self, name: &str) {
        self.click_on(&Widget::named(name));
    }

    /// Clicks a widget in both windows.
    pub fn click_on(&mut self, widget: &Widget) {
        let middle = self.hover(widget);
        self.program.click();
        self.twin.drag_at(middle);
        self.twin.drop_at(middle);
        self.twin.run_steps(3);
    }

    /// Clicks in the real window, where a dialog is answered; the twin gets the file dropped onto it.
    pub fn click_there_and_drop_here(&mut self, name: &str, file: &Path) {
        self.click_only_there(name);
        self.twin.key_press(Key::Escape);
        self.twin.run_steps(3);
        drop_onto(&mut self.twin, file);
        self.twin.run_steps(3);
    }

    /// Clicks in the real window alone.
    pub fn click_only_there(&mut self, name: &str) {
        self.hover(&Widget::named(name));
        self.program.click();
    }

    /// Closes the twin.
    pub fn end(self) -> Program<'a> {
        self.program
    }
}

/// A widget that is enabled, by its accessible name.
pub struct Widget<'n> {
    name: &'n str,
    role: Option<Role>,
    /// Whether `name` is only a part of it.
    part: bool,
}

impl<'n> Widget<'n> {
    pub fn named(name: &'n str) -> Self {
        Self {
            name,
            role: None,
            part: false,
        }
    }

    pub fn with_role(role: Role, name: &'n str) -> Self {
        Self {
            name,
            role: Some(role),
            part: false,
        }
    }

    /// The list of models and decoders, whichever is in use.
    pub const MODELS: Widget<'static> = Widget {
        name: "Model: ",
        role: Some(Role::ComboBox),
        part: true,
    };

    /// Its middle in the twin; `None` while it is not there or cannot be used.
    fn middle(&self, twin: &Harness<App>) -> Option<egui::Pos2> {
        let by = match self.part {
            true => By::new().label_contains(self.name),
            false => By::new().label(self.name),
        };
        let by = match self.role {
            Some(role) => by.role(role),
            None => by,
        };
        let usable = |node: &Node| !node.accesskit_node().is_disabled();
        twin.query_all(by).find(usable).map(|node| node.rect().center())
    }
}
