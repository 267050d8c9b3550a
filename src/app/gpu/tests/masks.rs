//! Drawing masks.

use std::sync::Arc;

use egui::{Rect, pos2, vec2};

use super::studio::{GAMMA, GREY, LINEAR, SIDE, Studio, all, at, color, halves, map, motley, plain};
use crate::app::gpu::{Highlight, MaskStyle, Tone, shape};
use crate::app::state::MaskFill;
use crate::labels::LabelMap;
use crate::photo::Photo;

#[test]
fn a_hidden_class_shows_the_photo_and_a_visible_one_is_blended() {
    for format in [GAMMA, LINEAR] {
        let Some(studio) = Studio::open(format) else { return };
        let mut style = MaskStyle {
            opacity: 0.5,
            outline: 3.0,
            highlight: Some(Highlight { class: 1, region: None }),
            ..plain()
        };
        style.palette[1][3] = 0;
        let drawn = studio.draw_masks(16, halves(16), style);
        let mixed = std::array::from_fn(|c| (u16::from(GREY[c]) + u16::from(color(0)[c])).div_ceil(2) as u8);
        for y in 0..SIDE {
            assert_eq!(at(&drawn, 20, y), mixed);
            assert_eq!(
                at(&drawn, 30, y),
                lighter(color(0)),
                "the outline is as opaque as its class"
            );
            assert!((32..SIDE).all(|x| at(&drawn, x, y) == GREY));
        }
    }
}

/// The colour of the outline of a class.
fn lighter(color: [u8; 3]) -> [u8; 3] {
    color.map(|value| (f32::from(value) * 0.92 + 255.0 * 0.08).round() as u8)
}

#[test]
fn outlines_are_drawn_inside_their_class_only() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let style = MaskStyle {
        fill: MaskFill::Empty,
        outline: 2.0,
        ..plain()
    };
    // Magnified, at 1:1, and reduced.
    for side in [16, SIDE, 4 * SIDE] {
        let drawn = studio.draw_masks(side, halves(side), style.clone());
        for (i, pixel) in drawn.into_iter().enumerate() {
            let expected = match i % SIDE {
                30 | 31 => lighter(color(0)),
                // The dark line between both.
                32 => GREY.map(|value| (f32::from(value) * 0.62).round() as u8),
                33 | 34 => lighter(color(1)),
                // Also at the border of the image.
                _ => GREY,
            };
            assert_eq!(pixel, expected, "column {} of a map of {side} pixels", i % SIDE);
        }
    }
}

#[test]
fn the_threshold_hides_low_confidence_and_fading_starts_there() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let map = map(SIDE, |_, _| 0);
    // The first column has no probability at all, the last is certain.
    let confidence: Vec<u16> = (0..SIDE * SIDE)
        .map(|i| (i % SIDE * 65535 / (SIDE - 1)) as u16)
        .collect();
    let labels = studio.labels(&map, &confidence);
    let photo = studio.photo(SIDE, |_, _| GREY);
    let drawn = |fade| {
        let style = MaskStyle {
            threshold: 0.5,
            fade,
            ..plain()
        };
        let masks = Some((labels.clone(), style));
        studio.draw_whole(&photo, masks, Tone::default())
    };
    let (sharp, faded) = (drawn(false), drawn(true));
    for x in 0..SIDE {
        let expected = if x < SIDE / 2 { GREY } else { color(0) };
        assert_eq!(at(&sharp, x, 9), expected, "column {x}");
    }
    let red: Vec<u8> = (SIDE / 2..SIDE).map(|x| at(&faded, x, 9)[0]).collect();
    assert!(red.is_sorted() && red[0] < GREY[0] + 5 && red[SIDE / 4].abs_diff(146) < 5 && red[SIDE / 2 - 1] == 200);
    assert!((0..SIDE / 2).all(|x| at(&faded, x, 9) == GREY));
}

#[test]
fn hatching_covers_half_and_differs_by_class() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let style = MaskStyle {
        fill: MaskFill::Hatching,
        palette: vec![[255, 255, 255, 255]; 4],
        ..plain()
    };
    let hatchings = [0, 1, 2, 3].map(|class| studio.draw_masks(4, |_, _| class, style.clone()));
    for (class, drawn) in hatchings.iter().enumerate() {
        let covered: f32 = drawn
            .iter()
            .map(|p| f32::from(p[0] - GREY[0]) / f32::from(255 - GREY[0]))
            .sum();
        let share = covered / drawn.len() as f32;
        assert!((0.45..0.55).contains(&share), "{share} of class {class}");
        assert!(hatchings[..class].iter().all(|other| other != drawn), "class {class}");
    }
}

#[test]
fn a_highlight_changes_only_its_region() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    // Two squares of class 1, left and right, on class 0.
    let square = |x: usize, left: usize| (left..left + 20).contains(&x);
    let class = move |x: usize, y: usize| u16::from((10..40).contains(&y) && (square(x, 4) || square(x, 36)));
    let style = |highlight| MaskStyle {
        opacity: 0.5,
        highlight,
        ..plain()
    };
    let before = studio.draw_masks(SIDE, class, style(None));
    for (region, lefts) in [(Some(1), &[4][..]), (None, &[4, 36][..])] {
        let of = Highlight { class: 1, region };
        let drawn = studio.draw_masks(SIDE, class, style(Some(of)));
        for (i, (pixel, before)) in drawn.iter().zip(&before).enumerate() {
            let (x, y) = (i % SIDE, i / SIDE);
            let fill = class(x, y) == 1 && lefts.iter().any(|left| square(x, *left));
            assert_eq!(pixel != before, fill, "{of:?} at {x}, {y}");
        }
        let colors = [(4, 20), (5, 20), (6, 20), (13, 20)].map(|(x, y)| at(&drawn, x, y));
        assert_eq!(colors[0], [255; 3]);
        assert!(colors[1..3].contains(&[0; 3]), "{colors:?}");
        assert!(colors[3][1] > at(&before, 13, 20)[1]);
    }
}

#[test]
fn uploads_in_several_slabs_are_complete() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    // More than two slabs of each texture; the last corner is visible.
    let side = 48 * SIDE;
    let corner = Rect::from_min_size(
        pos2(-47.0 * SIDE as f32, -47.0 * SIDE as f32),
        vec2(side as f32, side as f32),
    );
    let class = |x: usize, y: usize| ((x / 3 + y / 5) % 4) as u16;
    let sure = |x: usize, y: usize| x % 7 != y % 5;
    let confidence: Vec<u16> = (0..side * side)
        .map(|i| if sure(i % side, i / side) { 65535 } else { 0 })
        .collect();
    let labels = studio.labels(&map(side, class), &confidence);
    let style = MaskStyle {
        threshold: 0.5,
        ..plain()
    };
    let photo = studio.photo(side, motley);
    let masks = Some((labels, style));
    let drawn = studio.draw(vec![shape(
        &studio.gpu,
        0,
        all(),
        corner,
        photo,
        masks,
        Tone::default(),
    )]);
    for (i, pixel) in drawn.into_iter().enumerate() {
        let (x, y) = (47 * SIDE + i % SIDE, 47 * SIDE + i / SIDE);
        let expected = if sure(x, y) { color(class(x, y)) } else { motley(x, y) };
        assert_eq!(pixel, expected, "at {x}, {y}");
    }
}

#[test]
fn an_image_wider_than_the_largest_texture_is_shown_completely() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let (width, height) = (20_000, 4);
    let photo = Photo::new(width, height, (0..width * height).flat_map(|_| GREY).collect());
    let map = LabelMap {
        width,
        height,
        ids: (0..width * height).map(|i| u16::from(i % width >= width / 2)).collect(),
    };
    let mut style = plain();
    style.palette[1][3] = 0;
    let labels = studio.labels(&map, &vec![65535; width * height]);
    let photo = Arc::new(studio.gpu.photo(&photo));
    let drawn = studio.draw_whole(&photo, Some((labels, style)), Tone::default());
    for (i, pixel) in drawn.into_iter().enumerate() {
        assert_eq!(
            pixel,
            if i % SIDE < SIDE / 2 { color(0) } else { GREY },
            "column {}",
            i % SIDE
        );
    }
}

#[test]
fn classes_with_a_repeated_colour_are_striped() {
    let Some(studio) = Studio::open(GAMMA) else { return };
    let style = |repeats_after| MaskStyle {
        palette: vec![[200, 0, 0, 255]; 3],
        repeats_after,
        ..plain()
    };
    let reds = |class: u16, repeats_after| {
        let drawn = studio.draw_masks(SIDE, |_, _| class, style(repeats_after));
        let mut reds: Vec<u8> = drawn.into_iter().map(|[red, ..]| red).collect();
        reds.sort_unstable();
        reds.dedup();
        reds.len()
    };
    assert_eq!((reds(1, Some(2)), reds(2, None)), (1, 1), "plain");
    assert!(reds(2, Some(2)) > 1, "stripes");
}
