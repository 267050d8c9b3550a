//! Keys, the command palette, undo and readings.

use egui::{Event, Key, Modifiers, OutputCommand};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::App;

use crate::harness::{checked, pass, start, wait_for, wait_for_label, wait_for_masks, window};

fn first_masks() -> Harness<'static, App> {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    harness
}

/// Waits until a class is shown or hidden.
fn wait_for_class(harness: &mut Harness<App>, class: &str, shown: bool) {
    let name = format!("Show {class}");
    wait_for(harness, &name, |h| (checked(h, &name) == shown).then_some(()));
}

#[test]
fn the_palette_finds_and_runs_a_command_by_a_few_letters() {
    let mut harness = first_masks();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("hide al");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_class(&mut harness, "road", false);
    assert!(harness.query_by_label("Find a command").is_none(), "it closes");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("solo sky");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_class(&mut harness, "sky", true);
    assert!(!checked(&harness, "Show road"));
    assert!(harness.query_by_label("Only sky").is_some());
}

#[test]
fn undo_shows_a_hidden_class_and_redo_hides_it() {
    let mut harness = first_masks();
    // A change becomes a separate undo step when the view has not changed for a second.
    pass(&mut harness, 2.0);
    harness.get_by_label("Show car").click();
    wait_for_class(&mut harness, "car", false);
    pass(&mut harness, 2.0);
    harness.get_by_label("Show sky").click();
    wait_for_class(&mut harness, "sky", false);
    pass(&mut harness, 2.0);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    wait_for_class(&mut harness, "sky", true);
    assert!(!checked(&harness, "Show car"), "one step at a time");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    wait_for_class(&mut harness, "car", true);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    wait_for_class(&mut harness, "car", false);
    assert!(checked(&harness, "Show sky"));
}

#[test]
fn clicks_pin_readings_and_a_second_click_or_a_button_removes_them() {
    let mut harness = first_masks();
    let canvas = harness.get_by_label("Photo canvas").rect();
    let sky = canvas.center() - egui::vec2(0.0, canvas.height() * 0.2);
    let elsewhere = canvas.center() + egui::vec2(0.0, canvas.height() * 0.2);
    let pins = |h: &Harness<App>| h.query_all_by_label_contains("Unpin ").count();
    click_at(&mut harness, sky);
    wait_for(&mut harness, "a pin", |h| (pins(h) == 1).then_some(()));
    // The cursor reads on beside the pin.
    harness.hover_at(elsewhere);
    harness.run_steps(3);
    assert_eq!(
        harness.query_all_by_label("sky").count(),
        2,
        "the pin and the row of the class"
    );
    assert_eq!(
        harness.query_all_by_label("road").count(),
        2,
        "the cursor and the row of the class"
    );
    // Wait long enough for the second click not to be a double click.
    pass(&mut harness, 1.0);
    click_at(&mut harness, elsewhere);
    wait_for(&mut harness, "a second pin", |h| (pins(h) == 2).then_some(()));
    pass(&mut harness, 1.0);
    click_at(&mut harness, elsewhere);
    wait_for(&mut harness, "one pin", |h| (pins(h) == 1).then_some(()));
    harness.get_by_label_contains("Unpin ").click();
    wait_for(&mut harness, "no pin", |h| (pins(h) == 0).then_some(()));
    pass(&mut harness, 1.0);
    // Of more than five, the oldest goes.
    for step in 0..7 {
        // Below each other, because a pin's chip lies at its right.
        click_at(&mut harness, sky + egui::vec2(0.0, 36.0 * step as f32));
        pass(&mut harness, 1.0);
    }
    wait_for(&mut harness, "five pins", |h| (pins(h) == 5).then_some(()));
    harness.key_press(Key::U);
    wait_for(&mut harness, "no pins", |h| (pins(h) == 0).then_some(()));
}

fn click_at(harness: &mut Harness<App>, at: egui::Pos2) {
    harness.hover_at(at);
    for pressed in [true, false] {
        harness.event(Event::PointerButton {
            pos: at,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
    }
    harness.step();
}

#[test]
fn a_reading_is_copied_to_the_clipboard_as_text() {
    let mut harness = first_masks();
    let canvas = harness.get_by_label("Photo canvas").rect();
    harness.hover_at(canvas.center() - egui::vec2(0.0, canvas.height() * 0.2));
    harness.run_steps(3);
    // Window systems send this event for Ctrl+C.
    harness.event(Event::Copy);
    harness.step();
    let commands = &harness.output().platform_output.commands;
    let copied = commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.unwrap_or_else(|| panic!("no text is copied: {commands:?}"));
    let lines: Vec<&str> = copied.lines().collect();
    assert_eq!(lines[0], "Sample street");
    // The middle of the image, within the precision of a screen pixel.
    let x: usize = lines[1]
        .strip_prefix("x ")
        .and_then(|l| l.split(',').next()?.parse().ok())
        .expect("a column");
    assert!((634..=646).contains(&x), "{copied}");
    assert!(lines[2].starts_with("red "), "{copied}");
    let percent = |line: &str| line.split(": ").nth(1)?.strip_suffix(" %")?.parse::<f32>().ok();
    let [best, second, third] = [3, 4, 5].map(|i| percent(lines[i]).expect("a percentage"));
    let (margin, runner_up) = lines[6].split_once(" points ahead of ").expect("a margin");
    let margin: f32 = margin.parse().expect("a number");
    assert!(
        lines[3].starts_with("sky: ") && lines[4].starts_with(runner_up),
        "{copied}"
    );
    assert!(best >= second && second >= third, "{copied}");
    assert!((best - second - margin).abs() < 0.15, "{copied}");
    wait_for_label(&mut harness, "Reading copied");
}

#[test]
fn shortcuts_are_inactive_while_the_class_search_has_the_focus() {
    let mut harness = first_masks();
    harness.get_by_label("Search classes").click();
    wait_for_label(&mut harness, "Find a class");
    harness.get_by_label("Find a class").focus();
    harness.run_steps(2);
    // A keyboard sends both a key and its text. Outside the field, M hides the masks, I the inspector and L the list.
    for (key, text) in [(Key::I, "i"), (Key::M, "m"), (Key::L, "l"), (Key::P, "p")] {
        harness.key_down(key);
        harness.event(Event::Text(text.into()));
        harness.key_up(key);
    }
    harness.run_steps(2);
    let field = harness.get_by_label("Find a class");
    assert_eq!(field.value().as_deref(), Some("imlp"));
    assert!(harness.query_by_label("No class has this name").is_some());
    assert!(checked(&harness, "Show masks"));
    assert!(harness.query_by_label("Photos").is_some());
    // Outside the field, the key hides the masks.
    harness.get_by_label("Photo canvas").focus();
    harness.run_steps(2);
    harness.key_press(Key::M);
    wait_for(&mut harness, "hidden masks", |h| {
        (!checked(h, "Show masks")).then_some(())
    });
}
