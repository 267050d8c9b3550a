//! What can come at worst.

use std::sync::Arc;

use super::super::{
    ABSENT, Guide, Learned, Lesson, LessonImage, NO_STROKE, Samples, Standard, Stop, Stroke, TaughtLabels, TeachError,
    TokenLogits, Tokens, guide_of, label, largest_uncertain, learn, mask, pixels, samples,
};
use super::three_parts;
use crate::labels::LabelMap;
use crate::photo::Photo;

fn dot(class: u16, x: usize, y: usize) -> Stroke {
    Stroke::new(class, 1.0, vec![[x as f64, y as f64]])
}

fn line(class: u16, from: [f64; 2], to: [f64; 2]) -> Stroke {
    Stroke::new(class, 3.0, vec![from, to])
}

fn lesson(tokens: &Tokens, classes: &[u16], strokes: Vec<Stroke>) -> Lesson {
    let image = LessonImage {
        tokens: Arc::new(tokens.clone()),
        strokes,
        accepted: None,
    };
    Lesson {
        classes: classes.to_vec(),
        images: vec![image],
        trained: None,
    }
}

fn labelled(lesson: &Lesson, photo: &Photo, guided: bool) -> (Learned, TaughtLabels) {
    let image = &lesson.images[0];
    let learned = lesson.learn(None).expect("a decoder");
    let guide = guided.then(|| guide_of(photo, image.tokens.encoded).expect("a guide"));
    let labels = label(
        &learned.decoder,
        &lesson.classes,
        &image.tokens,
        photo,
        guide.as_ref(),
        &image.strokes,
    );
    (learned, labels.expect("labels"))
}

/// The share of pixels whose class is that of their third of the image.
fn right(found: &LabelMap, classes: [u16; 3]) -> f64 {
    let wanted = |at: usize| classes[(((at % found.width) as f64 + 0.5) * 3.0 / found.width as f64) as usize];
    let count = found
        .ids
        .iter()
        .enumerate()
        .filter(|(at, id)| **id == wanted(*at))
        .count();
    count as f64 / found.ids.len() as f64
}

#[test]
fn three_strokes_find_three_parts() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let strokes = vec![
        line(40, [8.0, 10.0], [10.0, 50.0]),
        line(2, [44.0, 10.0], [50.0, 50.0]),
        line(9, [84.0, 10.0], [86.0, 50.0]),
    ];
    let lesson = lesson(&tokens, &[2, 9, 40], strokes);
    for guided in [false, true] {
        let (_, found) = labelled(&lesson, &photo, guided);
        let right = right(&found.labels, [40, 2, 9]);
        assert!(right > if guided { 0.995 } else { 0.95 }, "{guided}: {right}");
        let all = found.margin.iter().chain(&found.confidence);
        assert!(all.into_iter().all(|value| (0.0..=1.0).contains(value)));
    }
}

#[test]
fn one_pixel_is_enough_for_a_class() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let strokes = vec![dot(0, 10, 30), dot(1, 48, 30), dot(2, 85, 30)];
    let (_, found) = labelled(&lesson(&tokens, &[0, 1, 2], strokes), &photo, true);
    assert!(right(&found.labels, [0, 1, 2]) > 0.9);
    let (learned, found) = labelled(&lesson(&tokens, &[5], vec![dot(5, 3, 3)]), &photo, true);
    assert!(found.labels.ids.iter().all(|id| *id == 5));
    assert!(learned.decoder.weight.iter().all(|weight| weight.is_finite()));
}

#[test]
fn a_class_without_samples_is_never_found() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let strokes = vec![line(0, [8.0, 10.0], [8.0, 50.0]), line(2, [84.0, 10.0], [84.0, 50.0])];
    let (learned, found) = labelled(&lesson(&tokens, &[0, 1, 2], strokes), &photo, true);
    assert_eq!(learned.decoder.bias[1], ABSENT);
    assert!(!found.labels.ids.contains(&1));
}

#[test]
fn strokes_of_one_class_label_everything() {
    let (tokens, photo) = three_parts(30, 20, 192);
    let strokes = vec![line(1, [3.0, 3.0], [20.0, 9.0]), line(1, [3.0, 15.0], [20.0, 12.0])];
    let (_, found) = labelled(&lesson(&tokens, &[0, 1, 2], strokes), &photo, true);
    assert!(found.labels.ids.iter().all(|id| *id == 1));
    assert!(found.confidence.iter().all(|value| (value - 1.0).abs() < 1e-4));
}

#[test]
fn thirty_classes_are_learnt() {
    let (tokens, photo) = three_parts(320, 240, 192);
    let strokes: Vec<Stroke> = (0..30)
        .map(|class| {
            let [x, y] = [10.0 + f64::from(class % 6) * 50.0, 20.0 + f64::from(class / 6) * 40.0];
            line(class, [x, y], [x + 30.0, y + 10.0])
        })
        .collect();
    let classes: Vec<u16> = (0..30).collect();
    let (learned, found) = labelled(&lesson(&tokens, &classes, strokes), &photo, true);
    assert!(learned.loss < 0.7 * 30f64.ln(), "{}", learned.loss);
    assert!(found.labels.counts(30).iter().all(|count| *count > 0));
}

#[test]
fn strokes_outside_are_left_out() {
    let outside = line(0, [-50.0, -9.0], [-3.0, 900.0]);
    assert!(pixels(&outside, [30, 20]).is_empty());
    let (tokens, _) = three_parts(30, 20, 16);
    let only = lesson(&tokens, &[0], vec![outside.clone()]);
    assert!(matches!(only.learn(None), Err(TeachError::NoStrokes)));
    let far = Stroke::new(0, 3.0, vec![[f64::NAN, 2.0], [1e300, 3.0]]);
    assert!(pixels(&far, [30, 20]).is_empty());
    let mut both = only;
    both.images[0].strokes.push(line(0, [-5.0, 4.0], [3.0, 4.0]));
    assert!(both.learn(None).is_ok());
    assert_eq!(pixels(&both.images[0].strokes[1], [30, 20]).len(), 15);
}

#[test]
fn a_pixel_at_exactly_half_the_width_belongs() {
    let level = Stroke::new(0, 2.0, vec![[2.0, 5.0], [8.0, 5.0]]);
    assert_eq!(pixels(&level, [30, 20]).len(), 7 + 9 + 7);
    // Three, four, five: the pixels beside the middle of a slanted one.
    let slanted = Stroke::new(0, 10.0, vec![[10.0, 10.0], [18.0, 4.0]]);
    for at in [[17, 11], [11, 3]] {
        assert!(pixels(&slanted, [30, 20]).contains(&(at[1] * 30 + at[0])), "{at:?}");
    }
}

#[test]
fn nothing_is_learnt_from_nothing() {
    let (tokens, _) = three_parts(30, 20, 16);
    let standard = Standard::of(&[&tokens]).expect("statistics");
    let learned = learn(&Samples::new(16), 2, &standard, None, None, Stop::USUAL);
    assert_eq!(learned.decoder.bias, [ABSENT; 2]);
}

#[test]
fn an_unknown_class_is_refused() {
    let (tokens, _) = three_parts(30, 20, 16);
    let why = lesson(&tokens, &[0, 1], vec![dot(3, 4, 4)]).learn(None);
    assert!(matches!(why, Err(TeachError::UnknownClass(3))));
}

#[test]
fn a_grey_photo_of_one_colour_is_no_obstacle() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let flat = Photo::new(96, 64, vec![127; photo.rgb.len()]);
    let strokes = vec![dot(0, 10, 30), dot(1, 48, 30), dot(2, 85, 30)];
    let (_, found) = labelled(&lesson(&tokens, &[0, 1, 2], strokes), &flat, true);
    assert!(right(&found.labels, [0, 1, 2]) > 0.85);
}

#[test]
fn later_strokes_win() {
    let strokes = vec![line(0, [2.0, 5.0], [20.0, 5.0]), line(1, [10.0, 1.0], [10.0, 9.0])];
    let map = mask(&strokes, [30, 20]);
    assert_eq!(
        [map.get(10, 5), map.get(4, 5), map.get(25, 5)],
        [Some(1), Some(0), Some(NO_STROKE)]
    );
    let kept = samples(&strokes, [30, 20]);
    assert!(kept.iter().all(|pixel| map.get(pixel.x, pixel.y) == Some(pixel.class)));
    // Painted over completely: nothing is left of the first.
    let over = vec![strokes[0].clone(), Stroke::new(1, 9.0, strokes[0].points.clone())];
    assert!(samples(&over, [30, 20]).iter().all(|pixel| pixel.class == 1));
}

#[test]
fn strokes_win_over_the_decoder() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let strokes = vec![
        line(0, [8.0, 10.0], [8.0, 50.0]),
        line(1, [84.0, 10.0], [84.0, 50.0]),
        dot(1, 12, 40),
    ];
    let (_, found) = labelled(&lesson(&tokens, &[0, 1], strokes), &photo, true);
    assert_eq!(found.labels.get(12, 40), Some(1));
    assert_eq!(found.margin[40 * 96 + 12], 1.0);
}

#[test]
fn a_warm_start_ends_at_the_same_place() {
    let (tokens, _) = three_parts(96, 64, 48);
    let mut lesson = lesson(
        &tokens,
        &[0, 1],
        vec![line(0, [8.0, 10.0], [8.0, 50.0]), line(1, [84.0, 10.0], [84.0, 50.0])],
    );
    let first = lesson.learn(None).expect("a decoder");
    let again = lesson.learn(Some(&first.decoder)).expect("a decoder");
    assert!(again.loss <= first.loss + 1e-9 && again.iterations <= first.iterations);
    // A class more: it begins at zero.
    lesson.classes.push(2);
    lesson.images[0].strokes.push(line(2, [48.0, 10.0], [48.0, 50.0]));
    assert_eq!(
        lesson.learn(Some(&first.decoder)).expect("a decoder"),
        lesson.learn(None).expect("a decoder")
    );
}

#[test]
fn accepted_images_are_learnt_from() {
    let (tokens, photo) = three_parts(96, 64, 48);
    let ids = (0..96 * 64).map(|at| [0, 1, u16::MAX][at % 96 / 32]).collect();
    let mut lesson = lesson(&tokens, &[0, 1, 2], vec![line(2, [84.0, 10.0], [84.0, 50.0])]);
    let map = LabelMap {
        width: 96,
        height: 64,
        ids,
    };
    lesson.images.push(LessonImage {
        accepted: Some(map),
        ..lesson.images[0].clone()
    });
    let (_, found) = labelled(&lesson, &photo, true);
    assert!(right(&found.labels, [0, 1, 2]) > 0.98);
    lesson.images[1].accepted.as_mut().expect("a map").width = 95;
    assert!(matches!(lesson.learn(None), Err(TeachError::Size { .. })));
}

#[test]
fn results_do_not_depend_on_threads() {
    let (tokens, photo) = three_parts(480, 360, 192);
    let ids = (0..480 * 360).map(|at| (at % 480 / 160) as u16).collect();
    let mut lesson = lesson(&tokens, &[0, 1, 2], Vec::new());
    lesson.images[0].accepted = Some(LabelMap {
        width: 480,
        height: 360,
        ids,
    });
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads");
        pool.install(|| labelled(&lesson, &photo, true))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_large_photo_follows_its_own_edges() {
    let (mut tokens, _) = three_parts(96, 64, 48);
    let strokes = vec![dot(0, 100, 300), dot(1, 480, 300), dot(2, 850, 300)];
    tokens.image = [960, 640];
    let color = |at: usize| [[200, 40, 40], [40, 200, 40], [40, 40, 200]][at % 960 / 320];
    let photo = Photo::new(960, 640, (0..960 * 640).flat_map(color).collect());
    let lesson = lesson(&tokens, &[0, 1, 2], strokes);
    let decoder = lesson.learn(None).expect("a decoder").decoder;
    let guide = Guide::new(&photo.resized(96, 64)).expect("a guide");
    let found = label(&decoder, &[0, 1, 2], &tokens, &photo, Some(&guide), &[]).expect("labels");
    assert!(right(&found.labels, [0, 1, 2]) > 0.99);
    // At the guide's own size both ways are the same filter.
    let (tokens, photo) = three_parts(96, 64, 48);
    let values = TokenLogits::of(&tokens, &decoder)
        .expect("logits")
        .probabilities(&tokens, [96, 64]);
    let guide = Guide::new(&photo).expect("a guide");
    let (whole, large) = (
        guide.rank(&values).expect("a ranking"),
        guide.rank_large(&values, &photo).expect("a ranking"),
    );
    assert!(whole.value.iter().zip(&large.value).all(|(a, b)| (a - b).abs() < 1e-5));
    let planes: Vec<Vec<f32>> = (0..3)
        .map(|class| guide.filter(&values, class).expect("a class"))
        .collect();
    for at in 0..96 * 64 {
        let sum: f32 = planes.iter().map(|plane| plane[at]).sum();
        assert!((sum - 1.0).abs() < 1e-4);
        assert_eq!(planes[usize::from(whole.best[at])][at], whole.value[at]);
    }
}

#[test]
fn without_a_filter_rows_are_ranked_as_they_are() {
    let (tokens, photo) = three_parts(30, 20, 48);
    let strokes = vec![dot(0, 3, 10), dot(1, 15, 10), dot(2, 27, 10)];
    let (learned, found) = labelled(&lesson(&tokens, &[0, 1, 2], strokes), &photo, false);
    let values = TokenLogits::of(&tokens, &learned.decoder)
        .expect("logits")
        .probabilities(&tokens, [30, 20]);
    for at in (0..600).filter(|at| found.margin[*at] < 1.0) {
        let of = |class: usize| values.row(class, at / 30)[at % 30];
        let most = of(0).max(of(1)).max(of(2));
        assert_eq!(found.confidence[at], most);
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    assert!(matches!(
        Tokens::new(vec![0.0; 5], 2, 8, [8, 8], [8, 8]),
        Err(TeachError::Count { expected: 2, .. })
    ));
    assert!(matches!(
        Tokens::new(vec![f32::NAN; 2], 2, 8, [8, 8], [8, 8]),
        Err(TeachError::NotFinite(_))
    ));
    assert!(matches!(
        Tokens::new(Vec::new(), 0, 8, [8, 8], [8, 8]),
        Err(TeachError::Size { .. })
    ));
    let (tokens, photo) = three_parts(30, 20, 16);
    let decoder = lesson(&tokens, &[0], vec![dot(0, 1, 1)])
        .learn(None)
        .expect("a decoder")
        .decoder;
    let other = Photo::new(31, 20, vec![0; 31 * 20 * 3]);
    assert!(label(&decoder, &[0], &tokens, &other, None, &[]).is_err());
    assert!(label(&decoder, &[0, 1], &tokens, &photo, None, &[]).is_err());
    assert!(Guide::new(&Photo::new(0, 0, Vec::new())).is_err());
}

#[test]
fn the_largest_unsure_region_is_suggested() {
    let mut margins = vec![1.0; 60 * 40];
    let mut fill = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
        for y in y {
            margins[y * 60..][x.clone()].fill(0.1);
        }
    };
    fill(4..10, 4..10);
    fill(30..47, 10..21);
    // A seam all around, which is larger than both.
    fill(0..60, 30..31);
    fill(0..60, 34..35);
    fill(0..1, 30..40);
    let found = largest_uncertain(&margins, [60, 40], 0.5).expect("a region");
    assert_eq!((found.columns, found.rows, found.pixels), (31..46, 11..20, 15 * 9));
    assert_eq!(found.pixel[1], 15);
    assert!((35..=41).contains(&found.pixel[0]), "{:?}", found.pixel);
    assert_eq!(largest_uncertain(&[1.0; 6], [3, 2], 0.5), None);
    assert_eq!(largest_uncertain(&[1.0; 5], [3, 2], 0.5), None);
    let seam = largest_uncertain(&[1.0, 0.1, 1.0, 1.0], [4, 1], 0.5).expect("a region");
    assert_eq!((seam.columns, seam.pixels), (1..2, 1));
}
