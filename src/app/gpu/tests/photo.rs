//! Drawing photos: one, or several in a frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Rect, pos2, vec2};

use super::studio::{GAMMA, LINEAR, SIDE, Studio, all, halves, image, map, motley, plain};
use crate::app::gpu::{MaskStyle, Tone, Upload, Uploaded, Uploader, shape};

#[test]
fn a_photo_at_actual_size_keeps_its_bytes_on_both_target_formats() {
    for format in [GAMMA, LINEAR] {
        let Some(studio) = Studio::open(format) else { return };
        let photo = studio.photo(SIDE, motley);
        let drawn = |tone| studio.draw_whole(&photo, None, tone);
        assert_eq!(drawn(Tone::default()), image(SIDE, motley).rgb.as_chunks::<3>().0);
        let grey = Tone {
            brightness: 0.25,
            contrast: -1.0,
            ..Tone::default()
        };
        assert!(drawn(grey).iter().flatten().all(|v| (190..=192).contains(v)));
    }
}

#[test]
fn a_magnified_photo_has_sharp_pixels_even_if_partly_visible() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let photo = studio.photo(100, motley);
    // 16 screen pixels per photo pixel, far beyond the target on all sides.
    let rect = Rect::from_min_size(pos2(-320.0, -800.0), vec2(1600.0, 1600.0));
    let drawn = studio.draw(vec![shape(&studio.gpu, 0, all(), rect, photo, None, Tone::default())]);
    for (i, pixel) in drawn.into_iter().enumerate() {
        assert_eq!(pixel, motley(20 + i % SIDE / 16, 50 + i / SIDE / 16));
    }
}

#[test]
fn a_reduced_photo_is_averaged() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let photo = studio.photo(8 * SIDE, |x, y| if (x + y) % 2 == 0 { [255; 3] } else { [0; 3] });
    let drawn = studio.draw_whole(&photo, None, Tone::default());
    assert!(drawn.iter().flatten().all(|v| (127..=129).contains(v)));
}

#[test]
fn the_uploader_returns_the_photo_and_ends() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let uploader = Uploader::start(Some(studio.gpu.clone()), &egui::Context::default()).expect("a thread");
    uploader.ask(Upload::Photo(7, Arc::new(image(SIDE, motley))));
    let deadline = Instant::now() + Duration::from_secs(60);
    let photo = loop {
        match uploader.poll() {
            Some(Uploaded::Photo { id: 7, photo }) => break photo,
            Some(_) => panic!("nothing else was requested"),
            None => std::thread::park_timeout(Duration::from_millis(5)),
        }
        assert!(Instant::now() < deadline, "no photo came");
    };
    let drawn = studio.draw_whole(&photo, None, Tone::default());
    assert_eq!(drawn, image(SIDE, motley).rgb.as_chunks::<3>().0);
    drop(uploader);
}

#[test]
fn two_places_in_one_frame_are_independent() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let photo = studio.photo(16, motley);
    let labels = studio.labels(&map(16, halves(16)), &[65535; 256]);
    let half = |left| Rect::from_min_size(pos2(left, 0.0), vec2(SIDE as f32 / 2.0, SIDE as f32));
    let mut other = plain();
    other.palette.rotate_left(1);
    let place = |slot, left, style, brightness| {
        let tone = Tone {
            brightness,
            ..Tone::default()
        };
        let masks = Some((labels.clone(), style));
        shape(&studio.gpu, slot, half(left), half(left), photo.clone(), masks, tone)
    };
    let faint = MaskStyle {
        opacity: 0.3,
        ..plain()
    };
    let (first, second) = (place(0, 0.0, faint, 0.2), place(1, 32.0, other, -0.3));
    let both = studio.draw(vec![first.clone(), second.clone()]);
    let alone = [studio.draw(vec![first]), studio.draw(vec![second])];
    for (i, pixel) in both.into_iter().enumerate() {
        assert_eq!(pixel, alone[usize::from(i % SIDE >= SIDE / 2)][i]);
    }
}
