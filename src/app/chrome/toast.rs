//! One short message: its contents, its lifetime and its drawing.

use std::path::PathBuf;

use egui::{Align, Color32, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, TextWrapMode, Ui};

use crate::app::command::Command;
use crate::app::theme::{Icon, Tokens, height, medium, radius};
use crate::app::widgets::icon_button;

/// Seconds for which a note is shown.
const STAY: f64 = 6.0;

/// Seconds for which a warning is shown: long enough to be noticed by a user who is doing something else.
const WARNING_STAY: f64 = 20.0;

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    /// Its icon, so that it is not shown by colour alone.
    fn icon(self) -> Icon {
        match self {
            Self::Info => Icon::Info,
            Self::Warning => Icon::TriangleAlert,
            Self::Error => Icon::CircleAlert,
        }
    }

    /// Its name, for the icon's tooltip.
    fn title(self) -> &'static str {
        match self {
            Self::Info => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }

    /// The matching level of the log.
    pub(in crate::app) fn log_level(self) -> log::Level {
        match self {
            Self::Info => log::Level::Info,
            Self::Warning => log::Level::Warn,
            Self::Error => log::Level::Error,
        }
    }

    fn color(self, ui: &Ui) -> Color32 {
        match self {
            Self::Info => ui.visuals().weak_text_color(),
            Self::Warning => ui.visuals().warn_fg_color,
            Self::Error => ui.visuals().error_fg_color,
        }
    }
}

/// The action of a message's button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum ToastAction {
    /// Perform this command.
    Perform(Command),
    /// Show this folder in the system's file manager.
    OpenFolder(PathBuf),
}

impl ToastAction {
    fn title(&self) -> &'static str {
        match self {
            Self::Perform(command) => command.title(),
            Self::OpenFolder(_) => "Show in folder",
        }
    }
}

/// A short message.
#[derive(Clone, Debug)]
pub(in crate::app) struct Toast {
    pub(in crate::app) severity: Severity,
    pub(in crate::app) text: String,
    details: Option<String>,
    action: Option<ToastAction>,
    pub(in crate::app) show_details: bool,
    /// Number of times it was reported.
    pub(in crate::app) count: usize,
    /// Seconds for which it has been shown without the cursor over it.
    age: f64,
    /// Clock time at which it was last drawn, in seconds.
    drawn_at: Option<f64>,
    hovered: bool,
}

impl Toast {
    /// A note; it disappears after some seconds.
    pub(in crate::app) fn info(text: impl Into<String>) -> Self {
        Self::new(Severity::Info, text.into())
    }

    /// A warning about something that did not work as requested but does no harm; it disappears after some seconds.
    pub(in crate::app) fn warning(text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, text.into())
    }

    /// An error; it stays until it is dismissed.
    pub(in crate::app) fn error(text: impl Into<String>) -> Self {
        Self::new(Severity::Error, text.into())
    }

    /// An error with a text of several lines.
    ///
    /// The first line is shown, such as that tensors do not fit. The others, such as which tensors, are details.
    pub(in crate::app) fn failure(text: impl Into<String>) -> Self {
        let text = text.into();
        match text.split_once('\n') {
            Some((first, rest)) => Self::error(first.trim_end_matches(':')).with_details(rest),
            None => Self::error(text),
        }
    }

    /// One warning for any number of problems: the only problem, or `summary` with all of them as details.
    pub(in crate::app) fn problems(summary: &str, problems: &[String]) -> Option<Self> {
        match problems {
            [] => None,
            [problem] => Some(Self::warning(problem)),
            many => Some(Self::warning(summary).with_details(many.join("\n"))),
        }
    }

    /// A note about files, with a button that opens their folder.
    pub(in crate::app) fn wrote(text: impl Into<String>, folder: PathBuf) -> Self {
        Self::info(text).with_action(ToastAction::OpenFolder(folder))
    }

    fn new(severity: Severity, text: String) -> Self {
        Self {
            severity,
            text,
            details: None,
            action: None,
            show_details: false,
            count: 1,
            age: 0.0,
            drawn_at: None,
            hovered: false,
        }
    }

    /// Adds details, which are folded at first.
    pub(in crate::app) fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Adds a button.
    pub(in crate::app) fn with_action(mut self, action: ToastAction) -> Self {
        self.action = Some(action);
        self
    }

    /// The text and the details, as they are copied and logged.
    pub(in crate::app) fn full_text(&self) -> String {
        match &self.details {
            Some(details) => format!("{}\n{details}", self.text),
            None => self.text.clone(),
        }
    }

    /// Ages it to `now`, in seconds of the drawing clock, unless the cursor is over it.
    pub(in crate::app) fn let_time_pass(&mut self, now: f64) {
        let before = self.drawn_at.replace(now).unwrap_or(now);
        if !self.hovered {
            self.age += (now - before).max(0.0);
        }
    }

    /// Seconds until it disappears; `None` while it stays.
    pub(in crate::app) fn remaining(&self) -> Option<f64> {
        let stay = match self.severity {
            Severity::Info => STAY,
            Severity::Warning => WARNING_STAY,
            Severity::Error => return None,
        };
        (!self.hovered).then_some(stay - self.age)
    }
}

/// What the user did to a message.
pub(in crate::app) enum ToastResponse {
    Dismiss,
    Act(ToastAction),
}

impl Toast {
    /// Draws one message, at most `width` points wide.
    pub(in crate::app) fn show(&mut self, ui: &mut Ui, width: f32) -> Option<ToastResponse> {
        let tokens = Tokens::of(ui);
        let frame = Frame::popup(ui.style())
            .fill(tokens.panel)
            .stroke(Stroke::new(1.0, tokens.line))
            .corner_radius(radius::CARD)
            .inner_margin(Margin::symmetric(12, 4));
        let inside = (width - frame.total_margin().sum().x).max(40.0);
        let mut answer = None;
        let response = frame
            .show(ui, |ui| {
                ui.set_width(inside);
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    let icon = RichText::new(self.severity.icon().unicode().to_string()).size(16.0);
                    ui.label(icon.color(self.severity.color(ui)))
                        .on_hover_text(self.severity.title());
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        answer = self.buttons(ui);
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            ui.add(Label::new(&self.text).wrap_mode(TextWrapMode::Wrap));
                        });
                    });
                });
                if self.show_details
                    && let Some(details) = &self.details
                {
                    let text = RichText::new(details).monospace().small();
                    ScrollArea::vertical().max_height(160.0).show(ui, |ui| {
                        ui.add(Label::new(text).wrap_mode(TextWrapMode::Wrap));
                    });
                    ui.add_space(6.0);
                }
            })
            .response;
        // `response.hovered()` would be false while the cursor is over one of the buttons.
        self.hovered = ui.rect_contains_pointer(response.rect);
        answer
    }

    /// Draws the buttons from the right end on.
    fn buttons(&mut self, ui: &mut Ui) -> Option<ToastResponse> {
        let mut answer = None;
        if icon_button(ui, Icon::X, "Dismiss", height::CONTROL, false).clicked() {
            answer = Some(ToastResponse::Dismiss);
        }
        if self.severity != Severity::Info {
            let copy = icon_button(ui, Icon::Copy, "Copy", height::CONTROL, false);
            if copy.on_hover_text("Copy this message").clicked() {
                ui.copy_text(self.full_text());
            }
        }
        if let Some(action) = &self.action
            && flat(ui, action.title()).clicked()
        {
            answer = Some(ToastResponse::Act(action.clone()));
        }
        if self.details.is_some() {
            let title = if self.show_details { "Hide details" } else { "Details" };
            if flat(ui, title).clicked() {
                self.show_details = !self.show_details;
            }
        }
        if self.count > 1 {
            ui.label(RichText::new(format!("{} times", self.count)).weak().small());
        }
        answer
    }
}

/// A button without a frame.
fn flat(ui: &mut Ui, title: &str) -> egui::Response {
    ui.add(egui::Button::new(medium(title)).frame_when_inactive(false))
}

#[cfg(test)]
mod tests {
    use super::{STAY, Toast};

    #[test]
    fn its_time_starts_when_it_is_first_drawn() {
        let mut toast = Toast::info("the file has changed");
        toast.let_time_pass(100.0);
        assert_eq!(toast.remaining(), Some(STAY));
        toast.let_time_pass(102.0);
        assert_eq!(toast.remaining(), Some(STAY - 2.0));
        toast.hovered = true;
        toast.let_time_pass(110.0);
        assert_eq!(toast.remaining(), None);
        toast.hovered = false;
        toast.let_time_pass(111.0);
        assert_eq!(toast.remaining(), Some(STAY - 3.0));
    }

    #[test]
    fn an_error_never_disappears() {
        let mut toast = Toast::error("it failed").with_details("why");
        toast.let_time_pass(0.0);
        toast.let_time_pass(1e6);
        assert_eq!(toast.remaining(), None);
        assert_eq!(toast.full_text(), "it failed\nwhy");
    }
}
