//! Several decoders and models: switching, opening and closing them.

use std::fs;
use std::path::{Path, PathBuf};

use egui::{Key, Modifiers, Rect, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use segscope::app::{App, Start, Store};

use crate::bundles::{five_decoders, save};
use crate::harness::{
    checked, drop_onto, embedded, embedded_with_all, first_start, in_repository, mask, shows, start, street, wait_for,
    wait_for_label, wait_for_masks, wait_for_result, wait_for_text, window, window_of_size,
};

const LINEAR: &str = "Seg-48x4-Linear/16";
const PUP: &str = "SETR-PUP-48x4/16";

fn bundle(folder: &Path) -> PathBuf {
    save(&five_decoders(), 1, &folder.join("five.safetensors"))
}

fn window_with_five_decoders(folder: &Path, size: [f32; 2]) -> Harness<'static, App> {
    let begin = Start {
        model: Some(bundle(folder)),
        ..start()
    };
    let mut harness = window_of_size(begin, size);
    wait_for_result(&mut harness, LINEAR);
    harness
}

/// Opens the list of models and decoders.
fn open_chip(harness: &mut Harness<App>) {
    harness.get_by_label_contains("Model: ").click();
    wait_for_label(harness, "Decoder");
    harness.run_steps(2);
}

#[test]
fn a_click_shows_another_decoder_and_going_back_uses_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with_five_decoders(folder.path(), [1100.0, 860.0]);
    harness.get_by_label("Show sky").click();
    harness.run_steps(2);
    open_chip(&mut harness);
    assert!(checked(&harness, LINEAR) && !checked(&harness, PUP));
    harness.get_by_label(PUP).click();
    wait_for_result(&mut harness, PUP);
    assert!(checked(&harness, PUP) && !checked(&harness, LINEAR));
    assert!(!checked(&harness, "Show sky"));
    wait_for_text(&mut harness, "Photo Sample street, Done");
    harness.get_by_label(LINEAR).click();
    harness.run_steps(2);
    assert!(shows(&harness, LINEAR), "the cached result is shown at once");
    assert!(harness.query_by_label("Progress").is_none(), "nothing runs");
}

#[test]
fn keys_and_the_palette_choose_decoders() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with_five_decoders(folder.path(), [1100.0, 860.0]);
    for (key, title) in [
        (Key::Num2, "Seg-48x4-Mask/16"),
        (Key::Num5, "SETR-MLA-48x4/16"),
        (Key::Num1, LINEAR),
    ] {
        harness.key_press(key);
        wait_for_result(&mut harness, title);
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("use naive");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_result(&mut harness, "SETR-Naive-48x4/16");
}

#[test]
fn heads_of_a_decoder_are_chosen_from_a_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window_with_five_decoders(folder.path(), [1100.0, 860.0]);
    open_chip(&mut harness);
    assert!(
        harness.query_by_label("Output").is_none(),
        "the linear decoder has one head"
    );
    harness.get_by_label(PUP).click();
    wait_for_label(&mut harness, "Output");
    wait_for_label(&mut harness, "layer 2");
    harness.get_by_label("layer 2").click();
    wait_for_result(&mut harness, &format!("{PUP} layer 2"));
    assert!(checked(&harness, PUP));
    harness.key_press(Key::Num4);
    wait_for_result(&mut harness, PUP);
}

#[test]
fn the_decoder_is_restored_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |model: Option<PathBuf>| {
        window(Start {
            store: Some(Store::at(folder.path())),
            model,
            ..start()
        })
    };
    let mut harness = at(Some(bundle(folder.path())));
    wait_for_result(&mut harness, LINEAR);
    harness.key_press(Key::Num4);
    wait_for(&mut harness, "the decoder in the session", |_| {
        let text = fs::read_to_string(folder.path().join("session.toml")).ok()?;
        text.lines().any(|line| line == "decoder = \"pup\"").then_some(())
    });
    drop(harness);
    let mut harness = at(None);
    wait_for_result(&mut harness, PUP);
}

#[test]
fn several_models_stay_open_until_they_are_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(first_start());
    wait_for_result(&mut harness, &embedded(16));
    drop_onto(&mut harness, &bundle(folder.path()));
    wait_for_result(&mut harness, LINEAR);
    harness.key_press(Key::Num1);
    harness.run_steps(2);
    assert!(shows(&harness, &embedded(16)), "the cached result is shown at once");
    // The fourth decoder after the five of the embedded model.
    harness.key_press(Key::Num9);
    wait_for_result(&mut harness, PUP);

    let titles = [five_decoders().title(), embedded_with_all()];
    for (title, open) in titles.into_iter().zip([2, 1]) {
        wait_for_label(&mut harness, &format!("Model: {title}"));
        harness.get_by_label(&format!("Model: {title}")).click();
        wait_for_text(&mut harness, &format!("Open models: {open}, "));
        harness.get_by_label(&format!("Close {title}")).click();
        wait_for_text(&mut harness, &format!("Open models: {}, ", open - 1));
        harness.key_press(Key::Escape);
        wait_for(&mut harness, "the closed list", |h| {
            h.query_by_label_contains("Open models: ").is_none().then_some(())
        });
    }
    wait_for_label(&mut harness, "No model is open.");
    wait_for(&mut harness, "a list without results", |h| {
        h.query_by_label("Photo Sample street, Not segmented").map(drop)
    });
}

/// A model file that can be opened but never read to its end, like a very large file.
#[cfg(unix)]
fn endless_model(path: &Path) -> fs::File {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success(), "{made}");
    // Open both ends, so that opening the pipe does not block.
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .expect("a pipe")
}

#[test]
#[cfg(unix)]
fn opening_a_model_can_be_cancelled_by_button_or_escape() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    let mut pipes = Vec::new();
    for name in ["a.safetensors", "b.safetensors"] {
        let path = folder.path().join(name);
        let mut pipe = endless_model(&path);
        drop_onto(&mut harness, &path);
        wait_for_label(&mut harness, "Progress of opening the model");
        let text = harness.get_by_label("Progress of opening the model").value();
        assert_eq!(text, Some(format!("Opening {name}")));
        match name {
            "a.safetensors" => harness.get_by_label("Cancel loading").click(),
            _ => harness.key_press(Key::Escape),
        }
        wait_for_label(&mut harness, &format!("Cancelled opening {name}"));
        assert!(harness.query_by_label("Cancel loading").is_none());
        assert!(shows(&harness, &mask()), "the masks stay");
        // The worker notices the cancellation while reading.
        pipe.write_all(&[0; 4096]).expect("a pipe with room");
        pipes.push(pipe);
    }
    drop_onto(&mut harness, &in_repository("tests/golden/rstrudel-mask-p16"));
    wait_for_result(&mut harness, "Seg-64x3-Mask/16");
    assert!(
        harness.query_by_label_contains("expected").is_none(),
        "no error is shown"
    );
}

#[test]
fn the_top_bar_fits_small_windows_without_overlaps() {
    let folder = tempfile::tempdir().expect("a folder");
    for size in [[1280.0, 820.0], [900.0, 600.0], [640.0, 420.0]] {
        let mut harness = window_with_five_decoders(folder.path(), size);
        assert_rows_have_room(&harness, size);
        harness.key_press(Key::Num4);
        wait_for_result(&mut harness, PUP);
        assert_rows_have_room(&harness, size);
        drop_onto(&mut harness, &in_repository("tests/golden/rstrudel-mask-p16"));
        wait_for_result(&mut harness, "Seg-64x3-Mask/16");
        assert_rows_have_room(&harness, size);
        open_chip(&mut harness);
        harness.get_by_label("SETR-MLA-48x4/16").click();
        wait_for_result(&mut harness, "SETR-MLA-48x4/16");
    }
}

#[test]
fn a_very_small_window_folds_its_menus_and_leaves_room_for_the_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = ["a.jpg", "b.jpg"].map(|name| street(folder.path(), name)).to_vec();
    let size = [512.0, 320.0];
    let mut harness = window_of_size(Start { images, ..start() }, size);
    wait_for_text(&mut harness, "Model: ");
    wait_for_label(&mut harness, "Photo canvas");
    harness.run_steps(2);
    assert_rows_have_room(&harness, size);
    // The image list is hidden while the panel on the right is open.
    let list = "Photo a.jpg, ";
    assert_eq!(harness.query_all_by_label_contains(list).count(), 0);
    let canvas = harness.get_by_label("Photo canvas").rect();
    assert!(canvas.width() >= 200.0, "{canvas:?}");
    harness.get_by_label("Menu").click();
    wait_for_label(&mut harness, "Help");
    let menus = ["File", "Edit", "Help"];
    for (above, below) in menus.iter().zip(&menus[1..]) {
        let [above, below] = [above, below].map(|menu| harness.get_by_label(menu).rect());
        assert!(above.bottom() <= below.top() + 1.0, "{above:?} and {below:?}");
    }
}

/// Checks that the widgets in the two rows at the top are inside the window and do not overlap.
fn assert_rows_have_room(harness: &Harness<App>, [width, height]: [f32; 2]) {
    use egui::accesskit::Role;
    let window = Rect::from_min_max(pos2(0.0, 0.0), pos2(width, height));
    let mut rows: Vec<(String, Rect)> = Vec::new();
    for role in [Role::Button, Role::ComboBox, Role::Label, Role::ProgressIndicator] {
        for node in harness.query_all_by_role(role) {
            let node_name = node.accesskit_node();
            let name = node_name.label().or_else(|| node_name.value()).unwrap_or_default();
            if node.rect().bottom() < 104.0 {
                rows.push((name.to_string(), node.rect()));
            }
        }
    }
    // In narrow windows, the workspaces are folded into one.
    let least = if width < 600.0 { 6 } else { 10 };
    assert!(rows.len() >= least, "{rows:?}");
    for (i, (name, rect)) in rows.iter().enumerate() {
        assert!(window.contains_rect(*rect), "{name} at {rect:?} in {width} x {height}");
        for (other, place) in &rows[..i] {
            let common = rect.intersect(*place);
            assert!(
                common.width() < 1.0 || common.height() < 1.0,
                "{name} at {rect:?} overlaps {other} at {place:?}, {width} x {height}"
            );
        }
    }
}

#[test]
fn all_patch_sizes_are_opened_and_their_results_cached() {
    let mut harness = window_of_size(first_start(), [1200.0, 800.0]);
    wait_for_result(&mut harness, &embedded(16));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::P);
    wait_for_label(&mut harness, "Find a command");
    harness.get_by_label("Find a command").type_text("patch sizes");
    harness.step();
    harness.key_press(Key::Enter);
    wait_for_label(&mut harness, &format!("Pane 3: {}", embedded(8)));
    wait_for(&mut harness, "two comparisons", |h| {
        (h.query_all_by_label_contains("% agree").count() == 2).then_some(())
    });
    harness.key_press(Key::F2);
    // The current output has not changed.
    wait_for_result(&mut harness, &embedded(16));
    for (key, patch) in [(Key::Num1, 16), (Key::Num6, 32), (Key::Num8, 8)] {
        harness.key_press(key);
        harness.run_steps(2);
        let title = embedded(patch);
        assert!(shows(&harness, &title), "the cached result of {title} is shown at once");
    }
}
