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

/// Waits until a class is drawn, or is not.
fn wait_for_class(harness: &mut Harness<App>, class: &str, shown: bool) {
    let name = format!("Show {class}");
    wait_for(harness, &name, |h| (checked(h, &name) == shown).then_some(()));
}

#[test]
fn the_palette_finds_a_command_by_a_few_letters_and_runs_it() {
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
    // A change becomes a step of its own when the view has been still for a second.
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
fn a_click_pins_the_reading_and_another_way_lets_it_go() {
    let mut harness = first_masks();
    let canvas = harness.get_by_label("Picture canvas").rect();
    let sky = canvas.center() - egui::vec2(0.0, canvas.height() * 0.2);
    let elsewhere = canvas.center() + egui::vec2(0.0, canvas.height() * 0.2);
    click_at(&mut harness, sky);
    wait_for_label(&mut harness, "Pinned");
    harness.hover_at(elsewhere);
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains(" %  sky").count(), 1);
    harness.get_by_label("Unpin reading").click();
    wait_for_label(&mut harness, "Under the cursor");

    click_at(&mut harness, sky);
    wait_for_label(&mut harness, "Pinned");
    // Later than a double click.
    pass(&mut harness, 1.0);
    click_at(&mut harness, sky);
    wait_for_label(&mut harness, "Under the cursor");
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
fn copying_a_reading_puts_it_on_the_clipboard_as_text() {
    let mut harness = first_masks();
    let canvas = harness.get_by_label("Picture canvas").rect();
    harness.hover_at(canvas.center() - egui::vec2(0.0, canvas.height() * 0.2));
    harness.run_steps(3);
    // What window systems send for Ctrl+C.
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
    // The middle of the picture, as far as its pixels are coarser than the screen's.
    let x: usize = lines[1]
        .strip_prefix("x ")
        .and_then(|l| l.split(',').next()?.parse().ok())
        .expect("a column");
    assert!((638..=642).contains(&x), "{copied}");
    assert!(lines[2].starts_with("red "), "{copied}");
    let percent = |line: &str| line.split(": ").nth(1)?.strip_suffix(" %")?.parse::<f32>().ok();
    let [best, second, third, margin] = [3, 4, 5, 6].map(|i| percent(lines[i]).expect("a percentage"));
    assert!(
        lines[3].starts_with("sky: ") && lines[6].starts_with("margin: "),
        "{copied}"
    );
    assert!(best >= second && second >= third, "{copied}");
    assert!((best - second - margin).abs() < 0.15, "{copied}");
    wait_for_label(&mut harness, "Reading copied");
}

#[test]
fn keys_do_nothing_else_while_a_class_is_searched_for() {
    let mut harness = first_masks();
    harness.get_by_label("Find a class").focus();
    harness.run_steps(2);
    // As a keyboard sends it: a key and its text. M hides masks, I the inspector, L the list, Page down goes on.
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
    assert!(harness.query_by_label("Pictures").is_some());
    // The same key outside of the field.
    harness.get_by_label("Picture canvas").focus();
    harness.run_steps(2);
    harness.key_press(Key::M);
    wait_for(&mut harness, "hidden masks", |h| {
        (!checked(h, "Show masks")).then_some(())
    });
}
