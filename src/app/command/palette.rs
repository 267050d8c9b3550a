//! The command palette: a few letters find a command, an open image or a class.

use std::ops::Range;

use egui::{Align2, Context, Id, Key, Modal, Modifiers, ScrollArea, TextEdit, TextStyle, Ui, Vec2};

use super::Command;
use super::palette_line::PaletteLine;
use super::palette_match::{LineMatcher, Match};

/// How many commands are remembered as recently used.
const REMEMBERED: usize = 8;

/// Lines that PageUp and PageDown move.
const PAGE: usize = 8;

/// The target of a line that is not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum PaletteTarget {
    /// An output of an open model, by its index in the decoder switch.
    Output(usize),
    /// An open image, by its index in the list.
    Image(usize),
    /// A class of the model, by its index.
    Class(usize),
}

/// A line that is not a command, such as "Go to street.jpg" or "Solo road".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct PaletteEntry {
    pub(in crate::app) title: String,
    pub(in crate::app) target: PaletteTarget,
}

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum PaletteChoice {
    Command(Command),
    Target(PaletteTarget),
}

/// The palette and the recently used commands.
#[derive(Default)]
pub(in crate::app) struct CommandPalette {
    open: bool,
    typed: String,
    /// The line that Enter chooses, as an index among the matching lines.
    selected: usize,
    /// A key moved the selection in this frame, so it must be scrolled into view.
    reveal: bool,
    /// Scroll offset of the list in the previous frame, in points.
    scrolled: f32,
    /// Newest first.
    recent: Vec<Command>,
    matcher: LineMatcher,
}

impl CommandPalette {
    /// Opens it with nothing typed.
    pub(in crate::app) fn open(&mut self) {
        self.open = true;
        self.typed.clear();
        self.selected = 0;
        self.scrolled = 0.0;
        self.reveal = true;
    }

    /// Whether it is shown. Meanwhile no key may reach a command except those that it handles itself.
    pub(in crate::app) fn is_open(&self) -> bool {
        self.open
    }

    /// Remembers a command that was used in any way, so that it is listed first the next time.
    pub(in crate::app) fn remember(&mut self, command: Command) {
        self.recent.retain(|other| *other != command);
        self.recent.insert(0, command);
        self.recent.truncate(REMEMBERED);
    }

    /// Draws it if it is open, and returns what was chosen in this frame.
    ///
    /// `extra` are the lines that are not commands.
    pub(in crate::app) fn show(
        &mut self,
        context: &Context,
        enabled: impl Fn(Command) -> bool,
        extra: &[PaletteEntry],
    ) -> Option<PaletteChoice> {
        if !self.open {
            return None;
        }
        let lines = self.lines(context, enabled, extra);
        let screen = context.content_rect();
        let id = Id::unique("command palette");
        let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, [0.0, (screen.height() * 0.1).min(80.0)]);
        let modal = Modal::new(id).area(area).show(context, |ui| {
            ui.set_width((screen.width() - 60.0).clamp(240.0, 600.0));
            self.contents(ui, &lines)
        });
        if modal.should_close() {
            self.open = false;
            return None;
        }
        let choice = modal.inner?;
        self.open = false;
        if let PaletteChoice::Command(command) = choice {
            self.remember(command);
        }
        Some(choice)
    }

    /// All lines: recently used commands, the other commands in menu order, and the lines that are not commands.
    fn lines<'a>(
        &self,
        context: &Context,
        enabled: impl Fn(Command) -> bool,
        extra: &'a [PaletteEntry],
    ) -> Vec<PaletteLine<'a>> {
        let others = Command::ALL.iter().filter(|command| !self.recent.contains(command));
        let commands = self
            .recent
            .iter()
            .chain(others)
            // Decoders are listed by name, among the extra lines.
            .filter(|command| **command != Command::Palette && command.decoder().is_none())
            .map(|command| PaletteLine {
                title: command.title(),
                section: command.section().title(),
                keys: command.shortcut_text(context),
                enabled: enabled(*command),
                choice: PaletteChoice::Command(*command),
            });
        let entries = extra.iter().map(|entry| PaletteLine {
            title: &entry.title,
            section: match entry.target {
                PaletteTarget::Output(_) => "Model",
                PaletteTarget::Image(_) => "Photos",
                PaletteTarget::Class(_) => "Classes",
            },
            keys: match entry.target {
                PaletteTarget::Output(place) => Command::DECODERS
                    .get(place)
                    .map_or_else(String::new, |command| command.shortcut_text(context)),
                _ => String::new(),
            },
            enabled: true,
            choice: PaletteChoice::Target(entry.target),
        });
        commands.chain(entries).collect()
    }

    fn contents(&mut self, ui: &mut Ui, lines: &[PaletteLine<'_>]) -> Option<PaletteChoice> {
        // The keys of the list must be taken before the text field sees them.
        let step = taken_step(ui);
        let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        let field = TextEdit::singleline(&mut self.typed)
            .hint_text("Find a command, photo or class")
            .desired_width(f32::INFINITY);
        let field = ui.add(field).accessible_name("Find a command");
        field.request_focus();
        if field.changed() {
            self.selected = 0;
            self.reveal = true;
        }
        let pairs = lines.iter().map(|line| (line.title, line.section));
        let found = self.matcher.find(&self.typed, pairs);
        self.move_selection(step, lines, &found);

        if found.is_empty() {
            ui.add_space(6.0);
            ui.label("Nothing matches these letters.");
            return None;
        }
        let clicked = self.list(ui, lines, &found);
        let chosen = clicked.or_else(|| {
            enter
                .then(|| found.get(self.selected))
                .flatten()
                .map(|found| found.line)
        })?;
        let line = lines.get(chosen)?;
        line.enabled.then_some(line.choice)
    }

    /// Moves the selection as the keys ask, skipping lines that cannot be chosen.
    fn move_selection(&mut self, step: Option<Step>, lines: &[PaletteLine<'_>], found: &[Match]) {
        let can_choose = |at: usize| found.get(at).is_some_and(|found| lines[found.line].enabled);
        let last = found.len().saturating_sub(1);
        let (wanted, forward) = match step {
            None if can_choose(self.selected) => return,
            None => (self.selected, true),
            Some(Step::Next) if self.selected >= last => (0, true),
            Some(Step::Next) => (self.selected + 1, true),
            Some(Step::Previous) if self.selected == 0 => (last, false),
            Some(Step::Previous) => (self.selected - 1, false),
            Some(Step::PageDown) => ((self.selected + PAGE).min(last), true),
            Some(Step::PageUp) => (self.selected.saturating_sub(PAGE), false),
            Some(Step::First) => (0, true),
            Some(Step::Last) => (last, false),
        };
        let ahead = if forward {
            (wanted..=last).chain(0..wanted).find(|at| can_choose(*at))
        } else {
            (0..=wanted)
                .rev()
                .chain((wanted..=last).rev())
                .find(|at| can_choose(*at))
        };
        self.selected = ahead.unwrap_or(0);
        self.reveal = true;
    }

    /// Draws the matching lines, and returns the index of the one that was clicked.
    fn list(&mut self, ui: &mut Ui, lines: &[PaletteLine<'_>], found: &[Match]) -> Option<usize> {
        let row_height = ui
            .spacing()
            .interact_size
            .y
            .max(ui.text_style_height(&TextStyle::Body) + 6.0);
        let height = (ui.ctx().content_rect().height() - 200.0).clamp(120.0, 420.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(6.0);
        let mut area = ScrollArea::vertical()
            .max_height(height)
            // Without it the list never grows beyond the height of the last frame, in which fewer lines may have matched.
            .min_scrolled_height(height)
            .auto_shrink([false, true]);
        if std::mem::take(&mut self.reveal) {
            // The offset closest to the previous one that shows the selection.
            let top = self.selected as f32 * row_height;
            let nearest = self.scrolled.min(top).max(top + row_height - height);
            area = area.vertical_scroll_offset(nearest.max(0.0));
        }
        let pointer_moved = ui.input(|input| input.pointer.delta() != Vec2::ZERO);
        let mut clicked = None;
        let shown = area.show_rows(ui, row_height, found.len(), |ui, rows: Range<usize>| {
            for at in rows {
                let line = &lines[found[at].line];
                let response = line.show(ui, row_height, &found[at], at == self.selected);
                if response.contains_pointer() && pointer_moved && line.enabled {
                    self.selected = at;
                }
                if response.clicked() && line.enabled {
                    clicked = Some(found[at].line);
                }
            }
        });
        self.scrolled = shown.state.clamped_offset().y;
        clicked
    }
}

/// A move of the selection.
#[derive(Clone, Copy)]
enum Step {
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
}

fn taken_step(ui: &Ui) -> Option<Step> {
    let keys = [
        (Key::ArrowDown, Step::Next),
        (Key::ArrowUp, Step::Previous),
        (Key::PageDown, Step::PageDown),
        (Key::PageUp, Step::PageUp),
        (Key::Home, Step::First),
        (Key::End, Step::Last),
    ];
    ui.input_mut(|input| {
        keys.into_iter()
            .find(|(key, _)| input.consume_key(Modifiers::NONE, *key))
            .map(|(_, step)| step)
    })
}

#[cfg(test)]
mod tests {
    use egui::{Key, Modifiers};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::{CommandPalette, PaletteChoice, PaletteEntry, PaletteTarget};
    use crate::app::command::Command;

    #[derive(Default)]
    struct State {
        palette: CommandPalette,
        disabled: Vec<Command>,
        chosen: Option<PaletteChoice>,
    }

    fn harness(disabled: &[Command]) -> Harness<'static, State> {
        let mut state = State {
            disabled: disabled.to_vec(),
            ..State::default()
        };
        state.palette.open();
        let extra = [
            PaletteEntry {
                title: "Go to street.jpg".into(),
                target: PaletteTarget::Image(0),
            },
            PaletteEntry {
                title: "Solo road".into(),
                target: PaletteTarget::Class(3),
            },
        ];
        let mut harness = Harness::builder().with_size([900.0, 600.0]).build_ui_state(
            move |ui, state: &mut State| {
                let disabled = &state.disabled;
                let chosen = state.palette.show(ui, |command| !disabled.contains(&command), &extra);
                state.chosen = chosen.or(state.chosen);
            },
            state,
        );
        harness.run();
        harness
    }

    fn type_text(harness: &mut Harness<State>, text: &str) {
        harness.get_by_label("Find a command").type_text(text);
        harness.run();
    }

    fn press(harness: &mut Harness<State>, key: Key) {
        harness.key_press(key);
        harness.run();
    }

    #[test]
    fn a_few_letters_and_enter_choose_a_command() {
        let mut harness = harness(&[]);
        assert!(harness.get_by_label("Find a command").is_focused());
        type_text(&mut harness, "exprt");
        assert!(harness.query_by_label("Undo").is_none());
        press(&mut harness, Key::Enter);
        let state = harness.state();
        assert_eq!(state.chosen, Some(PaletteChoice::Command(Command::Export)));
        assert!(!state.palette.is_open());
    }

    #[test]
    fn classes_and_images_are_found_beside_commands() {
        let mut harness = harness(&[]);
        type_text(&mut harness, "solo");
        assert!(harness.query_by_label("Solo class under cursor").is_some());
        harness.get_by_label("Solo road").click();
        harness.run();
        assert_eq!(
            harness.state().chosen,
            Some(PaletteChoice::Target(PaletteTarget::Class(3)))
        );
    }

    #[test]
    fn an_unavailable_command_is_listed_but_not_chosen() {
        let mut harness = harness(&[Command::ZoomIn]);
        type_text(&mut harness, "zoom");
        let line = harness.get_by_label("Zoom in");
        assert!(line.accesskit_node().is_disabled());
        line.click();
        harness.run();
        assert!(harness.state().palette.is_open() && harness.state().chosen.is_none());
        press(&mut harness, Key::Enter);
        assert_eq!(harness.state().chosen, Some(PaletteChoice::Command(Command::ZoomOut)));
    }

    #[test]
    fn arrows_home_and_end_move_over_all_lines() {
        let mut harness = harness(&[Command::OpenFolder]);
        press(&mut harness, Key::ArrowDown);
        press(&mut harness, Key::Enter);
        // The second line cannot be chosen, so the third is.
        assert_eq!(harness.state().chosen, Some(PaletteChoice::Command(Command::OpenPath)));
        harness.state_mut().palette.open();
        harness.run();
        press(&mut harness, Key::End);
        press(&mut harness, Key::Enter);
        assert_eq!(
            harness.state().chosen,
            Some(PaletteChoice::Target(PaletteTarget::Class(3)))
        );
    }

    #[test]
    fn the_last_used_command_comes_first() {
        let mut harness = harness(&[]);
        harness.state_mut().palette.remember(Command::ToggleMinimap);
        harness.run();
        press(&mut harness, Key::Enter);
        assert_eq!(
            harness.state().chosen,
            Some(PaletteChoice::Command(Command::ToggleMinimap))
        );
    }

    #[test]
    fn a_short_list_grows_again() {
        let mut harness = harness(&[]);
        let last_of_the_first_screen = Command::ALL[12].title();
        assert!(harness.query_by_label(last_of_the_first_screen).is_some());
        type_text(&mut harness, "exprt");
        assert!(harness.query_by_label(last_of_the_first_screen).is_none());
        press(&mut harness, Key::Escape);
        harness.state_mut().palette.open();
        harness.run();
        assert!(harness.query_by_label(last_of_the_first_screen).is_some());
    }

    #[test]
    fn escape_closes_it() {
        let mut harness = harness(&[]);
        harness.key_press_modifiers(Modifiers::NONE, Key::Escape);
        harness.run();
        assert!(!harness.state().palette.is_open() && harness.state().chosen.is_none());
    }
}
