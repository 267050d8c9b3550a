//! Masks, classes, readings, and opening files.

use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use segscope::app::App;

use crate::adapter;
use crate::harness::{
    DEADLINE, checked, done, drop_onto, embedded, first_start, in_repository, mask, shows, start, street, wait_for,
    wait_for_masks, wait_for_result, window, window_with,
};

#[test]
fn a_first_start_segments_the_sample() {
    let mut harness = window(first_start());
    wait_for_result(&mut harness, &embedded(16));
    assert!(harness.query_by_label("Sample street").is_some() && harness.query_by_label("1280 × 960").is_some());
    for class in [
        "sky",
        "building",
        "pole",
        "road",
        "pavement",
        "tree",
        "sign",
        "fence",
        "car",
        "pedestrian",
        "bicyclist",
    ] {
        assert!(checked(&harness, &format!("Show {class}")), "{class} is not shown");
    }
}

#[test]
fn classes_are_hidden_and_shown_again() {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    harness.get_by_label("Show sky").click();
    harness.run_steps(2);
    assert!(!checked(&harness, "Show sky") && checked(&harness, "Show road"));
    harness.get_by_label("Hide all").click();
    harness.run_steps(2);
    assert!(!checked(&harness, "Show road"));
    harness.get_by_label("Show all").click();
    harness.run_steps(2);
    assert!(checked(&harness, "Show road") && checked(&harness, "Show sky"));
}

#[test]
fn pointing_at_a_pixel_shows_its_class() {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    assert_eq!(harness.query_all_by_label("sky").count(), 1, "the row of the class");
    let canvas = harness.get_by_label("Photo canvas").rect();
    harness.hover_at(canvas.center_top() + egui::vec2(0.0, canvas.height() * 0.3));
    harness.run_steps(3);
    let named = harness.query_all_by_label("sky").count();
    assert_eq!(
        named, 2,
        "the sky is above the middle of the sample, and named at the cursor"
    );
}

#[test]
fn no_other_image_is_shown_in_place_of_an_unreadable_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, "no photo").expect("a file");
    let [street, other] = ["street.jpg", "other.jpg"].map(|name| street(folder.path(), name));
    let mut harness = window_with(vec![street, broken, other]);
    assert!(harness.query_by_label("street.jpg").is_some(), "the top bar names it");
    harness.get_by_label("Next photo").click();
    wait_for(&mut harness, "the message", |h| {
        h.query_by_label("Can't open broken.png").map(drop)
    });
    harness.run_steps(2);
    assert!(harness.query_by_label("broken.png").is_some(), "the top bar names it");
    // Neither the previous image nor its masks, shares and times are shown.
    assert!(harness.query_by_label("street.jpg").is_none());
    assert!(harness.query_by_label("Photo canvas").is_none());
    assert!(!shows(&harness, &mask()));
    let has_share = |h: &Harness<App>| {
        let rows = h.query_all_by_role(egui::accesskit::Role::Button);
        let mut texts = rows.filter_map(|row| row.value());
        texts.any(|text| text.ends_with(" %"))
    };
    assert!(!has_share(&harness), "shares of classes");
    assert!(
        harness.query_by_label("2 of 3, not shown").is_some(),
        "the counter includes it"
    );
    harness.get_by_label("Next photo").click();
    wait_for(&mut harness, "the photo after it", |h| {
        h.query_by_label("3 of 3").map(drop)
    });
    assert!(harness.query_by_label_contains("Can't open").is_none());
    wait_for_masks(&mut harness);
    assert!(has_share(&harness));
    // Go back to the readable image, whose masks are cached.
    harness.get_by_label_contains(&done("street.jpg")).click();
    wait_for(&mut harness, "the first photo", |h| {
        h.query_by_label("street.jpg").map(drop)
    });
    wait_for_masks(&mut harness);
}

#[test]
fn dropped_images_open_and_a_dropped_folder_becomes_the_model() {
    let mut harness = window(start());
    wait_for_masks(&mut harness);
    drop_onto(&mut harness, &in_repository("assets/samples/street.jpg"));
    wait_for(&mut harness, "the photo", |h| h.query_by_label("street.jpg").map(drop));
    wait_for_masks(&mut harness);
    drop_onto(&mut harness, &in_repository("tests/golden/rstrudel-mask-p16"));
    wait_for(&mut harness, "the model", |h| {
        h.query_by_label("Model: Seg-64x3-Mask/16").map(drop)
    });
    assert!(
        harness.query_by_label("Show class 3").is_some(),
        "the classes are those of the new model"
    );
}

#[test]
fn masks_are_drawn_over_the_image_and_disappear_with_their_classes() {
    if !adapter::present() {
        return;
    }
    let mut harness = Harness::builder()
        .with_size([900.0, 600.0])
        .with_theme(egui::Theme::Dark)
        .with_context_setup(|ctx| ctx.input_mut(|i| i.max_texture_side = 8192))
        .wgpu()
        .build_eframe(|cc| App::new(cc, start()).expect("a worker thread"));
    wait_for_masks(&mut harness);
    harness.run_steps(3);
    let canvas = harness.get_by_label("Photo canvas").rect();
    // Textures are uploaded on another thread, so wait until the window looks as expected.
    let wait_for_road = |harness: &mut Harness<App>, what: &str, is: fn([u8; 4]) -> bool| {
        let begin = Instant::now();
        loop {
            harness.step();
            let image = harness.render().expect("a photo of the window");
            let below = canvas.bottom() - canvas.height() * 0.25;
            let road = image.get_pixel(canvas.center().x as u32, below as u32).0;
            if is(road) {
                return;
            }
            assert!(begin.elapsed() < DEADLINE, "{what}: {road:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    };
    let teal = |road: [u8; 4]| road[1] > road[0] + 10 && road[2] > road[0] + 10;
    wait_for_road(&mut harness, "the road is teal under its mask", teal);
    harness.get_by_label("Hide all").click();
    wait_for_road(&mut harness, "the road is grey without its mask", |road| {
        road[0].abs_diff(road[1]) < 10 && road[0] > 60
    });
}
